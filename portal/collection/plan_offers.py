"""Payment plans (avbetalningsplaner) before they are agreed on: what can be offered, to the öre.

What a debtor may choose alone the creditor's rules say; a clerk may agree on more. Interest runs on
what is left while a plan goes on; the last part is what then remains.
Source: lag (1981:739) § 3 p. 2 for the fee of a plan that covers all that is left.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date, timedelta
from itertools import chain, repeat

from sqlalchemy import select

from portal.collection import cases, policy, rates, states, unsent
from portal.collection.models import Case, Plan
from portal.collection.moves import open_stops
from portal.collection.policy import Effective
from portal.extensions import db
from portal.law import fees
from portal.law.calendar import banking_day_on_or_after
from portal.law.fees import ClaimTerms, Measure
from portal.law.interest import Movement, RateTable, Terms, accrue
from portal.law.settlement import settle
from portal.messages import N_, Problem, RedaError

MOST_MONTHS = 36
# A day of the month that every longer month clips to: the last.
LAST_DAY = 31
MOST_OFFERS = 4
_USUAL = (2, 3, 4, 6, 9, 12, 18, 24, 36)
# Two payments of one wage are no two months.
_LEAST_BETWEEN = timedelta(days=14)


@dataclass(frozen=True)
class Part:
    """One instalment: its last day, öre, and how much of it is fees, interest and principal."""

    due_on: date
    amount_ore: int
    fees_ore: int
    interest_ore: int
    principal_ore: int


@dataclass(frozen=True)
class Proposal:
    """A plan before it is agreed on. fee_ore: of the plan itself, in the parts. owed_ore: what
    would be paid if all were paid today. interest_through_on: the last day whose interest is in
    the parts; before the last part when a reference rate is not known yet."""

    parts: Sequence[Part]
    fee_ore: int
    owed_ore: int
    interest_through_on: date

    @property
    def total_ore(self) -> int:
        return sum(one.amount_ore for one in self.parts)

    @property
    def more_ore(self) -> int:
        """What the plan costs beyond paying all today."""
        return self.total_ore - self.owed_ore

    @property
    def more_interest_ore(self) -> int:
        """The interest from today that is in the parts."""
        return self.more_ore - self.fee_ore

    @property
    def is_interest_known(self) -> bool:
        return self.interest_through_on >= self.parts[-1].due_on

    @property
    def seen(self) -> str:
        """Names what is paid and when; the same name again means the same plan."""
        told = repr([self.fee_ore, *(astuple(one) for one in self.parts)])
        return hashlib.sha256(told.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Offer:
    """A plan that a debtor may choose alone: so many payments, of so many öre but for the last."""

    months: int
    monthly_ore: int


@dataclass(frozen=True)
class Chosen:
    """A plan that a debtor has chosen within the rules: what `plans.agree` takes, and its parts."""

    monthly_ore: int
    first_on: date
    day: int
    proposal: Proposal


@dataclass(frozen=True)
class Owing:
    """What is owed on a day, and how interest on it goes on. fee_ore: what the plan costs beside
    it. through_on: the last day that interest is known for."""

    case: Case
    due: cases.AmountDue
    fee_ore: int
    terms: Terms
    table: RateTable

    @property
    def total_ore(self) -> int:
        return self.due.total_ore + self.fee_ore

    @property
    def bears_interest(self) -> bool:
        return self.case.interest_kind != "none"

    def known_through(self, on: date) -> date:
        """The last day up to a day that interest is known for."""
        return min(on, self.table.known_through) if self.bears_interest else on


def owing(case: Case, today: date, *, fee_ore: int) -> Owing:
    """What a case owes today. fee_ore: what comes on top when a plan is agreed on."""
    terms = Terms(case.interest_kind, case.agreed_rate)
    return Owing(case, cases.amount_due(case, today), fee_ore, terms, rates.table())


def propose(
    case: Case, *, monthly_ore: int, first_on: date, today: date, day: int | None = None
) -> Proposal:
    """The plan that pays all that is owed with so much a month.

    monthly_ore: öre, above zero. first_on: last day of the first part. day: of the month, for the
    others, the same as of the first when left out; each is that day or the next banking day.
    Interest is reckoned to each day by the rates known today; a missing rate counts as none, and
    what it then comes to is told later. Raises RedaError when it would not be paid within 36
    months.
    """
    if monthly_ore <= 0:
        raise RedaError(N_("Write an amount above zero."), field="amount")
    if first_on < today:
        raise RedaError(N_("The first payment cannot be in the past."), field="first_on")
    return _propose(_owing_with_fee(case, today), monthly_ore, first_on, day or first_on.day)


def _propose(owed: Owing, monthly_ore: int, first_on: date, day: int) -> Proposal:
    parts = divide(owed, due_days(first_on, day), repeat(monthly_ore, MOST_MONTHS))
    return Proposal(
        tuple(parts),
        owed.fee_ore,
        owed.due.total_ore,
        owed.known_through(parts[-1].due_on if parts else owed.due.on),
    )


def monthly_for(
    case: Case, *, months: int, first_on: date, today: date, day: int | None = None
) -> int:
    """The smallest sum a month, in whole kronor, that pays all that is owed in so many months.

    Answers öre. Raises RedaError for a number of months that no plan may have, and as `propose`.
    """
    if not 1 <= months <= MOST_MONTHS:
        raise RedaError(
            N_("A plan has from 1 to %(months)s payments."), field="months", months=MOST_MONTHS
        )
    if first_on < today:
        raise RedaError(N_("The first payment cannot be in the past."), field="first_on")
    return _monthly_for(_owing_with_fee(case, today), months, first_on, day or first_on.day)


def _monthly_for(owed: Owing, months: int, first_on: date, day: int) -> int:
    low, high = max(1, owed.due.total_ore // months // 100), 2 * owed.due.total_ore // 100 + 1_000
    days = [one for _, one in zip(range(months), due_days(first_on, day), strict=False)]

    def is_enough(kronor: int) -> bool:
        parts = divide(owed, iter(days), chain(repeat(kronor * 100, months - 1), [None]))
        return parts[-1].amount_ore <= kronor * 100 if parts else True

    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low * 100


def offers(case: Case, *, day: int, today: date) -> list[Offer]:
    """Up to four plans, evenly spread, that a debtor may choose alone, the shortest first.

    day: of the month. None when what is owed is too little to be divided.
    """
    rules = rules_of(case)
    owed = _owing_with_fee(case, today)
    first_on = first_day(rules, day, today)
    most = min(rules.plan_most_months, MOST_MONTHS, owed.total_ore // rules.plan_least_ore)
    found: dict[int, int] = {}
    for months in sorted({*(one for one in _USUAL if one <= most), most}):
        if months < 2:
            continue
        monthly_ore = _monthly_for(owed, months, first_on, day)
        if monthly_ore >= rules.plan_least_ore:
            found.setdefault(len(_propose(owed, monthly_ore, first_on, day).parts), monthly_ore)
    kept = [Offer(*one) for one in found.items() if one[0] > 1]
    if len(kept) <= MOST_OFFERS:
        return kept
    last = len(kept) - 1
    return [kept[round(place * last / (MOST_OFFERS - 1))] for place in range(MOST_OFFERS)]


def first_day(rules: Effective, day: int, today: date) -> date:
    """The last day of the first part, for a day of the month: the next one, or the last day that
    the rules leave for a first payment."""
    return min(next_day(day, today), last_first_day(rules, today))


def last_first_day(rules: Effective, today: date) -> date:
    """The last day that the rules leave a debtor alone for a first payment."""
    return today + timedelta(days=rules.plan_first_days)


def next_day(day: int, after: date) -> date:
    """The next such day of the month after a day; of a shorter month, its last."""
    found = _in_month(day, after)
    return found if found > after else _in_month(day, after.replace(day=1) + timedelta(days=31))


def _in_month(day: int, of: date) -> date:
    ends_on = (of.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return min(ends_on.replace(day=min(day, ends_on.day)), ends_on)


def due_days(first_on: date, day: int) -> Iterator[date]:
    """The last days of a plan's parts without end, each a banking day."""
    on = first_on
    while True:
        yield banking_day_on_or_after(on)
        on = next_day(day, on + _LEAST_BETWEEN)


def divide(owed: Owing, days: Iterator[date], most: Iterable[int | None]) -> list[Part]:
    """What is owed, divided into parts.

    days: of the parts. most: what each part is at most, in öre; None for all that is left.
    Raises RedaError when something is left after the last.
    """
    due = owed.due
    fees_ore, interest_ore, principal_ore = (
        due.fees_ore + owed.fee_ore, due.interest_ore, due.principal_ore,
    )  # fmt: skip
    parts: list[Part] = []
    reckoned_to, limits = due.on, iter(most)
    while fees_ore + interest_ore + principal_ore:
        due_on = next(days)
        interest_ore += _interest(owed, principal_ore, reckoned_to, due_on)
        reckoned_to = max(reckoned_to, due_on)
        left_ore = fees_ore + interest_ore + principal_ore
        limit_ore = next(limits, 0)
        if limit_ore == 0:
            raise RedaError(
                N_("That is too little a month: it would take more than %(months)s months."),
                field="amount",
                months=MOST_MONTHS,
            )
        covered = settle(
            left_ore if limit_ore is None else min(limit_ore, left_ore),
            fees_ore=fees_ore,
            interest_ore=interest_ore,
            principal_ore=principal_ore,
        )
        fees_ore -= covered.fees_ore
        interest_ore -= covered.interest_ore
        principal_ore -= covered.principal_ore
        amount_ore = covered.fees_ore + covered.interest_ore + covered.principal_ore
        parts.append(
            Part(due_on, amount_ore, covered.fees_ore, covered.interest_ore, covered.principal_ore)
        )
    return parts


def _interest(owed: Owing, principal_ore: int, from_on: date, to_on: date) -> int:
    until = owed.known_through(to_on)
    if until <= from_on or not owed.bears_interest:
        return 0
    due_on = owed.case.due_on
    return accrue(
        [Movement(due_on, principal_ore)], due_on=due_on, until=until, terms=owed.terms,
        rates=owed.table, from_on=from_on,
    ).ore  # fmt: skip


def rules_of(case: Case) -> Effective:
    """The rules that hold for a case's customer now."""
    return policy.of_debtor(case.debtor)


def fee(case: Case, today: date) -> fees.Charge | None:
    """What a plan costs the debtor."""
    borne = fees.PLAN in rules_of(case).creditor_pays
    return None if borne else charge(case, today)


def charge(case: Case, today: date) -> fees.Charge | None:
    """What a plan may cost, whoever bears it."""
    terms = ClaimTerms(debtor=fees.CONSUMER if case.is_consumer else fees.BUSINESS)
    measure = Measure(fees.PLAN, today, is_sent=True, is_complete=True)
    return fees.decide(measure, terms, cases.charges(case)).charge


def _owing_with_fee(case: Case, today: date) -> Owing:
    found = fee(case, today)
    owed = owing(case, today, fee_ore=found.ore if found else 0)
    # A letter that has not left when a plan is agreed on does not leave, and costs nothing.
    return replace(owed, due=unsent.would_be_due(case, owed.due))


def must_be_signed(case: Case, proposal: Proposal) -> bool:
    """Whether a plan holds only once the debtor has signed it: the creditor's rules say."""
    limit_ore = rules_of(case).plan_sign_over_ore
    return 0 < limit_ore < proposal.total_ore


def why_not_alone(case: Case, rules: Effective) -> Problem | None:
    """Why a debtor alone may agree on no plan at all for an open case; None when they may."""
    if any(one.kind not in (states.HOLD, states.PLAN) for one in open_stops(case.id)):
        return Problem(N_("Your case stands still. A payment plan can wait until it goes on."))
    was_broken = select(Plan.id).where(Plan.case_id == case.id, Plan.status == "broken")
    if db.session.scalar(was_broken.limit(1)) is not None:
        return Problem(
            N_("The payment plan ended because a payment was missed. Write to us if you need a new"
               " one.")
        )  # fmt: skip
    # What the authority has been asked for, a person must take back there.
    if not rules.may_plan or case.status == states.LEGAL:
        return Problem(N_("A payment plan must be asked for. Write to us, and we answer."))
    return None


def choose(case: Case, *, months: int | None, monthly_ore: int, day: int, today: date) -> Chosen:
    """The plan that a debtor wants, if the rules leave it to them alone.

    months: the number of payments; None when monthly_ore, the sum of each, was chosen. day: of the
    month. Raises RedaError, at the field `months` or `amount`, when it is outside the rules.
    """
    rules = rules_of(case)
    first_on = first_day(rules, day, today)
    # What the rules leave is told before what no plan can be.
    if months is not None and months > rules.plan_most_months:
        most = rules.plan_most_months
        raise RedaError(
            N_("A plan has from 1 to %(months)s payments."), field="months", months=most
        )
    if months is None and 0 < monthly_ore < rules.plan_least_ore:
        raise _too_little(rules)
    try:
        if months is not None:
            monthly_ore = monthly_for(case, months=months, first_on=first_on, today=today, day=day)
        proposal = propose(case, monthly_ore=monthly_ore, first_on=first_on, today=today, day=day)
        require_within_rules(
            case, proposal, monthly_ore=monthly_ore, first_on=first_on, today=today
        )
    except RedaError as error:
        told = error.problem
        if months is not None and told.field == "amount":
            raise RedaError(told.message, field="months", **told.values) from error
        raise
    return Chosen(monthly_ore, first_on, day, proposal)


def require_within_rules(
    case: Case, proposal: Proposal, *, monthly_ore: int, first_on: date, today: date
) -> None:
    """Raises RedaError where a debtor alone may not agree on a plan: the creditor's rules say."""
    rules = rules_of(case)
    if problem := why_not_alone(case, rules):
        raise RedaError(problem.message)
    last_on = last_first_day(rules, today)
    if first_on > last_on:
        raise RedaError(
            N_("The first payment must come by %(last_on)s."), field="first_on", last_on=last_on
        )
    if len(proposal.parts) < 2:
        raise RedaError(
            N_("That pays all of it at once. Choose less a month, or pay now without a plan."),
            field="amount",
        )
    if monthly_ore < rules.plan_least_ore:
        raise _too_little(rules)
    if len(proposal.parts) > rules.plan_most_months:
        raise RedaError(
            N_("That is too little a month: it would take more than %(months)s months."),
            field="amount",
            months=rules.plan_most_months,
        )


def _too_little(rules: Effective) -> RedaError:
    return RedaError(
        N_("At least %(least_ore)s a month is needed."),
        field="amount",
        least_ore=rules.plan_least_ore,
    )
