"""What somebody had written when their visit ended: kept sealed until they have come in again.

It lies in the browser session that the refused request begins, and ends with it. It is shown on the
page where it was written, and only to who has opened the same case.
"""

import json
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from flask import current_app, flash, g, session
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from htmx_flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from portal.database.encryption import decrypt, encrypt
from portal.web.pages import own_path

_KEPT = "unsent"
# Far more than anybody writes; a file is no text, and is chosen again.
_MOST = 100_000
_TOKEN = "csrf_token"  # noqa: S105 - the name of a field


@dataclass(frozen=True)
class Unsent:
    """What was written. reference: of the case, empty before the door. page: where it was written,
    action: where it was sent. fields: names and values. has_files: files were chosen as well.
    is_shown: its page was shown since.
    """

    reference: str
    page: str
    action: str
    fields: list[list[str]]
    has_files: bool
    is_shown: bool = False


def comes_from_us(error: CSRFError) -> bool:
    """Whether a refused form is one of our pages', open for too long, and not another site's.

    A browser sends our cookie, which is SameSite=Lax, with no form of another site.
    """
    has_token = _TOKEN in request.form or "X-CSRFToken" in request.headers
    return has_token and current_app.config["SESSION_COOKIE_NAME"] in request.cookies


def keep() -> Unsent:
    """Keep what the refused request brings."""
    fields = [
        [name, value] for name, value in request.form.items(multi=True) if name != _TOKEN
    ]  # fmt: skip
    kept = Unsent(
        reference=g.get("debtor_reference") or "",
        page=_page(),
        action=request.path,
        fields=fields if sum(len(value) for _, value in fields) <= _MOST else [],
        has_files=any(one.filename for one in request.files.values()),
    )
    if kept.fields:
        _put(kept)
    return kept


def _page() -> str:
    """Where the form stands: where the browser says that it was, or where it was sent to."""
    before = urlsplit(request.referrer or "")
    path = own_path(before.path)
    reference = g.get("debtor_reference")
    is_ours = (request.referrer or "").startswith(request.host_url)
    if is_ours and path and is_page_of(path, reference):
        return f"{path}?{before.query}" if before.query else path
    return request.path if is_page_of(request.path, reference) else ""


def is_page_of(path: str, reference: str | None) -> bool:
    """Whether a path is that of a page of the debtor's: of this case, or with None of none."""
    adapter = current_app.create_url_adapter(request)
    try:
        endpoint, values = adapter.match(path, method="GET") if adapter else ("", {})
    except (HTTPException, RoutingException):
        return False
    return endpoint.startswith("debtor.") and values.get("reference") == reference


def found() -> Unsent | None:
    """What this session has kept."""
    sealed = session.get(_KEPT)
    return Unsent(**json.loads(decrypt(sealed.encode()))) if sealed else None


def carry(before: object) -> None:
    """Take what was kept along into the session of who has come in."""
    if before:
        session[_KEPT] = before


def sealed() -> object:
    """What was kept, as `carry` takes it."""
    return session.get(_KEPT)


def forget() -> None:
    """Keep it no longer."""
    session.pop(_KEPT, None)


def show(kept: Unsent) -> None:
    """Fill the forms of this page in with it."""
    if request.path == urlsplit(kept.page).path:
        g.unsent = MultiDict((name, value) for name, value in kept.fields)


def lead_back(kept: Unsent) -> str:
    """The page where it was written, and say so; empty when it was led there before."""
    if kept.is_shown or not kept.page:
        return ""
    _put(Unsent(**{**asdict(kept), "is_shown": True}))
    flash(gettext("This is what you had written. Look it through, then send it."), "info")
    if kept.has_files:
        flash(gettext("Choose your files again."), "info")
    return kept.page


def _put(kept: Unsent) -> None:
    session[_KEPT] = encrypt(json.dumps(asdict(kept)).encode()).decode()
