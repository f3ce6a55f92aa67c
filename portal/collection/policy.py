"""Which rules hold for an invoice, from which scope, and what they decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, or_, select

from portal.collection.models import Rules
from portal.extensions import db
from portal.messages import N_, Problem

# What holds where nobody has said otherwise. Seven days spare the customer whose payment is on
# its way; collection is off until somebody switches it on.
DEFAULTS: Mapping[str, Any] = {
    "is_active": False,
    "days_after_due": 7,
    "import_after_on": None,
    "reminder_fee_agreed": False,
    "reminder_days": 10,
    "interest_kind": "statutory",
    "agreed_rate": None,
}
_WIDEST_FIRST = ("company", "class", "customer")


@dataclass(frozen=True)
class Effective:
    """The rules in force for one customer, and the scope that each value comes from."""

    values: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULTS))
    scopes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        return bool(self.values["is_active"])

    @property
    def days_after_due(self) -> int:
        return int(self.values["days_after_due"])

    @property
    def import_after_on(self) -> date | None:
        day: date | None = self.values["import_after_on"]
        return day

    @property
    def reminder_fee_agreed(self) -> bool:
        return bool(self.values["reminder_fee_agreed"])

    @property
    def reminder_days(self) -> int:
        return int(self.values["reminder_days"])

    @property
    def interest_kind(self) -> str:
        return str(self.values["interest_kind"])

    @property
    def agreed_rate(self) -> Decimal | None:
        rate: Decimal | None = self.values["agreed_rate"]
        return rate


@dataclass(frozen=True)
class Decision:
    """What becomes of an invoice: `imported`, `waiting` or `left out`, and why.

    on: for a waiting invoice the first day that the rules would import it, when that is known.
    """

    outcome: str
    reason: Problem
    code: str
    on: date | None = None


def effective(
    creditor_id: int, customer_number: str | None = None, customer_class: str | None = None
) -> Effective:
    """The rules for a customer: its own beat its class's, which beat the company's."""
    rows = db.session.scalars(
        select(Rules).where(
            Rules.creditor_id == creditor_id,
            or_(
                Rules.scope == "company",
                and_(Rules.scope == "class", Rules.scope_key == (customer_class or "")),
                and_(Rules.scope == "customer", Rules.scope_key == (customer_number or "")),
            ),
        )
    )
    return merge({row.scope: row for row in rows})


def merge(by_scope: Mapping[str, Rules]) -> Effective:
    """Lay the scopes over each other; an empty field lets the wider scope's value through."""
    values, scopes = dict(DEFAULTS), dict.fromkeys(DEFAULTS, "default")
    for scope in _WIDEST_FIRST:
        row = by_scope.get(scope)
        if row is None:
            continue
        for name in DEFAULTS:
            value = getattr(row, name)
            if value is not None:
                values[name], scopes[name] = value, scope
    return Effective(values, scopes)


def decide(*, due_on: date, currency: str, rules: Effective, today: date) -> Decision:
    """Whether an invoice becomes a case today, and why or why not."""
    first_day = due_on + timedelta(days=rules.days_after_due)
    after_on = rules.import_after_on
    if currency != "SEK":
        return Decision(
            "left out",
            Problem(
                N_("Only claims in Swedish kronor are collected; this one is in %(currency)s."),
                {"currency": currency},
            ),
            "currency",
        )
    if after_on is not None and due_on < after_on:
        return Decision(
            "left out",
            Problem(N_("It fell due before the date from which invoices are collected."), {}),
            "before import date",
        )
    if today < first_day:
        return Decision(
            "waiting",
            Problem(
                N_("It is taken %(days)s days after its due date, if it is still unpaid."),
                {"days": rules.days_after_due},
            ),
            "too early",
            first_day,
        )
    if not rules.is_active:
        return Decision("waiting", Problem(N_("Collection is not switched on yet."), {}), "paused")
    return Decision(
        "imported",
        Problem(N_("It is more than %(days)s days overdue."), {"days": rules.days_after_due - 1}),
        "overdue",
    )
