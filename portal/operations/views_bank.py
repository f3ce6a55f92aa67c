"""Files from banks: brought here, listed, and handed back as they came."""

from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from flask_wtf.file import FileField, FileRequired
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal.database.files import FileDamaged
from portal.messages import RedaError
from portal.operations import bringing
from portal.operations.views import operations
from portal.payments import taking
from portal.payments.accounts import Bankgiro
from portal.web.forms import Form
from portal.web.rendering import go, render

# Half a million payments with names and addresses are about 200 MB.
_LARGEST_REQUEST = 600 * 1024 * 1024
_ON_A_PAGE = 50


class BankFileForm(Form):
    """A file from a bank."""

    file = FileField(
        lazy_gettext("File from a bank"),
        [FileRequired(lazy_gettext("Choose a file."))],
        render_kw={"accept": ".txt,.xml,.bgmax,.dat"},
    )


@operations.url_value_preprocessor
def _let_file_in(endpoint: str | None, values: dict[str, Any] | None) -> None:
    # Before anything of the request is read, its token too.
    if endpoint == "operations.take_bank_file":
        request.max_content_length = _LARGEST_REQUEST


@operations.get("/bank-files")
def list_bank_files() -> Response:
    """Files that have come, and the form that one is brought with."""
    return _page(BankFileForm())


@operations.post("/bank-files")
def take_bank_file() -> Response:
    """Take a file whole, or say why it is refused."""
    form = BankFileForm()
    if not form.validate():
        return _page(form, 422)
    sent = form.file.data
    brought = bringing.bring(
        sent.stream, sent.filename or "", way="page", by=current_user.name
    )  # fmt: skip
    if brought.is_refused:
        return _page(form, 422, refused=brought)
    flash(" ".join(bringing.report(brought)), "good" if brought.is_new else "info")
    return go(url_for("operations.list_bank_files"))


@operations.get("/bank-files/<int:file_id>")
def download_bank_file(file_id: int) -> Response:
    """A file as the bank sent it."""
    file = taking.find(file_id)
    if file is None:
        raise NotFound
    try:
        response = Response(taking.content(file), mimetype="application/octet-stream")
    except FileDamaged:
        flash(
            gettext("The file is damaged or missing in the store. Fetch it from a backup."),
            "danger",
        )
        return go(url_for("operations.list_bank_files"))
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers.set("Content-Disposition", "attachment", filename=file.name)
    return response


def _written(account: str) -> str:
    """An account as people write it: of a number that is no bankgiro, its digits."""
    try:
        return Bankgiro.parse(account).written()
    except RedaError:
        return account


def _page(
    form: BankFileForm, status: int = 200, refused: bringing.Brought | None = None
) -> Response:
    before = request.args.get("before", type=int)
    found = taking.page(before=before, limit=_ON_A_PAGE + 1)
    shown = found[:_ON_A_PAGE]
    return render(
        "operations/bank_files.html",
        status=status,
        form=form,
        refused=refused,
        files=shown,
        problem_of=bringing.problem_of,
        written=_written,
        older=shown[-1].id if len(found) > _ON_A_PAGE else None,
        is_first=before is None,
    )
