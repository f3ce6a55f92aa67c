"""What a file is, by its content, and whether it may be kept: a short list, all else is refused.

A kept file is only ever handed back as a download; it is never run, opened or shown here. Still
nothing is taken that could run where it is opened: programs, macros, pages, and what hides its
content from being looked at.
"""

import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage

import pillow_heif
from PIL import Image
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from portal.database import scanning
from portal.messages import N_, RedaError

LARGEST = 10 * 1024 * 1024
# Endings of the kinds that are taken, and the kind that the content must be of.
TAKEN: Mapping[str, str] = {
    "pdf": "PDF", "png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "gif": "GIF", "txt": "text",
    "csv": "text", "xlsx": "Excel", "docx": "Word", "eml": "e-mail", "heic": "HEIC", "heif": "HEIC",
}  # fmt: skip
ACCEPT = ",".join(f".{one}" for one in TAKEN)
# Endings that have no business inside a name: they are there to be taken for the last one.
_KNOWN = {
    *TAKEN, "exe", "com", "scr", "pif", "bat", "cmd", "ps1", "vbs", "vbe", "js", "jse", "mjs",
    "wsf", "wsh", "hta", "msi", "msp", "jar", "lnk", "url", "reg", "cpl", "dll", "sys", "sh", "py",
    "php", "pl", "app", "dmg", "pkg", "apk", "iso", "img", "html", "htm", "xhtml", "shtml", "mht",
    "mhtml", "svg", "svgz", "xml", "xsl", "zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz",
    "cab", "arj", "ace", "doc", "docm", "dot", "dotm", "xls", "xlsm", "xlsb", "xlam", "ppt", "pptm",
    "one", "rtf", "swf", "chm", "scf", "inf",
}  # fmt: skip
_MACROS = {"docm", "dotm", "xlsm", "xlsb", "xlam", "pptm"}
_PAGES = {"html", "htm", "xhtml", "shtml", "mht", "mhtml", "svg", "svgz", "xml", "hta"}
_ARCHIVES = {"zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz", "cab", "arj", "ace", "iso"}
_ARCHIVE_MARKS = (b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"MSCF")
_PROGRAM_MARKS = (
    b"MZ",
    b"\x7fELF",
    b"\xfe\xed\xfa",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"#!",
)
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PAGE = re.compile(rb"<\s*(!doctype\s+html|html|svg|script|body|iframe|head)\b", re.IGNORECASE)
_LONGEST_NAME = 120
_MOST_ENTRIES, _MOST_UNPACKED = 5_000, 200 * 1024 * 1024
_MOST_OBJECTS = 200_000
# A photo of 48 megapixels, the largest of telephones, has room.
_MOST_PIXELS = 50_000_000
_LONGEST_SIDE, _JPEG_QUALITY = 4_096, 88
# Of a JPEG: the way it was held; and the segments that tell of it, the one before a scan of the
# picture and the one after all, and what ends a scan.
_ORIENTATION, _TELLING, _START_OF_SCAN, _END = 0x0112, (0xE1, 0xED), 0xDA, 0xD9
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


class FileRefused(RedaError):
    """A file that is not taken; the text tells why and what to do."""


class FileTooLarge(FileRefused):
    """A file that has more bytes than LARGEST."""


class NotLookedAt(FileRefused):
    """The look for viruses does not answer."""


def tidy_name(name: str) -> str:
    """A file's name without folders and signs that deceive, short enough to show."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    # Control signs, and those that turn the direction of writing around (UAX #9).
    plain = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C").strip(" .")
    plain = re.sub(r'[<>:"|?*]', "_", plain)
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        return plain[:_LONGEST_NAME] or "file"
    return f"{stem[: _LONGEST_NAME - len(ending) - 1]}.{ending}"


def kind_of(name: str, data: bytes) -> str:
    """What a file is: one of the values of TAKEN. name: as `tidy_name` gives it.

    Raises FileRefused for a kind that is not taken, for content that is not what the name says, and
    for what carries a program or cannot be looked into.
    """
    if not data:
        raise FileRefused(N_("The file is empty."))
    if len(data) > LARGEST:
        raise FileTooLarge(
            N_("The file is larger than %(megabytes)s MB. Make it smaller or divide it."),
            megabytes=LARGEST // 1024 // 1024,
        )
    ending = _ending(name)
    refuse_marks(data)
    kind = TAKEN[ending]
    _LOOKS[kind](data)
    return kind


def readable(name: str, kind: str, data: bytes) -> tuple[str, str, bytes]:
    """A file as it is kept: name, kind and content. kind: as `kind_of` tells.

    A photo as telephones take them (HEIC, ISO/IEC 23008-12), which few others can open, becomes a
    JPEG, turned the way it was held, and without what it says of where and when it was taken; a
    JPEG loses no more than that. All else stays as it is.
    """
    if kind == "JPEG":
        return name, kind, _without_told(data)
    if kind != "HEIC":
        return name, kind, data
    out = io.BytesIO()
    try:
        picture = _open_heic(data).to_pillow().convert("RGB")
    except Exception as error:
        raise FileRefused(NOT_WHAT_IT_SAYS) from error
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    # The colours of the telephone's camera are told by its profile, and by nothing else kept.
    profile = picture.info.get("icc_profile")
    picture.save(out, "JPEG", quality=_JPEG_QUALITY, icc_profile=profile, exif=b"", comment=b"")
    return f"{name.rpartition('.')[0]}.jpg", "JPEG", out.getvalue()


def _without_told(data: bytes) -> bytes:
    """A JPEG without what its APP1 and APP13 segments tell (Exif, XMP, IPTC) but for the way it was
    held, and without what telephones append to it: pictures that tell the same, and the time. The
    picture itself is not packed anew."""
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
        turned = picture.getexif().get(_ORIENTATION)
    kept, at = [data[:2]], 2
    if turned in range(2, 9):
        told = Image.Exif()
        told[_ORIENTATION] = turned
        written = told.tobytes()
        kept.append(b"\xff\xe1" + (len(written) + 2).to_bytes(2) + written)
    # Segments stand one after another, scans among them (ITU-T T.81, B.1.1).
    while data[at : at + 1] == b"\xff" and at + 1 < len(data):
        marker = data[at + 1]
        # Before a marker any number of 0xFF may stand.
        if marker == 0xFF:
            at += 1
            continue
        if marker == _END:
            return b"".join([*kept, data[at : at + 2]])
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker == _START_OF_SCAN:
            after = _AFTER_SCAN.search(data, end)
            end = after.start() if after else len(data)
        # What lists the appended pictures goes with them.
        if marker not in _TELLING and data[at + 4 : at + 8] != b"MPF\0":
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, data[at:]])


def _ending(name: str) -> str:
    *inner, ending = name.lower().split(".")
    if not inner or ending not in _KNOWN | set(TAKEN):
        raise FileRefused(_NOT_TAKEN)
    if ending in _MACROS:
        raise FileRefused(HAS_MACROS)
    if ending in _PAGES:
        raise FileRefused(
            N_("Web pages, XML and SVG pictures are not taken: they can carry programs. Save it as"
               " PDF.")
        )  # fmt: skip
    if ending in _ARCHIVES:
        raise FileRefused(N_("Archives are not taken. Send the files in it one by one."))
    if ending not in TAKEN:
        raise FileRefused(_NOT_TAKEN)
    if any(part.strip() in _KNOWN for part in inner[1:]):
        raise FileRefused(N_("The file has two endings in its name. Give it a name with one."))
    return ending


_NOT_TAKEN = N_(
    "Files of this kind are not taken. These are: PDF, PNG, JPEG, GIF, TXT, CSV, XLSX, DOCX, EML."
)
NOT_WHAT_IT_SAYS = N_("The file is not what its name says. Check that it is the right one.")
_TOO_MUCH = N_("The file unpacks to far too much. Save it anew, or as PDF.")
HAS_MACROS = N_("Files with macros are not taken. Save it without macros.")
LOCKED = N_("The file is locked with a password. Save it without one.")
CARRIES = N_("The file carries a program or another file inside. Print it to a PDF and send that.")


def refuse_marks(data: bytes) -> None:
    """Raises FileRefused for archives, programs and old office files, by their first bytes."""
    if data.startswith(_ARCHIVE_MARKS):
        raise FileRefused(N_("Archives are not taken. Send the files in it one by one."))
    if data.startswith(_PROGRAM_MARKS):
        raise FileRefused(N_("Programs are not taken."))
    if data.startswith(_OLD_OFFICE):
        raise FileRefused(
            N_("Documents in the old format, or locked with a password, are not taken. Save it as"
               " PDF, DOCX or XLSX without a password.")
        )  # fmt: skip


def open_pdf(data: bytes) -> PdfFileReader:
    """A PDF to be looked into. Raises FileRefused when it is none, damaged or locked."""
    if not data.startswith(b"%PDF-"):
        raise FileRefused(NOT_WHAT_IT_SAYS)
    try:
        reader = PdfFileReader(io.BytesIO(data), strict=False)
        is_locked = reader.encrypted
    except Exception as error:
        # Whatever a reader of PDF trips over, another one may run.
        raise FileRefused(DAMAGED) from error
    if is_locked:
        raise FileRefused(LOCKED)
    return reader


DAMAGED = N_("The PDF is damaged. Print it to a new one.")


def _look_at_pdf(data: bytes) -> None:
    look_through(open_pdf(data), _refuse_program)


_PROGRAM_KEYS = {"/JS", "/JavaScript", "/EmbeddedFiles", "/EmbeddedFile", "/EF", "/RichMedia"}
_PROGRAM_ACTIONS = {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/GoToE", "/RichMedia"}


def _refuse_program(found: generic.DictionaryObject) -> None:
    if (
        _PROGRAM_KEYS & set(found)
        or found.get("/S") in _PROGRAM_ACTIONS
        or found.get("/Type") == "/EmbeddedFile"
    ):
        raise FileRefused(CARRIES)


def look_through(reader: PdfFileReader, refuse: Callable[[generic.DictionaryObject], None]) -> None:
    """Look at every dictionary that a PDF's root leads to, each once.

    refuse: raises FileRefused at what is not taken. Raises it also for a PDF that is damaged.
    """
    seen: set[tuple[int, int]] = set()
    waiting: list[object] = []
    try:
        waiting.append(reader.root)
        while waiting:
            if len(seen) > _MOST_OBJECTS:
                raise FileRefused(CARRIES)
            found = waiting.pop()
            if isinstance(found, generic.IndirectObject):
                key = (found.idnum, found.generation)
                if key in seen:
                    continue
                seen.add(key)
                found = found.get_object()
            if isinstance(found, generic.DictionaryObject):
                refuse(found)
                waiting += [found.raw_get(name) for name in found]
            elif isinstance(found, generic.ArrayObject):
                waiting += [found.raw_get(place) for place in range(len(found))]
    except FileRefused:
        raise
    except Exception as error:
        # Whatever a reader of PDF trips over, another one may run.
        raise FileRefused(DAMAGED) from error


def is_program(name: str, beginning: bytes) -> bool:
    """Whether a file could run where it is opened, by its name and its first bytes."""
    ending = name.lower().rpartition(".")[2]
    return beginning.startswith(_PROGRAM_MARKS) or ending in _KNOWN - set(TAKEN) - _PAGES - {"zip"}


def beginning_of(stream: generic.StreamObject, count: int = 64) -> bytes | None:
    """The first bytes that a stream of a PDF unpacks to; None when it is packed in a rare way."""
    kind = stream.get("/Filter")
    if isinstance(kind, generic.ArrayObject) and len(kind) == 1:
        kind = kind[0]
    if kind is None:
        return bytes(stream.encoded_data[:count])
    if kind != "/FlateDecode":
        return None
    try:
        return zlib.decompressobj().decompress(stream.encoded_data, count)
    except zlib.error:
        return None


def scan(data: bytes) -> str:
    """Look for viruses, where that is set up; answers `clean` or `not scanned`.

    Raises FileRefused when there is one, and NotLookedAt.
    """
    if not scanning.is_set_up():
        return "not scanned"
    try:
        virus = scanning.virus_in(data)
    except scanning.ScannerSilent as error:
        raise NotLookedAt(
            N_("The look for viruses does not answer just now. Try again in a while.")
        ) from error
    if virus:
        raise FileRefused(N_("A virus was found in the file: %(virus)s."), virus=virus)
    return "clean"


def _look_at_picture(kind: str) -> Callable[[bytes], None]:
    def look(data: bytes) -> None:
        try:
            with Image.open(io.BytesIO(data), formats=[kind]) as picture:
                picture.verify()
        except Exception as error:
            raise FileRefused(NOT_WHAT_IT_SAYS) from error

    return look


def _look_at_heic(data: bytes) -> None:
    # Its size stands before the picture, which is not unpacked for it.
    width, height = _open_heic(data).size
    if width * height > _MOST_PIXELS:
        raise FileRefused(_TOO_MUCH)


def _open_heic(data: bytes) -> pillow_heif.HeifFile:
    try:
        return pillow_heif.open_heif(io.BytesIO(data))
    except Exception as error:
        raise FileRefused(NOT_WHAT_IT_SAYS) from error


def _look_at_text(data: bytes) -> None:
    text = data
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            text = data.decode("utf-16").encode()
        except UnicodeDecodeError as error:
            raise FileRefused(NOT_WHAT_IT_SAYS) from error
    if any(sign < 32 and sign not in b"\t\n\r\f" for sign in text):
        raise FileRefused(NOT_WHAT_IT_SAYS)
    if _PAGE.search(text):
        raise FileRefused(
            N_("Web pages, XML and SVG pictures are not taken: they can carry programs. Save it as"
               " PDF.")
        )  # fmt: skip


def look_at_office(main: str) -> Callable[[bytes], None]:
    """What looks into an Office Open XML file. main: the part that tells its kind."""

    def look(data: bytes) -> None:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as parts:
                _look_at_parts(parts, main)
        except (zipfile.BadZipFile, KeyError, OSError, RuntimeError, EOFError) as error:
            raise FileRefused(NOT_WHAT_IT_SAYS) from error

    return look


def bounded(parts: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """What a zip file holds. Raises FileRefused when it is locked or unpacks to too much."""
    entries = parts.infolist()
    unpacked = sum(one.file_size for one in entries)
    if len(entries) > _MOST_ENTRIES or unpacked > _MOST_UNPACKED:
        raise FileRefused(_TOO_MUCH)
    if any(one.flag_bits & 1 for one in entries):
        raise FileRefused(LOCKED)
    return entries


def _look_at_parts(parts: zipfile.ZipFile, main: str) -> None:
    names = {one.filename.lower() for one in bounded(parts)}
    if main not in names or "[content_types].xml" not in names:
        raise FileRefused(NOT_WHAT_IT_SAYS)
    kinds = parts.read("[Content_Types].xml").lower()
    if b"macroenabled" in kinds or any("vba" in name or "macrosheets" in name for name in names):
        raise FileRefused(HAS_MACROS)
    if any("/embeddings/" in name or "/activex/" in name for name in names):
        raise FileRefused(CARRIES)
    for name in parts.namelist():
        # A template fetched from elsewhere when the document is opened can bring macros along.
        if name.endswith(".rels") and re.search(
            rb"(attachedTemplate|oleObject|subDocument|frame)[^>]*TargetMode=.External"
            rb"|TargetMode=.External[^>]*(attachedTemplate|oleObject|subDocument|frame)",
            parts.read(name),
            re.IGNORECASE,
        ):
            raise FileRefused(CARRIES)


def _look_at_mail(data: bytes) -> None:
    mail = message_from_bytes(data, policy=policy.default)
    if not isinstance(mail, EmailMessage) or not (mail.get("From") and mail.get("Date")):
        raise FileRefused(NOT_WHAT_IT_SAYS)
    for part in mail.walk():
        if part.is_multipart():
            if part.get_content_type() == "message/rfc822":
                raise FileRefused(CARRIES)
            continue
        name = part.get_filename()
        if name is None and part.get_content_maintype() == "text":
            continue
        content = part.get_payload(decode=True)
        try:
            ending = _ending(tidy_name(name or ""))
            if TAKEN[ending] == "e-mail" or not isinstance(content, bytes):
                raise FileRefused(CARRIES)
            kind_of(tidy_name(name or ""), content)
        except FileRefused as error:
            raise FileRefused(
                N_(
                    "The e-mail carries a file that is not taken: %(name)s. Save the e-mail as PDF."
                ),
                name=tidy_name(name or "?"),
            ) from error


_LOOKS: Mapping[str, Callable[[bytes], None]] = {
    "PDF": _look_at_pdf,
    "PNG": _look_at_picture("PNG"),
    "JPEG": _look_at_picture("JPEG"),
    "GIF": _look_at_picture("GIF"),
    "HEIC": _look_at_heic,
    "text": _look_at_text,
    "Excel": look_at_office("xl/workbook.xml"),
    "Word": look_at_office("word/document.xml"),
    "e-mail": _look_at_mail,
}
