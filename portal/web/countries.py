"""Countries for people to choose from."""

from babel import Locale
from flask_babel import get_locale

# CLDR's own codes for groups of countries and for none.
_NO_COUNTRIES = ("EU", "EZ", "UN", "XA", "XB", "QO", "ZZ")


def countries(also: str) -> list[tuple[str, str]]:
    """Every country by code and name, Sweden first. also: a code that is to be among them."""
    names = dict((get_locale() or Locale("sv")).territories)
    codes = [one for one in names if len(one) == 2 and one.isalpha() and one not in _NO_COUNTRIES]
    if also and also not in codes:
        codes.append(also)
    codes.sort(key=lambda code: (code != "SE", names.get(code, code)))
    return [(code, names.get(code, code)) for code in codes]
