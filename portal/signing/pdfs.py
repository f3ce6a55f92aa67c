"""Uploads become files of an envelope: looked into, counted, and made PDFs of where they are none.

A PDF is kept byte for byte, so that signatures in it stay valid. One is refused that could show
something else tomorrow than today, or do something by itself.
"""

from collections.abc import Sequence
from functools import lru_cache

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import EmbeddedPdfSignature

from portal import pdfium
from portal.collection import file_types
from portal.collection.file_types import FileRefused, FileTooLarge
from portal.database import files
from portal.messages import N_
from portal.signing import office, revisions, seals
from portal.signing.envelopes import NewFile

LARGEST = 25 * 1024 * 1024
MOST_PAGES = 1_000
ACCEPT = ",".join(f".{one}" for one in ("pdf", *office.ENDINGS))
PDF = "application/pdf"
WIDEST = 1_600
_MEDIA_TYPES = {
    "pdf": PDF, "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "txt": "text/plain", "csv": "text/csv", "eml": "message/rfc822",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}  # fmt: skip


def take_document(given: str, data: bytes) -> NewFile:
    """An upload that is to be read and signed. given: its name.

    Raises FileRefused, which tells what is wrong and what to do.
    """
    name = file_types.tidy_name(given)
    stem, _, ending = name.rpartition(".")
    if not data:
        raise FileRefused(N_("The file is empty."))
    _refuse_large(data)
    if ending.lower() == "pdf":
        pages, has_signatures = _looked_at(data)
        file_types.scan(data)
        return NewFile(name, data, PDF, pages, has_signatures)
    if ending.lower() not in office.ENDINGS:
        raise FileRefused(
            N_("Only PDF and office files can be signed: DOCX, XLSX, PPTX, ODT, ODS, ODP, RTF.")
        )
    file_types.scan(data)
    made = office.as_pdf(name, data)
    pages, _ = _looked_at(made)
    return NewFile(f"{stem}.pdf", made, PDF, pages, original_name=name, original=data)


def take_attachment(given: str, data: bytes) -> NewFile:
    """An upload that goes along. given: its name. Raises FileRefused."""
    name = file_types.tidy_name(given)
    kind = file_types.kind_of(name, data)
    file_types.scan(data)
    name, _, data = file_types.readable(name, kind, data)
    return NewFile(name, data, _MEDIA_TYPES[name.rpartition(".")[2].lower()], None)


def _refuse_large(data: bytes) -> None:
    if len(data) > LARGEST:
        raise FileTooLarge(
            N_("The file is larger than %(megabytes)s MB. Make it smaller or divide it."),
            megabytes=LARGEST // 1024 // 1024,
        )


def _looked_at(data: bytes) -> tuple[int, bool]:
    """A PDF's pages, and whether there are signatures in it."""
    _refuse_large(data)
    reader = file_types.open_pdf(data)
    try:
        pages = pdfium.count_pages(data)
    except pdfium.Unreadable as error:
        raise FileRefused(file_types.DAMAGED) from error
    # First, because it takes a long time to look through all of a long document.
    if pages > MOST_PAGES:
        raise FileRefused(
            N_("The PDF has %(pages)s pages; at most %(most)s are taken. Divide it."),
            pages=pages,
            most=MOST_PAGES,
        )
    file_types.look_through(reader, _refuse_active)
    return pages, _has_signatures(reader)


_ACTIONS = {"/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/Rendition", "/Movie"}
_SCRIPT = N_("The PDF holds a script (JavaScript). Print it to a new PDF, and add that.")


def _refuse_active(found: generic.DictionaryObject) -> None:
    if {"/JS", "/JavaScript"} & set(found) or found.get("/S") == "/JavaScript":
        raise FileRefused(_SCRIPT)
    if "/XFA" in found:
        raise FileRefused(
            N_("The PDF is a form of the kind XFA, which not every program shows. Print it to a new"
               " PDF, and add that.")
        )  # fmt: skip
    if found.get("/S") in _ACTIONS or "/RichMedia" in found:
        raise FileRefused(
            N_(
                "The PDF starts something else when it is read. Print it to a new PDF, and add"
                " that."
            )
        )
    if "/EF" in found:
        _refuse_programs(found)


def _refuse_programs(attached: generic.DictionaryObject) -> None:
    names = [str(attached.get(name, "")) for name in ("/F", "/UF")]
    streams = attached["/EF"]
    for name in streams:
        stream = streams[name]
        beginning = (
            file_types.beginning_of(stream) if isinstance(stream, generic.StreamObject) else None
        )
        if beginning is None or any(file_types.is_program(one, beginning) for one in names):
            raise FileRefused(
                N_("The PDF carries a program inside. Print it to a new PDF, and add that.")
            )


def _has_signatures(reader: PdfFileReader) -> bool:
    try:
        signatures = list(reader.embedded_signatures)
        is_final = any(_forbids_another(one) for one in signatures)
        holds = all(_holds(one) for one in signatures)
    except Exception as error:
        raise FileRefused(file_types.DAMAGED) from error
    if is_final:
        raise FileRefused(
            N_("The signature in this PDF forbids to add another one. Send it as an attachment.")
        )
    if not holds:
        # It could never be sealed: whoever verifies it would find that signature wrong.
        raise FileRefused(
            N_("The PDF was changed after it was signed. Ask for the original, and add that.")
        )
    return bool(signatures)


def _forbids_another(signature: EmbeddedPdfSignature) -> bool:
    locks = signature.fieldmdp
    is_locked = locks is not None and locks.is_locked(seals.FIELD)
    return signature.docmdp_level == MDPPerm.NO_CHANGES or is_locked


def _holds(signature: EmbeddedPdfSignature) -> bool:
    signature.compute_integrity_info()
    told = signature.summarise_integrity_info()["docmdp_ok"]
    return bool(told) and revisions.is_as_signed(signature)


@lru_cache(maxsize=256)
def picture(sha256: str, number: int, width: int) -> bytes:
    """A page of a document that was taken, as a PNG. number: from 1. width: in pixels.

    Raises FileDamaged, and pdfium.Unreadable.
    """
    return pdfium.picture(files.read(sha256), number, width=min(width, WIDEST))


def put_together(name: str, parts: Sequence[tuple[bytes, Sequence[int]]]) -> NewFile:
    """A document of pages of others, which were taken. parts: a PDF, and its pages from 1.

    Raises FileRefused when there are none, or too many.
    """
    try:
        made = pdfium.put_together(parts)
    except pdfium.Unreadable as error:
        raise FileRefused(file_types.DAMAGED) from error
    pages, _ = _looked_at(made)
    return NewFile(name, made, PDF, pages)
