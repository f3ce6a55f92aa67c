"""Every language we know of: what it is called, how it is written, and whether it can be offered.

The list is data, `translations/languages.csv`. A catalogue lies at
`translations/<code>/LC_MESSAGES/<domain>.po` under our own code; Babel knows some of our languages
by another name (Dari is `fa_AF`, easy Swedish is `sv`), and this is the only place that says so.

A language is offered when its catalogue is whole, and one of tier 3 only when a native has read it
too. What a catalogue lacks and who has read it stands in the head of its compiled file, so that
nothing else of it is loaded before somebody reads in it.
"""

import csv
import struct
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from babel import Locale
from babel.core import UnknownLocaleError

TRANSLATIONS = Path(__file__).resolve().parent.parent / "translations"
LACKS, REVIEW = "X-Reda-Lacks", "X-Reda-Review"
# The languages that are always whole: a text lacking in one of them fails the checks.
WHOLE = ("sv", "en", "ar")
# Our English is read in Europe: "25 November 2026, 00:47", never "November 25, 2026, 12:47 AM".
_WRITTEN_AS = {"en": Locale("en", "GB")}
# Subtags that browsers and screen readers know, where ours is none of them.
_TAGS = {"sv-lattlast": "sv-x-lattlast"}


def in_our_digits(written: str) -> str:
    """What somebody wrote, with the digits of any script as 0-9."""
    return "".join(str(unicodedata.digit(one)) if one.isdecimal() else one for one in written)


class ReadersLocale(Locale):
    """Babel's locale that remembers for which of our languages it stands."""

    code: str = ""

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and code_of(self) == code_of(other)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        # What is kept for each language is looked up by it a hundred times a page.
        return super().__hash__()


@dataclass(frozen=True)
class Language:
    """A language.

    code: ours, as in the address and the catalogue's folder. locale: Babel's name for the one that
    writes its numbers and dates. name: its own name. script: ISO 15924. direction: ltr or rtl.
    font: the Noto family that its PDF is set in. tier: 1 to 3, as `languages.md` tells them.
    """

    code: str
    locale: str
    name: str
    english_name: str
    script: str
    direction: str
    font: str
    tier: int

    @property
    def tag(self) -> str:
        """As `lang` and `hreflang` tell it (BCP 47)."""
        return _TAGS.get(self.code, self.code.replace("_", "-"))


@dataclass(frozen=True)
class Catalogue:
    """What a language's debtor catalogue is: texts it lacks, or None where there is none at all.

    review: `machine`, or `native` and the date of the reading.
    """

    lacks: int | None
    review: str

    @property
    def is_read_by_native(self) -> bool:
        """Whether a native has read all of it."""
        return self.read_on is not None

    @property
    def read_on(self) -> date | None:
        """The day on which a native had read all of it."""
        kind, _, day = self.review.partition(" ")
        return date.fromisoformat(day) if kind == "native" else None


def _known(path: Path) -> Iterator[Language]:
    with path.open(encoding="utf-8", newline="") as content:
        for row in csv.DictReader(content):
            yield Language(
                row["code"], row["babel_locale"], row["endonym"], row["english_name"],
                row["script"], row["direction"], row["font_family"], int(row["tier"]),
            )  # fmt: skip


LANGUAGES = {one.code: one for one in _known(TRANSLATIONS / "languages.csv")}


@cache
def locale_of(code: str) -> Locale:
    """The locale of one of our languages, which `force_locale` takes. Raises KeyError."""
    parsed = Locale.parse(LANGUAGES[code].locale)
    made = ReadersLocale(parsed.language, parsed.territory, parsed.script)
    made.code = code
    return made


def code_of(locale: Any) -> str:
    """Our code of a locale."""
    return getattr(locale, "code", "") or str(locale)


def find(name: str) -> Language | None:
    """The language that an address or a setting names, such as zh_Hans or zh-Hans."""
    return LANGUAGES.get(name) or LANGUAGES.get(name.replace("-", "_"))


def parse(name: str) -> Locale | None:
    """The locale of a name, be it ours or only Babel's; None when nobody knows it."""
    if known := find(name):
        return locale_of(known.code)
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return None


@cache
def catalogue(code: str, folder: Path = TRANSLATIONS) -> Catalogue:
    """The state of a language's debtor catalogue, of the head of its compiled file alone."""
    path = folder / code / "LC_MESSAGES" / "debtor.mo"
    if not path.exists():
        return Catalogue(None, "machine")
    told = _head(path)
    lacks = told.get(LACKS.lower(), "")
    return Catalogue(int(lacks) if lacks.isdigit() else None, told.get(REVIEW.lower(), "machine"))


def _head(path: Path) -> dict[str, str]:
    # Its own text is the first of a compiled catalogue, for it is spelt with no letter at all.
    with path.open("rb") as content:
        _, _, _, _, at = struct.unpack("<5I", content.read(20))
        content.seek(at)
        length, offset = struct.unpack("<2I", content.read(8))
        content.seek(offset)
        lines = content.read(length).decode("utf-8").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


@cache
def is_offered(code: str) -> bool:
    """Whether readers may choose a language."""
    language, state = LANGUAGES[code], catalogue(code)
    if code in WHOLE:
        return True
    return state.lacks == 0 and (language.tier < 3 or state.is_read_by_native)


@cache
def offered() -> tuple[Language, ...]:
    """Every language that readers may choose, in the order of the list."""
    return tuple(one for one in LANGUAGES.values() if is_offered(one.code))


@cache
def words(code: str, folder: Path = TRANSLATIONS) -> dict[str, str]:
    """The glossary in a language: each of its words by key; empty where nobody has settled it."""
    shared = "swedish" if code == "sv" else "english" if code == "en" else None
    path = folder / "terms.csv" if shared else folder / code / "terms.csv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as content:
        return {row["key"]: row[shared or "word"] for row in csv.DictReader(content)}


@cache
def written_as(language: Locale) -> Locale:
    """The locale whose forms of dates, times, numbers and sums a language is written in.

    The catalogues know nothing of this and stay those of the language.
    """
    return _WRITTEN_AS.get(str(language), language)


def native_digits(locale: Locale) -> str:
    """The ten digits that a language counts with, 0 first."""
    return _DIGITS.get(str(locale.default_numbering_system), "0123456789")


# CLDR's names of the digits.
_DIGITS = {
    "arab": "٠١٢٣٤٥٦٧٨٩",
    "arabext": "۰۱۲۳۴۵۶۷۸۹",
    "beng": "০১২৩৪৫৬৭৮৯",
    "deva": "०१२३४५६७८९",
    "mymr": "၀၁၂၃၄၅၆၇၈၉",
    "tibt": "༠༡༢༣༤༥༦༧༨༩",
}
