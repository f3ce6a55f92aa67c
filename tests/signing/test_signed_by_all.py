"""From the link to the sealed document in everybody's mail, with every part as it is."""

from pathlib import Path

import pytest
from flask import Flask

from portal import clock, jobs
from portal.config import Settings
from portal.database import tenancy
from portal.delivery import sending
from portal.identity.models import Creditor
from portal.signing import verifying
from portal.signing.models import Envelope
from portal.signing.trust import trust_of
from simulators import timestamp
from simulators.bankid.running import Simulator
from tests.bankid_fixtures import Phone, pointed_at
from tests.factories import EVA, JOHAN
from tests.mail_fixtures import Mailbox
from tests.seal_fixtures import sealing
from tests.signing.ceremonies import identify, last, link, names_of, sent, sign
from tests.signing.envelopes import invited
from tests.signing.pages import Browser


@pytest.fixture
def settings(
    settings: Settings,
    bankid_simulator: Simulator,
    mailbox: Mailbox,
    seal_folder: Path,
    timestamps: timestamp.Running,
) -> Settings:
    ours = sealing(pointed_at(settings, bankid_simulator), seal_folder, timestamps)
    return mailbox.settings(ours)


@pytest.fixture
def signed(app: Flask, phone: Phone, creditor: Creditor) -> Envelope:
    """Signed by Eva for a company and approved by Johan, sealed and mailed; Kim gets a copy."""
    envelope = sent(
        creditor,
        signers=[
            invited("Eva Berg", identity_number=EVA, for_company="Fjäll AB"),
            invited("Johan Ek", role="approves", language="en"),
            invited("Kim Lo", role="copy"),
        ],
    )
    for place, number in ((0, EVA), (1, JOHAN)):
        browser = Browser(app.test_client())
        page = identify(browser, phone, link(envelope, place), number)
        browser.get(page.select_one(".sheets img")["src"])
        button = "Approve with BankID" if place else "Sign with BankID"
        sign(browser, phone, link(envelope, place), number, button=button)
    with tenancy.service():
        jobs.seal_envelopes()
    sending.deliver_waiting(clock.now())
    return envelope


def test_everybody_has_the_same_sealed_document_and_it_proves_itself(
    signed: Envelope, mailbox: Mailbox, settings: Settings
) -> None:
    received = {}
    for name in ("eva@signer.example", "johan@signer.example", "kim@signer.example",
                 "sara@co.example"):  # fmt: skip
        (pdf,) = mailbox.mails(name)[-1].message.iter_attachments()
        received[name] = pdf.get_content()
    assert len(set(received.values())) == 1
    report = verifying.verify(received["kim@signer.example"], trust_of(settings), now=clock.now())
    assert [one for one in report.findings if one.status != "good"] == []
    assert report.verdict == "valid"
    assert len(report.signed) == 2


def test_the_log_tells_the_whole_story(signed: Envelope) -> None:
    read = ["opened", "identified", "page_shown", "signed"]
    assert names_of(signed) == [
        "created", "sent", "invited", "invited", *read, *read, "completed", "sealed", "copy_sent",
    ]  # fmt: skip
    assert last(signed, "signed").data["role"] == "approves"
