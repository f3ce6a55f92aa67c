"""The doors that somebody could guess at open so many times and no more."""

import dataclasses

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.config import Settings
from simulators.bankid.running import Simulator
from tests.bankid_fixtures import pointed_at

# The counts are kept in the application.
pytestmark = pytest.mark.own_application
MOST_A_MINUTE = 10


@pytest.fixture
def settings(settings: Settings, bankid_simulator: Simulator) -> Settings:
    """As in development, where requests are counted."""
    return dataclasses.replace(pointed_at(settings, bankid_simulator), environment="development")


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


def enter(client: FlaskClient, **values: object) -> TestResponse:
    """Guess at a case that is not there; the form is refused before the database is asked."""
    return client.post("/", data={"reference": "", "code": ""}, **values)


def sign_in(client: FlaskClient, **values: object) -> TestResponse:
    return client.post("/sign-in", **values)


@pytest.mark.parametrize("knock", [enter, sign_in])
def test_a_door_opens_so_many_times_a_minute(client: FlaskClient, knock) -> None:  # type: ignore[no-untyped-def]
    answers = [knock(client).status_code for _ in range(MOST_A_MINUTE + 1)]
    assert 429 not in answers[:MOST_A_MINUTE]
    assert answers[MOST_A_MINUTE] == 429


@pytest.mark.parametrize("knock", [enter, sign_in])
def test_who_knocks_too_often_is_told_when_to_come_back(client: FlaskClient, knock) -> None:  # type: ignore[no-untyped-def]
    for _ in range(MOST_A_MINUTE):
        knock(client)
    assert 0 < int(knock(client).headers["Retry-After"]) <= 60


def test_who_knocks_too_often_gets_a_page(client: FlaskClient) -> None:
    for _ in range(MOST_A_MINUTE):
        enter(client)
    assert "<h1>" in enter(client).text


def test_another_address_is_not_kept_waiting(client: FlaskClient) -> None:
    for _ in range(MOST_A_MINUTE + 1):
        enter(client)
    other = enter(client, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert other.status_code != 429


def test_reading_is_not_counted(client: FlaskClient) -> None:
    answers = {client.get("/").status_code for _ in range(MOST_A_MINUTE * 2)}
    assert answers == {200}
