"""What is written to signers, and what their sender is told."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from email import message_from_bytes, policy

import pytest
from flask import Flask

from portal import clock, jobs
from portal.collection.models import Event
from portal.config import Settings
from portal.creditor import notices
from portal.database import files, tenancy
from portal.delivery import outbox, sending
from portal.delivery.channels.mail import Mail, compose
from portal.delivery.mails import render_mail
from portal.delivery.models import Message
from portal.delivery.texts import render_sms
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.identity.models import Creditor, Person
from portal.notifications.models import Notification
from portal.signing import envelopes, inviting, noting
from portal.signing.models import Envelope
from tests.factories import NOW, TODAY, a_creditor, a_person_at
from tests.signing.ceremonies import names_of, signer_of
from tests.signing.envelopes import SENDER, an_envelope, invited

CONTENT = {
    "company": "Norrsken Energi AB", "sender": "Sara Lind", "title": "Avtal & pris",
    "message": "Hej\nEva", "url": "https://reda.example/sign/abc", "last_on": "2026-04-10",
    "status": "withdrawn", "attachments": [],
}  # fmt: skip
DAY = timedelta(days=1)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor("Norrsken Energi AB")


def at(day: date, hour: int = 8) -> datetime:
    return datetime.combine(day, time(hour), clock.STOCKHOLM)


def written(kind: str = "sign_reminder") -> list[str]:
    """To whom a kind of message was written, in order."""
    found = db.session.query(Message).filter_by(kind=kind).order_by(Message.id)
    return [one.address or one.mobile or "" for one in found]


def left(*to: str) -> None:
    """What was written has left: to some, or to all."""
    found = db.session.query(Message).filter_by(status="waiting")
    for one in found:
        if not to or one.address in to:
            one.status = "sent"
    db.session.flush()


def morning(day: date) -> None:
    """What the job of the morning does."""
    with tenancy.service():
        while envelopes.expire(today=day, now=at(day)):
            pass
        for one in envelopes.to_follow(day):
            envelopes.follow(one, today=day, now=at(day))
        db.session.commit()


class TestReminders:
    def mornings(self, envelope: Envelope) -> list[int]:
        """On which days from its sending somebody was reminded."""
        told: list[int] = []
        for number in range((envelope.last_on - TODAY).days + 2):
            before = len(written())
            morning(TODAY + number * DAY)
            told += [number] * (len(written()) - before)
        return told

    @pytest.mark.parametrize(
        ("every", "last", "days"),
        [
            (0, 10, [8]),
            (3, 10, [3, 6, 8]),
            (4, 10, [4, 8]),
            (7, 5, [3]),
            (0, 1, []),
            (1, 3, [1, 2, 3]),
        ],
    )
    def test_reminded_as_often_as_wished_and_when_it_is_soon_over(
        self, creditor: Creditor, every: int, last: int, days: Sequence[int]
    ) -> None:
        envelope = an_envelope(creditor, remind_days=every, last_on=TODAY + last * DAY)
        assert self.mornings(envelope) == days
        assert envelope.status == "expired"

    def test_twice_on_a_morning_reminds_once(self, creditor: Creditor) -> None:
        an_envelope(creditor, remind_days=3)
        for _ in range(2):
            morning(TODAY + 3 * DAY)
        assert len(written()) == 1

    def test_who_has_signed_or_waits_for_their_turn_is_not_reminded(
        self, creditor: Creditor
    ) -> None:
        signers = [invited("Eva Berg"), invited("Johan Ek", step=2), invited("Kim", step=2)]
        envelope = an_envelope(creditor, signers=signers, in_order=True, remind_days=1)
        morning(TODAY + DAY)
        envelopes.note_signed(envelope, signer_of(envelope), now=at(TODAY + DAY, 9))
        db.session.commit()
        morning(TODAY + 2 * DAY)
        assert written() == [
            "eva@signer.example", "johan@signer.example", "kim@signer.example"
        ]  # fmt: skip

    def test_the_job_does_it(self, creditor: Creditor, monkeypatch: pytest.MonkeyPatch) -> None:
        envelope = an_envelope(creditor, last_on=TODAY + DAY)
        monkeypatch.setattr(clock, "today", lambda: TODAY + 2 * DAY)
        with tenancy.service():
            jobs.follow_envelopes()
        assert envelope.status == "expired"


class TestEnds:
    def test_those_invited_are_told_but_not_who_declined(self, creditor: Creditor) -> None:
        envelope = an_envelope(creditor, signers=["Eva Berg", "Johan Ek"])
        left()
        envelopes.decline(envelope, signer_of(envelope), "Fel belopp", now=NOW)
        assert written("sign_ended") == ["johan@signer.example"]

    def test_the_reason_of_who_declined_is_not_told_to_the_others(self, app: Flask) -> None:
        made = render_mail(
            "sign_ended", {**CONTENT, "status": "declined"}, to="a@b.example", language="en",
            key="k", settings=Settings(),
        )  # fmt: skip
        assert "Somebody did not want to sign. You need do nothing more." in made.text

    def test_who_had_not_been_invited_is_told_nothing(self, creditor: Creditor) -> None:
        signers = [invited("Eva Berg"), invited("Johan Ek", step=2)]
        envelope = an_envelope(creditor, signers=signers, in_order=True)
        left()
        envelopes.withdraw(envelope, "", actor=SENDER, now=NOW)
        assert written("sign_ended") == ["eva@signer.example"]


class TestWhatHasNotLeft:
    """A text message waits at night for the morning."""

    @pytest.fixture
    def envelope(self, creditor: Creditor) -> Envelope:
        signers = [invited("Eva Berg", email=None, phone="0701740601"), "Johan Ek"]
        return an_envelope(creditor, signers=signers)

    @staticmethod
    def waiting() -> list[tuple[str, str | None]]:
        found = db.session.query(Message).filter_by(status="waiting").order_by(Message.id)
        return [(one.kind, one.mobile or one.address) for one in found]

    def test_of_what_has_ended_is_not_sent_and_its_end_is_not_told(
        self, envelope: Envelope
    ) -> None:
        left("johan@signer.example")
        envelopes.withdraw(envelope, "", actor=SENDER, now=NOW)
        assert self.waiting() == [("sign_ended", "johan@signer.example")]

    def test_goes_to_the_new_address_alone(self, envelope: Envelope) -> None:
        eva = signer_of(envelope)
        envelopes.correct(envelope, eva, email=None, phone="0701740602", actor=SENDER, now=NOW)
        assert self.waiting() == [
            ("sign_invitation", "johan@signer.example"),
            ("sign_invitation", "+46701740602"),
        ]

    def test_is_not_asked_of_who_has_signed_meanwhile(self, envelope: Envelope) -> None:
        eva = signer_of(envelope)
        envelopes.remind(envelope, eva, actor=SENDER, now=NOW + 2 * DAY)
        envelopes.note_signed(envelope, eva, now=NOW + 2 * DAY)
        assert [to for _, to in self.waiting()] == ["johan@signer.example"]


class TestSender:
    @pytest.fixture
    def sara(self, creditor: Creditor) -> Person:
        return a_person_at(creditor, "collector")

    @pytest.fixture
    def envelope(self, creditor: Creditor, sara: Person) -> Envelope:
        a_person_at(creditor, "administrator", "198811262396")
        signers = ["Eva Berg", "Johan Ek"]
        envelope = an_envelope(creditor, signers=signers, last_on=TODAY + 9 * DAY)
        envelope.sender_id = sara.id
        db.session.commit()
        return envelope

    def told(self) -> list[tuple[int, str, str]]:
        found = db.session.query(Notification).order_by(Notification.id)
        with self.app.test_request_context(headers={"Accept-Language": "en"}):
            return [
                (one.person_id, said.title, said.text)
                for one in found
                if (said := notices.said(one.kind, one.data))
            ]

    @pytest.fixture(autouse=True)
    def _keep(self, app: Flask) -> None:
        self.app = app

    def test_of_each_who_signs_and_of_all(self, envelope: Envelope, sara: Person) -> None:
        noting.note("signed", envelope, now=NOW, who="Eva Berg")
        noting.note("completed", envelope, now=NOW)
        assert self.told() == [
            (sara.id, "Eva Berg has signed", "Avtal"),
            (sara.id, "A document is signed by all", "Avtal"),
        ]

    def test_of_who_declines(self, envelope: Envelope, sara: Person) -> None:
        envelopes.decline(envelope, signer_of(envelope), "Fel belopp", now=NOW)
        assert self.told() == [(sara.id, "Eva Berg has declined to sign", "Avtal")]

    def test_that_it_is_soon_over_and_over_each_once(
        self, envelope: Envelope, sara: Person
    ) -> None:
        for number in range(6, 13):
            morning(TODAY + number * DAY)
        assert [title for _, title, _ in self.told()] == [
            "A document is to be signed within two days",
            "A document was not signed in time",
        ]
        assert names_of(envelope).count("soon_over") == 1

    def test_what_nobody_sent_is_told_to_all_who_send(
        self, creditor: Creditor, sara: Person
    ) -> None:
        a_person_at(creditor, "viewer", "196507182795")
        envelope = an_envelope(creditor)
        assert envelope.sender_id is None
        envelopes.decline(envelope, signer_of(envelope), "Nej", now=NOW)
        assert [person for person, _, _ in self.told()] == [sara.id]

    def test_it_stands_in_the_company_s_history(self, envelope: Envelope) -> None:
        envelopes.withdraw(envelope, "Fel", actor=Actor("person", "Sara Lind"), now=NOW)
        event = db.session.query(Event).order_by(Event.id.desc()).first()
        assert (event.name, event.actor, event.data["reason"]) == (
            "document.withdrawn", "person:Sara Lind", "Fel",
        )  # fmt: skip


class TestWords:
    @pytest.mark.parametrize(
        ("kind", "subject", "text"),
        [
            ("sign_invitation", "Norrsken Energi AB has a document for you: Avtal & pris",
             "Read it and answer with BankID by 10 April 2026."),
            ("sign_reminder", "Not signed yet: Avtal & pris", "Hej\nEva"),
            ("sign_ended", "No longer to be signed: Avtal & pris",
             "Norrsken Energi AB has withdrawn it. You need do nothing more."),
            ("sign_completed", "Signed by all: Avtal & pris", "https://reda.example/sign/abc"),
        ],
    )  # fmt: skip
    def test_each_mail(self, app: Flask, kind: str, subject: str, text: str) -> None:
        made = render_mail(
            kind, CONTENT, to="a@b.example", language="en", key="k", settings=Settings()
        )
        assert made.subject == subject
        assert text in made.text
        assert "Avtal &amp; pris" in made.html

    @pytest.mark.parametrize(
        "kind", ["sign_invitation", "sign_reminder", "sign_ended", "sign_completed"]
    )
    def test_each_text_message(self, app: Flask, kind: str) -> None:
        told = render_sms(kind, CONTENT, language="sv", settings=Settings())
        assert "Avtal & pris" in told
        assert ("https://reda.example/sign/abc" in told) == (kind != "sign_ended")

    def test_who_has_no_address_is_told_by_text_message(self, creditor: Creditor) -> None:
        an_envelope(creditor, signers=[invited("Eva Berg", email=None, phone="070-174 06 35")])
        message = db.session.query(Message).one()
        assert (message.channel, message.kind) == ("sms", "sign_invitation")


class TestAttachments:
    def test_a_sealed_document_lies_in_the_mail(self) -> None:
        mail = Mail(
            "a@b.example", "Klart", "Text", "<p>Text</p>", "sv", "k",
            attachments=[("Avtal å.pdf", b"%PDF-1.7")],
        )  # fmt: skip
        settings = Settings(smtp_from="post@reda.example")
        sent = message_from_bytes(compose(mail, settings, now=NOW).as_bytes(), policy=policy.SMTP)
        (found,) = sent.iter_attachments()
        assert (found.get_filename(), found.get_content()) == ("Avtal å.pdf", b"%PDF-1.7")
        assert sent.get_body(("plain",)).get_content().strip() == "Text"

    def test_the_outbox_fetches_it_when_it_sends(
        self, creditor: Creditor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[Mail] = []
        monkeypatch.setattr(
            "portal.delivery.channels.mail.Postman.hand_over",
            lambda self, made, now: sent.append(made),
        )
        attachments = [{"name": "Avtal.pdf", "sha256": files.store(b"%PDF sealed")}]
        outbox.put_mail(
            "sign_completed", to="a@b.example", content={**CONTENT, "attachments": attachments},
            language="sv", key="k", now=NOW, creditor_id=creditor.id,
        )  # fmt: skip
        db.session.commit()
        sending.deliver_waiting(NOW)
        assert [list(one.attachments) for one in sent] == [[("Avtal.pdf", b"%PDF sealed")]]
        assert "bifogat" in sent[0].text

    @pytest.mark.parametrize(
        ("name", "called"),
        [("Avtal.docx", "Avtal.pdf"), ("Avtal.pdf", "Avtal.pdf"), ("Avtal", "Avtal.pdf")],
    )
    def test_a_sealed_document_is_called_a_pdf(self, name: str, called: str) -> None:
        assert inviting.pdf_name(name) == called


def test_reminded_by_the_portal_the_log_says_so(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    envelopes.remind(envelope, signer_of(envelope), actor=SYSTEM, now=NOW + 2 * DAY)
    assert names_of(envelope)[-1] == "reminded"
