"""All that somebody owes on one page: the sum, each case, and what comes next in it."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from portal import clock
from portal.collection import cases, debts, holding, lifecycle, plans, stops
from portal.collection.models import Case
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor
from tests.debtor.test_pages import Visitor, a_case_of_today, make_rates_known, pay, said
from tests.factories import a_case, a_creditor, rules_of, session_cookie

CLERK = Actor("person", "Johan Ekdahl", None, "creditor")


def visitor_of(app: Flask, client: FlaskClient, *some: Case, language: str = "en") -> Visitor:
    """Somebody who has opened some cases."""
    client.set_cookie(*session_cookie(app, {"debtor_cases": [case.id for case in some]}))
    return Visitor(client, language)


def cards(page: BeautifulSoup) -> list[str]:
    return [said(one) for one in page.select("section.card")]


def test_what_is_owed_in_all_is_the_sum_of_the_open_cases(app: Flask, client: FlaskClient) -> None:
    some = [a_case_of_today(balance_ore=12_345), a_case_of_today(), a_case_of_today()]
    pay(some[2])
    page = visitor_of(app, client, *some).get("/overview")
    due = sum(cases.amount_due(case, clock.today()).total_ore for case in some[:2])
    assert said(page.select_one(".sum")) == f"SEK {due / 100:,.2f}"


def test_each_open_case_tells_whom_what_how_much_and_what_comes(
    app: Flask, client: FlaskClient
) -> None:
    case = a_case_of_today(creditor=a_creditor("Fjällbäcks Tandvård AB"), description="Lagning")
    (card,) = cards(visitor_of(app, client, case).get("/overview"))
    for told in ("Fjällbäcks Tandvård AB", "Lagning", "SEK 1,065.48", "Reminder sent",
                 "a demand (inkassokrav) can be sent on", "at most SEK 180.00 more"):  # fmt: skip
        assert told in card


def test_closed_cases_come_last_and_ask_for_nothing(app: Flask, client: FlaskClient) -> None:
    paid, unpaid = a_case_of_today(), a_case_of_today(creditor=a_creditor("Lindens Cykel AB"))
    pay(paid)
    page = visitor_of(app, client, paid, unpaid).get("/overview")
    assert len(cards(page)) == 1
    assert "Everything is paid" in said(page.select("main ul.plain-list")[-1])


def test_who_owes_nothing_is_told_so(app: Flask, client: FlaskClient) -> None:
    case = a_case_of_today()
    pay(case)
    page = visitor_of(app, client, case).get("/overview")
    assert "There is nothing to pay to us" in said(page)
    assert page.select_one(".sum") is None


def test_the_case_of_somebody_else_is_not_there(app: Flask, client: FlaskClient) -> None:
    other = a_case_of_today(creditor=a_creditor("Lindens Cykel AB"))
    page = visitor_of(app, client, a_case_of_today()).get("/overview")
    assert "Lindens Cykel AB" not in said(page)
    assert other.reference not in str(page)


def test_the_rules_of_the_creditor_decide_what_is_told(app: Flask, client: FlaskClient) -> None:
    creditor = a_creditor()
    rules_of(creditor, demand_fee_by="creditor")
    (card,) = cards(visitor_of(app, client, a_case_of_today(creditor=creditor)).get("/overview"))
    assert "It costs nothing more." in card
    assert "SEK 0.00" not in card


@pytest.mark.parametrize("after", ["ask", "legal", "surveillance", "write off", "return"])
def test_what_may_follow_a_demand_is_told(app: Flask, client: FlaskClient, after: str) -> None:
    creditor = a_creditor()
    rules_of(creditor, after_demand=after)
    case = cases.lock(a_case_of_today(creditor=creditor).id)
    lifecycle.send_demand(case, today=clock.today(), now=clock.now())
    db.session.commit()
    (card,) = cards(visitor_of(app, client, case).get("/overview"))
    assert ("at most SEK 680.00 more" in card) is (after == "legal")
    assert "Enforcement Authority (Kronofogden)" in card


def test_a_case_of_a_held_company_tells_no_day(app: Flask, client: FlaskClient) -> None:
    case = a_case_of_today()
    holding.hold_everything(case.creditor_id, "Secret", actor=CLERK, now=clock.now())
    db.session.commit()
    (card,) = cards(visitor_of(app, client, case).get("/overview"))
    assert "has asked us to wait with your case" in card
    assert "at the earliest" not in card
    assert "Secret" not in card


def test_a_case_with_a_plan_tells_the_next_payment(app: Flask, client: FlaskClient) -> None:
    case, first_on = cases.lock(a_case_of_today().id), clock.today() + timedelta(days=20)
    plans.agree(case, monthly_ore=50_000, first_on=first_on, actor=DEBTOR, today=clock.today(),
                now=clock.now())  # fmt: skip
    db.session.commit()
    (card,) = cards(visitor_of(app, client, case).get("/overview"))
    assert "Your next payment: SEK 500.00, no later than" in card
    assert "Pay no later than" not in card


def test_a_pause_tells_when_it_ends_and_what_then_comes(app: Flask, client: FlaskClient) -> None:
    case, until_on = cases.lock(a_case_of_today().id), clock.today() + timedelta(days=30)
    stops.stop(case, "hold", "", actor=DEBTOR, now=clock.now(), until_on=until_on)
    db.session.commit()
    (card,) = cards(visitor_of(app, client, case).get("/overview"))
    day = f"{until_on.day} {until_on:%B} {until_on.year}"
    assert f"Your case stands still until {day}." in card


def test_the_sums_are_asked_for_once_whatever_the_number_of_cases(
    app: Flask, client: FlaskClient
) -> None:
    make_rates_known()
    creditor, asked = a_creditor(), []

    def count(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    def queries(some: list[Case]) -> int:
        visitor = visitor_of(app, client, *some)
        visitor.get("/overview")
        asked.clear()
        visitor.get("/overview")
        return len(asked)

    some = [a_case(creditor) for _ in range(6)]
    event.listen(db.engine, "before_cursor_execute", count)
    try:
        assert queries(some) == queries(some[:1])
    finally:
        event.remove(db.engine, "before_cursor_execute", count)


def test_the_sums_of_some_cases_are_those_of_each(app: Flask) -> None:
    some = [a_case_of_today(balance_ore=ore) for ore in (100, 7_777, 1_234_567)]
    today = clock.today()
    with tenancy.cases([case.id for case in some]):
        found = debts.of([case.id for case in some], today)
    told = {one.case.id: one.owed_ore for one in found.open}
    assert told == {case.id: cases.amount_due(case, today).total_ore for case in some}
