"""A file of invoices comes in: received, its columns confirmed, looked at, imported."""

from flask import Response, flash, url_for
from flask_babel import gettext, ngettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import intake
from portal.collection.models import Upload
from portal.creditor import access
from portal.creditor.forms import UploadForm, mapping_form
from portal.creditor.views import creditor
from portal.extensions import db
from portal.messages import RedaError
from portal.sources.spreadsheet import FIELDS
from portal.web.rendering import go, render

_SHOWN = 50
_PROBLEMS_SHOWN = 200
# The page that an upload is at.
_PAGES = {
    "mapping": "creditor.map_columns",
    "preview": "creditor.preview_upload",
    "imported": "creditor.show_upload",
}


def _upload(upload_id: int) -> Upload:
    upload = intake.find_upload(upload_id)
    if upload is None:
        raise NotFound
    return upload


def _page_of(upload: Upload) -> str:
    return url_for(_PAGES[upload.status], upload_id=upload.id)


@creditor.get("/<key>/invoices/upload")
def upload_invoices() -> Response:
    """Choose files."""
    access.require_may_change()
    return render("creditor/upload.html", form=UploadForm(formdata=None))


@creditor.post("/<key>/invoices/upload")
def receive_invoices() -> Response:
    """Keep the files, and go on to their next step."""
    given = [(one.filename or "", one.read()) for one in request.files.getlist("files")]
    form = UploadForm()
    try:
        received = intake.receive(
            access.role().creditor_id, given, actor=access.actor(), now=clock.now()
        )
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return render("creditor/upload.html", status=error.status, form=form)
    db.session.commit()
    if received.is_known:
        flash(gettext("This file was uploaded before. Nothing has changed."), "info")
    return go(_page_of(received.upload))


@creditor.get("/<key>/invoices/uploads/<int:upload_id>/columns")
def map_columns(upload_id: int) -> Response:
    """Say which column of a spreadsheet holds what."""
    access.require_may_change()
    upload = _upload(upload_id)
    if upload.kind != "spreadsheet" or upload.status == "imported":
        return go(_page_of(upload))
    table = intake.table_of(upload)
    form = mapping_form(table, upload.mapping)
    return render("creditor/columns.html", upload=upload, table=table, form=form, fields=FIELDS)


@creditor.post("/<key>/invoices/uploads/<int:upload_id>/columns")
def confirm_columns(upload_id: int) -> Response:
    """Remember which column holds what."""
    upload = _upload(upload_id)
    if upload.kind != "spreadsheet" or upload.status == "imported":
        return go(_page_of(upload))
    table = intake.table_of(upload)
    form = mapping_form(table, {})
    if form.validate():
        try:
            intake.map_columns(upload, form.mapping())
            db.session.commit()
            return go(url_for("creditor.preview_upload", upload_id=upload_id))
        except RedaError as error:
            db.session.rollback()
            form.take(error)
    return render(
        "creditor/columns.html",
        status=422,
        upload=_upload(upload_id),
        table=table,
        form=form,
        fields=FIELDS,
    )


@creditor.get("/<key>/invoices/uploads/<int:upload_id>/preview")
def preview_upload(upload_id: int) -> Response:
    """What an import would take in and leave out; nothing is saved."""
    access.require_may_change()
    upload = _upload(upload_id)
    if upload.status != "preview":
        return go(_page_of(upload))
    found = intake.preview(upload, today=clock.today())
    return render(
        "creditor/preview.html",
        upload=upload,
        found=found,
        invoices=found.new[:_SHOWN],
        problems=found.problems[:_PROBLEMS_SHOWN],
        labels=_labels(),
    )


@creditor.post("/<key>/invoices/uploads/<int:upload_id>/import")
def import_upload(upload_id: int) -> Response:
    """Take the good rows in."""
    upload = _upload(upload_id)
    if upload.status == "mapping":
        return go(_page_of(upload))
    if upload.status == "imported":
        flash(gettext("This file is imported already. Nothing has changed."), "info")
        return go(_page_of(upload))
    done = intake.import_upload(upload, actor=access.actor(), today=clock.today(), now=clock.now())
    db.session.commit()
    if done.cases:
        flash(
            ngettext("%(num)s case was opened.", "%(num)s cases were opened.", done.cases), "good"
        )
    return go(url_for("creditor.show_upload", upload_id=upload_id))


@creditor.get("/<key>/invoices/uploads/<int:upload_id>")
def show_upload(upload_id: int) -> Response:
    """What an import did, and the rows that it left out."""
    upload = _upload(upload_id)
    if upload.status != "imported":
        return go(_page_of(upload))
    return render(
        "creditor/imported.html",
        upload=upload,
        problems=intake.problems_of(upload)[:_PROBLEMS_SHOWN],
        labels=_labels(),
    )


def _labels() -> dict[str, str]:
    return {field.key: gettext(field.label) for field in FIELDS}
