"""Callbacks of the provider of text messages, sent by its simulator over real HTTP."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock, jobs
from portal.collection.models import Case, Event
from portal.config import Settings
from portal.database import tenancy
from portal.delivery import outbox, sending
from portal.delivery.channels import sms
from portal.delivery.models import Message
from portal.extensions import db
from simulators.serving import Server, serve
from simulators.sms.phones import DELIVERED, FAILED, Received
from simulators.sms.running import CALLBACK_KEY
from tests.factories import NOW, a_reminded_case
from tests.sms_fixtures import Phones

PATH = sms.CALLBACK_PATH


@pytest.fixture
def settings(settings: Settings, phones: Phones) -> Settings:
    return phones.settings(settings)


@pytest.fixture
def portal(app: Flask) -> Iterator[Server]:
    """The portal, serving."""
    with serve(app, "127.0.0.1", 0) as server:
        yield server


@pytest.fixture
def case(app: Flask) -> Case:
    return a_reminded_case()


@pytest.fixture
def sent(case: Case, phones: Phones, portal: Server) -> Received:
    """A text message about a case that the provider has taken; it may go on by e-mail."""
    outbox.put_sms(
        "news", to="070-174 06 05", content={"url": "https://reda.example"}, language="en",
        key="one", now=NOW, creditor_id=case.creditor_id, case_id=case.id,
        mail_to="anna@example.com",
    )  # fmt: skip
    db.session.commit()
    sending.deliver_waiting(NOW)
    (came,) = phones.messages()
    came.callback_url = portal.url + PATH
    return came


def ends(phones: Phones, came: Received, status: str, callbacks: int = 1) -> list[str]:
    """Let it end so; answers what the portal said to the callbacks."""
    phones.running.phones.end(came, status)
    until = time.monotonic() + 20
    while len(came.answers) < callbacks and time.monotonic() < until:
        time.sleep(0.02)
    db.session.rollback()
    return came.answers


def kept() -> Message:
    with tenancy.service():
        db.session.expire_all()
        return db.session.scalars(select(Message).where(Message.kind == "news")).one()


def told() -> list[tuple[str, object]]:
    """What the history has of text messages."""
    with tenancy.service():
        found = select(Event).where(Event.name.startswith("case.text_")).order_by(Event.id)
        return [(one.name, one.data["now_by"]) for one in db.session.scalars(found)]


def call(portal: Server, body: bytes, key: str | None = CALLBACK_KEY) -> int:
    headers = {}
    if key is not None:
        headers[sms.SIGNATURE] = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return httpx.post(portal.url + PATH, content=body, headers=headers, trust_env=False).status_code


def about(name: str, status: str = DELIVERED) -> bytes:
    return json.dumps({"id": name, "status": status}).encode()


def test_that_it_arrived_is_noted_and_stands_in_the_history(phones: Phones, sent: Received) -> None:
    assert ends(phones, sent, DELIVERED) == ["200"]
    assert (kept().receipt, kept().status) == ("delivered", "sent")
    assert told() == [("case.text_arrived", None)]


def test_one_that_did_not_arrive_goes_on_by_mail(phones: Phones, sent: Received) -> None:
    assert ends(phones, sent, FAILED) == ["200"]
    assert (kept().channel, kept().address, kept().status) == (
        "email", "anna@example.com", "waiting",
    )  # fmt: skip
    assert told() == [("case.text_not_arrived", "email")]


@pytest.mark.parametrize("status", [DELIVERED, FAILED])
def test_a_callback_that_comes_twice_tells_it_once(
    phones: Phones, sent: Received, status: str
) -> None:
    phones.running.phones.callbacks.append("twice")
    assert set(ends(phones, sent, status, 2)) <= {"200", "404"}
    assert len(told()) == 1


def test_what_a_callback_says_is_not_believed(portal: Server, sent: Received) -> None:
    assert call(portal, about(sent.id, FAILED)) == 200
    assert (kept().receipt, told()) == (None, [])


@pytest.mark.parametrize("key", ["somebody-else", "", None])
def test_a_callback_that_the_provider_did_not_sign_is_refused(
    portal: Server, sent: Received, key: str | None
) -> None:
    sent.status = DELIVERED
    assert call(portal, about(sent.id), key) == 403
    assert kept().receipt is None


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b"{}", 400), (b"[" * 4_000, 400), (b"x" * 5_000, 400),
     (about("../x"), 400), (about("unknown"), 404)],
)  # fmt: skip
def test_what_is_no_callback_of_ours_changes_nothing(
    portal: Server, body: bytes, status: int
) -> None:
    assert call(portal, body) == status


def test_a_provider_that_does_not_answer_is_asked_by_a_job_too(
    phones: Phones, portal: Server, sent: Received
) -> None:
    sent.status = DELIVERED
    phones.running.phones.answers.append((503, {}))
    assert call(portal, about(sent.id)) == 503
    with tenancy.service():
        jobs.ask_of_texts(sent.id)
    assert kept().receipt == "delivered"


def test_a_callback_that_never_comes_is_made_up_for_by_the_job(
    sent: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent.status = DELIVERED
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=2))
    with tenancy.service():
        jobs.ask_of_texts()
    assert told() == [("case.text_arrived", None)]
