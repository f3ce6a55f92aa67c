"""Who may see which case: the cases that this browser session has opened, and no other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from flask import Blueprint, Response, current_app, flash, g, session, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFError, generate_csrf
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import cases, circumstances, reaching
from portal.collection.models import Case
from portal.database import tenancy
from portal.debtor import unsent
from portal.identity import sessions
from portal.web import errors, keeping, languages
from portal.web.rendering import go, render

# So long before its end a visit is said to end soon.
_WARNED = timedelta(minutes=5)
# Where somebody who comes in is led first.
_FIRST = {"debtor.show_case", "debtor.overview"}
# The cases that were opened, and those of them that BankID has shown to be the visitor's own.
_OPENED, _OWN = "debtor_cases", "debtor_own_cases"
# Those of the cases that a letter's code has opened, and nothing else.
_BY_LETTER = "debtor_cases_by_letter"
# What tells where somebody is: under a protected identity to who has shown that it is theirs.
_TELL_WHERE = {
    *("debtor.show_contact", "debtor.save_contact", "debtor.show_data", "debtor.ask_to_correct"),
    *("debtor.download_data", "debtor.download_all", "debtor.read_letter"),
    "debtor.download_invoice",
}
# Those of them that are pages: who was led to BankID comes back to them. A file would leave the
# browser where it is.
_COME_BACK_TO = {"debtor.show_contact", "debtor.show_data"}
# Pages that anyone may see.
_OPEN = {
    *("debtor.start", "debtor.enter", "debtor.health", "debtor.list_languages"),
    *("debtor.show_address", "debtor.confirm_address", "debtor.show_privacy"),
    *("debtor.show_number", "debtor.confirm_number"),
    *("debtor.ask_for_code", "debtor.send_code", "debtor.write_code", "debtor.enter_by_code"),
    *("debtor.identify", "debtor.start_identifying", "debtor.show_order", "debtor.open_app"),
    *("debtor.return_from_app", "debtor.stop_order", "debtor.no_case"),
    *("debtor.help_me", "debtor.explain_words", "debtor.explain_letter"),
    *("debtor.picture_letter", "debtor.accessibility"),
    *("debtor.show_link", "debtor.open_link", "debtor.renew_link"),
    "debtor.show_visit",
}


def open_cases(ids: Iterable[int]) -> None:
    """Let this session see these cases and nothing else; its token is renewed first."""
    written = unsent.sealed()
    session.clear()
    session.renew()  # type: ignore[attr-defined]
    session[_OPENED] = list(ids)
    # Of the forms to come, so that no page has to begin it, and be made again for it.
    g.pop("csrf_token", None)
    generate_csrf()
    with tenancy.cases(opened()):
        languages.begin_in(reaching.language_of(opened()))
    unsent.carry(written)


def open_by_letter(case_id: int) -> None:
    """Let this session see the case whose letter somebody has at hand, whoever they are."""
    open_cases([case_id])
    session[_BY_LETTER] = [case_id]


def is_by_letter(case: Case) -> bool:
    """Whether nothing but a letter's code has opened a case."""
    return case.id in session.get(_BY_LETTER, [])


def open_all_of_one(own: Sequence[int]) -> None:
    """Let this session see all that somebody has, who has identified with BankID.

    What is open already stays open.
    """
    by_letter = [one for one in session.get(_BY_LETTER, []) if one not in own]
    open_cases(dict.fromkeys([*own, *opened()]))
    session[_OWN], session[_BY_LETTER] = list(own), by_letter


def is_identified() -> bool:
    """Whether who is in has identified with BankID."""
    return bool(session.get(_OWN))


def is_own(case: Case) -> bool:
    """Whether BankID has shown that a case is the visitor's own."""
    return case.id in session.get(_OWN, ())


def may_see_where(case: Case) -> bool:
    """Whether the visitor may see where the debtor of a case is.

    Somebody else may hold an old letter of who has a protected identity.
    """
    return is_own(case) or not circumstances.is_protected(case.debtor)


def leave() -> None:
    """End the visit. A request still under way must not bring it back: the token ends too."""
    session.clear()
    session.renew()  # type: ignore[attr-defined]


def opened() -> list[int]:
    """The ids of the cases that this session has opened; none before anyone came in."""
    return list(session.get(_OPENED, []))


def has_opened(reference: str) -> bool:
    """Whether this session has opened the case with this reference."""
    return _opened(reference) is not None


def current_case() -> Case:
    """The case that the address names. Raises NotFound when this session has not opened it."""
    case = named_case()
    if case is None:
        raise NotFound
    return case


def named_case() -> Case | None:
    """The case that the address names, if it names one that this session has opened."""
    reference = g.get("debtor_reference")
    return _opened(reference) if reference else None


def _opened(reference: str) -> Case | None:
    case = _find(reference)
    return case if case and case.id in opened() else None


def _find(reference: str) -> Case | None:
    # Where something is changed, it is read anew each time.
    if request.method != "GET":
        return cases.find(reference)
    found: dict[str, Case | None] = g.setdefault("found_cases", {})
    if reference not in found:
        found[reference] = cases.find(reference)
    return found[reference]


@dataclass(frozen=True)
class Visit:
    """How long a visit lasts if nothing more is asked for. state: on, soon (to end) or ended.

    ends_at: the minute. seconds: after which the page asks again; None: not any more.
    """

    state: str
    ends_at: datetime | None = None
    seconds: int | str | None = None


def visit() -> Visit:
    """The visit of this session."""
    state, ends_at = keeping.asked(_end_of_visit)
    return Visit(state, ends_at, keeping.later(_seconds_to_ask_after) if ends_at else None)


def _end_of_visit() -> tuple[str, datetime | None]:
    ends_at, left = sessions.ends_at(), _seconds_left()
    if ends_at is None or left <= 0:
        return "ended", None
    return "soon" if _is_soon(left) else "on", ends_at.replace(second=0, microsecond=0)


def _seconds_to_ask_after() -> int:
    left = _seconds_left()
    return ceil(left) + 1 if _is_soon(left) else ceil(left - _WARNED.total_seconds())


def _seconds_left() -> float:
    ends_at = sessions.ends_at()
    return (ends_at - clock.real_now()).total_seconds() if ends_at and opened() else 0


def _is_soon(left: float) -> bool:
    # A timer may be a little early.
    return left <= _WARNED.total_seconds() + 5


def _go_on_writing() -> Response | None:
    """Show what was written before the visit ended, where it was written; drop what was sent."""
    kept = unsent.found()
    if kept is None:
        return None
    if opened() and not (kept.reference and has_opened(kept.reference)):
        # Before the door it was sent; or it is another case's, and perhaps another person's.
        unsent.forget()
    elif request.method == "POST":
        if request.path == kept.action:
            unsent.forget()
    elif opened() and request.endpoint in _FIRST and (page := unsent.lead_back(kept)):
        return go(page)
    elif opened() or not kept.reference:
        unsent.show(kept)
    return None


def _keep_writing() -> Response:
    """A form that was open for too long: what was written stays, and is sent again."""
    if ids := opened():
        tenancy.enter(tenancy.Scope("case", tuple(ids)))
    if request.endpoint == "debtor.stay":
        # The page stays, for something may be written there.
        return render("debtor/visit.html", block="visit_now", visit=visit())
    if request.endpoint == "debtor.leave" and not ids:
        return go(url_for("debtor.start"))
    kept = unsent.keep()
    is_in = bool(kept.reference) and has_opened(kept.reference)
    if is_in or not kept.reference:
        flash(gettext("The page had been open too long. Please send it again."), "warn")
        return go(kept.page or url_for("debtor.start"))
    flash(gettext("Your visit has ended. Write the reference and the code again."), "info")
    if kept.fields:
        flash(gettext("What you wrote is kept while you come in again."), "info")
    return go(url_for("debtor.start", reference=kept.reference))


def guard(blueprint: Blueprint) -> None:
    """Let nobody past who has not opened a case, and show whoever has only that one."""

    @blueprint.before_request
    def _require_case() -> Response | None:
        ids = opened()
        if ids:
            tenancy.enter(tenancy.Scope("case", tuple(ids)))
        elif request.endpoint not in _OPEN:
            flash(gettext("Your visit has ended. Write the reference and the code again."), "info")
            return go(url_for("debtor.start"))
        if request.endpoint in _TELL_WHERE and (case := named_case()) and not may_see_where(case):
            back = request.path if request.endpoint in _COME_BACK_TO else None
            return go(url_for("debtor.identify", reference=case.reference, back=back))
        return _go_on_writing()

    @blueprint.errorhandler(CSRFError)
    def _open_too_long(error: CSRFError) -> Response:
        return _keep_writing() if unsent.comes_from_us(error) else errors.answer(400)

    @blueprint.context_processor
    def _tell_templates() -> dict[str, object]:
        return {
            "is_identified": is_identified(),
            "visit": visit() if opened() else None,
        }

    @blueprint.url_value_preprocessor
    def _take_reference(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.debtor_reference = values.pop("reference", None) if values else None

    @blueprint.url_defaults
    def _fill_reference(endpoint: str, values: dict[str, Any]) -> None:
        # Links within a case lead to the same case, unless they name another.
        if current_app.url_map.is_endpoint_expecting(endpoint, "reference"):
            values.setdefault("reference", g.get("debtor_reference"))
