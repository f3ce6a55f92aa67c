"""Several cases at once, from the overview to the receipts, without JavaScript."""

from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.collection import cases
from portal.collection.models import Case
from portal.config import Settings
from portal.extensions import db
from portal.payments import booking
from portal.payments.models import SwishRequest
from tests.debtor.test_pages import a_case_of_today, pay, said
from tests.factories import a_creditor, session_cookie
from tests.swish_fixtures import Swish

pytest_plugins = ["tests.swish_fixtures"]
HEADERS = {"Accept-Language": "en"}


@pytest.fixture
def settings(settings: Settings, swish: Swish) -> Settings:
    return swish.settings(settings)


@pytest.fixture
def some(app: Flask) -> list[Case]:
    return [
        a_case_of_today(creditor=a_creditor("Norrsken Energi AB")),
        a_case_of_today(creditor=a_creditor("Fjällbäcks Tandvård AB"), balance_ore=33_333),
    ]


@pytest.fixture
def inside(app: Flask, client: FlaskClient, some: list[Case]) -> FlaskClient:
    """Somebody who has all of them open."""
    client.set_cookie(*session_cookie(app, {"debtor_cases": [one.id for one in some]}))
    return client


def look(client: FlaskClient, path: str, *, status: int = 200) -> BeautifulSoup:
    answer = client.get(path, headers=HEADERS, follow_redirects=True)
    assert answer.status_code == status
    return BeautifulSoup(answer.text, "html.parser")


def start(client: FlaskClient, *references: str, status: int = 200) -> BeautifulSoup:
    """The page that choosing these cases leads to."""
    token = look(client, "/pay").select_one("input[name=csrf_token]")["value"]
    answer = client.post(
        "/pay", data={"csrf_token": token, "cases": list(references)}, headers=HEADERS,
        follow_redirects=True,
    )  # fmt: skip
    assert answer.status_code == status
    return BeautifulSoup(answer.text, "html.parser")


def money(ore: int) -> str:
    return f"SEK {Decimal(ore) / 100:,.2f}"


def owed(some: list[Case]) -> list[int]:
    return [cases.amount_due(one, clock.today()).total_ore for one in some]


def test_the_overview_leads_to_all_cases_ticked_with_their_sum(
    inside: FlaskClient, some: list[Case]
) -> None:
    assert look(inside, "/overview").select_one("a[href='/pay']")
    page = look(inside, "/pay")
    assert len(page.select("input[name=cases][checked]")) == 2
    assert money(sum(owed(some))) in said(page.select_one("#sum"))


def test_the_sum_follows_the_choice(inside: FlaskClient, some: list[Case]) -> None:
    page = look(inside, f"/pay?chosen=1&cases={some[1].reference}")
    assert money(owed(some)[1]) in said(page.select_one("#sum"))
    assert money(0) in said(look(inside, "/pay?chosen=1").select_one("#sum"))


def test_what_is_shown_is_what_is_booked(
    inside: FlaskClient, swish: Swish, some: list[Case]
) -> None:
    before = owed(some)
    page = start(inside, *(one.reference for one in some))
    shown = said(page.select_one("#payment"))
    assert all(money(one) in shown for one in [*before, sum(before)])
    (request,) = db.session.query(SwishRequest)
    swish.control(f"requests/{request.id}/pay")
    booking.ask(request.id, now=clock.now())
    db.session.commit()
    page = look(inside, f"/pay/{request.id}")
    assert "Thank you. Your payment has come." in said(page)
    assert [one["href"].rpartition("/")[0] for one in page.select("main li a")] == [
        f"/case/{one.reference}/receipts" for one in some
    ]
    assert [booking.payments_of(one.id)[0].amount_ore for one in some] == before


def test_a_single_case_is_paid_on_its_own_page(inside: FlaskClient, some: list[Case]) -> None:
    page = start(inside, some[0].reference)
    assert f"/case/{some[0].reference}" in page.select_one(".crumbs a")["href"]


def test_none_chosen_is_told_at_the_field(inside: FlaskClient, some: list[Case]) -> None:
    page = start(inside, status=422)
    assert page.select_one("#cases-error")


def test_one_that_was_paid_meanwhile_is_told(inside: FlaskClient, some: list[Case]) -> None:
    pay(some[0])
    page = start(inside, *(one.reference for one in some))
    assert "This case is paid." in said(page)
    assert len(page.select("input[name=cases]")) == 1
    assert db.session.query(SwishRequest).count() == 0


def test_another_persons_case_cannot_be_chosen(inside: FlaskClient) -> None:
    start(inside, a_case_of_today().reference)
    assert db.session.query(SwishRequest).count() == 0


def test_stopping_leads_back_to_all_cases(
    inside: FlaskClient, swish: Swish, some: list[Case]
) -> None:
    page = start(inside, *(one.reference for one in some))
    form = page.select_one("form[action$='/stop']")
    token = form.select_one("input[name=csrf_token]")["value"]
    answer = inside.post(
        form["action"], data={"csrf_token": token}, headers=HEADERS, follow_redirects=True
    )
    assert "The payment is stopped. Nothing has been paid." in answer.text
    assert db.session.query(SwishRequest).one().status == "cancelled"


def test_who_has_one_of_the_cases_sees_neither_the_sum_nor_the_code(
    app: Flask, inside: FlaskClient, some: list[Case]
) -> None:
    before = owed(some)
    start(inside, *(one.reference for one in some))
    request_id = db.session.query(SwishRequest.id).scalar()
    other = app.test_client()
    other.set_cookie(*session_cookie(app, {"debtor_cases": [some[0].id]}))
    page = look(other, f"/case/{some[0].reference}/pay/{request_id}")
    assert money(before[0]) in said(page)
    assert money(sum(before)) not in said(page)
    assert some[1].creditor.name not in said(page)
    assert page.select_one(".qr-plate") is None
    look(other, f"/pay/{request_id}", status=404)
