"""More time to pay, taken from the page of the case."""

from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal import clock
from portal.collection import cases, stops
from portal.collection.models import Case, Event
from portal.database import tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import SYSTEM
from tests.debtor.test_pages import Visitor, a_case_of_today, at_first_case, case, pay, said
from tests.debtor.test_plan import send
from tests.factories import a_creditor, enter_case, rules_of

__all__ = ["case"]


@pytest.fixture
def inside(app: Flask, client: FlaskClient, case: Case) -> Visitor:
    enter_case(app, client, case)
    return Visitor(client)


def radios(visitor: Visitor) -> list[str]:
    page = visitor.get("/case/more-time")
    return [one["value"] for one in page.select("main input[type=radio]")]


def taken() -> tuple[int, int]:
    """How often more time was taken, and how many letters tell of it."""
    with tenancy.service():
        events = select(func.count()).where(Event.name == "case.postponed")
        letters = select(func.count()).where(Message.kind == "more_time")
        return db.session.scalar(events) or 0, db.session.scalar(letters) or 0


def choose(visitor: Visitor, value: str, *, status: int = 200) -> str:
    page = visitor.get("/case/more-time")
    form = page.select_one("main form[method=post]")
    values = {"csrf_token": form.select_one("[name=csrf_token]")["value"], "pay_by_on": value}
    answer = visitor.client.post(
        form["action"], data=values, headers=visitor.headers, follow_redirects=True
    )
    assert answer.status_code == status
    return answer.text


def test_each_choice_tells_what_is_then_paid_and_what_it_costs(inside: Visitor) -> None:
    page = inside.get("/case/more-time")
    hints = [said(one) for one in page.select("main .choice .hint")]
    assert len(hints) == 2
    assert all(one.startswith("You then pay SEK 1,0") for one in hints)


def test_more_time_is_taken_and_told_on_the_page_of_the_case(inside: Visitor, case: Case) -> None:
    wanted = radios(inside)[-1]
    assert "You have time to pay" in choose(inside, wanted)
    assert taken() == (1, 1)
    with tenancy.service():
        assert cases.lock(case.id).pay_by_on == date.fromisoformat(wanted)


def test_pressing_twice_takes_it_once(inside: Visitor) -> None:
    page = inside.get("/case/more-time")
    wanted = radios(inside)[-1]
    for _ in range(2):
        assert "You have time to pay" in said(send(inside, page, pay_by_on=wanted))
    assert taken() == (1, 1)


def test_what_is_left_to_do_is_told_when_it_was_done_as_often_as_it_may(inside: Visitor) -> None:
    choose(inside, radios(inside)[0])
    assert "as often as you can by yourself" in said(inside.get("/case/more-time"))


@pytest.mark.parametrize("value", ["", "2099-01-01", "😀", "x" * 5000])
def test_another_day_is_refused_kindly(inside: Visitor, value: str) -> None:
    text = choose(inside, value, status=422)
    assert "error-summary" in text
    assert taken() == (0, 0)


def test_the_creditors_own_rules_hold(app: Flask, client: FlaskClient) -> None:
    creditor = a_creditor()
    rules_of(creditor, may_postpone=False)
    enter_case(app, client, a_case_of_today(creditor=creditor))
    page = Visitor(client).get("/case/more-time")
    assert "More time must be asked for." in said(page)
    assert not page.select("main form")


def test_a_case_that_is_stopped_meanwhile_is_not_moved(inside: Visitor, case: Case) -> None:
    page, wanted = inside.get("/case/more-time"), radios(inside)[0]
    stops.stop(cases.lock(case.id), "deceased", "", actor=SYSTEM, now=clock.now())
    db.session.commit()
    answer = send(inside, page, pay_by_on=wanted, status=422)
    assert "Your case stands still." in said(answer)
    assert taken() == (0, 0)


def test_a_closed_case_leads_back_to_it(inside: Visitor, case: Case) -> None:
    pay(case)
    assert inside.raw("/case/more-time").headers["Location"] == at_first_case("/case")


def test_the_history_tells_of_it(inside: Visitor) -> None:
    choose(inside, radios(inside)[0])
    assert "You took more time to pay" in said(inside.get("/case/history"))
