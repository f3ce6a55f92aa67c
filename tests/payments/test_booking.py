"""A payment by Swish from the first click to the books, against the simulator over mutual TLS."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask

from portal import clock, jobs, ledger
from portal.collection import cases
from portal.collection.models import Case
from portal.config import Settings
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.ledger import Account
from portal.payments import booking
from portal.payments.models import Payment
from tests.factories import NOW, TODAY, a_case, a_case_whose_reminder_left, kronor
from tests.payments.asking import ask, asked_for, paid
from tests.swish_fixtures import Swish

pytest_plugins = ["tests.swish_fixtures"]

# What a reminded case owes on the day of the reminder: principal, twenty days' interest and fee.
OWED = 100_000 + 548 + 6_000


@pytest.fixture
def settings(settings: Settings, swish: Swish) -> Settings:
    return swish.settings(settings)


def at_once(app: Flask, work: Callable[[], object], threads: int = 6) -> list[object]:
    """Do the same from several threads, each with its own connection."""

    def run(_: int) -> object:
        with app.app_context(), tenancy.service():
            result = work()
            db.session.commit()
            return result

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def by_bank(case: Case, amount_ore: int) -> None:
    """Money for a case that came by bankgiro."""
    booking.receive(
        case.id, amount_ore=amount_ore, currency="SEK", key="bankgiro:1", channel="bankgiro",
        value_on=TODAY, payer=None, actor=SYSTEM, now=NOW,
    )  # fmt: skip
    db.session.commit()


def test_a_paid_request_is_booked_and_closes_the_case(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    paid(swish, case)
    (payment,) = booking.payments_of(case.id)
    assert (payment.amount_ore, payment.principal_ore) == (OWED, 100_000)
    assert cases.lock(case.id).status == "paid"


def test_a_paid_request_is_booked_once_however_often_it_is_asked_about(
    app: Flask, swish: Swish
) -> None:
    case = a_case_whose_reminder_left()
    request_id = paid(swish, case)
    for _ in range(3):
        assert ask(request_id).status == "paid"
    assert len(booking.payments_of(case.id)) == 1
    assert ledger.trial_balance()[Account.CLIENT_FUNDS] == OWED


def test_a_paid_request_is_booked_once_when_many_ask_at_once(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    request_id = asked_for(case)
    swish.control(f"requests/{request_id}/pay")
    statuses = at_once(app, lambda: booking.ask(request_id, now=NOW).status)
    assert set(statuses) == {"paid"}
    assert len(booking.payments_of(case.id)) == 1
    assert ledger.trial_balance()[Account.CLIENT_FUNDS] == OWED


def test_a_bank_that_answers_after_it_was_given_up_is_booked(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    request_id = asked_for(case)
    swish.control(f"requests/{request_id}/silence")
    ask(request_id, at=NOW + timedelta(days=1, minutes=1))
    seen = swish.running.register.payment(request_id)
    seen.status, seen.error_code = "CREATED", None
    swish.control(f"requests/{request_id}/pay")
    assert ask(request_id, at=NOW + timedelta(days=2)).status == "paid"
    assert len(booking.payments_of(case.id)) == 1


def test_the_job_books_what_a_lost_callback_did_not_tell(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    # The job asks by the real clock, and only what is older than a request lives.
    request_id = asked_for(case, at=clock.now() - timedelta(minutes=10))
    swish.control("next", callback="none")
    swish.control(f"requests/{request_id}/pay")
    jobs.ask_swish()
    assert len(booking.payments_of(case.id)) == 1


def test_another_amount_than_asked_for_is_booked_as_it_came(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    request_id = asked_for(case)
    swish.running.register.payment(request_id).amount = Decimal("500.00")
    swish.control(f"requests/{request_id}/pay")
    ask(request_id)
    assert [one.amount_ore for one in booking.payments_of(case.id)] == [50_000]
    assert cases.lock(case.id).status == "reminded"


def test_a_case_paid_meanwhile_makes_the_second_payment_an_over_payment(
    app: Flask, swish: Swish
) -> None:
    case = a_case_whose_reminder_left()
    request_id = asked_for(case)
    by_bank(case, OWED)
    swish.control(f"requests/{request_id}/pay")
    ask(request_id)
    assert [one.overpaid_ore for one in booking.payments_of(case.id)] == [OWED, 0]
    assert ledger.trial_balance()[Account.OVER_PAYMENT] == -OWED


def test_two_payments_of_one_case_at_once_are_settled_one_after_the_other(
    app: Flask, swish: Swish
) -> None:
    case = a_case_whose_reminder_left()
    request_id = asked_for(case)
    swish.control(f"requests/{request_id}/pay")
    waiting = [
        lambda: booking.ask(request_id, now=NOW),
        lambda: by_bank(case, OWED),
    ]
    at_once(app, lambda: waiting.pop()(), threads=2)
    assert sorted(one.overpaid_ore for one in booking.payments_of(case.id)) == [0, OWED]


def test_who_pays_what_was_asked_for_past_midnight_owes_nothing_more(
    app: Flask, swish: Swish
) -> None:
    case = a_case_whose_reminder_left()
    request_id = asked_for(case, at=datetime(2026, 3, 10, 22, 59, tzinfo=UTC))
    swish.control(f"requests/{request_id}/pay")
    seen = swish.running.register.payment(request_id)
    seen.paid_at = datetime(2026, 3, 10, 23, 0, 30, tzinfo=UTC)
    ask(request_id, at=seen.paid_at)
    assert cases.lock(case.id).status == "paid"
    assert cases.amount_due(case, TODAY + timedelta(days=30)).total_ore == 0


def test_each_payment_gets_a_receipt_number_of_its_own(app: Flask, swish: Swish) -> None:
    for _ in range(3):
        paid(swish, a_case_whose_reminder_left())
    numbers = [one.receipt_number for one in db.session.query(Payment)]
    assert len(set(numbers)) == 3
    assert all(number.startswith("2026-") for number in numbers)


def test_a_receipt_is_found_by_its_number(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    paid(swish, case)
    (payment,) = booking.payments_of(case.id)
    content = booking.receipt_content(booking.receipt(payment.receipt_number))
    assert content["parts"] == [
        {"kind": "principal", "ore": 100_000},
        {"kind": "interest", "ore": 548},
        {"kind": "reminder_fee", "ore": 6_000},
    ]
    assert content["left_ore"] == 0


def test_a_receipt_says_for_ever_what_was_left_after_its_own_payment(
    app: Flask, swish: Swish
) -> None:
    case = a_case()
    request_id = asked_for(case)
    swish.running.register.payment(request_id).amount = Decimal("500.00")
    swish.control(f"requests/{request_id}/pay")
    ask(request_id)
    (first,) = booking.payments_of(case.id)
    before = booking.receipt_content(booking.receipt(first.receipt_number))
    paid(swish, case)
    after = booking.receipt_content(booking.receipt(first.receipt_number))
    assert after == before
    assert after["left_ore"] > 0


def test_what_the_creditor_is_owed_lacks_fee_and_over_payment(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    request_id = asked_for(case)
    swish.running.register.payment(request_id).amount = Decimal("2000.00")
    swish.control(f"requests/{request_id}/pay")
    ask(request_id)
    (payment,) = booking.payments_of(case.id)
    to_creditor = payment.principal_ore + payment.interest_ore
    assert ledger.owed_to(case.creditor_id) == to_creditor
    assert to_creditor + payment.fees_ore + payment.overpaid_ore == kronor("2000")
