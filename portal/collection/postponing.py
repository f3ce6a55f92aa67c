"""More time (anstånd): the debtor moves the last day to pay alone, as far and as often as the rules
say.

Interest runs on, no fee is added, and the step that comes next waits as long as it would have done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from portal.collection import cases, lifecycle, notices, reaching, states
from portal.collection.models import Case, Event
from portal.collection.moves import move, record
from portal.collection.policy import Effective
from portal.delivery import outbox
from portal.extensions import db
from portal.identity.actor import Actor
from portal.law.calendar import banking_day_on_or_before
from portal.messages import N_, Problem, RedaError

EVENT = "case.postponed"
MOST_CHOICES = 4
_USUAL = (7, 14, 21, 30, 45, 60, 90)


@dataclass(frozen=True)
class Choice:
    """A later last day. total_ore: what is owed that day. interest_ore: the part of it that is
    interest of the days it is later by. interest_through_on: the last day that it is known for."""

    pay_by_on: date
    total_ore: int
    interest_ore: int
    interest_through_on: date

    @property
    def is_interest_known(self) -> bool:
        return self.interest_through_on >= self.pay_by_on


def times_left(case: Case, rules: Effective) -> int:
    """How many times more the rules let the debtor take more time."""
    taken = select(func.count()).where(Event.case_id == case.id, Event.name == EVENT)
    return max(0, rules.postpone_times - (db.session.scalar(taken) or 0))


def why_not(case: Case, rules: Effective) -> Problem | None:
    """Why the debtor alone cannot move the last day of an open case; None when they can."""
    if case.is_stopped:
        return Problem(N_("Your case stands still. More time can wait until it goes on."))
    if case.status == states.IMPORTED:
        return Problem(N_("There is no last day to pay yet."))
    if not rules.may_postpone or case.status not in (states.REMINDED, states.DEMANDED):
        return Problem(N_("More time must be asked for. Write to us, and we answer."))
    if not times_left(case, rules):
        return Problem(
            N_("You have taken more time as often as you can by yourself. Write to us if you need"
               " more.")
        )  # fmt: skip
    return None


def choices(case: Case, *, today: date) -> list[Choice]:
    """Up to four later last days that the debtor may choose, the nearest first.

    Each is a banking day, counted from the last day as it is, or from today when that is over; none
    is later than the rules let it be. Empty as `why_not` says.
    """
    rules = lifecycle.rules_of(case)
    if case.pay_by_on is None or why_not(case, rules) is not None:
        return []
    from_on = max(case.pay_by_on, today)
    most = rules.postpone_days
    days = [banking_day_on_or_before(from_on + timedelta(days=one)) for one in _spread(most)]
    later = [one for one in dict.fromkeys(days) if from_on < one < case.limited_on]
    before = cases.owed_on(case, from_on)
    return [_choice(case, one, before.interest_ore) for one in later]


def _spread(most: int) -> Sequence[int]:
    days = [*(one for one in _USUAL if one < most), most]
    if len(days) <= MOST_CHOICES:
        return days
    return [days[round(at * (len(days) - 1) / (MOST_CHOICES - 1))] for at in range(MOST_CHOICES)]


def _choice(case: Case, pay_by_on: date, interest_before_ore: int) -> Choice:
    owed = cases.owed_on(case, pay_by_on)
    return Choice(
        pay_by_on, owed.total_ore, owed.interest_ore - interest_before_ore, owed.interest_through_on
    )


def postpone(case: Case, pay_by_on: date, *, actor: Actor, today: date, now: datetime) -> bool:
    """Move the last day to pay to one of `choices`, and what comes next after it.

    case: locked. Answers whether it was done now: the same day again changes nothing. Raises
    states.NotAllowed for a case that has no such day, RedaError for a day that is no choice.
    """
    if case.pay_by_on == pay_by_on:
        return False
    rules = lifecycle.rules_of(case)
    if problem := why_not(case, rules):
        raise RedaError(problem.message)
    if pay_by_on not in [one.pay_by_on for one in choices(case, today=today)]:
        raise RedaError(N_("Choose one of the options."), field="pay_by_on")
    move(case, "postpone", actor)
    before_on, case.pay_by_on = case.pay_by_on, pay_by_on
    following = lifecycle.step_after(case, rules)
    case.next_step_on = max(case.next_step_on or following, following)
    record(
        case, EVENT, actor, now, pay_by_on=pay_by_on.isoformat(),
        before=before_on.isoformat() if before_on else None,
        terms=rules.chosen("postpone_days", "postpone_times"),
    )  # fmt: skip
    _write(case, rules, today=today, now=now)
    return True


def _write(case: Case, rules: Effective, *, today: date, now: datetime) -> None:
    assert case.pay_by_on is not None
    said = notices.content(
        case, "reminder", cases.charges_booked(case), rules=rules, today=today,
        pay_by_on=case.pay_by_on,
    )  # fmt: skip
    outbox.put(
        "more_time",
        case_id=case.id,
        creditor_id=case.creditor_id,
        content=said | {"creditors_words": None},
        secret=case.given_code,
        language=case.debtor.reads,
        to=reaching.reader(case),
        key=f"more time:{case.id}:{case.pay_by_on.isoformat()}",
        now=now,
    )
