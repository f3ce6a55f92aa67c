"""Reports: on a page, as spreadsheets and as PDF; large ones are made in the background."""

from typing import Any

from flask import Response, flash, make_response, url_for
from flask_babel import get_locale, gettext, ngettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import sizes
from portal.creditor import access, names
from portal.creditor.views import creditor
from portal.extensions import db
from portal.messages import RedaError
from portal.reporting import orders, reports
from portal.reporting.models import REPORT
from portal.reporting.reports import Kind
from portal.reporting.tables import Report
from portal.web.forms import text
from portal.web.rendering import go, render

_FIELDS = ("from", "to", "on", "currency", "rows")


def _kind(name: str) -> Kind:
    kind = reports.find(name)
    if kind is None:
        raise NotFound
    return kind


def language() -> str:
    """The reader's language, for what is made for them in the background."""
    return str(get_locale() or "sv")


@creditor.get("/<key>/reports")
def list_reports() -> Response:
    """The reports there are, and those that were made in the background."""
    after = request.args.get("after", type=int)
    return render(
        "creditor/reports.html",
        kinds=reports.KINDS.values(),
        page=orders.page(access.role().creditor_id, REPORT, after),
        after=after,
        titles={name: kind.title for name, kind in reports.KINDS.items()},
    )


@creditor.get("/<key>/reports/<name>")
def show_report(name: str) -> Response:
    """A report on a page, when it is small enough to be made at once."""
    kind, creditor_id = _kind(name), access.role().creditor_id
    try:
        chosen = reports.parameters(kind, request.args, today=clock.today())
    except RedaError as error:
        usual = reports.parameters(kind, {}, today=clock.today())
        asked = {**usual, **{one: request.args[one] for one in _FIELDS if one in request.args}}
        return _page(kind, asked, None, problem=error, status=error.status)
    if not reports.is_small(creditor_id, chosen):
        return _page(kind, chosen, None)
    report = reports.build(creditor_id, chosen)
    tables = [(list(table.read()), table) for table in report.tables]
    return _page(kind, chosen, report, tables=tables)


def _page(
    kind: Kind,
    chosen: dict[str, str],
    report: Report | None,
    *,
    status: int = 200,
    **values: object,
) -> Response:
    return render(
        "creditor/report.html",
        block="report",
        status=status,
        kind=kind,
        chosen=chosen,
        # What an address says of it, to go on to the other ways of reading it.
        query={one: chosen[one] for one in _FIELDS if one in chosen},
        currencies=reports.currencies(access.role().creditor_id),
        report=report,
        **{"tables": (), "problem": None, **values},
    )


@creditor.get("/<key>/reports/<name>.<any(csv, xlsx, pdf):extension>")
def export_report(name: str, extension: str) -> Response:
    """The same report as a file; when it is large, on to where it can be asked for."""
    kind, role = _kind(name), access.role()
    try:
        chosen = reports.parameters(kind, request.args, today=clock.today())
    except RedaError:
        asked: dict[str, Any] = dict(request.args)
        return go(url_for("creditor.show_report", **asked, name=name))
    query: dict[str, Any] = {one: chosen[one] for one in _FIELDS if one in chosen}
    if not reports.is_small(role.creditor_id, chosen):
        return go(url_for("creditor.show_report", name=name, **query))
    report = reports.build(role.creditor_id, chosen)
    written = reports.write_file(
        report, extension, role.creditor_name, language=language(), now=clock.now()
    )
    response = make_response(written)
    response.headers["Content-Type"] = reports.TYPES[extension]
    response.headers.set(
        "Content-Disposition", "attachment", filename=reports.file_name(chosen, extension)
    )
    return response


@creditor.post("/<key>/reports/<name>")
def order_report(name: str) -> Response:
    """Have a report made in the background."""
    kind = _kind(name)
    try:
        chosen = reports.parameters(kind, request.form, today=clock.today())
        order = orders.put(
            access.role().creditor_id,
            REPORT,
            chosen,
            language=language(),
            actor=access.actor(),
            now=clock.now(),
        )
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
        return go(url_for("creditor.show_report", name=name))
    db.session.commit()
    flash(gettext("You may leave this page; the report is kept for you."), "info")
    return go(url_for("creditor.show_order", order_id=order.id))


@creditor.get("/<key>/reports/customer-sizes")
def list_sizes() -> Response:
    """How large the business customers are, those first that nobody has told of."""
    only_unknown = request.args.get("show") != "all"
    search, after = request.args.get("q", ""), request.args.get("after", type=int)
    page = sizes.businesses(
        access.role().creditor_id, only_unknown=only_unknown, search=search, after=after
    )
    return render(
        "creditor/sizes.html", block="list", page=page, only_unknown=only_unknown, search=search,
        after=after, sizes=names.SIZES,
    )  # fmt: skip


@creditor.post("/<key>/reports/customer-sizes")
def save_sizes() -> Response:
    """Keep how large some business customers are."""
    given = {
        int(name.removeprefix("size-")): value or None
        for name, value in request.form.items()
        if name.startswith("size-") and name.removeprefix("size-").isdecimal()
    }
    try:
        changed = sizes.tell_sizes(
            access.role().creditor_id, given, actor=access.actor(), now=clock.now()
        )
        db.session.commit()
        flash(ngettext("%(num)s customer is changed.", "%(num)s customers are changed.", changed),
              "good")  # fmt: skip
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
    show = "all" if request.form.get("show") == "all" else None
    return go(url_for("creditor.list_sizes", show=show, q=request.form.get("q") or None))
