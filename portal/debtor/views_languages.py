"""Every language that debtors' pages exist in."""

from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Response
from flask_babel import get_locale
from htmx_flask import request

from portal.debtor.views import debtor
from portal.locales import LANGUAGES, Language, locale_of, offered
from portal.web.pages import own_path
from portal.web.rendering import render

# Latin first, for most people look there; then from west to east.
_SCRIPTS = tuple(dict.fromkeys(["Latn", *(one.script for one in LANGUAGES.values())]))


@debtor.get("/languages")
def list_languages() -> Response:
    """All languages by script; each leads back, in it, to the page one came from."""
    back = own_path(request.args.get("back")) or "/"
    groups = [
        (_script_name(script), [(one, _name(one), _in_language(back, one)) for one in found])
        for script in _SCRIPTS
        if (found := sorted(_of_script(script), key=lambda one: one.name.casefold()))
    ]
    return render("debtor/languages.html", groups=groups)


def _of_script(script: str) -> list[Language]:
    return [one for one in offered() if one.script == script]


def _script_name(script: str) -> str:
    told = get_locale().scripts.get(script)
    return str(told[:1].upper() + told[1:]) if told else script


def _name(language: Language) -> str:
    """The language as the reader calls it; empty where CLDR does not say it or it is the same."""
    if language.code == "sv-lattlast":
        return ""
    told = locale_of(language.code).get_language_name(get_locale()) or ""
    return "" if told.casefold() == language.name.casefold() else told


def _in_language(path: str, language: Language) -> str:
    parts = urlsplit(path)
    query = {**parse_qs(parts.query, keep_blank_values=True), "lang": [language.code]}
    return f"{parts.path}?{urlencode(query, doseq=True)}"
