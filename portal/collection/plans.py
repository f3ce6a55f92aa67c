"""Payment plans (avbetalningsplaner): proposed to the öre, agreed on, watched over.

Interest runs on what is left while the plan goes on; the last instalment is what then remains.
Source: lag (1981:739) § 3 p. 2 for the fee of a plan that covers all that is left.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, literal, select

from portal import ledger
from portal.collection import cases, notices, policy, rates, states, stops
from portal.collection.models import Case, Instalment, Plan
from portal.collection.moves import charge_creditor, move, note_charges, post, record
from portal.collection.policy import Effective
from portal.delivery import outbox
from portal.extensions import db
from portal.identity import holds
from portal.identity.actor import DEBTOR, Actor
from portal.law import fees
from portal.law.calendar import banking_day_on_or_after
from portal.law.fees import ClaimTerms, Measure
from portal.law.interest import Movement, Terms, accrue
from portal.law.settlement import settle
from portal.ledger import Account
from portal.messages import N_, RedaError

# A payment on the last day takes some days to reach us.
GRACE = timedelta(days=5)
MOST_MONTHS = 36


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
    would be paid if all were paid today."""

    parts: Sequence[Part]
    fee_ore: int
    owed_ore: int

    @property
    def total_ore(self) -> int:
        return sum(one.amount_ore for one in self.parts)

    @property
    def more_ore(self) -> int:
        """What the plan costs beyond paying all today."""
        return self.total_ore - self.owed_ore


@dataclass(frozen=True)
class Progress:
    """An instalment and what has come of it, in öre."""

    due_on: date
    amount_ore: int
    came_ore: int

    @property
    def is_paid(self) -> bool:
        return self.came_ore >= self.amount_ore


def propose(case: Case, *, monthly_ore: int, first_on: date, today: date) -> Proposal:
    """The plan that pays all that is owed with so much a month.

    monthly_ore: öre, above zero. first_on: last day of the first part; the others come on the same
    day of the months after it, or the next banking day. Interest is reckoned to each day by the
    rates known today; a missing rate counts as none, and what it then comes to is told later.
    Raises RedaError when it would not be paid within 36 months.
    """
    if monthly_ore <= 0:
        raise RedaError(N_("Write an amount above zero."), field="amount")
    if first_on < today:
        raise RedaError(N_("The first payment cannot be in the past."), field="first_on")
    charge = _fee(case, today)
    fee_ore = charge.ore if charge else 0
    parts = _parts(case, monthly_ore, first_on, fee_ore, today)
    return Proposal(tuple(parts), fee_ore, cases.amount_due(case, today).total_ore)


def monthly_for(case: Case, *, months: int, first_on: date, today: date) -> int:
    """The smallest sum a month, in whole kronor, that pays all that is owed in so many months.

    Answers öre. Raises RedaError for a number of months that no plan may have, and as `propose`.
    """
    if not 1 <= months <= MOST_MONTHS:
        raise RedaError(
            N_("A plan has from 1 to %(months)s payments."), field="months", months=MOST_MONTHS
        )
    owed_ore = cases.amount_due(case, today).total_ore
    low, high = max(1, owed_ore // months // 100), 2 * owed_ore // 100 + 1_000

    def is_enough(kronor: int) -> bool:
        try:
            found = propose(case, monthly_ore=kronor * 100, first_on=first_on, today=today)
        except RedaError as error:
            if error.problem.field == "amount":
                return False
            raise
        return len(found.parts) <= months

    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low * 100


def _rules_of(case: Case) -> Effective:
    debtor = case.debtor
    return policy.effective(case.creditor_id, debtor.customer_number, debtor.customer_class)


def _is_borne_by_creditor(case: Case) -> bool:
    return fees.PLAN in _rules_of(case).creditor_pays


def require_within_rules(
    case: Case, proposal: Proposal, *, monthly_ore: int, first_on: date, today: date
) -> None:
    """Raises RedaError where a debtor alone may not agree on a plan: the creditor's rules say."""
    rules = _rules_of(case)
    if not rules.may_plan:
        raise RedaError(N_("A payment plan must be asked for. Write to us, and we answer."))
    last_on = today + timedelta(days=rules.plan_first_days)
    if first_on > last_on:
        raise RedaError(
            N_("The first payment must come by %(last_on)s."), field="first_on", last_on=last_on
        )
    if monthly_ore < rules.plan_least_ore and len(proposal.parts) > 1:
        raise RedaError(
            N_("At least %(least_ore)s a month is needed."),
            field="amount",
            least_ore=rules.plan_least_ore,
        )
    if len(proposal.parts) > rules.plan_most_months:
        raise RedaError(
            N_("That is too little a month: it would take more than %(months)s months."),
            field="amount",
            months=rules.plan_most_months,
        )


def _fee(case: Case, today: date) -> fees.Charge | None:
    """What a plan costs the debtor."""
    return None if _is_borne_by_creditor(case) else _charge(case, today)


def _charge(case: Case, today: date) -> fees.Charge | None:
    """What a plan may cost, whoever bears it."""
    terms = ClaimTerms(debtor=fees.CONSUMER if case.is_consumer else fees.BUSINESS)
    measure = Measure(fees.PLAN, today, is_sent=True, is_complete=True)
    return fees.decide(measure, terms, cases.charges(case)).charge


def _parts(case: Case, monthly_ore: int, first_on: date, fee_ore: int, today: date) -> list[Part]:
    due = cases.amount_due(case, today)
    fees_ore, interest_ore, principal_ore = (
        due.fees_ore + fee_ore, due.interest_ore, due.principal_ore,
    )  # fmt: skip
    terms, table = Terms(case.interest_kind, case.agreed_rate), rates.table()
    parts: list[Part] = []
    reckoned_to = today
    while fees_ore + interest_ore + principal_ore:
        if len(parts) == MOST_MONTHS:
            raise RedaError(
                N_("That is too little a month: it would take more than %(months)s months."),
                field="amount",
                months=MOST_MONTHS,
            )
        due_on = banking_day_on_or_after(_months_after(first_on, len(parts)))
        until = min(due_on, table.known_through)
        if until > reckoned_to and case.interest_kind != "none":
            interest_ore += accrue(
                [Movement(case.due_on, principal_ore)], due_on=case.due_on, until=until,
                terms=terms, rates=table, from_on=reckoned_to,
            ).ore  # fmt: skip
        reckoned_to = due_on
        covered = settle(
            min(monthly_ore, fees_ore + interest_ore + principal_ore),
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


def _months_after(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(day.year + year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError(day)


def agree(
    case: Case, *, monthly_ore: int, first_on: date, actor: Actor, today: date, now: datetime
) -> Plan:
    """Agree on a plan: its fee is booked, and the case stands still while it is kept.

    case: locked. Raises RedaError when a plan goes on already, and as `propose` does; for a debtor
    alone also as `require_within_rules` does.
    """
    if running(case.id) is not None:
        raise RedaError(N_("There is a payment plan already. End it first."))
    move(case, "agree on a plan", actor)
    proposal = propose(case, monthly_ore=monthly_ore, first_on=first_on, today=today)
    if actor.kind == DEBTOR.kind:
        require_within_rules(
            case, proposal, monthly_ore=monthly_ore, first_on=first_on, today=today
        )
    charge = _fee(case, today)
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
    elif own := _charge(case, today):
        charge_creditor(case, [own], booked_on=today, key=f"plan:{plan.id}", now=now)
    record(
        case, "case.plan_agreed", actor, now, plan=plan.id, parts=len(proposal.parts),
        total_ore=proposal.total_ore, charges=[asdict(charge)] if charge else [],
    )  # fmt: skip
    stops.stop(case, states.PLAN, "", actor=actor, now=now)
    _write(case, plan, proposal, today=today, now=now)
    return plan


def _write(case: Case, plan: Plan, proposal: Proposal, *, today: date, now: datetime) -> None:
    """Tell the debtor in writing what was agreed on: its fee is for a plan that is sent."""
    first, debtor = proposal.parts[0], case.debtor
    said = notices.content(
        case, "reminder", (), rules=policy.effective(
            case.creditor_id, debtor.customer_number, debtor.customer_class
        ), today=today, pay_by_on=first.due_on,
    )  # fmt: skip
    said |= {
        "creditors_words": None,
        "parts": [],
        "total_ore": first.amount_ore,
        "plan_ore": proposal.total_ore,
        "fee_ore": proposal.fee_ore,
        "instalments": [
            {"due_on": one.due_on.isoformat(), "ore": one.amount_ore} for one in proposal.parts
        ],
    }
    outbox.put(
        "plan",
        case_id=case.id,
        creditor_id=case.creditor_id,
        content=said,
        secret=case.given_code,
        language=debtor.reads,
        mail_to=debtor.wants_mail_to,
        key=f"plan:{plan.id}",
        now=now,
    )


def running(case_id: int) -> Plan | None:
    """The plan that goes on with a case."""
    return db.session.scalar(select(Plan).where(Plan.case_id == case_id, Plan.status == "running"))


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
    left_ore = db.session.scalar(
        select(ledger.received_since_sql(literal(plan.case_id), literal(plan.agreed_on)))
    )
    told = []
    for one in plan.instalments:
        came_ore = min(one.amount_ore, left_ore or 0)
        left_ore = (left_ore or 0) - came_ore
        told.append(Progress(one.due_on, one.amount_ore, came_ore))
    return told


def missed(today: date, limit: int) -> list[int]:
    """Cases whose plan has had less than should have come by now, days of grace counted.

    Those of companies that stand still as a whole wait.
    """
    due = (
        select(Instalment.plan_id, func.sum(Instalment.amount_ore).label("ore"))
        .where(Instalment.due_on < today - GRACE)
        .group_by(Instalment.plan_id)
        .subquery()
    )
    received = ledger.received_since_sql(Plan.case_id.expression, Plan.agreed_on.expression)
    return list(
        db.session.scalars(
            select(Plan.case_id)
            .join(due, due.c.plan_id == Plan.id)
            .where(
                Plan.status == "running",
                received < due.c.ore,
                Plan.creditor_id.not_in(holds.held()),
            )
            .order_by(Plan.case_id)
            .limit(limit)
        )
    )


def break_off(case: Case, *, actor: Actor, today: date, now: datetime) -> bool:
    """End a plan that is not kept; what waited goes on. Answers whether there was one."""
    plan = running(case.id)
    if plan is None:
        return False
    plan.status, plan.ended_on = "broken", today
    outbox.withdraw_unsent(case.id)
    record(case, "case.plan_broken", actor, now, plan=plan.id)
    return True


def call_off(case: Case, *, reason: str, actor: Actor, today: date, now: datetime) -> bool:
    """End a plan that was agreed on, though it is kept. Answers whether there was one.

    The stop is the caller's to end; the plan's fee is still owed.
    """
    plan = running(case.id)
    if plan is None:
        return False
    move(case, "end a plan", actor)
    plan.status, plan.ended_on = "ended", today
    outbox.withdraw_unsent(case.id)
    record(case, "case.plan_ended", actor, now, plan=plan.id, reason=reason)
    return True
