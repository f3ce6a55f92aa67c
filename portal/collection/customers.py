"""A creditor's customers as its pages show them: found, filtered, and what holds for each.

What is decided is `policy`'s, what is written `rulebook`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    LargeBinary,
    Select,
    Subquery,
    Text,
    and_,
    any_,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import aliased

from portal import ledger
from portal.collection import finding, places, policy, reaching, rulebook
from portal.collection.models import Case, Debtor, Event, Invoice, Rules
from portal.collection.policy import Candidate, Decision, Effective
from portal.extensions import db
from portal.identity.actor import Actor

PAGE_SIZE = 50
# Beyond this a list says "more than".
MOST_COUNTED = 20_000
# Names that so many have are looked for in the list's order instead.
MOST_LOOKED_UP = 5_000
ENDS_SOON = timedelta(days=14)
EXCLUDED, OWN, ENDING, OPEN, NO_ADDRESS = "excluded", "own", "ending", "open", "no address"
KINDS = (EXCLUDED, OWN, ENDING, OPEN, NO_ADDRESS)
SORTS = ("name", "number", "class", "ends")
SCOPES = ("default", "company", "class", "customer")


@dataclass(frozen=True)
class Filters:
    """Which customers, and in which order.

    search: part of a name, or a number, telephone or e-mail in full. customer_class: None for all,
    empty for those without one. kinds: some of KINDS, all of which must hold. sort: one of SORTS,
    with a hyphen before it for the other way round; `ends` shows those with a last day. ids: these
    customers alone, if any are named.
    """

    search: str = ""
    customer_class: str | None = None
    kinds: Sequence[str] = ()
    sort: str = "name"
    ids: Sequence[int] = ()

    @property
    def is_narrowed(self) -> bool:
        """Whether it leaves anybody out."""
        return bool(
            self.search.strip() or self.kinds or self.customer_class is not None or self.ids
        )


@dataclass(frozen=True)
class CustomerRow:
    """A customer in a list.

    excluded_by: the scope whose rules exclude it, None when none does. has_own: rules of its own.
    """

    id: int
    number: str
    name: str
    kind: str
    customer_class: str | None
    has_address: bool
    has_own: bool
    ends_on: date | None
    reason: str
    excluded_by: str | None
    open_cases: int
    waiting: int


@dataclass(frozen=True)
class Page:
    """Some customers, and the key that the next ones come after, or None at the end."""

    rows: Sequence[CustomerRow]
    after: int | None


@dataclass(frozen=True)
class Layer:
    """What one scope says of a setting. wins: whether it is what holds."""

    scope: str
    value: Any
    wins: bool


@dataclass(frozen=True)
class Setting:
    """A setting: what holds, the scope that says so, and what each scope says, the widest first."""

    name: str
    value: Any
    scope: str
    layers: Sequence[Layer]


@dataclass(frozen=True)
class Class:
    """A customer class. excluded: how many of its customers the rules leave out."""

    name: str
    customers: int
    excluded: int
    has_own: bool
    is_excluded: bool
    ends_on: date | None
    reason: str


@dataclass(frozen=True)
class CaseOf:
    """A case of a customer. unpaid_ore: as booked."""

    reference: str
    invoice_number: str
    status: str
    is_stopped: bool
    due_on: date
    opened_on: date
    unpaid_ore: int
    currency: str


@dataclass(frozen=True)
class Expected:
    """Rules for a customer number that no customer has (yet)."""

    id: int
    number: str
    values: Mapping[str, Any]
    ends_on: date | None
    reason: str


@dataclass(frozen=True)
class Touched:
    """What there is of some customers: invoices that wait, and cases that are open."""

    waiting: int
    waiting_ore: int
    open_cases: int


@dataclass(frozen=True)
class Said:
    """What is said of a class or customer: by itself (own) and by the scopes around it (wider).

    version: of its own rules, 0 when it has none. settings: all of it, setting by setting.
    """

    wider: Effective
    own: Mapping[str, Any]
    version: int
    settings: Sequence[Setting]

    @property
    def holds(self) -> dict[str, Setting]:
        """The settings by name."""
        return {one.name: one for one in self.settings}

    @property
    def has_own(self) -> bool:
        """Whether it says anything itself."""
        return self.version > 0


def page(
    creditor_id: int,
    filters: Filters,
    today: date,
    after: int | None = None,
    size: int = PAGE_SIZE,
) -> Page:
    """A creditor's customers. after: the last one's id of the page before."""
    query = _found(creditor_id, filters, today)
    way = _Way(filters.sort)
    if after is not None:
        query = query.where(way.after(creditor_id, after))
    found = query.order_by(*way.order()).limit(size + 1).subquery()
    rows = list(_rows(creditor_id, found, way))
    more = len(rows) > size
    rows = rows[:size]
    return Page(rows, rows[-1].id if more else None)


def count(creditor_id: int, filters: Filters, today: date) -> int:
    """How many customers there are, at most MOST_COUNTED + 1."""
    found = _found(creditor_id, filters, today).limit(MOST_COUNTED + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(found)) or 0


def numbers(creditor_id: int, filters: Filters, today: date, most: int) -> list[str]:
    """The customer numbers that a filter finds, at most so many."""
    found = _found(creditor_id, filters, today).limit(most).subquery()
    query = select(Debtor.customer_number).join(found, found.c.id == Debtor.id)
    return list(db.session.scalars(query.order_by(Debtor.customer_number)))


def numbers_of(creditor_id: int, ids: Sequence[int]) -> list[str]:
    """The customer numbers of some customers, those that are the creditor's."""
    query = select(Debtor.customer_number).where(
        Debtor.creditor_id == creditor_id, Debtor.id.in_(ids[:MOST_COUNTED])
    )
    return list(db.session.scalars(query.order_by(Debtor.customer_number)))


class _Way:
    """How a list is sorted."""

    def __init__(self, sort: str) -> None:
        self.is_down = sort.startswith("-")
        by = sort.removeprefix("-")
        self.by = by if by in SORTS else "name"

    def value(self) -> ColumnElement[Any]:
        if self.by == "number":
            return Debtor.customer_number.expression
        if self.by == "class":
            return func.coalesce(Debtor.customer_class, "")
        if self.by == "ends":
            return _OWN.ends_on.expression
        return Debtor.name_in_order.expression

    def order(self) -> list[ColumnElement[Any]]:
        both: list[ColumnElement[Any]] = [self.value(), Debtor.id.expression]
        return [one.desc() for one in both] if self.is_down else both

    def after(self, creditor_id: int, last: int) -> ColumnElement[bool]:
        query = select(self.value()).where(Debtor.creditor_id == creditor_id, Debtor.id == last)
        if self.by == "ends":
            query = query.join(_OWN, _has_own())
        place = db.session.scalar(query)
        here = tuple_(self.value(), Debtor.id)
        there = tuple_(literal(place), literal(last))
        return here < there if self.is_down else here > there


_OWN = aliased(Rules)
_OF_CLASS = aliased(Rules)


def _has_own() -> ColumnElement[bool]:
    return and_(
        _OWN.creditor_id == Debtor.creditor_id,
        _OWN.scope == "customer",
        _OWN.scope_key == Debtor.customer_number,
    )


def _found(creditor_id: int, filters: Filters, today: date) -> Select[Any]:
    query = select(Debtor.id).where(Debtor.creditor_id == creditor_id)
    if OWN in filters.kinds or ENDING in filters.kinds or _Way(filters.sort).by == "ends":
        query = query.join(_OWN, _has_own())
    if _Way(filters.sort).by == "ends":
        query = query.where(_OWN.ends_on.is_not(None))
    if ENDING in filters.kinds:
        query = query.where(_OWN.ends_on.between(today, today + ENDS_SOON))
    if filters.customer_class is not None:
        # None is no class as well as an empty one.
        of = func.coalesce(Debtor.customer_class, "") if not filters.customer_class else None
        query = query.where((Debtor.customer_class if of is None else of) == filters.customer_class)
    if EXCLUDED in filters.kinds:
        query = query.where(_is_excluded(creditor_id))
    if OPEN in filters.kinds:
        query = query.where(
            Debtor.id.in_(
                select(Case.debtor_id).where(
                    Case.creditor_id == creditor_id, Case.closed_on.is_(None)
                )
            )
        )
    if NO_ADDRESS in filters.kinds:
        query = query.where(reaching.has_no_address())
    if wanted := filters.search.strip():
        query = query.where(_sought(creditor_id, wanted, today))
    if filters.ids:
        query = query.where(Debtor.id.in_(filters.ids))
    return query


def _sought(creditor_id: int, typed: str, today: date) -> ColumnElement[bool]:
    """Who a text may mean: numbers in full first, then telephone and e-mail, then a name."""
    sought = finding.recognise(typed, today=today)
    exact = db.session.scalars(
        select(Debtor.id).where(
            Debtor.creditor_id == creditor_id,
            or_(
                Debtor.customer_number == any_(literal(list(sought.numbers), ARRAY(Text))),
                Debtor.identity_number_hash
                == any_(literal(list(sought.identity_hashes), ARRAY(LargeBinary))),
            ),
        )
    ).all()
    if exact:
        return Debtor.id.in_(exact)
    for words in ([sought.phone], [sought.email], sought.words):
        if not words or not words[0]:
            continue
        found = db.session.scalars(
            select(func.reda_debtors_like(creditor_id, list(words), MOST_LOOKED_UP + 1))
        ).all()
        if len(found) > MOST_LOOKED_UP:
            # So many are found soon in whatever order.
            return places.are_called([one for one in words if one], creditor_id)
        if found:
            return Debtor.id.in_(found)
    return false()


def _is_excluded(creditor_id: int) -> ColumnElement[bool]:
    """Whether the rules exclude a customer, so that few who are excluded are found by an index."""
    said = db.session.execute(
        select(Rules.scope, Rules.scope_key, Rules.is_excluded).where(
            Rules.creditor_id == creditor_id,
            Rules.scope.in_(("company", "class")),
            Rules.is_excluded.is_not(None),
        )
    ).all()
    company = any(one.is_excluded for one in said if one.scope == "company")
    classes = [one for one in said if one.scope == "class" and one.is_excluded != company]

    def own(is_excluded: bool) -> ColumnElement[bool]:
        return Debtor.customer_number.in_(
            select(Rules.scope_key).where(
                Rules.creditor_id == creditor_id,
                Rules.scope == "customer",
                Rules.is_excluded.is_(is_excluded),
            )
        )

    named = func.coalesce(Debtor.customer_class, "").in_([one.scope_key for one in classes])
    if company:
        return or_(own(True), and_(~named, ~own(False)))
    if not classes:
        return own(True)
    return or_(own(True), and_(named, ~own(False)))


def _rows(creditor_id: int, found: Subquery, way: _Way) -> Sequence[CustomerRow]:
    company = db.session.scalar(
        select(Rules.is_excluded).where(Rules.creditor_id == creditor_id, Rules.scope == "company")
    )
    open_cases = (
        select(func.count(Case.id))
        .where(Case.debtor_id == Debtor.id, Case.closed_on.is_(None))
        .scalar_subquery()
    )
    waiting = (
        select(func.count(Invoice.id))
        .where(Invoice.debtor_id == Debtor.id, Invoice.decision != "imported")
        .scalar_subquery()
    )
    query = (
        select(
            Debtor.id, Debtor.customer_number, Debtor.name, Debtor.kind, Debtor.customer_class,
            ~reaching.has_no_address(), _OWN.id.is_not(None), _OWN.ends_on,
            func.coalesce(_OWN.reason, ""),
            _OWN.is_excluded, _OF_CLASS.is_excluded, open_cases, waiting,
        )
        .join(found, found.c.id == Debtor.id)
        .outerjoin(_OWN, _has_own())
        .outerjoin(
            _OF_CLASS,
            and_(
                _OF_CLASS.creditor_id == Debtor.creditor_id,
                _OF_CLASS.scope == "class",
                _OF_CLASS.scope_key == func.coalesce(Debtor.customer_class, ""),
            ),
        )
        .order_by(*way.order())
    )  # fmt: skip
    return [
        CustomerRow(*row[:9], _excluder(row[9], row[10], company), row[11], row[12])
        for row in db.session.execute(query)
    ]


def _excluder(own: bool | None, of_class: bool | None, company: bool | None) -> str | None:
    for scope, said in (("customer", own), ("class", of_class), ("company", company)):
        if said is not None:
            return scope if said else None
    return None


def get(creditor_id: int, customer_id: int) -> Debtor | None:
    """A customer by its id, if it is the creditor's."""
    return db.session.scalar(
        select(Debtor).where(Debtor.creditor_id == creditor_id, Debtor.id == customer_id)
    )


def is_secret(text: str, today: date) -> bool:
    """Whether a text holds a personal identity number, which must not stand in an address."""
    return finding.recognise(text, today=today).is_secret


def find_by_number(creditor_id: int, text: str, today: date) -> list[int]:
    """The ids of the customers with an identity number, or with it as their customer number."""
    sought = finding.recognise(text, today=today)
    same = or_(
        Debtor.identity_number_hash.in_(sought.identity_hashes),
        Debtor.customer_number.in_(sought.numbers),
    )
    query = select(Debtor.id).where(Debtor.creditor_id == creditor_id, same)
    return list(db.session.scalars(query.order_by(Debtor.id).limit(PAGE_SIZE)))


def said(creditor_id: int, *, number: str | None = None, customer_class: str | None = None) -> Said:
    """What holds for a customer (by its number and class) or for a class, and who says so.

    number None: of the class itself; both None: of the company.
    """
    keys = {"company": ""}
    if customer_class:
        keys["class"] = customer_class
    if number is not None:
        keys["customer"] = number
    rows = db.session.scalars(
        select(Rules).where(
            Rules.creditor_id == creditor_id,
            tuple_(Rules.scope, Rules.scope_key).in_(list(keys.items())),
        )
    ).all()
    by_scope = {row.scope: row for row in rows}
    scope, key = list(keys.items())[-1]
    own = rulebook.own(creditor_id, scope, key)
    wider = policy.merge({of: row for of, row in by_scope.items() if of != scope})
    version = by_scope[scope].version if scope in by_scope else 0
    return Said(wider, own, version, explained(by_scope))


def explained(by_scope: Mapping[str, Rules]) -> list[Setting]:
    """Every setting with what each scope says of it, and which of them wins."""
    rules = policy.merge(by_scope)
    found = []
    for name, default in policy.DEFAULTS.items():
        says = [("default", default)]
        says += [
            (scope, getattr(by_scope[scope], name))
            for scope in SCOPES[1:]
            if scope in by_scope and getattr(by_scope[scope], name) is not None
        ]
        winner = rules.scopes[name]
        # What nobody has chosen is told only where nobody has chosen anything.
        layers = [Layer(of, value, of == winner) for of, value in says[1:] or says]
        found.append(Setting(name, rules.values[name], winner, layers))
    return found


def classes(creditor_id: int) -> list[Class]:
    """The classes that a creditor's customers have, and those that have rules, by name."""
    of_class = db.session.execute(
        select(Debtor.customer_class, func.count())
        .where(Debtor.creditor_id == creditor_id, Debtor.customer_class.is_not(None))
        .group_by(Debtor.customer_class)
    )
    counts = {name: int(many) for name, many in of_class if name}
    rows = db.session.scalars(
        select(Rules).where(Rules.creditor_id == creditor_id, Rules.scope.in_(("company", "class")))
    ).all()
    rules = {row.scope_key: row for row in rows if row.scope == "class"}
    company = any(row.is_excluded for row in rows if row.scope == "company")
    own = _counts_by_own_word(creditor_id)
    found = []
    for name in sorted({*counts, *rules}):
        row, many = rules.get(name), counts.get(name, 0)
        said = row.is_excluded if row is not None else None
        is_excluded = company if said is None else said
        found.append(
            Class(
                name,
                many,
                many - own.get((name, False), 0) if is_excluded else own.get((name, True), 0),
                row is not None,
                is_excluded,
                row.ends_on if row is not None else None,
                row.reason if row is not None else "",
            )
        )
    return found


def find_class(creditor_id: int, name: str) -> Class | None:
    """A class by its name, None when there is none."""
    return next((one for one in classes(creditor_id) if one.name == name), None)


def own_of_class(creditor_id: int, name: str, limit: int = 50) -> list[CustomerRow]:
    """The customers of a class that have rules of their own, by name."""
    filters = Filters(customer_class=name, kinds=(OWN,))
    way = _Way(filters.sort)
    found = _found(creditor_id, filters, date.min).order_by(*way.order()).limit(limit).subquery()
    return list(_rows(creditor_id, found, way))


def _counts_by_own_word(creditor_id: int) -> dict[tuple[str, bool], int]:
    """How many customers of each class exclude or include themselves whatever their class says."""
    rows = db.session.execute(
        select(Debtor.customer_class, Rules.is_excluded, func.count())
        .join(
            Rules,
            and_(
                Rules.creditor_id == Debtor.creditor_id,
                Rules.scope == "customer",
                Rules.scope_key == Debtor.customer_number,
            ),
        )
        .where(Debtor.creditor_id == creditor_id, Rules.is_excluded.is_not(None))
        .group_by(Debtor.customer_class, Rules.is_excluded)
    )
    return {(name or "", bool(said)): int(many) for name, said, many in rows}


def invoices_of(
    creditor_id: int, customer: Debtor, today: date, limit: int = 50
) -> list[tuple[Invoice, Decision]]:
    """A customer's invoices that are no cases, the oldest due first, each with what is decided."""
    rules = policy.effective(creditor_id, customer.customer_number, customer.customer_class)
    invoices = db.session.scalars(
        select(Invoice)
        .where(
            Invoice.creditor_id == creditor_id,
            Invoice.debtor_id == customer.id,
            Invoice.decision != "imported",
        )
        .order_by(Invoice.due_on, Invoice.id)
        .limit(limit)
    )
    return [(one, policy.decide(Candidate.of(one), rules, today)) for one in invoices]


def cases_of(creditor_id: int, customer: Debtor, limit: int = 50) -> list[CaseOf]:
    """A customer's cases, the open ones first, then the newest."""
    rows = db.session.execute(
        select(
            Case.reference, Invoice.number, Case.status, Case.is_stopped, Case.due_on,
            Case.opened_on, ledger.unpaid_sql(Case.id.expression), Case.currency,
        )
        .join(Invoice, Invoice.id == Case.invoice_id)
        .where(Case.creditor_id == creditor_id, Case.debtor_id == customer.id)
        .order_by(Case.closed_on.is_not(None), Case.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [CaseOf(*row) for row in rows]


def changes_of(
    creditor_id: int, scope: str, key: str, limit: int = 20
) -> list[tuple[rulebook.Told, rulebook.Change]]:
    """The newest changes of one row of rules, each with what became of that row."""
    ids = db.session.scalars(
        select(Event.id)
        .where(
            Event.creditor_id == creditor_id,
            Event.case_id.is_(None),
            Event.name == rulebook.EVENT,
            Event.data.contains({"changes": [{"scope": scope, "key": key}]}),
        )
        .order_by(Event.id.desc())
        .limit(limit)
    ).all()
    found = []
    for event_id in ids:
        event = rulebook.told(creditor_id, event_id)
        found += [(event, one) for one in event.changes if (one.scope, one.key) == (scope, key)]
    return found


def exclude(
    creditor_id: int,
    scope: str,
    keys: Sequence[str],
    *,
    ends_on: date | None,
    reason: str,
    actor: Actor,
    today: date,
    now: datetime,
) -> int | None:
    """Leave classes or customers out of collection. Answers the event's id, None when they are.

    ends_on: the last day of all that they say themselves. Raises RedaError at the field.
    """
    values = {"is_excluded": True, "ends_on": ends_on, "reason": reason}
    return rulebook.put_many(creditor_id, scope, keys, values, actor=actor, today=today, now=now)


def include(
    creditor_id: int, scope: str, keys: Sequence[str], *, actor: Actor, today: date, now: datetime
) -> int | None:
    """Take classes or customers into collection again, also where a wider scope excludes them."""
    wider = wider_excludes(creditor_id, scope, keys)
    values = {key: {"is_excluded": False if wider[key] else None} for key in keys}
    return rulebook.put_each(creditor_id, scope, values, actor=actor, today=today, now=now)


def wider_excludes(creditor_id: int, scope: str, keys: Sequence[str]) -> dict[str, bool]:
    """Of each class or customer, whether it is excluded but for what it says itself."""
    rows = db.session.execute(
        select(Rules.scope, Rules.scope_key, Rules.is_excluded).where(
            Rules.creditor_id == creditor_id,
            Rules.scope.in_(("company", "class")),
            Rules.is_excluded.is_not(None),
        )
    )
    said = {(row.scope, row.scope_key): bool(row.is_excluded) for row in rows}
    company = said.get(("company", ""), False)
    if scope == "class":
        return dict.fromkeys(keys, company)
    classes = classes_of(creditor_id, keys)
    return {key: said.get(("class", classes.get(key) or ""), company) for key in keys}


def classes_of(creditor_id: int, keys: Sequence[str]) -> dict[str, str | None]:
    """The class of each customer that there is among some numbers."""
    rows = db.session.execute(
        select(Debtor.customer_number, Debtor.customer_class).where(
            Debtor.creditor_id == creditor_id,
            Debtor.customer_number == any_(literal(list(keys), ARRAY(Text))),
        )
    )
    return {row[0]: row[1] for row in rows}


def touched(creditor_id: int, keys: Sequence[str]) -> Touched:
    """The waiting invoices (kronor only) and open cases of the customers with some numbers."""
    return _touched(creditor_id, Debtor.customer_number == any_(literal(list(keys), ARRAY(Text))))


def touched_of_class(creditor_id: int, name: str) -> Touched:
    """The same of the customers of a class."""
    return _touched(creditor_id, Debtor.customer_class == name)


def _touched(creditor_id: int, whose: ColumnElement[bool]) -> Touched:
    them = select(Debtor.id).where(Debtor.creditor_id == creditor_id, whose)
    waiting = db.session.execute(
        select(func.count(Invoice.id), func.coalesce(func.sum(Invoice.balance_ore), 0)).where(
            Invoice.creditor_id == creditor_id,
            Invoice.debtor_id.in_(them),
            Invoice.decision == "waiting",
            Invoice.currency == "SEK",
        )
    ).one()
    open_cases = db.session.scalar(
        select(func.count(Case.id)).where(
            Case.creditor_id == creditor_id, Case.debtor_id.in_(them), Case.closed_on.is_(None)
        )
    )
    return Touched(int(waiting[0]), int(waiting[1]), open_cases or 0)


def _nobody_has() -> ColumnElement[bool]:
    """Whether rules are for a customer number that there is not (yet)."""
    is_here = (
        select(Debtor.id)
        .where(Debtor.creditor_id == Rules.creditor_id, Debtor.customer_number == Rules.scope_key)
        .exists()
    )
    return and_(Rules.scope == "customer", ~is_here)


def count_expected(creditor_id: int) -> int:
    """How many customer numbers have rules and no customer (yet)."""
    query = select(func.count(Rules.id)).where(Rules.creditor_id == creditor_id, _nobody_has())
    return db.session.scalar(query) or 0


def expected(creditor_id: int, after: str = "") -> tuple[list[Expected], str | None]:
    """Rules for numbers that no customer has (yet), and the number that the next come after."""
    rows = db.session.scalars(
        select(Rules)
        .where(Rules.creditor_id == creditor_id, _nobody_has(), Rules.scope_key > after)
        .order_by(Rules.scope_key)
        .limit(PAGE_SIZE + 1)
    ).all()
    found = [
        Expected(
            row.id,
            row.scope_key,
            {name: value for name in policy.DEFAULTS if (value := getattr(row, name)) is not None},
            row.ends_on,
            row.reason,
        )
        for row in rows[:PAGE_SIZE]
    ]
    return found, found[-1].number if len(rows) > PAGE_SIZE else None


def remove_expected(
    creditor_id: int, ids: Sequence[int], *, actor: Actor, today: date, now: datetime
) -> int | None:
    """Take away rules that nobody has yet, by the ids that `expected` told.

    Answers the event's id, None when they were gone already.
    """
    numbers = db.session.scalars(
        select(Rules.scope_key).where(
            Rules.creditor_id == creditor_id, Rules.id.in_(ids), _nobody_has()
        )
    ).all()
    return rulebook.remove_many(creditor_id, "customer", numbers, actor=actor, today=today, now=now)
