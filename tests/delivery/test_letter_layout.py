"""Where things stand on the paper: the window, the folds, nothing cut off, nothing overlapping."""

import io
from itertools import combinations

import pytest
from PIL import Image

from portal.database import files
from tests.delivery.conftest import Press, Printer
from tests.delivery.contents import a_long_reminder, a_reminder
from tests.delivery.pdf import Pdf, Word

LANGUAGES = ["sv", "en", "ar"]


def standing(printed: Pdf, *texts: str) -> list[Word]:
    """Words of the first page by their text."""
    found = [word for word in printed.words(1) if word.text in texts]
    assert {word.text for word in found} == set(texts)
    return found


def overlapping(words: list[Word]) -> list[tuple[str, str]]:
    return [
        (one.text, other.text)
        for one, other in combinations(words, 2)
        # Boxes of lines that follow one another touch: a line's box is higher than its letters.
        if min(one.right, other.right) - max(one.left, other.left) > 0.3
        and min(one.bottom, other.bottom) - max(one.top, other.top)
        > 0.5 * min(one.bottom - one.top, other.bottom - other.top)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_a4(reminder: Printer, language: str) -> None:
    assert reminder(a_long_reminder(), language).sizes_mm == {(210, 297)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_font_is_embedded(reminder: Printer, language: str) -> None:
    fonts = reminder(a_reminder(), language).fonts()
    assert fonts
    assert {font["embedded"] for font in fonts} == {"yes"}


def test_arabic_is_set_in_an_arabic_font(reminder: Printer) -> None:
    names = [font["name"] for font in reminder(a_reminder(), "ar").fonts()]
    assert any("Arabic" in name for name in names)


def test_the_address_stands_in_the_window(reminder: Printer) -> None:
    for word in standing(reminder(a_reminder()), "Ahmad", "Al-Khatib", "Storgatan"):
        assert word.left >= 116
        assert word.right <= 192
        assert word.top >= 45
        assert word.bottom <= 72


def test_the_lines_of_the_address_stand_straight_to_the_left(reminder: Printer) -> None:
    name, street = standing(reminder(a_reminder()), "Ahmad", "Storgatan")
    assert name.left == pytest.approx(street.left, abs=0.5)


def test_a_long_address_stands_in_the_window_too(reminder: Printer) -> None:
    texts = ("Anna-Karin", "Wasa-Lewenhaupt", "Kungliga", "Bergström", "Frölunda-Tynnered", "NORGE")
    for word in standing(reminder(a_long_reminder()), *texts):
        assert word.left >= 116
        assert word.right <= 192
        assert word.top >= 45
        assert word.bottom <= 72


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("content", [a_reminder(), a_long_reminder()], ids=["short", "long"])
def test_nothing_but_the_address_and_the_sender_can_show_in_the_window(
    reminder: Printer, language: str, content: dict[str, object]
) -> None:
    printed = reminder(content, language)
    shown = [
        word for word in printed.words(1) if word.right > 95 and word.bottom > 28 and word.top < 84
    ]
    recipient = content["recipient"]
    address = " ".join([*recipient.values(), "NORGE", "111", "22"]).split()
    sender = ["Avs:", "Box", "100,", "111", "21", "Stockholm"]
    assert {word.text for word in shown} <= {*address, *sender}


def test_the_sender_in_the_window_does_not_say_that_it_is_a_collector(reminder: Printer) -> None:
    shown = [
        word for word in reminder(a_reminder()).words(1) if word.left > 95 and 28 < word.top < 84
    ]
    assert not {"Reda", "Inkasso", "Påminnelse"} & {word.text for word in shown}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("content", "extra"), [(a_reminder(), 0), (a_long_reminder(), 1)], ids=["short", "long"]
)
def test_the_letter_and_the_sheet_take_a_page_each(
    reminder: Printer, language: str, content: dict[str, object], extra: int
) -> None:
    assert reminder(content, language).pages == (1 if language == "sv" else 2) + extra


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("content", [a_reminder(), a_long_reminder()], ids=["short", "long"])
def test_nothing_runs_over_the_edge(
    reminder: Printer, language: str, content: dict[str, object]
) -> None:
    printed = reminder(content, language)
    for page in range(1, printed.pages + 1):
        for word in printed.words(page):
            assert word.left >= 19, word
            assert word.right <= 195, word
            assert word.bottom <= 287, word


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("content", [a_reminder(), a_long_reminder()], ids=["short", "long"])
def test_no_word_is_printed_over_another(
    reminder: Printer, language: str, content: dict[str, object]
) -> None:
    printed = reminder(content, language)
    for page in range(1, printed.pages + 1):
        assert overlapping(printed.words(page)) == []


def test_the_widest_access_code_stays_in_its_frame(reminder: Printer) -> None:
    printed = reminder(a_reminder(reference="888888888"), secret="WWWWWW")
    code = [word for word in printed.words(1) if word.text == "WWW" and word.top < 84]
    # The frame ends 92 mm from the left.
    assert max(word.right for word in code) < 90


def test_the_arabic_page_runs_from_right_to_left(reminder: Printer) -> None:
    words = reminder(a_reminder(), "ar").words(2)
    # pdftotext gives a word's letters from the left.
    label = next(word for word in words if word.text == "رسوم"[::-1])
    amount = next(word for word in words if word.text == "60.00")
    assert label.left > 105 > amount.right


def test_questions_of_the_arabic_page_are_read_from_the_right(reminder: Printer) -> None:
    left, right = reminder(a_reminder(), "en"), reminder(a_reminder(), "ar")
    phones = [
        [word.left for word in printed.words(2) if word.text == "010-000"]
        for printed in (left, right)
    ]
    # The last question is the second one of its row.
    assert phones[0][-1] > 105 > phones[1][-1]


def test_fold_marks_stand_where_the_paper_is_folded(reminder: Printer) -> None:
    drawn = reminder(a_reminder()).dark_rows(1, right_mm=10)
    assert [round(row) for row in drawn] == [99, 148, 198]


class TestALogo:
    """The creditor's logo and its name as customers know it."""

    @pytest.fixture
    def shown(self, press: Press) -> Pdf:
        picture = io.BytesIO()
        Image.new("RGB", (1400, 420), (100, 100, 100)).save(picture, "PNG")
        with press.app.app_context():
            logo = files.store(picture.getvalue())
        look = {"logo": logo, "sender_name": "Norrsken", "address": "Box 7, 903 21 Umeå"}
        return press.letter(a_reminder(creditor=look))

    def test_the_letter_is_still_one_page(self, shown: Pdf) -> None:
        assert shown.pages == 1

    def test_it_cannot_show_in_the_window(self, shown: Pdf) -> None:
        left, top, right, bottom = shown.box_of_grey(1, 100, right_of_mm=95, above_mm=84)
        assert (right, bottom) == pytest.approx((194, 27), abs=1)
        assert left >= 95
        assert top >= 12

    def test_the_text_names_both(self, shown: Pdf) -> None:
        told = shown.text(1)
        assert "en faktura från Norrsken som" in told
        assert "Fordringsägare: Norrsken Energi AB" in told
        assert "Box 7, 903 21 Umeå" in told
