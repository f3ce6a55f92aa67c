"""One case, with all that belongs to it."""

from datetime import date
from typing import Any

from flask import Response, make_response
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock, ledger
from portal.collection import attachments, cases, disputes, history, plans, tellings
from portal.creditor import access, case_acts, events
from portal.creditor.case_facts import CaseFacts, gather
from portal.creditor.views import creditor
from portal.database import files
from portal.delivery import outbox
from portal.payments import booking, payouts
from portal.web.rendering import render


def _page(template: str, facts: CaseFacts, *, block: str | None = None, **values: Any) -> Response:
    return render(
        template, block=block, facts=facts, case=facts.case, due=facts.due, stops=facts.stops,
        **values,
    )  # fmt: skip


@creditor.get("/<key>/cases/<reference>")
def show_case(reference: str) -> Response:
    """What happens next, what is owed and why, what can be done, and what has happened."""
    facts = gather(reference, clock.today())
    kind = request.args.get("kind", "")
    before = request.args.get("before", type=int)
    found = history.page_of_case(facts.case.id, names=events.names_of(kind), before=before)
    return _page(
        "creditor/case.html",
        facts,
        block="timeline",
        parts=cases.explain(facts.case, facts.due),
        disputes=disputes.of_case(facts.case.id),
        sent=attachments.sent_with(facts.case.id),
        told=tellings.of_case(facts.case.id),
        told_files=attachments.told_with(facts.case.id),
        told_acts=case_acts.TOLD,
        undisputed_ore=disputes.undisputed_ore(facts.dispute, facts.due) if facts.dispute else 0,
        progress=plans.progress(facts.plan) if facts.plan else [],
        acts=case_acts.offered(facts) if access.role().may_change else [],
        events=[events.tell(one) for one in found.events],
        older=found.before,
        before=before,
        kind=kind,
        kinds=events.KINDS,
        messages=outbox.messages_of(facts.case.id),
        owed_ore=ledger.owed_to(facts.case.creditor_id, facts.case.id),
    )


@creditor.get("/<key>/cases/<reference>/letters")
def show_case_letters(reference: str) -> Response:
    """What was written to the debtor, as it was sent."""
    facts = gather(reference, clock.today())
    return _page("creditor/case_letters.html", facts, messages=outbox.messages_of(facts.case.id))


@creditor.get("/<key>/cases/<reference>/money")
def show_case_money(reference: str) -> Response:
    """What is owed by part, on any day; what came; and the books of the case."""
    facts = gather(reference, clock.today())
    on = _day(request.args.get("on", ""))
    then = cases.owed_on(facts.case, on) if on else None
    return _page(
        "creditor/case_money.html",
        facts,
        parts=cases.explain(facts.case, facts.due),
        on=on,
        then=then,
        entries=ledger.entries(facts.case.id),
        payments=booking.payments_of(facts.case.id),
        payouts=payouts.of_case(facts.case.id),
        owed_ore=ledger.owed_to(facts.case.creditor_id, facts.case.id),
    )


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


@creditor.get("/<key>/cases/<reference>/parties")
def show_case_parties(reference: str) -> Response:
    """The debtor and the invoice."""
    facts = gather(reference, clock.today())
    return _page("creditor/case_parties.html", facts, others=cases.others_of(facts.case))


@creditor.get("/<key>/cases/<reference>/documents/<int:message_id>.pdf")
def read_document(reference: str, message_id: int) -> Response:
    """A letter as it was sent."""
    case = gather(reference, clock.today()).case
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
    invoice = gather(reference, clock.today()).case.invoice
    if invoice.document_sha256 is None:
        raise NotFound
    response = make_response(files.read(invoice.document_sha256))
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers.set(
        "Content-Disposition", "attachment", filename=invoice.document_filename or "invoice.xml"
    )
    return response
