"""Receipts and agreements, parsed back."""

import pytest
from jinja2 import TemplateNotFound

from tests.delivery.conftest import Press
from tests.delivery.contents import a_receipt
from tests.delivery.pdf import Pdf

AGREEMENT = {
    "version": 1,
    "creditor": {
        "name": "Norrsken Energi AB",
        "organisation_number": "5599000016",
        "address_line": "Älvgatan 4",
        "postcode": "90326",
        "town": "Umeå",
    },
    "made_on": "2026-03-10",
    "signer_name": "Eva Lind",
}


def receipt(press: Press, language: str = "sv", **changed: object) -> Pdf:
    return press.receipt(a_receipt(**changed), language)


@pytest.fixture(scope="module")
def agreement(press: Press) -> Pdf:
    return press.agreement(AGREEMENT)


@pytest.mark.parametrize("language", ["sv", "en", "ar", "pl"])
def test_a_receipt_is_one_page_of_a4_with_its_fonts(press: Press, language: str) -> None:
    printed = receipt(press, language)
    assert (printed.pages, printed.sizes_mm) == (1, {(210, 297)})
    assert {font["embedded"] for font in printed.fonts()} == {"yes"}


def test_a_receipt_says_what_was_paid_to_whom_and_for_what(press: Press) -> None:
    printed = receipt(press, "en")
    text = " ".join(printed.layout(1).split()) + printed.text(1)
    for words in (
        "Ahmad Al-Khatib has paid a debt to Norrsken Energi AB through Reda Inkasso AB",
        "Receipt number 2026-0000012",
        "Paid on 10 March 2026",
        "Paid with Swish",
        "0123456789ABCDEF0123456789ABCDEF",
        "Invoice F2026-17",
        "Your reference 604 812 345",
        "The invoice SEK 1,000.00",
        "Late interest SEK 5.48",
        "Fees SEK 60.00",
        "Paid too much, you get it back SEK 34.52",
        "Paid SEK 1,100.00",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("channel", "named"),
    [("swish", True), ("bankgiro", True), ("card", False), ("account", False)],
)
def test_a_receipt_names_swish_and_the_bank_only_where_they_gave_the_reference(
    press: Press, channel: str, named: bool
) -> None:
    text = receipt(press, "en", channel=channel).text(1)
    assert ("Reference at Swish or the bank" in text) is named
    assert "0123456789ABCDEF0123456789ABCDEF" in text


def test_a_receipt_of_the_last_payment_says_that_the_case_is_closed(press: Press) -> None:
    assert "You owe nothing more" in receipt(press, "en").text(1)


def test_a_receipt_of_a_part_payment_says_what_was_left(press: Press) -> None:
    text = receipt(press, "en", left_ore=1_234).text(1)
    assert "Left to pay: SEK 12.34" in text
    assert "You owe nothing more" not in text


def test_a_receipt_in_arabic_runs_from_right_to_left(press: Press) -> None:
    words = receipt(press, "ar").words(1)
    number = next(word for word in words if word.text == "2026-0000012")
    # "Receipt number"; pdftotext gives a word's letters from the left.
    label = next(word for word in words if word.text == "رقم"[::-1])
    assert label.left > number.right


def test_the_same_receipt_gives_the_same_bytes(press: Press) -> None:
    assert receipt(press).data == receipt(press).data


def test_an_agreement_is_in_swedish_and_then_in_english(agreement: Pdf) -> None:
    texts = [agreement.text(page) for page in range(1, agreement.pages + 1)]
    assert "Avtal om inkassotjänst" in texts[0]
    assert any(text.startswith("Collection service agreement") for text in texts[1:])
    assert any("made on 10 March 2026" in text for text in texts[1:])


def test_an_agreement_names_its_parties_and_who_signs(agreement: Pdf) -> None:
    first = agreement.text(1)
    for words in ("Norrsken Energi AB", "559900-0016", "Reda Inkasso AB", "556000-0167"):
        assert words in first
    everything = " ".join(agreement.text(page) for page in range(1, agreement.pages + 1))
    assert "Eva Lind skriver under för Norrsken Energi AB med BankID" in everything


def test_no_page_of_an_agreement_is_left_almost_empty(agreement: Pdf) -> None:
    assert agreement.pages == 4
    for page in range(1, agreement.pages + 1):
        text = [word for word in agreement.words(page) if word.bottom < 275]
        assert max(word.bottom for word in text) > 190


def test_an_agreement_says_on_every_page_which_one_it_is(agreement: Pdf) -> None:
    for page in range(1, agreement.pages + 1):
        assert f"{page}/{agreement.pages}" in agreement.text(page)


def test_an_agreement_can_be_archived(agreement: Pdf) -> None:
    metadata = agreement.reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert 'pdfaid:part="3"' in metadata or "<pdfaid:part>3</pdfaid:part>" in metadata
    assert {font["embedded"] for font in agreement.fonts()} == {"yes"}


def test_the_same_agreement_gives_the_same_bytes(agreement: Pdf, press: Press) -> None:
    assert press.agreement(AGREEMENT).data == agreement.data


def test_a_version_that_never_was_is_not_made(press: Press) -> None:
    with pytest.raises(TemplateNotFound):
        press.agreement({**AGREEMENT, "version": 99})
