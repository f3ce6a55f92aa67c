"""The company's cases: the list, what is searched for in it, and its export."""

from flask import Response, flash
from flask_babel import gettext
from htmx_flask import request

from portal import clock
from portal.collection import finding
from portal.creditor import case_list
from portal.creditor.case_list import Listing
from portal.creditor.together_texts import ACTS
from portal.creditor.views import creditor
from portal.web import spreadsheets
from portal.web.rendering import go, render


@creditor.get("/<key>/cases")
def list_cases() -> Response:
    """The cases, as the address says."""
    listing = case_list.read(request.args, clock.today())
    if "column" in request.args or ("q" in request.args and "q" not in listing.query):
        # The short address; and an identity number that came in one stays in none.
        return go(listing.address())
    listing.look()
    if not request.args and (address := listing.default_url()):
        return go(address)
    return _shown(listing)


@creditor.post("/<key>/cases/find")
def find_cases() -> Response:
    """What the form above the list asks for. Posted, since an identity number may be asked for."""
    listing = case_list.read(request.form, clock.today())
    if not request.htmx:
        return go(listing.address())
    listing.look()
    response = _shown(listing)
    response.headers["HX-Push-Url"] = listing.address()
    return response


def _shown(listing: Listing) -> Response:
    return render(
        "creditor/cases.html",
        block="list",
        listing=listing,
        page=listing.page(),
        columns=list(case_list.COLUMNS.values()),
        acts=ACTS,
        most_counted=finding.MOST_COUNTED,
        is_part=bool(request.htmx),
    )


@creditor.get("/<key>/cases.csv")
def export_cases() -> Response:
    """Every case that the list finds, its columns and order, as a spreadsheet."""
    return _exported(spreadsheets.CSV)


@creditor.get("/<key>/cases.xlsx")
def export_cases_to_excel() -> Response:
    """The same as an Excel workbook."""
    return _exported(spreadsheets.XLSX)


def _exported(kind: str) -> Response:
    listing = case_list.read(request.args, clock.today())
    if request.args.get("found") and "found" not in listing.query:
        # What was searched for is forgotten; the list would be of all cases.
        flash(gettext("Search for the identity number once more."), "warn")
        return go(listing.address())
    listing.look()
    headings, rows = listing.for_a_spreadsheet()
    return spreadsheets.answer(kind, "cases", headings, rows)
