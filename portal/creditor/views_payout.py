"""What we have collected for the company and owe it."""

from flask import Response
from htmx_flask import request

from portal import ledger
from portal.collection import cases
from portal.creditor import access
from portal.creditor.views import creditor
from portal.web.rendering import render

_ROWS = 50


@creditor.get("/<key>/payout")
def show_payout() -> Response:
    """The sum owed, and the payments that make it up."""
    creditor_id = access.role().creditor_id
    after = request.args.get("after", type=int)
    rows = ledger.owed_rows(creditor_id, after, limit=_ROWS)
    return render(
        "creditor/payout.html",
        owed_ore=ledger.owed_to(creditor_id),
        borne_ore=ledger.owed_by(creditor_id),
        rows=rows,
        names_of_cases=cases.names(row.case_id for row in rows if row.case_id is not None),
        after=after,
        next_after=rows[-1].entry_id if len(rows) == _ROWS else None,
    )
