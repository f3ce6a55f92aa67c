"""Choosing companies, reading and signing their agreements, page by page."""

import io

import pypdf
import pytest
from flask import Flask
from sqlalchemy import text

from portal.database import files
from portal.extensions import db
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.signing import agreements
from portal.signing.models import Document, Signature
from tests.bankid_fixtures import Phone
from tests.factories import EVA, JOHAN, a_creditor, a_person, a_person_at, sign_in
from tests.signing.documents import a_document_of, an_order, finish
from tests.signing.pages import Browser, words


def browser_of(app: Flask, person: Person) -> Browser:
    browser = Browser(app.test_client())
    sign_in(app, browser.client, person)
    browser.page("/agreements?lang=en", 200 if person.id in _with_roles() else 403)
    return browser


def _with_roles() -> list[int]:
    return list(db.session.scalars(text("select person_id from memberships")))


@pytest.fixture
def evas(app: Flask, phone: Phone, eva: Person) -> Browser:
    """The browser of the company's administrator, who is signed in."""
    return browser_of(app, eva)


@pytest.fixture
def viewers(app: Flask, phone: Phone, creditor: Creditor) -> Browser:
    """The browser of somebody who may only look."""
    return browser_of(app, a_person_at(creditor, "viewer", JOHAN))


def place(document: Document) -> str:
    return f"/agreements/{document.key}"


def sign(browser: Browser, page_url: str, phone: Phone, by: str = EVA) -> str:
    """Read, sign, approve; answers where the order's page leads."""
    order = browser.press(browser.page(page_url), "Sign with BankID", read="yes")
    phone.approve(str(phone.newest()["orderRef"]), by)
    return browser.get(order.headers["Location"]).headers["Location"]


class TestChoose:
    def test_a_stranger_signs_in_first_and_comes_back(self, app: Flask) -> None:
        answer = Browser(app.test_client()).get("/agreements")
        assert answer.headers["Location"] == "/sign-in?next=/agreements"

    def test_an_administrator_chooses_among_own_companies(
        self, evas: Browser, creditor: Creditor
    ) -> None:
        a_creditor("Annat AB")
        page = evas.page("/agreements")
        assert [one["value"] for one in page.find_all("input", attrs={"name": "company"})] == [
            creditor.key
        ]

    def test_without_a_company_nothing_goes_on(self, evas: Browser) -> None:
        answer = evas.press(evas.page("/agreements"), "Read and sign", leave_out=("company",))
        assert answer.headers["Location"] == "/agreements"
        assert "Choose at least one company first" in words(evas.page("/agreements"))

    def test_another_company_cannot_be_chosen(self, evas: Browser, creditor: Creditor) -> None:
        other = a_creditor("Annat AB")
        page = evas.page("/agreements")
        answer = evas.press(page, "Read and sign", company=[other.key])
        assert answer.headers["Location"] == "/agreements"
        assert db.session.query(Document).count() == 0

    def test_the_chosen_companys_agreement_is_made_to_be_read(
        self, evas: Browser, creditor: Creditor
    ) -> None:
        answer = evas.press(evas.page("/agreements"), "Read and sign")
        document = db.session.query(Document).one()
        assert answer.headers["Location"] == place(document)
        page = evas.page(place(document))
        assert document.title in words(page)
        assert document.sha256 in words(page)

    def test_a_viewer_is_told_who_signs(self, viewers: Browser) -> None:
        page = viewers.page("/agreements")
        assert "The administrator of your company signs" in words(page)
        assert page.find("input", attrs={"name": "company"}) is None

    def test_a_viewer_cannot_take_an_agreement_up(
        self, viewers: Browser, creditor: Creditor
    ) -> None:
        page = viewers.page("/agreements")
        token = page.find("input", attrs={"name": "csrf_token"})["value"]
        viewers.client.post("/agreements", data={"csrf_token": token, "company": creditor.key})
        assert db.session.query(Document).count() == 0

    def test_a_person_without_a_company_has_no_access(self, app: Flask, phone: Phone) -> None:
        browser = browser_of(app, a_person(JOHAN))
        assert "You have no access yet" in words(browser.page("/agreements", 403))


class TestSign:
    def test_an_agreement_is_ticked_as_read_before_it_is_signed(
        self, evas: Browser, document: Document, phone: Phone
    ) -> None:
        answer = evas.press(evas.page(place(document)), "Sign with BankID")
        assert answer.headers["Location"] == place(document)
        assert "Tick that you have read" in words(evas.page(place(document)))
        assert phone.waiting() == []

    def test_the_app_asks_the_reader_alone(
        self, evas: Browser, document: Document, phone: Phone
    ) -> None:
        evas.press(evas.page(place(document)), "Sign with BankID", read="yes")
        assert phone.newest()["requirement"] == {"personalNumber": EVA}

    def test_an_approved_signature_is_stored_and_shown(
        self, evas: Browser, document: Document, phone: Phone, creditor: Creditor
    ) -> None:
        assert sign(evas, place(document), phone) == f"{place(document)}/next"
        assert agreements.is_signed(creditor.id)

    def test_the_next_company_follows_and_then_the_portal(
        self, evas: Browser, document: Document, eva: Person, phone: Phone
    ) -> None:
        second = a_creditor("Östersunds El AB")
        a_person_at(second, "administrator", EVA)
        other = a_document_of(second)
        first_page = evas.press(evas.page("/agreements"), "Read and sign").headers["Location"]
        assert "Agreement 1 of 2" in words(evas.page(first_page))
        onwards = sign(evas, first_page, phone)
        assert evas.get(onwards).headers["Location"] == place(other)
        assert "Agreement 2 of 2" in words(evas.page(place(other)))
        onwards = sign(evas, place(other), phone)
        assert evas.get(onwards).headers["Location"] == "/creditor/"

    def test_what_is_not_signed_leads_back_to_reading(
        self, evas: Browser, document: Document
    ) -> None:
        assert evas.get(f"{place(document)}/next").headers["Location"] == place(document)

    def test_that_it_is_signed_is_said_once_however_often_is_asked(
        self, evas: Browser, document: Document, phone: Phone
    ) -> None:
        onwards = sign(evas, place(document), phone)
        for _ in range(2):
            evas.get(onwards)
        assert words(evas.page("/agreements")).count("The agreement is signed") == 1

    def test_a_signed_agreement_is_not_signed_again(
        self, evas: Browser, document: Document, phone: Phone
    ) -> None:
        page = evas.page(place(document))
        sign(evas, place(document), phone)
        answer = evas.press(page, "Sign with BankID", read="yes")
        assert answer.headers["Location"] == f"{place(document)}/next"
        assert phone.waiting() == []

    def test_a_second_start_says_that_one_is_under_way(
        self, evas: Browser, document: Document, phone: Phone
    ) -> None:
        page = evas.page(place(document))
        evas.press(page, "Sign with BankID", read="yes")
        answer = evas.press(page, "Sign with BankID", read="yes")
        assert answer.headers["Location"] == place(document)
        assert "already started" in words(evas.page(place(document)))

    def test_after_a_cancelled_signature_the_same_agreement_is_gone_back_to(
        self, evas: Browser, document: Document, phone: Phone
    ) -> None:
        order = evas.press(evas.page(place(document)), "Sign with BankID", read="yes")
        phone.hint(str(phone.newest()["orderRef"]), "userCancel")
        again = evas.page(order.headers["Location"]).find("a", string="Start again")
        assert again["href"] == place(document)

    def test_the_cancel_button_leads_back_to_the_same_agreement(
        self, evas: Browser, document: Document, phone: Phone
    ) -> None:
        order = evas.press(evas.page(place(document)), "Sign with BankID", read="yes")
        answer = evas.press(evas.page(order.headers["Location"]), "Cancel")
        assert answer.headers["Location"] == place(document)

    def test_a_forged_signature_signs_nothing_and_says_so_once(
        self, evas: Browser, document: Document, phone: Phone, creditor: Creditor
    ) -> None:
        phone.control("next", fault="forgedSignature")
        onwards = sign(evas, place(document), phone)
        assert "could not be verified" in words(evas.page(onwards))
        order = db.session.query(BankIDOrder).one()
        assert "could not be verified" not in words(evas.page(f"/bankid/{order.key}"))
        assert not agreements.is_signed(creditor.id)

    def test_somebody_elses_order_does_not_sign(
        self, evas: Browser, document: Document, phone: Phone, creditor: Creditor, app: Flask
    ) -> None:
        other = browser_of(app, a_person_at(creditor, "administrator", JOHAN))
        order = evas.press(evas.page(place(document)), "Sign with BankID", read="yes")
        phone.approve(str(phone.newest()["orderRef"]), EVA)
        assert other.get(order.headers["Location"]).status_code == 404
        assert db.session.query(Signature).count() == 0


class TestDownload:
    def file(self, browser: Browser, document: Document) -> bytes:
        answer = browser.get(f"{place(document)}/file.pdf")
        assert (answer.status_code, answer.content_type) == (200, "application/pdf")
        return answer.data

    def test_the_file_to_read_is_the_one_whose_fingerprint_is_signed(
        self, evas: Browser, document: Document
    ) -> None:
        assert self.file(evas, document) == files.read(document.sha256)

    def test_the_signed_file_has_the_proof_with_it(
        self, evas: Browser, document: Document, phone: Phone, eva: Person
    ) -> None:
        finish(an_order(phone, document, eva))
        pdf = pypdf.PdfReader(io.BytesIO(self.file(evas, document)))
        assert set(pdf.attachments) == {"bankid-signature.xml", "ocsp-response.der"}

    def test_a_viewer_of_the_company_may_have_it(
        self, viewers: Browser, document: Document
    ) -> None:
        assert self.file(viewers, document)


class TestDoors:
    @pytest.mark.parametrize("page", ["", "/next", "/file.pdf"])
    def test_another_companys_agreement_is_not_found(
        self, app: Flask, phone: Phone, document: Document, page: str
    ) -> None:
        stranger = browser_of(app, a_person_at(a_creditor("Annat AB"), "administrator", JOHAN))
        assert stranger.get(place(document) + page).status_code == 404

    def test_another_companys_agreement_cannot_be_signed(
        self, app: Flask, phone: Phone, document: Document, evas: Browser
    ) -> None:
        page = evas.page(place(document))
        stranger = browser_of(app, a_person_at(a_creditor("Annat AB"), "administrator", JOHAN))
        token = stranger.page("/agreements").find("input", attrs={"name": "csrf_token"})["value"]
        answer = stranger.press(page, "Sign with BankID", read="yes", csrf_token=token)
        assert answer.status_code == 404
        assert phone.waiting() == []

    @pytest.mark.parametrize("page", ["", "/next", "/file.pdf"])
    def test_nobody_reads_an_agreement_without_signing_in(
        self, app: Flask, document: Document, page: str
    ) -> None:
        url = place(document) + page
        answer = Browser(app.test_client()).get(url)
        assert answer.headers["Location"] == f"/sign-in?next={url}"

    def test_a_viewer_reads_but_has_no_button(self, viewers: Browser, document: Document) -> None:
        assert "Sign with BankID" not in words(viewers.page(place(document)))

    def test_a_viewer_cannot_sign(
        self, viewers: Browser, evas: Browser, document: Document, phone: Phone
    ) -> None:
        page = evas.page(place(document))
        token = viewers.page("/agreements").find("input", attrs={"name": "csrf_token"})["value"]
        answer = viewers.press(page, "Sign with BankID", read="yes", csrf_token=token)
        assert answer.status_code == 403
        assert phone.waiting() == []

    def test_before_it_is_signed_an_administrator_is_led_to_sign(
        self, evas: Browser, creditor: Creditor
    ) -> None:
        assert evas.get(f"/creditor/{creditor.key}/").headers["Location"] == "/agreements"

    def test_before_it_is_signed_nobody_else_gets_in(
        self, viewers: Browser, creditor: Creditor
    ) -> None:
        assert viewers.get(f"/creditor/{creditor.key}/").status_code == 403

    def test_after_it_is_signed_the_company_gets_in(
        self, viewers: Browser, document: Document, eva: Person, phone: Phone, creditor: Creditor
    ) -> None:
        finish(an_order(phone, document, eva))
        assert viewers.get(f"/creditor/{creditor.key}/").status_code == 200

    def test_with_several_companies_the_first_page_is_the_agreements(self, evas: Browser) -> None:
        a_person_at(a_creditor("Lindens Cykel AB", key="lindens"), "administrator", EVA)
        assert evas.get("/creditor/").headers["Location"] == "/agreements"

    def test_with_one_signed_of_several_there_is_a_choice(
        self, evas: Browser, document: Document, eva: Person, phone: Phone
    ) -> None:
        a_person_at(a_creditor("Lindens Cykel AB", key="lindens"), "administrator", EVA)
        finish(an_order(phone, document, eva))
        assert "Lindens Cykel AB" in words(evas.page("/creditor/"))

    def test_the_signed_agreement_is_found_from_the_company(
        self, viewers: Browser, document: Document, eva: Person, phone: Phone, creditor: Creditor
    ) -> None:
        finish(an_order(phone, document, eva))
        page = viewers.page(f"/creditor/{creditor.key}/")
        link = page.find("a", string="The service agreement and its signature")
        assert "Download with the signature (PDF)" in words(viewers.page(link["href"]))
