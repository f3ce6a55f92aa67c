"""The rules laid out for statements over many invoices: who has which, on which days, what decides.

The import asks what holds today, the preview what holds on each day to come and what would hold
under rules that nobody has saved; both with the SQL of this module. `policy.decide` says the same
of one invoice, and the tests hold them against each other.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import and_, or_, select

from portal.collection import policy
from portal.collection.models import Debtor, Rules
from portal.collection.policy import DEFAULTS, Effective
from portal.extensions import db
from portal.law import limitation

Key = tuple[str, str]
# Three scopes, of which each may end once.
MOST_TURNS = 4


@dataclass(frozen=True)
class Layer:
    """What one row of the rules says, in the order of policy.DEFAULTS; None: nothing."""

    values: tuple[Any, ...]
    ends_on: date | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Layer | None":
        """A row as `rulebook` takes it; None when it says nothing."""
        said = tuple(_frozen(values.get(name)) for name in DEFAULTS)
        return None if all(one is None for one in said) else cls(said, values.get("ends_on"))

    def holds_on(self, day: date) -> bool:
        return self.ends_on is None or self.ends_on >= day


# The layers of a customer: the company's, its class's, its own.
Chain = tuple[Layer | None, Layer | None, Layer | None]


@dataclass(frozen=True)
class Stretch:
    """Days, the last included, over which the same rules hold."""

    from_on: date
    to_on: date
    rules: Effective


@dataclass(frozen=True)
class Sheet:
    """All rows of a creditor's rules. classes: of the customers that have rows of their own."""

    layers: Mapping[Key, Layer]
    classes: Mapping[str, str]

    def with_rows(self, rows: Mapping[Key, Mapping[str, Any]]) -> "Sheet":
        """The same with some rows as they are edited, each as `rulebook` takes it."""
        layers = dict(self.layers)
        # Thousands of customers may be given the same.
        known: dict[Layer, Layer] = {}
        for key, values in rows.items():
            layer = Layer.of(values)
            if layer is None:
                layers.pop(key, None)
            else:
                layers[key] = known.setdefault(layer, layer)
        return Sheet(layers, self.classes)

    def with_company(self, **values: Any) -> "Sheet":
        """The same with some of what the company's row says in other words."""
        own = self.layers.get(("company", ""), Layer((None,) * len(DEFAULTS)))
        said = {**dict(zip(DEFAULTS, own.values, strict=True)), **values}
        return self.with_rows({("company", ""): {**said, "ends_on": own.ends_on}})

    def chain(self, number: str | None = None, customer_class: str | None = None) -> Chain:
        """The layers of a customer; of the company where neither is told."""
        return (
            self.layers.get(("company", "")),
            self.layers.get(("class", customer_class or "")),
            self.layers.get(("customer", number)) if number is not None else None,
        )

    def chain_of(self, scope: str, key: str) -> Chain:
        """The layers of whom a row is for."""
        if scope == "customer":
            return self.chain(key, self.classes.get(key, ""))
        return self.chain(None, key) if scope == "class" else (self.chain()[0], None, None)


@dataclass(frozen=True)
class LaidOut:
    """Rules as JSON for `TABLES`. turns: into how many stretches anybody's days fall at most."""

    classes: str
    customers: str
    terms: str
    turns: int

    @property
    def values(self) -> dict[str, Any]:
        """What `TABLES` and `reason` ask for."""
        return {
            "rule_classes": self.classes,
            "rule_customers": self.customers,
            "rule_terms": self.terms,
            "known_from": limitation.KNOWN_FROM,
        }


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def sheet(creditor_id: int, also: Iterable[str] = ()) -> Sheet:
    """A creditor's rules as they are saved. also: customers whose classes are asked for too."""
    columns = [getattr(Rules, name) for name in DEFAULTS]
    rows = db.session.execute(
        select(Rules.scope, Rules.scope_key, Rules.ends_on, *columns).where(
            Rules.creditor_id == creditor_id
        )
    )
    # Thousands of customers say the same.
    known: dict[Layer, Layer] = {}
    layers = {}
    for scope, key, ends_on, *values in rows:
        layer = Layer(tuple(map(_frozen, values)), ends_on)
        layers[scope, key] = known.setdefault(layer, layer)
    return Sheet(layers, _classes(creditor_id, also))


def _classes(creditor_id: int, numbers: Iterable[str]) -> dict[str, str]:
    has_rules = and_(
        Rules.creditor_id == creditor_id,
        Rules.scope == "customer",
        Rules.scope_key == Debtor.customer_number,
    )
    is_asked_for = or_(
        select(Rules.id).where(has_rules).exists(), Debtor.customer_number.in_(list(numbers))
    )
    rows = db.session.execute(
        select(Debtor.customer_number, Debtor.customer_class).where(
            Debtor.creditor_id == creditor_id, is_asked_for
        )
    )
    return {number: customer_class or "" for number, customer_class in rows}


def stretches(chain: Chain, from_on: date, until: date) -> list[Stretch]:
    """What holds on the days from one to another: anew on the day after each row's last."""
    last_days = {layer.ends_on for layer in chain if layer is not None and layer.ends_on}
    ends = sorted(day for day in last_days if from_on <= day < until)
    starts = [from_on, *(day + timedelta(days=1) for day in ends)]
    found = []
    for start, stop in zip(starts, [*ends, until], strict=True):
        holding = zip(policy.SCOPES, chain, strict=True)
        said = {scope: layer.values for scope, layer in holding if layer and layer.holds_on(start)}
        found.append(Stretch(start, stop, policy.lay(said)))
    return found


def slot(place: str, side: int, turn: int) -> str:
    """SQL of which terms hold at a place, on a side, for a turn: one number, to join by."""
    return f"({place}) * {2 * MOST_TURNS} + {side * MOST_TURNS + turn}"


@dataclass
class _Places:
    """Each set of layers that somebody has, once; place 0 is the company's."""

    from_on: date
    until: date
    known: dict[tuple[int, ...], int] = field(default_factory=dict)
    terms: list[dict[str, Any]] = field(default_factory=list)
    turns: int = 1

    def of(self, chains: Sequence[Chain]) -> int:
        key = tuple(id(layer) for chain in chains for layer in chain)
        if key not in self.known:
            self.known[key] = len(self.known)
            for side, chain in enumerate(chains):
                self._add(self.known[key] * 2 * MOST_TURNS + side * MOST_TURNS, chain)
        return self.known[key]

    def _add(self, first: int, chain: Chain) -> None:
        for turn, one in enumerate(stretches(chain, self.from_on, self.until)):
            self.turns = max(self.turns, turn + 1)
            days = {"from_on": one.from_on.isoformat(), "to_on": one.to_on.isoformat()}
            self.terms.append({"slot": first + turn, **days, **_as_columns(one.rules)})


def lay_out(sheets: Sequence[Sheet], from_on: date, until: date) -> LaidOut:
    """What holds from one day to another under a sheet, or under two of a creditor (sides 0, 1)."""
    places = _Places(from_on, until)
    places.of([one.chain() for one in sheets])
    classes, customers = (
        [
            {"key": key, "place": places.of([one.chain_of(scope, key) for one in sheets])}
            for key in _keys(scope, sheets)
        ]
        for scope in ("class", "customer")
    )
    return LaidOut(
        json.dumps(classes), json.dumps(customers), json.dumps(places.terms), places.turns
    )


def _keys(scope: str, sheets: Sequence[Sheet]) -> list[str]:
    keys = {key for one in sheets for of, key in one.layers if of == scope}
    if scope == "customer":
        # A customer that nobody has ever invoiced has no invoice to decide on.
        keys &= {number for one in sheets for number in one.classes}
    return sorted(keys)


def _as_columns(one: Effective) -> Mapping[str, Any]:
    after_on, rate = one.import_after_on, one.agreed_rate
    return {
        "is_active": one.is_active,
        "days_after_due": one.days_after_due,
        "import_after_on": after_on.isoformat() if after_on else None,
        "is_excluded": one.is_excluded,
        "collects_from": one.collects_from,
        "lowest_ore": one.lowest_ore,
        "highest_ore": one.highest_ore,
        "left_out_types": one.left_out_types,
        "leaves_out_reminded": one.leaves_out_reminded,
        "reminder_fee_agreed": one.reminder_fee_agreed,
        "reminder_days": one.reminder_days,
        "interest_kind": one.interest_kind,
        "agreed_rate": str(rate) if rate is not None else None,
        "scopes": {
            code: [name, policy.as_json(one.values[name]), one.scopes[name]]
            for code, name in policy.DECIDED_BY.items()
        },
        "told": one.told_at_import(),
    }


_KEYS = "select * from jsonb_to_recordset(cast(:{name} as jsonb)) as one (key text, place integer)"
TERMS = """
jsonb_to_recordset(cast(:rule_terms as jsonb)) as {name} (
    slot integer, from_on date, to_on date,
    is_active boolean, days_after_due integer, import_after_on date, is_excluded boolean,
    collects_from text, lowest_ore bigint, highest_ore bigint, left_out_types jsonb,
    leaves_out_reminded boolean, reminder_fee_agreed boolean, reminder_days bigint,
    interest_kind text, agreed_rate numeric, scopes jsonb, told jsonb
)
"""
# For a statement's `with`. None is filtered when it is joined: the database would then expect a
# single row, and read all of them for each invoice.
TABLES = f"""
rule_classes as materialized ({_KEYS.format(name="rule_classes")}),
rule_customers as materialized ({_KEYS.format(name="rule_customers")}),
rule_terms as materialized (select * from {TERMS.format(name="one")})
"""  # noqa: S608
# To the invoices w: their debtors d, and whose rules they have, at `PLACE`.
JOINS = """
join debtors d on d.id = w.debtor_id and d.creditor_id = :creditor_id
left join rule_customers on rule_customers.key = d.customer_number
left join rule_classes on rule_classes.key = coalesce(d.customer_class, '')
"""
PLACE = "coalesce(rule_customers.place, rule_classes.place, 0)"


def reason(terms: str, day: str) -> str:
    """SQL of the reason that decides on the invoice w of the debtor d, as a code of `policy`.

    terms: alias of its row of `rule_terms`. day: SQL of the day that is asked about. The order of
    the reasons is that of `policy.decide`.
    """
    return f"""case
        when w.currency <> 'SEK' then 'currency'
        when w.arose_on < :known_from then 'too old'
        when {terms}.is_excluded then 'excluded'
        when w.due_on < {terms}.import_after_on then 'before import date'
        when {terms}.collects_from
            = case when d.kind = 'person' then 'businesses' else 'consumers' end
            then 'not this kind of customer'
        when {terms}.left_out_types ? w.type then 'type'
        when w.balance_ore < {terms}.lowest_ore then 'amount too low'
        when {terms}.highest_ore > 0 and w.balance_ore > {terms}.highest_ore then 'amount too high'
        when w.reminder_fee_charged and {terms}.leaves_out_reminded then 'reminded already'
        when {day} < w.due_on + {terms}.days_after_due then 'too early'
        when not {terms}.is_active then 'paused'
        else 'overdue'
    end"""
