"""Every language: how it is found, written and offered."""

from pathlib import Path

import pytest
from babel import Locale
from flask import Flask
from flask_babel import force_locale, get_locale

from portal import locales
from portal.locales import LANGUAGES, code_of, locale_of
from tools import translations
from tools.translations import ReviewedCatalog, plural_rule

NUMBERS = (*range(200), 1000, 1_000_000)


def test_there_are_81_languages_for_everyone_and_8_that_a_native_must_read_first() -> None:
    assert len(LANGUAGES) == 89
    assert len([one for one in LANGUAGES.values() if one.tier == 3]) == 8


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_runs_as_its_script_does(code: str) -> None:
    assert locale_of(code).text_direction == LANGUAGES[code].direction


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_number_takes_the_plural_form_that_cldr_says(code: str) -> None:
    rule = Locale.parse(LANGUAGES[code].locale).plural_form
    order = [one for one in translations.FORMS if one in rule.tags | {"other"}]
    count, expression = plural_rule(code)
    form_of = translations.c2py(expression)
    assert count == len(order)
    assert [order[form_of(number)] for number in NUMBERS] == [rule(number) for number in NUMBERS]


@pytest.mark.parametrize(
    ("code", "babels"), [("prs", "fa_AF"), ("sv-lattlast", "sv"), ("fit", "fi")]
)
def test_a_language_that_babel_calls_otherwise_keeps_its_code(code: str, babels: str) -> None:
    locale = locale_of(code)
    assert str(locale) == babels
    assert code_of(locale) == code


def test_easy_swedish_is_not_swedish(app: Flask) -> None:
    assert locale_of("sv-lattlast") != locale_of("sv")
    with app.test_request_context(), force_locale(locale_of("sv-lattlast")):
        locale = get_locale()
    assert code_of(locale) == "sv-lattlast"


@pytest.mark.parametrize("name", ["zh_Hans", "zh-Hans"])
def test_a_name_is_known_with_either_dash(name: str) -> None:
    found = locales.find(name)
    assert found
    assert found.tag == "zh-Hans"


def _compiled(folder: Path, code: str, said: str, review: str = "machine") -> locales.Catalogue:
    for language, text in ((translations.SOURCE, "Save"), (code, said)):
        made = ReviewedCatalog(language, "debtor")
        made.add("Save", text)
        made.review = review
        translations.write(translations.path_of(folder, "debtor", language), made)
    translations.compile_all(folder)
    return locales.catalogue(code, folder)


def test_a_whole_catalogue_lacks_nothing(tmp_path: Path) -> None:
    state = _compiled(tmp_path, "fi", "Tallenna")
    assert state == locales.Catalogue(0, "machine")
    assert not state.is_read_by_native


def test_a_catalogue_tells_how_many_texts_it_lacks(tmp_path: Path) -> None:
    assert _compiled(tmp_path, "fi", "").lacks == 1


def test_a_catalogue_that_is_not_there_lacks_everything(tmp_path: Path) -> None:
    assert locales.catalogue("ga", tmp_path).lacks is None


def test_a_native_has_read_it_when_the_catalogue_says_so(tmp_path: Path) -> None:
    assert _compiled(tmp_path, "fi", "Tallenna", "native 2026-11-20").is_read_by_native


def test_a_new_text_of_the_code_is_lacking_in_a_catalogue_compiled_before(tmp_path: Path) -> None:
    assert _compiled(tmp_path, "fi", "Tallenna").lacks == 0
    english = translations.read(translations.path_of(tmp_path, "debtor", "en"), "en", "debtor")
    english.add("Pay", "Pay")
    translations.write(translations.path_of(tmp_path, "debtor", "en"), english)
    translations.compile_all(tmp_path)
    locales.catalogue.cache_clear()
    assert locales.catalogue("fi", tmp_path).lacks == 1


@pytest.mark.parametrize("code", [one for one in LANGUAGES if LANGUAGES[one].tier == 3])
def test_a_language_of_the_third_tier_waits_for_a_native(code: str) -> None:
    assert locales.is_offered(code) == (
        locales.catalogue(code).lacks == 0 and locales.catalogue(code).is_read_by_native
    )
