"""What happened, told once in the transaction that did it, and why.

Events are only added. When the transaction commits, the database links each to the one before it
of the same creditor by a hash (migration 0006), so that `verify` finds one that was changed,
removed, added or moved behind our back. Whoever can write as the database's owner can also compute
a whole chain anew; only a head kept elsewhere finds that.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, TextClause, column, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from portal.collection.models import Event, HistoryCheck
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor


@dataclass(frozen=True)
class Setting:
    """A rule's value, and the scope that chose it: company, class, customer or default."""

    name: str
    value: Any
    scope: str


@dataclass(frozen=True)
class Told:
    """An event of a case, with the settings that decided it and what else it was decided from."""

    id: int
    name: str
    occurred_at: datetime
    actor: str
    data: Mapping[str, Any]
    settings: Sequence[Setting]
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """Some events, newest first. before: the key of the older ones, or None at the end."""

    events: Sequence[Told]
    before: int | None


@dataclass(frozen=True)
class Broken:
    """A creditor's history that does not hold.

    position: the first place that is wrong. what: `changed`, `removed`, `added`, `reordered`, or
    of its end `missing at the end` and `head changed`.
    """

    creditor_id: int
    creditor_key: str
    creditor_name: str
    position: int
    what: str
    checked_at: datetime | None = None


@dataclass(frozen=True)
class Verified:
    """How many events of how many creditors were looked at, and whose history does not hold."""

    events: int
    creditors: int
    broken: Sequence[Broken]


def record(
    name: str,
    *,
    creditor_id: int,
    case_id: int | None = None,
    actor: Actor,
    now: datetime,
    **data: object,
) -> None:
    """Add an event. name: past tense, as in `case.reminder_sent`. data: JSON values."""
    db.session.add(
        Event(
            creditor_id=creditor_id,
            case_id=case_id,
            name=name,
            occurred_at=now,
            actor=actor.label,
            actor_person_id=actor.person_id,
            data=data,
        )
    )


def record_many(rows: Select[Any] | TextClause) -> int:
    """Add an event for each row of a query, of any creditors, in the query's order.

    rows: creditor_id, case_id, name, occurred_at, actor, actor_person_id, data, in this order of
    columns. Answers how many there were. A statement of SQL may as well insert into `events`.
    """
    columns = ["creditor_id", "case_id", "name", "occurred_at", "actor", "actor_person_id", "data"]
    source = rows.columns(*map(column, columns)) if isinstance(rows, TextClause) else rows
    # What was recorded before it comes before it.
    db.session.flush()
    added = db.session.execute(
        insert(Event).from_select(columns, source), execution_options={"preserve_rowcount": True}
    )
    return int(added.rowcount)  # type: ignore[attr-defined]


# A company's events in a part of its history, for a statement that reads many at a time: those of
# :creditor after the place :after, up to :until. Columns: position, event_id, name, data,
# occurred_at, actor_person_id, and of the case, if it is about one, reference, debtor_name and
# invoice_number.
EVENTS_BETWEEN = """
    select h.position, e.id as event_id, e.name, e.data, e.occurred_at, e.actor_person_id,
        c.reference, d.name as debtor_name, i.number as invoice_number
    from history_links h join events e on e.id = h.event_id
    left join cases c on c.id = e.case_id
    left join debtors d on d.id = c.debtor_id
    left join invoices i on i.id = c.invoice_id
    where h.creditor_id = :creditor and h.position > :after and h.position <= :until
"""


def position_of(creditor_id: int) -> int:
    """How many events a company's history has; 0 when nothing has happened."""
    head = text("select position from history_heads where creditor_id = :creditor")
    return int(db.session.scalar(head, {"creditor": creditor_id}) or 0)


# Of each event, the settings and the other facts that decided it. A setting that the event does not
# tell itself is the one that its case was opened with.
_DECIDED_BY: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "case.imported": (
        ("days_after_due", "reminder_days", "reminder_fee_agreed", "interest_kind", "agreed_rate"),
        ("due_on",),
    ),
    "case.reminder_sent": (("reminder_fee_agreed", "reminder_days"), ("fee_charged_before",)),
    "case.reminder_written_again": (("reminder_days",), ()),
    "case.demand_sent": (("demand_after_days", "demand_days", "wants_compensation"), ()),
    "case.demand_written_again": (("demand_days",), ()),
    "case.awaits_decision": (("after_demand", "decision_after_days"), ()),
    "case.taken_to_law": (("after_demand",), ()),
    "case.watched_over": (("after_demand",), ()),
    "case.written_off": (("after_demand",), ()),
    "case.returned": (("after_demand",), ()),
    "case.limited": ((), ("limited_on",)),
    "case.due_date_changed": (("days_after_due",), ("due_on",)),
    "case.payment_received": (("interest_kind", "agreed_rate"), ("owed", "amount_ore")),
    "case.paid": (("small_rest_ore",), ("closed_on",)),
    "case.needs_review": ((), ("problems",)),
}


def of_case(case_id: int) -> list[Told]:
    """A case's events, newest first, each with why it happened."""
    events = db.session.scalars(select(Event).where(Event.case_id == case_id).order_by(Event.id))
    chosen: dict[str, Setting] = {}
    told = []
    for event in events:
        chosen |= _settings(event.data)
        names, inputs = _DECIDED_BY.get(event.name, ((), ()))
        told.append(
            Told(
                event.id,
                event.name,
                event.occurred_at,
                event.actor,
                event.data,
                [chosen[name] for name in names if name in chosen],
                {name: event.data[name] for name in inputs if name in event.data},
            )
        )
    return told[::-1]


def page_of_case(
    case_id: int, *, names: Collection[str] = (), before: int | None = None, limit: int = 20
) -> Page:
    """Some of a case's events, newest first.

    names: those alone; all when there is none. before: the key of the page before.
    """
    # All are read, for an event is told by settings that an older one chose; they are few.
    found = [
        one
        for one in of_case(case_id)
        if (not names or one.name in names) and (before is None or one.id < before)
    ]
    shown = found[:limit]
    return Page(shown, shown[-1].id if len(found) > limit else None)


# What the events of a company's settings are about.
SETTINGS = (
    "rules", "company", "account", "member", "invitation", "approval", "agreement", "collection",
)  # fmt: skip


def of_creditor(
    creditor_id: int,
    *,
    about: Collection[str] = SETTINGS,
    before: int | None = None,
    limit: int = 50,
) -> list[Told]:
    """What happened to a creditor's settings, newest first.

    about: some of SETTINGS. before: the page before's last id.
    """
    older = [Event.id < before] if before is not None else []
    events = db.session.scalars(
        select(Event)
        .where(
            Event.creditor_id == creditor_id,
            Event.case_id.is_(None),
            func.split_part(Event.name, ".", 1).in_(about),
            *older,
        )
        .order_by(Event.id.desc())
        .limit(limit)
    )
    return [Told(one.id, one.name, one.occurred_at, one.actor, one.data, (), {}) for one in events]


def _settings(data: Mapping[str, Any]) -> dict[str, Setting]:
    settings = {
        name: Setting(name, value, scope) for name, (value, scope) in data.get("terms", {}).items()
    }
    if (days := data.get("days_after_due")) is not None:
        settings["days_after_due"] = Setting("days_after_due", days, data["scope"])
    return settings


# Every link is compared with the hash that stands before it. That holds for all of them exactly if
# the chain from its beginning does, and it tells which one is wrong.
_VERIFY = text(
    """
    with linked as (
        select l.creditor_id, l.position, l.event_id, l.hash, e as event, e.id is null as is_gone,
            row_number() over chain as place,
            lag(l.hash, 1, decode(repeat('00', 32), 'hex')) over chain as before
        from history_links l left join events e on e.id = l.event_id
        where cast(:creditor_id as bigint) is null or l.creditor_id = :creditor_id
        window chain as (partition by l.creditor_id order by l.position)
    ), judged as (
        select creditor_id, event_id, hash, place, before, case
            when position > place or is_gone then 'removed'
            when position < place then 'added'
            when hash <> sha256(before || reda_event_text(event, place, event_id)) then 'changed'
        end as what
        from linked
    ), wrong as materialized (
        select * from judged where what is not null
    ), first as (
        select distinct on (creditor_id) * from wrong order by creditor_id, place
    ), stray as (
        select e.creditor_id, min(e.id) as event_id
        from events e left join history_links l on l.event_id = e.id
        where l.event_id is null
            and (cast(:creditor_id as bigint) is null or e.creditor_id = :creditor_id)
        group by e.creditor_id
    ), totals as (
        select creditor_id, count(*) as links, max(position) as last
        from history_links
        where cast(:creditor_id as bigint) is null or creditor_id = :creditor_id
        group by creditor_id
    )
    select c.id, c.key, c.name, coalesce(t.links, 0) as links, coalesce(t.last, 0) as last,
        coalesce(h.position, 0) as head,
        h.position = 0 or coalesce(h.hash = end_link.hash, false) as head_holds,
        w.place, w.what,
        w.what = 'changed' and exists (
            select from wrong o join events e on e.id = o.event_id
            where o.creditor_id = c.id and o.place > w.place and (
                sha256(w.before || reda_event_text(e, w.place, e.id)) in (w.hash, o.hash)
                or sha256(w.before || reda_event_text(e, w.place, w.event_id)) = w.hash
            )
        ) as is_moved,
        s.event_id is not null as has_stray,
        (
            select coalesce(max(l.position), 0) + 1 from history_links l
            where l.creditor_id = c.id and l.event_id < s.event_id
        ) as stray_at
    from creditors c
    left join totals t on t.creditor_id = c.id
    left join history_heads h on h.creditor_id = c.id
    left join history_links end_link
        on end_link.creditor_id = h.creditor_id and end_link.position = h.position
    left join first w on w.creditor_id = c.id
    left join stray s on s.creditor_id = c.id
    where (t.links is not null or h.creditor_id is not null or s.event_id is not null)
        and (cast(:creditor_id as bigint) is null or c.id = :creditor_id)
    order by c.id
    """
)


def verify(creditor_id: int | None = None) -> Verified:
    """Compute every event's hash anew and compare; of one creditor, or of all that may be seen.

    One statement, one moment: what others commit meanwhile is seen wholly or not at all.
    """
    return _summed(_histories(creditor_id))


def check(now: datetime, creditor_id: int | None = None) -> Verified:
    """Verify, and keep what was found for `broken` to tell."""
    found = _histories(creditor_id)
    for events, creditor, broken in found:
        values = {
            "checked_at": now,
            "events": events,
            "broken_at": broken.position if broken else None,
            "what": broken.what if broken else None,
        }
        db.session.execute(
            upsert(HistoryCheck)
            .values(creditor_id=creditor, **values)
            .on_conflict_do_update(index_elements=[HistoryCheck.creditor_id], set_=values)
        )
    return _summed(found)


_History = tuple[int, int, Broken | None]


def _histories(creditor_id: int | None) -> list[_History]:
    rows = db.session.execute(_VERIFY, {"creditor_id": creditor_id})
    return [(row.links, row.id, _judge(row)) for row in rows]


def _summed(found: Sequence[_History]) -> Verified:
    return Verified(
        sum(events for events, _, _ in found), len(found), [one for *_, one in found if one]
    )


def _judge(row: Any) -> Broken | None:
    """The first thing wrong with a creditor's history."""
    wrong = []
    if row.what is not None:
        wrong.append((row.place, _kind(row)))
    if row.has_stray:
        wrong.append((row.stray_at, "added"))
    if not wrong and row.head > row.last:
        wrong.append((row.last + 1, "missing at the end"))
    elif not wrong and row.head < row.last:
        wrong.append((row.head + 1, "added"))
    elif not wrong and not row.head_holds:
        wrong.append((row.head, "head changed"))
    return Broken(row.id, row.key, row.name, *min(wrong)) if wrong else None


def _kind(row: Any) -> str:
    # Places that were numbered anew all hold another event than the one that was hashed; how many
    # there should be tells which way they moved.
    if row.what == "changed" and row.links != row.head:
        return "removed" if row.links < row.head else "added"
    return "reordered" if row.is_moved else str(row.what)


def broken() -> list[Broken]:
    """The histories that did not hold when they were last checked, by creditor."""
    rows = db.session.execute(
        select(
            Creditor.id,
            Creditor.key,
            Creditor.name,
            HistoryCheck.broken_at,
            HistoryCheck.what,
            HistoryCheck.checked_at,
        )
        .join(HistoryCheck, HistoryCheck.creditor_id == Creditor.id)
        .where(HistoryCheck.what.is_not(None))
        .order_by(Creditor.id)
    )
    return [
        Broken(creditor_id, key, name, position or 0, what or "", at)
        for creditor_id, key, name, position, what, at in rows
    ]


def checked_at() -> datetime | None:
    """When the histories were last checked, the longest ago of them; None before the first time."""
    return db.session.scalar(select(func.min(HistoryCheck.checked_at)))
