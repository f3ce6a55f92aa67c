"""Invoices that are not cases, with the reason of each."""

from flask import Response

from portal import clock
from portal.collection import intake, policy
from portal.creditor import access
from portal.creditor.views import creditor
from portal.web.rendering import render

_SHOWN = 200


@creditor.get("/<key>/invoices")
def list_invoices() -> Response:
    """What waits or is left out and why, and the latest uploads."""
    creditor_id = access.role().creditor_id
    invoices = intake.waiting_invoices(creditor_id, limit=_SHOWN)
    return render(
        "creditor/invoices.html",
        decided=policy.decide_each(invoices, creditor_id, today=clock.today()),
        counts=intake.not_imported(creditor_id),
        uploads=intake.uploads(creditor_id),
        shown=_SHOWN,
    )
