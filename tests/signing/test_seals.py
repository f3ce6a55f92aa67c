"""Seals on PDF files, with real certificates and timestamps over HTTP."""

import io
from pathlib import Path

import pypdf
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.registry import SimpleCertificateStore

from portal.config import Settings
from portal.signing import seals
from portal.signing.seals import Attachment, Sealer, SealFailed
from portal.signing.trust import sealer_of
from simulators import timestamp
from tests.seal_fixtures import sealing
from tests.signing.documents import a_pdf

NOTES = [
    Attachment("log.json", b"[1]", "application/json", "The log"),
    Attachment("a note.txt", b"hello", "text/plain", "A note"),
]


@pytest.fixture(scope="module")
def sealer(seal_folder: Path, timestamps: timestamp.Running) -> Sealer:
    return sealer_of(sealing(Settings(), seal_folder, timestamps))


@pytest.fixture(scope="module")
def sealed(sealer: Sealer) -> bytes:
    return seals.seal(a_pdf(), sealer, evidence=a_pdf(), attachments=NOTES)


def signatures(data: bytes) -> list[EmbeddedPdfSignature]:
    found = list(PdfFileReader(io.BytesIO(data)).embedded_signatures)
    for one in found:
        one.compute_integrity_info()
    return found


def signed_by_somebody(pdf: bytes, sealer: Sealer) -> bytes:
    """A PDF with an ordinary signature of another program in it."""
    signer = signers.SimpleSigner(sealer.certificate, sealer.key, SimpleCertificateStore())
    metadata = signers.PdfSignatureMetadata(field_name="Other", md_algorithm="sha256")
    out = signers.PdfSigner(metadata, signer).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)))
    return bytes(out.getbuffer())


def test_a_sealed_file_begins_with_the_bytes_of_the_document(sealed: bytes) -> None:
    assert sealed.startswith(a_pdf())


def test_evidence_stands_behind_the_pages(sealed: bytes) -> None:
    assert len(pypdf.PdfReader(io.BytesIO(sealed)).pages) == 2


def test_files_lie_in_it_in_the_order_of_their_names(sealed: bytes) -> None:
    found = seals.files_in(seals.open_pdf(sealed))
    assert found == [("a note.txt", b"hello"), ("log.json", b"[1]")]


def test_other_programs_see_the_files(sealed: bytes) -> None:
    assert set(pypdf.PdfReader(io.BytesIO(sealed)).attachments) == {"a note.txt", "log.json"}


def test_a_timestamp_covers_the_whole_of_it(sealed: bytes) -> None:
    assert signatures(sealed)[-1].coverage == SignatureCoverageLevel.ENTIRE_FILE


def test_the_seal_lets_nothing_be_added_but_timestamps(sealed: bytes) -> None:
    assert signatures(sealed)[0].docmdp_level == seals.MDPPerm.NO_CHANGES


def test_a_renewed_file_begins_with_the_file_as_it_was(sealed: bytes, sealer: Sealer) -> None:
    assert seals.renew(sealed, sealer).startswith(sealed)


def test_the_newest_timestamp_covers_a_renewed_file(sealed: bytes, sealer: Sealer) -> None:
    newest = signatures(seals.renew(sealed, sealer))[-1]
    assert newest.coverage == SignatureCoverageLevel.ENTIRE_FILE


def test_files_of_the_document_stay_in_it(sealer: Sealer) -> None:
    writer, out = pypdf.PdfWriter(clone_from=io.BytesIO(a_pdf())), io.BytesIO()
    writer.add_attachment("invoice.xml", b"<invoice/>")
    writer.write(out)
    made = seals.seal(out.getvalue(), sealer, evidence=a_pdf(), attachments=NOTES)
    names = [name for name, _ in seals.files_in(seals.open_pdf(made))]
    assert names == ["a note.txt", "invoice.xml", "log.json"]


def test_a_signature_that_a_document_came_with_still_holds(sealer: Sealer) -> None:
    signed = signed_by_somebody(a_pdf(), sealer)
    earlier, *_ = signatures(seals.seal(signed, sealer, evidence=a_pdf(), attachments=NOTES))
    assert earlier.summarise_integrity_info()["docmdp_ok"]


def test_evidence_of_a_document_with_signatures_is_a_file(sealer: Sealer) -> None:
    signed = signed_by_somebody(a_pdf(), sealer)
    made = seals.seal(signed, sealer, evidence=a_pdf(), attachments=NOTES)
    assert (seals.EVIDENCE, a_pdf()) in seals.files_in(seals.open_pdf(made))


def test_without_a_timestamp_there_is_no_seal(seal_folder: Path) -> None:
    running = timestamp.start(seal_folder)
    running.stop()
    alone = sealer_of(sealing(Settings(), seal_folder, running))
    with pytest.raises(SealFailed):
        seals.seal(a_pdf(), alone, evidence=a_pdf(), attachments=NOTES)


def test_a_withdrawn_certificate_seals_nothing(
    sealer: Sealer, timestamps: timestamp.Running
) -> None:
    timestamps.answering.revoked.add(sealer.certificate.serial_number)
    try:
        with pytest.raises(SealFailed):
            seals.seal(a_pdf(), sealer, evidence=a_pdf(), attachments=NOTES)
    finally:
        timestamps.answering.revoked.clear()
