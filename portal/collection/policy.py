"""Which rules hold for an invoice, from which scope, and what they decide."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import ARRAY, BigInteger, Text, and_, any_, bindparam, or_, select

from portal.collection.models import Debtor, Invoice, Rules
from portal.database.together import Part
from portal.extensions import db
from portal.law import fees, limitation
from portal.messages import N_, Problem

# What holds where nobody has said otherwise. Seven days spare the customer whose payment is on
# its way; collection is off until somebody switches it on.
DEFAULTS: Mapping[str, Any] = {
    "is_active": False,
    "is_excluded": False,
    "days_after_due": 7,
    "import_after_on": None,
    "collects_from": "everyone",
    # 0: no limit.
    "lowest_ore": 0,
    "highest_ore": 0,
    # Interest bears no interest.
    "left_out_types": ["interest invoice"],
    "already_reminded": "without fee",
    "reminder_fee_agreed": False,
    "reminder_days": 10,
    "interest_kind": "statutory",
    "agreed_rate": None,
    # A payment on the last day takes a banking day or two to reach us.
    "demand_after_days": 4,
    "demand_days": 10,
    "decision_after_days": 4,
    "after_demand": "ask",
    # Chasing less than this costs everybody more than it brings.
    "small_rest_ore": 1_000,
    "wants_compensation": False,
    "direct_payment": "costs owed",
    "reminder_text": "",
    "demand_text": "",
    "reminder_fee_by": "debtor",
    "demand_fee_by": "debtor",
    "plan_fee_by": "debtor",
    "may_plan": True,
    "plan_most_months": 12,
    "plan_least_ore": 20_000,
    "plan_first_days": 30,
    # 0: none is signed.
    "plan_sign_over_ore": 0,
    "may_postpone": True,
    "postpone_days": 14,
    "postpone_times": 1,
}
AFTER_DEMAND = ("ask", "legal", "surveillance", "write off", "return")
DIRECT_PAYMENT = ("costs owed", "costs waived")
COLLECTS_FROM = ("everyone", "businesses", "consumers")
ALREADY_REMINDED = ("without fee", "leave out")
FEE_BY = ("debtor", "creditor")
FEES: Mapping[str, str] = {
    "reminder_fee_by": fees.REMINDER,
    "demand_fee_by": fees.DEMAND,
    "plan_fee_by": fees.PLAN,
}
# Kinds of invoices that sources tell; a creditor's ledger may have others.
INVOICE_TYPES = ("invoice", "prepayment", "debit note", "interest invoice")
# Codes of the reasons for which an invoice is never a case.
NEVER = ("currency", "too old")
# Codes of those for which the rules leave it out, until they say otherwise.
LEFT_OUT = (
    *NEVER, "excluded", "before import date", "not this kind of customer", "type", "amount too low",
    "amount too high", "reminded already",
)  # fmt: skip
# Of each reason that a setting gives, that setting.
DECIDED_BY: Mapping[str, str] = {
    "excluded": "is_excluded",
    "before import date": "import_after_on",
    "not this kind of customer": "collects_from",
    "type": "left_out_types",
    "amount too low": "lowest_ore",
    "amount too high": "highest_ore",
    "reminded already": "already_reminded",
    "too early": "days_after_due",
    "paused": "is_active",
    "overdue": "days_after_due",
}
# Widest first.
SCOPES = ("company", "class", "customer")
INTEREST_KINDS = ("statutory", "agreed", "none")


@dataclass(frozen=True)
class Effective:
    """The rules in force for one customer, and the scope that each value comes from."""

    values: Mapping[str, Any] = field(default_factory=lambda: dict(DEFAULTS))
    scopes: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        return bool(self.values["is_active"])

    @property
    def is_excluded(self) -> bool:
        return bool(self.values["is_excluded"])

    @property
    def collects_from(self) -> str:
        return str(self.values["collects_from"])

    @property
    def lowest_ore(self) -> int:
        return int(self.values["lowest_ore"])

    @property
    def highest_ore(self) -> int:
        """0: no limit."""
        return int(self.values["highest_ore"])

    @property
    def left_out_types(self) -> Sequence[str]:
        types: Sequence[str] = self.values["left_out_types"]
        return types

    @property
    def leaves_out_reminded(self) -> bool:
        """Whether an invoice whose reminder fee is charged already is left out."""
        return self.values["already_reminded"] == "leave out"

    @property
    def creditor_pays(self) -> frozenset[str]:
        """The kinds of fees that the creditor bears itself."""
        return frozenset(kind for name, kind in FEES.items() if self.values[name] == "creditor")

    @property
    def may_plan(self) -> bool:
        return bool(self.values["may_plan"])

    @property
    def plan_most_months(self) -> int:
        return int(self.values["plan_most_months"])

    @property
    def plan_least_ore(self) -> int:
        return int(self.values["plan_least_ore"])

    @property
    def plan_first_days(self) -> int:
        return int(self.values["plan_first_days"])

    @property
    def plan_sign_over_ore(self) -> int:
        """0: no plan is signed."""
        return int(self.values["plan_sign_over_ore"])

    @property
    def may_postpone(self) -> bool:
        return bool(self.values["may_postpone"])

    @property
    def postpone_days(self) -> int:
        return int(self.values["postpone_days"])

    @property
    def postpone_times(self) -> int:
        return int(self.values["postpone_times"])

    def text_of(self, letter: str) -> str:
        """The creditor's own words in a reminder or a demand; empty for none."""
        return str(self.values[f"{letter}_text"])

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
    def demand_after_days(self) -> int:
        return int(self.values["demand_after_days"])

    @property
    def demand_days(self) -> int:
        return int(self.values["demand_days"])

    @property
    def decision_after_days(self) -> int:
        return int(self.values["decision_after_days"])

    @property
    def after_demand(self) -> str:
        return str(self.values["after_demand"])

    @property
    def small_rest_ore(self) -> int:
        return int(self.values["small_rest_ore"])

    @property
    def wants_compensation(self) -> bool:
        return bool(self.values["wants_compensation"])

    @property
    def waives_costs(self) -> bool:
        """Whether nothing more is asked for when the creditor got the money itself."""
        return self.values["direct_payment"] == "costs waived"

    @property
    def interest_kind(self) -> str:
        return str(self.values["interest_kind"])

    @property
    def agreed_rate(self) -> Decimal | None:
        rate: Decimal | None = self.values["agreed_rate"]
        return rate

    def chosen(self, *names: str) -> dict[str, list[object]]:
        """Some values and the scope that chose each, as JSON values, for the history."""
        return {
            name: [as_json(self.values[name]), self.scopes.get(name, "default")] for name in names
        }

    def told_at_import(self) -> dict[str, object]:
        """What the history tells of the rules when an invoice becomes a case."""
        return {
            "days_after_due": self.days_after_due,
            "scope": self.scopes.get("days_after_due", "default"),
            "terms": self.chosen(
                "reminder_days", "reminder_fee_agreed", "interest_kind", "agreed_rate"
            ),
        }


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


def of_debtor(debtor: Debtor) -> Effective:
    """The rules for a debtor, as `effective`."""
    return effective(debtor.creditor_id, debtor.customer_number, debtor.customer_class)


Rows = Mapping[tuple[int, str, str], Sequence[Any]]


def effective_each(debtors: Collection[Debtor], rows: Rows) -> dict[int, Effective]:
    """`effective` of each customer, of any creditors, by the customer's id. rows: of RULES."""
    return {one.id: lay(_layers(rows, one)) for one in debtors}


def _by_key(rows: Sequence[Sequence[Any]]) -> Rows:
    return {(creditor_id, scope, key): row for creditor_id, scope, key, *row in rows}


# The rows that decide for some customers, asked with other things. Binds creditor_ids and the
# customers' numbers.
RULES = Part(
    select(
        Rules.creditor_id,
        Rules.scope,
        Rules.scope_key,
        *(getattr(Rules, name) for name in DEFAULTS),
    ).where(
        Rules.creditor_id == any_(bindparam("creditor_ids", type_=ARRAY(BigInteger))),
        or_(
            Rules.scope != "customer",
            Rules.scope_key == any_(bindparam("customers", type_=ARRAY(Text))),
        ),
    ),
    _by_key,
)


_Row = TypeVar("_Row")


def _layers(by_key: Mapping[tuple[int, str, str], _Row], debtor: Debtor) -> dict[str, _Row]:
    keys = {
        "company": "",
        "class": debtor.customer_class or "",
        "customer": debtor.customer_number,
    }
    found = {scope: by_key.get((debtor.creditor_id, scope, key)) for scope, key in keys.items()}
    return {scope: row for scope, row in found.items() if row is not None}


def active_among(creditor_ids: Collection[int]) -> set[int]:
    """Which of some companies take invoices in, by their own rules."""
    return set(
        db.session.scalars(
            select(Rules.creditor_id).where(
                Rules.creditor_id.in_(creditor_ids),
                Rules.scope == "company",
                Rules.is_active.is_(True),
            )
        )
    )


def merge(by_scope: Mapping[str, Rules]) -> Effective:
    """Lay the scopes over each other; an empty field lets the wider scope's value through."""
    return lay(
        {scope: [getattr(row, name) for name in DEFAULTS] for scope, row in by_scope.items()}
    )


def lay(by_scope: Mapping[str, Sequence[Any]]) -> Effective:
    """As `merge`, of rows told as their values in the order of DEFAULTS."""
    values, scopes = dict(DEFAULTS), dict.fromkeys(DEFAULTS, "default")
    for scope in SCOPES:
        for name, value in zip(DEFAULTS, by_scope.get(scope, ()), strict=False):
            if value is not None:
                values[name], scopes[name] = value, scope
    return Effective(values, scopes)


@dataclass(frozen=True)
class Candidate:
    """What the rules look at in an invoice. balance_ore: unpaid of it, in öre."""

    due_on: date
    issued_on: date | None
    balance_ore: int
    currency: str
    type: str
    is_consumer: bool
    reminder_fee_charged: bool

    @classmethod
    def of(cls, invoice: Invoice) -> "Candidate":
        return cls(
            invoice.due_on, invoice.issued_on, invoice.balance_ore, invoice.currency, invoice.type,
            invoice.debtor.kind == "person", invoice.reminder_fee_charged,
        )  # fmt: skip


def decide(invoice: Candidate, rules: Effective, today: date) -> Decision:
    """Whether an invoice becomes a case today, and why or why not."""
    if left_out := _left_out(invoice, rules):
        code, message, told = left_out
        return Decision("left out", Problem(message, told), code)
    first_day = invoice.due_on + timedelta(days=rules.days_after_due)
    if today < first_day:
        return Decision(
            "waiting",
            Problem(
                N_("It is not overdue long enough yet. Days needed by the rules: %(days)s."),
                {"days": rules.days_after_due},
            ),
            "too early",
            first_day,
        )
    if not rules.is_active:
        return Decision("waiting", Problem(N_("Collection is not switched on yet."), {}), "paused")
    return Decision(
        "imported",
        Problem(
            N_("It is overdue long enough. Days needed by the rules: %(days)s."),
            {"days": rules.days_after_due},
        ),
        "overdue",
    )


def _left_out(invoice: Candidate, rules: Effective) -> tuple[str, str, dict[str, object]] | None:
    """The code, the text and its values of what leaves an invoice out, the first that does."""
    after_on = rules.import_after_on
    if invoice.currency != "SEK":
        return (
            "currency",
            N_("Only claims in Swedish kronor are collected; this one is in %(currency)s."),
            {"currency": invoice.currency},
        )
    if (invoice.issued_on or invoice.due_on) < limitation.KNOWN_FROM:
        return "too old", N_("The claim is so old that it is limited by time."), {}
    if rules.is_excluded:
        return "excluded", N_("The rules exclude the customer from collection."), {}
    if after_on is not None and invoice.due_on < after_on:
        return (
            "before import date",
            N_("It fell due before the date from which invoices are collected."),
            {},
        )
    if rules.collects_from == ("businesses" if invoice.is_consumer else "consumers"):
        return (
            "not this kind of customer",
            N_("The rules do not collect from this kind of customer."),
            {},
        )
    if invoice.type in rules.left_out_types:
        return "type", N_("The rules leave out invoices of this type."), {}
    if invoice.balance_ore < rules.lowest_ore:
        return (
            "amount too low",
            N_("Less is unpaid than %(lowest_ore)s, the lowest amount."),
            {"lowest_ore": rules.lowest_ore},
        )
    if rules.highest_ore and invoice.balance_ore > rules.highest_ore:
        return (
            "amount too high",
            N_("More is unpaid than %(highest_ore)s, the highest amount."),
            {"highest_ore": rules.highest_ore},
        )
    if invoice.reminder_fee_charged and rules.leaves_out_reminded:
        return "reminded already", N_("A reminder fee has been charged for it already."), {}
    return None


def decide_each(
    invoices: Sequence[Invoice], creditor_id: int, *, today: date
) -> list[tuple[Invoice, Decision]]:
    """What the rules of today say of each of a creditor's invoices, read in one query."""
    rows = db.session.scalars(select(Rules).where(Rules.creditor_id == creditor_id))
    by_key = {(row.creditor_id, row.scope, row.scope_key): row for row in rows}
    return [
        (one, decide(Candidate.of(one), merge(_layers(by_key, one.debtor)), today))
        for one in invoices
    ]


def as_json(value: object) -> object:
    """A setting's value as the history tells it."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Decimal) else value
