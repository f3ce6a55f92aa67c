"""Which languages there are, and which one the reader gets."""

from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request

COOKIE = "reda_language"


@dataclass(frozen=True)
class Language:
    """A language that pages are offered in.

    code: ours, as in the address and the catalogue's folder. locale: Babel's, for numbers and
    dates. name: its own name. direction: ltr or rtl. debtor_only: staff pages lack it.
    """

    code: str
    locale: str
    name: str
    direction: str = "ltr"
    debtor_only: bool = False


LANGUAGES = {
    language.code: language
    for language in (
        Language("sv", "sv", "Svenska"),
        Language("en", "en", "English"),
        Language("ar", "ar", "العربية", "rtl", debtor_only=True),
    )
}
DEFAULT = LANGUAGES["sv"]


def offered() -> list[Language]:
    """The languages that the page being answered exists in."""
    staff = request.blueprint not in (None, "debtor", "identity_debtor", "components")
    return [one for one in LANGUAGES.values() if not (staff and one.debtor_only)]


def current() -> Language:
    """The reader's language: chosen now, chosen before, asked for by the browser, or Swedish."""
    if "language" not in g:
        g.language = _choose()
    chosen: Language = g.language
    return chosen


def _choose() -> Language:
    codes = [one.code for one in offered()]
    for code in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if code in codes:
            return LANGUAGES[code]
    return LANGUAGES[request.accept_languages.best_match(codes, DEFAULT.code)]


def _remember(response: Response) -> Response:
    # Not when this page lacks the language: the reader keeps it on the pages that have it.
    if request.args.get("lang") == current().code:
        response.set_cookie(
            COOKIE, current().code, max_age=31_536_000, httponly=True, samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )  # fmt: skip
    return response


def locale() -> str:
    """Babel's locale for this request."""
    return current().locale


def init_app(app: Flask) -> None:
    """Let templates ask for the language, and remember the reader's choice."""
    app.after_request(_remember)
    app.context_processor(lambda: {"language": current(), "languages": offered()})
