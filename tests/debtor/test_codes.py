"""In by a code that is sent: the page says the same to whoever asks, and whatever for."""

import re

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal import jobs
from portal.collection.models import Case, EntryCode
from portal.config import Settings
from portal.extensions import db
from tests.debtor.test_pages import Visitor, a_case_of_today, said
from tests.factories import a_creditor, a_debtor_of
from tests.sms_fixtures import Phones


@pytest.fixture
def settings(settings: Settings, phones: Phones) -> Settings:
    return phones.settings(settings)


@pytest.fixture
def case(app: Flask) -> Case:
    creditor = a_creditor()
    return a_case_of_today(creditor=creditor, debtor=a_debtor_of(creditor, phone="+46701740605"))


def send(client: FlaskClient, path: str, **values: str) -> TestResponse:
    token = Visitor(client).get("/code").select_one("main input[name=csrf_token]")["value"]
    return client.post(
        path, data={"csrf_token": token, **values}, headers={"Accept-Language": "en"}
    )


def page_of(answer: TestResponse) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "html.parser")


def ask(client: FlaskClient, reference: str, channel: str = "sms") -> TestResponse:
    return send(client, "/code", reference=reference, channel=channel)


def work() -> None:
    """What the worker does for the questions that wait."""
    for (asked,) in db.session.execute(db.select(EntryCode.id)).all():
        jobs.send_entry_code(asked)


def test_who_has_no_letter_comes_in_by_a_code(
    client: FlaskClient, case: Case, phones: Phones
) -> None:
    assert Visitor(client).get("/").select_one("main a[href='/code']")
    assert ask(client, case.reference).location == "/code/enter"
    work()
    (came,) = phones.messages("+46701740605")
    code = re.search(r"\d{6}", came.text)
    assert code
    assert send(client, "/code/enter", code=code[0]).location == f"/case/{case.reference}"
    assert "Norrsken Energi AB" in said(Visitor(client).get("/case"))


def test_nobody_waits_for_a_code_to_what_cannot_be_a_reference(client: FlaskClient) -> None:
    answer = ask(client, "😀 123")
    assert answer.status_code == 422
    assert "Nine digits." in said(page_of(answer).select_one("#reference-error"))


def test_a_stranger_is_told_the_same_whether_or_not_there_is_such_a_case(
    app: Flask, case: Case
) -> None:
    told = []
    for reference in (case.reference, "999999999"):
        client = app.test_client()
        assert ask(client, reference).location == "/code/enter"
        work()
        told.append(said(Visitor(client).get("/code/enter")))
    assert told[0] == told[1]
    assert "a code is on its way" in told[0]


def test_a_wrong_code_is_told_at_its_field(client: FlaskClient, case: Case) -> None:
    ask(client, case.reference)
    answer = send(client, "/code/enter", code="x")
    page = page_of(answer)
    assert answer.status_code == 422
    assert "That is not the code." in page.select_one("#code-error").get_text()
    assert page.select_one("input[name=code]")["value"] == "x"


def test_who_asks_again_at_once_is_asked_to_wait(client: FlaskClient, case: Case) -> None:
    ask(client, case.reference)
    answer = ask(client, case.reference)
    assert answer.status_code == 429
    assert "Wait a minute" in answer.text
    assert page_of(answer).select_one("input[name=reference]")["value"] == case.reference


def test_a_code_that_has_ended_leads_to_a_new_one(client: FlaskClient, case: Case) -> None:
    ask(client, case.reference)
    for _ in range(4):
        send(client, "/code/enter", code="x")
    answer = send(client, "/code/enter", code="x")
    assert (answer.status_code, page_of(answer).h1.get_text()) == (410, "Get a code")
    assert page_of(answer).select_one("input[name=reference]")["value"] == case.reference


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_has_asked_for_nothing_is_led_to_ask(client: FlaskClient, method: str) -> None:
    if method == "get":
        assert client.get("/code/enter").location == "/code"
    else:
        assert send(client, "/code/enter", code="123456").status_code == 410


def test_a_reference_that_nobody_wrote_is_asked_for(client: FlaskClient) -> None:
    answer = send(client, "/code", reference="", channel="pigeon")
    assert answer.status_code == 422
    assert "Fill this in." in answer.text


def test_the_code_comes_in_the_language_of_whoever_asks(
    client: FlaskClient, case: Case, phones: Phones
) -> None:
    client.get("/?lang=sv")
    token = Visitor(client).get("/code").select_one("main input[name=csrf_token]")["value"]
    client.post("/code", data={"csrf_token": token, "reference": case.reference, "channel": "sms"})
    work()
    assert phones.messages()[0].text.startswith("Din kod: ")
