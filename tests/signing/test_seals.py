"""Seals on PDF files, with real certificates and timestamps over HTTP."""

import io
from pathlib import Path

import pypdf
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.validation import DocumentSecurityStore, EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.registry import SimpleCertificateStore

from portal.config import Settings
from portal.signing import revisions, seals
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


# What programs write: where each object of a file is told twice, as Word does (hybrid references,
# ISO 32000-1, 7.5.8.4); a form, with everything that can lie by itself doing so; an empty signature
# field.
_PAGE = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Annots 7 0 R>>"
_FORM = [
    "<</Type/Catalog/Pages 2 0 R/AcroForm 5 0 R/Perms 8 0 R/Names 8 0 R/AF 9 0 R>>",
    "<</Type/Pages/Kids 4 0 R/Count 1>>", _PAGE, "[3 0 R]", "<</Fields 10 0 R/DA(/Helv 0 Tf)>>",
    "<</FT/Tx/T(a)/Type/Annot/Subtype/Widget/Rect[0 0 9 9]/P 3 0 R>>", "[6 0 R]", "<<>>", "[]",
    "[6 0 R]",
]  # fmt: skip
_TO_SIGN = [
    "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[6 0 R]/SigFlags 1>>>>",
    "<</Type/Pages/Kids[3 0 R]/Count 1>>", _PAGE, "null", "null",
    "<</FT/Sig/T(Here)/Type/Annot/Subtype/Widget/Rect[0 0 9 9]/P 3 0 R>>", "[6 0 R]",
]  # fmt: skip
_PLAIN = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
          "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>"]  # fmt: skip


def written(objects: list[str]) -> tuple[bytes, list[int]]:
    """A PDF of these objects, the first one its catalogue, and where they stand."""
    out, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{one}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n\r\n" for place in places)
    size, start = len(objects) + 1, len(out)
    out += f"xref\n0 {size}\n0000000000 65535 f\r\n{table}".encode()
    out += f"trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()
    return out, places


def as_word_writes() -> bytes:
    out, places = written(_PLAIN)
    table, stream = out.rindex(b"xref\n0"), len(out)
    rows = [b"\0\0\0\xff", *(b"\1" + one.to_bytes(2) + b"\0" for one in (*places, stream))]
    head = f"4 0 obj\n<</Type/XRef/Size 5/W[1 2 1]/Root 1 0 R/Length {4 * len(rows)}>>stream\n"
    out += head.encode() + b"".join(rows) + b"\nendstream\nendobj\n"
    second = f"xref\n0 0\ntrailer\n<</Size 5/Root 1 0 R/Prev {table}/XRefStm {stream}>>\n"
    return out + second.encode() + f"startxref\n{len(out)}\n%%EOF".encode()


@pytest.mark.parametrize(
    "pdf",
    [as_word_writes(), written(_FORM)[0], written(_TO_SIGN)[0]],
    ids=["Word", "form", "empty"],
)
def test_what_programs_write_is_sealed_with_its_pages_as_they_were(
    pdf: bytes, sealer: Sealer
) -> None:
    made = seals.seal(pdf, sealer, evidence=a_pdf(), attachments=NOTES)
    seal, newest = seals.open_pdf(made).embedded_signatures
    revisions.require_unchanged(made, [seal, newest], seal, known_in(made))
    revisions.require_pages(pdf, made[: revisions.end_of(seal)])


def known_in(data: bytes) -> set[bytes]:
    return {one.dump() for one in DocumentSecurityStore.read_dss(seals.open_pdf(data)).load_certs()}


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
