"""Many invoices decided on and opened at once, held against the rule for one."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from portal.collection import history, importing, intake, lifecycle, policy, rulebook
from portal.collection.models import Case, Invoice
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from tests.collection.twins import everything_of, make_twins, some_invoices, some_rules
from tests.factories import NOW, TODAY, a_case, a_creditor, a_debtor_of, an_invoice_of, rules_of


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor()


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
        *policy.LEFT_OUT, "too early", "paused", "overdue",
    }  # fmt: skip
    assert together == alone


def test_cases_opened_together_are_as_those_opened_one_by_one(app: Flask) -> None:
    together, alone = make_twins(300, seed=7)
    opened = importing.import_waiting(together.id, today=TODAY, now=NOW)
    invoices = db.session.scalars(
        select(Invoice).where(Invoice.creditor_id == alone.id).order_by(Invoice.id)
    ).all()
    for invoice in invoices:
        debtor = invoice.debtor
        rules = policy.effective(alone.id, debtor.customer_number, debtor.customer_class)
        decision = policy.decide(policy.Candidate.of(invoice), rules, TODAY)
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


def test_what_still_waits_is_not_touched_again(creditor: Creditor) -> None:
    rules_of(creditor, is_active=False)
    an_invoice_of(creditor)
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    db.session.commit()
    row = text("select ctid::text || xmax::text from invoices")
    before = db.session.scalar(row)
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    db.session.commit()
    assert db.session.scalar(row) == before


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


def test_a_number_that_anothers_case_has_stops_nobody(app: Flask, creditor: Creditor) -> None:
    others = a_case()
    others.reference = db.session.scalar(
        text("select reda_reference(:serial, :keys)"),
        {"serial": others.serial + 1, "keys": importing.reference_keys()},
    )
    rules_of(creditor)
    for _ in range(2):
        an_invoice_of(creditor)
    mine = creditor.id
    with tenancy.creditors([mine]):
        assert importing.import_waiting(mine, today=TODAY, now=NOW) == 1
        assert importing.import_waiting(mine, today=TODAY, now=NOW) == 1


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


def test_no_case_comes_to_light_after_the_rules_said_stop(app: Flask, creditor: Creditor) -> None:
    rules_of(creditor)
    for _ in range(3):
        an_invoice_of(creditor)
    creditor_id, opened = creditor.id, importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    came_first: list[int] = []

    def pause() -> None:
        with app.app_context(), tenancy.service():
            values = {**policy.effective(creditor_id).values, "is_active": False}
            rulebook.save(creditor_id, values, 1, actor=SYSTEM, today=TODAY, now=NOW)
            db.session.commit()
            # What the pausing one sees afterwards is all that there will ever be.
            came_first.append(db.session.scalar(select(func.count()).select_from(Case)) or 0)

    with ThreadPoolExecutor(1) as pool:
        pausing = pool.submit(pause)
        with pytest.raises(TimeoutError):
            pausing.result(timeout=0.5)
        db.session.commit()
        pausing.result(timeout=20)
    an_invoice_of(creditor)
    assert importing.import_waiting(creditor_id, today=TODAY, now=NOW) == 0
    assert (opened, came_first) == (3, [3])
