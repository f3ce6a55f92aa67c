"""Documents to sign: the list, a new one, and what a draft is called and how it is sent."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from flask import Response, flash, url_for
from flask_babel import gettext, pgettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import places
from portal.creditor import access, document_texts
from portal.creditor.forms_documents import (
    AttachmentsForm,
    DocumentFilesForm,
    DocumentForm,
    FolderForm,
    HoldForm,
    MoreTimeForm,
    ReasonForm,
)
from portal.creditor.names import actor_name
from portal.creditor.views import creditor
from portal.extensions import db
from portal.messages import RedaError
from portal.signing import (
    access_log,
    drafts,
    envelopes,
    events,
    evidence,
    folders,
    keeping,
    listing,
    pdfs,
    sending_lists,
)
from portal.signing.drafts import Refused
from portal.signing.models import OF_THE_SERVICE, Envelope, EnvelopeEvent, Signer
from portal.web import spreadsheets
from portal.web.forms import Form, text
from portal.web.rendering import go, render


def wanted() -> listing.Wanted:
    """Which documents the address asks for."""
    asked, given = request.args.getlist("status"), request.args
    kinds = given.getlist("type")
    return listing.Wanted(
        text=given.get("q", "")[:100],
        statuses=tuple(one for one in listing.STATUSES if one in asked),
        kinds=tuple(one for one in document_texts.KINDS if one in kinds),
        person=given.get("person", "")[:100],
        # A hyphen stands for those that are in no folder.
        folder={"": None, "-": ""}.get(folder := given.get("folder", ""), folder),
        made_from=_day("from"),
        made_to=_day("to"),
        deleted_by=clock.today() + keeping.TOLD_BEFORE if given.get("deleted") == "soon" else None,
        sort=given.get("sort", listing.NEWEST),
    )


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def query_of(chosen: listing.Wanted) -> dict[str, object]:
    """What an address says that asks for some documents."""
    return {
        "q": chosen.text or None,
        "status": list(chosen.statuses) or None,
        "type": list(chosen.kinds) or None,
        "person": chosen.person or None,
        "folder": "-" if chosen.folder == "" else chosen.folder,
        "from": chosen.made_from.isoformat() if chosen.made_from else None,
        "to": chosen.made_to.isoformat() if chosen.made_to else None,
        "deleted": "soon" if chosen.deleted_by else None,
        "sort": chosen.sort if chosen.sort != listing.NEWEST else None,
    }


def is_hidden_signer(signer: Signer) -> bool:
    """Whether it is not shown where somebody who signs is written to."""
    return places.is_hidden_person(access.role().creditor_id, signer.identity_number)


@creditor.context_processor
def _for_templates() -> dict[str, object]:
    return {"is_hidden_signer": is_hidden_signer}


@creditor.get("/<key>/documents")
def list_documents() -> Response:
    """The documents, filtered as the address says."""
    return documents_page(wanted(), FolderForm(formdata=None))


def documents_page(chosen: listing.Wanted, folder: FolderForm, status: int = 200) -> Response:
    """The list. folder: the form that moves those that are chosen in it."""
    creditor_id = access.role().creditor_id
    after = request.args.get("after", type=int)
    return render(
        "creditor/documents.html",
        block="list",
        status=status,
        page=listing.page(creditor_id, chosen, after),
        after=after,
        chosen=chosen,
        query=query_of(chosen),
        counts=listing.counts(creditor_id),
        kinds=listing.kinds(creditor_id),
        folders=folders.of(creditor_id),
        folder_form=folder,
        most_named=listing.MOST_NAMED,
        texts=document_texts,
        today=clock.today(),
    )


@creditor.get("/<key>/documents.csv", defaults={"kind": "csv"})
@creditor.get("/<key>/documents.xlsx", defaults={"kind": "xlsx"})
def export_documents(kind: str) -> Response:
    """Every document that the filter shows, as a spreadsheet."""
    return spreadsheets.answer(
        kind,
        "documents",
        [
            gettext("Name"), gettext("Version"), gettext("Status"), gettext("Have signed"),
            gettext("Of"), gettext("Waits for"), gettext("Last day to sign"), gettext("Sent by"),
            pgettext("document", "Made"), gettext("Sent"), gettext("Ended"),
        ],
        map(_cells, listing.every(access.role().creditor_id, wanted())),
    )  # fmt: skip


def _cells(row: listing.Row) -> list[object]:
    days = [
        clock.day_of(one) if one else None for one in (row.created_at, row.sent_at, row.ended_at)
    ]
    waited_for = document_texts.waited_for(list(row.waited_for), listing.MOST_NAMED)
    return [
        row.title, row.version, document_texts.status(row.status), row.signed, row.of, waited_for,
        row.last_on, row.sender_name, *days,
    ]  # fmt: skip


def envelope_of(envelope_key: str) -> Envelope:
    """The company's own, or nothing is there."""
    found = envelopes.find(envelope_key)
    if found is None or found.creditor_id != access.role().creditor_id:
        raise NotFound
    if found.kind in OF_THE_SERVICE:
        raise NotFound
    return found


def page_of(envelope: Envelope) -> str:
    """The address of a document's page."""
    return url_for("creditor.show_document", envelope_key=envelope.key)


def refused(envelope_key: str, error: RedaError) -> Response:
    """Back to the document, with what is wrong told above it."""
    db.session.rollback()
    flash(text(error), "danger")
    return go(url_for("creditor.show_document", envelope_key=envelope_key))


def uploads() -> list[tuple[str, bytes]]:
    """The files that were sent: name and content of each."""
    sent = [one for one in request.files.getlist("files") if one.filename]
    return [(one.filename or "", one.read()) for one in sent]


@creditor.get("/<key>/documents/new")
def new_document() -> Response:
    """Choose files."""
    access.require_may_change()
    return render("creditor/document_new.html", form=DocumentFilesForm(formdata=None))


@creditor.post("/<key>/documents/new")
def begin_document() -> Response:
    """Make a draft of files."""
    form, sent = DocumentFilesForm(), uploads()
    if not sent:
        form.files.errors = [gettext("Choose a file first.")]
        return render("creditor/document_new.html", status=422, form=form)
    today = clock.today()
    envelope = envelopes.draft(
        access.role().creditor_id,
        title=drafts.title_from(sent[0][0]) or gettext("Document"),
        last_on=today + timedelta(days=envelopes.DAYS_OPEN),
        actor=access.actor(),
        sender_email=current_user.email,
        now=clock.now(),
    )
    added = drafts.add(envelope, sent, drafts.DOCUMENT)
    if not added.kept:
        db.session.rollback()
        show_refused(form, added.refused)
        return render("creditor/document_new.html", status=422, form=form)
    db.session.commit()
    for one in added.refused:
        flash(f"{one.name}: {text(one.problem)}", "danger")
    return go(page_of(envelope))


def show_refused(form: DocumentFilesForm | AttachmentsForm, problems: Sequence[Refused]) -> None:
    """Tell at the field which files were not taken, and why."""
    form.files.errors = [f"{one.name}: {text(one.problem)}" for one in problems]


@creditor.get("/<key>/documents/<envelope_key>")
def show_document(envelope_key: str) -> Response:
    """A draft to be worked on, how far it has come, or what is left of it."""
    if (gone := keeping.find_deleted(access.role().creditor_id, envelope_key)) is not None:
        return render(
            "creditor/document_deleted.html", status=410, gone=gone, texts=document_texts,
            actor_name=actor_name,
        )  # fmt: skip
    envelope = envelope_of(envelope_key)
    # Who only filters what is shown has opened it already.
    if request.method == "GET" and not request.htmx:
        access_log.note_opened(envelope, actor=access.actor(), now=clock.now())
        db.session.commit()
    return document_page(envelope)


def document_page(envelope: Envelope, status: int = 200, **forms: Form) -> Response:
    """The page of a document. forms: those that come back with errors in them, by their names."""
    if envelope.status == envelopes.DRAFT:
        return _draft_page(envelope, status, **forms)
    signers = envelopes.signers_of(envelope)
    log = events.of(envelope)
    names = {one.key: one.name for one in signers}
    documents = envelopes.files_of(envelope, drafts.DOCUMENT)
    return render(
        "creditor/document_sent.html",
        status=status,
        envelope=envelope,
        documents=documents,
        attachments=envelopes.files_of(envelope, drafts.ATTACHMENT),
        signers=signers,
        shown=_pages_shown(log),
        signed_as=_other_names(log, names),
        pages=sum(one.pages or 0 for one in documents),
        events=document_texts.timeline(log, names),
        texts=document_texts,
        accesses=accesses_asked_for(log),
        ranges=evidence.ranges,
        people=sorted({one.who for one in access_log.of(log)}),
        rule=keeping.rule_of(envelope),
        hold=keeping.held_by(envelope),
        why_kept=keeping.why_kept(envelope, today=clock.today()),
        deleted_on=keeping.deletion_day(envelope, today=clock.today()),
        holding=forms.get("holding") or HoldForm(formdata=None),
        time=forms.get("time") or MoreTimeForm(formdata=None, data={"last_on": envelope.last_on}),
        why=forms.get("why") or ReasonForm(formdata=None),
        renewing=forms.get("renewing") or ReasonForm(formdata=None),
        today=clock.today(),
    )


def accesses_asked_for(log: Sequence[EnvelopeEvent]) -> list[access_log.Access]:
    """Who did what with a document, as the address asks."""
    kinds = [one for one in access_log.KINDS if one in request.args.getlist("what")]
    return access_log.of(log, kinds=kinds, who=request.args.get("who", ""))


def _pages_shown(log: Sequence[EnvelopeEvent]) -> dict[str, int]:
    """How many pages each signer has been shown, by their keys."""
    shown: dict[str, set[tuple[str, int]]] = {}
    for one in log:
        if one.name == "page_shown" and one.signer_key:
            shown.setdefault(one.signer_key, set()).add((one.data["file"], one.data["page"]))
    return {key: len(pages) for key, pages in shown.items()}


def _other_names(log: Sequence[EnvelopeEvent], names: Mapping[str, str]) -> dict[str, str]:
    """What BankID calls those who signed under another name than the invitation's, by their keys.

    Whose number was not written down can be anybody who has the link.
    """
    return {
        one.signer_key: person
        for one in log
        if one.name == "signed" and one.signer_key
        and (person := str(one.data["person"])).casefold() != names[one.signer_key].casefold()
    }  # fmt: skip


def _draft_page(envelope: Envelope, status: int, **forms: Form) -> Response:
    documents = envelopes.files_of(envelope, drafts.DOCUMENT)
    return render(
        "creditor/document_draft.html",
        status=status,
        envelope=envelope,
        documents=documents,
        attachments=envelopes.files_of(envelope, drafts.ATTACHMENT),
        signers=envelopes.signers_of(envelope),
        lists=sending_lists.of(envelope),
        can_join=sum(not one.has_signatures for one in documents) > 1,
        files_form=forms.get("files_form") or DocumentFilesForm(formdata=None),
        attachments_form=forms.get("attachments_form") or AttachmentsForm(formdata=None),
        texts=document_texts,
        most_megabytes=pdfs.LARGEST // 1024 // 1024,
    )


@creditor.get("/<key>/documents/<envelope_key>/settings")
def edit_document(envelope_key: str) -> Response:
    """What a draft is called and how it is sent."""
    access.require_may_change()
    envelope = envelope_of(envelope_key)
    if envelope.status != envelopes.DRAFT:
        return go(page_of(envelope))
    form = DocumentForm(formdata=None, obj=envelope)
    return render("creditor/document_settings.html", envelope=envelope, form=form)


@creditor.post("/<key>/documents/<envelope_key>/settings")
def save_document(envelope_key: str) -> Response:
    """Keep what a draft is called and how it is sent."""
    envelope, form = envelope_of(envelope_key), DocumentForm()
    if form.validate():
        try:
            envelopes.require_day(form.last_on.data, clock.today())
            envelopes.change(envelope, **form.values())
            db.session.commit()
            return go(page_of(envelope))
        except RedaError as error:
            db.session.rollback()
            form.take(error)
    return render("creditor/document_settings.html", status=422, envelope=envelope, form=form)


@creditor.post("/<key>/documents/<envelope_key>/remove")
def remove_document(envelope_key: str) -> Response:
    """Throw a draft away."""
    envelope = envelope_of(envelope_key)
    title = envelope.title
    try:
        drafts.discard(envelope, actor=access.actor(), now=clock.now())
    except RedaError as error:
        return refused(envelope_key, error)
    db.session.commit()
    flash(gettext("The draft %(title)s is thrown away.", title=title), "good")
    return go(url_for("creditor.list_documents"))
