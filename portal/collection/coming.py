"""What comes next on a case if nobody pays or says anything, and on which day at the earliest.

By the rules that `lifecycle` and `advancing` act by, asked for days to come. The tests let those
days pass, and hold what was told against what was done.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from portal.collection import cases, charging, plans, policy, states
from portal.collection.charging import Facts
from portal.collection.models import Case, Stop
from portal.collection.plans import Progress
from portal.collection.policy import Effective
from portal.database.together import Together
from portal.delivery import outbox
from portal.extensions import db
from portal.identity import holds
from portal.law import fees, limitation
from portal.law.calendar import banking_day_on_or_after
from portal.law.fees import Charge

# Beside the kinds of stops, and the statuses from which no step is taken, what may hold a case.
COMPANY = "company"
_DAY = timedelta(days=1)
_LETTERS = {states.REMINDED: states.REMINDER, states.DEMANDED: states.DEMAND}
_SENDS = {states.REMINDER: states.REMINDED, states.DEMAND: states.DEMANDED}


@dataclass(frozen=True)
class Step:
    """Something that is done to a case, should all before it have been done when it could.

    kind: one of states.STEPS. on: the first day that it can be done. cost_ore: the most that it
    then adds to the debt; of a decision, what an application at the Enforcement Authority may cost.
    pay_by_on: the last day to pay that its letter gives. after: of a decision, what the rules say.
    is_again: a letter that was held back, written anew; it costs what fell with it.
    """

    kind: str
    on: date
    cost_ore: int = 0
    pay_by_on: date | None = None
    after: str | None = None
    is_again: bool = False


@dataclass(frozen=True)
class Coming:
    """What comes next. steps: in their order; none when no day is known or nothing is planned.

    held_by: why nothing is done now: a kind of stop, COMPANY, or None. until_on: the day from which
    it is not held any more if nothing else happens. part: the next part of its plan to be paid.
    """

    steps: Sequence[Step] = ()
    held_by: str | None = None
    until_on: date | None = None
    part: Progress | None = None

    @property
    def next(self) -> Step | None:
        """The first of the steps."""
        return self.steps[0] if self.steps else None


# What decides for a case beside itself, to be asked with other things: as `Told` takes it, with
# the values that `asked_of` gives.
PARTS = (holds.STANDING, policy.RULES)


@dataclass(frozen=True)
class Told:
    """How the companies of some cases stand, and the rules for their customers."""

    standing: holds.Standing
    rules: policy.Rows


@dataclass(frozen=True)
class _Known:
    """What decides what comes, of some cases, read with a query a table."""

    standing: holds.Standing
    rules: Mapping[int, Effective]
    stops: Mapping[int, Sequence[Stop]]
    plans: Mapping[int, Sequence[Progress]]
    withdrawn: Collection[int]


def asked_of(some: Iterable[Case]) -> dict[str, object]:
    """What PARTS bind, of some cases."""
    debtors = [case.debtor for case in some]
    return {
        "creditor_ids": list({one.creditor_id for one in debtors}),
        "customers": list({one.customer_number for one in debtors}),
    }


def of_case(case: Case, principal_ore: int, today: date, told: Told | None = None) -> Coming:
    """What comes next on one case.

    principal_ore: what is left of the claim, in öre. told: of PARTS, where they were asked before.
    """
    return of_cases([case], {case.id: principal_ore}, today, told)[case.id]


def of_cases(
    some: Sequence[Case],
    principal_ore: Mapping[int, int],
    today: date,
    told: Told | None = None,
) -> dict[int, Coming]:
    """What comes next on each of some cases, by case; of a closed one, nothing.

    principal_ore: what is left of each claim, in öre. told: as `of_case` takes it.
    """
    alive = [case for case in some if case.closed_on is None]
    known = _know(alive, told or Told(*_ASKED.ask(asked_of(alive)))) if alive else None
    return {
        case.id: _of(case, known, principal_ore.get(case.id, 0), today)
        if known and case.closed_on is None
        else Coming()
        for case in some
    }


_ASKED = Together(*PARTS)


def _know(alive: Sequence[Case], told: Told) -> _Known:
    standing = told.standing
    stopped = [case.id for case in alive if case.is_stopped]
    open_stops: dict[int, list[Stop]] = {}
    if stopped:
        for stop in db.session.scalars(
            select(Stop).where(Stop.case_id.in_(stopped), Stop.ended_at.is_(None)).order_by(Stop.id)
        ):
            open_stops.setdefault(stop.case_id, []).append(stop)
    with_plan = [id for id, some in open_stops.items() if any(s.kind == states.PLAN for s in some)]
    held_back = stopped + [case.id for case in alive if case.creditor_id in standing.letters_left]
    return _Known(
        standing,
        policy.effective_each([case.debtor for case in alive], told.rules),
        open_stops,
        plans.going_on(with_plan) if with_plan else {},
        outbox.withdrawn_among(held_back) if held_back else (),
    )


def _of(case: Case, known: _Known, principal_ore: int, today: date) -> Coming:
    parts = known.plans.get(case.id, ())
    part = next((one for one in parts if not one.is_paid), None)
    if case.creditor_id in known.standing.held:
        return Coming(held_by=COMPANY, part=part)
    stops = known.stops.get(case.id, ())
    ends = [_end_of(one, part) for one in stops]
    held_by = next((one.kind for one, end in zip(stops, ends, strict=True) if end is None), None)
    if held_by is not None:
        return Coming(held_by=held_by, part=part)
    until_on = max((end for end in ends if end is not None), default=None)
    begins_on = max(today, until_on or today)
    is_again = case.id in known.withdrawn and case.status in _LETTERS
    if is_again and until_on is None:
        # What a company held back is written on a banking day, before anything else.
        begins_on = banking_day_on_or_after(begins_on)
    ahead = _Ahead(case, known.rules[case.debtor_id], principal_ore, begins_on)
    if is_again:
        ahead.write_again()
    ahead.go_on()
    last = max(stops, key=lambda one: _end_of(one, part) or today, default=None)
    return Coming(tuple(ahead.steps), last.kind if last else None, until_on, part)


def _end_of(stop: Stop, part: Progress | None) -> date | None:
    """The day on which a stop ends by itself at the earliest, or None."""
    if stop.kind == states.PLAN:
        # Without such a day something else holds the case, and is told.
        return (part.broken_after_on or part.due_on) + _DAY if part else None
    return stop.until_on


class _Ahead:
    """A case on the days to come: each step is taken on the first day that it can be."""

    def __init__(self, case: Case, rules: Effective, principal_ore: int, begins_on: date) -> None:
        self.steps: list[Step] = []
        self._case, self._rules, self._is_called_for = case, rules, principal_ore > 0
        self._begins_on, self._status, self._next = begins_on, case.status, case.next_step
        self._next_on = max(case.next_step_on or begins_on, begins_on)
        self._limited_on = case.limited_on
        self._charges: list[Charge] = list(cases.charges(case))

    def write_again(self) -> None:
        """The letter that was held back comes before all else."""
        if self._begins_on < self._limited_on:
            self._write(_LETTERS[self._status], self._begins_on, is_again=True)

    def go_on(self) -> None:
        """All steps until nothing more is planned, or the claim is limited."""
        while self._next is not None:
            on = banking_day_on_or_after(self._next_on)
            if on >= self._limited_on:
                return
            if self._next == states.DECISION:
                self.steps.append(self._decision(on))
                return
            if on <= self._case.due_on:
                # Nobody is reminded of what is not late; a person looks at it.
                return
            self._write(self._next, on)

    def _write(self, kind: str, on: date, *, is_again: bool = False) -> None:
        rules, charges = self._rules, self._charged(kind, on, is_again)
        is_reminder = kind == states.REMINDER
        days = self._case.reminder_days if is_reminder else rules.demand_days
        wait = rules.demand_after_days if is_reminder else rules.decision_after_days
        pay_by_on = banking_day_on_or_after(on + timedelta(days=days))
        if is_again:
            pay_by_on = max(pay_by_on, self._case.pay_by_on or pay_by_on)
        cost_ore = sum(one.ore for one in charges)
        self.steps.append(Step(kind, on, cost_ore, pay_by_on, is_again=is_again))
        self._charges += charges
        self._status = _SENDS[kind]
        self._next = states.DEMAND if is_reminder else states.DECISION
        self._next_on = banking_day_on_or_after(pay_by_on + timedelta(days=wait))
        until = limitation.limited_on(on, is_consumer=self._case.is_consumer)
        self._limited_on = max(self._limited_on, until or self._limited_on)

    def _charged(self, kind: str, on: date, is_again: bool) -> Sequence[Charge]:
        case = self._case
        facts = Facts(
            is_consumer=case.is_consumer,
            reminder_fee_agreed=case.reminder_fee_agreed,
            bears_interest=case.interest_kind != "none" and on > case.due_on,
            wants_compensation=self._rules.wants_compensation,
            fee_charged_before=case.invoice.reminder_fee_charged,
            before=tuple(self._charges),
            is_called_for=self._is_called_for,
            creditor_pays=self._rules.creditor_pays,
        )
        charge = charging.charge_again if is_again else charging.charge
        return charge(kind, facts, on).charges

    def _decision(self, on: date) -> Step:
        after = self._rules.after_demand
        costs = (fees.fee(kind, on).amount_ore for kind in (fees.PAYMENT_ORDER, fees.AGENT))
        return Step(states.DECISION, on, sum(costs), after=after)
