"""The tabs above a company's pages."""

from dataclasses import dataclass

from flask import g, url_for
from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from htmx_flask import request


@dataclass(frozen=True)
class Tab:
    """endpoint: of its page. below: endpoints of the pages that belong to it."""

    endpoint: str
    text: LazyString
    below: tuple[str, ...] = ()


TABS = (
    Tab("show_overview", lazy_gettext("Overview")),
    Tab(
        "list_cases",
        lazy_gettext("Cases"),
        (
            "list_views",
            "show_together",
            "do_together",
            "list_together",
            "save_view",
            "change_view",
            "remove_view",
            "show_case",
            "show_case_letters",
            "show_case_money",
            "show_case_parties",
            "show_case_notes",
            "write_note",
            "change_note",
            "add_files",
            "prepare_act",
            "do_act",
        ),
    ),
    Tab(
        "list_invoices",
        lazy_gettext("Invoices"),
        ("upload_invoices", "map_columns", "preview_upload", "import_upload", "show_upload"),
    ),
    Tab(
        "list_customers",
        lazy_gettext("Customers"),
        (
            "find_customer",
            "show_customer",
            "change_customer_rules",
            "save_customer_rules",
            "exclude_customer",
            "list_expected",
            "choose_many",
            "prepare_many",
            "preview_many",
        ),
    ),
    Tab(
        "list_reports",
        lazy_gettext("Reports"),
        ("show_report", "order_report", "show_order", "list_sizes"),
    ),
    Tab(
        "list_documents",
        lazy_gettext("Documents"),
        (
            "new_document",
            "begin_document",
            "show_document",
            "edit_document",
            "save_document",
            "add_documents",
            "add_attachments",
            "edit_pages",
            "new_signer",
            "add_signer",
            "edit_signer",
            "save_signer",
            "check_document",
            "show_usage",
            "show_usage_month",
            "choose_list",
            "read_list",
            "show_list",
            "edit_signers_address",
            "save_signers_address",
            "extend_document",
            "withdraw_document",
            "list_archives",
            "order_archive",
            "list_templates",
            "show_template",
            "new_template",
            "create_template",
            "edit_template",
            "save_template",
            "choose_subject",
            "find_subject",
            "write_document",
            "make_document",
        ),
    ),
    Tab(
        "list_payouts",
        lazy_gettext("Payouts"),
        (
            "show_owed",
            "show_payout",
            "change_payouts",
            "save_schedule",
            "save_chart",
            "list_statements",
            "show_statement",
        ),
    ),
    Tab(
        "change_rules",
        lazy_gettext("Rules"),
        (
            "save_rules",
            "edit_rules",
            "list_changes",
            "show_change",
            "preview_rules",
            "show_preview",
            "list_preview",
            "explain_preview",
            "show_switch",
            "turn_on",
            "hold_everything",
        ),
    ),
    Tab(
        "show_company",
        lazy_gettext("Company"),
        (
            "save_description",
            "save_address",
            "take_address",
            "save_contact",
            "remove_contact",
            "save_letter",
            "preview_letter",
            "list_approvals",
            "show_approval",
            "refuse",
            "new_account",
            "propose_account",
            "show_closing",
        ),
    ),
    Tab(
        "list_people",
        lazy_gettext("People"),
        ("show_member", "invite", "change_member", "remove_member"),
    ),
)


def known(endpoint: str) -> str:
    """A tab's endpoint, as an address names it; the overview's when it is none."""
    return endpoint if any(endpoint == tab.endpoint for tab in TABS) else TABS[0].endpoint


def corresponding() -> str:
    """The tab that this page belongs to, which every company has too."""
    here = (request.endpoint or "").partition(".")[2]
    return next(
        (tab.endpoint for tab in TABS if here == tab.endpoint or here in tab.below),
        TABS[0].endpoint,
    )


def stand_under(endpoint: str) -> None:
    """Say which tab this page is under, where its own address does not tell."""
    g.tab = endpoint


def items() -> list[dict[str, object]]:
    """The tabs, for `layouts/staff.html`."""
    here = g.get("tab") or (request.endpoint or "").partition(".")[2]
    return [
        {
            "text": tab.text,
            "url": url_for(f"creditor.{tab.endpoint}"),
            "current": here == tab.endpoint or here in tab.below,
        }
        for tab in TABS
    ]
