"""A creditor's rules as people write them: kept, ended, taken away, undone, and told.

`policy` says what holds; this is the only writer. A change is one event of the creditor's history
(`rules.changed`), with what each field of each row was before and is after, so that it can be
compared with what holds now, undone and restored.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ARRAY, Text, any_, func, literal, select, text, tuple_

from portal.collection import policy
from portal.collection.models import Debtor, Event, Invoice, Rules
from portal.collection.policy import DEFAULTS, as_json
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.law.demand import least_days_demand
from portal.law.reminder import least_days_reminder
from portal.messages import N_, RedaError

EVENT = "rules.changed"
MOST_AT_ONCE = 20_000
MOST_WORDS = 300
# What a company's own row may leave open.
_MAY_BE_EMPTY = ("import_after_on", "agreed_rate")
_OF_THE_ROW = ("ends_on", "reason")
_NAMES = (*DEFAULTS, *_OF_THE_ROW)
NOTHING: Mapping[str, Any] = {**dict.fromkeys(_NAMES), "reason": ""}
_DATES = ("import_after_on", "ends_on")

# Beyond these somebody has slipped on the keyboard.
_MOST_DAYS = 365
_HIGHEST_RATE = Decimal(100)
_MOST_REST_ORE = 100_000
_MOST_ORE = 100_000_000_00
_RANGES = {
    "days_after_due": (1, _MOST_DAYS),
    "demand_after_days": (1, _MOST_DAYS),
    "decision_after_days": (1, _MOST_DAYS),
    "plan_first_days": (1, 90),
    "postpone_days": (1, 90),
}
_COUNTS = {"plan_most_months": (2, 36), "postpone_times": (1, 12)}
_CHOICES = {
    "after_demand": policy.AFTER_DEMAND,
    "direct_payment": policy.DIRECT_PAYMENT,
    "interest_kind": policy.INTEREST_KINDS,
    "collects_from": policy.COLLECTS_FROM,
    "already_reminded": policy.ALREADY_REMINDED,
    "reminder_fee_by": policy.FEE_BY,
    "demand_fee_by": policy.FEE_BY,
    "plan_fee_by": policy.FEE_BY,
}


class ChangedMeanwhile(RedaError):
    """Somebody else saved these rules after they were read."""

    status = 409


@dataclass(frozen=True)
class Change:
    """What became of one row: the fields that changed, before and after; None is nothing chosen."""

    scope: str
    key: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """A change of the rules as the history tells it: one or many rows at once."""

    id: int
    at: datetime
    actor: str
    changes: Sequence[Change]


def version(creditor_id: int, scope: str = "company", key: str = "") -> int:
    """The version of a row; 0 when there is none."""
    return db.session.scalar(select(Rules.version).where(*_is(creditor_id, scope, key))) or 0


def own(creditor_id: int, scope: str = "company", key: str = "") -> dict[str, Any]:
    """What a row itself says, None where it leaves it to the wider scope; also ends_on, reason."""
    row = db.session.scalar(select(Rules).where(*_is(creditor_id, scope, key)))
    return _values(row)


def own_of(creditor_id: int, scope: str, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The same of many rows, by key; a key without a row says nothing."""
    found = {key: dict(NOTHING) for key in keys}
    rows = db.session.execute(
        select(Rules.scope_key, *(getattr(Rules, name) for name in _NAMES)).where(
            Rules.creditor_id == creditor_id,
            Rules.scope == scope,
            Rules.scope_key == any_(literal(list(found), ARRAY(Text))),
        )
    )
    for key, *values in rows:
        found[key] = dict(zip(_NAMES, values, strict=True))
    return found


def _is(creditor_id: int, scope: str, key: str) -> tuple[Any, ...]:
    return (Rules.creditor_id == creditor_id, Rules.scope == scope, Rules.scope_key == key)


def _values(row: Rules | None) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _NAMES} if row is not None else dict(NOTHING)


def save(
    creditor_id: int,
    values: Mapping[str, Any],
    version: int,
    *,
    scope: str = "company",
    key: str = "",
    actor: Actor,
    today: date,
    now: datetime,
) -> int | None:
    """Keep a row as a whole.

    values: of the company every name in policy.DEFAULTS; of a class or a customer those it says
    something about, and `ends_on` and `reason`. A class or customer that says nothing has no row.
    version: as `version` told when they were read. Answers the event's id; None when nothing
    changed. Raises ChangedMeanwhile, and RedaError at the field that cannot hold.
    """
    wanted = {**NOTHING, **values}
    if scope == "company":
        _require_all(wanted)
        if wanted["interest_kind"] != "agreed":
            wanted["agreed_rate"] = None
    _lock(creditor_id)
    rows = _rows(creditor_id, [(scope, key)])
    row = rows.get((scope, key))
    if (row.version if row else 0) != version:
        raise ChangedMeanwhile(
            N_("Somebody else changed the rules meanwhile. Look at them and save again.")
        )
    return _write(creditor_id, {(scope, key): wanted}, actor=actor, today=today, now=now)


def _require_all(values: Mapping[str, Any]) -> None:
    for name in DEFAULTS:
        if values[name] is None and name not in _MAY_BE_EMPTY:
            raise RedaError(N_("Fill this in."), field=name)


def switch(
    creditor_id: int, is_active: bool, *, actor: Actor, today: date, now: datetime
) -> int | None:
    """Switch the company's collection on or off; nothing else of its rules becomes otherwise.

    Answers the event's id; None when it was so already.
    """
    _lock(creditor_id)
    before = _values(_rows(creditor_id, [("company", "")]).get(("company", "")))
    wanted = {**before, **DEFAULTS, **_said(before), "is_active": is_active}
    if before["is_active"] == is_active:
        return None
    return _write(creditor_id, {("company", ""): wanted}, actor=actor, today=today, now=now)


def check(
    creditor_id: int,
    values: Mapping[str, Any],
    *,
    scope: str = "company",
    key: str = "",
    today: date,
) -> None:
    """Whether a row could be saved. values: as of `save`.

    Raises RedaError at the field that cannot hold.
    """
    wanted = {**NOTHING, **values}
    before = own(creditor_id, scope, key)
    names = [name for name in _NAMES if before[name] != wanted[name]]
    Check(creditor_id, today).row(scope, key, wanted, names)


def put_many(
    creditor_id: int,
    scope: str,
    keys: Iterable[str],
    values: Mapping[str, Any],
    *,
    actor: Actor,
    today: date,
    now: datetime,
) -> int | None:
    """Let many classes or customers say the same; what else they say stays.

    values: names of policy.DEFAULTS, `ends_on`, `reason`; None takes a value away. Answers the
    event's id; None when nothing changed. Raises RedaError at the field that cannot hold.
    """
    return put_each(
        creditor_id, scope, dict.fromkeys(keys, values), actor=actor, today=today, now=now
    )


def put_each(
    creditor_id: int,
    scope: str,
    values: Mapping[str, Mapping[str, Any]],
    *,
    actor: Actor,
    today: date,
    now: datetime,
) -> int | None:
    """Let classes or customers each say something of its own; what else they say stays.

    values: of each key, as of `put_many`, which also tells what is answered and raised.
    """
    if len(values) > MOST_AT_ONCE:
        raise RedaError(N_("Choose at most %(most)s at a time."), field="keys", most=MOST_AT_ONCE)
    _lock(creditor_id)
    keys = [(scope, key) for key in values]
    before = _before(creditor_id, keys)
    merged = {(scope, key): {**before[scope, key], **values[key]} for _, key in keys}
    return _write(creditor_id, merged, actor=actor, today=today, now=now)


def remove_many(
    creditor_id: int, scope: str, keys: Iterable[str], *, actor: Actor, today: date, now: datetime
) -> int | None:
    """Take away all that some classes or customers say. Answers as `put_many`."""
    _lock(creditor_id)
    nothing = {(scope, key): NOTHING for key in keys}
    return _write(creditor_id, nothing, actor=actor, today=today, now=now)


def let_end(creditor_id: int, *, today: date, now: datetime) -> int:
    """Take away the rows whose last day is over; answers how many."""
    ended = select(Rules.scope, Rules.scope_key).where(
        Rules.creditor_id == creditor_id, Rules.ends_on < today
    )
    if db.session.execute(ended.limit(1)).first() is None:
        return 0
    _lock(creditor_id)
    # Read anew: whoever held the lock may have given them another day.
    if not (keys := [(scope, key) for scope, key in db.session.execute(ended)]):
        return 0
    nothing = dict.fromkeys(keys, NOTHING)
    _write(creditor_id, nothing, actor=SYSTEM, today=today, now=now)
    return len(keys)


def undo(
    creditor_id: int, event_id: int, *, actor: Actor, today: date, now: datetime
) -> int | None:
    """Put back what a change changed. Answers the new event's id; None when it is undone already.

    Raises ChangedMeanwhile when some of it has been changed again since, and RedaError for another
    event.
    """
    event = told(creditor_id, event_id)
    _lock(creditor_id)
    before = _before(creditor_id, [(one.scope, one.key) for one in event.changes])
    wanted: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in event.changes:
        now_is = before[one.scope, one.key]
        if all(now_is[name] == value for name, value in one.before.items()):
            continue
        if any(now_is[name] != value for name, value in one.after.items()):
            raise ChangedMeanwhile(
                N_("Some of this has been changed again since. Look at the newer change first.")
            )
        wanted[one.scope, one.key] = {**now_is, **one.before}
    return _write(creditor_id, wanted, actor=actor, today=today, now=now)


def as_after(creditor_id: int, event_id: int, scope: str, key: str) -> dict[str, Any]:
    """What a row said right after a change."""
    values = own(creditor_id, scope, key)
    for event in _events(creditor_id, Event.id > event_id):
        for one in event.changes:
            if (one.scope, one.key) == (scope, key):
                values |= one.before
    return values


def size(creditor_id: int, event_id: int) -> int:
    """How many rows a change touched."""
    return len(told(creditor_id, event_id).changes)


def told(creditor_id: int, event_id: int) -> Told:
    """A change by its id. Raises RedaError when there is no such change."""
    found = next(iter(_events(creditor_id, Event.id == event_id)), None)
    if found is None:
        raise RedaError(N_("There is no such change of the rules."))
    return found


def changes(creditor_id: int, *, before: int | None = None, limit: int = 50) -> list[Told]:
    """Changes of a creditor's rules, the newest first. before: the page before's last id."""
    older = [Event.id < before] if before is not None else []
    return _events(creditor_id, *older, limit=limit)


def _events(creditor_id: int, *where: Any, limit: int | None = None) -> list[Told]:
    rows = db.session.scalars(
        select(Event)
        .where(
            Event.creditor_id == creditor_id, Event.case_id.is_(None), Event.name == EVENT, *where
        )
        .order_by(Event.id.desc())
        .limit(limit)
    )
    return [Told(one.id, one.occurred_at, one.actor, read(one.data)) for one in rows]


def read(data: Mapping[str, Any]) -> list[Change]:
    """What an event of the history tells of the rules."""
    return [
        Change(one["scope"], one["key"], as_values(one["before"]), as_values(one["after"]))
        for one in data["changes"]
    ]


def as_values(told: Mapping[str, Any]) -> dict[str, Any]:
    """Values of settings from the JSON that `policy.as_json` made of them."""
    values = dict(told)
    for name in _DATES:
        if values.get(name):
            values[name] = date.fromisoformat(values[name])
    if values.get("agreed_rate"):
        values["agreed_rate"] = Decimal(values["agreed_rate"])
    return values


def _lock(creditor_id: int) -> None:
    """Let one at a time write a creditor's rules, once nobody acts by them any more."""
    db.session.execute(select(func.pg_advisory_xact_lock(_key(creditor_id))))


def keep_still(creditor_id: int) -> None:
    """Let nobody change a creditor's rules before this transaction ends; many may ask for it.

    Whoever opens cases by the rules asks first and reads them afterwards: a change that somebody
    sees as saved then holds for every case that comes to light later.
    """
    db.session.execute(select(func.pg_advisory_xact_lock_shared(_key(creditor_id))))


def _key(creditor_id: int) -> Any:
    return func.hashtextextended(f"rules:{creditor_id}", 0)


def _rows(creditor_id: int, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Rules]:
    wanted = list(keys)
    # Whole scopes are read rather than thousands of keys compared.
    among = [Rules.scope.in_({scope for scope, _ in wanted})]
    if len(wanted) < 100:
        among = [tuple_(Rules.scope, Rules.scope_key).in_(wanted)]
    found = db.session.scalars(
        select(Rules)
        .where(Rules.creditor_id == creditor_id, *among)
        .execution_options(populate_existing=True)
    )
    return {(row.scope, row.scope_key): row for row in found}


def _before(
    creditor_id: int, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """What each of some rows says; one that is not there says nothing."""
    by_scope: dict[str, list[str]] = {}
    for scope, key in keys:
        by_scope.setdefault(scope, []).append(key)
    return {
        (scope, key): values
        for scope, some in by_scope.items()
        for key, values in own_of(creditor_id, scope, some).items()
    }


def _write(
    creditor_id: int,
    wanted: Mapping[tuple[str, str], Mapping[str, Any]],
    *,
    actor: Actor,
    today: date,
    now: datetime,
) -> int | None:
    """Make rows say what is wanted, and tell it; locked."""
    held = _before(creditor_id, wanted)
    check = Check(creditor_id, today)
    changes, kept = [], {}
    for (scope, key), values in wanted.items():
        before, said, values = held[scope, key], values, settled(scope, values)
        asked = [name for name in _NAMES if _differs(scope, name, before[name], said[name])]
        names = [name for name in _NAMES if _differs(scope, name, before[name], values[name])]
        if asked:
            check.row(scope, key, said, asked)
        if not names:
            continue
        kept[scope, key] = values
        changes.append(
            {
                "scope": scope,
                "key": key,
                "before": {name: as_json(before[name]) for name in names},
                "after": {name: as_json(values[name]) for name in names},
            }
        )
    if not changes:
        return None
    _keep(creditor_id, kept, now)
    event = Event(
        creditor_id=creditor_id, name=EVENT, occurred_at=now, actor=actor.label,
        actor_person_id=actor.person_id, data={"changes": changes},
    )  # fmt: skip
    db.session.add(event)
    db.session.flush()
    return event.id


def settled(scope: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a class or customer that says nothing, its last day and reason go too."""
    says = scope == "company" or any(values[name] is not None for name in DEFAULTS)
    return values if says else NOTHING


def _differs(scope: str, name: str, before: Any, after: Any) -> bool:
    """Whether a value changes; what a company says as it held by itself before is no change."""
    if scope == "company" and before is None and name in DEFAULTS:
        return bool(after is not None and after != DEFAULTS[name])
    return bool(before != after)


_COLUMNS = ", ".join(_NAMES)
_KEEP = text(
    f"""
    insert into rules (creditor_id, scope, scope_key, {_COLUMNS}, version, changed_at)
    select :creditor_id, scope, scope_key, {_COLUMNS}, 1, :now
    from jsonb_populate_recordset(null::rules, cast(:rows as jsonb))
    on conflict (creditor_id, scope, scope_key) do update set
        ({_COLUMNS}, version, changed_at) =
        ({", ".join(f"excluded.{name}" for name in _NAMES)}, rules.version + 1, :now)
    """  # noqa: S608
)
_FORGET = text(
    """
    delete from rules r using jsonb_to_recordset(cast(:rows as jsonb)) as g (scope text, key text)
    where r.creditor_id = :creditor_id and r.scope = g.scope and r.scope_key = g.key
    """
)


def _keep(
    creditor_id: int, rows: Mapping[tuple[str, str], Mapping[str, Any]], now: datetime
) -> None:
    """Write rows as they are to be, thousands with one statement; those that say nothing go."""
    kept = [
        {"scope": scope, "scope_key": key, **{name: as_json(values[name]) for name in _NAMES}}
        for (scope, key), values in rows.items()
        if values != NOTHING
    ]
    gone = [
        {"scope": scope, "key": key} for (scope, key), values in rows.items() if values == NOTHING
    ]
    for statement, some in ((_KEEP, kept), (_FORGET, gone)):
        if some:
            told = {"creditor_id": creditor_id, "rows": json.dumps(some)}
            extra = {"now": now} if statement is _KEEP else {}
            db.session.execute(statement, told | extra)
    # What the session knows of them is from before.
    for one in list(db.session.identity_map.values()):
        if isinstance(one, Rules):
            db.session.expire(one)


class Check:
    """Whether rows can hold; raises RedaError at the field that cannot."""

    def __init__(self, creditor_id: int, today: date) -> None:
        self._today = today
        self._company = _values(_rows(creditor_id, [("company", "")]).get(("company", "")))

    def row(self, scope: str, key: str, values: Mapping[str, Any], names: Sequence[str]) -> None:
        """names: of the fields that change; what holds already is not asked about again."""
        if scope != "company" and not key:
            raise RedaError(N_("Choose whom the rules are for."), field="keys")
        for name in names:
            if values[name] is not None:
                self._one(name, values[name])
        wider = {**DEFAULTS, **_said(self._company)} if scope != "company" else dict(DEFAULTS)
        self._together({**wider, **_said(values)}, names)

    def _one(self, name: str, value: Any) -> None:
        if name in _RANGES and not _RANGES[name][0] <= value <= _RANGES[name][1]:
            least, most = _RANGES[name]
            raise RedaError(
                N_("Choose between %(least)s and %(most)s days."),
                field=name,
                least=least,
                most=most,
            )
        if name in _COUNTS and not _COUNTS[name][0] <= value <= _COUNTS[name][1]:
            least, most = _COUNTS[name]
            raise RedaError(
                N_("Choose between %(least)s and %(most)s."), field=name, least=least, most=most
            )
        if name in _CHOICES and value not in _CHOICES[name]:
            raise RedaError(N_("Choose one of the options."), field=name)
        if name in ("reminder_text", "demand_text") and len(value) > MOST_WORDS:
            raise RedaError(
                N_("Write at most %(most)s characters, so that the letter stays on one page."),
                field=name,
                most=MOST_WORDS,
            )
        if name == "ends_on" and value < self._today:
            raise RedaError(N_("The last day cannot be in the past."), field=name)
        self._days_to_pay(name, value)
        self._amount(name, value)

    def _days_to_pay(self, name: str, value: Any) -> None:
        if name == "reminder_days":
            least = least_days_reminder(self._today)
            if not least <= value <= _MOST_DAYS:
                raise RedaError(
                    N_("A reminder gives at least %(least)s days to pay, and at most %(most)s."),
                    field=name, least=least, most=_MOST_DAYS,
                )  # fmt: skip
        elif name == "demand_days":
            least = least_days_demand(self._today)
            if not least <= value <= _MOST_DAYS:
                raise RedaError(
                    N_("A demand gives at least %(least)s days to pay, and at most %(most)s."),
                    field=name, least=least, most=_MOST_DAYS,
                )  # fmt: skip

    def _amount(self, name: str, value: Any) -> None:
        if not name.endswith("_ore"):
            return
        most = _MOST_REST_ORE if name == "small_rest_ore" else _MOST_ORE
        if value < 0:
            raise RedaError(N_("Write 0 or more."), field=name)
        if value > most:
            raise RedaError(N_("Choose at most %(most_ore)s."), field=name, most_ore=most)

    def _together(self, values: Mapping[str, Any], names: Sequence[str]) -> None:
        rate = values["agreed_rate"]
        is_asked = "agreed_rate" in names or "interest_kind" in names
        if (
            is_asked
            and values["interest_kind"] == "agreed"
            and (rate is None or not 0 < rate <= _HIGHEST_RATE)
        ):
            raise RedaError(
                N_("Write the agreed rate in per cent a year, above 0 and at most 100."),
                field="agreed_rate",
            )
        highest = values["highest_ore"]
        if highest and values["lowest_ore"] > highest:
            raise RedaError(
                N_("The lowest amount is above the highest, %(highest_ore)s."),
                field="lowest_ore" if "lowest_ore" in names else "highest_ore",
                highest_ore=highest,
            )


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in DEFAULTS if values[name] is not None}


def known_types(creditor_id: int) -> list[str]:
    """The types of invoices that a creditor can leave out: those we know, and others it has had."""
    of_ledger = db.session.scalars(
        select(Invoice.type).where(Invoice.creditor_id == creditor_id).distinct()
    )
    others = sorted(set(of_ledger) - set(policy.INVOICE_TYPES))
    return [*policy.INVOICE_TYPES, *others]


def known_classes(creditor_id: int) -> list[str]:
    """The classes that a creditor's customers have, and those with rules, by name."""
    has = select(Debtor.customer_class).where(
        Debtor.creditor_id == creditor_id, Debtor.customer_class.is_not(None)
    )
    says = select(Rules.scope_key).where(Rules.creditor_id == creditor_id, Rules.scope == "class")
    return sorted({one for one in db.session.scalars(has.union(says)) if one})
