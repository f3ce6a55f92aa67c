"""Files kept with a case: added, handed back, taken away."""

from flask import Response, flash, make_response, url_for
from flask_babel import gettext, ngettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import attachments, cases
from portal.creditor import access
from portal.creditor.case_facts import gather
from portal.creditor.views import creditor
from portal.extensions import db
from portal.web.forms import text
from portal.web.rendering import go


@creditor.post("/<key>/cases/<reference>/files")
def add_files(reference: str) -> Response:
    """Keep files with a case; what is not taken is told with the reason."""
    case = gather(reference, clock.today()).case
    sent = [one for one in request.files.getlist("files") if one.filename]
    uploaded = [(one.filename or "", one.read()) for one in sent]
    added = attachments.add(cases.lock(case.id), uploaded, actor=access.actor(), now=clock.now())
    db.session.commit()
    if not uploaded:
        flash(gettext("Choose a file first."), "warn")
    if added.kept:
        told = ngettext("%(num)s file is kept.", "%(num)s files are kept.", len(added.kept))
        flash(told, "good")
    for name in added.known:
        flash(gettext("%(name)s is here already. Nothing has changed.", name=name), "info")
    for one in added.refused:
        flash(f"{one.filename}: {text(one.problem)}", "danger")
    return go(url_for("creditor.show_case_notes", reference=reference))


@creditor.get("/<key>/cases/<reference>/files/<int:file_id>")
def download_file(reference: str, file_id: int) -> Response:
    """A file as it came, to keep; never shown as a page of ours."""
    case = gather(reference, clock.today()).case
    found = attachments.find(case.id, file_id)
    if found is None:
        raise NotFound
    response = make_response(attachments.read(found))
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers.set("Content-Disposition", "attachment", filename=found.filename)
    return response


@creditor.post("/<key>/cases/<reference>/files/<int:file_id>/remove")
def remove_file(reference: str, file_id: int) -> Response:
    """Take a file away; the history tells that it was here."""
    case = gather(reference, clock.today()).case
    found = attachments.remove(cases.lock(case.id), file_id, actor=access.actor(), now=clock.now())
    if found is None:
        raise NotFound
    db.session.commit()
    flash(gettext("%(name)s is taken away.", name=found.filename), "good")
    return go(url_for("creditor.show_case_notes", reference=reference))
