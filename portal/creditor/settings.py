"""What the settings of the rules are called, in which card each stands, and how a value is told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString

from portal.creditor.names import AFTER_DEMAND
from portal.web.formats import format_date, kronor, number, percent

Choices = Mapping[str, LazyString]

COLLECTS_FROM: Choices = {
    "everyone": lazy_gettext("Companies and persons"),
    "businesses": lazy_gettext("Companies only"),
    "consumers": lazy_gettext("Persons only"),
}
INVOICE_TYPES: Choices = {
    "invoice": lazy_gettext("Ordinary invoices"),
    "prepayment": lazy_gettext("Prepayment invoices"),
    "debit note": lazy_gettext("Debit notes"),
    "interest invoice": lazy_gettext("Interest invoices"),
}
ALREADY_REMINDED: Choices = {
    "without fee": lazy_gettext("Take it in; our reminder then costs the customer nothing"),
    "leave out": lazy_gettext("Leave it out"),
}
INTEREST: Choices = {
    "statutory": lazy_gettext("By the Interest Act (räntelagen § 6)"),
    "agreed": lazy_gettext("As agreed with the customer (räntelagen § 7)"),
    "none": lazy_gettext("None"),
}
DIRECT_PAYMENT: Choices = {
    "costs owed": lazy_gettext("Interest and fees are still owed"),
    "costs waived": lazy_gettext("Interest and fees are waived"),
}
FEE_BY: Choices = {
    "debtor": lazy_gettext("The customer, where the law allows it"),
    "creditor": lazy_gettext("Our company"),
}
_CHOICES: Mapping[str, Choices] = {
    "collects_from": COLLECTS_FROM,
    "already_reminded": ALREADY_REMINDED,
    "interest_kind": INTEREST,
    "direct_payment": DIRECT_PAYMENT,
    "after_demand": AFTER_DEMAND,
    "reminder_fee_by": FEE_BY,
    "demand_fee_by": FEE_BY,
    "plan_fee_by": FEE_BY,
}


@dataclass(frozen=True)
class Card:
    """Settings that are read and changed together."""

    key: str
    title: LazyString
    names: tuple[str, ...]


CARDS = (
    Card(
        "general",
        lazy_gettext("Which invoices"),
        ("days_after_due", "import_after_on", "collects_from"),
    ),
    Card("amounts", lazy_gettext("Swedish kronor (SEK)"), ("lowest_ore", "highest_ore")),
    Card("types", lazy_gettext("Types of invoices"), ("left_out_types", "already_reminded")),
    Card(
        "reminder",
        lazy_gettext("The reminder"),
        ("reminder_fee_agreed", "reminder_days", "reminder_text"),
    ),
    Card(
        "demand",
        lazy_gettext("The demand (inkassokrav)"),
        ("demand_after_days", "demand_days", "wants_compensation", "demand_text"),
    ),
    Card("after", lazy_gettext("After the demand"), ("decision_after_days", "after_demand")),
    Card("interest", lazy_gettext("Interest"), ("interest_kind", "agreed_rate")),
    Card("payments", lazy_gettext("Payments"), ("small_rest_ore", "direct_payment")),
    Card(
        "fees",
        lazy_gettext("Who bears the fees"),
        ("reminder_fee_by", "demand_fee_by", "plan_fee_by"),
    ),
    Card(
        "debtor",
        lazy_gettext("What the debtor may do alone"),
        (
            "may_plan", "plan_most_months", "plan_least_ore", "plan_first_days",
            "plan_sign_over_ore", "may_postpone", "postpone_days", "postpone_times",
        ),
    ),
)  # fmt: skip
LABELS: Mapping[str, LazyString] = {
    "is_active": lazy_gettext("Collect overdue invoices"),
    "is_excluded": lazy_gettext("Excluded from collection"),
    "days_after_due": lazy_gettext("Days after the due date"),
    "import_after_on": lazy_gettext("Leave out what fell due before"),
    "collects_from": lazy_gettext("Collect from"),
    "lowest_ore": lazy_gettext("Lowest amount"),
    "highest_ore": lazy_gettext("Highest amount"),
    "left_out_types": lazy_gettext("Types that are left out"),
    "already_reminded": lazy_gettext("When a reminder fee has been charged already"),
    "reminder_fee_agreed": lazy_gettext("A reminder fee is agreed with our customers"),
    "reminder_days": lazy_gettext("Days to pay after a reminder"),
    "reminder_text": lazy_gettext("Your own words in the reminder"),
    "demand_after_days": lazy_gettext("Days from the reminder’s last day to the demand"),
    "demand_days": lazy_gettext("Days to pay after a demand"),
    "wants_compensation": lazy_gettext("Ask businesses for late-payment compensation"),
    "demand_text": lazy_gettext("Your own words in the demand"),
    "decision_after_days": lazy_gettext("Days from the demand’s last day to the decision"),
    "after_demand": lazy_gettext("When the demand is not paid"),
    "interest_kind": lazy_gettext("Late interest"),
    "agreed_rate": lazy_gettext("Agreed rate"),
    "small_rest_ore": lazy_gettext("Let go of a rest up to"),
    "direct_payment": lazy_gettext("When a customer has paid you directly"),
    "reminder_fee_by": lazy_gettext("The reminder’s fee"),
    "demand_fee_by": lazy_gettext("The demand’s fee"),
    "plan_fee_by": lazy_gettext("The payment plan’s fee"),
    "may_plan": lazy_gettext("May agree on a payment plan"),
    "plan_most_months": lazy_gettext("Longest plan, in months"),
    "plan_least_ore": lazy_gettext("Lowest payment a month"),
    "plan_first_days": lazy_gettext("First payment within so many days"),
    "plan_sign_over_ore": lazy_gettext("Plans are signed by the debtor above"),
    "may_postpone": lazy_gettext("May take more time"),
    "postpone_days": lazy_gettext("More time, in days"),
    "postpone_times": lazy_gettext("How many times"),
    "ends_on": lazy_gettext("Last day"),
    "reason": lazy_gettext("Reason"),
}


def label(name: str) -> str:
    """What a setting is called."""
    return str(LABELS.get(name, name))


def told(name: str, value: Any) -> str:
    """A setting's value in words; a JSON value of the history serves as well."""
    if value is None or value == "":
        return gettext("Not chosen")
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if name in _CHOICES:
        return str(_CHOICES[name].get(value, value))
    if name == "left_out_types":
        return types(value) or gettext("None are left out")
    if name == "plan_sign_over_ore" and not value:
        return gettext("Never")
    if name in ("lowest_ore", "highest_ore") and not value:
        return gettext("No limit")
    if name.endswith("_ore"):
        return kronor(value)
    if name.endswith("_on"):
        return format_date(date.fromisoformat(value) if isinstance(value, str) else value)
    if name == "agreed_rate":
        return percent(Decimal(value))
    return number(value) if isinstance(value, int) else str(value)


def scope_name(scope: str, key: str) -> str:
    """Whom rules are for: the company, a class or a customer."""
    if scope == "class":
        return gettext("Customer class %(name)s", name=key)
    if scope == "customer":
        return gettext("Customer %(number)s", number=key)
    return gettext("The company")


def types(codes: Iterable[str]) -> str:
    """Types of invoices, by name."""
    return ", ".join(type_name(one) for one in codes)


def type_name(code: str) -> str:
    """A type of invoice: one that we know, or as the creditor's ledger calls it."""
    return str(INVOICE_TYPES.get(code, code))
