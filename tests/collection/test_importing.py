"""Many invoices decided on and opened at once, held against the rule for one."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from portal.collection import history, importing, intake, lifecycle, policy
from portal.collection.models import Case, Debtor, Event, Invoice, Rules
from portal.database import tenancy
from portal.extensions import db
from portal.identity.models import Creditor
from portal.ledger.models import Entry, Line
from tests.factories import NOW, TODAY, a_creditor, a_debtor_of, an_invoice_of, rules_of

# What differs from case to case whatever the rule says.
OWN = ("id", "serial", "reference", "ocr", "given_code", "invoice_id", "debtor_id", "case_id",
       "creditor_id", "entry_id", "idempotency_key")  # fmt: skip


def some_rules(creditor: Creditor, dice: random.Random) -> None:
    """Rules of every scope, each saying something of its own."""

    def maybe(*values: object) -> Any:
        return dice.choice([None, *values])

    scopes = [("company", ""), *(("class", one) for one in "AB"), *(("customer", f"K{n}") for n in
              range(0, 40, 3)), ("customer", "nobody")]  # fmt: skip
    for scope, key in scopes:
        db.session.add(
            Rules(
                creditor_id=creditor.id, scope=scope, scope_key=key, changed_at=NOW,
                is_active=maybe(True, True, False), days_after_due=maybe(5, 7, 12, 30),
                import_after_on=maybe(TODAY - timedelta(days=60)),
                reminder_fee_agreed=maybe(True, False), reminder_days=maybe(8, 10, 14),
                interest_kind=maybe("statutory", "agreed", "none"), agreed_rate=maybe("12.5"),
            )
        )  # fmt: skip


def some_invoices(creditor: Creditor, dice: random.Random, count: int) -> None:
    for number in range(40):
        db.session.add(
            Debtor(
                creditor_id=creditor.id, customer_number=f"K{number}", name="Åsa Öberg",
                customer_class=dice.choice([None, "A", "B", "C"]), address_line="Storgatan 1",
                kind=dice.choice(["person", "company"]), postcode="11122", town="Stockholm",
                country="SE",
            )
        )  # fmt: skip
    db.session.flush()
    db.session.execute(
        text(
            "insert into invoices (creditor_id, debtor_id, number, issued_on, due_on, amount_ore,"
            " balance_ore, currency, description, reminder_fee_charged, decision, created_at)"
            " select d.creditor_id, d.id, 'F' || n, case when n % 3 > 0 then"
            " cast(:today as date) - n % 97 - 20 end, cast(:today as date) - n % 83 + 4"
            " - case when n % 1009 = 0 then 16500 else 0 end, 100 + n, 100 + n,"
            " case when n % 31 = 0 then 'EUR' else 'SEK' end, '', n % 2 = 0, 'waiting', :now"
            " from generate_series(1, :count) n"
            " join debtors d on d.creditor_id = :creditor and d.customer_number = 'K' || n % 40"
        ),
        {"count": count, "creditor": creditor.id, "today": TODAY, "now": NOW},
    )
    db.session.commit()


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor()


def as_told(row: Any) -> dict[str, object]:
    return {
        name: value
        for name, value in vars(row).items()
        if name not in OWN and not name.startswith("_")
    }


def everything_of(creditor: Creditor) -> Iterator[tuple[object, ...]]:
    """Each case with its entries, lines and events, without what is its own."""
    for case in db.session.scalars(
        select(Case).where(Case.creditor_id == creditor.id).order_by(Case.invoice_id)
    ):
        rows = [
            as_told(one)
            for table in (Entry, Line, Event)
            for one in db.session.scalars(
                select(table).where(table.case_id == case.id).order_by(table.id)
            )
        ]
        yield (as_told(case), rows)


def test_many_invoices_are_decided_on_as_each_of_them_alone(
    creditor: Creditor,
) -> None:
    dice = random.Random(20260310)
    some_rules(creditor, dice)
    some_invoices(creditor, dice, 4_000)
    alone = {
        invoice.id: decision.code
        for invoice, decision in policy.decide_each(
            db.session.scalars(select(Invoice)).all(), creditor.id, today=TODAY
        )
    }
    db.session.expire_all()
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    rows = db.session.execute(select(Invoice.id, Invoice.reason)).all()
    together = {row.id: row.reason for row in rows}
    assert set(alone.values()) == {
        "currency", "too old", "before import date", "too early", "paused", "overdue",
    }  # fmt: skip
    assert together == alone


def test_cases_opened_together_are_as_those_opened_one_by_one(app: Flask) -> None:
    twins = [a_creditor(), a_creditor()]
    for creditor in twins:
        dice = random.Random(7)
        some_rules(creditor, dice)
        some_invoices(creditor, dice, 400)
    together, alone = twins
    opened = importing.import_waiting(together.id, today=TODAY, now=NOW)
    invoices = db.session.scalars(
        select(Invoice).where(Invoice.creditor_id == alone.id).order_by(Invoice.id)
    ).all()
    for invoice in invoices:
        debtor = invoice.debtor
        rules = policy.effective(alone.id, debtor.customer_number, debtor.customer_class)
        decision = policy.decide(
            due_on=invoice.due_on, issued_on=invoice.issued_on, currency=invoice.currency,
            rules=rules, today=TODAY,
        )  # fmt: skip
        if decision.outcome == "imported":
            lifecycle.open_case(invoice, rules, today=TODAY, now=NOW)
    db.session.commit()
    db.session.expire_all()
    assert opened > 100
    assert list(everything_of(together)) == list(everything_of(alone))


def test_each_case_has_a_reference_an_ocr_number_and_a_code_of_its_own(creditor: Creditor) -> None:
    rules_of(creditor)
    some_invoices(creditor, random.Random(1), 300)
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    opened = db.session.scalars(select(Case)).all()
    numbers = {(one.reference, one.ocr, one.access_code) for one in opened}
    assert len(numbers) == len(opened) > 100


def test_a_decision_is_noted_with_its_day(creditor: Creditor) -> None:
    rules_of(creditor)
    foreign = an_invoice_of(creditor, currency="EUR")
    early = an_invoice_of(creditor, due_on=TODAY)
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    db.session.expire_all()
    assert (foreign.decision, foreign.decided_on) == ("left out", TODAY)
    assert (early.decision, early.decided_on) == ("waiting", None)


def test_more_than_one_transaction_holds_are_decided_on_in_parts(
    creditor: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MOST_AT_ONCE", 100)
    rules_of(creditor, is_active=False)
    some_invoices(creditor, random.Random(1), 250)
    parts = []
    importing.import_waiting(creditor.id, today=TODAY, now=NOW, between=lambda: parts.append(1))
    undecided = select(func.count()).select_from(Invoice).where(Invoice.reason.is_(None))
    assert (len(parts), db.session.scalar(undecided)) == (3, 0)


def test_two_runs_at_once_open_one_case_for_each_invoice(app: Flask, creditor: Creditor) -> None:
    rules_of(creditor)
    for _ in range(3):
        an_invoice_of(creditor)
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    creditor_id = creditor.id

    def meanwhile() -> int:
        with app.app_context(), tenancy.service():
            return importing.import_waiting(creditor_id, today=TODAY, now=NOW)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(meanwhile).result() == 0
    db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(Case)) == 3


def test_an_invoice_whose_number_was_taken_of_old_comes_with_the_next_run(
    creditor: Creditor,
) -> None:
    rules_of(creditor)
    an_invoice_of(creditor)
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    old = db.session.scalars(select(Case)).one()
    coming = db.session.scalar(
        text("select reda_reference(:serial, :keys)"),
        {"serial": old.serial + 1, "keys": importing.reference_keys()},
    )
    old.reference, old.given_code = coming, "K7MPQ2"
    db.session.commit()
    late = an_invoice_of(creditor)
    assert importing.import_waiting(creditor.id, today=TODAY, now=NOW) == 0
    db.session.expire_all()
    assert late.decision == "waiting"
    assert importing.import_waiting(creditor.id, today=TODAY, now=NOW) == 1


def test_the_history_of_what_was_opened_together_holds(creditor: Creditor) -> None:
    rules_of(creditor)
    some_invoices(creditor, random.Random(1), 300)
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    db.session.commit()
    found = history.verify(creditor.id)
    assert found.events > 100
    assert not found.broken


def test_a_person_of_the_creditor_imports_what_is_theirs(app: Flask, creditor: Creditor) -> None:
    others = a_creditor()
    for one in (creditor, others):
        rules_of(one)
        an_invoice_of(one, debtor=a_debtor_of(one))
    mine, theirs = creditor.id, others.id
    with tenancy.creditors([mine]):
        assert intake.import_overdue(mine, today=TODAY, now=NOW) == 1
        assert intake.import_overdue(theirs, today=TODAY, now=NOW) == 0
