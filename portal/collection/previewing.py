"""What rules would do before anybody saves them: which invoices become cases, and on which day.

The day is exact: it counts that a row of the rules may end within the days that are looked at. What
customers pay meanwhile nobody can know. Import and preview ask with the SQL of `deciding`; the
tests hold each day of each invoice against `policy.decide`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Row, text

from portal.collection import deciding, policy, sets
from portal.collection.deciding import Key, LaidOut, Sheet, Stretch
from portal.collection.models import Debtor, Invoice
from portal.extensions import db
from portal.law.calendar import banking_day_on_or_after

DAYS_AHEAD = 30
PAGE_SIZE = 50
_TOGETHER = 5_000
TAKEN = "overdue"
# How an invoice fares otherwise than under the rules in force.
GAINED, LOST, EARLIER, LATER, OTHER_REASON = "gained", "lost", "earlier", "later", "other reason"
CHANGES = (GAINED, LOST, EARLIER, LATER, OTHER_REASON)

_OPEN = """
select i.id, i.debtor_id, i.number, coalesce(i.issued_on, i.due_on) as arose_on, i.due_on,
    i.balance_ore, i.currency, i.type, i.reminder_fee_charged
from invoices i where i.creditor_id = :creditor_id and i.decision = '{decision}' and {which}
"""
_SOME = """
(i.due_on, i.id) > (:after_on, :after_id) order by i.due_on, i.id limit :together
"""
_OF = """
(i.number = :of or i.debtor_id = (
    select id from debtors where creditor_id = :creditor_id and customer_number = :of
))
"""
_CHANGE = f"""case
    when first_0 is not null and first_1 is null then '{GAINED}'
    when first_0 is null and first_1 is not null then '{LOST}'
    when first_0 < first_1 then '{EARLIER}'
    when first_0 > first_1 then '{LATER}'
    when code_0 <> code_1 then '{OTHER_REASON}'
end"""


@dataclass(frozen=True)
class Asked:
    """What a preview is of.

    edited: rows of the rules that are not saved, each as `rulebook.save` takes it; none: the rules
    in force. assumes_on: what would happen if collection were switched on.
    """

    creditor_id: int
    today: date
    edited: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    assumes_on: bool = False

    @property
    def until(self) -> date:
        """The last day that is looked at."""
        return self.today + timedelta(days=DAYS_AHEAD)

    @cached_property
    def sheets(self) -> list[Sheet]:
        """The rules as edited, and those in force; the latter alone when nothing is edited."""
        saved = deciding.sheet(
            self.creditor_id, [key for scope, key in self.edited if scope == "customer"]
        )
        found = [saved.with_rows(self.edited), saved] if self.edited else [saved]
        return [one.with_company(is_active=True) for one in found] if self.assumes_on else found

    @cached_property
    def laid_out(self) -> LaidOut:
        return deciding.lay_out(self.sheets, self.today, self.until)


def _change(new: tuple[date | None, str], old: tuple[date | None, str]) -> str | None:
    (new_on, new_code), (old_on, old_code) = new, old
    if new_on is not None and old_on is not None:
        return None if new_on == old_on else (EARLIER if new_on < old_on else LATER)
    if new_on is None and old_on is None:
        return None if new_code == old_code else OTHER_REASON
    return LOST if new_on is None else GAINED


@dataclass(frozen=True)
class Group:
    """Invoices that fare alike.

    first_on: the day on which they become cases, None when they do not within the days; code: why,
    on that day or the last. *_before: under the rules in force. with_fee: whose reminder may bear
    a fee.
    """

    first_on: date | None
    code: str
    first_on_before: date | None
    code_before: str
    currency: str
    count: int
    ore: int
    with_fee: int

    @property
    def change(self) -> str | None:
        """One of CHANGES; None: it fares the same."""
        return _change((self.first_on, self.code), (self.first_on_before, self.code_before))


@dataclass(frozen=True)
class Sum:
    """How many invoices, and what is unpaid of them in öre by currency."""

    count: int = 0
    ore: Mapping[str, int] = field(default_factory=dict)
    with_fee: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        currencies = sorted({*self.ore, *other.ore}, key=lambda one: (one != "SEK", one))
        ore = {one: self.ore.get(one, 0) + other.ore.get(one, 0) for one in currencies}
        return Sum(self.count + other.count, ore, self.with_fee + other.with_fee)

    @property
    def sek_ore(self) -> int:
        return self.ore.get("SEK", 0)


def _sum(groups: Sequence[Group]) -> Sum:
    found = Sum()
    for one in groups:
        found += Sum(one.count, {one.currency: one.ore}, one.with_fee)
    return found


@dataclass(frozen=True)
class Preview:
    """All invoices that are no cases yet, in groups that fare alike."""

    today: date
    until: date
    groups: Sequence[Group]

    @cached_property
    def days(self) -> dict[date, Sum]:
        """What becomes a case on each day, today first."""
        count = (self.until - self.today).days + 1
        days = [self.today + timedelta(days=one) for one in range(count)]
        return {day: _sum([one for one in self.groups if one.first_on == day]) for day in days}

    @cached_property
    def days_before(self) -> dict[date, Sum]:
        """The same under the rules in force."""
        return {
            day: _sum([one for one in self.groups if one.first_on_before == day])
            for day in self.days
        }

    @property
    def taken_today(self) -> Sum:
        return self.days[self.today]

    @cached_property
    def taken(self) -> Sum:
        return _sum([one for one in self.groups if one.first_on is not None])

    @cached_property
    def taken_before(self) -> Sum:
        return _sum([one for one in self.groups if one.first_on_before is not None])

    @cached_property
    def every(self) -> Sum:
        return _sum(self.groups)

    @cached_property
    def reasons(self) -> dict[str, tuple[Sum, Sum]]:
        """Of each reason that keeps invoices from being taken: now, and by the rules in force."""
        found = {}
        for code in (*policy.LEFT_OUT, "too early", "paused"):
            new = _sum([one for one in self.groups if one.code == code])
            old = _sum([one for one in self.groups if one.code_before == code])
            if new.count or old.count:
                found[code] = (new, old)
        return found

    @cached_property
    def changes(self) -> dict[str, Sum]:
        """What fares otherwise than by the rules in force, by CHANGES."""
        return {
            change: found
            for change in CHANGES
            if (found := _sum([one for one in self.groups if one.change == change])).count
        }

    @cached_property
    def reminders(self) -> dict[date, Sum]:
        """The reminders of those cases, by the banking day on which they are written."""
        found: dict[date, Sum] = {}
        for day, taken in self.days.items():
            if taken.count:
                written_on = banking_day_on_or_after(day)
                found[written_on] = found.get(written_on, Sum()) + taken
        return found


@dataclass(frozen=True)
class Fate:
    """What becomes of one invoice, and why: the setting that decides, and the scope it is from.

    setting: a name of policy.DEFAULTS; None where no setting decides, with value and scope.
    """

    first_on: date | None
    code: str
    setting: str | None
    value: Any
    scope: str | None


@dataclass(frozen=True)
class Line:
    """An invoice in a list. before: under the rules in force."""

    id: int
    number: str
    customer_number: str
    customer_name: str
    customer_class: str | None
    due_on: date
    balance_ore: int
    currency: str
    fate: Fate
    before: Fate

    @property
    def change(self) -> str | None:
        """One of CHANGES; None: it fares the same."""
        return _change(
            (self.fate.first_on, self.fate.code), (self.before.first_on, self.before.code)
        )


@dataclass(frozen=True)
class Wanted:
    """Which invoices a list shows; what is None does not matter.

    code: the reason, `overdue` for those that are taken. on: the day on which they are. change:
    one of CHANGES. of: an invoice's number or a customer's, in full.
    """

    code: str | None = None
    on: date | None = None
    change: str | None = None
    of: str | None = None


After = tuple[date, int]


@dataclass(frozen=True)
class Page:
    """Some lines, and the key that the next come after; None at the end."""

    lines: Sequence[Line]
    after: After | None


def preview(asked: Asked) -> Preview:
    """How many invoices fare how, in one statement."""
    sides = len(asked.sheets)
    statement = (
        "select first_0, code_0, {before}, currency, count(*), sum(balance_ore)::bigint,"
        " count(*) filter (where fee_0 and not reminder_fee_charged)"
        " from judged group by 1, 2, 3, 4, 5"
    )
    before = "first_1, code_1" if sides > 1 else "first_0 as first_1, code_0 as code_1"
    rows = _ask(asked, statement.format(before=before))
    return Preview(asked.today, asked.until, [Group(*row) for row in rows])


def page(
    asked: Asked, wanted: Wanted, *, after: After | None = None, limit: int = PAGE_SIZE
) -> Page:
    """Some of the invoices, those that fell due first before the others."""
    where = _where(asked, wanted)
    values: dict[str, Any] = {"limit": limit + 1, **_values_of(wanted)}
    if after is not None:
        where.append("(due_on, id) > (:after_on, :after_id)")
        values |= {"after_on": after[0], "after_id": after[1]}
    statement = f"select * from judged where {' and '.join(where)} order by due_on, id limit :limit"  # noqa: S608
    rows = _ask(asked, statement, values, which=_which(wanted)).all()
    lines = [_line(row) for row in rows[:limit]]
    return Page(lines, (lines[-1].due_on, lines[-1].id) if len(rows) > limit else None)


def every(asked: Asked, wanted: Wanted) -> Iterator[Line]:
    """All of the invoices that are wanted, so many at a time; none is kept, and nothing open."""
    where = " and ".join(_where(asked, wanted))
    statement = f"select *, ({where}) as is_wanted from judged order by due_on, id"  # noqa: S608
    after: After = (date.min, 0)
    while True:
        values = {"after_on": after[0], "after_id": after[1], "together": _TOGETHER}
        which = f"{_which(wanted)} and {_SOME}"
        rows = _ask(asked, statement, {**_values_of(wanted), **values}, which=which).all()
        # Of each kind there were so many; what comes after the last of the first is to come again.
        some = rows[:_TOGETHER]
        yield from (_line(row) for row in some if row.is_wanted)
        if len(rows) < _TOGETHER:
            return
        after = (some[-1].due_on, some[-1].id)


def _where(asked: Asked, wanted: Wanted) -> list[str]:
    found = ["true"]
    if wanted.code is not None:
        found.append("code_0 = :code")
    if wanted.on is not None:
        found.append("first_0 = :on")
    if wanted.change is not None:
        found.append(f"{_CHANGE} = :change" if len(asked.sheets) > 1 else "false")
    return found


def _which(wanted: Wanted) -> str:
    return _OF if wanted.of is not None else "true"


def _values_of(wanted: Wanted) -> dict[str, Any]:
    return {name: value for name, value in vars(wanted).items() if value is not None}


def _line(row: Row[Any]) -> Line:
    told = row._mapping
    fates = []
    for side in (0, 1):
        of = side if f"code_{side}" in told else 0
        setting, value, scope = told[f"decider_{of}"] or (None, None, None)
        fates.append(Fate(told[f"first_{of}"], told[f"code_{of}"], setting, value, scope))
    return Line(
        row.id, row.number, row.customer_number, row.name, row.customer_class, row.due_on,
        row.balance_ore, row.currency, *fates,
    )  # fmt: skip


def _ask(
    asked: Asked,
    statement: str,
    values: Mapping[str, Any] | None = None,
    *,
    which: str = "true",
) -> Any:
    """Run a statement over `judged`: the invoices that are no cases, and what becomes of each.

    which: SQL of those among the invoices i that are looked at.
    """
    sets.begin()
    laid_out = asked.laid_out
    sql = _judged(len(asked.sheets), laid_out.turns, which) + statement
    given = {"creditor_id": asked.creditor_id, **laid_out.values, **(values or {})}
    return db.session.execute(text(sql), given)


def _judged(sides: int, turns: int, which: str) -> str:
    """SQL of `judged`: of each invoice and side first_N, code_N, decider_N and fee_N."""
    terms, found = [], []
    for side in range(sides):
        for turn in range(turns):
            kind, name = ("left join" if turn else "join"), f"t_{side}_{turn}"
            slot = deciding.slot(deciding.PLACE, side, turn)
            terms.append(f"{kind} rule_terms {name} on {name}.slot = {slot}")
            found.append(_of_turn(name, side, turn))
    columns = ", ".join(_of_side(side, turns) for side in range(sides))
    waiting, left_out = (
        _OPEN.format(decision=decision, which=which) for decision in ("waiting", "left out")
    )
    return f"""
with {deciding.TABLES},
turns as (
    select w.*, d.customer_number, d.name, d.customer_class, {", ".join(found)}
    from (({waiting}) union all ({left_out})) w
    {deciding.JOINS} {" ".join(terms)}
    -- Keeps each reason from being found again wherever it is named.
    offset 0
),
judged as (
    select id, number, customer_number, name, customer_class, due_on, balance_ore, currency,
        reminder_fee_charged, {columns}
    from turns
)
"""  # noqa: S608


def _of_turn(terms: str, side: int, turn: int) -> str:
    """The reason on the day in a stretch on which the invoice is ripe, else on its last day."""
    day = f"least(greatest({terms}.from_on, w.due_on + {terms}.days_after_due), {terms}.to_on)"
    reason = deciding.reason(terms, day)
    if turn:
        reason = f"case when {terms}.slot is not null then {reason} end"
    place = f"{side}_{turn}"
    return (
        f"{reason} as reason_{place}, {day} as day_{place}, {terms}.scopes as scopes_{place},"
        f" {terms}.reminder_fee_agreed as agreed_{place}"
    )


def _of_side(side: int, turns: int) -> str:
    """Of the first stretch in which it is taken, else of the last one that there is."""
    of = [f"{side}_{turn}" for turn in range(turns)]
    taken = [f"when reason_{one} = '{TAKEN}' then {{}}_{one}" for one in of]
    last = [f"when reason_{one} is not null then {{}}_{one}" for one in reversed(of)]

    def pick(name: str) -> str:
        return f"case {' '.join([*taken, *last]).format(*[name] * (2 * turns))} end"

    return (
        f"case {' '.join(taken).format(*['day'] * turns)} end as first_{side},"
        f" {pick('reason')} as code_{side},"
        f" {pick('scopes')} -> {pick('reason')} as decider_{side},"
        f" {pick('agreed')} as fee_{side}"
    )


@dataclass(frozen=True)
class Spell:
    """What the rules say of an invoice over some days: of each day alike but the one it is ripe."""

    from_on: date
    to_on: date
    fate: Fate


@dataclass(frozen=True)
class Explained:
    """One invoice's days to come, under the rules asked about and under those in force."""

    line: Line
    spells: Sequence[Spell]
    spells_before: Sequence[Spell]


def explain(asked: Asked, invoice_id: int) -> Explained | None:
    """What happens with one invoice on each day, and why; None when it is no open one of theirs."""
    found = _ask(
        asked, "select * from judged", {"id": invoice_id}, which="i.id = :id"
    ).one_or_none()
    if found is None:
        return None
    invoice = db.session.get_one(Invoice, invoice_id)
    both = [_spells(invoice, invoice.debtor, one, asked) for one in asked.sheets]
    return Explained(_line(found), both[0], both[-1])


def _spells(invoice: Invoice, debtor: Debtor, rules: Sheet, asked: Asked) -> list[Spell]:
    chain = rules.chain(debtor.customer_number, debtor.customer_class)
    spells: list[Spell] = []
    for stretch in deciding.stretches(chain, asked.today, asked.until):
        for spell in _within(invoice, stretch):
            if spells and spells[-1].fate == spell.fate:
                spell = Spell(spells[-1].from_on, spell.to_on, spell.fate)
                spells.pop()
            spells.append(spell)
            if spell.fate.code == TAKEN:
                return spells
    return spells


def _within(invoice: Invoice, stretch: Stretch) -> Iterator[Spell]:
    """Over the days of a stretch: until the invoice is ripe, and from then on."""
    candidate = policy.Candidate.of(invoice)
    ripe_on = invoice.due_on + timedelta(days=stretch.rules.days_after_due)
    parts = [(stretch.from_on, stretch.to_on)]
    if stretch.from_on < ripe_on <= stretch.to_on:
        parts = [(stretch.from_on, ripe_on - timedelta(days=1)), (ripe_on, stretch.to_on)]
    for start, stop in parts:
        code = policy.decide(candidate, stretch.rules, start).code
        setting = policy.DECIDED_BY.get(code)
        fate = Fate(
            start if code == TAKEN else None,
            code,
            setting,
            policy.as_json(stretch.rules.values[setting]) if setting else None,
            stretch.rules.scopes[setting] if setting else None,
        )
        yield Spell(start, stop, fate)
