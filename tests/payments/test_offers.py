"""What may be paid: a part within the debt, and a transfer to the öre on the day it arrives."""

from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings, strategies

from portal.collection import cases
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.law import calendar
from portal.payments import booking, offers
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor, rules_of

one_database = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
days = strategies.integers(0, offers.MOST_AHEAD.days).map(lambda n: TODAY + timedelta(days=n))


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_whose_reminder_left()


def arrives(case: Case, amount_ore: int, on: date) -> None:
    booking.receive(
        case.id, amount_ore=amount_ore, currency="SEK", key=f"bankgiro:{amount_ore}:{on}",
        channel="bankgiro", value_on=on, payer=None, actor=SYSTEM, now=NOW,
    )  # fmt: skip


@one_database
@given(days)
def test_a_transfer_that_arrives_when_it_should_pays_all_to_the_ore(case: Case, on: date) -> None:
    transfer = offers.by_bank(case, ordered_on=on, amount_ore=None, today=TODAY)
    arrives(case, transfer.amount_ore, transfer.arrives_on)
    booked = [(one.amount_ore, one.overpaid_ore) for one in booking.payments_of(case.id)]
    left = cases.amount_due(case, transfer.arrives_on)
    db.session.rollback()
    assert booked == [(transfer.amount_ore, 0)]
    assert left.total_ore == 0


@one_database
@given(days, strategies.integers(offers.LEAST_ORE, 106_548))
def test_what_a_part_leaves_is_what_was_said(case: Case, on: date, amount_ore: int) -> None:
    transfer = offers.by_bank(case, ordered_on=on, amount_ore=amount_ore, today=TODAY)
    arrives(case, amount_ore, transfer.arrives_on)
    left = cases.amount_due(case, transfer.arrives_on)
    db.session.rollback()
    assert left.total_ore == transfer.left_ore


@given(days)
def test_money_arrives_on_a_banking_day_after_the_day_that_it_is_sent(on: date) -> None:
    arrives_on = calendar.arrives_by(on)
    assert calendar.is_banking_day(arrives_on)
    between = [on + timedelta(days=n) for n in range((arrives_on - on).days)]
    assert sum(map(calendar.is_banking_day, between)) == 1


@pytest.mark.parametrize(
    ("ordered_on", "arrives_on"),
    [
        (date(2026, 3, 10), date(2026, 3, 11)),
        (date(2026, 3, 13), date(2026, 3, 16)),
        (date(2026, 3, 14), date(2026, 3, 17)),
        (date(2026, 12, 23), date(2026, 12, 28)),
    ],
)
def test_weekends_and_holidays_are_waited_for(ordered_on: date, arrives_on: date) -> None:
    assert calendar.arrives_by(ordered_on) == arrives_on


@pytest.mark.parametrize("days", [-1, offers.MOST_AHEAD.days + 1])
def test_nobody_pays_yesterday_or_in_a_far_future(case: Case, days: int) -> None:
    with pytest.raises(offers.WrongDay):
        offers.by_bank(case, ordered_on=TODAY + timedelta(days=days), amount_ore=None, today=TODAY)


@pytest.mark.parametrize("amount_ore", [None, 0, -100, 99, 106_549, 10**20])
def test_what_is_no_part_of_the_debt_is_refused(case: Case, amount_ore: int | None) -> None:
    with pytest.raises(offers.WrongAmount):
        offers.part_of(cases.amount_due(case, TODAY), amount_ore)


def test_a_rest_that_the_company_lets_go_is_not_said_to_be_left(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor, small_rest_ore=5_000)
    case = a_case_whose_reminder_left(creditor)
    due = cases.amount_due(case, TODAY)
    assert offers.left_after(case, due, due.total_ore - 5_000) == 0
    assert offers.left_after(case, due, due.total_ore - 5_001) == 5_001
