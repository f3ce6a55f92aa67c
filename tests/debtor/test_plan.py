"""Paying in parts from the page of the case: chosen, seen, agreed on, moved once."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal import clock
from portal.collection import cases, changes, plans, stops
from portal.collection.models import Case, Plan
from portal.database import tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from tests.debtor.test_pages import Visitor, a_case_of_today, at_first_case, case, pay, said
from tests.factories import a_creditor, enter_case, kronor, rules_of

__all__ = ["case"]
CLERK = Actor("person", "Sofia", role="creditor")
BY_AMOUNT = {"way": "amount", "amount": "400", "months": "", "day": "28"}


@pytest.fixture
def inside(app: Flask, client: FlaskClient, case: Case) -> Visitor:
    enter_case(app, client, case)
    return Visitor(client)


def look(visitor: Visitor, values: Mapping[str, str], *, status: int = 200) -> BeautifulSoup:
    """The page with what was chosen."""
    query = "&".join(f"{name}={value}" for name, value in values.items())
    return visitor.get(f"/case/plan?{query}", status=status)


def send(
    visitor: Visitor, page: BeautifulSoup, *, status: int = 200, **changed: str
) -> BeautifulSoup:
    """Send the form of a page that does something."""
    form = page.select_one("main form[method=post]")
    values = {one["name"]: one["value"] for one in form.select("input")} | changed
    answer = visitor.client.post(
        form["action"], data=values, headers=visitor.headers, follow_redirects=True
    )
    assert answer.status_code == status
    return BeautifulSoup(answer.text, "html.parser")


def count(of: type[Plan] | type[Message], **values: str) -> int:
    with tenancy.service():
        return db.session.scalar(select(func.count()).select_from(of).filter_by(**values)) or 0


def test_plans_within_the_rules_are_offered(inside: Visitor) -> None:
    page = inside.get("/case/plan")
    told = [said(one) for one in page.select("#way label")]
    assert told[0].startswith("2 months, SEK")
    assert 4 <= len(told) <= 6


def test_a_chosen_plan_is_shown_with_each_part_and_what_it_costs(inside: Visitor) -> None:
    page = look(inside, BY_AMOUNT)
    assert "SEK 400.00" in said(page.select_one("main table"))
    assert "Fee for the payment plan SEK 170.00" in said(page)
    assert count(Plan) == 0


def test_the_plan_that_was_shown_is_agreed_on_and_confirmed(inside: Visitor) -> None:
    page = send(inside, look(inside, BY_AMOUNT))
    assert "Your payment plan is agreed on." in said(page)
    assert "Next payment SEK 400.00" in said(page)
    assert (count(Plan, status="running"), count(Message, kind="plan")) == (1, 1)


def test_agreeing_twice_makes_one_plan(inside: Visitor) -> None:
    page = look(inside, BY_AMOUNT)
    send(inside, page)
    send(inside, page)
    assert (count(Plan), count(Message, kind="plan")) == (1, 1)


def test_when_the_sum_has_changed_the_new_plan_is_shown_and_not_agreed_on(
    inside: Visitor, case: Case
) -> None:
    page = look(inside, BY_AMOUNT)
    pay(case, 10_000)
    shown = send(inside, page, status=409)
    assert "Nothing was done. Look at the plan again." in said(shown)
    assert count(Plan) == 0
    assert "Your payment plan is agreed on." in said(send(inside, shown))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"amount": "100"}, "At least SEK 200.00 a month is needed."),
        ({"amount": "😀"}, "Write an amount in kronor"),
        ({"amount": ""}, "Fill this in."),
        ({"amount": "99999"}, "That pays all of it at once."),
        ({"amount": "1"}, "At least SEK 200.00 a month is needed."),
        ({"way": "months", "months": "12"}, "At least SEK 200.00 a month is needed."),
        ({"way": "months", "months": "13"}, "from 1 to 12 payments"),
        ({"way": "months", "months": "x"}, "Write a whole number."),
        ({"way": "months", "months": "99999999999999999999"}, "from 1 to 12 payments"),
        ({"way": ""}, "How do you want to pay: Fill this in."),
        ({"day": "30"}, "Choose one of the options."),
        ({"day": "-1"}, "Choose one of the options."),
    ],
)
def test_what_cannot_be_is_told_kindly(inside: Visitor, values: dict[str, str], told: str) -> None:
    page = look(inside, BY_AMOUNT | values, status=422)
    assert told in said(page.select_one("#error-summary"))


def test_what_was_typed_stays(inside: Visitor) -> None:
    page = look(inside, BY_AMOUNT | {"amount": "100"}, status=422)
    assert page.select_one("input[name=amount]")["value"] == "100"


def test_a_creditor_that_wants_to_be_asked_is_asked(app: Flask, client: FlaskClient) -> None:
    creditor = a_creditor()
    rules_of(creditor, may_plan=False)
    enter_case(app, client, a_case_of_today(creditor=creditor))
    page = Visitor(client).get("/case/plan")
    assert "A payment plan must be asked for." in said(page)
    assert not page.select("main form")


def test_the_creditors_own_rules_hold(app: Flask, client: FlaskClient) -> None:
    creditor = a_creditor()
    rules_of(creditor, plan_least_ore=50_000, plan_fee_by="creditor")
    enter_case(app, client, a_case_of_today(creditor=creditor))
    text = said(look(Visitor(client), BY_AMOUNT, status=422))
    assert "At least SEK 500.00 a month is needed." in text
    assert "costs no fee" in text


def test_a_sum_too_small_to_divide_is_told(app: Flask, client: FlaskClient) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    case = a_case_of_today(creditor=creditor, amount_ore=10_000, balance_ore=10_000)
    enter_case(app, client, case)
    assert "too small to be divided" in said(Visitor(client).get("/case/plan"))


def test_no_plan_is_made_while_the_case_stands_still(inside: Visitor, case: Case) -> None:
    page = look(inside, BY_AMOUNT)
    stops.stop(cases.lock(case.id), "deceased", "", actor=SYSTEM, now=clock.now())
    db.session.commit()
    assert "Your case stands still." in said(send(inside, page, status=409))
    assert count(Plan) == 0


def agreed(visitor: Visitor) -> BeautifulSoup:
    return send(visitor, look(visitor, BY_AMOUNT))


def test_what_is_paid_of_a_plan_is_told(inside: Visitor, case: Case) -> None:
    agreed(inside)
    pay(case, 45_000)
    page = inside.get("/case/plan")
    rows = [said(row) for row in page.select("main tbody tr")]
    assert rows[0].endswith("Paid")
    assert rows[1].endswith("Left to pay: SEK 350.00")
    assert "Next payment SEK 350.00" in said(page)


def test_no_more_is_asked_for_than_is_owed(inside: Visitor, case: Case) -> None:
    agreed(inside)
    pay(case, 40_000)
    changes.credit(
        cases.lock(case.id), amount_ore=80_000, on=clock.today(), key="note", actor=CLERK,
        now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    owed_ore = cases.amount_due(case, clock.today()).total_ore
    assert 0 < owed_ore < 40_000
    assert f"Next payment SEK {owed_ore / 100:.2f}" in said(inside.get("/case/plan"))
    proposed = inside.get("/case/pay").select_one("input[name=amount]")["value"]
    assert kronor(proposed.replace(",", ".")) == owed_ore


def test_a_missed_payment_tells_what_saves_the_plan(inside: Visitor, case: Case) -> None:
    today = clock.today()
    plans.agree(
        cases.lock(case.id), monthly_ore=40_000, first_on=today - timedelta(days=3),
        actor=CLERK, today=today - timedelta(days=4), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    assert "A payment is late" in said(inside.get("/case/plan"))


def test_a_plan_that_was_not_kept_is_told_of(inside: Visitor, case: Case) -> None:
    agreed(inside)
    plans.break_off(cases.lock(case.id), actor=SYSTEM, today=clock.today(), now=clock.now())
    stops.end(cases.lock(case.id), "plan", actor=SYSTEM, today=clock.today(), now=clock.now())
    db.session.commit()
    assert "ended because a payment was missed" in said(inside.get("/case/plan"))


def test_the_day_is_changed_after_it_was_shown_and_once(inside: Visitor) -> None:
    agreed(inside)
    page = inside.get("/case/plan/day?day=15")
    assert "It costs no fee." in said(page)
    changed = send(inside, page)
    assert "The day is changed." in said(changed)
    assert "The day has been changed once already." in said(changed)
    send(inside, page)
    assert count(Message, kind="plan", status="waiting") == 1
    assert inside.raw("/case/plan/day?day=3").status_code == 303


def test_the_day_that_the_plan_has_is_no_change(inside: Visitor) -> None:
    agreed(inside)
    text = said(inside.get("/case/plan/day?day=28", status=422))
    assert "These are the days that the plan has already." in text


def test_a_closed_case_leads_back_to_it(inside: Visitor, case: Case) -> None:
    pay(case)
    assert inside.raw("/case/plan").headers["Location"] == at_first_case("/case")


def test_the_history_tells_of_the_plan_and_its_new_day(inside: Visitor) -> None:
    agreed(inside)
    send(inside, inside.get("/case/plan/day?day=15"))
    told = said(inside.get("/case/history"))
    assert "You agreed on a payment plan" in told
    assert "You changed the day of the payment plan" in told


def test_what_was_credited_is_neither_told_as_saved_nor_asked_for(
    inside: Visitor, case: Case
) -> None:
    send(inside, look(inside, BY_AMOUNT))
    changes.credit(
        cases.lock(case.id), amount_ore=99_000, on=clock.today(), key="credit", actor=CLERK,
        now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    owed_ore = cases.amount_due(case, clock.today()).total_ore
    page = inside.get("/case/plan")
    assert len(page.select("main tbody tr")) == 1
    assert f"SEK {owed_ore // 100}." in said(page.select_one("main tbody"))
    assert "That is SEK 9" not in said(page)
