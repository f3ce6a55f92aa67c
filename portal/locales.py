"""How dates, times, numbers and sums are written in a language whose countries differ in it.

Our English is read in Europe: "25 November 2026, 00:47", never "November 25, 2026, 12:47 AM". The
catalogues know nothing of this and stay those of the language.
"""

from babel import Locale

_WRITTEN_AS = {"en": Locale("en", "GB")}


def written_as(language: Locale) -> Locale:
    """The locale whose forms a language is written in."""
    return _WRITTEN_AS.get(str(language), language)
