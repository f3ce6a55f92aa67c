"""Rules for many customers at once: chosen, looked at, then kept as one change.

What is chosen waits as a row of its own, so that the look at it is a page like any other and doing
it twice does it once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, Text, any_, delete, literal, select

from portal.collection import customers, policy, previewing, rulebook
from portal.collection.models import BulkRules, Debtor, Rules
from portal.collection.policy import DEFAULTS, as_json
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, Problem, RedaError
from portal.sources import customer_list
from portal.sources.customer_list import Listed

EXCLUDE, INCLUDE, RULES, REMOVE, AS_FILE = "exclude", "include", "rules", "remove", "file"
ACTS = (EXCLUDE, INCLUDE, RULES, REMOVE, AS_FILE)
KEPT = timedelta(days=7)
_SHOWN = 50


class NotThere(RedaError):
    """There is no such choice of this person's, or it was too old and is forgotten."""

    status = 404


@dataclass(frozen=True)
class Fate:
    """What becomes of one customer's own rules: each that changes, before and after."""

    line: int
    number: str
    name: str | None
    customer_id: int | None
    fields: Sequence[tuple[str, Any, Any]]


@dataclass(frozen=True)
class Look:
    """What would become of the customers that were chosen, and nothing is kept.

    changed, same: numbers of customers that there are, by whether anything changes. unknown: that
    nobody has (yet). others: those of `changed` whose row says more, which a new last day ends as
    well. fates: of the first ones. preview: of their invoices, None when nothing changes.
    """

    changed: Sequence[str]
    same: Sequence[str]
    unknown: Sequence[tuple[int, str]]
    others: int
    fates: Sequence[Fate]
    preview: previewing.Preview | None
    open_cases: int


def keep(
    creditor_id: int,
    person_id: int,
    act: str,
    values: Mapping[str, Any],
    listed: Listed,
    *,
    source: str,
    today: date,
    now: datetime,
) -> int:
    """Keep what somebody has chosen, to be looked at; answers its id.

    values: what all of them are to say, as `rulebook.put_many` takes it. source: `marked`, `pasted`
    or a file's name. What a row says that cannot hold becomes one of the problems. Raises RedaError
    when nobody is chosen, nothing is said, or what all are to say cannot hold.
    """
    if not listed.entries:
        raise RedaError(N_("Choose at least one customer."), field="numbers")
    says = values or any(one.values for one in listed.entries)
    if act in (RULES, AS_FILE) and not says:
        raise RedaError(N_("Choose at least one rule that they get."), field="act")
    listed = _that_hold(creditor_id, values, listed, today)
    known = _known(creditor_id, [one.number for one in listed.entries])
    split = customer_list.split_at_spaces(listed, frozenset(known))
    row = BulkRules(
        creditor_id=creditor_id,
        person_id=person_id,
        act=act,
        source=source,
        values=_as_json(values),
        rows=[[one.line, one.number, _as_json(one.values) or None] for one in split.entries],
        problems=[one.as_json() for one in split.problems],
        created_at=now,
    )
    db.session.add(row)
    db.session.flush()
    return row.id


def _that_hold(creditor_id: int, values: Mapping[str, Any], listed: Listed, today: date) -> Listed:
    """The list without the rows that say what cannot hold, each told with its line."""
    check = rulebook.Check(creditor_id, today)
    check.row("customer", "all", {**rulebook.NOTHING, **values}, list(values))
    entries, problems = [], list(listed.problems)
    for one in listed.entries:
        said = {**rulebook.NOTHING, **values, **one.values}
        try:
            check.row("customer", one.number, said, list(one.values))
        except RedaError as error:
            told = error.problem
            problems.append(Problem(told.message, told.values, told.field, one.line))
        else:
            entries.append(one)
    return Listed(entries, sorted(problems, key=lambda told: told.line or 0))


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: as_json(value) for name, value in values.items()}


def find(creditor_id: int, person_id: int, bulk_id: int) -> BulkRules:
    """What somebody has chosen. Raises NotThere."""
    row = db.session.scalar(
        select(BulkRules).where(
            BulkRules.creditor_id == creditor_id,
            BulkRules.person_id == person_id,
            BulkRules.id == bulk_id,
        )
    )
    if row is None:
        raise NotThere(N_("This choice is not kept any more. Choose the customers again."))
    return row


def problems_of(bulk: BulkRules) -> list[Problem]:
    """What was left out of the list that the customers came from, line by line."""
    return [Problem.from_json(one) for one in bulk.problems]


def _known(creditor_id: int, numbers: Sequence[str]) -> dict[str, tuple[int, str, str | None]]:
    """Of each number that somebody has: the customer's id, name and class."""
    rows = db.session.execute(
        select(Debtor.customer_number, Debtor.id, Debtor.name, Debtor.customer_class).where(
            Debtor.creditor_id == creditor_id,
            Debtor.customer_number == any_(literal(list(numbers), ARRAY(Text))),
        )
    )
    return {number: (customer_id, name, of_class) for number, customer_id, name, of_class in rows}


@dataclass(frozen=True)
class _Wanted:
    """Of each number its line and what its row is to say, as a whole, beside what it says."""

    lines: Mapping[str, int]
    known: Mapping[str, tuple[int, str, str | None]]
    before: Mapping[str, Mapping[str, Any]]
    after: Mapping[str, Mapping[str, Any]]

    def changed(self, number: str) -> bool:
        return self.before[number] != self.after[number]


def _wanted(bulk: BulkRules) -> _Wanted:
    numbers = [number for _, number, _ in bulk.rows]
    known = _known(bulk.creditor_id, numbers)
    before = rulebook.own_of(bulk.creditor_id, "customer", numbers)
    said = _said(bulk, numbers)
    after = {
        number: rulebook.settled("customer", {**before[number], **said[number]})
        for number in numbers
    }
    return _Wanted({number: line for line, number, _ in bulk.rows}, known, before, after)


def _said(bulk: BulkRules, numbers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What each customer is to say, as `rulebook.put_each` takes it."""
    if bulk.act == REMOVE:
        return {number: dict(rulebook.NOTHING) for number in numbers}
    if bulk.act == INCLUDE:
        wider = customers.wider_excludes(bulk.creditor_id, "customer", numbers)
        return {number: {"is_excluded": False if wider[number] else None} for number in numbers}
    common = rulebook.as_values(bulk.values)
    if bulk.act == EXCLUDE:
        common["is_excluded"] = True
    return {number: {**common, **rulebook.as_values(own or {})} for _, number, own in bulk.rows}


def look(bulk: BulkRules, *, today: date) -> Look:
    """What would come of it. Raises RedaError, with the line, when something cannot hold."""
    wanted = _wanted(bulk)
    changed = [number for number in wanted.after if wanted.changed(number)]
    here = [number for number in changed if number in wanted.known]
    unknown = [(line, number) for line, number, _ in bulk.rows if number not in wanted.known]
    edited = {("customer", number): wanted.after[number] for number in here}
    asked = previewing.Asked(bulk.creditor_id, today, edited)
    return Look(
        changed=here,
        same=[one for one in wanted.known if not wanted.changed(one)],
        unknown=unknown,
        others=sum(_says_more(wanted, number) for number in here),
        fates=[_fate(wanted, number) for number in here[:_SHOWN]],
        preview=previewing.preview(asked) if edited else None,
        open_cases=customers.touched(bulk.creditor_id, here).open_cases if here else 0,
    )


def _says_more(wanted: _Wanted, number: str) -> bool:
    """Whether a last day that changes ends rules that were there before, too."""
    before, after = wanted.before[number], wanted.after[number]
    said = any(before[name] is not None and before[name] == after[name] for name in DEFAULTS)
    return said and before["ends_on"] != after["ends_on"]


def _fate(wanted: _Wanted, number: str) -> Fate:
    before, after = wanted.before[number], wanted.after[number]
    customer_id, name, _ = wanted.known[number]
    fields = [(one, before[one], after[one]) for one in after if before[one] != after[one]]
    return Fate(wanted.lines[number], number, name, customer_id, fields)


def do(
    bulk: BulkRules, *, keeps_unknown: bool, actor: Actor, today: date, now: datetime
) -> int | None:
    """Keep what was chosen, as one change. Answers its event's id, None when nothing changed.

    keeps_unknown: also for numbers that nobody has yet. What is done already is not done again.
    Raises RedaError when something cannot hold.
    """
    locked = db.session.scalars(
        select(BulkRules)
        .where(BulkRules.id == bulk.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if locked.done_at is not None:
        return None
    numbers = [number for _, number, _ in locked.rows]
    if not keeps_unknown:
        known = _known(locked.creditor_id, numbers)
        numbers = [number for number in numbers if number in known]
    said = _said(locked, numbers)
    values = {number: said[number] for number in numbers}
    event_id = rulebook.put_each(
        locked.creditor_id, "customer", values, actor=actor, today=today, now=now
    )
    locked.done_at, locked.event_id = now, event_id
    return event_id


def forget_old(now: datetime) -> None:
    """Throw away everybody's that is some days old."""
    db.session.execute(delete(BulkRules).where(BulkRules.created_at < now - KEPT))


def every_own(creditor_id: int) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Every customer's own rules: number, name (None when nobody has it yet), and what they say."""
    rows = db.session.execute(
        select(Rules, Debtor.name)
        .outerjoin(
            Debtor,
            (Debtor.creditor_id == Rules.creditor_id) & (Debtor.customer_number == Rules.scope_key),
        )
        .where(Rules.creditor_id == creditor_id, Rules.scope == "customer")
        .order_by(Rules.scope_key)
    )
    names = (*policy.DEFAULTS, "ends_on", "reason")
    return [(row.scope_key, name, {one: getattr(row, one) for one in names}) for row, name in rows]
