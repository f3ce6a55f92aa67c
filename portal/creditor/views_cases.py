"""The company's cases: the list and its export."""

import csv
import io
from collections.abc import Iterator

from flask import Response, make_response
from flask_babel import gettext
from htmx_flask import request

from portal.collection import cases, states
from portal.collection.cases import CaseRow, Page
from portal.creditor import access
from portal.creditor.names import next_step_name, status_name
from portal.creditor.views import creditor
from portal.web.formats import plain_kronor
from portal.web.rendering import render

FILTERS = ("open", *states.STATUSES)
# What a spreadsheet program takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _page(after: int | None) -> Page:
    status = request.args.get("status")
    return cases.page(
        access.role().creditor_id,
        status=status if status in FILTERS else None,
        search=request.args.get("q", ""),
        after=after,
    )


@creditor.get("/<key>/cases")
def list_cases() -> Response:
    """The cases, filtered as the address says."""
    after = request.args.get("after", type=int)
    return render(
        "creditor/cases.html",
        block="list",
        page=_page(after),
        after=after,
        wanted_status=request.args.get("status", ""),
        search=request.args.get("q", ""),
        statuses=FILTERS,
    )


@creditor.get("/<key>/cases.csv")
def export_cases() -> Response:
    """Every case that the filter shows, as a spreadsheet."""
    out = io.StringIO()
    rows = csv.writer(out, delimiter=";", lineterminator="\r\n")
    rows.writerow(_headings())
    for case in _all_cases():
        rows.writerow([_safe(cell) for cell in _cells(case)])
    # The mark tells Excel that it is UTF-8.
    response = make_response(out.getvalue().encode("utf-8-sig"))
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers.set("Content-Disposition", "attachment", filename="cases.csv")
    return response


def _all_cases() -> Iterator[CaseRow]:
    page = _page(None)
    yield from page.rows
    while page.after is not None:
        page = _page(page.after)
        yield from page.rows


def _headings() -> list[str]:
    return [
        gettext("Reference"),
        gettext("Status"),
        gettext("Debtor"),
        gettext("Customer number"),
        gettext("Invoice"),
        gettext("Due"),
        gettext("Unpaid as booked"),
        gettext("Currency"),
        gettext("Next step"),
        gettext("Next step on"),
    ]


def _cells(case: CaseRow) -> list[str]:
    return [
        case.reference,
        status_name(case.status),
        case.debtor_name,
        case.customer_number,
        case.invoice_number,
        case.due_on.isoformat(),
        plain_kronor(case.booked_ore),
        case.currency,
        next_step_name(case.next_step),
        case.next_step_on.isoformat() if case.next_step_on else "",
    ]


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
