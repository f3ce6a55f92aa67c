"""Names and texts in any script are printed with their own glyphs, never with boxes."""

import pytest

from portal.delivery import letters
from portal.locales import LANGUAGES, Language
from tests.delivery.conftest import Press
from tests.delivery.contents import a_reminder

SCRIPTS = {
    "Arabic": ("محمد عبد الرحمن", "شاي بالنعناع"),
    "Thai": ("อรุณี ใจดี", "ต้มยำกุ้ง"),
    "Ethiopic": ("ሰላማዊት ተስፋይ", "የቡና ግዢ"),
    "CJK-SC": ("王秀英", "北京烤鸭二人份"),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_name_and_a_description_in_another_script_lack_no_glyph(
    press: Press, script: str
) -> None:
    name, description = SCRIPTS[script]
    printed = press.letter(
        a_reminder(recipient={"name": name}, invoice={"description": description})
    )
    assert any(f"-{script}" in font["name"] for font in printed.fonts())
    assert printed.missing_glyphs() == []


ONE_OF_EACH_SCRIPT = list({one.script: one for one in LANGUAGES.values()}.values())


@pytest.mark.parametrize("language", ONE_OF_EACH_SCRIPT, ids=lambda one: one.script)
def test_the_script_of_every_language_is_printed(press: Press, language: Language) -> None:
    printed = press.letter(a_reminder(recipient={"name": language.name.rstrip("་")}))
    assert printed.missing_glyphs() == []


def test_a_sign_that_no_font_has_is_seen_to_be_missing(press: Press) -> None:
    printed = press.letter(a_reminder(recipient={"name": "Namn \U0010fff0"}))
    assert printed.missing_glyphs() == ["\U0010fff0"]


def width_of_name(press: Press, name: str) -> float:
    printed = press.letter(a_reminder(recipient={"name": name}))
    line = [word for word in printed.words(1) if word.left > 110 and 42 < word.top < 51]
    return max(word.right for word in line) - min(word.left for word in line)


def test_arabic_letters_of_a_name_are_joined(press: Press) -> None:
    # A non-joiner between the letters lets each stand alone, which takes more room.
    assert width_of_name(press, "بيت") < width_of_name(press, "ب\u200cي\u200cت")


def test_the_library_that_makes_letters_fast_is_here() -> None:
    assert letters.is_fast()
