"""Sessions are ours: renewed at sign-in, ended when we say so, known by hash alone."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, session
from flask.sessions import SessionMixin
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import EnvironBuilder

from portal.extensions import db
from portal.identity import sessions
from portal.identity.models import BrowserSession
from portal.identity.sessions import DatabaseSessions, StoredSession

NOW = datetime(2026, 3, 10, 8, 30, tzinfo=UTC)


class Browser:
    """A browser whose requests come at a time that the test tells."""

    def __init__(self, app: Flask) -> None:
        self.app, self.minutes, self.token = app, 0.0, None
        self.keeper = DatabaseSessions(lambda: NOW + timedelta(minutes=self.minutes))

    def open(self, token: str | None = None) -> StoredSession:
        """What a request with the cookie finds."""
        name = self.keeper.get_cookie_name(self.app)
        token = token or self.token
        cookie = {"Cookie": f"{name}={token}"} if token else {}
        request = self.app.request_class(EnvironBuilder(headers=cookie).get_environ())
        return self.keeper.open_session(self.app, request)

    def save(self, found: SessionMixin) -> str | None:
        """The request ends; answers the cookie that it sets, and keeps it."""
        response = self.app.response_class()
        self.keeper.save_session(self.app, found, response)
        cookie = response.headers.get("Set-Cookie")
        if cookie is not None:
            self.token = cookie.partition(";")[0].partition("=")[2] or None
        return cookie

    def visit(self, **content: object) -> str | None:
        """A whole request that puts something into the session."""
        found = self.open()
        found.update(content)
        return self.save(found)


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


def kept() -> int:
    with db.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(BrowserSession)) or 0


def test_what_is_put_into_a_session_is_there_at_the_next_request(browser: Browser) -> None:
    browser.visit(language="sv")
    assert browser.open() == {"language": "sv"}


def test_an_empty_session_leaves_nothing_behind(browser: Browser) -> None:
    assert browser.save(browser.open()) is None
    assert kept() == 0


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: Browser) -> None:
    cookie = browser.visit(a=1) or ""
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


def test_the_database_cannot_be_read_for_tokens(browser: Browser) -> None:
    browser.visit(a=1)
    with db.engine.connect() as connection:
        row = connection.execute(select(BrowserSession)).one()
    assert browser.token
    assert browser.token.encode() not in row.token_hash
    assert browser.token not in row.data


def test_an_invented_token_opens_an_empty_session(browser: Browser) -> None:
    assert browser.open("invented") == {}


def test_an_invented_token_is_never_taken_over(browser: Browser) -> None:
    found = browser.open("planted")
    found["a"] = 1
    browser.save(found)
    assert browser.token != "planted"
    assert browser.open("planted") == {}


def test_renewing_gives_a_new_token_and_ends_the_old(browser: Browser) -> None:
    browser.visit(a=1)
    old = browser.token
    found = browser.open()
    found.renew()
    browser.save(found)
    assert browser.token != old
    assert browser.open() == {"a": 1}
    assert browser.open(old) == {}


def test_a_request_under_way_does_not_bring_an_ended_session_back(browser: Browser) -> None:
    browser.visit(person=1)
    old = browser.token
    under_way = browser.open()
    ending = browser.open()
    ending.renew()
    browser.save(ending)
    under_way["seen"] = True
    assert browser.save(under_way) is None
    assert browser.open(old) == {}


def test_a_cleared_session_is_deleted(browser: Browser) -> None:
    browser.visit(a=1)
    found = browser.open()
    found.clear()
    cookie = browser.save(found) or ""
    assert "Max-Age=0" in cookie
    assert kept() == 0


def test_a_session_ends_after_thirty_minutes_without_a_request(browser: Browser) -> None:
    browser.visit(a=1)
    browser.minutes = 29.9
    assert browser.open() == {"a": 1}
    browser.minutes = 30
    assert browser.open() == {}


def test_reading_keeps_a_session_going(browser: Browser) -> None:
    browser.visit(a=1)
    for minutes in (25, 50):
        browser.minutes = minutes
        browser.save(browser.open())
    assert browser.open() == {"a": 1}


def test_reading_at_once_writes_nothing(browser: Browser) -> None:
    browser.visit(a=1)
    browser.minutes = 4
    assert browser.save(browser.open()) is None


def test_ended_sessions_are_deleted(browser: Browser) -> None:
    browser.visit(a=1)
    assert sessions.forget_ended(NOW + timedelta(minutes=29)) == 0
    assert sessions.forget_ended(NOW + timedelta(minutes=30)) == 1


@pytest.mark.own_application
def test_a_failed_request_keeps_what_it_put_into_the_session(
    app: Flask, client: FlaskClient
) -> None:
    @app.get("/test-fails")
    def fails() -> str:
        session["seen"] = True
        raise RuntimeError

    @app.get("/test-seen")
    def seen() -> str:
        return str(session.get("seen"))

    assert client.get("/test-fails").status_code == 500
    assert client.get("/test-seen").text == "True"


@pytest.mark.own_application
def test_saving_the_session_commits_nothing_of_a_failed_request(
    app: Flask, client: FlaskClient
) -> None:
    @app.get("/test-half-done")
    def half_done() -> str:
        session["seen"] = True
        db.session.add(BrowserSession(token_hash=b"half", data="{}", expires_at=NOW))
        db.session.flush()
        raise RuntimeError

    client.get("/test-half-done")
    with db.engine.connect() as connection:
        hashes = connection.scalars(select(BrowserSession.token_hash)).all()
    assert b"half" not in hashes


def test_the_cookie_is_taken_away_the_way_it_was_given(app: Flask) -> None:
    app.config["SESSION_COOKIE_SECURE"] = True
    interface, response = DatabaseSessions(), app.response_class()
    with app.test_request_context("/"):
        session = StoredSession({"a": 1}, None, None)
        session.clear()
        interface.save_session(app, session, response)
    assert "Secure" in response.headers["Set-Cookie"]
