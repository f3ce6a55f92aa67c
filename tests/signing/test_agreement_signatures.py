"""Only a signature that proves itself makes an agreement signed, and only once."""

import io
import threading
from datetime import UTC, datetime, timedelta

import pypdf
import pytest
from cryptography import x509
from flask import Flask
from sqlalchemy import text

from portal import clock
from portal.collection.models import Event
from portal.database import files, tenancy
from portal.extensions import db
from portal.identity.models import BankIDOrder, Creditor, Membership, Person
from portal.signing import agreements
from portal.signing.bankid_signature import verify
from portal.signing.completed import NotSigned
from portal.signing.models import Document, Signature
from tests.bankid_fixtures import Phone
from tests.factories import EVA, JOHAN, a_creditor, a_person_at
from tests.signing.documents import a_document_of, a_version, an_order, finish


class TestSigned:
    @pytest.fixture
    def signature(self, phone: Phone, document: Document, eva: Person) -> Signature:
        finish(an_order(phone, document, eva))
        return db.session.query(Signature).one()

    def test_a_verified_signature_makes_the_company_signed(
        self, signature: Signature, creditor: Creditor
    ) -> None:
        assert agreements.is_signed(creditor.id)

    def test_it_tells_who_from_where_and_when(self, signature: Signature, eva: Person) -> None:
        assert (signature.person_id, signature.signer_name) == (eva.id, eva.name)
        assert (signature.started_ip, signature.device_ip) == ("192.0.2.7", "192.0.2.7")
        assert abs(signature.signed_at - signature.verified_at) < timedelta(minutes=1)

    def test_the_signed_file_begins_with_the_unsigned_ones_bytes(
        self, signature: Signature, document: Document
    ) -> None:
        unsigned, signed = files.read(document.sha256), files.read(document.signed_sha256 or "")
        assert signed.startswith(unsigned)
        assert len(signed) > len(unsigned)

    def test_the_signed_file_carries_the_proof(
        self, signature: Signature, document: Document
    ) -> None:
        pdf = pypdf.PdfReader(io.BytesIO(files.read(document.signed_sha256 or "")))
        assert {name: found[0] for name, found in pdf.attachments.items()} == {
            "bankid-signature.xml": files.read(signature.xml_sha256),
            "ocsp-response.der": files.read(signature.ocsp_sha256),
        }

    def test_the_proof_in_the_file_can_be_verified_by_itself(
        self, signature: Signature, document: Document, phone: Phone
    ) -> None:
        pdf = pypdf.PdfReader(io.BytesIO(files.read(document.signed_sha256 or "")))
        order = db.session.query(BankIDOrder).one()
        root = phone.simulator.certificates.bankid_root.read_bytes()
        found = verify(
            pdf.attachments["bankid-signature.xml"][0],
            pdf.attachments["ocsp-response.der"][0],
            roots=x509.load_pem_x509_certificates(root),
            expected_visible=order.subject["visible"].encode(),
            expected_non_visible=order.subject["non_visible"].encode(),
            expected_personal_number=EVA,
            signed_between=(signature.signed_at, datetime.now(UTC)),
        )
        assert found.signed_at == signature.signed_at

    def test_the_history_tells_of_it(self, signature: Signature, document: Document) -> None:
        event = db.session.query(Event).one()
        assert (event.name, event.data["sha256"]) == ("agreement.signed", document.sha256)

    def test_who_it_was_is_not_kept_with_the_order(self, signature: Signature) -> None:
        assert db.session.query(BankIDOrder).one().completion is None

    def test_a_signature_cannot_be_taken_back(self, signature: Signature) -> None:
        with pytest.raises(Exception, match="permission denied"):
            db.session.execute(text("delete from signatures"))

    def test_a_new_version_must_be_signed_anew(
        self, signature: Signature, creditor: Creditor
    ) -> None:
        a_version(2)
        assert agreements.needs_signature(creditor.id)

    def test_a_companys_agreements_come_newest_first(
        self, signature: Signature, creditor: Creditor
    ) -> None:
        a_document_of(creditor, version=2)
        found = agreements.of_creditor(creditor.id)
        assert [(one.document.version, one.signature) for one in found] == [
            (2, None), (1, signature),
        ]  # fmt: skip

    def test_another_company_does_not_see_the_document(
        self, signature: Signature, document: Document
    ) -> None:
        key, other = document.key, a_creditor("Annat AB").id
        with tenancy.creditors([other]):
            assert agreements.find(key) is None


class TestOnce:
    def test_the_same_order_stores_once(
        self, phone: Phone, document: Document, eva: Person
    ) -> None:
        order = an_order(phone, document, eva)
        assert [finish(order), finish(order)] == [document, None]
        assert db.session.query(Signature).count() == 1

    def test_a_signed_document_takes_no_second_signature(
        self, phone: Phone, document: Document, eva: Person, creditor: Creditor
    ) -> None:
        johan = a_person_at(creditor, "administrator", JOHAN)
        first, second = an_order(phone, document, eva), an_order(phone, document, johan)
        finish(first)
        signed = document.signed_sha256
        assert finish(second) is document
        assert db.session.query(Signature).count() == 1
        assert document.signed_sha256 == signed

    def test_two_who_finish_at_once_sign_once(
        self, app: Flask, phone: Phone, document: Document, eva: Person, creditor: Creditor
    ) -> None:
        johan = a_person_at(creditor, "administrator", JOHAN)
        first, second = an_order(phone, document, eva), an_order(phone, document, johan)
        second_id = second.id

        def finish_second() -> None:
            with app.app_context(), tenancy.service():
                finish(db.session.get_one(BankIDOrder, second_id))

        agreements.finish(first, now=clock.now())
        thread = threading.Thread(target=finish_second)
        thread.start()
        # Long enough for the second to come as far as it gets without the first.
        thread.join(0.5)
        db.session.commit()
        thread.join()
        assert db.session.query(Signature).count() == 1


class TestRejected:
    def nothing_is_stored(self, document: Document) -> None:
        assert db.session.query(Signature).count() == 0
        assert db.session.query(Event).count() == 0
        assert document.signed_sha256 is None
        assert not agreements.is_signed(document.creditor_id)

    @pytest.mark.parametrize(
        "fault",
        [
            "forgedSignature",
            "textChanged",
            "untrustedRoot",
            "ocspOtherCertificate",
            "ocspRevoked",
            "ocspOtherSignature",
        ],
    )
    def test_a_signature_that_fails_a_check_stores_nothing(
        self, phone: Phone, document: Document, eva: Person, fault: str
    ) -> None:
        phone.control("next", fault=fault)
        order = an_order(phone, document, eva)
        with pytest.raises(NotSigned):
            finish(order)
        db.session.commit()
        self.nothing_is_stored(document)

    def test_another_person_than_the_invited_is_refused(
        self, phone: Phone, document: Document, eva: Person
    ) -> None:
        order = an_order(phone, document, eva, by=JOHAN)
        with pytest.raises(NotSigned):
            finish(order)
        db.session.commit()
        self.nothing_is_stored(document)

    def test_a_rejected_order_is_not_verified_again(
        self, phone: Phone, document: Document, eva: Person
    ) -> None:
        order = an_order(phone, document, eva, by=JOHAN)
        with pytest.raises(NotSigned):
            finish(order)
        db.session.commit()
        assert finish(order) is None

    def test_an_order_too_old_is_not_taken(
        self, phone: Phone, document: Document, eva: Person
    ) -> None:
        order = an_order(phone, document, eva)
        assert agreements.finish(order, now=clock.now() + timedelta(minutes=3)) is None
        self.nothing_is_stored(document)

    def test_a_cancelled_order_signs_nothing(
        self, phone: Phone, document: Document, eva: Person
    ) -> None:
        order = an_order(phone, document, eva)
        order.status = "failed"
        assert finish(order) is None
        self.nothing_is_stored(document)


def test_who_is_no_administrator_any_more_cannot_finish(
    phone: Phone, document: Document, eva: Person
) -> None:
    order = an_order(phone, document, eva)
    db.session.query(Membership).one().role = "viewer"
    db.session.commit()
    with pytest.raises(NotSigned):
        finish(order)
    assert db.session.query(Signature).count() == 0
