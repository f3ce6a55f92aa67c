"""Who shares an address with others is not kept waiting for what they do."""

import dataclasses

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.collection.models import Case
from portal.config import Settings
from tests.debtor.test_pages import a_case_of_today
from tests.factories import enter_case

# The counts are kept in the application.
pytestmark = pytest.mark.own_application
MOST_A_MINUTE = 10


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As in development, where requests are counted."""
    return dataclasses.replace(settings, environment="development")


@pytest.fixture
def case(app: Flask) -> Case:
    app.config["WTF_CSRF_ENABLED"] = False
    return a_case_of_today()


def write(client: FlaskClient, case: Case) -> int:
    return client.post(f"/case/{case.reference}/messages", data={"words": "Hej"}).status_code


def come_in(app: Flask, case: Case, code: str) -> int:
    values = {"reference": case.reference, "code": code}
    return app.test_client().post("/", data=values).status_code


def test_what_one_visitor_sends_keeps_no_other_waiting(
    app: Flask, client: FlaskClient, case: Case
) -> None:
    enter_case(app, client, case)
    assert {write(client, case) for _ in range(MOST_A_MINUTE)} == {303}
    assert write(client, case) == 429
    other, own = app.test_client(), a_case_of_today()
    enter_case(app, other, own)
    assert write(other, own) == 303


def test_any_number_behind_one_address_comes_in(app: Flask, case: Case) -> None:
    assert {come_in(app, case, case.access_code) for _ in range(MOST_A_MINUTE + 2)} == {303}


def test_what_is_guessed_wrong_is_counted(app: Flask, case: Case) -> None:
    wrong = [come_in(app, case, "") for _ in range(MOST_A_MINUTE + 1)]
    assert wrong == [422] * MOST_A_MINUTE + [429]
