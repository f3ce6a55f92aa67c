"""What bank and books both have is cleared each night; what is told of a day stays the same."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from portal import jobs, ledger
from portal.extensions import db
from portal.identity.models import Creditor
from portal.payments import clearing, closing, deciding, reconciling, transfers
from portal.payments.models import BankPayment
from tests.factories import NOW, TODAY, a_creditor
from tests.factories import a_case_whose_reminder_left as a_reminded_case
from tests.payments.bank_money import (
    OPERATOR,
    cleared,
    paid_by_bank,
    paid_by_swish,
    taken_back,
    told,
)
from tests.payments.closing_periods import close


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor()


@pytest.fixture
def payment(creditor: Creditor) -> BankPayment:
    payment = paid_by_bank(a_reminded_case(creditor), 50_000)
    cleared()
    return payment


def is_the_same() -> bool:
    return all(
        reconciling.reconcile(day, day) == reconciling.reconcile_from_the_beginning(day, day)
        for day in (TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=1))
    )


def test_what_bank_and_books_both_have_is_cleared(payment: BankPayment) -> None:
    assert (payment.cleared_from, payment.cleared_on) == (TODAY, TODAY)
    assert is_the_same()


def test_what_waits_is_not_cleared(app: Flask) -> None:
    waiting = told(70_000, state="waiting")
    cleared()
    assert waiting.cleared_on is None
    assert is_the_same()


def test_what_is_cleared_and_undone_waits_again(payment: BankPayment) -> None:
    deciding.undo(payment.id, actor=OPERATOR, today=TODAY, now=NOW)
    db.session.commit()
    (reason,) = reconciling.reconcile(TODAY, TODAY).reasons
    assert (reason.what, reason.ore) == ("waiting", 50_000)
    assert is_the_same()
    cleared()
    assert payment.cleared_on is None
    assert is_the_same()


def test_what_is_undone_and_brings_what_was_booked_is_kept_as_that(payment: BankPayment) -> None:
    paid_by_swish(a_reminded_case(a_creditor("Aspen AB")), 50_000)
    deciding.undo(payment.id, actor=OPERATOR, today=TODAY, now=NOW)
    transfers.note(payment.id, "swish", actor=OPERATOR, now=NOW)
    db.session.commit()
    assert is_the_same()
    cleared()
    assert is_the_same()


def test_what_the_bank_takes_back_is_cleared_too(payment: BankPayment) -> None:
    reversal = taken_back(payment, TODAY + timedelta(days=1))
    assert is_the_same()
    cleared()
    assert reversal.cleared_on == TODAY + timedelta(days=1)
    assert is_the_same()


def test_days_between_bank_and_books_are_told_of_after_it_is_cleared(creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    close(TODAY - timedelta(days=1), first_on=(TODAY - timedelta(days=1)).replace(day=1))
    late = paid_by_bank(case, 50_000, TODAY - timedelta(days=2))
    cleared()
    assert (late.cleared_from, late.cleared_on) == (TODAY - timedelta(days=2), TODAY)
    found = reconciling.reconcile(TODAY - timedelta(days=1), TODAY - timedelta(days=1))
    assert [(one.what, one.ore) for one in found.reasons] == [("other day", 50_000)]
    assert is_the_same()


def test_sums_that_are_wrong_are_found_and_made_anew(payment: BankPayment) -> None:
    db.session.execute(text("update reconciled_sums set ore = ore + 1 where side = 'books'"))
    db.session.commit()
    assert not is_the_same()
    clearing.check(TODAY)
    db.session.commit()
    assert is_the_same()
    cleared()
    assert is_the_same()


def test_the_night_s_work_clears(creditor: Creditor) -> None:
    paid_by_bank(a_reminded_case(creditor), 50_000)
    jobs.reconcile()
    db.session.commit()
    assert ledger.kept_through() == ledger.newest_entry()
    assert is_the_same()


def test_while_the_books_are_busy_a_night_is_left_out(
    monkeypatch: pytest.MonkeyPatch, creditor: Creditor
) -> None:
    monkeypatch.setattr(closing, "_LONGEST_WAIT", "10ms")
    paid_by_bank(a_reminded_case(creditor), 50_000)
    with db.engine.connect() as other:
        other.execute(text(f"select pg_advisory_xact_lock_shared({closing._LOCK})"))
        jobs.reconcile()
    assert ledger.kept_through() == 0
    assert is_the_same()
