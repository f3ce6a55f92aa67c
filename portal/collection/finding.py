"""Finding cases: what somebody typed, filters, sortings, and one page of a list at a time.

A page costs two statements, however many cases there are: `beside` looks up what was typed, and
`page` answers the rows after a key together with how many there are in all. Each sorting walks an
index from its key; how many there are is counted up to MOST_COUNTED.

What is typed is compared with numbers first (case, OCR, invoice, customer, identity number,
telephone), then taken as an amount, then as a name.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from stdnum import luhn

from portal import clock, ledger
from portal.collection import correspondence, places, reaching, states, tellings
from portal.collection.models import Case, Debtor, Invoice, Plan, Stop
from portal.database.encryption import lookup_hash
from portal.delivery import outbox
from portal.extensions import db
from portal.identity import preferences
from portal.messages import RedaError
from portal.sources import values

PAGE_SIZE = 50
# Beyond so many nobody reads a number, and counting goes on costing.
MOST_COUNTED = 10_000
_BATCH = 1_000

# What a case may be marked with besides its status.
PLAN, DISPUTE, NO_ADDRESS, OVERDUE = "plan", "dispute", "no address", "overdue"
BROKEN_PLAN, UNDELIVERED = "broken plan", "undelivered"
UNANSWERED, TOLD = "unanswered", "told"
MARKS = (PLAN, BROKEN_PLAN, DISPUTE, TOLD, UNANSWERED, NO_ADDRESS, UNDELIVERED, OVERDUE)
# As long as a broken plan is news on the overview.
_NEWS = timedelta(days=30)
# A filter's word for a case that any stop holds, and for one that none does.
ANY_STOP, NO_STOP = "any", "none"
NO_STEP = "none"

# Under this name a person's choice of the view to begin with is kept.
DEFAULT_VIEW = "case view"

SORTS = ("reference", "name", "customer", "invoice", "due", "opened", "amount", "status", "next")
NEWEST = "-opened"


@dataclass(frozen=True)
class Filter:
    """Which cases are wanted; what is empty leaves none out. Both ends of a range are counted.

    statuses: of states.STATUSES. steps: of states.STEPS, or NO_STEP. stops: of states.STOPS, or
    ANY_STOP or NO_STOP. amount_from, amount_to: of the claim, in öre. age_from, age_to: days since
    the due date. marks: of MARKS, all of which a case must have.
    """

    statuses: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    step_from: date | None = None
    step_to: date | None = None
    stops: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    amount_from: int | None = None
    amount_to: int | None = None
    due_from: date | None = None
    due_to: date | None = None
    opened_from: date | None = None
    opened_to: date | None = None
    age_from: int | None = None
    age_to: int | None = None
    marks: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self == Filter()


@dataclass(frozen=True)
class Sought:
    """What was typed, as it may be understood. Each is empty where the text cannot be that.

    is_secret: it holds an identity number, and may stand in no address and no log.
    """

    text: str = ""
    references: tuple[str, ...] = ()
    ocrs: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    identity_hashes: tuple[bytes, ...] = ()
    email: str | None = None
    phone: str | None = None
    amount_ore: int | None = None
    words: tuple[str, ...] = ()
    is_secret: bool = False
    is_amount_first: bool = False

    def kinds(self) -> list[str]:
        """What it was looked for as, codes of `Found.kinds`."""
        tried = {
            "reference": self.references, "ocr": self.ocrs, "identity": self.identity_hashes,
            "invoice": self.numbers, "customer": self.numbers, "email": self.email,
            "phone": self.phone, "amount": self.amount_ore is not None, "name": self.words,
        }  # fmt: skip
        return [kind for kind, something in tried.items() if something]


@dataclass(frozen=True)
class Found:
    """What a search came to, for `page`.

    kinds: as what it was found; `reference`, `ocr`, `invoice`, `customer`, `payment reference`,
    `identity`, `email`, `phone`, `amount`, `name`; empty when nothing was. case_ids: the cases.
    words, amount_ore: asked anew for each page instead, when there are too many cases to tell.
    are_many: there are more than are counted, whatever else.
    """

    kinds: tuple[str, ...]
    case_ids: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    amount_ore: int | None = None
    are_many: bool = False


@dataclass(frozen=True)
class View:
    """A list that somebody has kept under a name. is_own: the reader's; person_name: whose."""

    id: int
    name: str
    query: str
    is_own: bool
    is_shared: bool
    person_name: str


@dataclass(frozen=True)
class Beside:
    """What stands beside a list.

    classes: of the creditor's customers. found: what the search came to, None without one.
    views: the reader's own and those shared with them, by name. default: which view the reader has
    chosen to begin with, as `saved_views` keeps it. of_classes: the customers of the classes that
    were asked for, None when there are too many to tell.
    """

    classes: Sequence[str] = ()
    found: Found | None = None
    views: Sequence[View] = ()
    default: str | None = None
    of_classes: Sequence[int] | None = None


_ALONE = Beside()


@dataclass(frozen=True)
class Row:
    """A case in a list. booked_ore: what is booked and unpaid. stops: why it stands still.

    town, email, phone: empty of a protected identity.
    """

    id: int
    reference: str
    status: str
    next_step: str | None
    next_step_on: date | None
    pay_by_on: date | None
    stops: Sequence[str]
    debtor_name: str
    customer_number: str
    customer_class: str | None
    town: str
    email: str | None
    phone: str | None
    invoice_number: str
    due_on: date
    opened_on: date
    closed_on: date | None
    principal_ore: int
    booked_ore: int
    currency: str

    def age_days(self, today: date) -> int:
        """Days since the due date, until today or until the case was closed."""
        return ((self.closed_on or today) - self.due_on).days


@dataclass(frozen=True)
class Page:
    """Some rows of a list.

    before, after: keys of the pages on both sides, None at the ends. count: how many cases there
    are in all, at most MOST_COUNTED + 1. claims: their principal in öre by currency; None when
    there are more than are counted.
    """

    rows: Sequence[Row]
    before: str | None
    after: str | None
    count: int
    claims: dict[str, int] | None

    @property
    def is_counted(self) -> bool:
        return self.count <= MOST_COUNTED


# ---- what was typed --------------------------------------------------------------------------

_IDENTITY = re.compile(r"(?<!\d)(?:16|18|19|20)?\d{6}[-+ ]?\d{4}(?!\d)")
_DIALLED = re.compile(r"(?:\+|00)?\d[\d\s/()-]{5,18}\d")
# Sums that a claim is asked for with: reminder, demand, plan, compensation (lag 1981:739).
_CHARGES = (6_000, 18_000, 17_000, 45_000)
_WITH_CHARGES = tuple(
    sorted({sum(some) for n in range(len(_CHARGES) + 1) for some in combinations(_CHARGES, n)})
)
_MOST_WORDS = 6


def recognise(typed: str, *, today: date) -> Sought:
    """What a text typed by somebody may mean."""
    line = " ".join(typed.replace("\u2013", "-").split())[:100]
    if not line:
        return Sought()
    joined = re.sub(r"[\s-]", "", line)
    identity = _identity(line, today)
    digits = joined if joined.isascii() and joined.isdigit() else ""
    amount_ore = _amount(line)
    words = tuple(dict.fromkeys(line.replace(",", " ").split()))[:_MOST_WORDS]
    return Sought(
        text=line,
        references=_references(digits),
        ocrs=_ocrs(digits),
        numbers=tuple(dict.fromkeys((line, joined, line.upper(), joined.upper()))),
        identity_hashes=tuple(lookup_hash(one) for one in identity),
        email=line.lower() if "@" in line and " " not in line else None,
        phone=_phone(line),
        amount_ore=amount_ore,
        words=words if any(sign.isalpha() for sign in line) else (),
        is_secret=_looks_like_identity(line),
        is_amount_first=amount_ore is not None and not digits,
    )


def _looks_like_identity(line: str) -> bool:
    """Also one with a wrong digit: the number it was meant to be is as secret.

    Ten or twelve digits alone are other things too; then their check digit decides.
    """
    for match in _IDENTITY.finditer(line):
        told = match.group()
        digits = re.sub(r"\D", "", told)
        month, day = int(digits[-8:-6]), int(digits[-6:-4]) % 60
        is_dated = 1 <= month <= 12 and 1 <= day <= 31
        if is_dated and (re.search(r"[-+]", told) or luhn.is_valid(digits[-10:])):
            return True
    return False


def _identity(line: str, today: date) -> tuple[str, ...]:
    """The forms in which an identity number is kept that a text may be."""
    if not re.fullmatch(r"(?:16|18|19|20)?\d{6}\s?[-+]?\s?\d{4}", line):
        return ()
    digits = re.sub(r"\D", "", line)
    if not luhn.is_valid(digits[-10:]):
        return ()
    if len(digits) == 12:
        return (digits, digits[2:]) if digits.startswith("16") else (digits,)
    try:
        told = values.identity_number(line, today=today)
    except RedaError:
        told = digits
    return tuple(dict.fromkeys((told, digits, f"19{digits}", f"20{digits}")))


def _references(digits: str) -> tuple[str, ...]:
    if len(digits) == 8:
        return (digits + str(luhn.calc_check_digit(digits)),)
    return (digits,) if len(digits) == 9 else ()


def _ocrs(digits: str) -> tuple[str, ...]:
    """Numbers of 2–25 digits; with the check digit put where it may have been left out."""
    if not 2 <= len(digits) <= 25:
        return ()
    return (digits, digits + str(luhn.calc_check_digit(digits)))


def _phone(line: str) -> str | None:
    if not _DIALLED.fullmatch(line):
        return None
    dialled = re.sub(r"^(\+46|0046)0?", "0", re.sub(r"[^0-9+]", "", line))
    return dialled if dialled.startswith(("0", "+")) else None


def _amount(line: str) -> int | None:
    try:
        ore = values.amount(line)
    except RedaError:
        return None
    return ore if ore > 0 else None


# ---- what stands beside the list, and what the search came to --------------------------------

_CLASSES = """
select 'class' as what, null::bigint[] as ids, jsonb_agg(c) as said from (
    with recursive known (c) as (
        (select customer_class from debtors
            where creditor_id = :creditor and customer_class is not null
            order by customer_class limit 1)
        union all
        select (select customer_class from debtors
            where creditor_id = :creditor and customer_class > known.c
            order by customer_class limit 1)
        from known where known.c is not null
    )
    select c from known where c is not null limit 200
) k
"""
# So many customers are told one by one; more make up so much of all that a walk soon meets some.
_FEW_CUSTOMERS = 1_000
_OF_CLASSES = """
select 'of classes', array(select id from debtors
    where creditor_id = :creditor and customer_class = any(:classes) limit :few), null::jsonb
"""
# The wall lets a reader see their own and what is shared; our own service would see all.
_VIEWS = """
select 'view', null::bigint[], jsonb_agg(jsonb_build_object('id', id, 'name', name, 'query', query,
    'is_own', person_id = :person, 'is_shared', is_shared, 'person_name', person_name)
    order by lower(name), id)
from saved_views where creditor_id = :creditor and (person_id = :person or is_shared)
"""
# Of each: which cases. They are few but for amounts and names, of which too many are asked anew.
_LOOKS = {
    "reference": "select id from cases where creditor_id = :creditor"
    " and reference = any(:references)",
    "ocr": "select id from cases where creditor_id = :creditor and ocr = any(:ocrs)",
    "invoice": "select c.id from invoices i join cases c on c.invoice_id = i.id"
    " where i.creditor_id = :creditor and i.number = any(:numbers)",
    "payment reference": "select c.id from invoices i join cases c on c.invoice_id = i.id"
    " where i.creditor_id = :creditor and i.payment_reference = any(:ocrs)",
    "customer": "select c.id from debtors d join cases c on c.debtor_id = d.id"
    " where d.creditor_id = :creditor and d.customer_number = any(:numbers)",
    "identity": "select c.id from debtors d join cases c on c.debtor_id = d.id"
    " where d.creditor_id = :creditor and d.identity_number_hash = any(:hashes)",
    "phone": "select c.id from reda_debtors_like(:creditor, array[:phone], :cap) d (id)"
    " join cases c on c.debtor_id = d.id",
    "email": "select c.id from reda_debtors_like(:creditor, array[:email], :cap) d (id)"
    " join cases c on c.debtor_id = d.id",
    "amount": "select c.id from cases c where c.creditor_id = :creditor"
    " and c.principal_ore = any(:claims) and (c.principal_ore = :ore or :ore = {unpaid})",
    "name": "select c.id from named d join cases c on c.debtor_id = d.id",
}
_EXACT = ("reference", "ocr", "invoice", "payment reference", "customer", "identity", "email",
          "phone")  # fmt: skip


def beside(
    creditor_id: int,
    sought: Sought,
    *,
    person_id: int | None = None,
    classes: Sequence[str] = (),
) -> Beside:
    """What stands beside a person's list of a creditor's cases; the cases that a text may mean.

    classes: those of the filter.
    """
    unpaid = str(
        ledger.unpaid_sql(literal_column("c.id")).compile(compile_kwargs={"literal_binds": True})
    )
    chosen = preferences.kept_sql(person_id or 0, creditor_id, DEFAULT_VIEW)
    default = str(chosen.compile(compile_kwargs={"literal_binds": True}))
    branches = [_CLASSES, _VIEWS, f"select 'default', null, {default}"]
    if classes:
        branches.append(_OF_CLASSES)
    for what in _asked(sought):
        looked = _LOOKS[what].format(unpaid=unpaid) + " limit :cap"
        counted = "to_jsonb((select count(*) from named))" if what == "name" else "null::jsonb"
        branches.append(f"select '{what}', array({looked}), {counted}")
    statement = " union all ".join(branches)
    if sought.words:
        statement = (
            "with named as materialized (select * from"  # noqa: S608
            f" reda_debtors_like(:creditor, :words, :cap) as d (id)) {statement}"
        )
    rows = db.session.execute(
        text(statement),
        {
            "creditor": creditor_id,
            "person": person_id or 0,
            "classes": list(classes),
            "few": _FEW_CUSTOMERS + 1,
            "cap": MOST_COUNTED + 1,
            "references": list(sought.references),
            "ocrs": list(sought.ocrs),
            "numbers": list(sought.numbers),
            "hashes": list(sought.identity_hashes),
            "phone": sought.phone,
            "email": sought.email,
            "ore": sought.amount_ore,
            "claims": [(sought.amount_ore or 0) - more for more in _WITH_CHARGES],
            "words": list(sought.words),
        },
    ).all()
    told = {what: (ids, said) for what, ids, said in rows}
    customers = told.pop("of classes", (None, None))[0]
    if customers is not None and len(customers) > _FEW_CUSTOMERS:
        customers = None
    return Beside(
        told.pop("class")[1] or (),
        of_classes=customers,
        views=[View(**one) for one in told.pop("view")[1] or ()],
        default=told.pop("default")[1],
        found=_found(sought, told) if sought.text else None,
    )


def _asked(sought: Sought) -> list[str]:
    asked = [
        what
        for what, something in (
            ("reference", sought.references),
            ("ocr", sought.ocrs),
            ("invoice", sought.numbers),
            ("payment reference", sought.ocrs),
            ("customer", sought.numbers),
            ("identity", sought.identity_hashes),
            ("phone", sought.phone),
            ("email", sought.email),
            ("amount", sought.amount_ore is not None),
            ("name", sought.words),
        )
        if something
    ]
    return asked


def _found(sought: Sought, looked_up: dict[str, tuple[Sequence[int], Any]]) -> Found:
    def found_as(*kinds: str) -> Found | None:
        some = tuple(kind for kind in kinds if looked_up.get(kind, ((), 0))[0])
        ids = tuple(dict.fromkeys(one for kind in some for one in looked_up[kind][0]))
        return Found(some, ids) if ids else None

    def as_amount() -> Found | None:
        found = found_as("amount")
        if found and len(found.case_ids) > MOST_COUNTED:
            return replace(found, case_ids=(), amount_ore=sought.amount_ore, are_many=True)
        return found

    def as_name() -> Found | None:
        ids, debtors = looked_up.get("name", ((), 0))
        if max(len(ids), debtors or 0) > MOST_COUNTED:
            are_many = len(ids) > MOST_COUNTED
            return Found(("name",), words=sought.words, are_many=are_many)
        return found_as("name")

    first = as_amount() if sought.is_amount_first else None
    return first or found_as(*_EXACT) or as_amount() or as_name() or Found(())


# ---- filters ---------------------------------------------------------------------------------


def _day(day: date) -> datetime:
    """The instant at which a day begins in Sweden."""
    return datetime(day.year, day.month, day.day, tzinfo=clock.STOCKHOLM)


def _conditions(
    creditor_id: int, wanted: Filter, beside: Beside, today: date, *, is_walked: bool
) -> list[ColumnElement[bool]]:
    """All but the statuses, which `_sort` may take apart.

    is_walked: for cases that are looked at one after the other until a page is full: what is asked
    of a customer is then looked up for each, while a count gathers the customers first.
    """
    conditions: list[ColumnElement[bool]] = [Case.creditor_id == creditor_id]
    due_to, due_from = wanted.due_to, wanted.due_from
    if wanted.age_from is not None:
        latest = today - timedelta(days=wanted.age_from)
        due_to = latest if due_to is None else min(due_to, latest)
    if wanted.age_to is not None:
        earliest = today - timedelta(days=wanted.age_to)
        due_from = earliest if due_from is None else max(due_from, earliest)
    for column, least, most in (
        (Case.due_on, due_from, due_to),
        (Case.next_step_on, wanted.step_from, wanted.step_to),
        (Case.principal_ore, wanted.amount_from, wanted.amount_to),
    ):
        if least is not None:
            conditions.append(column >= least)
        if most is not None:
            conditions.append(column <= most)
    if wanted.opened_from is not None:
        conditions.append(Case.opened_at >= _day(wanted.opened_from))
    if wanted.opened_to is not None:
        conditions.append(Case.opened_at < _day(wanted.opened_to + timedelta(days=1)))
    conditions += _of_steps(wanted.steps)
    conditions += _of_stops(creditor_id, wanted.stops)
    conditions += [_marked(creditor_id, mark, today) for mark in wanted.marks]
    if wanted.classes and beside.of_classes is not None:
        conditions.append(_any_of(Case.debtor_id, beside.of_classes))
    elif wanted.classes:
        of_class = Debtor.customer_class.in_(wanted.classes)
        conditions.append(_of_debtor(creditor_id, of_class, is_walked))
    return conditions + _of_found(creditor_id, beside.found, is_walked)


def _any_of(column: Any, ids: Sequence[int]) -> ColumnElement[bool]:
    wanted: ColumnElement[bool] = column == func.any(literal(list(ids), ARRAY(Case.id.type)))
    return wanted


def _of_debtor(
    creditor_id: int, condition: ColumnElement[bool], is_walked: bool
) -> ColumnElement[bool]:
    if is_walked:
        looked_up: ColumnElement[bool] = (
            select(condition).where(Debtor.id == Case.debtor_id).correlate(Case).scalar_subquery()
        )
        return looked_up
    return Case.debtor_id.in_(select(Debtor.id).where(Debtor.creditor_id == creditor_id, condition))


def _of_steps(steps: Sequence[str]) -> list[ColumnElement[bool]]:
    if not steps:
        return []
    named = [Case.next_step.in_([one for one in steps if one != NO_STEP])]
    return [or_(*named, Case.next_step.is_(None)) if NO_STEP in steps else named[0]]


def _of_stops(creditor_id: int, stops: Sequence[str]) -> list[ColumnElement[bool]]:
    if not stops:
        return []
    if ANY_STOP in stops:
        return [] if NO_STOP in stops else [_stopped(creditor_id, states.STOPS)]
    kinds = [one for one in stops if one != NO_STOP]
    if NO_STOP not in stops:
        return [_stopped(creditor_id, kinds)]
    free = and_(Case.is_stopped.is_(False), Case.closed_on.is_(None))
    return [or_(free, _stopped(creditor_id, kinds)) if kinds else free]


def _stopped(creditor_id: int, kinds: Sequence[str]) -> ColumnElement[bool]:
    return Case.id.in_(
        select(Stop.case_id).where(
            Stop.creditor_id == creditor_id, Stop.kind.in_(kinds), Stop.ended_at.is_(None)
        )
    )


def _marked(creditor_id: int, mark: str, today: date) -> ColumnElement[bool]:
    match mark:
        case "plan":
            return Case.id.in_(
                select(Plan.case_id).where(
                    Plan.creditor_id == creditor_id, Plan.status == "running"
                )
            )
        case "dispute":
            return _stopped(creditor_id, (states.DISPUTE,))
        case "no address":
            homeless = select(Debtor.id).where(
                Debtor.creditor_id == creditor_id,
                reaching.has_no_address(),
            )
            return and_(Case.debtor_id.in_(homeless), Case.closed_on.is_(None))
        case "broken plan":
            broken = select(Plan.case_id).where(
                Plan.creditor_id == creditor_id,
                Plan.status == "broken",
                Plan.ended_on >= today - _NEWS,
            )
            return and_(Case.id.in_(broken), Case.closed_on.is_(None))
        case "undelivered":
            return Case.id.in_(outbox.given_up_cases_sql(creditor_id))
        case "told":
            return Case.id.in_(tellings.waiting_cases_sql(creditor_id))
        case "unanswered":
            return Case.id.in_(correspondence.waiting_cases_sql(creditor_id))
        case _:
            return and_(Case.pay_by_on < today, Case.closed_on.is_(None))


def _of_found(creditor_id: int, found: Found | None, is_walked: bool) -> list[ColumnElement[bool]]:
    if found is None:
        return []
    if found.words:
        named = places.are_called(found.words, creditor_id)
        return [_of_debtor(creditor_id, named, is_walked)]
    if found.amount_ore is not None:
        return [Case.principal_ore == found.amount_ore]
    return [_any_of(Case.id, found.case_ids)]


# ---- sorting and pages -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Sort:
    """How a list is sorted.

    key: the column. branches: conditions whose cases come one after the other; with is_merged they
    come together, each by an index of its own. joined: the table that the key is of, if not Case.
    """

    name: str
    key: ColumnElement[Any]
    is_descending: bool
    branches: Sequence[ColumnElement[bool]] = field(default_factory=lambda: [true()])
    is_merged: bool = False
    joined: Any = None


def _sort(name: str, creditor_id: int, statuses: Sequence[str]) -> _Sort:
    """Of a name of SORTS, with a minus in front when it descends."""
    down = name.startswith("-")
    name = name.removeprefix("-")
    key: Any = {
        "reference": Case.reference, "due": Case.due_on, "amount": Case.principal_ore,
        "next": Case.next_step_on, "name": Debtor.name_in_order,
        "customer": Debtor.customer_number, "invoice": Invoice.number,
    }.get(name, Case.opened_at)  # fmt: skip
    if name in ("name", "customer"):
        return _Sort(name, key, down, [Debtor.creditor_id == creditor_id], joined=Debtor)
    if name == "invoice":
        return _Sort(name, key, down, [Invoice.creditor_id == creditor_id], joined=Invoice)
    if name == "next":
        # What has no next step comes last both ways.
        dated = Case.next_step_on.is_not(None)
        return _Sort(name, key, down, [dated, Case.next_step_on.is_(None)])
    some = [one for one in states.STATUSES if not statuses or one in statuses]
    if name == "status":
        some = some[::-1] if down else some
        return _Sort(name, key, down, [Case.status == one for one in some])
    if name == "opened" and statuses:
        return _Sort(name, key, down, [Case.status == one for one in some], is_merged=True)
    within = [Case.status.in_(some)] if statuses else [true()]
    return _Sort(name, key, down, within)


def _statement(
    sort: _Sort,
    conditions: Sequence[ColumnElement[bool]],
    *,
    cursor: "_Cursor | None",
    is_backwards: bool,
    limit: int,
) -> Select[Any]:
    """The ids of a page, each with its branch and key, in the order that they are walked."""
    down = sort.is_descending != is_backwards
    parts: list[Select[Any]] = []
    for place, branch in enumerate(sort.branches):
        query = select(
            literal(0 if sort.is_merged else place).label("branch"),
            sort.key.label("key"),
            Case.id.label("id"),
        ).where(*conditions, branch)
        if sort.joined is not None:
            column = Case.debtor_id if sort.joined is Debtor else Case.invoice_id
            query = query.join(sort.joined, sort.joined.id == column)
        if cursor is not None and not sort.is_merged and place != cursor.branch:
            if (place < cursor.branch) != is_backwards:
                continue
        elif cursor is not None:
            query = query.where(_beyond(sort, cursor, down))
        order = (sort.key.desc(), Case.id.desc()) if down else (sort.key, Case.id)
        parts.append(query.order_by(*order).limit(limit))
    if not parts:
        parts.append(select(literal(0).label("branch"), sort.key.label("key"), Case.id.label("id"))
                     .where(literal(False)))  # fmt: skip
    if len(parts) == 1:
        return parts[0]
    all_of = union_all(*(select(part.subquery()) for part in parts)).subquery()
    columns = all_of.c
    ways = (
        columns.branch.desc() if is_backwards else columns.branch,
        columns.key.desc() if down else columns.key,
        columns.id.desc() if down else columns.id,
    )
    return select(columns.branch, columns.key, columns.id).order_by(*ways).limit(limit)


def _beyond(sort: _Sort, cursor: "_Cursor", down: bool) -> ColumnElement[bool]:
    if sort.name == "next" and cursor.branch == 1:
        return Case.id < cursor.id if down else Case.id > cursor.id
    value: Any = cursor.value
    if sort.joined is not None:
        # A name or number of a person need not stand in an address: the case tells it.
        column = Case.debtor_id if sort.joined is Debtor else Case.invoice_id
        value = (
            select(sort.key)
            .join(Case, sort.joined.id == column)
            .where(Case.id == cursor.id)
            .correlate(None)
            .scalar_subquery()
        )
    here, there = tuple_(sort.key, Case.id), tuple_(value, literal(cursor.id))
    return here < there if down else here > there


@dataclass(frozen=True)
class _Cursor:
    branch: int
    value: Any
    id: int

    @classmethod
    def parse(cls, told: str, sort: _Sort) -> "_Cursor | None":
        """Of a text as `_key` writes it; None when it is none."""
        try:
            branch, value, case_id = told.split("~")
            return cls(int(branch), _parse(value, sort.name), int(case_id))
        except ValueError:
            return None


def _parse(value: str, name: str) -> Any:
    match name:
        case "due":
            return date.fromisoformat(value)
        case "next":
            return date.fromisoformat(value) if value else None
        case "amount":
            return int(value)
        case "reference":
            return value
        case "opened" | "status":
            return datetime.fromtimestamp(0, tz=clock.STOCKHOLM) + timedelta(
                microseconds=int(value)
            )
    return None


_EPOCH = datetime.fromtimestamp(0, tz=clock.STOCKHOLM)


def _key(sort: _Sort, branch: int, value: Any, case_id: int) -> str:
    told = value
    if sort.joined is not None or value is None:
        told = ""
    elif isinstance(value, datetime):
        told = (value - _EPOCH) // timedelta(microseconds=1)
    return f"{branch}~{told}~{case_id}"


def _rows_of(ids: Any, creditor_id: int) -> Select[Any]:
    """The rows of some cases, with their branch and key in front; ids: a subquery of them."""
    is_hidden = places.are_hidden(Debtor.id.expression, creditor_id)

    def unless_hidden(value: Any) -> Any:
        return case((is_hidden, ""), else_=value)

    stops = (
        select(func.array_agg(aggregate_order_by(Stop.kind, Stop.id)))
        .where(Stop.case_id == Case.id, Stop.ended_at.is_(None), Case.is_stopped)
        .correlate(Case)
        .scalar_subquery()
    )
    return (
        select(
            ids.c.branch, ids.c.key,
            Case.id, Case.reference, Case.status, Case.next_step, Case.next_step_on,
            Case.pay_by_on, func.coalesce(stops, text("'{}'::varchar[]")), Debtor.name,
            Debtor.customer_number, Debtor.customer_class, unless_hidden(Debtor.town),
            unless_hidden(Debtor.email), unless_hidden(Debtor.phone), Invoice.number,
            Case.due_on, Case.opened_on, Case.closed_on,
            Case.principal_ore, ledger.unpaid_sql(Case.id.expression), Case.currency,
        )
        .select_from(ids)
        .join(Case, Case.id == ids.c.id)
        .join(Debtor, Debtor.id == Case.debtor_id)
        .join(Invoice, Invoice.id == Case.invoice_id)
    )  # fmt: skip


def page(
    creditor_id: int,
    wanted: Filter,
    *,
    today: date,
    beside: Beside = _ALONE,
    sort: str = NEWEST,
    after: str | None = None,
    before: str | None = None,
) -> Page:
    """A page of a creditor's cases, and how many the filter finds in all. One statement.

    today: what ages are counted from. beside: as `beside` told it. sort: of SORTS, with a minus in
    front when it descends. after, before: keys that an earlier page told.
    """
    chosen = _sort(sort, creditor_id, wanted.statuses)
    conditions = _conditions(creditor_id, wanted, beside, today, is_walked=True)
    told = after or before
    cursor = _Cursor.parse(told, chosen) if told else None
    is_backwards = cursor is not None and not after
    ids = _statement(
        chosen, conditions, cursor=cursor, is_backwards=is_backwards, limit=PAGE_SIZE + 1
    ).cte("ids").prefix_with("materialized")  # fmt: skip
    is_known = beside.found is not None and beside.found.are_many and wanted.is_empty
    counted = _known_many() if is_known else _counted(
        wanted.statuses, _conditions(creditor_id, wanted, beside, today, is_walked=False)
    )  # fmt: skip
    rows = _rows_of(ids, creditor_id).subquery("listed")
    answers = db.session.execute(
        select(counted.c.count, counted.c.claims, *rows.c)
        .select_from(counted.outerjoin(rows, true()))
        .order_by(*_order(chosen, rows, is_backwards))
    ).all()
    count, claims = int(answers[0][0]), answers[0][1]
    listed = [one[2:] for one in answers if one[4] is not None]
    return _page(chosen, listed, count, claims, cursor=cursor, is_backwards=is_backwards)


def _order(sort: _Sort, rows: Any, is_backwards: bool) -> list[Any]:
    down = sort.is_descending != is_backwards
    return [
        rows.c.branch.desc() if is_backwards else rows.c.branch,
        rows.c.key.desc() if down else rows.c.key,
        rows.c.id.desc() if down else rows.c.id,
    ]


def _page(
    sort: _Sort,
    listed: list[Any],
    count: int,
    claims: dict[str, int] | None,
    *,
    cursor: _Cursor | None,
    is_backwards: bool,
) -> Page:
    has_more = len(listed) > PAGE_SIZE
    listed = listed[:PAGE_SIZE]
    if is_backwards:
        listed.reverse()
    keys = [_key(sort, one[0], one[1], one[2]) for one in listed]
    has_before = has_more if is_backwards else cursor is not None
    has_after = is_backwards or has_more
    is_counted = count <= MOST_COUNTED
    return Page(
        [Row(*one[2:]) for one in listed],
        keys[0] if keys and has_before else None,
        keys[-1] if keys and has_after else None,
        count,
        {currency: int(ore) for currency, ore in (claims or {}).items()} if is_counted else None,
    )


def _known_many() -> Any:
    more_than_counted = select(literal(MOST_COUNTED + 1).label("count"), null().label("claims"))
    return more_than_counted.cte("counted")


def _counted(statuses: Sequence[str], conditions: Sequence[ColumnElement[bool]]) -> Any:
    """How many cases there are up to a bound, and their principal by currency."""
    some = select(Case.currency, Case.principal_ore).where(*conditions)
    if statuses:
        some = some.where(Case.status.in_(statuses))
    within = some.limit(MOST_COUNTED + 1).subquery()
    by_currency = (
        select(
            within.c.currency,
            func.count().label("count"),
            func.sum(within.c.principal_ore).label("ore"),
        )
        .group_by(within.c.currency)
        .subquery()
    )
    return select(
        func.coalesce(func.sum(by_currency.c.count), 0).label("count"),
        func.jsonb_object_agg(by_currency.c.currency, by_currency.c.ore)
        .filter(by_currency.c.currency.is_not(None))
        .label("claims"),
    ).cte("counted")


def every(
    creditor_id: int,
    wanted: Filter,
    *,
    today: date,
    beside: Beside = _ALONE,
    sort: str = NEWEST,
) -> Iterator[Row]:
    """All cases that a filter finds, in their order, a thousand at a time."""
    chosen = _sort(sort, creditor_id, wanted.statuses)
    conditions = _conditions(creditor_id, wanted, beside, today, is_walked=True)
    cursor: _Cursor | None = None
    while True:
        ids = _statement(
            chosen, conditions, cursor=cursor, is_backwards=False, limit=_BATCH
        ).cte("ids").prefix_with("materialized")  # fmt: skip
        rows = _rows_of(ids, creditor_id).subquery("listed")
        listed = db.session.execute(select(rows).order_by(*_order(chosen, rows, False))).all()
        for one in listed:
            yield Row(*one[2:])
        if len(listed) < _BATCH:
            return
        branch, value, case_id = listed[-1][:3]
        cursor = _Cursor(branch, value, case_id)


def ids_sql(
    creditor_id: int, wanted: Filter, *, today: date, beside: Beside = _ALONE
) -> Select[Any]:
    """The ids of all cases that a filter finds, for use in another statement."""
    conditions = _conditions(creditor_id, wanted, beside, today, is_walked=False)
    query = select(Case.id).where(*conditions)
    if wanted.statuses:
        query = query.where(Case.status.in_(wanted.statuses))
    return query
