"""A signer opens their link, tells BankID who they are, reads, and signs."""

import base64
import io
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import PIL.Image
import pytest
from flask import Flask

from portal import clock
from portal.database import files
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.signing import envelopes, events, inviting, signed_text
from portal.signing.envelopes import NewFile
from portal.signing.models import Envelope, EnvelopeSignature
from tests.bankid_fixtures import Phone
from tests.factories import EVA, JOHAN, SOFIA, a_creditor, sign_in
from tests.signing.ceremonies import (
    identify,
    last,
    link,
    log_of,
    names_of,
    sent,
    sign,
    signer_of,
    start_to_sign,
)
from tests.signing.envelopes import SENDER, a_file, invited
from tests.signing.pages import Browser, later, order_ref, words


@pytest.fixture
def envelope(creditor: Creditor) -> Envelope:
    """An agreement for Eva, whose identity number the sender knows."""
    return sent(creditor, signers=[invited("Eva Berg", identity_number=EVA)], message="Hej Eva")


def status_of(browser: Browser, path: str) -> int:
    return browser.get(path).status_code


class TestBeforeIdentification:
    def test_it_is_told_who_sends_what_until_when(
        self, browser: Browser, envelope: Envelope
    ) -> None:
        told = words(browser.page(f"{link(envelope)}?lang=en"))
        assert "Sara Lind at Norrsken Energi AB asks you to sign this." in told
        assert "Hej Eva" in told

    def test_no_document_is_shown(self, browser: Browser, envelope: Envelope) -> None:
        file = envelopes.files_of(envelope)[0]
        assert file.name not in words(browser.page(link(envelope)))
        for path in (f"files/{file.key}", f"files/{file.key}/whole", f"files/{file.key}/pages/1"):
            assert status_of(browser, f"{link(envelope)}/{path}") == 404

    def test_that_it_was_opened_is_noted_once(self, browser: Browser, envelope: Envelope) -> None:
        for _ in range(2):
            browser.page(link(envelope))
        assert names_of(envelope).count("opened") == 1
        assert signer_of(envelope).opened_at is not None

    @pytest.mark.parametrize("path", ["/sign/none", "/sign/none/decline", "/sign/none/files/a"])
    def test_a_link_of_nobodys_tells_what_to_do(self, browser: Browser, path: str) -> None:
        page = browser.page(f"{path}?lang=en", 404)
        assert "use the one in the newest message" in words(page)

    def test_a_link_to_an_address_that_was_corrected_opens_nothing(
        self, browser: Browser, envelope: Envelope
    ) -> None:
        before = link(envelope)
        envelopes.correct(
            envelope, signer_of(envelope), email="eva@new.example", phone=None, actor=SENDER,
            now=clock.now(),
        )  # fmt: skip
        db.session.commit()
        assert status_of(browser, before) == 404
        assert status_of(browser, link(envelope)) == 200

    @pytest.mark.parametrize(("language", "said"), [("sv", "skriva under"), ("ar", "asks you to")])
    def test_the_page_is_in_swedish_for_who_is_written_to_so_and_else_in_english(
        self, browser: Browser, creditor: Creditor, language: str, said: str
    ) -> None:
        envelope = sent(creditor, signers=[invited("Eva Berg", language=language)])
        for _ in range(2):
            assert said in words(browser.page(link(envelope)))


class TestIdentified:
    def test_the_invited_one_reads(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        told = words(identify(browser, phone, link(envelope)))
        assert "Avtal.pdf" in told
        assert "Eva Lindqvist" in told or "You are" in told
        event = last(envelope, "identified")
        assert event.data["identity_number"] == f"{EVA[:8]}-****"

    def test_nobody_is_signed_in_by_it(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        assert browser.get("/agreements").status_code == 303

    def test_somebody_else_is_told_so_and_sees_nothing(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        page = identify(browser, phone, link(envelope), JOHAN)
        assert "These documents are for somebody else" in words(page)
        assert "Avtal.pdf" not in page.text
        file = envelopes.files_of(envelope)[0]
        assert status_of(browser, f"{link(envelope)}/files/{file.key}/whole") == 404
        assert status_of(browser, link(envelope)) == 403
        event = last(envelope, "identified_other")
        assert event.data["identity_number"] == f"{JOHAN[:8]}-****"
        assert JOHAN not in str([one.data for one in log_of(envelope)])
        assert names_of(envelope).count("identified_other") == 1

    def test_somebody_else_can_identify_anew(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        page = identify(browser, phone, link(envelope), JOHAN)
        browser.press(page, "Identify as somebody else")
        assert "Avtal.pdf" in words(identify(browser, phone, link(envelope)))

    def test_whoever_has_the_link_reads_when_the_sender_told_no_number(
        self, browser: Browser, phone: Phone, creditor: Creditor
    ) -> None:
        envelope = sent(creditor, signers=["Eva Berg"])
        page = identify(browser, phone, link(envelope), JOHAN)
        assert "Avtal.pdf" in words(page)
        facts = {
            row.dt.get_text(strip=True): row.dd.get_text(strip=True)
            for row in page.select("dl > div")
        }
        assert (facts["To"], facts["You are"] != facts["To"]) == ("Eva Berg", True)

    def test_a_signed_in_person_is_known_already(
        self, app: Flask, browser: Browser, eva: Person, envelope: Envelope
    ) -> None:
        sign_in(app, browser.client, eva)
        assert "Avtal.pdf" in words(browser.page(link(envelope)))
        assert last(envelope, "identified").data["order"] == "signed in"

    def test_who_has_identified_is_forgotten_in_time(
        self, browser: Browser, phone: Phone, envelope: Envelope, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        identify(browser, phone, link(envelope))
        in_time = clock.now() + timedelta(hours=3)
        monkeypatch.setattr(clock, "now", lambda: in_time)
        assert "Avtal.pdf" not in browser.page(link(envelope)).text

    def test_a_page_is_shown_as_a_picture_and_noted_once(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        page = identify(browser, phone, link(envelope))
        source = page.select_one(".sheets img")["src"]
        for _ in range(2):
            picture = browser.get(source)
        assert picture.headers["Content-Type"] == "image/png"
        assert PIL.Image.open(io.BytesIO(picture.data)).width == 1240
        shown = [one for one in log_of(envelope) if one.name == "page_shown"]
        assert [(one.data["file_name"], one.data["page"]) for one in shown] == [("Avtal.pdf", 1)]

    def test_asking_for_the_head_of_a_page_shows_nothing(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        page = identify(browser, phone, link(envelope))
        browser.client.head(page.select_one(".sheets img")["src"])
        assert "page_shown" not in names_of(envelope)

    def test_a_long_document_comes_twenty_pages_at_a_time(
        self, browser: Browser, phone: Phone, creditor: Creditor
    ) -> None:
        long = NewFile("Lång.pdf", a_file().data, "application/pdf", 45)
        envelope = sent(creditor, files=[long])
        page = identify(browser, phone, link(envelope))
        assert len(page.select(".sheets img")) == 20
        more = browser.page(page.find("a", string="Go on reading from page 21")["href"])
        assert "Pages 21 to 40 of 45" in words(more)
        assert status_of(browser, f"{link(envelope)}/files/x") == 404

    @pytest.mark.parametrize("number", [0, 2])
    def test_there_are_no_other_pages(
        self, browser: Browser, phone: Phone, envelope: Envelope, number: int
    ) -> None:
        identify(browser, phone, link(envelope))
        file = envelopes.files_of(envelope)[0]
        path = f"{link(envelope)}/files/{file.key}/pages/{number}"
        assert status_of(browser, path) == 404

    def test_files_are_handed_over_whole_and_that_is_noted(
        self, browser: Browser, phone: Phone, creditor: Creditor
    ) -> None:
        evil = NewFile("x.html", b"<script>alert(1)</script>", "text/html", None)
        envelope = sent(creditor, files=[a_file(), evil])
        identify(browser, phone, link(envelope))
        document, attachment = envelopes.files_of(envelope)
        pdf = browser.get(f"{link(envelope)}/files/{document.key}/whole")
        other = browser.get(f"{link(envelope)}/files/{attachment.key}/whole")
        assert pdf.data == files.read(document.sha256)
        assert (other.headers["Content-Type"], other.headers["Content-Disposition"]) == (
            "application/octet-stream", "attachment; filename=x.html",
        )  # fmt: skip
        assert [one for one in names_of(envelope) if one == "downloaded"] == ["downloaded"] * 2

    def test_one_link_opens_no_file_of_another(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        other = sent(a_creditor("Annat AB"))
        file = envelopes.files_of(other)[0]
        identify(browser, phone, link(envelope))
        for path in (f"files/{file.key}", f"files/{file.key}/whole", f"files/{file.key}/pages/1"):
            assert status_of(browser, f"{link(envelope)}/{path}") == 404


class TestSigning:
    def test_bankid_shows_the_text_and_asks_for_this_person(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        start_to_sign(browser, link(envelope))
        asked = phone.newest()
        assert asked["visibleFormat"] == "simpleMarkdownV1"
        assert asked["requirement"] == {"personalNumber": EVA}
        assert "Sender: Norrsken Energi AB" in asked["visibleText"]
        told = signed_text.read(base64.b64decode(asked["nonVisibleData"]))
        assert told["envelopes"][0]["envelope"] == envelope.key

    def test_signed_it_counts_with_all_that_proves_it(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        page = sign(browser, phone, link(envelope))
        assert "Thank you. You have signed." in words(page)
        signature = db.session.query(EnvelopeSignature).one()
        assert signature.identity_number == EVA
        assert files.read(signature.xml_sha256).startswith(b"<?xml")
        assert files.read(signature.ocsp_sha256)
        assert (signature.started_ip, signature.device[:7]) == ("127.0.0.1", "Mozilla")
        assert envelope.status == "completed"
        assert names_of(envelope)[-2:] == ["signed", "completed"]
        assert events.verify(events.log_of(envelope))

    def test_all_having_signed_it_is_to_be_sealed(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        sign(browser, phone, link(envelope))
        waiting = db.session.execute(
            db.text("select count(*) from procrastinate_jobs where task_name = 'seal_envelopes'")
        )
        assert waiting.scalar_one() == 1

    def test_who_it_was_is_not_kept_with_the_order(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        sign(browser, phone, link(envelope))
        assert [one.completion for one in db.session.query(BankIDOrder)] == [None, None]
        assert EVA not in str([one.subject for one in db.session.query(BankIDOrder)])

    def test_asked_for_again_the_order_stores_nothing_more(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        order = start_to_sign(browser, link(envelope))
        phone.approve(order_ref(phone), EVA)
        later()
        for _ in range(2):
            browser.page(order)
        assert db.session.query(EnvelopeSignature).count() == 1
        assert names_of(envelope).count("signed") == 1

    def test_not_having_ticked_to_have_read_it_starts_nothing(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        answer = browser.press(
            browser.page(link(envelope)), "Sign with BankID", leave_out=("read",)
        )
        assert "Tick that you have read" in words(browser.page(answer.location))
        assert not phone.waiting()

    def test_without_identification_nothing_is_started(
        self, app: Flask, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        app.config["WTF_CSRF_ENABLED"] = False
        browser.client.post(f"{link(envelope)}/sign", data={"read": "yes"})
        assert not phone.waiting()

    def test_somebody_else_cannot_start_it(
        self, app: Flask, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope), JOHAN)
        app.config["WTF_CSRF_ENABLED"] = False
        browser.client.post(f"{link(envelope)}/sign", data={"read": "yes"})
        assert not phone.waiting()

    def test_an_approver_signs_that_he_approves(
        self, browser: Browser, phone: Phone, creditor: Creditor
    ) -> None:
        envelope = sent(creditor, signers=[invited("Eva Berg", role="approves")])
        identify(browser, phone, link(envelope))
        start_to_sign(browser, link(envelope), "Approve with BankID")
        assert "I have read the documents and approve them." in phone.newest()["visibleText"]

    def test_for_whom_a_company_s_signer_signs_is_in_the_text(
        self, browser: Browser, phone: Phone, creditor: Creditor
    ) -> None:
        envelope = sent(creditor, signers=[invited("Eva Berg", for_company="Fjäll AB")])
        identify(browser, phone, link(envelope))
        start_to_sign(browser, link(envelope))
        assert "may act for Fjäll AB" in phone.newest()["visibleText"]

    def test_in_order_the_next_one_is_invited_by_the_signature(
        self, browser: Browser, phone: Phone, creditor: Creditor
    ) -> None:
        signers = [invited("Eva Berg"), invited("Johan Ek", step=2)]
        envelope = sent(creditor, signers=signers, in_order=True)
        assert status_of(browser, link(envelope, 1)) == 404
        identify(browser, phone, link(envelope))
        sign(browser, phone, link(envelope))
        assert (envelope.status, signer_of(envelope, 1).status) == ("open", "invited")
        assert status_of(browser, link(envelope, 1)) == 200

    def test_withdrawn_while_the_phone_signed_it_does_not_count(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        order = start_to_sign(browser, link(envelope))
        envelopes.withdraw(envelope, "Fel", actor=SENDER, now=clock.now())
        db.session.commit()
        phone.approve(order_ref(phone), EVA)
        later()
        assert "no longer open for signing" in words(browser.page(order, 410))
        assert db.session.query(EnvelopeSignature).count() == 0
        assert last(envelope, "sign_failed").data["reason"] == "not open"

    def test_signed_by_another_order_meanwhile_the_second_does_not_count(
        self, app: Flask, browser: Browser, phone: Phone, creditor: Creditor
    ) -> None:
        envelope = sent(creditor, signers=["Eva Berg", "Karin Ek"])
        other = Browser(app.test_client())
        for one, number in ((browser, EVA), (other, JOHAN)):
            identify(one, phone, link(envelope), number)
        first = start_to_sign(browser, link(envelope))
        first_ref = order_ref(phone)
        second = start_to_sign(other, link(envelope))
        phone.approve(order_ref(phone), JOHAN)
        phone.approve(first_ref, EVA)
        later()
        other.page(second)
        browser.get(first)
        assert [one.identity_number for one in db.session.query(EnvelopeSignature)] == [JOHAN]
        assert last(envelope, "sign_failed").data["reason"] == "not open"


class TestTogether:
    @pytest.fixture
    def other(self, envelope: Envelope, creditor: Creditor) -> Envelope:
        """Something else that waits for Eva."""
        return sent(
            creditor, signers=[invited("Eva B", identity_number=EVA)],
            files=[a_file("Fullmakt.pdf")],
        )  # fmt: skip

    def test_what_waits_for_the_same_person_is_listed(
        self, browser: Browser, phone: Phone, envelope: Envelope, other: Envelope
    ) -> None:
        page = identify(browser, phone, link(envelope))
        assert page.find("a", href=link(other)) is not None
        assert "Fullmakt.pdf" in words(browser.page(link(other)))

    def test_one_signature_signs_what_is_ticked(
        self, browser: Browser, phone: Phone, envelope: Envelope, other: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        order = start_to_sign(browser, link(envelope), also=[signer_of(other).key])
        assert "Fullmakt.pdf" in phone.newest()["visibleText"]
        phone.approve(order_ref(phone), EVA)
        later()
        browser.page(order)
        refs = {one.order_ref for one in db.session.query(EnvelopeSignature)}
        assert len(refs) == 1
        assert (envelope.status, other.status) == ("completed", "completed")

    def test_what_was_withdrawn_meanwhile_does_not_keep_the_other_from_counting(
        self, browser: Browser, phone: Phone, envelope: Envelope, other: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        order = start_to_sign(browser, link(envelope), also=[signer_of(other).key])
        envelopes.withdraw(other, "Fel", actor=SENDER, now=clock.now())
        db.session.commit()
        phone.approve(order_ref(phone), EVA)
        later()
        browser.page(order)
        assert envelope.status == "completed"
        assert last(other, "sign_failed").data["reason"] == "not open"

    def test_what_another_company_sent_is_listed_and_signed_by_itself(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        """The signature goes with each of the documents, and would tell one company of another."""
        strange = sent(a_creditor("Annat AB"), signers=[invited("Eva B", identity_number=EVA)])
        page = identify(browser, phone, link(envelope))
        assert page.find("a", href=link(strange)) is not None
        assert page.find("input", {"name": "also"}) is None
        start_to_sign(browser, link(envelope), also=[signer_of(strange).key])
        assert not phone.waiting()

    def test_what_waits_for_others_cannot_be_ticked(
        self, browser: Browser, phone: Phone, envelope: Envelope, creditor: Creditor
    ) -> None:
        strange = sent(creditor, signers=[invited("Johan Ek", identity_number=JOHAN)])
        identify(browser, phone, link(envelope))
        start_to_sign(browser, link(envelope), also=[signer_of(strange).key])
        told = signed_text.read(base64.b64decode(phone.newest()["nonVisibleData"]))
        assert len(told["envelopes"]) == 1

    def test_anybody_can_see_what_waits_for_them(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        page = identify(browser, phone, "/sign")
        assert page.find("a", href=link(envelope)) is not None

    def test_staff_see_what_waits_for_them(
        self, app: Flask, browser: Browser, eva: Person, envelope: Envelope
    ) -> None:
        sign_in(app, browser.client, eva)
        assert browser.page("/sign").find("a", href=link(envelope)) is not None

    def test_nothing_waits_for_somebody_else(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        assert "Nothing waits for you." in words(identify(browser, phone, "/sign", SOFIA))


class TestInstead:
    def test_declining_needs_a_reason(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        page = browser.page(f"{link(envelope)}/decline")
        assert browser.press(page, "Decline", reason="  ").status_code == 422
        assert envelope.status == "open"

    def test_declined_it_is_over_and_the_sender_knows_why(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        page = browser.page(f"{link(envelope)}/decline")
        answer = browser.press(page, "Decline", reason="Fel belopp 🙈")
        assert "You have declined" in words(browser.page(answer.location, 410))
        assert last(envelope, "declined").data["reason"] == "Fel belopp 🙈"

    def test_where_the_sender_does_not_allow_it_nobody_hands_over(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        identify(browser, phone, link(envelope))
        assert status_of(browser, f"{link(envelope)}/hand-over") == 404

    @pytest.mark.parametrize(
        ("written", "said"),
        [
            ({"name": "", "email": "a@b.example"}, "Fill this in."),
            ({"name": "Karin Ek"}, "Give an e-mail address or a mobile number."),
            ({"name": "Karin Ek", "email": "karin"}, "Write an e-mail address"),
            ({"name": "Karin Ek", "phone": "12"}, "mobile number"),
        ],
    )
    def test_what_is_wrong_about_who_signs_instead_is_told(
        self,
        browser: Browser,
        phone: Phone,
        creditor: Creditor,
        written: dict[str, str],
        said: str,
    ) -> None:
        envelope = sent(creditor, signers=[invited("Eva Berg", may_hand_over=True)])
        identify(browser, phone, link(envelope))
        page = browser.page(f"{link(envelope)}/hand-over")
        written = {"name": "", "email": "", "phone": "", **written}
        answer = browser.press(page, "Let them sign", **written)
        assert (answer.status_code, said in answer.text) == (422, True)
        assert signer_of(envelope).status == "invited"

    def test_handed_over_the_other_one_is_invited(
        self, browser: Browser, phone: Phone, creditor: Creditor
    ) -> None:
        envelope = sent(creditor, signers=[invited("Eva Berg", may_hand_over=True)])
        identify(browser, phone, link(envelope))
        page = browser.page(f"{link(envelope)}/hand-over")
        answer = browser.press(
            page, "Let them sign", name="Karin Ek", email="karin@x.example", phone=""
        )
        assert "Somebody else signs instead of you" in words(browser.page(answer.location, 410))
        mail = db.session.query(Message).order_by(Message.id.desc()).first()
        assert (mail.kind, mail.address) == ("sign_invitation", "karin@x.example")
        assert status_of(browser, link(envelope, 1)) == 200


class TestOver:
    @pytest.mark.parametrize(
        ("end", "said"),
        [
            (
                lambda one: envelopes.withdraw(one, "", actor=SENDER, now=clock.now()),
                "has withdrawn it",
            ),
            (
                lambda one: envelopes.expire(
                    today=one.last_on + timedelta(days=1), now=clock.now()
                ),
                "too late to sign",
            ),
            (
                lambda one: envelopes.decline(one, signer_of(one, 1), "Nej", now=clock.now()),
                "Somebody declined",
            ),
        ],
    )
    def test_what_is_over_says_so_and_shows_nothing(
        self,
        browser: Browser,
        phone: Phone,
        creditor: Creditor,
        end: Callable[[Envelope], object],
        said: str,
    ) -> None:
        envelope = sent(creditor, signers=["Eva Berg", "Johan Ek"])
        identify(browser, phone, link(envelope))
        end(envelope)
        db.session.commit()
        page = browser.page(link(envelope), 410)
        assert said in words(page)
        assert "Avtal.pdf" not in page.text
        file = envelopes.files_of(envelope)[0]
        assert status_of(browser, f"{link(envelope)}/files/{file.key}/whole") == 404

    def test_the_day_after_the_last_one_nobody_signs(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        envelope.last_on = clock.today() - timedelta(days=1)
        db.session.commit()
        assert "too late to sign" in words(browser.page(f"{link(envelope)}?lang=en", 410))

    def test_given_more_time_the_same_link_opens_it_again(
        self, browser: Browser, envelope: Envelope
    ) -> None:
        day = envelope.last_on + timedelta(days=1)
        envelopes.expire(today=day, now=clock.now())
        envelopes.extend(
            envelope, clock.today() + timedelta(days=9), actor=SENDER, today=clock.today(),
            now=clock.now(),
        )  # fmt: skip
        db.session.commit()
        assert status_of(browser, link(envelope)) == 200
        assert db.session.query(Message).order_by(Message.id.desc()).first().kind == "sign_reminder"


class TestSealed:
    @pytest.fixture
    def sealed(self, browser: Browser, phone: Phone, creditor: Creditor) -> Envelope:
        """Signed by Eva and sealed, with a copy to Johan."""
        signers = [invited("Eva Berg"), invited("Johan Ek", role="copy")]
        envelope = sent(creditor, signers=signers)
        identify(browser, phone, link(envelope))
        sign(browser, phone, link(envelope))
        for one in envelopes.files_of(envelope):
            one.sealed_sha256 = files.store(b"%PDF sealed")
        envelope.sealed_at = clock.now()
        inviting.tell_of_seal(envelope, now=clock.now())
        db.session.commit()
        return envelope

    def test_who_signed_downloads_the_sealed_document(
        self, browser: Browser, sealed: Envelope
    ) -> None:
        page = browser.page(link(sealed))
        path = page.find("a", string="Download the signed document (PDF)")["href"]
        assert browser.get(path).data == b"%PDF sealed"

    def test_who_gets_a_copy_downloads_it_by_the_link(self, app: Flask, sealed: Envelope) -> None:
        browser = Browser(app.test_client())
        page = browser.page(f"{link(sealed, 1)}?lang=en")
        path = page.find("a", string="Download the signed document (PDF)")["href"]
        assert browser.get(path).data == b"%PDF sealed"
        assert urlsplit(path).path.startswith(link(sealed, 1))

    def test_signers_copies_and_sender_get_it_by_mail(self, sealed: Envelope) -> None:
        sent_to = {
            one.address: one.content["attachments"]
            for one in db.session.query(Message).filter_by(kind="sign_completed")
        }
        assert set(sent_to) == {"eva@signer.example", "johan@signer.example", "sara@co.example"}
        assert all(one[0]["name"] == "Avtal.pdf" for one in sent_to.values())

    def test_told_twice_nobody_gets_it_twice(self, sealed: Envelope) -> None:
        inviting.tell_of_seal(sealed, now=clock.now())
        db.session.commit()
        assert db.session.query(Message).filter_by(kind="sign_completed").count() == 3
        assert names_of(sealed).count("copy_sent") == 1

    def test_what_is_too_large_for_a_mail_is_fetched(
        self, sealed: Envelope, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(inviting, "MOST_ATTACHED", 3)
        assert inviting._attachments(sealed) == []
