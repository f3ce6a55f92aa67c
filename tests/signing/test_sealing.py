"""A completed envelope becomes sealed files that prove themselves."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
from flask import Flask

from portal import clock
from portal.config import Settings
from portal.database import files
from portal.database.server import Urls
from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import envelopes, events, sealing, seals, verifying
from portal.signing.envelopes import NewFile
from portal.signing.evidence import ranges
from portal.signing.models import Envelope
from portal.signing.seals import SealFailed
from portal.signing.trust import trust_of
from simulators import timestamp
from tests.conftest import settings_of
from tests.factories import a_creditor
from tests.signing.documents import a_pdf
from tests.signing.envelopes import a_file, an_envelope
from tests.signing.sealed import a_signed_envelope, trusting


@pytest.fixture
def settings(
    database_urls: Urls, tmp_path: Path, seal_folder: Path, timestamps: timestamp.Running
) -> Settings:
    return trusting(settings_of(database_urls, tmp_path), seal_folder, timestamps)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor("Norrsken Energi AB")


Sealed = Callable[..., list[bytes]]


@pytest.fixture
def sealed(creditor: Creditor) -> Sealed:
    """Seals an envelope that is made as told; answers its sealed files."""

    def make(**values: object) -> list[bytes]:
        envelope = a_signed_envelope(creditor, **values)
        sealing.seal(envelope, now=clock.now())
        db.session.commit()
        return sealed_files(envelope)

    return make


def sealed_files(envelope: Envelope) -> list[bytes]:
    return [
        files.read(one.sealed_sha256) for one in envelopes.files_of(envelope) if one.sealed_sha256
    ]


def inside(data: bytes) -> dict[str, bytes]:
    return dict(seals.files_in(seals.open_pdf(data)))


def words(data: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages[1:])


def test_it_begins_with_the_document_as_it_was_signed(sealed: Sealed) -> None:
    assert sealed()[0].startswith(a_pdf())


def test_it_is_valid_for_whoever_has_nothing_but_the_file(
    sealed: Sealed, settings: Settings
) -> None:
    report = verifying.verify(sealed()[0], trust_of(settings), now=clock.now())
    assert report.verdict == verifying.VALID


def test_each_signer_s_signature_and_its_proof_lie_in_it(sealed: Sealed) -> None:
    names = sorted(inside(sealed(signers=("Eva Berg", "Johan Ekdahl"))[0]))
    assert [name.split("-")[0] for name in names] == [
        "bankid", "bankid", "events.json", "manifest.json", "ocsp", "ocsp"
    ]  # fmt: skip


def test_the_log_in_it_ends_when_it_was_sealed(sealed: Sealed) -> None:
    log = json.loads(inside(sealed()[0])[seals.LOG])
    assert events.verify(log)[-1]["event"] == "sealed"


def test_attachments_and_what_a_document_was_made_from_lie_in_it(sealed: Sealed) -> None:
    made = replace(a_file(), original_name="Avtal.docx", original=b"office")
    beside = NewFile("Villkor å.txt", b"terms", "text/plain", None)
    names = inside(sealed(files=(made, beside))[0])
    assert names["original-1-Avtal.docx"] == b"office"
    assert names["attachment-2-Villkor å.txt"] == b"terms"


def test_each_document_becomes_a_file_with_the_evidence_of_all(
    sealed: Sealed, settings: Settings
) -> None:
    made = sealed(files=(a_file(), a_file("Bilaga.pdf", a_pdf() + b"\n")))
    reports = [verifying.verify(one, trust_of(settings), now=clock.now()) for one in made]
    assert [(one.document, one.verdict) for one in reports] == [
        ("Avtal.pdf", verifying.VALID), ("Bilaga.pdf", verifying.VALID),
    ]  # fmt: skip


def test_its_last_pages_say_who_signed_and_how(sealed: Sealed) -> None:
    told = words(sealed()[0])
    for part in ("Eva Berg", "19650718-****", "192.0.2.8", "BankID", "/verify", "UTC"):
        assert part in told


def test_its_last_pages_say_it_in_the_language_of_the_envelope(sealed: Sealed) -> None:
    assert "Evidence of signatures" in words(sealed(language="en")[0])


def test_pages_that_were_shown_one_after_the_other_are_one_row(sealed: Sealed) -> None:
    assert "Pages: 1–3" in words(sealed(language="en")[0])


@pytest.mark.parametrize(
    ("pages", "told"), [([], ""), ([3], "3"), ([2, 1, 2, 4], "1–2, 4"), ([5, 6, 9, 8], "5–6, 8–9")]
)
def test_page_numbers_are_told_as_ranges(pages: list[int], told: str) -> None:
    assert ranges(pages) == told


def test_sealing_twice_is_as_once(creditor: Creditor) -> None:
    envelope = a_signed_envelope(creditor)
    sealing.seal(envelope, now=clock.now())
    first = sealed_files(envelope)
    sealing.seal(envelope, now=clock.now())
    assert sealed_files(envelope) == first


def test_what_is_not_signed_by_all_is_not_sealed(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    sealing.seal(envelope, now=clock.now())
    assert (envelope.sealed_at, sealed_files(envelope)) == (None, [])


def test_it_is_renewed_before_its_timestamp_s_certificate_ends(creditor: Creditor) -> None:
    envelope = a_signed_envelope(creditor)
    sealing.seal(envelope, now=clock.now())
    ends = seals.proves_until(sealed_files(envelope)[0])
    assert envelope.renew_on is not None
    assert 80 < (clock.day_of(ends) - envelope.renew_on).days < 100


def test_a_seal_that_nobody_would_find_valid_is_not_kept(
    creditor: Creditor, settings: Settings, tmp_path: Path
) -> None:
    other = timestamp.ensure(tmp_path, "http://127.0.0.1:1")
    other.root.save(tmp_path / "other.pem", tmp_path / "other_key.pem")
    wrong = trust_of(replace(settings, timestamp_roots=str(tmp_path / "other.pem")))
    envelope = a_signed_envelope(creditor)
    with pytest.raises(SealFailed):
        sealing.seal(envelope, now=clock.now(), trusted=wrong)
    assert sealed_files(envelope) == []
