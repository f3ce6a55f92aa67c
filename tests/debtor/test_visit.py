"""A visit tells when it ends and can be prolonged; what was written outlives it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from portal import clock
from portal.collection import correspondence
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.models import BrowserSession
from portal.identity.sessions import DatabaseSessions
from tests.debtor.test_pages import Visitor, a_case_of_today, case, said
from tests.factories import enter_case

__all__ = ["case"]
WORDS = "I never got the invoice.\U0001f600"


def end_visits() -> None:
    """As if half an hour had passed."""
    db.session.execute(update(BrowserSession).values(expires_at=clock.real_now()))
    db.session.commit()


def visits_end_in(minutes: int) -> None:
    ends = clock.real_now() + timedelta(minutes=minutes)
    db.session.execute(update(BrowserSession).values(expires_at=ends))
    db.session.commit()


def ends() -> datetime:
    db.session.expire_all()
    return db.session.scalars(select(BrowserSession.expires_at)).one()


def form_of(page: BeautifulSoup, action: str) -> dict[str, Any]:
    form = page.select_one(f"form[action$='{action}']")
    return {one["name"]: one.get("value", "") for one in form.select("input, textarea, select")}


def send(client: FlaskClient, path: str, values: dict[str, str], **headers: str) -> TestResponse:
    return client.post(path, data=values, headers={"Accept-Language": "en", **headers})


@pytest.fixture
def page(app: Flask, client: FlaskClient, case: Case) -> BeautifulSoup:
    """The page of messages, open in a visit."""
    enter_case(app, client, case)
    return Visitor(client).get("/case/messages")


def lose(client: FlaskClient, case: Case, page: BeautifulSoup, **written: str) -> TestResponse:
    """Send a message when the visit has ended."""
    values = {**form_of(page, "/messages"), "words": WORDS, **written}
    end_visits()
    return send(client, f"/case/{case.reference}/messages", values)


def enter(client: FlaskClient, case: Case, code: str | None = None) -> TestResponse:
    values = form_of(Visitor(client).get("/"), "/")
    code = case.access_code if code is None else code
    return send(client, "/", {**values, "reference": case.reference, "code": code})


def test_a_page_tells_when_the_visit_ends(page: BeautifulSoup) -> None:
    line = page.select_one("#visit")
    # Said when it changes, and not on each page anew.
    assert line.has_attr("data-live")
    assert not line.has_attr("role")
    assert "If you do nothing, your visit ends at" in line.get_text()
    # Asked again five minutes before the end.
    assert line.select_one("[hx-trigger]")["hx-trigger"] in (
        "load delay:1500s", "load delay:1499s", "load delay:1498s",
    )  # fmt: skip


def test_who_is_not_in_has_no_visit_that_ends(client: FlaskClient) -> None:
    assert Visitor(client).get("/").select_one("#visit") is None


def test_asking_how_long_it_lasts_makes_it_no_longer(
    client: FlaskClient, page: BeautifulSoup
) -> None:
    visits_end_in(4)
    before = ends()
    told = client.get("/visit", headers={"HX-Request": "true", "Accept-Language": "en"}).text
    assert "Your visit ends soon." in told
    assert "<html" not in told
    assert ends() == before


def test_who_stays_has_the_whole_time_again(client: FlaskClient, page: BeautifulSoup) -> None:
    values = form_of(page, "/visit")
    visits_end_in(1)
    before = ends()
    assert send(client, "/visit", values).location == "/visit"
    assert ends() - before > timedelta(minutes=28)
    assert "Close this page" in said(Visitor(client).get("/visit"))


def test_staying_changes_the_line_alone_where_there_is_javascript(
    client: FlaskClient, page: BeautifulSoup
) -> None:
    values = form_of(page, "/visit")
    visits_end_in(1)
    told = send(client, "/visit", values, **{"HX-Request": "true"}).text
    assert "<html" not in told
    assert "Your visit ends soon." not in told


@pytest.mark.parametrize("method", ["get", "post"])
def test_when_it_has_ended_the_page_stays_and_says_so(
    client: FlaskClient, page: BeautifulSoup, method: str
) -> None:
    values = form_of(page, "/visit")
    end_visits()
    headers = {"HX-Request": "true", "Accept-Language": "en"}
    answer = client.open("/visit", method=method.upper(), data=values, headers=headers)
    assert answer.status_code == 200
    assert "HX-Redirect" not in answer.headers
    assert "Your visit has ended." in answer.text


def test_what_was_written_when_the_visit_ended_is_there_after_entering_again(
    client: FlaskClient, case: Case, page: BeautifulSoup
) -> None:
    answer = lose(client, case, page)
    assert answer.location == f"/?reference={case.reference}"
    assert "What you wrote is kept" in said(Visitor(client).get(answer.location))
    assert enter(client, case).location == f"/case/{case.reference}"
    back = Visitor(client).raw("/case")
    assert back.location == f"/case/{case.reference}/messages"
    shown = Visitor(client).get("/case/messages")
    assert "This is what you had written." in said(shown)
    assert shown.select_one("textarea[name=words]").get_text().strip() == WORDS
    values = form_of(shown, "/messages") | {"words": WORDS}
    assert send(client, back.location, values).location == back.location
    assert [one.words for one in correspondence.of_case(case.id)] == [WORDS]
    assert Visitor(client).get("/case/messages").select_one("textarea").get_text().strip() == ""


def test_nothing_is_sent_before_the_writer_says_so(
    client: FlaskClient, case: Case, page: BeautifulSoup
) -> None:
    lose(client, case, page)
    enter(client, case)
    Visitor(client).get("/case/messages")
    assert correspondence.of_case(case.id) == []


def test_the_page_of_the_case_is_open_to_who_looks_at_it_once_more(
    client: FlaskClient, case: Case, page: BeautifulSoup
) -> None:
    lose(client, case, page)
    enter(client, case)
    client.get(f"/case/{case.reference}")
    assert client.get(f"/case/{case.reference}").status_code == 200


def test_a_wrong_code_loses_nothing(client: FlaskClient, case: Case, page: BeautifulSoup) -> None:
    lose(client, case, page)
    enter(client, case, "WRONG2")
    enter(client, case)
    shown = Visitor(client).get("/case/messages")
    assert WORDS in shown.select_one("textarea").get_text()


def test_somebody_else_at_the_same_browser_sees_nothing_of_it(
    client: FlaskClient, case: Case, page: BeautifulSoup
) -> None:
    other = a_case_of_today()
    lose(client, case, page)
    assert enter(client, other).status_code == 303
    shown = client.get(f"/case/{other.reference}/messages")
    assert (shown.status_code, WORDS in shown.text) == (200, False)
    enter_again = client.post("/leave", data=form_of(Visitor(client).get("/overview"), "/leave"))
    assert enter_again.status_code == 303


def test_what_is_kept_lies_encrypted(client: FlaskClient, case: Case, page: BeautifulSoup) -> None:
    lose(client, case, page)
    assert "invoice" not in db.session.scalars(select(BrowserSession.data)).all()[-1]


def test_what_another_site_sends_is_not_kept(app: Flask, case: Case, page: BeautifulSoup) -> None:
    """A browser sends no cookie of ours with it."""
    stranger = app.test_client()
    answer = send(stranger, f"/case/{case.reference}/messages", {"csrf_token": "x", "words": WORDS})
    assert answer.status_code == 400


def test_a_page_from_before_coming_in_again_loses_nothing(
    client: FlaskClient, case: Case, page: BeautifulSoup
) -> None:
    """Two tabs: in the other one the visit was begun anew, with another token."""
    client.post("/leave", data=form_of(page, "/leave"))
    enter(client, case)
    values = form_of(page, "/messages") | {"words": WORDS}
    answer = send(client, f"/case/{case.reference}/messages", values)
    assert answer.location == f"/case/{case.reference}/messages"
    shown = Visitor(client).get("/case/messages")
    assert "Please send it again." in said(shown)
    assert WORDS in shown.select_one("textarea").get_text()


def test_the_first_page_open_for_too_long_keeps_what_was_typed(
    client: FlaskClient, case: Case
) -> None:
    values = form_of(Visitor(client).get("/"), "/")
    end_visits()
    answer = send(client, "/", {**values, "reference": case.reference, "code": case.access_code})
    assert answer.location == "/"
    shown = Visitor(client).get("/")
    assert shown.select_one("input[name=reference]")["value"] == case.reference
    assert enter(client, case).location == f"/case/{case.reference}"
    assert client.get(f"/case/{case.reference}").status_code == 200


def test_leaving_a_visit_that_has_ended_leads_out(client: FlaskClient, page: BeautifulSoup) -> None:
    values = form_of(page, "/leave")
    end_visits()
    assert send(client, "/leave", values).location == "/"


def test_a_session_without_content_does_not_end(app: Flask) -> None:
    keeper = DatabaseSessions()
    with app.test_request_context("/"):
        assert keeper.ends_at(keeper.open_session(app, app.request_class({}))) is None
