"""What pages show of cases: lists, one case, and what is owed on a day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import joinedload

from portal import clock, ledger
from portal.collection import owed, rates, states
from portal.collection.models import Case, Debtor, Event, Invoice, Stop
from portal.extensions import db
from portal.identity.models import Creditor
from portal.law.explanation import (
    Explanation,
    explain_fee,
    explain_interest,
    explain_principal,
)
from portal.law.fees import Charge
from portal.law.interest import Accrual, Movement, RateTable, Terms, accrue
from portal.messages import Problem


@dataclass(frozen=True)
class AmountDue:
    """What is to be paid on a case on a day, in öre, part by part.

    accrual: interest since it was last booked; it is part of interest_ore. interest_through_on: the
    last day that interest is counted for; before `on` when a reference rate is missing.
    """

    on: date
    principal_ore: int
    interest_ore: int
    fees_ore: int
    accrual: Accrual
    interest_through_on: date

    @property
    def is_interest_known(self) -> bool:
        """False when a reference rate is missing and interest stopped for it."""
        return self.interest_through_on >= self.on

    @property
    def total_ore(self) -> int:
        return self.principal_ore + self.interest_ore + self.fees_ore


@dataclass(frozen=True)
class ExplainedPart:
    """One part of what is due, in öre. kind: principal, interest or fee."""

    kind: str
    ore: int
    explanations: Sequence[Explanation]


@dataclass(frozen=True)
class CaseName:
    """What a case is called in a list of something else."""

    id: int
    reference: str
    debtor_name: str
    invoice_number: str


@dataclass(frozen=True)
class OtherCase:
    """Another case of the same customer. booked_ore: unpaid as booked."""

    reference: str
    status: str
    invoice_number: str
    due_on: date
    booked_ore: int
    currency: str


@dataclass(frozen=True)
class Stopped:
    """A case that waits for a person of ours, since when, and why."""

    id: int
    reference: str
    creditor_name: str
    since: datetime
    problems: Sequence[Problem]


@dataclass(frozen=True)
class Totals:
    """Counts over a creditor's cases, and what is owed on them, in öre."""

    open_count: int
    paid_count: int
    unpaid_ore: int


@dataclass(frozen=True)
class Known:
    """What the sums of a case are counted from, where it was read before: its books, the rates."""

    books: ledger.CaseBooks
    table: RateTable


def amount_due(case: Case, on: date, known: Known | None = None) -> AmountDue:
    """What is to be paid on a case on a day, interest to that day included.

    A reference rate that is missing stops interest at the last day with a rate; it is never
    guessed (räntelagen § 9).
    """
    books = known.books if known else ledger.of_case(case.id)
    booked = books.balance()
    if case.closed_on is not None:
        # What was not booked when it closed is not asked for any more.
        return _as_booked(on, booked)
    from_on = books.interest_booked_through()
    table = known.table if known else rates.table()
    accrual, through_on = _accrue(case, on, books, table, from_on=from_on)
    return AmountDue(
        on=on,
        principal_ore=booked.principal_ore,
        interest_ore=booked.interest_ore + accrual.ore,
        fees_ore=booked.fees_ore,
        accrual=accrual,
        interest_through_on=through_on,
    )


def _as_booked(on: date, booked: ledger.Balance) -> AmountDue:
    return AmountDue(
        on, booked.principal_ore, booked.interest_ore, booked.fees_ore,
        Accrual(0, Fraction(0), ()), on,
    )  # fmt: skip


def owed_on(case: Case, on: date) -> AmountDue:
    """What was, is or would be owed at the end of a day, past or future, as the books are now.

    A day ahead answers what is to be paid then if nothing happens before.
    """
    books = ledger.of_case(case.id)
    booked = books.balance(on)
    if case.closed_on is not None and case.closed_on <= on:
        return _as_booked(on, booked)
    from_on = books.interest_booked_through(on)
    accrual, through_on = _accrue(case, on, books, rates.table(), from_on=from_on, known_by=on)
    return AmountDue(
        on=on,
        principal_ore=booked.principal_ore,
        interest_ore=booked.interest_ore + accrual.ore,
        fees_ore=booked.fees_ore,
        accrual=accrual,
        interest_through_on=through_on,
    )


def interest_between(
    case: Case, from_on: date | None, until: date, *, known_by: date = date.max,
    books: ledger.CaseBooks | None = None,
) -> Accrual:  # fmt: skip
    """The interest from the day after one to another, by the books as they are now, or by others.

    from_on: None for the due date. known_by: a part of the claim that was found later than this day
    never to have been owed still bears interest until it was found.
    """
    books = books or ledger.of_case(case.id)
    return _accrue(case, until, books, rates.table(), from_on=from_on, known_by=known_by)[0]


def interest_stated(case: Case, due: AmountDue, known: Known | None = None) -> list[Accrual]:
    """The periods that explain the interest due (inkassolagen § 5).

    When some that was booked at a payment is left, all periods since the due date, with those apart
    that were booked, and so rounded, apart: they come to more than is due by what was paid of them.
    What was never owed is in none of them.
    """
    if due.interest_ore == due.accrual.ore:
        return [due.accrual]
    known = known or Known(ledger.of_case(case.id), rates.table())
    books, table = known.books, known.table
    booked_on = [day for day in books.interest_booked_days() if day < due.on]
    return [
        _accrue(case, until, books, table, from_on=from_on)[0]
        for from_on, until in zip((None, *booked_on), (*booked_on, due.on), strict=True)
    ]


def _accrue(
    case: Case,
    on: date,
    books: ledger.CaseBooks,
    table: RateTable,
    *,
    from_on: date | None,
    known_by: date = date.max,
) -> tuple[Accrual, date]:
    terms = Terms(case.interest_kind, case.agreed_rate)
    needs_rate = case.interest_kind != "none"
    until = min(on, table.known_through) if needs_rate else on
    booked = books.principal_movements()
    # The claim is owed from the due date, whichever day we booked it, and so is none of what was
    # never owed; what came later came then.
    movements = [
        Movement(
            min(one.on, case.due_on)
            if place == 0 or (one.was_never_owed and one.on <= known_by)
            else one.on,
            one.ore,
        )
        for place, one in enumerate(booked)
    ]
    accrual = accrue(
        movements,
        due_on=case.due_on,
        until=max(until, case.due_on),
        terms=terms,
        rates=table,
        from_on=from_on,
    )
    return accrual, until


def explain(case: Case, due: AmountDue, known: Known | None = None) -> list[ExplainedPart]:
    """Each part of what is due with its reason, in the order that the parts are told."""
    parts = [
        ExplainedPart(
            "principal",
            due.principal_ore,
            (
                explain_principal(
                    due.principal_ore,
                    creditor=case.creditor.name,
                    invoice_number=case.invoice.number,
                    due_on=case.due_on,
                ),
            ),
        )
    ]
    if due.interest_ore:
        terms = Terms(case.interest_kind, case.agreed_rate)
        why = [
            one
            for accrual in interest_stated(case, due, known)
            for one in explain_interest(accrual, terms)
        ]
        parts.append(ExplainedPart("interest", due.interest_ore, why))
    if due.fees_ore:
        parts.append(ExplainedPart("fee", due.fees_ore, _explain_fees(case)))
    return parts


def _explain_fees(case: Case) -> tuple[Explanation, ...]:
    return tuple(
        explain_fee(charge, creditor=case.creditor.name, on=on)
        for charge, on in _charges(case)
        if charge.ore
    )


def explain_fee_booked(case: Case, kind: str, ore: int, on: date) -> Explanation | None:
    """Why a fee was charged on a day, or None when the case does not tell of such a fee."""
    for charge, charged_on in _charges(case):
        if (charge.kind, charge.ore, charged_on) == (kind, ore, on):
            return explain_fee(charge, creditor=case.creditor.name, on=on)
    return None


def charges(case: Case) -> list[Charge]:
    """What has been charged on a case, and what compensation took the place of, oldest first."""
    return [charge for charge, _ in _charges(case)]


def charges_booked(case: Case) -> list[Charge]:
    """The fees that a case bears, oldest first."""
    return [charge for charge in charges(case) if charge.ore]


def _charges(case: Case) -> list[tuple[Charge, date]]:
    return [
        (
            Charge(one["kind"], one["ore"], one["statute"], one.get("covered_ore", 0)),
            date.fromisoformat(one["on"]),
        )
        for one in case.charges
    ]


def day_of_event(event: Event) -> date:
    """The day in Sweden that something happened on."""
    return clock.day_of(event.occurred_at)


def totals(creditor_id: int, today: date) -> Totals:
    """Counts of a creditor's cases, and what is owed on them today, interest included."""
    rows = db.session.execute(
        select(Case.status, func.count())
        .where(Case.creditor_id == creditor_id)
        .group_by(Case.status)
    )
    counts = {row[0]: int(row[1]) for row in rows}
    opened = sum(count for status, count in counts.items() if status in states.OPEN)
    return Totals(opened, counts.get(states.PAID, 0), owed.sums(today, creditor_id).total_ore)


def count_for_review() -> int:
    """How many of the cases that may be seen wait for a person of ours."""
    return (
        db.session.scalar(
            select(func.count(Stop.id)).where(Stop.kind == states.REVIEW, Stop.ended_at.is_(None))
        )
        or 0
    )


def for_review(limit: int = 200) -> list[Stopped]:
    """The cases that may be seen and wait for a person of ours, the longest waiting first."""
    newest = (
        select(Event.case_id, func.max(Event.id).label("id"))
        .where(Event.name == "case.needs_review")
        .group_by(Event.case_id)
        .subquery()
    )
    rows = db.session.execute(
        select(Case.id, Case.reference, Creditor.name, Event.occurred_at, Event.data)
        .join(Creditor, Creditor.id == Case.creditor_id)
        .join(newest, newest.c.case_id == Case.id)
        .join(Event, Event.id == newest.c.id)
        .join(Stop, and_(Stop.case_id == Case.id, Stop.kind == states.REVIEW))
        .where(Stop.ended_at.is_(None))
        .order_by(Event.id)
        .limit(limit)
    )
    return [
        Stopped(case_id, reference, name, at, [Problem.from_json(one) for one in data["problems"]])
        for case_id, reference, name, at, data in rows
    ]


def find(reference: str) -> Case | None:
    """The case with a reference, with its debtor, invoice and creditor, if it may be seen."""
    return db.session.scalar(_BY_REFERENCE, {"reference": reference})


_BY_REFERENCE = (
    select(Case)
    .where(Case.reference == bindparam("reference"))
    .options(joinedload(Case.debtor), joinedload(Case.invoice), joinedload(Case.creditor))
)


def names(ids: Iterable[int]) -> dict[int, CaseName]:
    """What some cases are called, by id."""
    rows = db.session.execute(
        select(Case.id, Case.reference, Debtor.name, Invoice.number)
        .join(Debtor, Debtor.id == Case.debtor_id)
        .join(Invoice, Invoice.id == Case.invoice_id)
        .where(Case.id.in_(set(ids)))
    )
    return {row[0]: CaseName(*row) for row in rows}


def numbers(ids: Iterable[int]) -> dict[int, tuple[str, str, str]]:
    """What a payer may call some cases by, by id: OCR number, reference, number of the invoice."""
    rows = db.session.execute(
        select(Case.id, Case.ocr, Case.reference, Invoice.number)
        .join(Invoice, Invoice.id == Case.invoice_id)
        .where(Case.id.in_(set(ids)))
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def get(case_id: int) -> Case | None:
    """A case by its id, with its debtor, invoice and creditor, if it may be seen."""
    return db.session.scalar(
        select(Case)
        .where(Case.id == case_id)
        .options(joinedload(Case.debtor), joinedload(Case.invoice), joinedload(Case.creditor))
    )


def of_ids(ids: Sequence[int]) -> list[Case]:
    """Those of these cases that may be seen, with debtor, invoice and creditor: open ones first,
    and of them the one to be paid first."""
    return list(
        db.session.scalars(
            select(Case)
            .where(Case.id.in_(ids))
            .options(joinedload(Case.debtor), joinedload(Case.invoice), joinedload(Case.creditor))
            .order_by(Case.closed_on.is_not(None), Case.pay_by_on, Case.id)
        )
    )


def others_of(case: Case, limit: int = 20) -> list[OtherCase]:
    """The same customer's other cases, the newest first."""
    rows = db.session.execute(
        select(
            Case.reference,
            Case.status,
            Invoice.number,
            Case.due_on,
            ledger.unpaid_sql(Case.id.expression),
            Case.currency,
        )
        .join(Invoice, Invoice.id == Case.invoice_id)
        .where(Case.debtor_id == case.debtor_id, Case.id != case.id)
        .order_by(Case.id.desc())
        .limit(limit)
    )
    return [OtherCase(*row) for row in rows]


def lock(case_id: int) -> Case:
    """The case, held for this transaction alone and as it is now."""
    return db.session.scalars(
        select(Case)
        .where(Case.id == case_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def lock_with_others(case_id: int) -> tuple[Case, list[Case]]:
    """The case and the same customer's other cases, all held as by `lock`, by their ids."""
    debtor_id = select(Case.debtor_id).where(Case.id == case_id).scalar_subquery()
    held = db.session.scalars(
        select(Case)
        .where(Case.debtor_id == debtor_id)
        .order_by(Case.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    others = [one for one in held if one.id != case_id]
    return next(one for one in held if one.id == case_id), others


def latest_event(case_id: int, name: str) -> Event | None:
    """The newest event of one name on a case."""
    return db.session.scalar(
        select(Event)
        .where(Event.case_id == case_id, Event.name == name)
        .order_by(Event.id.desc())
        .limit(1)
    )
