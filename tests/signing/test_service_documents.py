"""The service agreement and approvals lie under the same seal as any other document."""

import io
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.config import Settings
from portal.database import files, tenancy
from portal.extensions import db
from portal.identity.models import Creditor, Person
from portal.signing import agreements, approvals, listing, sealing, service_documents, verifying
from portal.signing.models import Document, Envelope, SignatureUse
from portal.signing.trust import trust_of
from simulators import timestamp
from simulators.bankid.running import Simulator
from tests.bankid_fixtures import Phone, pointed_at
from tests.factories import JOHAN, a_person_at, sign_in
from tests.signing import documents, test_approvals
from tests.signing.pages import Browser, words
from tests.signing.sealed import sealing as with_seal


@pytest.fixture
def settings(
    settings: Settings,
    bankid_simulator: Simulator,
    seal_folder: Path,
    timestamps: timestamp.Running,
) -> Settings:
    return pointed_at(with_seal(settings, seal_folder, timestamps), bankid_simulator)


@pytest.fixture
def agreed(phone: Phone, document: Document, eva: Person) -> Envelope:
    """The agreement, signed by Eva and sealed."""
    documents.finish(documents.an_order(phone, document, eva))
    return sealed()


@pytest.fixture
def approved(phone: Phone, creditor: Creditor, eva: Person) -> Envelope:
    """What Eva proposed, approved by Johan and sealed."""
    johan = a_person_at(creditor, "administrator", JOHAN)
    order = test_approvals.an_order(phone, test_approvals.propose(creditor, eva), johan)
    test_approvals.finish(order)
    return sealed()


def sealed() -> Envelope:
    with tenancy.service():
        every = db.session.scalars(select(Envelope).order_by(Envelope.id)).all()
        for envelope in every:
            sealing.seal(envelope, now=clock.now())
        db.session.commit()
    return every[-1]


def test_a_sealed_agreement_is_valid_for_whoever_has_the_file(
    settings: Settings, agreed: Envelope, document: Document
) -> None:
    sha256 = agreements.sealed_sha256(document)
    assert sha256 is not None
    data = files.read(sha256)
    assert data.startswith(files.read(document.sha256))
    found = verifying.verify(data, trust_of(settings), now=clock.now())
    assert found.verdict == verifying.VALID
    assert agreed.kind == "service_agreement"


def test_who_downloads_the_agreement_gets_the_sealed_one(
    app: Flask, browser: Browser, agreed: Envelope, document: Document, eva: Person
) -> None:
    sign_in(app, browser.client, eva)
    answer = browser.get(f"/agreements/{document.key}/file.pdf")
    assert answer.data == files.read(agreements.sealed_sha256(document) or "")


def test_a_sealed_approval_is_valid_and_says_what_was_approved(
    settings: Settings, approved: Envelope, creditor: Creditor
) -> None:
    (approval,) = approvals.of_company(creditor.id)
    data = files.read(approvals.sealed_sha256(approval) or "")
    found = verifying.verify(data, trust_of(settings), now=clock.now())
    assert found.verdict == verifying.VALID
    first = pypdf.PdfReader(io.BytesIO(data)).pages[0].extract_text()
    assert "5050-1055" in first
    assert approval.proposer_name in first


def test_the_page_of_an_approval_leads_to_its_proof(
    app: Flask,
    browser: Browser,
    agreed: Envelope,
    approved: Envelope,
    creditor: Creditor,
    eva: Person,
) -> None:
    sign_in(app, browser.client, eva)
    (approval,) = approvals.of_company(creditor.id)
    path = f"/creditor/{creditor.key}/approvals/{approval.key}"
    assert browser.get(f"{path}/evidence.pdf").data.startswith(b"%PDF")
    assert "what was approved, sealed (PDF)" in words(browser.page(f"{path}?lang=en"))


def test_they_are_free_and_not_among_the_companys_documents(
    agreed: Envelope, creditor: Creditor
) -> None:
    assert db.session.query(SignatureUse).count() == 0
    assert listing.page(creditor.id, listing.Wanted()).rows == []
    assert listing.counts(creditor.id) == {}


def test_what_was_begun_and_not_signed_is_forgotten(document: Document, eva: Person) -> None:
    agreements.purpose(document, eva, now=clock.now())
    db.session.commit()
    with tenancy.service():
        assert service_documents.forget_drafts(clock.now() - timedelta(days=1)) == 0
        assert service_documents.forget_drafts(clock.now() + timedelta(days=1)) == 1
        assert db.session.query(Envelope).count() == 0
