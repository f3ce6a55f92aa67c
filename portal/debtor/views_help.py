"""Help: questions and answers, hard words, what letters mean; how accessible the pages are."""

from datetime import date
from functools import lru_cache

from flask import Response, make_response
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import specimens
from portal.debtor.help_texts import LETTERS, QUESTIONS, WORDS, LetterHelp
from portal.debtor.marks import Drawn, draw
from portal.debtor.views import debtor
from portal.delivery import prints
from portal.delivery.letters import render_letter
from portal.extensions import settings
from portal.locales import words
from portal.web import languages
from portal.web.rendering import render


@debtor.context_processor
def _hard_words() -> dict[str, object]:
    return {"hard_word": _hard_word}


def _hard_word(key: str) -> tuple[str, str]:
    """A word of the glossary as the reader calls it, and what it means."""
    return words(languages.current().code).get(key) or words("sv")[key], WORDS[key]


@debtor.get("/help")
def help_me() -> Response:
    """Questions that people ask, and where the other help is."""
    return render("debtor/help.html", questions=QUESTIONS, letters=LETTERS)


@debtor.get("/help/words")
def explain_words() -> Response:
    """Hard words, in the reader's language and in the letter's Swedish, and what they mean."""
    rows = [(key, _hard_word(key)[0], words("sv")[key], WORDS[key]) for key in WORDS]
    rows.sort(key=lambda row: row[1].casefold())
    return render("debtor/words.html", rows=rows)


@debtor.get("/help/letters/<kind>")
def explain_letter(kind: str) -> Response:
    """What a letter means, with a picture of it and numbers where its parts stand."""
    told = _told(kind)
    return render(
        "debtor/letter_help.html",
        kind=kind,
        told=told,
        drawn=_drawn(kind, clock.today()),
        letters=LETTERS,
    )


@debtor.get("/help/letters/<kind>.png")
def picture_letter(kind: str) -> Response:
    """The letter's picture, of an invented invoice."""
    _told(kind)
    response = make_response(_printed(kind, clock.today()).picture)
    response.headers["Content-Type"] = "image/png"
    response.cache_control.public = True
    response.cache_control.max_age = 86_400
    return response


@debtor.get("/accessibility")
def accessibility() -> Response:
    """How accessible the pages are, and whom to tell when they are not."""
    return render("debtor/accessibility.html")


def _told(kind: str) -> LetterHelp:
    if kind not in LETTERS:
        raise NotFound
    return LETTERS[kind]


def _drawn(kind: str, today: date) -> Drawn:
    return draw(_printed(kind, today), LETTERS[kind].marks)


# A letter of a day looks the same to everyone, and takes a moment to lay out.
@lru_cache(maxsize=len(LETTERS))
def _printed(kind: str, today: date) -> prints.Print:
    pdf = render_letter(
        kind, specimens.letter(kind, today=today), secret=specimens.NO_CODE, language="sv",
        settings=settings(),
    )  # fmt: skip
    return prints.first_page(pdf, tuple(LETTERS[kind].marks))
