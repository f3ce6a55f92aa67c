"""What is held about the debtor: to read, to correct, and as a file (GDPR articles 15, 16, 20)."""

import io
import json
import zipfile
from collections.abc import Iterable

from flask import Response, flash, make_response, url_for
from flask_babel import gettext

from portal import clock
from portal.collection import (
    attachments,
    cases,
    correspondence,
    disputes,
    entry_codes,
    entry_links,
    history,
    plans,
    tellings,
)
from portal.collection.models import Attachment, Case
from portal.database import files
from portal.debtor import access, hidden
from portal.debtor.events import timeline
from portal.debtor.forms_says import CorrectionForm
from portal.debtor.limits import visitor
from portal.debtor.views import debtor
from portal.delivery import outbox
from portal.extensions import db, limiter
from portal.identity.actor import DEBTOR
from portal.law import keeping
from portal.messages import RedaError
from portal.payments import booking, refunds
from portal.signing import events, plan_signing
from portal.web import languages
from portal.web.rendering import go, render


@debtor.get("/privacy")
def show_privacy() -> Response:
    """How data are used, why, and for how long."""
    return render("debtor/privacy.html", kept=keeping.KEPT)


@debtor.get("/data")
def list_data() -> Response:
    """All the cases of the visit, each with its page, and one file of them all."""
    return render("debtor/data_of_all.html", cases=cases.of_ids(access.opened()))


@debtor.get("/data.zip")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def download_all_cases() -> Response:
    """All the cases of the visit as one file, with letters."""
    seen = [one for one in cases.of_ids(access.opened()) if access.may_see_where(one)]
    return _file(_zipped(seen), "application/zip", "reda.zip")


@debtor.get("/case/<reference>/data")
def show_data() -> Response:
    """What is held for the case, in plain words."""
    return _page(CorrectionForm(formdata=None))


@debtor.post("/case/<reference>/data")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def ask_to_correct() -> Response:
    """Tell the creditor what is wrong among it."""
    case, form = cases.lock(access.current_case().id), CorrectionForm()
    if not form.validate():
        return _page(form, status=422)
    try:
        tellings.tell(
            case, tellings.CORRECTION, facts=tellings.correction_facts(what=form.what.data),
            words=form.words.data or "", files=[], language=languages.current().code,
            actor=DEBTOR, now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, status=error.status)
    db.session.commit()
    flash(gettext("It is sent. The answer comes on this page."), "good")
    return go(url_for("debtor.show_data"))


def _page(form: CorrectionForm, *, status: int = 200) -> Response:
    case = access.current_case()
    asked, letters = tellings.of_case(case.id, tellings.CORRECTION), outbox.messages_of(case.id)
    return render(
        "debtor/data.html",
        status=status,
        case=case,
        by_debtor=hidden.by_debtor(case),
        others=[one for one in cases.of_ids(access.opened()) if one.id != case.id],
        due=cases.amount_due(case, clock.today()),
        payments=booking.payments_of(case.id),
        # What was withdrawn before it left has reached nobody.
        letters=[one for one in letters if one.sent_at or one.document_sha256],
        messages=correspondence.of_case(case.id),
        happened=list(timeline(history.of_case(case.id)[::-1], letters, case.creditor.name)),
        kept=keeping.KEPT,
        form=form,
        asked=asked,
        answer_by={one.id: keeping.answer_by(clock.day_of(one.told_at)) for one in asked},
        waits=any(one.settled_at is None for one in asked),
    )


@debtor.get("/case/<reference>/data.json")
def download_data() -> Response:
    """The same for machines."""
    case = access.current_case()
    return _file(_as_json(case), "application/json", f"{case.reference}.json")


@debtor.get("/case/<reference>/data.zip")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def download_all() -> Response:
    """The same, with each letter as it was sent, and each file that the debtor has sent."""
    case = access.current_case()
    return _file(_zipped([case]), "application/zip", f"{case.reference}.zip")


def _zipped(some: Iterable[Case]) -> bytes:
    """What is held for some cases, each in a folder of its own."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for case in some:
            archive.writestr(f"{case.reference}/data.json", _as_json(case))
            for one in outbox.messages_of(case.id):
                if one.document_sha256:
                    name = f"{case.reference}/{one.kind}-{one.id}.pdf"
                    archive.writestr(name, files.read(one.document_sha256))
            for signed, sealed in _signed(case):
                archive.writestr(f"{case.reference}/{signed}", files.read(sealed))
            for sent in _files_of(case):
                name = f"{case.reference}/{sent.id}-{sent.filename}"
                archive.writestr(name, attachments.read(sent))
    return kept.getvalue()


def _signed(case: Case) -> list[tuple[str, str]]:
    """The name and the hash of each signed plan, for the debtor alone.

    The identity number stands in it, and who has the letter's code need not be its person.
    """
    if not access.is_own(case):
        return []
    number = case.debtor.identity_number
    return [
        (f"{plan.kind}-{one.id}.pdf", one.sealed_sha256)
        for plan in plan_signing.of_case(case.id)
        for one in plan_signing.sealed_for(plan, number)
        if one.sealed_sha256
    ]


def _files_of(case: Case) -> list[Attachment]:
    """The files that the debtor has sent, the oldest first."""
    return [one for one in reversed(attachments.of_case(case.id)) if one.is_from_debtor]


def _file(data: bytes, kind: str, name: str) -> Response:
    response = make_response(data, 200, {"Content-Type": kind})
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _as_json(case: Case) -> bytes:
    due, person, told = cases.amount_due(case, clock.today()), case.debtor, case.debtor.told
    fields = ("email", "phone", "address_line", "postcode", "town", "country", "language")
    # The identity number is left out: who has the letter's code need not be its person.
    content = {
        "name": person.name,
        "customer_number": person.customer_number,
        "told_by_creditor": {name: getattr(person, name) for name in fields},
        "told_by_you": {
            **hidden.by_debtor(case), "language": told.language, "channel": told.channel,
        } if told else {},
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
        "refunds": [
            {"amount_ore": one.amount_ore, "account": one.account, "on": one.paid_on}
            for one in refunds.of_case(case.id)
        ],
        "plans": [
            {"status": plan.status, "agreed_on": plan.agreed_on, "ended_on": plan.ended_on,
             "payments": [
                 {"due_on": one.due_on, "amount_ore": one.amount_ore} for one in plan.instalments
             ]}
            for plan in plans.of_case(case.id)
        ],
        "agreements": [
            {"title": plan.title, "status": plan.status, "sent_at": plan.sent_at,
             "sign_by": plan.last_on, "ended_at": plan.ended_at,
             "events": [{"name": one.name, "at": one.occurred_at} for one in events.of(plan)]}
            for plan in plan_signing.of_case(case.id)
        ],
        "ways_in": [
            *({"way": "link", "channel": one.channel, "made_at": one.made_at,
               # One that was ended before its time was used by nobody.
               "used_at": one.used_at if one.used_by else None}
              for one in entry_links.of_case(case.id)),
            *({"way": "code", "channel": one.channel, "made_at": one.asked_at,
               "used_at": one.used_at}
              for one in entry_codes.of_case(case.id)),
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
        "told": [
            {"about": one.stop, "facts": one.facts, "words": one.words, "told_at": one.told_at,
             "outcome": one.outcome, "answer": one.answer, "answer_language": one.answer_language,
             "answered_at": one.settled_at}
            for one in tellings.of_case(case.id)
        ],
        "objections": [
            {"reason": dispute.reason, "amount_ore": dispute.amount_ore, "outcome": dispute.status,
             "credited_ore": dispute.credited_ore, "answered_at": dispute.answered_at,
             "said": [
                 {"kind": one.kind, "words": one.words, "language": one.language,
                  "said_at": one.said_at}
                 for one in dispute.turns
             ]}
            for dispute in disputes.of_case(case.id)
        ],
        "files": [
            {"name": one.filename, "size": one.size, "sent_at": one.added_at}
            for one in _files_of(case)
        ],
        "events": [
            {"name": one.name, "at": one.occurred_at} for one in history.of_case(case.id)
        ],
        "kept": [
            {"what": one.name, "years": one.years, "rule": one.rule} for one in keeping.KEPT
        ],
    }  # fmt: skip
    return json.dumps(content, default=str, ensure_ascii=False, indent=2).encode()
