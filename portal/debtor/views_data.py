"""What is held about the debtor: to read, and as a file (GDPR articles 15 and 20)."""

import io
import json
import zipfile

from flask import Response, make_response

from portal import clock
from portal.collection import cases, correspondence, history
from portal.database import files
from portal.debtor import access
from portal.debtor.views import debtor
from portal.delivery import outbox
from portal.extensions import limiter
from portal.payments import booking
from portal.web.rendering import render


@debtor.get("/privacy")
def show_privacy() -> Response:
    """How data are used, why, and for how long."""
    return render("debtor/privacy.html")


@debtor.get("/case/<reference>/data")
def show_data() -> Response:
    """What is held for the case, in plain words."""
    case = access.current_case()
    return render(
        "debtor/data.html",
        case=case,
        due=cases.amount_due(case, clock.today()),
        payments=booking.payments_of(case.id),
        letters=outbox.messages_of(case.id),
        messages=correspondence.of_case(case.id),
    )


@debtor.get("/case/<reference>/data.json")
def download_data() -> Response:
    """The same for machines."""
    return _file(_as_json(), "application/json", "json")


@debtor.get("/case/<reference>/data.zip")
@limiter.limit("10 per minute; 60 per hour")
def download_all() -> Response:
    """The same, with each letter as it was sent."""
    case, kept = access.current_case(), io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", _as_json())
        for one in outbox.messages_of(case.id):
            if one.document_sha256:
                archive.writestr(f"{one.kind}-{one.id}.pdf", files.read(one.document_sha256))
    return _file(kept.getvalue(), "application/zip", "zip")


def _file(data: bytes, kind: str, ending: str) -> Response:
    response = make_response(data, 200, {"Content-Type": kind})
    name = f"{access.current_case().reference}.{ending}"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _as_json() -> bytes:
    case = access.current_case()
    due, person, told = cases.amount_due(case, clock.today()), case.debtor, case.debtor.told
    fields = ("email", "phone", "address_line", "postcode", "town", "country", "language")
    # The identity number is left out: who has the letter's code need not be its person.
    content = {
        "name": person.name,
        "customer_number": person.customer_number,
        "told_by_creditor": {name: getattr(person, name) for name in fields},
        "told_by_you": {name: getattr(told, name) for name in (*fields, "channel")} if told else {},
        "creditor": {
            "name": case.creditor.name,
            "organisation_number": case.creditor.organisation_number,
        },
        "reference": case.reference,
        "status": case.status,
        "opened_on": case.opened_on,
        "closed_on": case.closed_on,
        "invoice": {
            "number": case.invoice.number,
            "issued_on": case.invoice.issued_on,
            "due_on": case.due_on,
            "description": case.invoice.description,
            "amount_ore": case.invoice.amount_ore,
        },
        "owed_ore": {
            "principal": due.principal_ore, "interest": due.interest_ore, "fees": due.fees_ore,
            "total": due.total_ore,
        },
        "currency": case.currency,
        "payments": [
            {"amount_ore": one.amount_ore, "on": one.value_on, "receipt": one.receipt_number}
            for one in booking.payments_of(case.id)
        ],
        "letters": [
            {"kind": one.kind, "channel": one.channel, "language": one.language,
             "written_at": one.created_at, "sent_at": one.sent_at}
            for one in outbox.messages_of(case.id)
        ],
        "messages": [
            {"from_you": one.is_from_debtor, "words": one.words, "language": one.language,
             "said_at": one.said_at}
            for one in correspondence.of_case(case.id)
        ],
        "events": [
            {"name": one.name, "at": one.occurred_at} for one in history.of_case(case.id)
        ],
    }  # fmt: skip
    return json.dumps(content, default=str, ensure_ascii=False, indent=2).encode()
