"""A monthly statement to download, for companies and operators alike."""

from flask import Response, make_response
from flask_babel import get_locale, gettext

from portal.payments.models import ServiceStatement
from portal.reporting import charges
from portal.web import spreadsheets


def as_pdf(statement: ServiceStatement) -> Response:
    """A statement as a PDF, in the reader's language."""
    response = make_response(charges.render(statement, language=str(get_locale() or "sv")))
    response.mimetype = "application/pdf"
    name = f"{charges.file_name(statement)}.pdf"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def as_spreadsheet(statement: ServiceStatement, kind: str) -> Response:
    """Every charge of a statement as a spreadsheet. kind: csv or xlsx."""
    headings = [gettext(one) for one in charges.HEADINGS]
    return spreadsheets.answer(
        kind, charges.file_name(statement), headings, charges.cells(statement.key)
    )
