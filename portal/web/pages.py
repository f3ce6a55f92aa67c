"""What every template may call besides its own values: addresses, assets, table cells.

Globals: `url_for`, `asset`, `here`, `heading`, `unique_id`, `service`. Filter: `cells`.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, current_app, has_request_context, request
from markupsafe import Markup, escape

from portal.config import Settings


@dataclass(frozen=True)
class Heading:
    """The heading of a table's column.

    text: what it says. numeric: the column holds numbers. sort: the column's name in `?sort=`, or
    None. hidden: read out by a screen reader, not shown.
    """

    text: str
    numeric: bool = False
    sort: str | None = None
    hidden: bool = False

    @property
    def direction(self) -> str | None:
        """How the list is sorted by this column now: ascending, descending or None."""
        if not self.sort:
            return None
        asked = request.args.get("sort")
        return {self.sort: "ascending", f"-{self.sort}": "descending"}.get(asked or "")

    @property
    def url(self) -> str:
        """The same list sorted by this column; once more, and it is turned round."""
        prefix = "-" if self.direction == "ascending" else ""
        return here(sort=f"{prefix}{self.sort}", after=None, before=None)


def heading(
    text: str, numeric: bool = False, sort: str | None = None, hidden: bool = False
) -> Heading:
    """A column's heading, for the headings of `table`."""
    return Heading(text, numeric, sort, hidden)


@lru_cache
def _fingerprint(path: Path, changed_at_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def asset(filename: str) -> str:
    """Address of a file below static/, which changes when the file's content does.

    Raises FileNotFoundError when there is no such file.
    """
    # Looked at once, but where templates too are looked at each time.
    versions: dict[str, str] = current_app.extensions.setdefault("reda_assets", {})
    if filename not in versions or current_app.jinja_env.auto_reload:
        path = Path(current_app.static_folder or "") / filename
        versions[filename] = _fingerprint(path, path.stat().st_mtime_ns)
    address: str = current_app.jinja_env.globals["url_for"](  # type: ignore[operator]
        "static", filename=filename, v=versions[filename]
    )
    return address


def here(**changes: str | None) -> str:
    """The address of this page with some of its query changed; None takes a value away."""
    query = request.args.to_dict(flat=False)
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = [value]
    # Only the path is kept: an address that begins with the host could be someone else's.
    path = "/" + request.path.lstrip("/")
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def own_path(url: str | None) -> str:
    """An address of ours to go on to; empty when it is none."""
    # Browsers leave control characters out and read a backslash as a slash.
    if not url or not url.startswith("/") or "\\" in url or _CONTROL.search(url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return "" if parts.scheme or parts.netloc or url.startswith("//") else url


def unique_id(prefix: str) -> str:
    """An element id used once, also when parts of a page are fetched afterwards."""
    return f"{prefix}-{secrets.token_hex(4)}"


_CELL = re.compile(r"<(td|th)\b([^>]*)>")


@lru_cache(maxsize=1024)
def _label(tag: str, name: str) -> str:
    """The same for each row of a table, and so made once."""
    role = "rowheader" if tag == "th" else "cell"
    return f' role="{role}"' + (f' data-label="{escape(name)}"' if name else "")


def cells(row: str, headings: Sequence[str | Heading]) -> Markup:
    """A row of a table with each cell labelled by its column, for the cards of narrow screens.

    row: the markup of its cells, or of the whole <tr>. headings: as given to `table`. A table that
    is laid out as cards loses its meaning to screen readers, hence the roles.
    """
    columns = iter(headings)

    def labelled(cell: re.Match[str]) -> str:
        tag, attributes = cell.groups()
        column = next(columns, "")
        name = column if isinstance(column, str) else "" if column.hidden else column.text
        label = _label(tag, name)
        # A class list of the cell's own is extended, since a second attribute would be ignored.
        if isinstance(column, Heading) and column.numeric:
            attributes, changed = re.subn(r'\bclass="', 'class="number ', attributes, count=1)
            attributes += "" if changed else ' class="number"'
        return f"<{tag}{attributes}{label}>"

    marked = _CELL.sub(labelled, row)
    if not marked.lstrip().startswith("<tr"):
        marked = f"<tr>{marked}</tr>"
    marked = marked.replace("<tr", '<tr role="row"', 1)
    # The row was rendered, and so escaped, by the template that calls this filter.
    return Markup(marked)  # noqa: S704


# Stands for the reference in an address that is kept for all cases.
_ANY = "0anyreference0"


class _Addresses:
    """`url_for` of the templates, which keeps what it has built: a page has thirty addresses.

    Those of all cases are the same but for the reference, and kept once.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._pieces = lru_cache(maxsize=2048)(self._build)

    def __call__(self, endpoint: str, **values: Any) -> str:
        is_kept = has_request_context() and not endpoint.startswith(".")
        if not (is_kept and all(type(one) in (str, int) for one in values.values())):
            return self._app.url_for(endpoint, **values)
        self._app.inject_url_defaults(endpoint, values)
        reference = values.get("reference")
        if type(reference) is str and reference.isascii() and reference.isalnum():
            values["reference"] = _ANY
        else:
            reference = None
        pieces = self._pieces(request.script_root, request.method, endpoint, tuple(values.items()))
        return pieces[0] if reference is None else reference.join(pieces)

    def _build(
        self, root: str, method: str, endpoint: str, values: tuple[tuple[str, Any], ...]
    ) -> list[str]:
        return self._app.url_for(endpoint, **dict(values)).split(_ANY)


def _service(settings: Settings) -> dict[str, Any]:
    return {
        "name": settings.service_name,
        "organisation_number": settings.service_organisation_number,
        "address_lines": settings.service_address_lines,
        "phone": settings.service_phone,
        "email": settings.service_email,
        "bankgiro": settings.service_bankgiro,
        "is_demo": not settings.is_production,
    }


def init_app(app: Flask) -> None:
    """Give every template these functions."""
    settings: Settings = app.extensions["reda_settings"]
    app.jinja_env.globals["url_for"] = _Addresses(app)
    app.add_template_global(asset)
    app.add_template_global(here)
    app.add_template_global(heading)
    app.add_template_global(unique_id)
    app.jinja_env.globals["service"] = _service(settings)
    app.add_template_filter(cells)
