"""An agreement's bytes are fixed once, and what is signed names them and the parties."""

import base64
import hashlib
import io
import json
from datetime import timedelta

import pypdf
import pytest
from flask import Flask

from portal import clock
from portal.database import files
from portal.extensions import db
from portal.identity import orders
from portal.identity.models import Creditor, Person
from portal.messages import RedaError
from portal.signing import agreements
from portal.signing.models import AgreementVersion, Document
from tests.bankid_fixtures import Phone
from tests.factories import EVA
from tests.signing.documents import a_version, an_order


class TestVersions:
    def test_publishing_again_changes_nothing(self, app: Flask) -> None:
        agreements.publish_all()
        before = db.session.query(AgreementVersion).count()
        agreements.publish_all()
        assert db.session.query(AgreementVersion).count() == before

    def test_the_newest_published_version_is_in_force(self, app: Flask) -> None:
        a_version(1), a_version(2), a_version(3, clock.today() + timedelta(days=1))
        assert agreements.current_version().number == 2

    def test_without_a_version_nothing_can_be_signed(self, app: Flask) -> None:
        with pytest.raises(RedaError, match="No service agreement is published yet"):
            agreements.current_version()


class TestPrepare:
    def test_preparing_again_gives_the_same_document(self, creditor: Creditor) -> None:
        first = agreements.prepare(creditor.id, now=clock.now())
        db.session.commit()
        before = (first.id, first.sha256)
        creditor.name = "Nytt namn AB"
        again = agreements.prepare(creditor.id, now=clock.now() + timedelta(days=9))
        assert (again.id, again.sha256) == before

    def test_the_file_is_a_pdf_that_names_the_company(self, creditor: Creditor) -> None:
        document = agreements.prepare(creditor.id, now=clock.now())
        data = files.read(document.sha256)
        pdf = pypdf.PdfReader(io.BytesIO(data))
        assert hashlib.sha256(data).hexdigest() == document.sha256
        assert len(pdf.pages) == document.pages
        assert creditor.name in "".join(page.extract_text() for page in pdf.pages)


class TestText:
    def asked(self, document: Document, person: Person) -> orders.Purpose:
        return agreements.purpose(document, person, now=clock.now())

    def test_the_signed_text_names_the_parties_and_the_signer(
        self, document: Document, eva: Person
    ) -> None:
        lines = (self.asked(document, eva).visible or "").splitlines()
        assert "+ Kund: Norrsken Energi AB" in lines
        assert "+ Inkassoföretag: Reda Inkasso AB" in lines
        assert f"+ Skrivs under av: {eva.name}" in lines

    def test_the_signed_text_carries_the_files_fingerprint(
        self, document: Document, eva: Person
    ) -> None:
        last = (self.asked(document, eva).visible or "").splitlines()[-1]
        assert last.replace(" ", "") == document.sha256

    def test_the_hidden_data_names_document_company_and_file(
        self, document: Document, eva: Person, creditor: Creditor
    ) -> None:
        hidden = json.loads(self.asked(document, eva).non_visible or b"")
        assert (hidden["document"], hidden["creditor"], hidden["sha256"]) == (
            document.key, creditor.key, document.sha256,
        )  # fmt: skip

    def test_only_the_invited_person_is_asked(self, document: Document, eva: Person) -> None:
        assert self.asked(document, eva).personal_number == EVA

    def test_the_phone_shows_the_text_as_it_is_signed(
        self, phone: Phone, document: Document, eva: Person
    ) -> None:
        order = an_order(phone, document, eva)
        found = phone.order(order.order_ref)
        assert found["visibleText"] == order.subject["visible"]
        assert base64.b64decode(found["nonVisibleData"]).decode() == order.subject["non_visible"]
