"""The letter that confirms more time to pay."""

import pytest

from tests.delivery.conftest import Press
from tests.delivery.contents import a_reminder


@pytest.mark.parametrize(
    "words",
    ["Mer tid att betala", "Det kostar ingen avgift", "20 mars 2026", "Så är summan räknad"],
)
def test_the_letter_tells_the_new_day_and_the_sum(press: Press, words: str) -> None:
    letter = press.letter(a_reminder(pay_by_on="2026-03-20"), kind="more_time")
    assert words in " ".join(letter.text(1).split())


@pytest.mark.parametrize(("language", "pages"), [("sv", 1), ("en", 2), ("ar", 2)])
def test_other_languages_get_a_page_that_explains_it(
    press: Press, language: str, pages: int
) -> None:
    assert press.letter(a_reminder(), language, kind="more_time").pages == pages
