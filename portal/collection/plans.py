"""Payment plans (avbetalningsplaner) that were agreed on: kept, moved once, watched over.

What a plan comes to is `plan_offers`'.
Source: lag (1981:739) § 3 p. 2 for the fee of a plan that covers all that is left.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice

from sqlalchemy import ColumnElement, func, literal, or_, select
from sqlalchemy.orm import selectinload

from portal import clock, ledger
from portal.collection import (
    notices,
    plan_offers,
    reaching,
    settling,
    states,
    stops,
    unsent,
)
from portal.collection.models import Case, Event, Instalment, Plan, Stop
from portal.collection.moves import (
    charge_creditor,
    move,
    note_charges,
    open_stops,
    post,
    record,
)
from portal.collection.plan_offers import Part, Proposal, next_day
from portal.delivery import outbox
from portal.extensions import db
from portal.identity import holds
from portal.identity.actor import DEBTOR, Actor
from portal.law.calendar import add_banking_days, banking_day_on_or_after
from portal.ledger import Account
from portal.messages import N_, RedaError

# A payment on the last day takes some days to reach us: one banking day to come
# (`calendar.arrives_by`), and one on which the bank tells of it.
GRACE, _TOLD_AFTER = timedelta(days=5), 2
_DAY = timedelta(days=1)


class PlanChanged(RedaError):
    """What was shown of a plan does not hold any more; nothing was done."""

    status = 409

    def __init__(self) -> None:
        super().__init__(
            N_("What you owe has changed since this was shown. Nothing was done. Look at the plan"
               " again.")
        )  # fmt: skip


@dataclass(frozen=True)
class Progress:
    """An instalment and what has come of it, in öre.

    broken_after_on: the last day on which the money saves the plan; None while the case stands
    still for something else, and nobody knows until when.
    """

    due_on: date
    amount_ore: int
    came_ore: int
    broken_after_on: date | None

    @property
    def is_paid(self) -> bool:
        return self.came_ore >= self.amount_ore

    @property
    def left_ore(self) -> int:
        return self.amount_ore - self.came_ore

    def asked_ore(self, owed_ore: int) -> int:
        """What is left of it in a case that owes so much.

        A claim that was credited meanwhile may be less than a part of its plan.
        """
        return min(self.left_ore, owed_ore)


class NotSigned(RedaError):
    """The creditor's rules say that the debtor signs such a plan before it holds."""

    status = 409

    def __init__(self) -> None:
        super().__init__(N_("A payment plan must be asked for. Write to us, and we answer."))


def check(
    case: Case,
    *,
    monthly_ore: int,
    first_on: date,
    actor: Actor,
    today: date,
    day: int | None = None,
    seen: str | None = None,
    shown_on: date | None = None,
) -> Proposal:
    """The plan that would be agreed on, and nothing else done; as `agree`."""
    if running(case.id) is not None:
        raise RedaError(N_("There is a payment plan already. End it first."))
    move(case, "agree on a plan", actor)
    if first_on < today and shown_on is not None:
        raise PlanChanged
    as_of = shown_on or today
    proposal = plan_offers.propose(
        case, monthly_ore=monthly_ore, first_on=first_on, today=as_of, day=day
    )
    if actor.kind == DEBTOR.kind:
        plan_offers.require_within_rules(
            case, proposal, monthly_ore=monthly_ore, first_on=first_on, today=as_of
        )
    if seen is not None and seen != proposal.seen:
        raise PlanChanged
    return proposal


def note_offer(
    case: Case, proposal: Proposal, *, until_on: date, actor: Actor, now: datetime
) -> None:
    """A plan waits for the debtor's signature; until it comes the case goes on as it is."""
    record(
        case, "case.plan_offered", actor, now, parts=len(proposal.parts),
        total_ore=proposal.total_ore, until_on=until_on.isoformat(),
    )  # fmt: skip


def agree(
    case: Case,
    *,
    monthly_ore: int,
    first_on: date,
    actor: Actor,
    today: date,
    now: datetime,
    day: int | None = None,
    seen: str | None = None,
    shown_on: date | None = None,
    is_signed: bool = False,
) -> Plan:
    """Agree on a plan: its fee is booked, and the case stands still while it is kept.

    case: locked. day: of the month, as in `plan_offers.propose`. seen: of the proposal that was
    shown, if one was. shown_on: the day that it was shown and reckoned from, if not today.
    is_signed: whether the debtor has signed it. Raises PlanChanged when what was shown is not what
    would be agreed on, NotSigned when it must be signed, RedaError when a plan goes on already, and
    as `plan_offers.propose` does; for a debtor alone also as `plan_offers.require_within_rules`
    does.
    """
    proposal = check(
        case, monthly_ore=monthly_ore, first_on=first_on, actor=actor, today=today, day=day,
        seen=seen, shown_on=shown_on,
    )  # fmt: skip
    # Before what a plan costs is judged by what else was charged.
    unsent.withdraw(case, now=now)
    if not is_signed and plan_offers.must_be_signed(case, proposal):
        raise NotSigned
    charge = plan_offers.fee(case, shown_on or today)
    plan = Plan(
        creditor_id=case.creditor_id, case_id=case.id, agreed_on=today, agreed_at=now,
        status="running",
    )  # fmt: skip
    db.session.add(plan)
    db.session.flush()
    db.session.add_all(
        Instalment(
            plan_id=plan.id, creditor_id=case.creditor_id, case_id=case.id, due_on=one.due_on,
            amount_ore=one.amount_ore,
        )
        for one in proposal.parts
    )  # fmt: skip
    if charge is not None:
        post(
            case,
            "fee.plan",
            booked_on=today,
            key=f"fee:plan:{plan.id}",
            lines={Account.FEES: charge.ore, Account.FEE_INCOME: -charge.ore},
            now=now,
        )
        note_charges(case, [charge], today)
    elif own := plan_offers.charge(case, shown_on or today):
        charge_creditor(case, [own], booked_on=today, key=f"plan:{plan.id}", now=now)
    record(
        case, "case.plan_agreed", actor, now, plan=plan.id, parts=len(proposal.parts),
        total_ore=proposal.total_ore, charges=[asdict(charge)] if charge else [],
    )  # fmt: skip
    stops.stop(case, states.PLAN, "", actor=actor, now=now)
    key = f"plan:{plan.id}"
    _write(case, proposal.parts, fee_ore=proposal.fee_ore, key=key, today=today, now=now)
    return plan


def _write(
    case: Case, parts: Sequence[Part], *, fee_ore: int, key: str, today: date, now: datetime
) -> None:
    """Tell the debtor in writing what was agreed on: its fee is for a plan that is sent."""
    said = notices.content(
        case, "reminder", (), rules=plan_offers.rules_of(case), today=today,
        pay_by_on=parts[0].due_on,
    )  # fmt: skip
    said |= {
        "creditors_words": None,
        "parts": [],
        "total_ore": parts[0].amount_ore,
        "plan_ore": sum(one.amount_ore for one in parts),
        "fee_ore": fee_ore,
        "instalments": [{"due_on": one.due_on.isoformat(), "ore": one.amount_ore} for one in parts],
    }
    outbox.put(
        "plan",
        case_id=case.id,
        creditor_id=case.creditor_id,
        content=said,
        secret=case.given_code,
        language=case.debtor.reads,
        to=reaching.reader(case),
        key=key,
        now=now,
    )


def running(case_id: int) -> Plan | None:
    """The plan that goes on with a case."""
    return db.session.scalar(select(Plan).where(Plan.case_id == case_id, Plan.status == "running"))


def of_case(case_id: int) -> list[Plan]:
    """Every plan that a case has had, the newest first, with its parts."""
    return list(
        db.session.scalars(
            select(Plan)
            .where(Plan.case_id == case_id)
            .order_by(Plan.id.desc())
            .options(selectinload(Plan.instalments))
        )
    )


def instalments(case_id: int) -> list[Instalment]:
    """The parts of the plan that goes on with a case, the first first; none without a plan."""
    return list(
        db.session.scalars(
            select(Instalment)
            .join(Plan, Plan.id == Instalment.plan_id)
            .where(Plan.case_id == case_id, Plan.status == "running")
            .order_by(Instalment.due_on)
        )
    )


def progress(plan: Plan) -> list[Progress]:
    """A plan's instalments, the first first; what came covers the oldest of them first."""
    came_ore = db.session.scalar(
        select(ledger.received_since_sql(literal(plan.case_id), literal(plan.agreed_at)))
    )
    waits = _held_through([plan.case_id]).get(plan.case_id, date.min)
    return _covered(plan.instalments, came_ore or 0, waits)


def still_to_come(case: Case, plan: Plan, today: date) -> list[Progress]:
    """`progress`, with what is left as it is owed now.

    A claim that was credited meanwhile needs fewer payments than were agreed on, and the last one
    has the interest of the days that others came early or late.
    """
    told = progress(plan)
    left = [one for one in told if not one.is_paid]
    if not left:
        return told
    parts = plan_offers.divide(
        plan_offers.owing(case, today, fee_ore=0),
        (one.due_on for one in left),
        [*(one.left_ore for one in left[:-1]), None],
    )
    now = {one.due_on: one.amount_ore for one in parts}
    return [
        one if one.is_paid else replace(one, amount_ore=one.came_ore + now[one.due_on])
        for one in told
        if one.is_paid or one.due_on in now
    ]


def _covered(
    instalments: Sequence[Instalment], left_ore: int, waits: date | None
) -> list[Progress]:
    """waits: as `_held_through` tells, date.min for a case that nothing else held."""
    told = []
    for one in instalments:
        came_ore = min(one.amount_ore, left_ore)
        left_ore -= came_ore
        through_on = None if waits is None else max(_grace_through(one.due_on), waits)
        told.append(Progress(one.due_on, one.amount_ore, came_ore, through_on))
    return told


def _grace_through(due_on: date) -> date:
    return max(due_on + GRACE, add_banking_days(due_on, _TOLD_AFTER))


def _last_missed(today: date) -> date:
    """The latest last day to pay whose days of grace are over."""
    on = today - GRACE - _DAY
    while _grace_through(on) >= today:
        on -= _DAY
    return on


def _held_through(case_ids: Collection[int]) -> dict[int, date | None]:
    """Until when plans of some cases are not broken off, for something else held their case since:
    the days of an answer after it is over, None when its end is not known. Others are left out."""
    rows = db.session.execute(
        select(Stop.case_id, Stop.until_on, Stop.ended_at)
        .join(Plan, Plan.case_id == Stop.case_id)
        .where(Stop.case_id.in_(case_ids), Plan.status == "running", _holds_plan())
    ).all()
    found: dict[int, date | None] = {}
    for case_id, until_on, ended_at in rows:
        over_on = until_on if ended_at is None else clock.day_of(ended_at)
        before = found.get(case_id, date.min)
        if over_on is None or before is None:
            found[case_id] = None
        else:
            found[case_id] = max(before, over_on + stops.TIME_AFTER)
    return found


def _holds_plan() -> ColumnElement[bool]:
    """Of a stop and a plan of one case in a query: whether it is something else that held it."""
    return (Stop.kind != states.PLAN) & (Stop.ended_at.is_(None) | (Stop.ended_at > Plan.agreed_at))


@dataclass(frozen=True)
class Moved:
    """A plan whose payments that are left come on another day of the month.

    parts: what is left to pay, each on its new day. days: of all parts that are left, also of
    those that nothing is left for. more_ore: the interest of the time between.
    """

    parts: Sequence[Part]
    days: Sequence[date]
    more_ore: int


def is_moved(plan: Plan) -> bool:
    """Whether the day of a plan was changed: that can be done once."""
    return _moved_to(plan) is not None


def _moved_to(plan: Plan) -> int | None:
    told = select(Event.data["day"].as_integer()).where(
        Event.case_id == plan.case_id,
        Event.name == "case.plan_moved",
        Event.data["plan"].as_integer() == plan.id,
    )
    return db.session.scalar(told.limit(1))


def on_day(case: Case, plan: Plan, *, day: int, today: date) -> Moved:
    """What a plan comes to when the rest is paid on another day of the month.

    The next payment moves to the first such day after its own and after today, so by less than a
    month; the sums stay, and the interest of the time between comes in the last one. day: 1 to 31,
    of a shorter month its last. Raises RedaError for another day, and when it is the plan's own.
    """
    if not 1 <= day <= plan_offers.LAST_DAY:
        raise RedaError(N_("Choose one of the options."), field="day")
    left = [one for one in progress(plan) if not one.is_paid]
    if not left:
        raise RedaError(N_("Every payment of the plan has been made."))
    owed = plan_offers.owing(case, today, fee_ore=0)
    most = [*(one.left_ore for one in left[:-1]), None]
    as_it_is = plan_offers.divide(owed, (one.due_on for one in left), most)
    first_on = next_day(day, max(left[0].due_on - timedelta(days=1), today))
    days = list(islice(plan_offers.due_days(first_on, day), len(left)))
    if days == [one.due_on for one in left]:
        raise RedaError(N_("These are the days that the plan has already."), field="day")
    parts = plan_offers.divide(owed, iter(days), most)
    more_ore = sum(one.amount_ore for one in parts) - sum(one.amount_ore for one in as_it_is)
    # Rounded at other days, the same interest can be an öre less.
    return Moved(tuple(parts), days, max(more_ore, 0))


def move_day(case: Case, *, day: int, actor: Actor, today: date, now: datetime) -> bool:
    """Let the rest of a plan be paid on another day of the month, once.

    case: locked. Answers whether it was done now: the same day again changes nothing. Raises
    RedaError when the day was changed before, when no plan goes on, and as `on_day` does.
    """
    plan = running(case.id)
    if plan is None:
        raise RedaError(N_("There is no payment plan that goes on."))
    moved_to = _moved_to(plan)
    if moved_to == day:
        return False
    if moved_to is not None:
        raise RedaError(
            N_("The day has been changed once already. Write to us if it does not work."),
            field="day",
        )
    move(case, "move a plan", actor)
    moved = on_day(case, plan, day=day, today=today)
    _keep_moved(plan, moved)
    record(
        case, "case.plan_moved", actor, now, plan=plan.id, day=day,
        due_on=moved.parts[0].due_on.isoformat(), more_ore=moved.more_ore,
    )  # fmt: skip
    # The letter takes the place of the one that is withdrawn, whose fee it bears.
    outbox.withdraw_unsent(case.id)
    _write(case, moved.parts, fee_ore=0, key=f"plan:{plan.id}:{day}", today=today, now=now)
    return True


def _keep_moved(plan: Plan, moved: Moved) -> None:
    both = zip(plan.instalments, progress(plan), strict=True)
    left = [(row, one) for row, one in both if not one.is_paid]
    # From the last: no two parts of a plan have one day at any moment.
    for (row, _), due_on in reversed(list(zip(left, moved.days, strict=True))):
        row.due_on = due_on
        db.session.flush()
    row, one = left[-1]
    # A claim that was credited meanwhile needs fewer payments than were agreed on.
    if len(moved.parts) == len(left):
        row.amount_ore = one.came_ore + moved.parts[-1].amount_ore
        db.session.flush()


def going_on(case_ids: Collection[int]) -> dict[int, list[Progress]]:
    """`progress` of each plan that goes on with some cases, by case."""
    received = ledger.received_since_sql(Plan.case_id.expression, Plan.agreed_at.expression)
    rows = db.session.execute(
        select(Plan, received)
        .where(Plan.case_id.in_(case_ids), Plan.status == "running")
        .options(selectinload(Plan.instalments))
    )
    waits = _held_through(case_ids)
    return {
        plan.case_id: _covered(plan.instalments, came_ore, waits.get(plan.case_id, date.min))
        for plan, came_ore in rows
    }


def missed(today: date, limit: int) -> list[int]:
    """Cases whose plan has had less than should have come by now, days of grace counted.

    Those that stand still for something else, or did a moment ago, wait; so do those of companies
    that stand still as a whole.
    """
    since = datetime.combine(today - stops.TIME_AFTER, time(), clock.STOCKHOLM)
    held = select(Stop.id).where(
        Stop.case_id == Plan.case_id,
        _holds_plan(),
        or_(Stop.ended_at.is_(None), Stop.ended_at >= since),
    )
    due = (
        select(Instalment.plan_id, func.sum(Instalment.amount_ore).label("ore"))
        .where(Instalment.due_on <= _last_missed(today))
        .group_by(Instalment.plan_id)
        .subquery()
    )
    received = ledger.received_since_sql(Plan.case_id.expression, Plan.agreed_at.expression)
    return list(
        db.session.scalars(
            select(Plan.case_id)
            .join(due, due.c.plan_id == Plan.id)
            .where(
                Plan.status == "running",
                received < due.c.ore,
                ~held.exists(),
                Plan.creditor_id.not_in(holds.held()),
            )
            .order_by(Plan.case_id)
            .limit(limit)
        )
    )


def all_came(today: date, limit: int) -> list[int]:
    """Cases whose plan has had every payment, the last day of them over, and that owe still."""
    agreed = (
        select(func.sum(Instalment.amount_ore))
        .where(Instalment.plan_id == Plan.id)
        .having(func.max(Instalment.due_on) < today)
    )
    received = ledger.received_since_sql(Plan.case_id.expression, Plan.agreed_at.expression)
    held = select(Stop.id).where(
        Stop.case_id == Plan.case_id, Stop.kind != states.PLAN, Stop.ended_at.is_(None)
    )
    return list(
        db.session.scalars(
            select(Plan.case_id)
            .where(
                Plan.status == "running",
                received >= agreed.scalar_subquery(),
                ~held.exists(),
                Plan.creditor_id.not_in(holds.held()),
            )
            .order_by(Plan.case_id)
            .limit(limit)
        )
    )


def ask_for_rest(case: Case, *, actor: Actor, today: date, now: datetime) -> bool:
    """Add a last payment to a plan whose others have come: the interest that nobody could reckon
    when it was agreed on, of a rate that was not known and of days that payments were late by.

    case: locked. Answers whether there is one; of a case that something else holds there is none.
    """
    plan = running(case.id)
    is_held = any(one.kind != states.PLAN for one in open_stops(case.id))
    if plan is None or is_held or any(not one.is_paid for one in progress(plan)):
        return False
    due_on = banking_day_on_or_after(today + stops.TIME_AFTER)
    parts = plan_offers.divide(
        plan_offers.owing(case, today, fee_ore=0), iter([due_on]), iter([None])
    )
    if not parts:
        return False
    plan.instalments.append(
        Instalment(
            creditor_id=case.creditor_id, case_id=case.id, due_on=due_on,
            amount_ore=parts[0].amount_ore,
        )
    )  # fmt: skip
    db.session.flush()
    record(
        case, "case.plan_rest", actor, now, plan=plan.id, due_on=due_on.isoformat(),
        amount_ore=parts[0].amount_ore,
    )  # fmt: skip
    _write(case, parts, fee_ore=0, key=f"plan:{plan.id}:{due_on}", today=today, now=now)
    return True


def break_off(case: Case, *, actor: Actor, today: date, now: datetime) -> bool:
    """End a plan that is not kept, and tell it; what waited goes on.

    Answers whether it does: there was a plan, and something is owed still.
    """
    plan = running(case.id)
    if plan is None:
        return False
    plan.status, plan.ended_on = "broken", today
    settling.withdraw_letters(case, now=now)
    record(case, "case.plan_broken", actor, now, plan=plan.id)
    reaching.tell(case, "news", {}, key=f"plan broken:{plan.id}", now=now)
    return case.closed_on is None


def call_off(case: Case, *, reason: str, actor: Actor, today: date, now: datetime) -> bool:
    """End a plan that was agreed on, though it is kept. Answers whether there was one.

    The stop is the caller's to end; the plan's fee is still owed if its letter has left.
    """
    plan = running(case.id)
    if plan is None:
        return False
    move(case, "end a plan", actor)
    plan.status, plan.ended_on = "ended", today
    record(case, "case.plan_ended", actor, now, plan=plan.id, reason=reason)
    settling.withdraw_letters(case, now=now)
    return True
