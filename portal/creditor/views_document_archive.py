"""Documents that are kept: in folders, until when, on hold, taken along, and who has had them."""

from flask import Response, flash, make_response, url_for
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.creditor import access, document_texts
from portal.creditor.forms_documents import FolderForm, HoldForm
from portal.creditor.names import actor_name
from portal.creditor.views import creditor
from portal.creditor.views_documents import (
    accesses_asked_for,
    document_page,
    documents_page,
    envelope_of,
    page_of,
    refused,
    wanted,
)
from portal.creditor.views_reports import language
from portal.extensions import db, settings
from portal.law import keeping as law
from portal.messages import RedaError
from portal.reporting import archives, orders
from portal.reporting.models import ARCHIVE
from portal.signing import access_log, envelopes, events, evidence, folders, keeping
from portal.web import spreadsheets
from portal.web.formats import date_time
from portal.web.forms import text
from portal.web.rendering import go, render


@creditor.post("/<key>/documents/move")
def move_documents() -> Response:
    """Put the chosen documents into a folder, or take them out."""
    form = FolderForm()
    if not form.validate():
        return documents_page(wanted(), form, 422)
    try:
        count = folders.move(
            access.role().creditor_id, request.form.getlist("document"), form.folder.data or ""
        )
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return documents_page(wanted(), form, 422)
    db.session.commit()
    flash(gettext("Moved: %(count)s", count=count), "good")
    return go(url_for("creditor.list_documents", folder=form.folder.data or None))


@creditor.post("/<key>/documents/rename-folder")
def rename_folder() -> Response:
    """Call a folder something else."""
    before, form = request.form.get("before", ""), FolderForm()
    try:
        if not form.validate():
            raise RedaError(str(form.folder.errors[0]), field="folder")
        name = folders.rename(access.role().creditor_id, before, form.folder.data or "")
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "danger")
        return go(url_for("creditor.list_documents", folder=before))
    db.session.commit()
    flash(gettext("The folder is called %(name)s now.", name=name), "good")
    return go(url_for("creditor.list_documents", folder=name))


@creditor.post("/<key>/documents/archive")
def archive_documents() -> Response:
    """Have the chosen documents put into an archive."""
    try:
        chosen = archives.of_documents(request.form.getlist("document"), today=clock.today())
        order = orders.put(
            access.role().creditor_id, ARCHIVE, chosen, language=language(),
            actor=access.actor(), now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
        return go(url_for("creditor.list_documents"))
    for one in chosen["keys"]:
        envelope = envelopes.find(one)
        if envelope is not None:
            access_log.note_downloaded(
                envelope, "", "ZIP", actor=access.actor(), now=clock.now()
            )  # fmt: skip
    db.session.commit()
    flash(gettext("You may leave this page; the archive is kept for you."), "info")
    return go(url_for("creditor.show_order", order_id=order.id))


@creditor.get("/<key>/documents/<envelope_key>/log.csv", defaults={"kind": "csv"})
@creditor.get("/<key>/documents/<envelope_key>/log.xlsx", defaults={"kind": "xlsx"})
def export_document_log(envelope_key: str, kind: str) -> Response:
    """Who opened, read, signed and downloaded a document, as a spreadsheet."""
    envelope = envelope_of(envelope_key)
    rows = accesses_asked_for(events.of(envelope))
    return spreadsheets.answer(
        kind,
        f"log-{envelope.key}",
        [gettext("When"), gettext("Who"), gettext("What"), gettext("File"), gettext("Pages")],
        [
            [
                date_time(one.at), one.who, str(document_texts.ACCESSES[one.kind]),
                one.file_name, evidence.ranges(one.pages),
            ]
            for one in rows
        ],
    )  # fmt: skip


@creditor.get("/<key>/documents/<envelope_key>/evidence.pdf", defaults={"kind": "pdf"})
@creditor.get("/<key>/documents/<envelope_key>/evidence.json", defaults={"kind": "json"})
def download_evidence(envelope_key: str, kind: str) -> Response:
    """The evidence as it is now, to read, or its log, to verify."""
    envelope = envelope_of(envelope_key)
    if envelope.status == envelopes.DRAFT:
        raise NotFound
    if kind == "pdf":
        data = evidence.render(envelope, now=clock.now(), settings=settings())
    else:
        data = events.canonical(events.log_of(envelope))
    name = f"evidence-{envelope.key}.{kind}"
    if request.method == "GET":
        access_log.note_downloaded(envelope, "", name, actor=access.actor(), now=clock.now())
        db.session.commit()
    response = make_response(data, 200, {"Content-Type": f"application/{kind}"})
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@creditor.post("/<key>/documents/<envelope_key>/hold")
def hold_document(envelope_key: str) -> Response:
    """Keep a document whatever its rule says."""
    access.require_administrator()
    envelope, form = envelope_of(envelope_key), HoldForm()
    if form.validate():
        try:
            keeping.hold(
                envelope, form.reason.data or "", actor=access.actor(), now=clock.now()
            )  # fmt: skip
            db.session.commit()
            flash(gettext("It is on legal hold, and is not deleted."), "good")
            return go(page_of(envelope))
        except RedaError as error:
            db.session.rollback()
            form.take(error)
    return document_page(envelope, 422, holding=form)


@creditor.post("/<key>/documents/<envelope_key>/release")
def release_document(envelope_key: str) -> Response:
    """End a hold."""
    access.require_administrator()
    envelope = envelope_of(envelope_key)
    keeping.release(envelope, actor=access.actor(), now=clock.now())
    db.session.commit()
    flash(gettext("The legal hold is lifted."), "good")
    return go(page_of(envelope))


@creditor.post("/<key>/documents/<envelope_key>/delete")
def delete_document(envelope_key: str) -> Response:
    """Delete a document that has ended."""
    access.require_administrator()
    envelope = envelope_of(envelope_key)
    try:
        keeping.delete(envelope, actor=access.actor(), today=clock.today(), now=clock.now())
    except RedaError as error:
        return refused(envelope_key, error)
    db.session.commit()
    flash(gettext("It is deleted. Its files are removed within a day."), "good")
    return go(url_for("creditor.list_documents"))


@creditor.get("/<key>/documents/keeping")
def show_keeping() -> Response:
    """How long documents are kept, why, and what was deleted."""
    return _keeping_page()


def _keeping_page(
    status: int = 200, problem: RedaError | None = None, given: dict[str, str] | None = None
) -> Response:
    creditor_id = access.role().creditor_id
    return render(
        "creditor/document_keeping.html",
        status=status,
        rules=keeping.rules(creditor_id),
        deleted=keeping.deleted(creditor_id),
        problem=problem,
        given=given or {},
        most_years=law.MOST_YEARS,
        texts=document_texts,
        actor_name=actor_name,
    )


@creditor.post("/<key>/documents/keeping")
def save_keeping() -> Response:
    """Choose how long each kind is kept."""
    access.require_administrator()
    given = {one.kind: request.form.get(one.kind, "").strip() for one in law.DOCUMENTS}
    try:
        changed = keeping.save(
            access.role().creditor_id,
            {kind: keeping.read_years(kind, years) for kind, years in given.items()},
            actor=access.actor(),
            now=clock.now(),
        )
    except RedaError as error:
        db.session.rollback()
        return _keeping_page(error.status, error, given)
    db.session.commit()
    flash(
        gettext("Saved. It holds for documents that have ended already, too.")
        if changed else gettext("Nothing has changed."),
        "good" if changed else "info",
    )  # fmt: skip
    return go(url_for("creditor.show_keeping"))
