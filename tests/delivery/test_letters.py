"""A reminder as its reader gets it: everything that must be said, in the reader's language too."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import segno
from flask import Flask
from PIL import Image
from sqlalchemy import select

from portal.database import files
from portal.delivery import sending
from portal.delivery.models import Message
from portal.extensions import db
from tests.delivery.conftest import Press, Printer
from tests.delivery.contents import a_long_reminder, a_reminder
from tests.delivery.pdf import Pdf
from tests.factories import NOW, a_reminded_case


def modules(code: Image.Image, count: int) -> list[list[bool]]:
    """Which modules of a printed QR code are dark, each looked at in its middle."""
    side = code.width / count
    return [
        [
            code.getpixel((int((column + 0.5) * side), int((row + 0.5) * side))) < 128
            for column in range(count)
        ]
        for row in range(count)
    ]


def is_code_of(printed: Image.Image, payload: str) -> bool:
    code = segno.make(
        payload, micro=False, error="m", mode="byte", encoding="utf-8", eci=False, mask=2
    )
    expected = [[bool(module) for module in row] for row in code.matrix]
    return modules(printed, len(expected)) == expected


def test_a_swedish_reader_gets_one_page(reminder: Printer) -> None:
    assert reminder(a_reminder()).pages == 1


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "This page explains the letter."),
        ("ar", "رسوم التذكير"),
        # No catalogue of ours: English then.
        ("tlh", "This page explains the letter."),
        ("eu", "This page explains the letter."),
    ],
)
def test_another_reader_gets_a_second_page_that_can_be_read(
    reminder: Printer, language: str, words: str
) -> None:
    printed = reminder(a_reminder(), language)
    assert printed.pages == 2
    assert words in printed.text(2)


@pytest.mark.parametrize("language", ["en", "ar", "pl"])
def test_the_first_page_is_swedish_for_everybody(reminder: Printer, language: str) -> None:
    assert "Påminnelse om en obetald faktura" in reminder(a_reminder(), language).text(1)


@pytest.mark.parametrize(
    "words",
    [
        "Ahmad Al-Khatib",
        "Norrsken Energi AB, org.nr 559900-0016",
        "Faktura F2026-17 av den 19 januari 2026 på 1 200,00 kr, El januari",
        "senast den 18 februari 2026",
        "Obetalt på fakturan Kapitalbelopp, faktura F2026-17 1 000,00 kr",
        "20 dagar, 19 feb. 2026 – 10 mars 2026: 10 % per år på 1 000,00 kr 5,48 kr",
        "Påminnelseavgift För den här påminnelsen, lag (1981:739) § 2, § 4 60,00 kr",
        "Att betala 1 065,48 kr",
        "Senast den 20 mars 2026",
        "Till bankgiro",
        "5999-9991",
        "OCR-nummer 1000 0000 4224",
        "Mottagare Reda Inkasso AB",
        "reda.example",
        "604 812 345",
        "K7M PQ2",
        "Den är nu 0,27 kr per dag",
        "Reda Inkasso AB, org.nr 556000-0167, står under Finansinspektionens tillsyn",
        "Tillsyn över personuppgifter: Integritetsskyddsmyndigheten",
        "Det kostar högst 180,00 kr till",
    ],
)
def test_the_letter_says(reminder: Printer, words: str) -> None:
    # Columns that stand beside one another are read row by row.
    text = " ".join(reminder(a_reminder()).layout(1).split())
    apart = reminder(a_reminder()).text(1)
    assert words in text or words in apart


@pytest.mark.parametrize(
    "words",
    [
        "Norrsken Energi AB",
        "Invoice F2026-17 SEK 1,000.00",
        "From 19 February 2026 to 10 March 2026 SEK 5.48",
        "Reminder fee For this letter SEK 60.00",
        "To pay SEK 1,065.48",
        "20 March 2026",
        "5999-9991",
        "1000 0000 4224",
        "reda.example",
        "604 812 345",
        "K7M PQ2",
        "It costs at most SEK 180.00 more",
    ],
)
def test_the_english_page_says(reminder: Printer, words: str) -> None:
    printed = reminder(a_reminder(), "en")
    assert words in " ".join(printed.layout(2).split()) or words in printed.text(2)


@pytest.mark.parametrize(
    "words", ["5999-9991", "1000 0000 4224", "604 812 345", "K7M PQ2", "SEK 1,065.48"]
)
def test_the_arabic_page_shows_what_is_typed_as_it_is_typed(reminder: Printer, words: str) -> None:
    assert words in "".join(c for c in reminder(a_reminder(), "ar").text(2) if c not in "⁦⁧⁨⁩‎‏")


def test_a_letter_without_interest_says_none(reminder: Printer) -> None:
    parts = [part for part in a_reminder()["parts"] if part["kind"] != "interest"]
    printed = reminder(a_reminder(parts=parts, total_ore=106_000))
    assert "ränta" not in printed.text(1).lower()


def test_a_letter_without_a_fee_says_none(reminder: Printer) -> None:
    parts = [part for part in a_reminder()["parts"] if part["kind"] != "reminder_fee"]
    printed = reminder(a_reminder(parts=parts, total_ore=100_548))
    assert "avgift" not in printed.text(1).lower()


@pytest.mark.parametrize("language", ["sv", "en", "ar"])
def test_the_payment_code_says_what_the_letter_says(reminder: Printer, language: str) -> None:
    payload = (
        '{"uqr":1,"tp":1,"nme":"Reda Inkasso AB","cid":"556000-0167","iref":"100000004224",'
        '"idt":"20260310","ddt":"20260320","due":1065.48,"pt":"BG","acc":"5999-9991"}'
    )
    assert json.loads(payload, parse_float=Decimal)["due"] == Decimal("1065.48")
    assert is_code_of(reminder(a_reminder(), language).black_square(1), payload)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_code_of_the_second_page_opens_the_case_in_the_reader_s_language(
    reminder: Printer, language: str
) -> None:
    address = f"https://reda.example/?lang={language}&reference=604812345"
    assert is_code_of(reminder(a_reminder(), language).black_square(2), address)


def test_the_access_code_is_in_no_address(reminder: Printer) -> None:
    printed = reminder(a_reminder(), "en")
    links = [
        str(annotation.get_object())
        for page in printed.reader.pages
        for annotation in page.get("/Annots", [])
    ]
    assert not any("K7MPQ2" in link for link in links)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_looks_like_markup_is_printed_as_it_is(reminder: Printer, language: str) -> None:
    content = a_reminder(
        invoice={"number": "<b>1</b>", "description": "A & B"}, creditor={"name": "C <i>& D"}
    )
    printed = reminder(content, language)
    assert "Faktura <b>1</b>" in printed.text(1)
    assert "A & B" in printed.text(1)
    assert "C <i>& D" in printed.text(2)


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_picture_of_a_letter_says_what_it_is(reminder: Printer, language: str) -> None:
    tree = reminder(a_reminder(), language).reader.trailer["/Root"]["/StructTreeRoot"]
    told = [figure.get("/Alt") for figure in _figures(tree)]
    codes = ["QR-kod för din bankapp"] + ["Opens your case on the web"] * (language == "en")
    assert sorted(told) == sorted([*codes, *["Reda"] * len(codes)])


def _figures(element: Any) -> Iterator[Any]:
    element = element.get_object()
    if not isinstance(element, dict):
        return
    if element.get("/S") == "/Figure":
        yield element
    children = element.get("/K", [])
    for child in children if isinstance(children, list) else [children]:
        yield from _figures(child)


def test_the_same_content_gives_the_same_bytes(press: Press, reminder: Printer) -> None:
    # Another thread, where fonts and style sheet are read anew.
    with ThreadPoolExecutor(1) as pool:
        again = pool.submit(press.letter, a_reminder(), "ar").result()
    assert again.data == reminder(a_reminder(), "ar").data


def test_there_is_no_letter_of_another_kind(press: Press) -> None:
    with pytest.raises(ValueError, match="no letter of the kind"):
        press.letter(a_reminder(), kind="threat")


def test_a_letter_that_lacks_something_is_not_made(press: Press) -> None:
    content = a_reminder()
    del content["ocr"]
    with pytest.raises(KeyError):
        press.letter(content)


def test_all_of_a_long_letter_s_interest_is_specified_on_a_page_of_its_own(
    reminder: Printer,
) -> None:
    printed = reminder(a_long_reminder())
    assert "Varje period står på sista sidan" in printed.text(1)
    rows = [line for line in printed.layout(2).splitlines() if "10,5 %" in line]
    assert len(rows) == 12
    assert rows[0].split()[:3] == ["1", "juli", "2020"]
    assert all("1 234 567,89 kr" in " ".join(row.split()) for row in rows)


def test_the_reader_s_language_comes_right_after_the_letter(reminder: Printer) -> None:
    printed = reminder(a_long_reminder(), "en")
    assert "The next page explains this letter" in printed.text(1)
    assert "This page explains the letter." in printed.text(2)
    assert "Så är räntan räknad" in printed.text(3)


def test_a_real_case_s_letter_opens_that_case_and_states_its_sum(app: Flask) -> None:
    case = a_reminded_case()
    reference, code = case.reference, case.access_code
    sending.deliver_waiting(NOW)
    message = db.session.scalars(select(Message)).one()
    assert message.document_sha256 is not None
    printed = Pdf(files.read(message.document_sha256))
    text = printed.text(1)
    assert "1 065,48 kr" in text
    assert f"{reference[:3]} {reference[3:6]} {reference[6:]}" in text
    assert f"{code[:3]} {code[3:]}" in text


def test_the_creditors_own_words_stand_in_the_letter_and_it_stays_one_page(
    reminder: Printer,
) -> None:
    words = "Ring oss gärna om något är oklart, så hjälper vi dig att reda ut det. " * 4
    read = reminder({**a_reminder(), "creditors_words": words.strip()})
    assert read.pages == 1
    assert "Norrsken Energi AB skriver: ”Ring oss gärna" in read.text(1)
