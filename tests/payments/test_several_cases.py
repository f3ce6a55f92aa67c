"""One payment by Swish for several cases: booked on each exactly as it was asked for."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given, strategies
from sqlalchemy import select

from portal import ledger
from portal.collection import cases
from portal.collection.models import Case
from portal.config import Settings
from portal.database import tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.ledger import Account
from portal.payments import booking
from portal.payments.models import SwishRequest
from tests.factories import NOW, TODAY, a_case, a_case_whose_reminder_left, a_creditor, a_debtor_of
from tests.payments.asking import ask, asked_for, asked_for_parts
from tests.swish_fixtures import Swish

pytest_plugins = ["tests.swish_fixtures"]


@pytest.fixture
def settings(settings: Settings, swish: Swish) -> Settings:
    return swish.settings(settings)


@pytest.fixture
def some(app: Flask) -> list[Case]:
    """Three cases of three companies, each of another sum."""
    return [
        a_case_whose_reminder_left(a_creditor("Norrsken Energi AB")),
        a_case_whose_reminder_left(a_creditor("Fjällbäcks Tandvård AB"), balance_ore=33_333),
        a_case(a_creditor("Älvens Bredband AB"), balance_ore=1_001),
    ]


def owed(some: list[Case]) -> dict[int, int]:
    return {one.id: cases.amount_due(one, TODAY).total_ore for one in some}


def booked(some: list[Case]) -> dict[int, int]:
    return {one.id: sum(p.amount_ore for p in booking.payments_of(one.id)) for one in some}


def all_of(some: list[Case]) -> dict[int, int | None]:
    return dict.fromkeys(one.id for one in some)


def test_one_payment_pays_each_case_what_was_asked_for_it(swish: Swish, some: list[Case]) -> None:
    before = owed(some)
    request_id = asked_for_parts(all_of(some))
    assert Decimal(str(swish.seen(request_id)["amount"])) * 100 == sum(before.values())
    swish.control(f"requests/{request_id}/pay")
    ask(request_id)
    assert booked(some) == before
    assert {cases.lock(one.id).status for one in some} == {"paid"}
    assert ledger.trial_balance()[Account.CLIENT_FUNDS] == sum(before.values())


def test_each_case_has_a_receipt_of_its_own_by_one_reference(
    swish: Swish, some: list[Case]
) -> None:
    request_id = asked_for_parts(all_of(some))
    swish.control(f"requests/{request_id}/pay")
    payments = booking.payments_by(ask(request_id))
    told = [booking.receipt_content(booking.receipt(one.receipt_number)) for one in payments]
    assert [one["reference"] for one in told] == [one.reference for one in some]
    assert {one["channel_reference"] for one in told} == {
        booking.find(request_id).payment_reference
    }


def test_asking_often_and_at_once_books_each_case_once(
    app: Flask, swish: Swish, some: list[Case]
) -> None:
    before = owed(some)
    request_id = asked_for_parts(all_of(some))
    swish.control(f"requests/{request_id}/pay")

    def run(_: int) -> None:
        with app.app_context(), tenancy.service():
            booking.ask(request_id, now=NOW)
            db.session.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    db.session.rollback()
    assert booked(some) == before


@given(
    strategies.lists(strategies.integers(1, 10**9), min_size=1, max_size=12),
    strategies.integers(1, 2 * 10**9),
)
def test_a_payment_is_divided_to_the_last_ore(asked: list[int], paid: int) -> None:
    shares = booking.divided(asked, paid)
    assert sum(shares) == paid
    assert min(shares) >= 0
    assert booking.divided(asked, sum(asked)) == asked


def test_one_of_them_paid_alone_withdraws_the_payment_of_all(
    swish: Swish, some: list[Case]
) -> None:
    together = asked_for_parts(all_of(some))
    alone = asked_for(some[1], 10_000)
    assert swish.seen(together)["status"] == "CANCELLED"
    assert swish.seen(alone)["status"] == "CREATED"


def test_one_that_is_paid_meanwhile_stops_the_request_for_all(
    swish: Swish, some: list[Case]
) -> None:
    request_id = asked_for(some[0])
    swish.control(f"requests/{request_id}/pay")
    ask(request_id)
    with pytest.raises(booking.NothingToPay):
        asked_for_parts(all_of(some))
    assert db.session.query(SwishRequest).count() == 1


def test_who_sees_one_of_the_cases_sees_its_part_alone(swish: Swish, some: list[Case]) -> None:
    request_id = asked_for_parts(all_of(some))
    with tenancy.cases([some[1].id]):
        assert [one.case_id for one in booking.parts_of(request_id)] == [some[1].id]
    with tenancy.creditors([some[1].creditor_id]):
        assert booking.find(request_id) is None


def test_the_debtor_is_told_by_e_mail_in_their_language(app: Flask, swish: Swish) -> None:
    creditor = a_creditor()
    debtor = a_debtor_of(creditor, email="ahmad@example.com", language="ar")
    case = a_case_whose_reminder_left(creditor, debtor=debtor)
    request_id = asked_for(case, 30_000)
    swish.control(f"requests/{request_id}/pay")
    for _ in range(2):
        ask(request_id)
    (mail,) = db.session.scalars(select(Message).where(Message.kind == "payment"))
    assert (mail.address, mail.language) == ("ahmad@example.com", "ar")
    assert (mail.content["amount_ore"], mail.content["left_ore"]) == (30_000, 76_548)
    assert "/l/" in mail.secret


@pytest.mark.parametrize("email", [None, "no address"])
def test_whoever_has_no_address_is_paid_for_all_the_same(
    app: Flask, swish: Swish, email: str | None
) -> None:
    creditor = a_creditor()
    case = a_case_whose_reminder_left(creditor, debtor=a_debtor_of(creditor, email=email))
    request_id = asked_for(case)
    swish.control(f"requests/{request_id}/pay")
    assert ask(request_id).status == "paid"
    assert db.session.scalar(select(Message).where(Message.kind == "payment")) is None
