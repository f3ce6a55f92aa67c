"""Who may see which case: the cases that this browser session has opened, and no other."""

from flask import Blueprint, Response, flash, session, url_for
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal.collection import cases
from portal.collection.models import Case
from portal.database import tenancy
from portal.web.rendering import go

_OPENED = "debtor_cases"
# Pages that anyone may see.
_OPEN = {"debtor.start", "debtor.enter", "debtor.health"}


def open_case(case_id: int) -> None:
    """Let this session see a case and nothing else; its token is renewed first."""
    session.clear()
    session.renew()  # type: ignore[attr-defined]
    session[_OPENED] = [case_id]


def leave() -> None:
    """End the visit. A request still under way must not bring it back: the token ends too."""
    session.clear()
    session.renew()  # type: ignore[attr-defined]


def opened_case() -> Case | None:
    """The case that the session has opened, if any."""
    opened = session.get(_OPENED)
    return cases.get(opened[0]) if opened else None


def current_case() -> Case:
    """The case that the session has opened. Raises NotFound when there is none."""
    case = opened_case()
    if case is None:
        raise NotFound
    return case


def guard(blueprint: Blueprint) -> None:
    """Let nobody past who has not opened a case, and show whoever has only that one."""

    @blueprint.before_request
    def _require_case() -> Response | None:
        opened = session.get(_OPENED)
        if opened:
            tenancy.enter(tenancy.Scope("case", tuple(opened)))
        elif request.endpoint not in _OPEN:
            flash(gettext("Your visit has ended. Write the reference and the code again."), "info")
            return go(url_for("debtor.start"))
        return None
