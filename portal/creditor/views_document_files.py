"""Files of a document to sign: added, ordered, taken away, their pages arranged, handed back."""

from collections.abc import Callable

from flask import Response, flash, make_response, url_for
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock, pdfium
from portal.creditor import access
from portal.creditor.forms_documents import AttachmentsForm, DocumentFilesForm
from portal.creditor.views import creditor
from portal.creditor.views_documents import (
    document_page,
    envelope_of,
    page_of,
    refused,
    show_refused,
    uploads,
)
from portal.database import files
from portal.extensions import db
from portal.messages import RedaError
from portal.signing import access_log, drafts, envelopes, pdfs
from portal.signing.models import Envelope, EnvelopeFile
from portal.web.rendering import go, render

# Widths of the pictures of pages, in pixels.
_WIDTHS = {"small": 240, "large": 1_200}
_CONTENTS: dict[str, Callable[[EnvelopeFile], tuple[str | None, str | None]]] = {
    "file": lambda one: (one.sha256, one.name),
    "original": lambda one: (one.original_sha256, one.original_name),
    "sealed": lambda one: (one.sealed_sha256, one.name),
}


@creditor.post("/<key>/documents/<envelope_key>/files")
def add_documents(envelope_key: str) -> Response:
    """Put documents into a draft."""
    form = DocumentFilesForm()
    return _add(envelope_of(envelope_key), form, drafts.DOCUMENT, "files_form")


@creditor.post("/<key>/documents/<envelope_key>/attachments")
def add_attachments(envelope_key: str) -> Response:
    """Put attachments into a draft."""
    form = AttachmentsForm()
    return _add(envelope_of(envelope_key), form, drafts.ATTACHMENT, "attachments_form")


def _add(
    envelope: Envelope, form: DocumentFilesForm | AttachmentsForm, role: str, name: str
) -> Response:
    sent = uploads()
    if not sent:
        form.files.errors = [gettext("Choose a file first.")]
        return document_page(envelope, 422, **{name: form})
    try:
        added = drafts.add(envelope, sent, role)
    except RedaError as error:
        return refused(envelope.key, error)
    db.session.commit()
    for one in added.known:
        flash(gettext("%(name)s is here already. Nothing has changed.", name=one), "info")
    if added.refused:
        show_refused(form, added.refused)
        return document_page(envelope, 422, **{name: form})
    return go(page_of(envelope))


def _file(envelope: Envelope, file_key: str) -> EnvelopeFile:
    found = drafts.find_file(envelope, file_key)
    if found is None:
        raise NotFound
    return found


@creditor.post("/<key>/documents/<envelope_key>/order")
def order_documents(envelope_key: str) -> Response:
    """Move a file to another place; `move` is its key and the place, from 0."""
    envelope = envelope_of(envelope_key)
    file_key, _, place = request.form.get("move", "").partition(":")
    file = drafts.find_file(envelope, file_key)
    # A file that was taken away meanwhile has no place.
    if file is not None and place.isdecimal():
        try:
            drafts.move(envelope, file, int(place[:4]))
        except RedaError as error:
            return refused(envelope_key, error)
        db.session.commit()
    return go(f"{page_of(envelope)}#files")


@creditor.post("/<key>/documents/<envelope_key>/join")
def join_documents(envelope_key: str) -> Response:
    """Make one document of all."""
    envelope = envelope_of(envelope_key)
    try:
        joined = drafts.join(envelope, f"{envelope.title}.pdf")
    except RedaError as error:
        return refused(envelope_key, error)
    db.session.commit()
    if joined is not None:
        flash(gettext("The documents are one now: %(name)s.", name=joined.name), "good")
    return go(page_of(envelope))


@creditor.post("/<key>/documents/<envelope_key>/files/<file_key>/remove")
def remove_document_file(envelope_key: str, file_key: str) -> Response:
    """Take a file out of a draft."""
    envelope = envelope_of(envelope_key)
    file = _file(envelope, file_key)
    name = file.name
    try:
        envelopes.remove_file(envelope, file)
    except RedaError as error:
        return refused(envelope_key, error)
    db.session.commit()
    flash(gettext("%(name)s is taken away.", name=name), "good")
    return go(page_of(envelope))


@creditor.get("/<key>/documents/<envelope_key>/files/<file_key>/<content>")
def download_document(envelope_key: str, file_key: str, content: str) -> Response:
    """A file as it came, what it was made from, or what it became when it was sealed."""
    envelope = envelope_of(envelope_key)
    file = _file(envelope, file_key)
    sha256, name = _CONTENTS[content](file) if content in _CONTENTS else (None, None)
    if sha256 is None:
        raise NotFound
    data = files.read(sha256)
    if request.method == "GET":
        access_log.note_downloaded(
            envelope, sha256, name or file.name, file=file, actor=access.actor(), now=clock.now()
        )
        db.session.commit()
    response = make_response(data)
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers.set("Content-Disposition", "attachment", filename=name or file.name)
    return response


@creditor.get("/<key>/documents/<envelope_key>/files/<file_key>/pages/<int:page>/<size>.png")
def show_document_page(envelope_key: str, file_key: str, page: int, size: str) -> Response:
    """A page of a document as a picture."""
    file = _file(envelope_of(envelope_key), file_key)
    if size not in _WIDTHS or not 1 <= page <= (file.pages or 0):
        raise NotFound
    try:
        picture = pdfs.picture(file.sha256, page, _WIDTHS[size])
    except pdfium.Unreadable:
        raise NotFound from None
    return make_response(picture, 200, {"Content-Type": "image/png"})


@creditor.get("/<key>/documents/<envelope_key>/files/<file_key>/pages")
def edit_pages(envelope_key: str, file_key: str) -> Response:
    """A document's pages to be arranged; the address says in what order they are shown.

    Nothing is kept before it is saved, and the browser's way back undoes each step.
    """
    access.require_may_change()
    envelope = envelope_of(envelope_key)
    file = _file(envelope, file_key)
    if file.role != drafts.DOCUMENT:
        raise NotFound
    if envelope.status != envelopes.DRAFT or file.has_signatures:
        return go(page_of(envelope))
    whole = list(range(1, (file.pages or 0) + 1))
    pages, problem = whole, None
    try:
        pages = drafts.read_pages(request.args["order"], len(whole)) if _is_said("order") else whole
        if _is_said("act") or _is_said("move"):
            arranged, place = _arranged(pages)
            drafts.require_pages(arranged)
            address = url_for(
                "creditor.edit_pages", envelope_key=envelope_key, file_key=file_key,
                order=drafts.write_pages(arranged),
            )  # fmt: skip
            return go(f"{address}#page-{place}" if place else address)
    except RedaError as error:
        problem = error
    return render(
        "creditor/document_pages.html",
        status=problem.status if problem else 200,
        envelope=envelope,
        file=file,
        pages=pages,
        order=drafts.write_pages(pages),
        is_changed=pages != whole,
        problem=problem,
    )


def _is_said(name: str) -> bool:
    return bool(request.args.get(name))


def _arranged(pages: list[int]) -> tuple[list[int], int]:
    """The pages after what the address asks for, and the place to look at, from 1."""
    if _is_said("move"):
        start, _, end = request.args["move"].partition(":")
        return drafts.moved(pages, _number(start), _number(end))
    act, _, place = request.args["act"].partition(":")
    if act in ("up", "down"):
        at = _number(place)
        return drafts.moved(pages, at, at - 1 if act == "up" else at + 1)
    if act == "out":
        at = _number(place)
        return [one for where, one in enumerate(pages) if where != at], min(at + 1, len(pages) - 1)
    chosen = set(drafts.read_pages(request.args.get("pages", ""), len(pages)))
    rest = [one for where, one in enumerate(pages, 1) if where not in chosen]
    if act == "remove":
        return rest, 0
    taken = [one for where, one in enumerate(pages, 1) if where in chosen]
    to = max(_number(request.args.get("to", "")) - 1, 0)
    return rest[:to] + taken + rest[to:], min(to + 1, len(pages))


def _number(told: str) -> int:
    return int(told) if told.isdecimal() and len(told) < 6 else 0


@creditor.post("/<key>/documents/<envelope_key>/files/<file_key>/pages")
def save_pages(envelope_key: str, file_key: str) -> Response:
    """Keep the pages as they are arranged."""
    envelope = envelope_of(envelope_key)
    file = _file(envelope, file_key)
    if file.pages is None:
        raise NotFound
    try:
        said = request.form.get("order", "")
        pages = drafts.read_pages(said, file.pages) if said else []
        drafts.arrange_pages(envelope, file, pages, seen_sha256=request.form.get("seen", ""))
    except RedaError as error:
        return refused(envelope_key, error)
    db.session.commit()
    flash(gettext("The pages of %(name)s are saved.", name=file.name), "good")
    return go(page_of(envelope))
