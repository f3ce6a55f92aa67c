"""In by a link from a message: one button, once, and a kind page when the link has ended."""

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.collection import entry_links
from portal.collection.models import Case
from portal.extensions import db
from tests.debtor.test_pages import Visitor, a_case_of_today, said
from tests.factories import a_creditor, a_debtor_of


@pytest.fixture
def case(app: Flask) -> Case:
    creditor = a_creditor()
    debtor = a_debtor_of(creditor, email="ahmad@example.com", language="ar")
    return a_case_of_today(creditor=creditor, debtor=debtor)


def link_to(case: Case, channel: str = "email") -> str:
    url = entry_links.make(case, channel, clock.now())
    db.session.commit()
    return url.removeprefix("http://localhost")


def press(client: FlaskClient, path: str, page: BeautifulSoup) -> int:
    form = page.select_one("main form")
    values = {one["name"]: one.get("value", "") for one in form.select("input")}
    return client.post(form["action"], data=values, headers={"Accept-Language": "en"}).status_code


def used(client: FlaskClient, case: Case) -> str:
    path = link_to(case)
    page = Visitor(client).get(f"{path}?lang=en")
    assert press(client, path, page) == 303
    return path


def test_a_link_shows_one_button_that_opens_the_case(client: FlaskClient, case: Case) -> None:
    path = link_to(case)
    page = Visitor(client).get(f"{path}?lang=en")
    assert [one.get_text(strip=True) for one in page.select("main button")] == ["Show my case"]
    assert case.reference not in said(page)
    assert press(client, path, page) == 303
    assert "Norrsken Energi AB" in said(Visitor(client).get("/case"))


def test_a_link_greets_in_the_language_of_its_message(client: FlaskClient, case: Case) -> None:
    path = link_to(case)
    assert client.get(path).location == f"{path}?lang=ar"


def test_a_link_that_has_ended_says_so_in_the_language_of_its_message(
    app: Flask, case: Case
) -> None:
    path = used(app.test_client(), case)
    assert app.test_client().get(path).location == f"{path}?lang=ar"


def test_a_language_that_was_chosen_before_stays(client: FlaskClient, case: Case) -> None:
    client.get("/?lang=en")
    assert client.get(link_to(case)).status_code == 200


def test_a_used_link_leads_back_to_the_case_that_it_opened(client: FlaskClient, case: Case) -> None:
    path = used(client, case)
    assert client.get(path).location == f"/case/{case.reference}"


def test_a_used_link_opens_nothing_elsewhere_and_leads_on(app: Flask, case: Case) -> None:
    path = used(app.test_client(), case)
    page = Visitor(app.test_client()).get(f"{path}?lang=en", status=410)
    assert "This link has ended" in said(page)
    assert page.select_one(f"a[href='/?reference={case.reference}']")


def test_a_used_link_sends_a_new_one_when_asked(app: Flask, case: Case) -> None:
    path = used(app.test_client(), case)
    client = app.test_client()
    page = Visitor(client).get(f"{path}?lang=en", status=410)
    assert press(client, path, page) == 200


@pytest.mark.parametrize("channel", ["mailbox", "email"])
def test_no_new_link_is_offered_where_nothing_can_be_written_to(
    app: Flask, case: Case, channel: str
) -> None:
    path = link_to(case, channel)
    case.debtor.email = None
    token = path.rpartition("/")[2]
    entry_links.open_case(token, browser="b", now=clock.now())
    db.session.commit()
    page = Visitor(app.test_client()).get(f"{path}?lang=en", status=410)
    assert page.select("main form") == []


def test_a_mistyped_link_says_so_and_leads_on(client: FlaskClient) -> None:
    page = Visitor(client).get("/l/none", status=404)
    assert "Perhaps a part of the address is missing." in said(page)
    assert page.select_one("main a[href='/']")


def test_a_form_that_another_site_sends_opens_nothing(client: FlaskClient, case: Case) -> None:
    path = link_to(case)
    client.get(f"{path}?lang=en")
    assert client.post(path, data={"browser": "made up"}).status_code == 400
    assert client.get("/overview").location == "/"
