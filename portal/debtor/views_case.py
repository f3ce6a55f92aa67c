"""What the debtor sees of the case: sums and reasons, the invoice, letters and receipts."""

from collections.abc import Sequence
from dataclasses import replace

from flask import Response, make_response
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import cases, coming, history, moves
from portal.database import files
from portal.debtor import access, glance
from portal.debtor.events import timeline
from portal.debtor.views import debtor
from portal.debtor.views_news import news_since
from portal.debtor.views_told import answered_lately, lately
from portal.delivery import outbox
from portal.delivery.letters import render_receipt
from portal.extensions import settings
from portal.law.situations import SETTLED_ELSEWHERE
from portal.payments import booking, refunds
from portal.payments.models import Payment
from portal.payments.swish import explain
from portal.web import languages
from portal.web.keeping import kept
from portal.web.rendering import render


def pdf(data: bytes, filename: str) -> Response:
    """A PDF to read in the browser or to keep."""
    return make_response(
        data,
        200,
        {
            "Content-Type": "application/pdf",
            "Content-Disposition": f'inline; filename="{filename}"',
        },
    )


@debtor.get("/case/<reference>")
@kept
def show_case() -> Response:
    """What is owed, to whom, why, and what can be done."""
    case, today = access.current_case(), clock.today()
    seen = glance.at(case, answered_since=lately())
    now, due = seen.now, cases.amount_due(case, today, seen.known)
    doubtful = booking.in_doubt(case.id) if now.is_in_doubt else None
    payments = booking.payments_of(case.id) if now.is_paid_on else []
    stops = {one.kind for one in moves.open_stops(case.id)} if case.is_stopped else set()
    return render(
        "debtor/case.html",
        case=case,
        news=news_since(seen.newest_money),
        has_others=len(access.opened()) > 1,
        coming=coming.of_case(case, due.principal_ore, today, seen.coming),
        doubtful=doubtful,
        doubt=explain(doubtful.error_code) if doubtful and doubtful.error_code else None,
        due=due,
        today=today,
        parts=cases.explain(case, due, seen.known),
        payments=payments,
        refunds=_refunds_of(case.id, payments),
        answered_lately=answered_lately if now.is_answered else set,
        unread_messages=lambda: {case.id: now.unread},
        stops=stops,
        is_invited_to_pay=SETTLED_ELSEWHERE.isdisjoint(stops),
        letters=_readable(seen.messages),
    )


def _readable(messages: Sequence[outbox.SentOrWaiting]) -> list[outbox.SentOrWaiting]:
    """The letters among them that can be read, each with the day that it left."""
    # One that goes on by another way has not left by it yet.
    return [
        replace(one, sent_at=one.sent_at or one.created_at)
        for one in messages
        if one.document_sha256
    ]


@debtor.get("/case/<reference>/history")
def show_history() -> Response:
    """What has happened in the case, the oldest first, and what comes next."""
    case, today = access.current_case(), clock.today()
    due = cases.amount_due(case, today)
    told = history.of_case(case.id)[::-1]
    letters = outbox.messages_of(case.id)
    return render(
        "debtor/history.html",
        case=case,
        happened=list(timeline(told, letters, case.creditor.name)),
        coming=coming.of_case(case, due.principal_ore, today),
    )


@debtor.get("/case/<reference>/invoice")
def show_invoice() -> Response:
    """The invoice that the case is about, as the creditor sent it."""
    case = access.current_case()
    return render("debtor/invoice.html", case=case, invoice=case.invoice)


@debtor.get("/case/<reference>/invoice/file")
def download_invoice() -> Response:
    """The invoice's own file, where the creditor gave one."""
    invoice = access.current_case().invoice
    if invoice.document_sha256 is None:
        raise NotFound
    response = make_response(files.read(invoice.document_sha256))
    # Somebody else's file: it is kept or opened elsewhere, never shown as a page of ours.
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers.set("Content-Disposition", "attachment", filename=f"{invoice.id}.xml")
    return response


@debtor.get("/case/<reference>/letters/<int:message_id>.pdf")
def read_letter(message_id: int) -> Response:
    """A letter as it was sent."""
    case = access.current_case()
    for message in outbox.messages_of(case.id):
        if message.id == message_id and message.document_sha256:
            return pdf(files.read(message.document_sha256), f"{message.kind}-{case.reference}.pdf")
    raise NotFound


@debtor.get("/case/<reference>/receipts/<number>")
def show_receipt(number: str) -> Response:
    """What was paid, for what, and whether anything is left."""
    found = _receipt(number)
    due = cases.amount_due(found.case, clock.today())
    return render(
        "debtor/receipt.html",
        payment=found.payment,
        case=found.case,
        due=due,
        covers=booking.covers(found.payment),
        refunds=_refunds_of(found.case.id, [found.payment]),
    )


def _refunds_of(case_id: int, payments: Sequence[Payment]) -> list[refunds.Shown]:
    """What goes back of some payments of a case."""
    if not payments:
        return []
    theirs = {one.id for one in payments}
    return [one for one in refunds.of_case(case_id) if one.payment_id in theirs]


@debtor.get("/case/<reference>/receipts/<number>.pdf")
def download_receipt(number: str) -> Response:
    """The receipt as a PDF."""
    found = _receipt(number)
    data = render_receipt(
        booking.receipt_content(found), language=languages.current().code, settings=settings()
    )
    return pdf(data, f"receipt-{number}.pdf")


def _receipt(number: str) -> booking.Receipt:
    found = booking.receipt(number)
    if found is None or found.case.id != access.current_case().id:
        raise NotFound
    return found
