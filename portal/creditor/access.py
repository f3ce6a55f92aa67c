"""Who comes in, for which company, and what they may do there."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, current_app, g, url_for
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import Forbidden, NotFound

from portal import clock
from portal.creditor import names, navigation, settings
from portal.database import tenancy
from portal.identity import people
from portal.identity.actor import Actor
from portal.identity.models import Creditor, Person
from portal.identity.people import Role
from portal.signing import agreements
from portal.web.rendering import go, render

_READING = ("GET", "HEAD", "OPTIONS")
# What changes nothing of the company's, so that who may only look may do it too.
_READERS_MAY = {
    "creditor.arrange_cards", "creditor.cancel_order", "creditor.find_cases",
    "creditor.order_again",
    "creditor.order_report",
    "creditor.find_customer",
}  # fmt: skip


def role() -> Role:
    """The reader's role at the company whose page it is."""
    found: Role = g.role
    return found


def roles() -> Sequence[Role]:
    """Every company that the reader acts for."""
    found: Sequence[Role] = g.roles
    return found


def is_new_here() -> bool:
    """Whether none of the reader's companies has signed the agreement that lets it in."""
    return not g.signed


def actor() -> Actor:
    """The reader, for the history."""
    return Actor("person", current_user.name, current_user.id, "creditor")


def require_may_change() -> None:
    """Raises Forbidden when the reader may only look."""
    if not role().may_change:
        raise Forbidden


def require_administrator() -> None:
    """Raises Forbidden unless the reader is an administrator of the company."""
    if not role().is_administrator:
        raise Forbidden


def guard(blueprint: Blueprint) -> None:
    """Let in who acts for the company in the address, and show them that company alone.

    The company's key is taken out of the views' arguments and put into the addresses again.
    """

    @blueprint.url_value_preprocessor
    def _take_key(endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.creditor_key = (values or {}).pop("key", None)

    @blueprint.url_defaults
    def _put_key(endpoint: str, values: dict[str, Any]) -> None:
        expects = current_app.url_map.is_endpoint_expecting(endpoint, "key")
        if expects and "key" not in values and g.get("creditor_key"):
            values["key"] = g.creditor_key

    blueprint.before_request(_require_role)
    blueprint.context_processor(_frame)


def load_person(person_id: str) -> Person | None:
    """The person of a session; on a company's page also their roles, with the same statement."""
    if "creditor_key" not in g:
        return people.by_id(int(person_id))
    signed = agreements.is_signed_sql(Creditor.id.expression)
    person, found = people.with_roles(int(person_id), clock.today(), signed)
    g.roles = [role for role, _ in found]
    g.signed = {role.creditor_id for role, is_signed in found if is_signed}
    return person


def _require_role() -> Response | None:
    if not current_user.is_authenticated:
        asked = request.full_path if request.method in _READING else request.path
        return go(url_for("signing.sign_in", next=asked.rstrip("?")))
    if g.creditor_key is None:
        return None
    g.role = next((one for one in g.roles if one.creditor_key == g.creditor_key), None)
    if g.role is None:
        raise NotFound
    tenancy.enter(tenancy.Scope("creditor", (g.role.creditor_id,), current_user.id))
    if g.role.creditor_id not in g.signed:
        return _not_signed(g.role)
    if request.method not in _READING and request.endpoint not in _READERS_MAY:
        require_may_change()
    return None


def _not_signed(role: Role) -> Response:
    if role.is_administrator:
        return go(url_for("signing.agreements"))
    return render("creditor/not_signed.html", status=403)


def _frame() -> dict[str, object]:
    found = g.get("role")
    return {
        "role": found,
        "roles": g.get("roles", ()),
        "names": names,
        "setting_label": settings.label,
        "setting_told": settings.told,
        "nav_items": navigation.items() if found else (),
        "same_page": navigation.corresponding() if found else None,
        "person_name": current_user.name if current_user.is_authenticated else None,
        "sign_out_url": url_for("signing.sign_out"),
        "home_url": url_for("creditor.show_overview" if found else "creditor.choose_company"),
    }
