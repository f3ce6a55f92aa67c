"""Whatever goes wrong while somebody signs: a clear message, a true event, no signature."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock, jobs
from portal.database import tenancy
from portal.extensions import db
from portal.identity import orders
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.signing import agreements, approvals, ceremony, events
from portal.signing.ceremony import Known, Visit
from portal.signing.completed import NotSigned
from portal.signing.envelopes import NotOpen
from portal.signing.models import Document, Envelope, EnvelopeSignature, SignatureUse
from portal.signing.signed_text import Item
from tests.bankid_fixtures import Phone
from tests.factories import EVA, JOHAN, a_person_at
from tests.signing import documents, test_approvals
from tests.signing.ceremonies import (
    identify,
    last,
    link,
    names_of,
    sent,
    sign,
    signer_of,
    start_to_sign,
)
from tests.signing.envelopes import invited
from tests.signing.pages import Browser, later, order_ref, words

HERE = Visit("192.0.2.7", "test")


@pytest.fixture
def envelope(creditor: Creditor) -> Envelope:
    return sent(creditor, signers=[invited("Eva Berg", identity_number=EVA)])


@pytest.fixture
def reader(browser: Browser, phone: Phone, envelope: Envelope) -> Browser:
    """Eva's browser; she has identified."""
    identify(browser, phone, link(envelope))
    return browser


def start(envelope: Envelope, number: str = EVA, *, for_anyone: bool = False) -> BankIDOrder:
    """An order to sign by the first signer, or by whoever else has the number."""
    signer = next(
        one for place in (0, 1) if (one := signer_of(envelope, place)) and _may(one, number)
    )
    asked = ceremony.purpose(
        [Item(envelope, signer)], Known(number, "Eva", "o"), HERE, language="sv",
        token="t", now=clock.now(),
    )  # fmt: skip
    started = orders.start(
        replace(asked, personal_number=None) if for_anyone else asked,
        binding="mine", end_user_ip="192.0.2.7", user_agent="test",
        return_url="https://reda.example/bankid/{key}/return?nonce={nonce}", now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    return started.order


def _may(signer: object, number: str) -> bool:
    return ceremony.is_invited(signer, Known(number, "", ""))  # type: ignore[arg-type]


def completed(phone: Phone, order: BankIDOrder, number: str = EVA) -> BankIDOrder:
    phone.approve(order.order_ref, number)
    orders.collect(order, now=clock.now())
    db.session.commit()
    return order


def nothing_counts(envelope: Envelope) -> None:
    db.session.expire_all()
    assert db.session.query(EnvelopeSignature).count() == 0
    assert (envelope.status, signer_of(envelope).status) == ("open", "invited")
    assert events.verify(events.log_of(envelope))


class TestFailedOrders:
    @pytest.mark.parametrize(
        ("hint", "said"),
        [
            ("userCancel", "Action cancelled."),
            ("expiredTransaction", "The BankID app is not responding."),
            ("certificateErr", "The BankID you are trying to use is blocked or too old."),
            ("startFailed", "Failed to scan the QR code"),
            ("cancelled", "Action cancelled. Please try again."),
            ("transactionRiskBlocked", "Unknown error. Please try again."),
            ("somethingNew", "Unknown error. Please try again."),
        ],
    )
    def test_each_end_is_told_and_noted(
        self, reader: Browser, phone: Phone, envelope: Envelope, hint: str, said: str
    ) -> None:
        order = start_to_sign(reader, link(envelope))
        phone.control(f"orders/{order_ref(phone)}/hint", hintCode=hint, status="failed")
        later()
        for _ in range(2):
            assert said in words(reader.page(order))
        nothing_counts(envelope)
        assert last(envelope, "sign_failed").data["reason"] == hint
        assert names_of(envelope).count("sign_failed") == 1
        assert said in words(reader.page(link(envelope)))

    def test_cancelled_on_the_page_it_is_noted(
        self, reader: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        order = start_to_sign(reader, link(envelope))
        reader.press(reader.page(order), "Cancel")
        nothing_counts(envelope)
        assert last(envelope, "sign_failed").data["reason"] == "userCancel"

    def test_after_a_failure_it_can_be_signed(
        self, reader: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        order = start_to_sign(reader, link(envelope))
        phone.control(f"orders/{order_ref(phone)}/cancel")
        later()
        reader.page(order)
        assert "Thank you. You have signed." in words(sign(reader, phone, link(envelope)))


class TestRejectedSignatures:
    @pytest.mark.parametrize(
        ("fault", "check"),
        [
            ("forgedSignature", "signature"),
            ("textChanged", "content"),
            ("untrustedRoot", "chain"),
            ("ocspOtherCertificate", "ocsp certificate"),
            ("ocspRevoked", "ocsp status"),
            ("ocspOtherSignature", "ocsp nonce"),
        ],
    )
    def test_what_does_not_prove_itself_does_not_count(
        self, reader: Browser, phone: Phone, envelope: Envelope, fault: str, check: str
    ) -> None:
        phone.control("next", fault=fault)
        page = sign(reader, phone, link(envelope))
        assert "could not be verified, so it does not count" in words(page)
        nothing_counts(envelope)
        assert last(envelope, "sign_failed").data["reason"] == check

    def test_another_person_s_signature_does_not_count(
        self, phone: Phone, envelope: Envelope
    ) -> None:
        order = completed(phone, start(envelope, for_anyone=True), JOHAN)
        with pytest.raises(NotSigned):
            ceremony.finish(order, now=clock.now())
        db.session.commit()
        nothing_counts(envelope)
        assert last(envelope, "sign_failed").data["reason"] == "person"

    @pytest.mark.parametrize("hours", [-1, 1])
    def test_a_signature_of_another_time_does_not_count(
        self, phone: Phone, envelope: Envelope, hours: int
    ) -> None:
        """Such as when a clock, ours or BankID's, is wrong by far."""
        order = completed(phone, start(envelope))
        moved = clock.now() + timedelta(hours=hours)
        order.started_at = order.ended_at = moved
        with pytest.raises(NotSigned):
            ceremony.finish(order, now=moved)
        db.session.commit()
        nothing_counts(envelope)
        assert last(envelope, "sign_failed").data["reason"] == "time"

    @pytest.mark.parametrize("seconds", [-90, 90])
    def test_clocks_may_differ_a_little(
        self, phone: Phone, envelope: Envelope, seconds: int
    ) -> None:
        order = completed(phone, start(envelope))
        moved = clock.now() + timedelta(seconds=seconds)
        order.started_at = order.ended_at = moved
        assert ceremony.finish(order, now=moved)

    @pytest.mark.parametrize("lacks", ["signature", "ocspResponse"])
    def test_an_answer_without_its_parts_does_not_count(
        self, phone: Phone, envelope: Envelope, lacks: str
    ) -> None:
        order = completed(phone, start(envelope))
        order.completion = (order.completion or "").replace(f'"{lacks}"', '"other"')
        with pytest.raises(NotSigned):
            ceremony.finish(order, now=clock.now())
        db.session.commit()
        nothing_counts(envelope)
        assert last(envelope, "sign_failed").data["reason"] == "document"

    def test_what_was_changed_since_is_not_signed(self, phone: Phone, envelope: Envelope) -> None:
        order = completed(phone, start(envelope))
        envelope.version += 1
        with pytest.raises(Exception, match="no longer open"):
            ceremony.finish(order, now=clock.now())
        db.session.commit()
        nothing_counts(envelope)


class TestBankIDInTrouble:
    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ("maintenance", "unavailable"),
            ("internalError", "unavailable"),
            ("requestTimeout", "unavailable"),
            ("dropConnection", "unavailable"),
            ("notJson", "unavailable"),
        ],
    )
    def test_an_order_that_is_not_started_is_told_and_noted(
        self, reader: Browser, phone: Phone, envelope: Envelope, fault: str, reason: str
    ) -> None:
        phone.control("next", fault=fault, method="sign", times=3)
        order = start_to_sign(reader, link(envelope))
        assert order == link(envelope)
        assert words(reader.page(order)).count("Internal error. Please try again.") == 1
        nothing_counts(envelope)
        assert last(envelope, "sign_failed").data["reason"] == reason

    def test_a_slow_bankid_is_waited_for_so_long_and_no_longer(
        self,
        reader: Browser,
        phone: Phone,
        envelope: Envelope,
        app: Flask,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        client = app.extensions["reda_bankid"].client
        monkeypatch.setattr(client, "timeout", httpx.Timeout(0.2))
        phone.control("next", fault="slow", seconds=0.6, method="sign")
        assert start_to_sign(reader, link(envelope)) == link(envelope)
        assert last(envelope, "sign_failed").data["reason"] == "unavailable"
        nothing_counts(envelope)
        # It is started after all, which nobody knows; no other test is to meet it.
        while not phone.waiting():
            time.sleep(0.05)

    def test_a_second_order_while_one_is_open_is_told_and_ends_both(
        self, reader: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        order = start_to_sign(reader, link(envelope))
        again = start_to_sign(reader, link(envelope))
        assert again == link(envelope)
        assert words(reader.page(again)).count("already started") == 1
        assert last(envelope, "sign_failed").data["reason"] == "alreadyInProgress"
        later()
        reader.page(order)
        assert last(envelope, "sign_failed").data["reason"] == "cancelled"
        nothing_counts(envelope)

    @pytest.mark.parametrize("fault", ["maintenance", "dropConnection", "notJson"])
    def test_in_trouble_while_one_waits_the_signature_comes_later(
        self, reader: Browser, phone: Phone, envelope: Envelope, fault: str
    ) -> None:
        order = start_to_sign(reader, link(envelope))
        phone.approve(order_ref(phone), EVA)
        phone.control("next", fault=fault, method="collect")
        later()
        assert "Internal error" in words(reader.page(order))
        nothing_counts(envelope)
        later()
        assert "Thank you. You have signed." in words(reader.page(order))
        assert "sign_failed" not in names_of(envelope)


class TestPageGone:
    def age(self) -> None:
        """So long since the page asked that it is gone."""
        db.session.execute(
            db.text("update bankid_orders set started_at = started_at - interval '20 seconds',"
                    " collected_at = collected_at - interval '20 seconds'")
        )  # fmt: skip
        db.session.commit()

    def collect(self) -> None:
        with tenancy.service():
            jobs.collect_bankid()
            db.session.commit()

    def test_the_browser_closed_after_the_phone_signed_it_counts(
        self, reader: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        order = start_to_sign(reader, link(envelope))
        phone.approve(order_ref(phone), EVA)
        self.age()
        self.collect()
        self.collect()
        db.session.expire_all()
        assert db.session.query(EnvelopeSignature).count() == 1
        assert envelope.status == "completed"
        assert "Thank you. You have signed." in words(reader.page(order))

    def test_collected_and_not_used_it_counts_too(self, phone: Phone, envelope: Envelope) -> None:
        completed(phone, start(envelope))
        self.age()
        self.collect()
        assert db.session.query(EnvelopeSignature).count() == 1

    def test_failed_meanwhile_that_is_noted(
        self, reader: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        start_to_sign(reader, link(envelope))
        phone.control(f"orders/{order_ref(phone)}/cancel")
        self.age()
        self.collect()
        nothing_counts(envelope)
        assert last(envelope, "sign_failed").data["reason"] == "userCancel"

    def test_a_forged_signature_does_not_count_by_a_job_either(
        self, reader: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        phone.control("next", fault="forgedSignature")
        start_to_sign(reader, link(envelope))
        phone.approve(order_ref(phone), EVA)
        self.age()
        self.collect()
        nothing_counts(envelope)
        assert last(envelope, "sign_failed").data["reason"] == "signature"
        assert "could not be verified" in words(reader.page(link(envelope)))

    def test_an_agreement_that_the_phone_signed_counts(
        self, phone: Phone, document: Document, eva: Person
    ) -> None:
        documents.an_order(phone, document, eva)
        self.age()
        self.collect()
        assert agreements.is_signed(document.creditor_id)

    def test_an_approval_that_the_phone_signed_counts(
        self, phone: Phone, creditor: Creditor, eva: Person
    ) -> None:
        johan = a_person_at(creditor, "administrator", JOHAN)
        proposed = test_approvals.propose(creditor, eva)
        test_approvals.an_order(phone, proposed, johan)
        self.age()
        self.collect()
        found = approvals.find(proposed.key)
        assert found is not None
        assert found.status == "approved"


class TestAtOnce:
    def finish_both(self, app: Flask, first: BankIDOrder, second: BankIDOrder) -> list[Exception]:
        """Finish two orders so that the second begins before the first has committed."""
        second_id, errors = second.id, []

        def finish_second() -> None:
            with app.app_context(), tenancy.service():
                try:
                    ceremony.finish(db.session.get_one(BankIDOrder, second_id), now=clock.now())
                except Exception as error:
                    errors.append(error)
                db.session.commit()

        with tenancy.service():
            ceremony.finish(first, now=clock.now())
            thread = threading.Thread(target=finish_second)
            thread.start()
            # Long enough for the second to come as far as it gets without the first.
            thread.join(0.5)
            db.session.commit()
        thread.join()
        db.session.expire_all()
        return errors

    def test_two_signers_at_once_both_count_and_it_is_completed_once(
        self, app: Flask, phone: Phone, creditor: Creditor
    ) -> None:
        signers = [
            invited("Eva Berg", identity_number=EVA), invited("Johan Ek", identity_number=JOHAN)
        ]  # fmt: skip
        envelope = sent(creditor, signers=signers)
        one = completed(phone, start(envelope, EVA), EVA)
        two = completed(phone, start(envelope, JOHAN), JOHAN)
        assert self.finish_both(app, one, two) == []
        assert db.session.query(EnvelopeSignature).count() == 2
        assert names_of(envelope)[-3:] == ["signed", "signed", "completed"]
        assert events.verify(events.log_of(envelope))

    def test_two_signers_at_once_are_each_counted_once(
        self, app: Flask, phone: Phone, creditor: Creditor
    ) -> None:
        one, two = (
            completed(phone, start(sent(creditor, signers=[signer, "Karin Ek"]), number), number)
            for signer, number in (
                (invited("Eva Berg", identity_number=EVA), EVA),
                (invited("Johan Ek", identity_number=JOHAN), JOHAN),
            )
        )
        assert self.finish_both(app, one, two) == []
        used = db.session.scalars(select(SignatureUse).order_by(SignatureUse.number))
        assert [use.number for use in used] == [1, 2]

    def test_one_signer_twice_at_once_counts_once(
        self, app: Flask, phone: Phone, creditor: Creditor
    ) -> None:
        envelope = sent(creditor, signers=["Eva Berg", "Karin Ek"])
        one = completed(phone, start(envelope, EVA), EVA)
        two = completed(phone, start(envelope, JOHAN), JOHAN)
        errors = self.finish_both(app, one, two)
        assert [type(one).__name__ for one in errors] == ["NotOpen"]
        assert db.session.query(EnvelopeSignature).count() == 1


def test_nobody_signs_before_their_turn(creditor: Creditor) -> None:
    signers = [
        invited("Eva Berg", identity_number=EVA), invited("Johan Ek", identity_number=JOHAN, step=2)
    ]  # fmt: skip
    envelope = sent(creditor, signers=signers, in_order=True)
    with pytest.raises(NotOpen):
        start(envelope, JOHAN)


def test_what_is_too_much_for_one_signature_is_refused(
    creditor: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    envelope = sent(creditor)
    monkeypatch.setattr(ceremony, "MOST_TOGETHER", 0)
    with pytest.raises(Exception, match="too much for one signature"):
        start(envelope)
