"""The company's customers: found and filtered, and one with what holds for it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from flask import Response, flash, make_response, url_for
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import customers, places, rulebook
from portal.collection.customers import CustomerRow, Filters
from portal.creditor import access, subjects, undoing
from portal.creditor.changes import tell_all
from portal.creditor.forms_customers import ExclusionForm
from portal.creditor.names import scope_name
from portal.creditor.subjects import Subject
from portal.creditor.views import creditor
from portal.web import spreadsheets
from portal.web.rendering import go, render


def filters() -> Filters:
    """Which customers the address asks for."""
    said = request.values
    of_class = said.get("class")
    return Filters(
        search=said.get("q", "")[:100],
        customer_class=None if of_class in (None, "") else "" if of_class == "-" else of_class,
        kinds=tuple(one for one in customers.KINDS if one in said.getlist("only")),
        sort=said.get("sort", "name"),
        ids=tuple(said.getlist("id", type=int)[: customers.PAGE_SIZE]),
    )


def as_query(chosen: Filters) -> dict[str, Any]:
    """What asks for the same customers in an address."""
    of_class = chosen.customer_class
    return {
        "q": chosen.search or None,
        "class": "-" if of_class == "" else of_class,
        "only": list(chosen.kinds) or None,
        "sort": chosen.sort if chosen.sort != "name" else None,
        "id": list(chosen.ids) or None,
    }


@creditor.get("/<key>/customers")
def list_customers() -> Response:
    """The customers, filtered as the address says."""
    chosen = filters()
    if customers.is_secret(chosen.search, clock.today()):
        # An identity number that came in an address stays in none.
        return go(_address(replace(chosen, search="")))
    return _list(chosen)


def _list(chosen: Filters, status: int = 200) -> Response:
    creditor_id, today = access.role().creditor_id, clock.today()
    after = request.args.get("after", type=int)
    return render(
        "creditor/customers.html",
        block="list",
        status=status,
        page=customers.page(creditor_id, chosen, today, after),
        after=after,
        count=customers.count(creditor_id, chosen, today) if chosen.is_narrowed else None,
        most=customers.MOST_COUNTED,
        chosen=chosen,
        query=as_query(chosen),
        kinds=customers.KINDS,
        classes=rulebook.known_classes(creditor_id),
        expected=customers.count_expected(creditor_id),
        today=today,
        ends_soon=customers.ENDS_SOON,
    )


@creditor.post("/<key>/customers/find")
def find_customer() -> Response:
    """Look for customers: by a personal identity number straight to the one, else to the list."""
    chosen, today = filters(), clock.today()
    if not customers.is_secret(chosen.search, today):
        return _go_to_list(_address(chosen))
    found = customers.find_by_number(access.role().creditor_id, chosen.search, today)
    if len(found) == 1:
        return go(url_for("creditor.show_customer", customer_id=found[0]))
    if not found:
        flash(gettext("No customer has this personal identity number."), "info")
    return go(_address(Filters(ids=found)))


def _address(chosen: Filters) -> str:
    return url_for("creditor.list_customers", **as_query(chosen))


def _go_to_list(url: str) -> Response:
    """On to the list; htmx fetches the list alone, and the address becomes the reader's."""
    if not request.htmx:
        return go(url)
    response = make_response("", 204)
    response.headers["HX-Location"] = json.dumps(
        {"path": url, "target": "#list", "swap": "outerHTML"}
    )
    return response


@creditor.get("/<key>/customers.csv", defaults={"kind": "csv"})
@creditor.get("/<key>/customers.xlsx", defaults={"kind": "xlsx"})
def export_customers(kind: str) -> Response:
    """Every customer that the filter shows, as a spreadsheet."""
    return spreadsheets.answer(
        kind,
        "customers",
        [
            gettext("Customer number"), gettext("Name"), gettext("Class"), gettext("Kind"),
            gettext("Excluded by"), gettext("Rules of its own"), gettext("Last day"),
            gettext("Reason"), gettext("Open cases"), gettext("Invoices that are no cases"),
            gettext("Full address"),
        ],
        map(_cells, _everybody(access.role().creditor_id, filters(), clock.today())),
    )  # fmt: skip


def _everybody(creditor_id: int, chosen: Filters, today: date) -> Iterator[CustomerRow]:
    after = None
    while True:
        page = customers.page(creditor_id, chosen, today, after, size=5_000)
        yield from page.rows
        after = page.after
        if after is None:
            return


def _cells(row: CustomerRow) -> list[object]:
    yes, no = gettext("Yes"), gettext("No")
    return [
        row.number,
        row.name,
        row.customer_class,
        gettext("Person") if row.kind == "person" else gettext("Company"),
        scope_name(row.excluded_by) if row.excluded_by else None,
        yes if row.has_own else no,
        row.ends_on,
        row.reason,
        row.open_cases,
        row.waiting,
        yes if row.has_address else no,
    ]


def _subject(customer_id: int) -> Subject:
    customer = customers.get(access.role().creditor_id, customer_id)
    if customer is None:
        raise NotFound
    return Subject(
        "customer",
        customer.customer_number,
        customer.name,
        url_for("creditor.show_customer", customer_id=customer_id),
        customer.customer_class,
    )


@creditor.get("/<key>/customers/<int:customer_id>")
def show_customer(customer_id: int) -> Response:
    """One customer: what holds for it and who says so, its invoices that wait, and its cases."""
    return _page(customer_id)


def _page(customer_id: int, form: ExclusionForm | None = None, status: int = 200) -> Response:
    creditor_id, today = access.role().creditor_id, clock.today()
    customer = customers.get(creditor_id, customer_id)
    if customer is None:
        raise NotFound
    subject = _subject(customer_id)
    said = subject.said()
    return render(
        "creditor/customer.html",
        status=status,
        customer=customer,
        places=places.of(customer),
        subject=subject,
        said=said,
        cards=subjects.cards(said),
        acts=_acts(customer_id),
        about=subjects.about(customers.touched(creditor_id, [subject.key])),
        exclusion=form or subjects.exclusion_form(said),
        decided=customers.invoices_of(creditor_id, customer, today),
        cases=customers.cases_of(creditor_id, customer),
        changes=tell_all(customers.changes_of(creditor_id, "customer", subject.key)),
    )


def _acts(customer_id: int) -> dict[str, str]:
    """Where what may be done with a customer is done."""
    return {
        "exclude": url_for("creditor.exclude_customer", customer_id=customer_id),
        "include": url_for("creditor.include_customer", customer_id=customer_id),
        "rules": url_for("creditor.change_customer_rules", customer_id=customer_id),
        "remove": url_for("creditor.remove_customer_rules", customer_id=customer_id),
    }


@creditor.post("/<key>/customers/<int:customer_id>/exclude")
def exclude_customer(customer_id: int) -> Response:
    """Leave the customer out of collection."""
    subject = _subject(customer_id)
    wrong = subjects.exclude(subject)
    return go(subject.url) if wrong is None else _page(customer_id, wrong, 422)


@creditor.post("/<key>/customers/<int:customer_id>/include")
def include_customer(customer_id: int) -> Response:
    """Take the customer into collection again."""
    return subjects.include(_subject(customer_id))


@creditor.get("/<key>/customers/<int:customer_id>/rules")
def change_customer_rules(customer_id: int) -> Response:
    """The customer's own rules."""
    access.require_may_change()
    return subjects.rules_page(_subject(customer_id))


@creditor.post("/<key>/customers/<int:customer_id>/rules")
def save_customer_rules(customer_id: int) -> Response:
    """Keep the customer's own rules, and let them decide on what waits."""
    return subjects.save_rules(_subject(customer_id))


@creditor.post("/<key>/customers/<int:customer_id>/rules/remove")
def remove_customer_rules(customer_id: int) -> Response:
    """Take away all that the customer says itself."""
    return subjects.remove_rules(_subject(customer_id))


@creditor.get("/<key>/customers/expected")
def list_expected() -> Response:
    """Rules for customer numbers that nobody has yet."""
    rows, after = customers.expected(access.role().creditor_id, request.args.get("after", ""))
    return render(
        "creditor/expected.html", rows=rows, after=after, before=request.args.get("after")
    )


@creditor.post("/<key>/customers/expected/remove")
def remove_expected() -> Response:
    """Take away the rules of numbers that nobody has."""
    event_id = customers.remove_expected(
        access.role().creditor_id,
        request.form.getlist("rules", type=int),
        actor=access.actor(),
        today=clock.today(),
        now=clock.now(),
    )
    undoing.done(gettext("The rules are removed."), event_id)
    return go(url_for("creditor.list_expected"))
