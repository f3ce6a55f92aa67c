"""Which languages a page is offered in, and which one the reader gets."""

from babel import Locale
from flask import Flask, Response, current_app, g, request, session

from portal import locales
from portal.locales import LANGUAGES, Language

COOKIE = "reda_language"
# Of a session: the language that its reader has letters in.
_KEPT = "language"
DEFAULT = LANGUAGES["sv"]
# Pages of staff exist in these.
_STAFF = (LANGUAGES["sv"], LANGUAGES["en"])
_DEBTORS = (None, "debtor", "identity_debtor", "components")
# Pages that are the same for everyone, so that their other languages can be told to machines.
_FOR_ANYONE = ("debtor.start", "debtor.list_languages")
# So many are named in the head of a page; the page of languages has all.
_NEAR = 8
# The page may be read by whoever reads one of these, where theirs is not to be had.
_NEAR_TO = {
    "fit": ("fi",), "ln": ("fr",), "wo": ("fr",), "ug": ("zh_Hans", "tr"), "bo": ("zh_Hans",),
    "syr": ("ar",), "se": ("nb", "fi"), "yi": ("he", "de"), "sr": ("sr_Latn", "bs", "hr"),
    "sr_Latn": ("bs", "hr", "sr"), "bs": ("hr", "sr_Latn"), "hr": ("bs", "sr_Latn"),
    "nb": ("da",), "da": ("nb",), "prs": ("fa", "ps"), "fa": ("prs",), "ps": ("prs", "fa"),
    "ti": ("am",), "am": ("ti",), "ckb": ("ku", "ar"), "ku": ("ckb", "tr"), "ur": ("hi", "pa"),
    "hi": ("ur",), "pa": ("hi", "ur"), "be": ("ru",), "uk": ("ru",), "ru": ("uk",),
    "cs": ("sk",), "sk": ("cs",), "ca": ("es",), "zh_Hans": ("zh_Hant",),
    "zh_Hant": ("zh_Hans",), "id": ("ms",), "ms": ("id",), "kk": ("ru",), "ky": ("ru",),
    "uz": ("ru",), "tg": ("fa", "ru"), "az": ("tr",), "sv-lattlast": ("en",),
}  # fmt: skip
# What browsers call some languages that we name otherwise.
_ALIASES = {
    "zh": "zh_Hans", "zh-cn": "zh_Hans", "zh-sg": "zh_Hans", "zh-tw": "zh_Hant",
    "zh-hk": "zh_Hant", "zh-mo": "zh_Hant", "no": "nb", "nn": "nb", "fa-af": "prs", "iw": "he",
    "in": "id", "tl": "fil", "sh": "sr_Latn", "kmr": "ku", "kmr-latn": "ku", "ku-latn": "ku",
    "sr-cyrl": "sr", "pa-guru": "pa", "ji": "yi", "swh": "sw", "gaz": "om",
}  # fmt: skip


def offered() -> tuple[Language, ...]:
    """The languages that the page being answered exists in."""
    return locales.offered() if request.blueprint in _DEBTORS else _STAFF


def current() -> Language:
    """The reader's language.

    As the address says (a letter's and a mail's link do), as chosen in this browser before, as
    their letters are written, as the browser asks, or Swedish.
    """
    if "language" not in g:
        g.language = _choose()
    chosen: Language = g.language
    return chosen


def is_chosen() -> bool:
    """Whether the reader has chosen a language, now or before."""
    return any(locales.find(name) for name in (request.args.get("lang", ""), _before()) if name)


def is_known() -> bool:
    """Whether it is known what the reader reads: they have chosen, or have letters in it."""
    return bool(_wished())


def _before() -> str:
    return request.cookies.get(COOKIE, "")


def _choose() -> Language:
    there, wished = offered(), _wished()
    for found in wished:
        if found in there:
            return found
    # Who reads something else is more likely to read English than Swedish, if their browser tells
    # of neither.
    reads_other = any(one.tag[:2] != "sv" for one in wished)
    return _of_browser(there, LANGUAGES["en"] if reads_other else DEFAULT)


def _wished() -> list[Language]:
    names = (request.args.get("lang"), _before(), session.get(_KEPT))
    return [found for name in names if name and (found := locales.find(name))]


def begin_in(code: str | None) -> None:
    """Show this session's pages in a language, as long as its reader chooses no other.

    code: ours, or as a creditor's ledger has it; None: nobody has told.
    """
    if code and (found := locales.find(code)):
        session[_KEPT] = found.code


def _of_browser(there: tuple[Language, ...], otherwise: Language = DEFAULT) -> Language:
    codes = {one.code for one in there}
    for asked, quality in request.accept_languages:
        if quality <= 0:
            continue
        for name in _less_and_less(asked.lower().replace("_", "-")):
            known = _ALIASES.get(name) or _BY_TAG.get(name)
            if known in codes:
                return LANGUAGES[known]
    return otherwise


_BY_TAG = {one.code.lower().replace("_", "-"): one.code for one in LANGUAGES.values()}


def _less_and_less(tag: str) -> list[str]:
    """A tag and what is left of it without its last parts: zh-hant-tw, zh-hant, zh."""
    parts = tag.split("-")
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]


def near(language: Language) -> tuple[Language, ...]:
    """The few languages named in the head of a page: Swedish, English, the reader's neighbours and
    those that most people ask for."""
    there = offered()
    codes = ["sv", "sv-lattlast", "en", language.code, *_NEAR_TO.get(language.code, ())]
    asked = [_of_browser(there).code]
    most = [one.code for one in there]
    known = {one.code: one for one in there}
    order = dict.fromkeys([*codes[:3], *asked, *codes[3:], *most])
    found = [known[code] for code in order if code in known]
    return tuple(found[: max(_NEAR, len([code for code in codes if code in known]))])


def wanted_in_vain() -> str:
    """The language that the address names and that this page lacks; empty when there is none."""
    name = request.args.get("lang", "")
    if not name or locales.find(name) in offered():
        return ""
    return name


def is_by_machine(language: Language) -> bool:
    """Whether a page says that nobody who speaks the language has read its texts."""
    return (
        language.code not in ("sv", "en")
        and request.blueprint in _DEBTORS
        and not locales.catalogue(language.code).is_read_by_native
    )


def _remember(response: Response) -> Response:
    # Not when this page lacks the language: the reader keeps it on the pages that have it.
    name = request.args.get("lang")
    if name and (found := locales.find(name)) and found == current():
        response.set_cookie(
            COOKIE, found.code, max_age=31_536_000, httponly=True, samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )  # fmt: skip
    return response


def locale() -> Locale:
    """Babel's locale for this request."""
    return locales.locale_of(current().code)


def _for_templates() -> dict[str, object]:
    language = current()
    named = near(language)
    return {
        "language": language,
        "languages": named,
        "are_more_languages": len(named) < len(offered()),
        "alternates": offered() if request.endpoint in _FOR_ANYONE else (),
        "is_by_machine": is_by_machine(language),
        "wanted_in_vain": wanted_in_vain(),
    }


def init_app(app: Flask) -> None:
    """Let templates ask for the language, and remember the reader's choice."""
    app.after_request(_remember)
    app.context_processor(_for_templates)
