"""Each text of each catalogue, said with many numbers: places filled, no form missing."""

import re
from collections.abc import Iterable
from gettext import c2py

import pytest
from babel.messages import Message

from portal.locales import LANGUAGES
from tools import translations
from tools.translations import ROOT, Term, faults_of_terms, plural_rule

NUMBERS = (*range(22), 100, 1.5)
FOLDER = ROOT / "translations"
CATALOGUES = translations.catalogues(FOLDER)
PLACE = re.compile(r"%\((\w+)\)([a-z])")


def _values(text: str, number: float) -> dict[str, object]:
    return {name: number if kind in "df" else f"«{number}»" for name, kind in PLACE.findall(text)}


def _told(message: Message, form: int) -> str:
    said = message.string
    return str(said[form] if isinstance(said, (tuple, list)) else said)


def _wrongly_said(messages: Iterable[Message], rule: str) -> list[str]:
    form_of = c2py(rule)
    wrong = []
    for message in messages:
        ids = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
        if not ids[0] or not all(translations._said(message)):
            continue
        for number in NUMBERS:
            # gettext picks a form by a whole number.
            said = _told(message, form_of(int(number)))
            filled = said % _values(ids[-1], number) if PLACE.search(ids[-1]) else said
            if not filled.strip() or PLACE.search(filled):
                wrong.append(ids[0])
    return wrong


@pytest.mark.parametrize(("domain", "code"), CATALOGUES)
def test_every_text_is_said_with_every_number(domain: str, code: str) -> None:
    found = translations.read(translations.path_of(FOLDER, domain, code), code, domain)
    assert _wrongly_said(found, plural_rule(code)[1]) == []


def test_a_form_that_lacks_its_place_is_found() -> None:
    letters = Message(("%(n)d letter", "%(n)d letters"), ("%(m)d brev", "%(n)d brev"))
    with pytest.raises(KeyError):
        _wrongly_said([letters], plural_rule("sv")[1])


@pytest.mark.parametrize(("domain", "code"), CATALOGUES)
def test_a_catalogue_tells_its_own_plural_rule(domain: str, code: str) -> None:
    path = translations.path_of(FOLDER, domain, code)
    head = path.read_text(encoding="utf-8").split("\n\n")[0].replace('"\n"', "")
    count, rule = plural_rule(code)
    assert f"nplurals={count}; plural={rule};" in head


def test_every_catalogue_says_the_words_of_its_glossary() -> None:
    assert faults_of_terms() == []


def test_another_word_than_the_glossarys_is_found() -> None:
    interest = Message("The interest is lower.", "Avgiften är lägre.")
    pattern = re.compile("interest")
    term = Term("interest", "ränta", ("ränta",))
    assert translations._is_another_word(interest, pattern, term)
    assert not translations._is_another_word(
        Message("The interest is lower.", "Räntan är lägre."), pattern,
        Term("interest", "ränta", ("ränta", "räntan")),
    )  # fmt: skip


def test_there_are_languages_with_every_number_of_plural_forms() -> None:
    assert {plural_rule(code)[0] for code in LANGUAGES} >= {1, 2, 3, 4, 5, 6}
