"""Of files only a short list is taken, by what they hold and not by what they are called."""

import io
import struct
import zipfile
from email.message import EmailMessage

import openpyxl
import pillow_heif
import pytest
from PIL import Image
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import StandardSecurityHandler
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from weasyprint import HTML

from portal.collection import file_types
from portal.collection.file_types import FileRefused

PDF = HTML(string="<p>Kvitto").write_pdf()


def a_picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, kind)
    return out.getvalue()


def a_photo(width: int = 300, height: int = 200) -> bytes:
    """As telephones take them: held upright, and telling where."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (59.0, 19.0, 0.0)})
    picture = Image.new("RGB", (width, height), "white")
    picture.paste("red", (0, 0, width, height // 2))
    out = io.BytesIO()
    pillow_heif.from_pillow(picture).save(out, exif=exif.tobytes())
    return out.getvalue()


def a_workbook() -> bytes:
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    return out.getvalue()


def a_zip(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def a_document(**others: bytes) -> bytes:
    parts = {"[Content_Types].xml": b"<Types/>", "word__document.xml": b"<document/>"}
    return a_zip(**parts, **others)


def a_mail(name: str | None = None, content: bytes = b"") -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Date"] = "a@example.com", "Tue, 10 Mar 2026 09:30:00 +0100"
    mail.set_content("Hej")
    mail.add_alternative("<p>Hej</p>", subtype="html")
    if name:
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


def a_pdf(**root: generic.PdfObject) -> bytes:
    """A PDF whose root has some more entries."""
    writer = PdfFileWriter(stream_xrefs=False)
    contents = writer.add_object(generic.StreamObject(stream_data=b""))
    writer.insert_page(PageObject(contents=contents, media_box=(0, 0, 9, 9)))
    for name, value in root.items():
        writer.root[pdf_name(f"/{name}")] = value
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def an_action(kind: str) -> generic.DictionaryObject:
    return generic.DictionaryObject(
        {pdf_name("/S"): pdf_name(kind), pdf_name("/JS"): generic.TextStringObject("app.alert(1)")}
        if kind == "/JavaScript"
        else {pdf_name("/S"): pdf_name(kind)}
    )


def a_locked_pdf() -> bytes:
    writer = PdfFileWriter(stream_xrefs=False)
    contents = writer.add_object(generic.StreamObject(stream_data=b""))
    writer.insert_page(PageObject(contents=contents, media_box=(0, 0, 9, 9)))
    writer._assign_security_handler(StandardSecurityHandler.build_from_pw(b"hemligt", b"hemligt"))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("kvitto.pdf", PDF, "PDF"), ("bild.PNG", a_picture("PNG"), "PNG"),
        ("bild.jpeg", a_picture("JPEG"), "JPEG"), ("logga.gif", a_picture("GIF"), "GIF"),
        ("logg.txt", "Hej på dig\r\n".encode("cp1252"), "text"),
        ("lista.csv", "a;b\n1;2\n".encode("utf-16"), "text"),
        ("reskontra.xlsx", a_workbook(), "Excel"), ("brev.docx", a_document(), "Word"),
        ("svar.eml", a_mail("kvitto.pdf", PDF), "e-mail"), ("2026.03.10.pdf", PDF, "PDF"),
        ("enkel.pdf", a_pdf(), "PDF"),
    ],
)  # fmt: skip
def test_what_is_harmless_is_taken(name: str, data: bytes, kind: str) -> None:
    assert file_types.kind_of(name, data) == kind


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("tom.pdf", b"", "empty"),
        ("stor.txt", b"a" * (file_types.LARGEST + 1), "larger than 10 MB"),
        ("virus.exe", b"MZ", "not taken"), ("kvitto", PDF, "not taken"),
        ("sida.html", b"<html>", "Web pages"), ("bild.svg", b"<svg/>", "Web pages"),
        ("paket.zip", a_zip(a=b"a"), "Archives"), ("makro.xlsm", a_workbook(), "macros"),
        ("gammal.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "not taken"),
        ("faktura.exe.pdf", PDF, "two endings"), ("faktura.pdf.txt", b"a", "two endings"),
        ("program.pdf", b"MZ\x90\x00", "Programs"), ("skript.txt", b"#!/bin/sh\n", "Programs"),
        ("arkiv.pdf", b"Rar!\x1a\x07", "Archives"),
        ("sida.txt", b"hej\n<script>alert(1)</script>", "Web pages"),
        ("sida.csv", b"  <!DOCTYPE html>", "Web pages"),
        ("binar.txt", b"a\x00b", "not what its name says"),
        ("text.pdf", b"Hej", "not what its name says"),
        ("bild.png", a_picture("JPEG"), "not what its name says"),
        ("bild.jpg", b"\xff\xd8\xff\xe0trasig", "not what its name says"),
        ("trasig.pdf", b"%PDF-1.7\nhej", "damaged"),
        ("skript.pdf", a_pdf(OpenAction=an_action("/JavaScript")), "carries a program"),
        ("start.pdf", a_pdf(OpenAction=an_action("/Launch")), "carries a program"),
        ("fil.pdf", a_pdf(Names=generic.DictionaryObject(
            {pdf_name("/EmbeddedFiles"): generic.DictionaryObject()})), "carries a program"),
        ("last.pdf", a_locked_pdf(), "locked"),
        ("last.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 600, "old format"),
        ("arkiv.docx", a_zip(a=b"a"), "not what its name says"),
        ("annat.docx", a_workbook(), "not what its name says"),
        ("makro.docx", a_document(word__vbaProject=b"x"), "macros"),
        ("inne.docx", a_document(word__embeddings__a=b"x"), "carries a program"),
        ("mall.docx", a_document(**{"word___rels__settings.xml.rels":
            b'<Relationship Type="x/attachedTemplate" TargetMode="External"/>'}), "carries"),
        ("brev.eml", b"Hej", "not what its name says"),
        ("svar.eml", a_mail("kul.exe", b"MZ"), "carries a file that is not taken: kul.exe"),
        ("svar.eml", a_mail("svar.eml", a_mail()), "carries a file"),
        ("svar.eml", a_mail("bild.png", b"MZ"), "carries a file"),
    ],
)  # fmt: skip
def test_what_could_do_harm_is_refused_with_the_reason(name: str, data: bytes, why: str) -> None:
    with pytest.raises(FileRefused, match=why):
        file_types.kind_of(name, data)


def test_a_document_that_unpacks_to_far_too_much_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", b"<Types/>")
        packed.writestr("word/document.xml", b"\0" * (201 * 1024 * 1024))
    with pytest.raises(FileRefused, match="far too much"):
        file_types.kind_of("bomb.docx", out.getvalue())


@pytest.mark.parametrize(
    ("given", "tidy"),
    [
        ("../../etc/passwd.txt", "passwd.txt"), ("C:\\Users\\a\\kvitto.pdf", "kvitto.pdf"),
        ("faktura\u202efdp.exe", "fakturafdp.exe"), ("a\r\nb.pdf", "ab.pdf"),
        ('"><b>.pdf', "___b_.pdf"), ("...", "file"), ("a" * 300 + ".pdf", "a" * 116 + ".pdf"),
        ("Kvitto från ICA.pdf", "Kvitto från ICA.pdf"),
    ],
)  # fmt: skip
def test_a_name_is_made_plain(given: str, tidy: str) -> None:
    assert file_types.tidy_name(given) == tidy


def test_a_photo_of_a_telephone_becomes_a_jpeg_that_all_can_open() -> None:
    kind = file_types.kind_of("IMG 1.HEIC", a_photo())
    name, kind, data = file_types.readable("IMG 1.HEIC", kind, a_photo())
    assert (name, kind, file_types.kind_of(name, data)) == ("IMG 1.jpg", "JPEG", "JPEG")


def test_a_photo_keeps_the_way_it_was_held_and_not_where_it_was_taken() -> None:
    _, _, data = file_types.readable("a.heic", "HEIC", a_photo())
    with Image.open(io.BytesIO(data)) as picture:
        red, green, _ = picture.convert("RGB").getpixel((150, 150))
        assert (picture.size, red > 200 > 100 > green) == ((200, 300), True)
        assert dict(picture.getexif()) == {}


def a_jpeg_that_tells(**values: object) -> bytes:
    """As telephones save them when asked for what all can open."""
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (59.0, 19.0, 0.0)})
    Image.new("RGB", (300, 200), "red").save(out, "JPEG", exif=exif, **values)
    return out.getvalue()


@pytest.mark.parametrize(
    "values", [{}, {"progressive": True}, {"xmp": b"<x>GPSLatitude</x>"}, {"comment": b"a"}]
)
def test_a_jpeg_keeps_the_way_it_was_held_and_not_where_it_was_taken(
    values: dict[str, object],
) -> None:
    given = a_jpeg_that_tells(**values)
    name, kind, data = file_types.readable("a.jpg", "JPEG", given)
    with Image.open(io.BytesIO(data)) as picture, Image.open(io.BytesIO(given)) as before:
        assert (name, kind, dict(picture.getexif())) == ("a.jpg", "JPEG", {0x0112: 6})
        assert picture.tobytes() == before.tobytes()
    assert b"GPSLatitude" not in data


def test_a_jpeg_that_tells_nothing_stays_as_it_is() -> None:
    given = a_picture("JPEG")
    assert file_types.readable("a.jpg", "JPEG", given) == ("a.jpg", "JPEG", given)


@pytest.mark.parametrize("cut", [25, 60, 200, 500])
def test_a_jpeg_cut_off_does_no_harm(cut: int) -> None:
    given = a_jpeg_that_tells()[:cut]
    try:
        kind = file_types.kind_of("a.jpg", given)
    except file_types.FileRefused:
        return
    assert file_types.readable("a.jpg", kind, given)[2].startswith(b"\xff\xd8")


def test_a_large_photo_is_made_smaller() -> None:
    _, _, data = file_types.readable("a.heif", "HEIC", a_photo(5_000, 100))
    with Image.open(io.BytesIO(data)) as picture:
        assert max(picture.size) == 4_096


def test_a_photo_that_unpacks_to_far_too_much_is_refused_before_it_is_unpacked() -> None:
    data = a_photo(64, 64)
    size = struct.pack(">II", 64, 64)
    assert size in data
    # In the header alone, as a bomb would say it.
    bomb = data.replace(size, struct.pack(">II", 30_000, 30_000))
    with pytest.raises(FileRefused):
        file_types.kind_of("bomb.heic", bomb)


@pytest.mark.parametrize("data", [a_picture("JPEG"), a_photo()[:200], b"ftypheic" * 9])
def test_what_is_no_photo_of_a_telephone_is_refused(data: bytes) -> None:
    with pytest.raises(FileRefused):
        file_types.readable("a.heic", file_types.kind_of("a.heic", data), data)


def test_a_jpeg_is_kept_without_what_follows_the_picture() -> None:
    # Telephones append a second picture, with what it tells, and notes of their own.
    picture = a_jpeg_that_tells(progressive=True)
    _, kind, data = file_types.readable("a.jpg", "JPEG", picture + a_jpeg_that_tells() + b"SEFT")
    assert data == file_types.readable("a.jpg", kind, picture)[2]
