"""Money that comes while the page is open is told on it, and asking for it costs little."""

import time

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.collection import changes
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import Actor
from tests.debtor.test_pages import Visitor, a_case_of_today, pay, said
from tests.debtor.test_visit import ends, visits_end_in
from tests.factories import enter_case

CLERK = Actor("person", "Eva", role="creditor")
HTMX = {"HX-Request": "true", "Accept-Language": "en"}


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_of_today()


@pytest.fixture
def inside(app: Flask, client: FlaskClient, case: Case) -> Visitor:
    enter_case(app, client, case)
    return Visitor(client)


def asks(page: BeautifulSoup) -> str:
    """The address that an open page asks every five seconds."""
    return str(page.select_one("[hx-trigger='every 5s']")["hx-get"])


@pytest.mark.parametrize("path", ["/case", "/case/pay", "/case/pay/bank", "/overview"])
def test_nothing_new_is_answered_with_nothing(inside: Visitor, path: str) -> None:
    answer = inside.client.get(asks(inside.get(path)), headers=HTMX)
    assert (answer.status_code, answer.text) == (204, "")


@pytest.mark.parametrize("path", ["/case", "/case/pay", "/case/pay/bank"])
def test_a_payment_is_told_once_and_read_out(inside: Visitor, case: Case, path: str) -> None:
    page = inside.get(path)
    assert page.select_one("#news")["role"] == "status"
    pay(case, 50_000)
    news = BeautifulSoup(inside.client.get(asks(page), headers=HTMX).text, "html.parser")
    assert "Thank you. Your payment has come. What is left today is" in said(news)
    assert news.select_one("a[href*='/receipts/']")
    assert inside.client.get(asks(news), headers=HTMX).status_code == 204


def test_the_overview_is_shown_anew_when_a_payment_has_come(inside: Visitor, case: Case) -> None:
    page = inside.get("/overview")
    assert page.select_one("#news")["role"] == "status"
    pay(case, 50_000)
    news = BeautifulSoup(inside.client.get(asks(page), headers=HTMX).text, "html.parser")
    assert "Thank you. Your payment has come." in said(news)
    assert news.select_one("[hx-target='#main']")
    assert inside.client.get(asks(news), headers=HTMX).status_code == 204


@pytest.mark.parametrize("path", ["/case", "/overview"])
def test_an_open_page_that_asks_makes_the_visit_no_longer(
    inside: Visitor, case: Case, path: str
) -> None:
    asked = asks(inside.get(path))
    visits_end_in(4)
    before = ends()
    inside.client.get(asked, headers=HTMX)
    assert ends() == before


def test_money_that_came_to_the_company_is_told_as_well(inside: Visitor, case: Case) -> None:
    page = inside.get("/case")
    changes.creditor_was_paid(
        case, amount_ore=10_000, on=clock.today(), key="k", actor=CLERK, now=clock.now()
    )
    db.session.commit()
    answer = inside.client.get(asks(page), headers=HTMX)
    assert "Your payment has come." in answer.text


def test_what_somebody_is_writing_is_not_taken_from_them(inside: Visitor, case: Case) -> None:
    page = inside.get("/case/pay")
    pay(case, 50_000)
    news = BeautifulSoup(inside.client.get(asks(page), headers=HTMX).text, "html.parser")
    assert news.select_one("[hx-target='#main']") is None
    assert news.find("a", string="Refresh")


def test_a_page_left_open_stops_asking(inside: Visitor, case: Case) -> None:
    address = f"/case/{case.reference}/news?seen=0&until={int(time.time()) - 1}"
    answer = inside.client.get(address, headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Reswap"]) == (286, "none")


@pytest.mark.parametrize("asked", ["", "?seen=x&until=y", "?seen=-1&until=99999999999999999999"])
def test_an_address_that_was_changed_breaks_nothing(
    inside: Visitor, case: Case, asked: str
) -> None:
    answer = inside.client.get(f"/case/{case.reference}/news{asked}", headers=HTMX)
    assert answer.status_code in (200, 286)


def test_without_scripts_there_is_a_way_to_look_again(inside: Visitor) -> None:
    assert inside.get("/case").select_one("noscript").find("a", string="Refresh")
