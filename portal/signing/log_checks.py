"""Whether every envelope's log is what was written: what the nightly check looks for.

The chain alone tells what was changed, taken away or put in before its end. What was cut off at the
end is found by what must be there: as much as the last time, and the events that the envelope's
state comes from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import events
from portal.signing.models import Envelope, EnvelopeCheck, EnvelopeEvent

CHANGED, CUT = "changed", "missing at the end"
_CHUNK = 200
# What an envelope in a state has had happen to it.
_CAME_BY = {
    "draft": ("created",),
    "open": ("created", "sent"),
    **{
        status: ("created", "sent", status)
        for status in ("completed", "declined", "withdrawn", "expired")
    },
}


@dataclass(frozen=True)
class Broken:
    """An envelope whose log does not hold. position: the first event that is wrong, from 1.

    what: `changed` (or taken away, put in or moved), or `missing at the end`.
    """

    envelope_key: str
    title: str
    creditor_name: str
    position: int
    what: str
    checked_at: datetime


@dataclass(frozen=True)
class Verified:
    """How many logs there are, and when the one that waited longest was last checked."""

    logs: int
    checked_at: datetime | None


def check(now: datetime, *, between: Callable[[], None] = lambda: None) -> int:
    """Verify every envelope's log and keep what was found; answers how many do not hold.

    between: called after each chunk, to commit. To be called where all are seen.
    """
    after = wrong = 0
    while chunk := db.session.scalars(
        select(Envelope).where(Envelope.id > after).order_by(Envelope.id).limit(_CHUNK)
    ).all():
        after = chunk[-1].id
        wrong += _check_chunk(chunk, now)
        between()
    return wrong


def _check_chunk(chunk: Sequence[Envelope], now: datetime) -> int:
    ids = [one.id for one in chunk]
    logs: dict[int, list[EnvelopeEvent]] = {one: [] for one in ids}
    for event in db.session.scalars(
        select(EnvelopeEvent)
        .where(EnvelopeEvent.envelope_id.in_(ids))
        .order_by(EnvelopeEvent.envelope_id, EnvelopeEvent.number)
    ):
        logs[event.envelope_id].append(event)
    before = {
        one.envelope_id: one
        for one in db.session.scalars(
            select(EnvelopeCheck).where(EnvelopeCheck.envelope_id.in_(ids))
        )
    }
    rows = [_judged(one, logs[one.id], before.get(one.id), now) for one in chunk]
    statement = insert(EnvelopeCheck).values(rows)
    names = ("checked_at", "events", "head_sha256", "broken_at", "what")
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=[EnvelopeCheck.envelope_id],
            set_={name: getattr(statement.excluded, name) for name in names},
        )
    )
    return sum(row["what"] is not None for row in rows)


def _judged(
    envelope: Envelope, log: Sequence[EnvelopeEvent], before: EnvelopeCheck | None, now: datetime
) -> dict[str, Any]:
    broken_at, what = _wrong(envelope, log, before)
    # Of one that does not hold, what held is remembered.
    holds = what is None or before is None
    return {
        "envelope_id": envelope.id,
        "creditor_id": envelope.creditor_id,
        "checked_at": now,
        "events": len(log) if holds or before is None else before.events,
        "head_sha256": _head(log) if holds or before is None else before.head_sha256,
        "broken_at": broken_at,
        "what": what,
    }


def _head(log: Sequence[EnvelopeEvent]) -> str:
    return log[-1].sha256 if log else events.BEGINNING


def _wrong(
    envelope: Envelope, log: Sequence[EnvelopeEvent], before: EnvelopeCheck | None
) -> tuple[int | None, str | None]:
    try:
        events.verify({**events.told(one, envelope.key), "sha256": one.sha256} for one in log)
    except events.ChainBroken as error:
        return error.number, CHANGED
    names = {one.name for one in log}
    wanted = {*_CAME_BY[envelope.status], *(("sealed",) if envelope.sealed_at else ())}
    if not wanted <= names or (before is not None and len(log) < before.events):
        return len(log) + 1, CUT
    if before is not None and before.events and log[before.events - 1].sha256 != before.head_sha256:
        return before.events, CHANGED
    return None, None


def broken(limit: int = 100) -> list[Broken]:
    """The envelopes whose log did not hold when it was last checked."""
    rows = db.session.execute(
        select(
            Envelope.key, Envelope.title, Creditor.name, EnvelopeCheck.broken_at,
            EnvelopeCheck.what, EnvelopeCheck.checked_at,
        )
        .join(EnvelopeCheck, EnvelopeCheck.envelope_id == Envelope.id)
        .join(Creditor, Creditor.id == Envelope.creditor_id)
        .where(EnvelopeCheck.what.is_not(None))
        .order_by(Envelope.id)
        .limit(limit)
    )  # fmt: skip
    return [
        Broken(key, title, name, position or 0, what or "", at)
        for key, title, name, position, what, at in rows
    ]


def checked() -> Verified:
    """How far the checks are."""
    row = db.session.execute(
        select(func.count(), func.min(EnvelopeCheck.checked_at)).select_from(EnvelopeCheck)
    ).one()
    return Verified(int(row[0]), row[1])
