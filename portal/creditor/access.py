"""Who comes in, for which company, and what they may do there."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, current_app, flash, g, url_for
from flask_babel import gettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import Forbidden, NotFound

from portal import clock
from portal.companies import standing
from portal.creditor import names, navigation, settings
from portal.database import tenancy
from portal.identity import holds, people
from portal.identity.actor import Actor
from portal.identity.models import Creditor, Person
from portal.identity.people import Role
from portal.notifications import centre
from portal.signing import agreements
from portal.web.rendering import go, render

_READING = ("GET", "HEAD", "OPTIONS")
# What changes nothing of the company's, so that who may only look may do it too.
_READERS_MAY = {
    "creditor.arrange_cards", "creditor.cancel_order", "creditor.find_cases",
    "creditor.save_view", "creditor.change_view", "creditor.remove_view",
    "creditor.begin_with_view",
    "creditor.order_again",
    "creditor.order_report",
    "creditor.find_customer",
}  # fmt: skip


# What settles how new cases are collected, and the way that new invoices come in: both wait while
# a new version of the agreement waits for a signature after its last day.
_WAIT_FOR_SIGNATURE = {
    f"creditor.{name}"
    for name in (
        "receive_invoices", "confirm_columns", "import_upload", "save_rules", "restore_rules",
        "turn_on", "undo_change", "save_customer_rules", "remove_customer_rules",
        "exclude_customer", "include_customer", "save_class_rules", "remove_class_rules",
        "exclude_class", "include_class", "save_description", "save_address", "take_address",
        "save_contact", "remove_contact", "save_letter", "propose_account",
        "propose_account_change", "save_preview", "do_many", "remove_expected",
    )
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
    return all(state == agreements.UNSIGNED for state in g.agreement.values())


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
    creditor_id = Creditor.id.expression
    person, found = people.with_roles(
        int(person_id),
        clock.today(),
        agreements.state_sql(creditor_id),
        holds.is_held_sql(creditor_id),
        centre.unread_sql(int(person_id), creditor_id, now=clock.now()),
    )
    g.roles = [role for role, *_ in found]
    g.agreement = {role.creditor_id: state for role, state, *_ in found}
    g.held = {role.creditor_id for role, _, is_held, _ in found if is_held}
    g.unread = min(sum(count for *_, count in found), centre.MOST_COUNTED)
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
    if (state := g.agreement[g.role.creditor_id]) == agreements.UNSIGNED:
        return _not_signed(g.role)
    if state == agreements.OVERDUE and request.endpoint in _WAIT_FOR_SIGNATURE:
        flash(gettext("The company signs the new version of the agreement first."), "warn")
        return go(url_for("signing.agreements"))
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
        "stopped": standing.CLOSED if found and found.is_closed else None,
        "agreement_state": g.agreement[found.creditor_id] if found else agreements.ACCEPTED,
        "asked_agreement": agreements.newest_material,
        "same_page": navigation.corresponding() if found else None,
        "is_held": bool(found and found.creditor_id in g.get("held", ())),
        "person_name": current_user.name if current_user.is_authenticated else None,
        "sign_out_url": url_for("signing.sign_out"),
        "home_url": url_for("creditor.show_overview" if found else "creditor.choose_company"),
        # Asked for by the page's frame alone, so that a fragment does not count.
        "unread": unread if g.get("roles") else None,
    }


def unread() -> int:
    """How many notifications the reader has not read, at all their companies.

    On a company's page their roles told it; elsewhere it is asked for.
    """
    if "unread" in g:
        return int(g.unread)
    reader = centre.Reader(current_user.id, tuple(one.creditor_id for one in roles()))
    return centre.count_unread(reader, now=clock.now())


def guard_person(blueprint: Blueprint, *, open_to_all: Sequence[str] = ()) -> None:
    """Let in who acts for a company, to pages that are their own at all their companies.

    open_to_all: views that anybody may come to. The frame is that of the company that the address
    asks for, or of their only one.
    """

    @blueprint.url_value_preprocessor
    def _ask_for_roles(endpoint: str | None, values: dict[str, Any] | None) -> None:
        # `load_person` then finds them together with the person.
        g.creditor_key = None

    @blueprint.before_request
    def _require_person() -> Response | None:
        is_open = (request.endpoint or "").partition(".")[2] in open_to_all
        if not current_user.is_authenticated:
            g.roles = ()
            asked = request.full_path if request.method in _READING else url_for(_START)
            return None if is_open else go(url_for("signing.sign_in", next=asked.rstrip("?")))
        ids = tuple(one.creditor_id for one in g.roles)
        tenancy.enter(tenancy.Scope("creditor", ids, current_user.id))
        if not g.roles and not is_open:
            raise Forbidden
        key = request.args.get("company") if len(ids) > 1 else None
        found = (
            g.roles[0]
            if len(ids) == 1
            else next((one for one in g.roles if one.creditor_key == key), None)
        )
        if found is not None:
            g.role, g.creditor_key = found, found.creditor_key
        return None

    blueprint.context_processor(_frame)


_START = "notifications.list_notifications"
