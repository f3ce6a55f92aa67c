"""Who may see which case: the cases that this browser session has opened, and no other."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, current_app, flash, g, session, url_for
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal.collection import cases
from portal.collection.models import Case
from portal.database import tenancy
from portal.web.rendering import go

_OPENED, _IDENTIFIED = "debtor_cases", "debtor_is_identified"
# Pages that anyone may see.
_OPEN = {
    *("debtor.start", "debtor.enter", "debtor.health", "debtor.list_languages"),
    *("debtor.ask_for_code", "debtor.send_code", "debtor.write_code", "debtor.enter_by_code"),
    *("debtor.identify", "debtor.start_identifying", "debtor.show_order", "debtor.open_app"),
    *("debtor.return_from_app", "debtor.stop_order", "debtor.no_case"),
    *("debtor.help_me", "debtor.explain_words", "debtor.explain_letter"),
    *("debtor.picture_letter", "debtor.accessibility"),
    *("debtor.show_link", "debtor.open_link", "debtor.renew_link"),
}


def open_cases(ids: Iterable[int]) -> None:
    """Let this session see these cases and nothing else; its token is renewed first."""
    session.clear()
    session.renew()  # type: ignore[attr-defined]
    session[_OPENED] = list(ids)


def open_all_of_one(ids: Iterable[int]) -> None:
    """Let this session see all that somebody has, who has identified with BankID."""
    open_cases(ids)
    session[_IDENTIFIED] = True


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
    case = _opened(g.get("debtor_reference") or "")
    if case is None:
        raise NotFound
    return case


def _opened(reference: str) -> Case | None:
    case = cases.find(reference)
    return case if case and case.id in opened() else None


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
        return None

    @blueprint.context_processor
    def _tell_templates() -> dict[str, object]:
        return {"is_identified": session.get(_IDENTIFIED, False)}

    @blueprint.url_value_preprocessor
    def _take_reference(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.debtor_reference = values.pop("reference", None) if values else None

    @blueprint.url_defaults
    def _fill_reference(endpoint: str, values: dict[str, Any]) -> None:
        # Links within a case lead to the same case, unless they name another.
        if current_app.url_map.is_endpoint_expecting(endpoint, "reference"):
            values.setdefault("reference", g.get("debtor_reference"))
