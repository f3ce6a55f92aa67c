"""The classes of the company's customers: each with its own rules, and left out as a whole.

A class is named in the query of an address: the creditor's ledger may call it anything.
"""

from typing import Any

from flask import Response, url_for
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal.collection import customers
from portal.creditor import access, subjects
from portal.creditor.changes import tell_all
from portal.creditor.forms_customers import ExclusionForm
from portal.creditor.subjects import Subject
from portal.creditor.views import creditor
from portal.web.rendering import go, render


@creditor.get("/<key>/classes")
def list_classes() -> Response:
    """Every class, with how many customers it has and what is said of it."""
    return render("creditor/classes.html", classes=customers.classes(access.role().creditor_id))


def _class() -> customers.Class:
    name = request.args.get("class", "")
    found = customers.find_class(access.role().creditor_id, name)
    if found is None:
        raise NotFound
    return found


def _address(endpoint: str, one: customers.Class) -> str:
    query: dict[str, Any] = {"class": one.name}
    return url_for(f"creditor.{endpoint}", **query)


def _subject(one: customers.Class) -> Subject:
    return Subject("class", one.name, one.name, _address("show_class", one))


@creditor.get("/<key>/classes/one")
def show_class() -> Response:
    """One class: what holds for it and who says so."""
    return _page(_class())


def _page(one: customers.Class, form: ExclusionForm | None = None, status: int = 200) -> Response:
    creditor_id, subject = access.role().creditor_id, _subject(one)
    said = subject.said()
    return render(
        "creditor/class.html",
        status=status,
        one=one,
        subject=subject,
        said=said,
        cards=subjects.cards(said),
        acts={
            "exclude": _address("exclude_class", one),
            "include": _address("include_class", one),
            "rules": _address("change_class_rules", one),
            "remove": _address("remove_class_rules", one),
        },
        about=subjects.about(customers.touched_of_class(creditor_id, one.name)),
        exclusion=form or subjects.exclusion_form(said),
        own=customers.own_of_class(creditor_id, one.name),
        changes=tell_all(customers.changes_of(creditor_id, "class", one.name)),
    )


@creditor.post("/<key>/classes/exclude")
def exclude_class() -> Response:
    """Leave all of the class out of collection."""
    one = _class()
    wrong = subjects.exclude(_subject(one))
    return go(_subject(one).url) if wrong is None else _page(one, wrong, 422)


@creditor.post("/<key>/classes/include")
def include_class() -> Response:
    """Take the class into collection again."""
    return subjects.include(_subject(_class()))


@creditor.get("/<key>/classes/rules")
def change_class_rules() -> Response:
    """The class's own rules."""
    access.require_may_change()
    return subjects.rules_page(_subject(_class()))


@creditor.post("/<key>/classes/rules")
def save_class_rules() -> Response:
    """Keep the class's own rules, and let them decide on what waits."""
    return subjects.save_rules(_subject(_class()))


@creditor.post("/<key>/classes/rules/remove")
def remove_class_rules() -> Response:
    """Take away all that the class says itself."""
    return subjects.remove_rules(_subject(_class()))
