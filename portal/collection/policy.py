"""Which rules hold for an invoice, from which scope, and what they decide."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.dialects.postgresql import insert

from portal.collection import history
from portal.collection.models import Debtor, Invoice, Rules
from portal.extensions import db
from portal.identity.actor import Actor
from portal.law import limitation
from portal.law.demand import least_days_demand
from portal.law.reminder import least_days_reminder
from portal.messages import N_, Problem, RedaError

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
    # A payment on the last day takes a banking day or two to reach us.
    "demand_after_days": 4,
    "demand_days": 10,
    "decision_after_days": 4,
    "after_demand": "ask",
    # Chasing less than this costs everybody more than it brings.
    "small_rest_ore": 1_000,
    "wants_compensation": False,
    "direct_payment": "costs owed",
}
AFTER_DEMAND = ("ask", "legal", "surveillance", "write off", "return")
DIRECT_PAYMENT = ("costs owed", "costs waived")
# Codes of the reasons for which an invoice is never a case; for the others it waits.
LEFT_OUT = ("currency", "too old", "before import date")
_WIDEST_FIRST = ("company", "class", "customer")
INTEREST_KINDS = ("statutory", "agreed", "none")
# Beyond these somebody has slipped on the keyboard.
_MOST_DAYS = 365
_HIGHEST_RATE = Decimal(100)
_MOST_REST_ORE = 100_000


class ChangedMeanwhile(RedaError):
    """Somebody else saved these rules after they were read."""

    status = 409


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
            name: [_as_json(self.values[name]), self.scopes.get(name, "default")] for name in names
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


def every_effective(creditor_id: int) -> list[tuple[str, str, Effective]]:
    """What holds for the company, and for each class and customer with rules of their own.

    Answers (scope, key, rules) of each, the company's first. A customer that is not known has none.
    """
    rows = db.session.scalars(select(Rules).where(Rules.creditor_id == creditor_id)).all()
    by_key = {(row.scope, row.scope_key): row for row in rows}
    customers = db.session.execute(
        select(Debtor.customer_number, Debtor.customer_class)
        .join(Rules, and_(Rules.scope == "customer", Rules.scope_key == Debtor.customer_number))
        .where(Debtor.creditor_id == creditor_id, Rules.creditor_id == creditor_id)
    ).all()
    wanted = [
        {"company": ""},
        *({"company": "", "class": row.scope_key} for row in rows if row.scope == "class"),
        *(
            {"company": "", "class": customer_class or "", "customer": number}
            for number, customer_class in customers
        ),
    ]
    found = []
    for keys in wanted:
        scope, key = list(keys.items())[-1]
        rules = {of: by_key[of, one] for of, one in keys.items() if (of, one) in by_key}
        found.append((scope, key, merge(rules)))
    return found


def decide(
    *, due_on: date, issued_on: date | None, currency: str, rules: Effective, today: date
) -> Decision:
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
    if (issued_on or due_on) < limitation.KNOWN_FROM:
        return Decision(
            "left out",
            Problem(N_("The claim is so old that it is limited by time."), {}),
            "too old",
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


def decide_each(
    invoices: Sequence[Invoice], creditor_id: int, *, today: date
) -> list[tuple[Invoice, Decision]]:
    """What the rules of today say of each of a creditor's invoices, read in one query."""
    rows = db.session.scalars(select(Rules).where(Rules.creditor_id == creditor_id))
    by_key = {(row.scope, row.scope_key): row for row in rows}
    decided = []
    for invoice in invoices:
        keys = {
            "company": "",
            "class": invoice.debtor.customer_class or "",
            "customer": invoice.debtor.customer_number,
        }
        found = {scope: by_key[scope, key] for scope, key in keys.items() if (scope, key) in by_key}
        decision = decide(
            due_on=invoice.due_on, issued_on=invoice.issued_on, currency=invoice.currency,
            rules=merge(found), today=today,
        )  # fmt: skip
        decided.append((invoice, decision))
    return decided


def company_version(creditor_id: int) -> int:
    """The version of the company's own rules; 0 when it has none yet."""
    return (
        db.session.scalar(
            select(Rules.version).where(Rules.creditor_id == creditor_id, Rules.scope == "company")
        )
        or 0
    )


def save_company_rules(
    creditor_id: int, values: Mapping[str, Any], version: int, *, actor: Actor, now: datetime
) -> bool:
    """Keep a company's rules, for every customer without rules of its own.

    values: every name in DEFAULTS. version: as `company_version` told when they were read.
    Answers whether anything changed.
    Raises ChangedMeanwhile, and RedaError at the field that cannot hold.
    """
    wanted = {name: values[name] for name in DEFAULTS}
    if wanted["interest_kind"] != "agreed":
        wanted["agreed_rate"] = None
    _check(wanted, now.date())
    row = _locked_company_rules(creditor_id, version, now)
    before = {name: getattr(row, name) for name in DEFAULTS}
    if before == wanted:
        return False
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version, row.changed_at = version + 1, now
    history.record(
        "rules.changed",
        creditor_id=creditor_id,
        actor=actor,
        now=now,
        scope="company",
        before={name: _as_json(value) for name, value in before.items() if value != wanted[name]},
        after={name: _as_json(value) for name, value in wanted.items() if value != before[name]},
    )
    db.session.flush()
    return True


def _locked_company_rules(creditor_id: int, version: int, now: datetime) -> Rules:
    if version == 0:
        db.session.execute(
            insert(Rules)
            .values(
                creditor_id=creditor_id, scope="company", scope_key="", version=0, changed_at=now
            )
            .on_conflict_do_nothing()
        )
    row = db.session.scalars(
        select(Rules)
        .where(Rules.creditor_id == creditor_id, Rules.scope == "company")
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None or row.version != version:
        raise ChangedMeanwhile(
            N_("Somebody else changed the rules meanwhile. Look at them and save again.")
        )
    return row


def _check(values: Mapping[str, Any], today: date) -> None:
    days, rate = values["days_after_due"], values["agreed_rate"]
    if not 1 <= days <= _MOST_DAYS:
        raise RedaError(
            N_("Choose between 1 and %(most)s days."), field="days_after_due", most=_MOST_DAYS
        )
    least = least_days_reminder(today)
    if not least <= values["reminder_days"] <= _MOST_DAYS:
        raise RedaError(
            N_("A reminder gives at least %(least)s days to pay, and at most %(most)s."),
            field="reminder_days",
            least=least,
            most=_MOST_DAYS,
        )
    least = least_days_demand(today)
    if not least <= values["demand_days"] <= _MOST_DAYS:
        raise RedaError(
            N_("A demand gives at least %(least)s days to pay, and at most %(most)s."),
            field="demand_days",
            least=least,
            most=_MOST_DAYS,
        )
    for name in ("demand_after_days", "decision_after_days"):
        if not 1 <= values[name] <= _MOST_DAYS:
            raise RedaError(N_("Choose between 1 and %(most)s days."), field=name, most=_MOST_DAYS)
    for name, known in (("after_demand", AFTER_DEMAND), ("direct_payment", DIRECT_PAYMENT)):
        if values[name] not in known:
            raise RedaError(N_("Choose one of the options."), field=name)
    if not 0 <= values["small_rest_ore"] <= _MOST_REST_ORE:
        raise RedaError(
            N_("Choose at most %(most_ore)s."), field="small_rest_ore", most_ore=_MOST_REST_ORE
        )
    if values["interest_kind"] not in INTEREST_KINDS:
        raise RedaError(N_("Choose which interest is asked for."), field="interest_kind")
    if values["interest_kind"] == "agreed" and (rate is None or not 0 < rate <= _HIGHEST_RATE):
        raise RedaError(
            N_("Write the agreed rate in per cent a year, above 0 and at most 100."),
            field="agreed_rate",
        )


def _as_json(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
