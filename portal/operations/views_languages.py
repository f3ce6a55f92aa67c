"""The operator's page of languages: which are offered, what the others lack, who has read them."""

from flask import Response
from flask_babel import get_locale

from portal.locales import LANGUAGES, catalogue, is_offered, locale_of
from portal.operations.views import operations
from portal.web.rendering import render


@operations.get("/languages")
def list_languages() -> Response:
    """Every language and the state of its catalogue."""
    rows = [
        {
            "language": one,
            "called": _called(one.code) or one.english_name,
            "state": catalogue(one.code),
            "is_offered": is_offered(one.code),
        }
        for one in LANGUAGES.values()
    ]
    return render(
        "operations/languages.html",
        rows=rows,
        offered=sum(row["is_offered"] is True for row in rows),
    )


def _called(code: str) -> str:
    if code == "sv-lattlast":
        return LANGUAGES[code].name
    return str(locale_of(code).get_language_name(get_locale()) or "")
