"""How many statements the database is asked for a page: each one more is a wait of its own."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from portal.extensions import db
from tests.factories import a_case, a_reminded_case, session_cookie

# The session; and for the case page and the overview: who is looking, the cases, and what there is
# of them (`debtor.glance`, `collection.debts`).
WAY_IN, CASE, OVERVIEW = 1, 4, 4


@pytest.fixture
def asked(app: Flask) -> Iterator[list[str]]:
    """The statements that have been sent."""
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.engine, "before_cursor_execute", note)


def asked_for(client: FlaskClient, path: str, asked: list[str]) -> list[str]:
    assert client.get(path).status_code == 200
    asked.clear()
    assert client.get(path).status_code == 200
    return asked


def test_the_way_in_asks_for_the_session_alone(client: FlaskClient, asked: list[str]) -> None:
    assert len(asked_for(client, "/", asked)) <= WAY_IN


def test_the_case_page_asks_for_each_thing_once(
    app: Flask, client: FlaskClient, asked: list[str]
) -> None:
    case, other = a_reminded_case(), a_case()
    client.set_cookie(*session_cookie(app, {"debtor_cases": [case.id, other.id]}))
    found = asked_for(client, f"/case/{case.reference}", asked)
    assert len(found) <= CASE, "\n\n".join(found)


def test_the_overview_asks_for_each_thing_once(
    app: Flask, client: FlaskClient, asked: list[str]
) -> None:
    some = [a_reminded_case(), a_case(), a_case()]
    client.set_cookie(*session_cookie(app, {"debtor_cases": [case.id for case in some]}))
    found = asked_for(client, "/overview", asked)
    assert len(found) <= OVERVIEW, "\n\n".join(found)
