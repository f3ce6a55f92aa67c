"""What a company must have before collection is switched on, and what it had better have."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import url_for
from flask_babel import gettext

from portal.collection import holding, intake, policy, rates, rulebook
from portal.companies import accounts, addresses, contacts
from portal.identity import people
from portal.identity.models import Creditor
from portal.signing import agreements
from portal.web.formats import format_date, number


@dataclass(frozen=True)
class Item:
    """One thing to have. must: without it collection is not switched on. text: what it is for.

    url: where it is mended.
    """

    key: str
    title: str
    is_there: bool
    text: str
    url: str
    must: bool = True


def of_company(creditor_id: int, today: date) -> list[Item]:
    """Everything, as it stands this moment; what must be there first."""
    company = people.company(creditor_id)
    rules = policy.effective(creditor_id)
    items = [
        Item(
            "agreement", gettext("The agreement is signed"), agreements.is_signed(creditor_id),
            gettext("Without it we may not collect for you."), url_for("signing.agreements"),
        ),
        _account(company),
        _address(company),
        _description(company),
        _contact(company),
        Item(
            "rules", gettext("The rules are looked through"), rulebook.version(creditor_id) > 0,
            gettext("Until they are saved, what holds by itself may not be what you want."),
            url_for("creditor.change_rules"), must=False,
        ),
        _source(creditor_id),
    ]  # fmt: skip
    if rules.interest_kind != "none":
        items.append(_rate(today))
    return sorted(items, key=lambda one: not one.must)


def missing(items: Sequence[Item]) -> list[str]:
    """What must be there and is not, by name."""
    return [one.key for one in items if one.must and not one.is_there]


def _card(name: str) -> str:
    return url_for("creditor.show_company", _anchor=f"card-{name}")


def _account(company: Creditor) -> Item:
    return Item(
        "account", gettext("There is an account to pay out to"),
        any(one.is_used for one in accounts.of_company(company.id)),
        gettext("What we collect for you is paid out to it."), _card("accounts"),
    )  # fmt: skip


def _address(company: Creditor) -> Item:
    sender = addresses.of_kind(company.id, "sender")
    needed = ("name", "address_line", "postcode", "town")
    return Item(
        "address", gettext("The sender’s address is complete"),
        all(sender.get(one, "").strip() for one in needed),
        gettext("A letter must say whose claim it is (inkassolagen § 5)."), _card("sender"),
    )  # fmt: skip


def _description(company: Creditor) -> Item:
    is_there = bool(company.debt_description.strip())
    without = 0 if is_there else holding.lacks_description(company.id)
    text = gettext("It is used for invoices that do not say what they are for.")
    if without:
        count = gettext("Such invoices waiting now: %(count)s.", count=number(without))
        text = f"{text} {count}"
    return Item(
        "description", gettext("The debt has a description"), is_there, text, _card("description"),
        must=without > 0,
    )  # fmt: skip


def _contact(company: Creditor) -> Item:
    is_there = bool(company.email or company.phone or contacts.of_company(company.id))
    return Item(
        "contact", gettext("Customers can reach you"), is_there,
        gettext("An e-mail address or a telephone number, for what only you can answer."),
        _card("contacts"), must=False,
    )  # fmt: skip


def _source(creditor_id: int) -> Item:
    return Item(
        "source", gettext("There are invoices"), intake.has_invoices(creditor_id),
        gettext("Until a list or an invoice has been uploaded, nothing can become a case."),
        url_for("creditor.upload_invoices"), must=False,
    )  # fmt: skip


def _rate(today: date) -> Item:
    through = rates.table().known_through
    return Item(
        "rate", gettext("The reference rate is known"), through >= today,
        gettext("It is known through %(day)s. After that, interest stands still until we have it.",
                day=format_date(through)),
        url_for("creditor.change_rules"), must=False,
    )  # fmt: skip
