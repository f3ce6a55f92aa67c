"""What the service charges the company: monthly statements, and what this month has come to."""

from flask import Response
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.creditor import access
from portal.creditor.views import creditor
from portal.payments import commission, paying_in, statements
from portal.payments.models import ServiceStatement
from portal.reporting import charges
from portal.web.rendering import render
from portal.web.statement_files import as_pdf, as_spreadsheet

_ROWS = 100
_NEWEST = 20


@creditor.get("/<key>/statements")
def list_statements() -> Response:
    """All statements, what waits for the next, and what commission costs."""
    creditor_id, today = access.role().creditor_id, clock.today()
    found = statements.of_company(creditor_id)
    so_far = statements.so_far(creditor_id, today=today)
    return render(
        "creditor/statements.html",
        statements=found,
        standings=paying_in.standings(found),
        so_far=[
            (one, charges.as_rows(statements.waiting(
                creditor_id, one.currency, today=today, limit=_NEWEST
            )))
            for one in so_far
        ],
        prices=commission.of_company(creditor_id, today),
    )  # fmt: skip


@creditor.get("/<key>/statements/<statement_key>")
def show_statement(statement_key: str) -> Response:
    """A statement with every charge, and in which payouts it was set off."""
    return render(
        "creditor/statement.html",
        shown=charges.shown(
            _statement(statement_key),
            most=_ROWS,
            section=request.args.get("section"),
            after=request.args.get("after", 0, type=int),
        ),
    )


@creditor.get("/<key>/statements/<statement_key>.pdf")
def download_statement(statement_key: str) -> Response:
    """The statement as PDF."""
    return as_pdf(_statement(statement_key))


@creditor.get("/<key>/statements/<statement_key>.csv", defaults={"kind": "csv"})
@creditor.get("/<key>/statements/<statement_key>.xlsx", defaults={"kind": "xlsx"})
def export_statement(statement_key: str, kind: str) -> Response:
    """Every charge of a statement as a spreadsheet."""
    return as_spreadsheet(_statement(statement_key), kind)


def _statement(key: str) -> ServiceStatement:
    # The walls show those of every company of the reader; this page is of one.
    found = statements.find(key)
    if found is None or found.creditor_id != access.role().creditor_id:
        raise NotFound
    return found
