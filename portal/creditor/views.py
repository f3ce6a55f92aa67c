"""The creditor's door: choosing a company."""

from flask import Blueprint, Response, url_for
from htmx_flask import request

from portal.creditor import access, navigation, switching
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
    return companies_page(status=200 if roles else 403)


@creditor.get("/companies")
def find_company() -> Response:
    """The reader's companies by a part of their name; the only one found is gone to at once."""
    found = switching.found(request.args.get("q", ""))
    page = navigation.known(request.args.get("page", ""))
    if len(found) == 1 and not request.htmx and request.args.get("q", "").strip():
        return go(url_for(f"creditor.{page}", key=found[0].creditor_key))
    return companies_page()


def companies_page(status: int = 200) -> Response:
    """The reader's companies, how each stands, and a way to the same page there."""
    search = request.args.get("q", "")
    found = switching.found(search)
    shown = found[: switching.MOST_SHOWN]
    return render(
        "creditor/companies.html",
        block="list",
        status=status,
        search=search,
        companies=switching.states(shown),
        left_out=len(found) - len(shown),
        page=navigation.known(request.args.get("page", "")),
        current=request.args.get("current", ""),
    )


from portal.creditor import (  # noqa: E402, F401
    views_approvals,
    views_archives,
    views_bulk,
    views_case,
    views_case_acts,
    views_case_files,
    views_case_messages,
    views_case_notes,
    views_cases,
    views_changes,
    views_classes,
    views_company,
    views_customers,
    views_document_archive,
    views_document_files,
    views_document_lists,
    views_document_signers,
    views_document_templates,
    views_document_usage,
    views_document_writing,
    views_documents,
    views_invoices,
    views_orders,
    views_overview,
    views_payouts,
    views_people,
    views_preview,
    views_reports,
    views_rules,
    views_saved,
    views_statements,
    views_switch,
    views_together,
    views_uploads,
)
