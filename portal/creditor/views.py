"""The creditor's door: choosing a company, and what needs attention there."""

from flask import Blueprint, Response, url_for

from portal import clock, ledger
from portal.collection import cases, intake, policy
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


@creditor.get("/<key>/")
def show_overview() -> Response:
    """What needs attention, and how it stands."""
    creditor_id = access.role().creditor_id
    return render(
        "creditor/overview.html",
        totals=cases.totals(creditor_id, clock.today()),
        owed_ore=ledger.owed_to(creditor_id),
        not_imported=intake.not_imported(creditor_id),
        to_review=cases.count_for_review(),
        uploads=intake.uploads(creditor_id, limit=5),
        rules=policy.effective(creditor_id),
        today=clock.today(),
    )


from portal.creditor import (  # noqa: E402, F401
    views_case,
    views_case_acts,
    views_cases,
    views_changes,
    views_classes,
    views_customers,
    views_invoices,
    views_payout,
    views_rules,
    views_uploads,
)
