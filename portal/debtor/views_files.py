"""Files that a debtor sends: taken in, told about, handed back."""

from collections.abc import Sequence
from typing import Any

from flask import Response, flash, make_response
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal.collection import attachments, file_types
from portal.collection.attachments import Added, TooMany
from portal.collection.file_types import FileTooLarge, NotLookedAt
from portal.debtor import access
from portal.debtor.views import debtor
from portal.web.formats import in_digits

MEGABYTES = file_types.LARGEST // 1024 // 1024
# Room for as many files as are taken, and for one far too large among them: it is then told of at
# its place, and what was written with it is not lost.
_LARGEST_REQUEST = (attachments.MOST_AT_ONCE * MEGABYTES + 50) * 1024 * 1024
_TAKE_FILES = {
    "debtor.object_to_claim", "debtor.tell_paid", "debtor.tell_wrong_person",
    "debtor.tell_situation",
}  # fmt: skip


@debtor.url_value_preprocessor
def _let_files_in(endpoint: str | None, values: dict[str, Any] | None) -> None:
    # Before anything of the request is read, its token too.
    if endpoint in _TAKE_FILES:
        request.max_content_length = _LARGEST_REQUEST


def sent() -> list[tuple[str, bytes]]:
    """Name and content of each file that came; of one too large no more than shows that it is."""
    return [
        (one.filename or "", one.stream.read(file_types.LARGEST + 1))
        for one in request.files.getlist("files")
        if one.filename
    ]


def tell_of(added: Added) -> None:
    """Say which files were not kept, and what to do."""
    for name in added.known:
        flash(gettext("%(name)s is here already.", name=name), "info")
    for one in added.refused:
        flash(_reason(one), "danger")


def _reason(one: attachments.Refused) -> str:
    match one.error:
        case FileTooLarge():
            return gettext(
                "%(name)s was not kept: it is larger than %(megabytes)s MB. Make it smaller, or"
                " divide it.",
                name=one.filename, megabytes=in_digits(MEGABYTES),
            )  # fmt: skip
        case TooMany():
            return gettext("%(name)s was not kept: there are too many files.", name=one.filename)
        case NotLookedAt():
            return gettext("%(name)s was not kept. Try again in a while.", name=one.filename)
    return gettext(
        "%(name)s was not kept. Send a PDF, a picture (JPEG, PNG or GIF), a text, or a document of"
        " Word or Excel, without a password.",
        name=one.filename,
    )


@debtor.get("/case/<reference>/files/<int:file_id>")
def download_file(file_id: int) -> Response:
    """A file that the debtor has sent, to keep; never shown as a page of ours."""
    found = attachments.find(access.current_case().id, file_id)
    if found is None or not found.is_from_debtor:
        raise NotFound
    return as_download(found.filename, attachments.read(found))


def as_download(filename: str, data: bytes) -> Response:
    """Somebody else's file: it is kept or opened elsewhere, never run as a page of ours."""
    response = make_response(data)
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response


def hints() -> dict[str, str]:
    """What the hint of a field for files says: how many, and how large."""
    return {
        "count": in_digits(attachments.MOST_AT_ONCE), "megabytes": in_digits(MEGABYTES),
    }  # fmt: skip


__all__: Sequence[str] = ("as_download", "hints", "sent", "tell_of")
