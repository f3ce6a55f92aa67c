"""What people upload to be signed: what is taken, what is refused, and why."""

import io
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
from flask import Flask
from PIL import Image

from portal.collection.file_types import FileRefused
from portal.signing import office, pdfs
from tests.signing import pdf_files


def refusal(name: str, data: bytes) -> str:
    with pytest.raises(FileRefused) as caught:
        pdfs.take_document(name, data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "The file is empty."),
        (pdf_files.locked(), "locked with a password"),
        # Everybody may open it, but not change it.
        (pdf_files.locked(""), "locked with a password"),
        (pdf_files.with_pages()[:200], "damaged"),
        (b"%PDF-1.7\n" + b"x" * 500, "damaged"),
        (b"Hello", "not what its name says"),
        (pdf_files.scripted(), "script"),
        (pdf_files.that_launches(), "starts something else"),
        (pdf_files.xfa(), "XFA"),
        (pdf_files.carrying("setup.exe", b"MZ\x90"), "program"),
        (pdf_files.carrying("bild.png", b"MZ\x90"), "program"),
        (pdf_files.with_pages(0), "damaged"),
        (pdf_files.signed(is_final=True), "forbids to add another"),
        (pdf_files.signed().replace(b"/MediaBox", b"/MediaBax", 1), "changed after it was signed"),
    ],
)  # fmt: skip
def test_a_bad_pdf_is_refused_with_the_reason(app: Flask, data: bytes, told: str) -> None:
    assert told in refusal("Avtal.pdf", data)


def test_a_pdf_that_is_too_large_is_refused(app: Flask) -> None:
    data = pdf_files.with_pages() + b"\0" * pdfs.LARGEST
    assert "larger than 25 MB" in refusal("Avtal.pdf", data)


def test_a_pdf_of_more_than_a_thousand_pages_is_refused(app: Flask) -> None:
    assert "1001 pages" in refusal("Avtal.pdf", pdf_files.with_pages(1_001))


def test_five_hundred_pages_are_taken(app: Flask) -> None:
    assert pdfs.take_document("Avtal.pdf", pdf_files.with_pages(500)).pages == 500


def test_a_pdf_is_kept_byte_for_byte(app: Flask) -> None:
    data = pdf_files.with_pages(2)
    assert pdfs.take_document("Avtal.pdf", data).data == data


def test_a_pdf_with_a_file_inside_that_is_no_program_is_taken(app: Flask) -> None:
    data = pdf_files.carrying("factur-x.xml", b"<Invoice/>")
    assert pdfs.take_document("Faktura.pdf", data).pages == 1


def test_a_signed_pdf_is_known_for_one_and_stays_as_it_is(app: Flask) -> None:
    data = pdf_files.signed()
    taken = pdfs.take_document("Avtal.pdf", data)
    assert taken.has_signatures
    assert taken.data == data


def test_what_is_neither_pdf_nor_office_file_is_told_what_may_be_signed(app: Flask) -> None:
    assert "Only PDF and office files" in refusal("bild.png", b"\x89PNG")


def test_a_name_that_deceives_is_tidied(app: Flask) -> None:
    assert pdfs.take_document("../a/b\u202efdp.pdf", pdf_files.with_pages()).name == "bfdp.pdf"


def test_an_attachment_of_a_known_kind_is_taken(app: Flask) -> None:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    taken = pdfs.take_attachment("bild.png", out.getvalue())
    assert (taken.media_type, taken.pages) == ("image/png", None)


def a_letter() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        parts.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        parts.writestr("META-INF/manifest.xml", "<manifest/>")
        parts.writestr("content.xml", "<content/>")
    return out.getvalue()


@pytest.fixture
def soffice(app: Flask, tmp_path: Path) -> Path:
    """LibreOffice in its stead: a program that is called as it is."""
    path = tmp_path / "soffice"
    _writes(path, 'cp "$ANSWER" "$out/document.pdf"')
    app.extensions["reda_settings"] = replace(app.extensions["reda_settings"], soffice=str(path))
    return path


def _writes(path: Path, act: str) -> None:
    made = path.with_suffix(".pdf")
    made.write_bytes(pdf_files.with_pages(3))
    path.write_text(
        "#!/bin/sh\n"
        f'echo "$@" > {path}.called\n'
        f"env > {path}.env\n"
        f"ANSWER={made}\n"
        'while [ "$1" != --outdir ]; do shift; done; out=$2; mkdir -p "$out"\n' + act
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_an_office_file_becomes_a_pdf_and_is_kept(app: Flask, soffice: Path) -> None:
    taken = pdfs.take_document("Brev.odt", a_letter())
    assert (taken.name, taken.pages) == ("Brev.pdf", 3)
    assert (taken.original_name, taken.original) == ("Brev.odt", a_letter())


def test_libreoffice_runs_alone_with_a_profile_of_its_own(app: Flask, soffice: Path) -> None:
    pdfs.take_document("Brev.odt", a_letter())
    called = Path(f"{soffice}.called").read_text()
    assert "--headless" in called
    assert "-env:UserInstallation=file://" in called


def test_libreoffice_is_told_none_of_our_secrets(
    app: Flask, soffice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDA_SECRET_KEY", "s3cret")
    pdfs.take_document("Brev.odt", a_letter())
    assert "s3cret" not in Path(f"{soffice}.env").read_text()


def test_an_office_file_that_is_not_converted_is_told(app: Flask, soffice: Path) -> None:
    _writes(soffice, "exit 1")
    assert "could not be made into a PDF" in refusal("Brev.odt", a_letter())


def test_libreoffice_that_hangs_is_stopped(
    app: Flask, soffice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(office, "SECONDS", 0.2)
    _writes(soffice, "sleep 60 & wait")
    assert "could not be made into a PDF" in refusal("Brev.odt", a_letter())


def test_without_libreoffice_people_are_asked_to_save_as_pdf(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert "Save it as PDF, and add that." in refusal("Brev.odt", a_letter())


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("Brev.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "locked with a password"),
        ("Brev.odt", b"PK", "not what its name says"),
        ("Brev.rtf", b"{\\rtf1{\\object\\objemb{\\*\\objdata 00}}}", "another file inside"),
        ("Brev.rtf", b"Hello", "not what its name says"),
    ],
)
def test_an_office_file_that_carries_something_is_refused(
    app: Flask, soffice: Path, name: str, data: bytes, told: str
) -> None:
    assert told in refusal(name, data)


def test_rich_text_becomes_a_pdf_or_is_asked_for_as_one_where_libreoffice_is_not(
    app: Flask,
) -> None:
    data = b"{\\rtf1 Hej}"
    if office.program():
        assert pdfs.take_document("Brev.rtf", data).pages == 1
    else:
        assert "Save it as PDF" in refusal("Brev.rtf", data)


def test_pages_of_several_files_are_put_together_in_order(app: Flask) -> None:
    one, other = pdf_files.with_pages(3), pdf_files.with_pages(1, width=300)
    made = pdfs.put_together("Avtal.pdf", [(one, [3, 1]), (other, [1])])
    widths = [page.mediabox.width for page in pypdf.PdfReader(io.BytesIO(made.data)).pages]
    assert widths == [597, 595, 300]
    assert made.pages == 3
