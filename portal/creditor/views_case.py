"""One case, with all that belongs to it."""

from datetime import date
from typing import Any

from flask import Response, flash, make_response, url_for
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock, ledger
from portal.collection import attachments, cases, disputes, history, places, plans, tellings
from portal.creditor import access, case_acts, events
from portal.creditor.case_facts import CaseFacts, gather
from portal.creditor.forms_protected import ShowForm, show_form
from portal.creditor.views import creditor
from portal.database import files
from portal.delivery import outbox
from portal.delivery.outbox import SentOrWaiting
from portal.extensions import db
from portal.payments import booking, payouts
from portal.web.rendering import go, render


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
        payments=[(one, booking.covers(one)) for one in booking.payments_of(facts.case.id)],
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
    return _parties(gather(reference, clock.today()))


def _parties(
    facts: CaseFacts, form: ShowForm | None = None, *, status: int = 200, is_shown: bool = False
) -> Response:
    found = places.of(facts.case.debtor, is_shown=is_shown)
    showing = form or (show_form(_letters(facts), facts) if found.is_protected else None)
    response = _page(
        "creditor/case_parties.html", facts, others=cases.others_of(facts.case), places=found,
        showing=showing,
    )  # fmt: skip
    response.status_code = status
    return response


def _letters(facts: CaseFacts) -> list[SentOrWaiting]:
    return [one for one in outbox.messages_of(facts.case.id) if one.document_sha256]


@creditor.post("/<key>/cases/<reference>/protected")
def show_protected(reference: str) -> Response:
    """Show once what is protected of a debtor, to an administrator who says why."""
    access.require_administrator()
    facts = gather(reference, clock.today())
    if not facts.places.is_protected:
        return go(url_for("creditor.show_case_parties", reference=reference))
    letters = _letters(facts)
    form = show_form(letters, facts, is_new=False)
    if not form.validate():
        return _parties(facts, form, status=422)
    what, _, number = str(form.what.data).partition("-")
    places.show(
        facts.case.id, what, form.reason.data or "", actor=access.actor(), now=clock.now()
    )  # fmt: skip
    db.session.commit()
    if what == places.LETTER:
        return _as_letter(facts, next(one for one in letters if str(one.id) == number))
    if what == places.INVOICE:
        return _as_invoice(facts)
    return _parties(facts, is_shown=True)


@creditor.get("/<key>/cases/<reference>/documents/<int:message_id>.pdf")
def read_document(reference: str, message_id: int) -> Response:
    """A letter as it was sent."""
    facts = gather(reference, clock.today())
    for message in _letters(facts):
        if message.id == message_id:
            return _to_debtor(facts) if facts.places.is_hidden else _as_letter(facts, message)
    raise NotFound


def _to_debtor(facts: CaseFacts) -> Response:
    """Where what is protected can be shown to who says why."""
    flash(gettext("The debtor has a protected identity. An administrator can have this shown."),
          "warn")  # fmt: skip
    address = url_for(
        "creditor.show_case_parties", reference=facts.case.reference, _anchor="protected"
    )
    return go(address)


def _as_letter(facts: CaseFacts, message: SentOrWaiting) -> Response:
    response = make_response(files.read(message.document_sha256 or ""))
    response.headers["Content-Type"] = "application/pdf"
    name = f"{message.kind}-{facts.case.reference}.pdf"
    response.headers.set("Content-Disposition", "inline", filename=name)
    return response


@creditor.get("/<key>/cases/<reference>/invoice-file")
def download_invoice(reference: str) -> Response:
    """The invoice's own file, as it was uploaded."""
    facts = gather(reference, clock.today())
    if facts.case.invoice.document_sha256 is None:
        raise NotFound
    return _to_debtor(facts) if facts.places.is_hidden else _as_invoice(facts)


def _as_invoice(facts: CaseFacts) -> Response:
    invoice = facts.case.invoice
    response = make_response(files.read(invoice.document_sha256 or ""))
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers.set(
        "Content-Disposition", "attachment", filename=invoice.document_filename or "invoice.xml"
    )
    return response
