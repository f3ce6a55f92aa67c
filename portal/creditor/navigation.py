"""The tabs above a company's pages."""

from dataclasses import dataclass

from flask import url_for
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
            "show_case",
            "show_case_letters",
            "show_case_money",
            "show_case_parties",
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
        ),
    ),
    Tab("show_payout", lazy_gettext("Payout")),
    Tab(
        "change_rules",
        lazy_gettext("Rules"),
        ("save_rules", "edit_rules", "list_changes", "show_change"),
    ),
)


def items() -> list[dict[str, object]]:
    """The tabs, for `layouts/staff.html`."""
    here = (request.endpoint or "").partition(".")[2]
    return [
        {
            "text": tab.text,
            "url": url_for(f"creditor.{tab.endpoint}"),
            "current": here == tab.endpoint or here in tab.below,
        }
        for tab in TABS
    ]
