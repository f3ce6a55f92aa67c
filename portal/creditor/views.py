"""The creditor's door: choosing a company."""

from flask import Blueprint, Response, url_for

from portal.creditor import access
from portal.web.rendering import go, render

creditor = Blueprint("creditor", __name__, url_prefix="/creditor")
access.guard(creditor)


@creditor.get("/")
def choose_company() -> Response:
    """On to the reader's company; with several, a choice among them, or first the agreements."""
    roles = access.roles()
    if len(roles) == 1:
        return go(url_for("creditor.show_overview", key=roles[0].creditor_key))
    if roles and access.is_new_here():
        return go(url_for("signing.agreements"))
    return render("creditor/companies.html", status=200 if roles else 403)


from portal.creditor import (  # noqa: E402, F401
    views_case,
    views_case_acts,
    views_cases,
    views_changes,
    views_invoices,
    views_overview,
    views_payout,
    views_rules,
    views_uploads,
)
