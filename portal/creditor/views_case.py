"""One case, with all that belongs to it."""

from flask import Response, make_response
from werkzeug.exceptions import NotFound

from portal import clock, ledger
from portal.collection import cases, history, moves
from portal.collection.models import Case
from portal.creditor.events import tell
from portal.creditor.views import creditor
from portal.database import files
from portal.delivery import outbox
from portal.payments import booking
from portal.web.rendering import render


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
