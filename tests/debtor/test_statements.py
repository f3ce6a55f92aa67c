"""How many statements the database is asked for a page: each one more is a wait of its own."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from portal.database import reading
from portal.extensions import db
from portal.web import keeping
from tests.factories import a_case, a_reminded_case, session_cookie

# Who is looking, the cases, and what there is of them (`debtor.glance`, `collection.debts`).
WAY_IN, CASE, OVERVIEW = 0, 3, 3
# The session, and whether the page still holds.
WAITS_FOR_A_KEPT_PAGE = 2


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
    """What is asked when a page is made that has been made before."""
    assert client.get(path).status_code == 200
    keeping.init_app(client.application)
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


@pytest.mark.parametrize("path", ["/case/{}", "/case/{}/why/interest", "/overview"])
def test_a_kept_page_is_asked_for_at_once(
    app: Flask, client: FlaskClient, asked: list[str], path: str
) -> None:
    case = a_reminded_case()
    address, engine = path.format(case.reference), db.engines[reading.BIND]
    client.set_cookie(*session_cookie(app, {"debtor_cases": [case.id]}))
    for _ in range(2):
        client.get(address)
    asked.clear()
    waits: list[str] = []

    def note(*_: object) -> None:
        waits.append(address)

    event.listen(engine, "checkout", note)
    client.get(address)
    event.remove(engine, "checkout", note)
    assert (asked, len(waits)) == ([], WAITS_FOR_A_KEPT_PAGE)
