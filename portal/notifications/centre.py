"""The notification centre: what a person has been told of, at all their companies."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    delete,
    func,
    select,
    true,
    tuple_,
    update,
)

from portal.extensions import db
from portal.notifications.models import Notification

PAGE_SIZE = 50
# No more are counted: "99+" says as much as 12,345 does.
MOST_COUNTED = 100
# So long is a notification kept; what it told of stands in the history for ever.
KEPT = timedelta(days=180)


@dataclass(frozen=True)
class Reader:
    """Whose centre it is. creditor_ids: the companies where they have a role today."""

    person_id: int
    creditor_ids: tuple[int, ...]


@dataclass(frozen=True)
class Filters:
    """What is asked for. creditor_id, kind: of one only. is_failed, is_unread: those only."""

    creditor_id: int | None = None
    kind: str | None = None
    is_failed: bool = False
    is_unread: bool = False


@dataclass(frozen=True)
class Notice:
    """A notification as pages show it. count: of how many alike it tells."""

    id: int
    creditor_id: int
    kind: str
    data: Mapping[str, Any]
    count: int
    is_failed: bool
    shown_at: datetime
    read_at: datetime | None


@dataclass(frozen=True)
class Page:
    """Some notifications, the newest first, and the key that the next ones come after, or None."""

    rows: Sequence[Notice]
    after: str | None


def _is_shown(reader: Reader, now: datetime) -> ColumnElement[bool]:
    # The role is asked for here too: by the portal's clock, and at every company at once.
    return (
        (Notification.person_id == reader.person_id)
        & Notification.creditor_id.in_(reader.creditor_ids)
        & (Notification.shown_at <= now)
    )


def _filtered(filters: Filters) -> ColumnElement[bool]:
    wanted: ColumnElement[bool] = true()
    if filters.creditor_id is not None:
        wanted &= Notification.creditor_id == filters.creditor_id
    if filters.kind is not None:
        wanted &= Notification.kind == filters.kind
    if filters.is_failed:
        wanted &= Notification.is_failed
    if filters.is_unread:
        wanted &= Notification.read_at.is_(None)
    return wanted


def page(reader: Reader, filters: Filters, *, now: datetime, after: str | None = None) -> Page:
    """A page of notifications. after: the key that the page before answered; others begin anew."""
    wanted = _is_shown(reader, now) & _filtered(filters)
    if (place := _place(after)) is not None:
        wanted &= tuple_(Notification.shown_at, Notification.id) < place
    rows = [
        Notice(*row)
        for row in db.session.execute(
            select(*(getattr(Notification, name) for name in Notice.__dataclass_fields__))
            .where(wanted)
            .order_by(Notification.shown_at.desc(), Notification.id.desc())
            .limit(PAGE_SIZE + 1)
        )
    ]
    has_more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    return Page(rows, _key(rows[-1]) if has_more else None)


def _key(row: Notice) -> str:
    return f"{row.shown_at.isoformat()}~{row.id}"


def _place(key: str | None) -> tuple[datetime, int] | None:
    shown_at, _, id = (key or "").partition("~")
    try:
        place = datetime.fromisoformat(shown_at), int(id)
    except ValueError:
        return None
    return place if place[0].tzinfo is not None and 0 < place[1] < 2**63 else None


def count_unread(reader: Reader, *, now: datetime) -> int:
    """How many notifications nobody has read, at most MOST_COUNTED; one statement."""
    some = (
        select(Notification.id)
        .where(_is_shown(reader, now), Notification.read_at.is_(None))
        .limit(MOST_COUNTED)
        .subquery()
    )
    return db.session.scalar(select(func.count()).select_from(some)) or 0


def unread_sql(
    person_id: int, creditor_id: ColumnElement[int], *, now: datetime
) -> ScalarSelect[int]:
    """How many of the creditor of an outer query a person has not read, at most MOST_COUNTED."""
    some = (
        select(Notification.id)
        .where(
            Notification.person_id == person_id,
            Notification.creditor_id == creditor_id,
            Notification.shown_at <= now,
            Notification.read_at.is_(None),
        )
        .limit(MOST_COUNTED)
        .correlate_except(Notification)
        .subquery()
    )
    return select(func.count()).select_from(some).scalar_subquery()


def open_one(reader: Reader, id: int, *, now: datetime) -> Notice | None:
    """A notification of the reader's, which is read from now on; None when it is not theirs."""
    if not mark_read(reader, id, now=now):
        return None
    row = db.session.execute(
        select(*(getattr(Notification, name) for name in Notice.__dataclass_fields__)).where(
            Notification.id == id
        )
    ).one()
    return Notice(*row)


def mark_read(reader: Reader, id: int, *, now: datetime) -> bool:
    """Mark one as read; answers whether it is the reader's. What was read before stays so."""
    return _mark(reader, id, func.coalesce(Notification.read_at, now), now=now)


def mark_unread(reader: Reader, id: int, *, now: datetime) -> bool:
    """Mark one as not read; answers whether it is the reader's."""
    return _mark(reader, id, None, now=now)


def _mark(reader: Reader, id: int, read_at: object, *, now: datetime) -> bool:
    marked = db.session.scalar(
        update(Notification)
        .where(_is_shown(reader, now), Notification.id == id)
        .values(read_at=read_at)
        .returning(Notification.id)
    )
    return marked is not None


def mark_all_read(reader: Reader, filters: Filters, *, until: datetime, now: datetime) -> int:
    """Mark as read what the filters show, but for what came after an instant.

    until: when the reader was shown the list; later ones they have not seen. Answers how many.
    """
    marked = db.session.scalars(
        update(Notification)
        .where(
            _is_shown(reader, min(until, now)), _filtered(filters), Notification.read_at.is_(None)
        )
        .values(read_at=now)
        .returning(Notification.id)
    )
    return len(marked.all())


def kinds_of(reader: Reader, *, now: datetime) -> Collection[str]:
    """The kinds that the reader has been told of."""
    return set(
        db.session.scalars(select(Notification.kind).distinct().where(_is_shown(reader, now)))
    )


def forget_old(now: datetime) -> None:
    """Delete notifications that are older than they are kept."""
    db.session.execute(delete(Notification).where(Notification.created_at < now - KEPT))
