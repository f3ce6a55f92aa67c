"""Letters to a protected identity: kept from the printer, and posted through the Tax Agency."""

import pytest
from flask import Flask
from sqlalchemy import select

from portal import jobs
from portal.collection import cases, circumstances, forwarding, lifecycle, plans, states, stops
from portal.collection.models import Event, OwnContact
from portal.config import Settings
from portal.database import files, tenancy
from portal.delivery import sending
from portal.delivery.channels import letter as spool
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.identity.models import Creditor
from portal.notifications.models import Notification
from tests.delivery.pdf import Pdf
from tests.factories import NOW, TODAY, a_case, a_debtor_of, a_person_at, a_reminded_case
from tests.operations.test_pages import Get, Post, browser_of_erik, get, post

__all__ = ["browser_of_erik", "get", "post"]
CLERK = Actor("person", "Sofia Nyström", role="creditor")
HOME = {"address_line": "Tallbacken 29", "postcode": "27293", "town": "Simrislund", "country": "SE"}


@pytest.fixture
def waiting(app: Flask) -> int:
    """A letter with a payment plan, which goes out whatever stops the case: to a told address."""
    case = a_case()
    debtor = case.debtor
    debtor.identity_number = "197101019052"
    db.session.add(
        OwnContact(
            debtor_id=debtor.id, creditor_id=debtor.creditor_id, version=1, changed_at=NOW, **HOME
        )
    )  # fmt: skip
    db.session.commit()
    plans.agree(
        cases.lock(case.id), monthly_ore=60_000, first_on=TODAY, actor=CLERK, today=TODAY, now=NOW
    )
    stops.stop(cases.lock(case.id), states.PROTECTED, "", actor=CLERK, now=NOW)
    db.session.commit()
    return db.session.scalars(select(Message.id).where(Message.case_id == case.id)).one()


def now(message_id: int) -> Message:
    """A message as it is now."""
    db.session.expire_all()
    return db.session.get_one(Message, message_id)


def deliver() -> None:
    with tenancy.service():
        sending.deliver_waiting(NOW, keeps_back=circumstances.is_case_protected)
    db.session.expire_all()


def printed(settings: Settings) -> list[str]:
    """Whose letters lie where the printer fetches them."""
    return [one.reference for day in spool.days(settings.var) for one in spool.manifest(day)]


def test_the_job_keeps_it_from_the_printer(waiting: int, settings: Settings) -> None:
    with tenancy.service():
        jobs.deliver_outbox()
    assert printed(settings) == []
    assert (now(waiting).status, now(waiting).failure) == ("failed", "protected identity")


def test_the_letters_of_others_go(waiting: int, settings: Settings) -> None:
    reference = a_reminded_case(creditor_of(waiting)).reference
    deliver()
    assert printed(settings) == [reference]


def creditor_of(message_id: int) -> Creditor:
    return db.session.get_one(Creditor, now(message_id).creditor_id)


def test_a_letter_that_waited_when_it_became_known_is_kept_too(
    app: Flask, settings: Settings
) -> None:
    case = a_reminded_case()
    # What is written, but not withdrawn: another process may be handing it over.
    stops.stop(cases.lock(case.id), states.PROTECTED, "", actor=CLERK, now=NOW)
    message = db.session.scalars(select(Message)).one()
    message.status, message_id = "waiting", message.id
    db.session.commit()
    deliver()
    assert printed(settings) == []
    assert now(message_id).status == "failed"


def test_it_goes_neither_when_an_e_mail_to_be_read_does_not_arrive(
    waiting: int, settings: Settings
) -> None:
    message = now(waiting)
    message.channel, message.address = "email", "x@gone.example"
    for _ in range(sending.MOST_ATTEMPTS + 1):
        now(waiting).due_at = NOW
        db.session.commit()
        deliver()
    assert now(waiting).failure == "protected identity"
    assert printed(settings) == []


def test_the_company_is_told_that_it_did_not_go(waiting: int) -> None:
    a_person_at(creditor_of(waiting), "administrator")
    deliver()
    assert db.session.scalars(select(Notification.kind)).all() == ["letter_failed"]


class TestOperators:
    def test_they_are_told_why_and_how_to_post_it(self, waiting: int, get: Get) -> None:
        deliver()
        row = get("/messages").select_one("tbody tr")
        assert "protected identity" in row.get_text()
        told = get(row.select_one("a[href$='/forward']")["href"].removeprefix("/operations"))
        said = told.select_one("main").get_text(" ", strip=True)
        assert "19710101-9052" in said
        assert "Box 2820, 403 20 Göteborg" in said
        assert "Tallbacken" not in said

    def test_what_they_print_has_the_name_and_no_address(self, waiting: int) -> None:
        deliver()
        with tenancy.service():
            said = Pdf(sending.without_address(waiting)).text(1)
        assert "Ahmad Al-Khatib" in said
        assert not [
            one for one in ("Tallbacken", "Simrislund", "Storgatan", "272 93") if one in said
        ]

    def test_posted_it_counts_as_sent_and_the_history_tells(
        self, waiting: int, post: Post, settings: Settings
    ) -> None:
        deliver()
        page = post(f"/messages/{waiting}/forward")
        assert "noted as posted" in page.get_text()
        db.session.expire_all()
        message = now(waiting)
        assert (message.status, message.failure) == ("sent", None)
        assert "Tallbacken" not in Pdf(files.read(message.document_sha256 or "")).text(1)
        event = db.session.scalars(select(Event).where(Event.name == forwarding.FORWARDED)).one()
        assert (event.actor, event.data) == ("person:Erik Wallin", {"kind": "plan"})
        assert printed(settings) == []

    def test_noted_twice_it_is_noted_once(self, waiting: int, post: Post) -> None:
        deliver()
        post(f"/messages/{waiting}/forward")
        post(f"/messages/{waiting}/forward", status=409)
        noted = db.session.scalars(select(Event).where(Event.name == forwarding.FORWARDED)).all()
        assert len(noted) == 1

    def test_tried_again_it_is_kept_again(
        self, waiting: int, post: Post, settings: Settings
    ) -> None:
        deliver()
        post(f"/messages/{waiting}/retry")
        now(waiting).due_at = NOW
        db.session.commit()
        deliver()
        assert printed(settings) == []
        assert now(waiting).failure == "protected identity"

    def test_once_the_identity_is_protected_no_more_it_goes_as_others_do(
        self, waiting: int, get: Get, post: Post, settings: Settings
    ) -> None:
        deliver()
        case = cases.lock(now(waiting).case_id or 0)
        reference = case.reference
        lifecycle.resume(case, states.PROTECTED, actor=SYSTEM, today=TODAY, now=NOW)
        db.session.commit()
        assert "not protected any more" in get(f"/messages/{waiting}/forward").get_text()
        post(f"/messages/{waiting}/retry")
        now(waiting).due_at = NOW
        db.session.commit()
        deliver()
        assert printed(settings) == [reference]


def test_one_of_the_same_person_marked_elsewhere_keeps_all_back(app: Flask) -> None:
    one = a_case()
    two = a_case(one.creditor, debtor=a_debtor_of(one.creditor))
    stops.stop(cases.lock(one.id), states.PROTECTED, "", actor=CLERK, now=NOW)
    db.session.commit()
    assert circumstances.is_case_protected(one.id)
    assert not circumstances.is_case_protected(two.id)
    two.debtor.identity_number_hash = one.debtor.identity_number_hash = b"same"
    db.session.commit()
    assert circumstances.is_case_protected(two.id)
