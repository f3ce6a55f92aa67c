"""What is left when every payment of a plan has come: interest that nobody could reckon before."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask

from portal import clock
from portal.collection import cases, coming, lifecycle, plans, rates, settling, states, stops
from portal.collection.models import Case, Plan
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import SWISH, SYSTEM, Actor
from portal.law.calendar import banking_day_on_or_after
from tests.debtor.test_pages import a_case_of_today

CLERK = Actor("person", "Sofia", role="creditor")
LATE = timedelta(days=4)


@pytest.fixture
def plan(app: Flask) -> Plan:
    """Of two payments, each of which came within the days of grace."""
    case = a_case_of_today(amount_ore=10_000_000, balance_ore=10_000_000)
    rates.add(
        rates.table().known_through + timedelta(days=1), Decimal(2), "Made up", actor=SYSTEM,
        now=clock.now(),
    )  # fmt: skip
    plan = plans.agree(
        cases.lock(case.id), monthly_ore=5_200_000, first_on=clock.today() + timedelta(days=5),
        actor=CLERK, today=clock.today(), now=clock.now(),
    )  # fmt: skip
    for letter in db.session.query(Message).filter_by(case_id=case.id):
        letter.status, letter.sent_at = "sent", clock.now()
    for one in list(plan.instalments):
        receive(case, one.amount_ore, one.due_on + LATE)
    db.session.commit()
    return plan


def at(day: date) -> datetime:
    return clock.now() + (day - clock.today())


def receive(case: Case, amount_ore: int, on: date) -> None:
    settling.settle_payment(
        cases.lock(case.id), amount_ore=amount_ore, key=f"swish:{on}", channel="swish",
        value_on=on, actor=SWISH, now=at(on),
    )  # fmt: skip


def a_day_after(plan: Plan) -> date:
    day = banking_day_on_or_after(plan.instalments[-1].due_on + timedelta(days=5))
    while lifecycle.advance(day, now=at(day)).taken:
        pass
    db.session.commit()
    return day


def test_it_is_asked_for_as_one_more_payment(plan: Plan) -> None:
    today = a_day_after(plan)
    rest = plan.instalments[-1]
    owed_ore = cases.owed_on(cases.lock(plan.case_id), rest.due_on).total_ore
    assert (len(plan.instalments), rest.amount_ore) == (3, owed_ore)
    assert rest.due_on >= today + timedelta(days=10)
    letters = (
        db.session.query(Message)
        .filter_by(kind="plan", case_id=plan.case_id)
        .order_by(Message.id)
        .all()
    )
    assert [one["ore"] for one in letters[-1].content["instalments"]] == [owed_ore]


def test_it_is_asked_for_once(plan: Plan) -> None:
    a_day_after(plan)
    a_day_after(plan)
    assert len(plan.instalments) == 3


def test_paid_it_ends_the_plan(plan: Plan) -> None:
    a_day_after(plan)
    case, rest = cases.lock(plan.case_id), plan.instalments[-1]
    receive(case, rest.amount_ore, rest.due_on)
    assert (case.status, plan.status) == ("paid", "kept")


def test_not_paid_it_ends_the_plan_as_any_payment(plan: Plan) -> None:
    a_day_after(plan)
    case = cases.lock(plan.case_id)
    today = plan.instalments[-1].due_on
    part = coming.of_case(case, 1, today).part
    assert part
    assert part.broken_after_on
    day = part.broken_after_on + timedelta(days=1)
    lifecycle.advance(day, now=at(day))
    assert plan.status == "broken"


def test_nothing_is_asked_for_of_a_case_that_was_stopped_meanwhile(plan: Plan) -> None:
    case = cases.lock(plan.case_id)
    day = banking_day_on_or_after(plan.instalments[-1].due_on + timedelta(days=5))
    stops.stop(case, states.HOLD, "", actor=CLERK, now=at(day))
    assert not plans.ask_for_rest(case, actor=SYSTEM, today=day, now=at(day))
