"""The notification centre, its bell, and the page of choices, at a browser without JavaScript."""

from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from portal import clock
from portal.collection.models import Upload
from portal.creditor import notices
from portal.delivery import outbox
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity import people
from portal.identity.models import BrowserSession, Creditor, Membership, Person
from portal.identity.sessions import IDLE
from portal.notifications import addressing, choosing
from portal.notifications.kinds import KINDS
from portal.notifications.models import Notification
from portal.notifications.telling import notify
from tests.factories import (
    EVA,
    SOFIA,
    a_case,
    a_creditor,
    a_creditor_that_signed,
    a_person_at,
    sign_in,
)

ENGLISH = {"Accept-Language": "en"}


class Browser:
    """Eva at a browser."""

    def __init__(self, app: Flask, person: Person) -> None:
        self.client: FlaskClient = app.test_client()
        sign_in(app, self.client, person)

    def raw(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={**ENGLISH, **headers})

    def get(self, path: str = "/notifications/", *, status: int = 200) -> BeautifulSoup:
        response = self.raw(path)
        assert response.status_code == status, response.text
        return BeautifulSoup(response.text, "html.parser")

    def send(self, path: str, *, status: int = 303, **values: object) -> TestResponse:
        page = self.get("/notifications/choices")
        token = page.select_one("input[name=csrf_token]")["value"]
        response = self.client.post(path, data={"csrf_token": token, **values}, headers=ENGLISH)
        assert response.status_code == status, response.text
        return response

    def titles(self, path: str = "/notifications/") -> list[str]:
        return [one.get_text() for one in self.get(path).select("tbody th a")]

    def bell(self, path: str = "/notifications/") -> str:
        return self.get(path).select_one("#bell .visually-hidden").get_text()


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor_that_signed()


@pytest.fixture
def eva(creditor: Creditor) -> Person:
    person = people.by_identity_number(EVA)
    assert person is not None
    return person


@pytest.fixture
def browser(app: Flask, eva: Person) -> Browser:
    return Browser(app, eva)


@pytest.fixture
def tell(creditor: Creditor, eva: Person) -> Callable[..., Notification]:
    """Eva is told of something now."""

    def tell(kind: str = "dispute", at: datetime | None = None, **values: object) -> Notification:
        key = f"key{len(db.session.scalars(select(Notification.id)).all())}"
        told = {"creditor_id": creditor.id, "data": {}, "to": [eva.id], "key": key, **values}
        assert notify(kind, now=at or clock.now(), **told) == 1
        db.session.commit()
        return db.session.scalars(
            select(Notification).order_by(Notification.id.desc()).limit(1)
        ).one()

    return tell


def test_an_empty_centre_says_what_will_stand_there(browser: Browser) -> None:
    page = browser.get()
    assert "Nothing has happened that you are told of" in page.get_text()
    assert browser.bell() == "Notifications: none unread"


def test_the_newest_stands_first(browser: Browser, tell: Callable[..., Notification]) -> None:
    tell("decision", at=clock.now() - timedelta(hours=1))
    tell("dispute")
    assert browser.titles() == ["An objection came", "The demand was not paid: decide how to go on"]


def test_a_case_is_named_with_its_debtor(
    browser: Browser, tell: Callable[..., Notification]
) -> None:
    tell(data={"reference": "123456789", "invoice": "F1", "debtor": "Ahmad Al-Khatib"})
    assert "Case 123456789, invoice F1, Ahmad Al-Khatib" in browser.get().get_text()


def test_opening_one_leads_to_its_case_and_marks_it_as_read(
    browser: Browser, creditor: Creditor, tell: Callable[..., Notification]
) -> None:
    case = a_case(creditor)
    one = tell(data={"reference": case.reference})
    assert browser.bell() == "Notifications: 1 unread"
    response = browser.raw(f"/notifications/{one.id}")
    assert response.location == f"/creditor/{creditor.key}/cases/{case.reference}"
    assert browser.bell() == "Notifications: none unread"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_words_and_a_page(
    browser: Browser, creditor: Creditor, eva: Person, kind: str
) -> None:
    one = Notification(
        person_id=eva.id, creditor_id=creditor.id, kind=kind, key="k", data={}, is_failed=True,
        created_at=clock.now(), shown_at=clock.now(),
    )  # fmt: skip
    db.session.add(one)
    db.session.commit()
    (title,) = browser.titles()
    assert title
    assert title != kind
    path = browser.raw(f"/notifications/{one.id}").location
    assert browser.raw(path).status_code == 200


def test_a_file_leads_to_its_rows(
    browser: Browser, creditor: Creditor, tell: Callable[..., Notification]
) -> None:
    upload = Upload(
        creditor_id=creditor.id, filename="a.csv", kind="spreadsheet", sha256="x",
        status="imported", result={}, created_at=clock.now(),
    )  # fmt: skip
    db.session.add(upload)
    db.session.commit()
    data = {"upload": upload.id, "filename": "a.csv", "problems": 1}
    one = tell("upload", data=data, is_failed=True)
    assert browser.titles() == ["a.csv was read in, but for 1 row"]
    assert browser.raw(f"/notifications/{one.id}").location.endswith(f"/uploads/{upload.id}")


@pytest.mark.parametrize(
    ("kind", "data", "title", "about"),
    [
        ("approval", {"event": "approval.proposed", "kind": "account.add", "approval": "none"},
         "Something waits for your approval", "Add a payout account"),
        ("approval", {"event": "approval.refused", "kind": "account.use"},
         "A proposal was turned down", "Use another payout account"),
        ("company", {"event": "account.added", "kind": "bankgiro", "holder": "Norrsken"},
         "A payout account was added", "Norrsken"),
        ("company", {"event": "company.changed"}, "The company’s card was changed", ""),
        ("people", {"event": "member.removed", "who": "Nils Berg"},
         "Nils Berg does not act for the company any more", ""),
        ("payment", {"amount_ore": 12_345, "reference": "1"}, "A payment came: SEK 123.45",
         "Case 1"),
        ("report", {"report": "remittance"}, "Remittance statement is ready", ""),
    ],
)  # fmt: skip
def test_what_happened_is_told_in_its_own_words(
    app: Flask, kind: str, data: dict[str, object], title: str, about: str
) -> None:
    with app.test_request_context(headers=ENGLISH):
        said = notices.said(kind, data)
    assert (said.title.replace("\u00a0", " "), said.text) == (title, about)


def test_many_alike_lead_to_the_cases(browser: Browser, tell: Callable[..., Notification]) -> None:
    one = tell(data={"reference": "123456789"})
    one.count = 250
    db.session.commit()
    assert browser.titles() == ["A debtor objects, or tells something to look into: 250"]
    assert browser.raw(f"/notifications/{one.id}").location.endswith("/cases")


def test_one_can_be_marked_as_read_and_unread_again(
    browser: Browser, tell: Callable[..., Notification]
) -> None:
    one = tell()
    browser.send(f"/notifications/{one.id}/read")
    assert browser.titles("/notifications/?unread=1") == []
    browser.send(f"/notifications/{one.id}/unread?unread=1")
    assert browser.titles("/notifications/?unread=1") == ["An objection came"]


def test_marking_one_in_place_tells_the_bell(
    browser: Browser, tell: Callable[..., Notification]
) -> None:
    one, _ = tell(), tell()
    token = browser.get("/notifications/choices").select_one("input[name=csrf_token]")["value"]
    answer = browser.client.post(
        f"/notifications/{one.id}/read",
        data={"csrf_token": token}, headers={**ENGLISH, "HX-Request": "true"},
    )  # fmt: skip
    bell = BeautifulSoup(answer.text, "html.parser").select_one("#bell[hx-swap-oob]")
    assert bell.select_one(".count").get_text() == "1"


def test_marking_one_stays_at_the_filter(
    browser: Browser, tell: Callable[..., Notification]
) -> None:
    one = tell()
    form = browser.get("/notifications/?kind=dispute").select_one("tbody form")
    response = browser.send(form["action"])
    assert urlsplit(response.location).query == "kind=dispute"
    assert db.session.get(Notification, one.id).read_at is not None


def test_all_are_marked_as_read_at_once_but_for_what_came_since(
    browser: Browser, tell: Callable[..., Notification]
) -> None:
    tell(at=clock.now() - timedelta(hours=2))
    until = browser.get().select_one("input[name=until]")["value"]
    tell("decision")
    browser.send("/notifications/read", until=until)
    assert browser.titles("/notifications/?unread=1") == [
        "The demand was not paid: decide how to go on"
    ]


def test_all_that_fit_the_filter_are_marked_as_read(
    browser: Browser, tell: Callable[..., Notification]
) -> None:
    tell("decision")
    tell("dispute")
    form = browser.get("/notifications/?kind=decision").select_one("#list > form")
    browser.send(form["action"], until="")
    assert browser.titles("/notifications/?unread=1") == ["An objection came"]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("kind=decision", ["The demand was not paid: decide how to go on"]),
        ("failed=1", ["A letter could not be sent"]),
        ("kind=gossip", ["A letter could not be sent",
                         "The demand was not paid: decide how to go on"]),
        ("after=nonsense", ["A letter could not be sent",
                            "The demand was not paid: decide how to go on"]),
    ],
)  # fmt: skip
def test_the_list_is_filtered_by_its_address(
    browser: Browser, tell: Callable[..., Notification], query: str, titles: list[str]
) -> None:
    tell("decision")
    tell("letter_failed", is_failed=True)
    assert browser.titles(f"/notifications/?{query}") == titles


def test_a_long_list_goes_on_where_the_page_ended(
    browser: Browser, tell: Callable[..., Notification]
) -> None:
    now = clock.now() - timedelta(hours=1)
    for number in range(55):
        tell(data={"reference": f"{number:09}"}, at=now)
    first = browser.get()
    assert len(first.select("tbody tr")) == 50
    following = browser.get(first.select_one("a[rel=next]")["href"])
    shown = {
        row.get_text() for page in (first, following) for row in page.select("tbody th .quiet")
    }
    assert len(shown) == 55


def test_what_is_told_later_is_not_shown_before(
    browser: Browser, creditor: Creditor, eva: Person, tell: Callable[..., Notification]
) -> None:
    one = tell()
    one.shown_at = clock.now() + timedelta(hours=1)
    db.session.commit()
    assert browser.titles() == []
    assert browser.bell() == "Notifications: none unread"
    assert browser.raw(f"/notifications/{one.id}").status_code == 404


def test_all_ones_companies_stand_in_one_list_and_can_be_told_apart(
    browser: Browser, app: Flask, tell: Callable[..., Notification]
) -> None:
    other = a_creditor("Fjällbäcks Tandvård AB")
    a_person_at(other, "viewer", EVA)
    tell()
    tell("decision", creditor_id=other.id)
    assert len(browser.titles()) == 2
    assert browser.titles(f"/notifications/?company={other.key}") == [
        "The demand was not paid: decide how to go on"
    ]


def test_of_a_company_that_one_has_left_nothing_is_shown_or_counted(
    browser: Browser, eva: Person, tell: Callable[..., Notification]
) -> None:
    other = a_creditor("Fjällbäcks Tandvård AB")
    a_person_at(other, "viewer", EVA)
    one = tell(creditor_id=other.id)
    assert browser.bell() == "Notifications: 1 unread"
    membership = db.session.scalars(
        select(Membership).where(Membership.creditor_id == other.id)
    ).one()
    membership.ends_on = clock.today() - timedelta(days=1)
    db.session.commit()
    assert browser.titles() == []
    assert browser.bell() == "Notifications: none unread"
    assert browser.raw(f"/notifications/{one.id}").status_code == 404
    browser.send(f"/notifications/{one.id}/read", status=404)


def test_a_colleagues_notification_is_not_there(
    browser: Browser, creditor: Creditor, tell: Callable[..., Notification]
) -> None:
    sofia = a_person_at(creditor, "collector", SOFIA)
    one = tell(to=[sofia.id])
    assert browser.titles() == []
    for path in ("", "/read", "/unread"):
        if path:
            browser.send(f"/notifications/{one.id}{path}", status=404)
        else:
            browser.get(f"/notifications/{one.id}", status=404)
    browser.send("/notifications/read", until="")
    assert db.session.get(Notification, one.id).read_at is None


def statements_of(browser: Browser, path: str, **headers: str) -> list[str]:
    """The statements on notifications that a page needs."""
    told: list[str] = []

    def hear(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if "notifications" in statement:
            told.append(statement)

    event.listen(db.engine, "before_cursor_execute", hear)
    try:
        assert browser.raw(path, **headers).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", hear)
    return told


def test_the_bell_costs_a_companys_page_no_statement_of_its_own(
    browser: Browser, creditor: Creditor
) -> None:
    asked = statements_of(browser, f"/creditor/{creditor.key}/cases")
    assert ["memberships" in one for one in asked] == [True]


def test_very_many_unread_are_not_counted_to_the_end(
    browser: Browser, creditor: Creditor, eva: Person
) -> None:
    now = clock.now()
    db.session.add_all(
        Notification(
            person_id=eva.id, creditor_id=creditor.id, kind="dispute", key=str(number), data={},
            is_failed=False, created_at=now, shown_at=now,
        )
        for number in range(150)
    )  # fmt: skip
    db.session.commit()
    page = browser.get()
    assert page.select_one("#bell .count").get_text() == "99+"
    assert browser.bell() == "Notifications: more than 99 unread"


def test_the_bell_answers_nothing_while_the_count_is_the_same(
    browser: Browser, tell: Callable[..., Notification]
) -> None:
    first = browser.raw("/notifications/bell", **{"HX-Request": "true"})
    etag = first.headers["ETag"]
    again = {"HX-Request": "true", "If-None-Match": etag}
    assert browser.raw("/notifications/bell", **again).status_code == 304
    tell()
    changed = browser.raw("/notifications/bell?seen=0", **again)
    assert changed.status_code == 200
    page = BeautifulSoup(changed.text, "html.parser")
    assert page.select_one("#bell .count").get_text() == "1"
    assert page.select_one("#bell-told").get_text() == "Notifications: 1 unread"


def test_fewer_unread_are_not_read_out(browser: Browser, tell: Callable[..., Notification]) -> None:
    tell()
    answer = browser.raw("/notifications/bell?seen=5", **{"HX-Request": "true"})
    assert "bell-told" not in answer.text


def test_the_bell_of_a_session_that_has_ended_stops_asking(app: Flask) -> None:
    answer = app.test_client().get("/notifications/bell", headers={"HX-Request": "true"})
    assert answer.status_code == 286
    assert answer.text == ""


def test_asking_for_the_bell_keeps_nobody_signed_in(browser: Browser) -> None:
    """A page that stands open all night must not keep its session alive."""
    browser.get()
    soon = clock.real_now() + IDLE - timedelta(minutes=20)
    session = db.session.scalars(select(BrowserSession)).one()
    session.expires_at = soon
    db.session.commit()
    browser.raw("/notifications/bell")
    assert db.session.scalars(select(BrowserSession.expires_at)).one() == soon
    browser.get()
    assert db.session.scalars(select(BrowserSession.expires_at)).one() > soon


def choices(page: BeautifulSoup) -> dict[str, str]:
    """What the form of choices would send as it is."""
    form = page.select_one('form[action*="/choices?"], form[action$="/choices"]')
    values = {
        one["name"]: one.select_one("option[selected]")["value"] for one in form.select("select")
    }
    values |= {one["name"]: one["value"] for one in form.select("input[type=time]")}
    return values | {one["name"]: "y" for one in form.select("input[type=checkbox][checked]")}


def test_choices_are_saved_and_shown(browser: Browser, creditor: Creditor, eva: Person) -> None:
    values = choices(browser.get("/notifications/choices"))
    assert values["dispute-mail"] == "at once"
    values |= {"dispute-mail": "weekly", "weekly_on": "5", "weekly_at": "16:15"}
    values.pop("upload-failed_only")
    browser.send("/notifications/choices", **values)
    page = browser.get("/notifications/choices")
    assert choices(page) == values
    kept = choosing.choices_of(eva.id, creditor.id, "administrator")
    assert (kept.kinds["dispute"].mail, kept.times.weekly_on) == ("weekly", 5)
    assert "Next: " in page.get_text()


@pytest.mark.parametrize(
    ("name", "value"),
    [("dispute-mail", "often"), ("weekly_on", "8"), ("daily_at", "late"), ("daily_at", "")],
)
def test_what_cannot_be_chosen_is_told_at_its_field(
    browser: Browser, name: str, value: str
) -> None:
    values = choices(browser.get("/notifications/choices")) | {name: value}
    response = browser.send("/notifications/choices", status=422, **values)
    page = BeautifulSoup(response.text, "html.parser")
    assert page.select_one(f"#{name}-error")
    assert page.select_one(".error-summary")


def test_the_same_can_be_chosen_at_all_companies(
    browser: Browser, app: Flask, eva: Person, creditor: Creditor
) -> None:
    other = a_creditor("Fjällbäcks Tandvård AB")
    a_person_at(other, "viewer", EVA)
    address = f"/notifications/choices?company={creditor.key}"
    values = choices(browser.get(address)) | {"dispute-mail": "daily", "everywhere": "y"}
    browser.send(address, **values)
    assert choosing.choices_of(eva.id, other.id, "viewer").kinds["dispute"].mail == "daily"


def test_another_company_has_choices_of_its_own(
    browser: Browser, app: Flask, eva: Person, creditor: Creditor
) -> None:
    other = a_creditor("Fjällbäcks Tandvård AB")
    a_person_at(other, "viewer", EVA)
    address = f"/notifications/choices?company={other.key}"
    page = browser.get(address)
    assert page.select_one("main h2:not(.card *)").get_text() == other.name
    browser.send(address, **choices(page) | {"dispute-centre": "never"})
    own = choosing.choices_of(eva.id, creditor.id, "administrator")
    assert own.kinds["dispute"].centre == "at once"


def test_a_company_that_is_not_ones_own_has_no_choices(browser: Browser) -> None:
    other = a_creditor("Fjällbäcks Tandvård AB")
    browser.get(f"/notifications/choices?company={other.key}", status=404)


def test_choices_can_be_forgotten(browser: Browser, creditor: Creditor, eva: Person) -> None:
    values = choices(browser.get("/notifications/choices")) | {"dispute-mail": "weekly"}
    browser.send("/notifications/choices", **values)
    browser.send("/notifications/choices/defaults")
    kept = choosing.choices_of(eva.id, creditor.id, "administrator")
    assert kept.kinds["dispute"].mail == "at once"


def mail_link() -> str:
    """The path of the link in the mail that was put last."""
    message = db.session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
    assert message.secret is not None
    return message.secret.removeprefix("http://localhost")


def test_an_address_counts_once_its_mail_was_answered(browser: Browser, eva: Person) -> None:
    browser.send("/notifications/address", email=" eva@example.com ", language="en")
    db.session.refresh(eva)
    assert (eva.email, eva.language) == (None, "en")
    browser.raw(mail_link())
    db.session.refresh(eva)
    assert eva.email == "eva@example.com"
    assert "E-mails go to eva@example.com from now on." in browser.get().get_text()


def test_another_persons_link_changes_nothing(
    browser: Browser, app: Flask, creditor: Creditor, eva: Person
) -> None:
    browser.send("/notifications/address", email="eva@example.com", language="en")
    sofia = Browser(app, a_person_at(creditor, "collector", SOFIA))
    assert sofia.raw(mail_link()).status_code == 400
    assert sofia.raw("/notifications/address/nonsense").status_code == 400
    assert people.by_identity_number(SOFIA).email is None


def test_what_is_no_address_is_told_at_its_field(browser: Browser) -> None:
    response = browser.send("/notifications/address", status=422, email="eva@", language="en")
    page = BeautifulSoup(response.text, "html.parser")
    assert "Write an e-mail address" in page.select_one("#email-error").get_text()
    assert choices(page)["dispute-mail"] == "at once"


def test_the_address_one_has_is_not_asked_again(browser: Browser, eva: Person) -> None:
    eva.email = "eva@example.com"
    db.session.commit()
    browser.send("/notifications/address", email="eva@example.com", language="sv")
    assert db.session.scalars(select(Message)).all() == []


def test_mails_are_stopped_by_the_link_in_them_without_signing_in(
    app: Flask, creditor: Creditor, eva: Person
) -> None:
    path = f"/notifications/stop/{addressing.stop_link(eva.id, creditor.id)}"
    client = app.test_client()
    page = client.get(path, headers=ENGLISH)
    assert "No e-mails about Norrsken Energi AB come to you any more" in page.text
    kept = choosing.choices_of(eva.id, creditor.id, "administrator")
    assert kept.kinds["dispute"].mail == "at once"
    # As a mail program does by itself (RFC 8058): without the page's token.
    done = client.post(path, data={"List-Unsubscribe": "One-Click"}, headers=ENGLISH)
    assert done.status_code == 200
    assert "No more of these e-mails come" in done.text
    kept = choosing.choices_of(eva.id, creditor.id, "administrator")
    assert {one.mail for one in kept.kinds.values()} == {"never"}


def test_a_link_that_somebody_made_up_stops_nothing(app: Flask) -> None:
    for method in ("GET", "POST"):
        answer = app.test_client().open("/notifications/stop/WzEsMV0.made-up", method=method)
        assert answer.status_code == 400


def test_who_has_left_may_stop_mails_all_the_same(
    app: Flask, creditor: Creditor, eva: Person
) -> None:
    membership = db.session.scalars(select(Membership).where(Membership.person_id == eva.id)).one()
    membership.ends_on = clock.today() - timedelta(days=1)
    db.session.commit()
    path = f"/notifications/stop/{addressing.stop_link(eva.id, creditor.id)}"
    assert app.test_client().post(path).status_code == 200


def test_every_kind_has_a_name_and_every_name_a_kind() -> None:
    assert list(notices.NAMES) == list(KINDS)


def test_the_address_mail_is_delivered_as_any_other(browser: Browser) -> None:
    browser.send("/notifications/address", email="eva@example.com", language="en")
    assert outbox.counts() == {"waiting": 1}
