"""The company's cases: the list, its export, and one case with all that belongs to it."""

import csv
import io
from collections.abc import Iterator

from flask import Response, make_response
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock, ledger
from portal.collection import cases, history, moves, states
from portal.collection.cases import CaseRow, Page
from portal.collection.models import Case
from portal.creditor import access
from portal.creditor.events import tell
from portal.creditor.names import next_step_name, status_name
from portal.creditor.views import creditor
from portal.database import files
from portal.delivery import outbox
from portal.payments import booking
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


def _case(reference: str) -> Case:
    case = cases.find(reference)
    if case is None:
        raise NotFound
    return case


@creditor.get("/<key>/cases/<reference>")
def show_case(reference: str) -> Response:
    """One case: what is owed, what happened, what was sent and booked."""
    case = _case(reference)
    due = cases.amount_due(case, clock.today())
    return render(
        "creditor/case.html",
        case=case,
        due=due,
        parts=cases.explain(case, due),
        stops=moves.open_stops(case.id),
        events=[tell(event) for event in history.of_case(case.id)],
        messages=outbox.messages_of(case.id),
        entries=ledger.entries(case.id),
        payments=booking.payments_of(case.id),
        owed_ore=ledger.owed_to(case.creditor_id, case.id),
    )


@creditor.get("/<key>/cases/<reference>/documents/<int:message_id>.pdf")
def read_document(reference: str, message_id: int) -> Response:
    """A letter as it was sent."""
    case = _case(reference)
    for message in outbox.messages_of(case.id):
        if message.id == message_id and message.document_sha256:
            response = make_response(files.read(message.document_sha256))
            response.headers["Content-Type"] = "application/pdf"
            name = f"{message.kind}-{case.reference}.pdf"
            response.headers.set("Content-Disposition", "inline", filename=name)
            return response
    raise NotFound


@creditor.get("/<key>/cases/<reference>/invoice-file")
def download_invoice(reference: str) -> Response:
    """The invoice's own file, as it was uploaded."""
    invoice = _case(reference).invoice
    if invoice.document_sha256 is None:
        raise NotFound
    response = make_response(files.read(invoice.document_sha256))
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers.set(
        "Content-Disposition", "attachment", filename=invoice.document_filename or "invoice.xml"
    )
    return response
