"""What happened to an envelope, in a chain of hashes that goes with the sealed document.

Each event's hash is the SHA-256 (FIPS 180-4) of its canonical JSON, which holds the hash of the one
before it: an event that is changed, taken away, put in or moved is found, by anybody who has the
log, without our database. Only a log that was cut at its end is not found by that alone; the seal
is laid over the whole log.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from portal.extensions import db
from portal.signing.models import Envelope, EnvelopeEvent, Signer

# What the first event has as the hash of the one before it.
BEGINNING = "0" * 64


class ChainBroken(Exception):
    """A log that is not what it was. number: of the first event that is wrong, from 1."""

    def __init__(self, number: int) -> None:
        super().__init__(f"event {number} is not what was written")
        self.number = number


def lock(envelope: Envelope) -> Envelope:
    """Keep other transactions from changing an envelope, and see it as it is now."""
    db.session.flush()
    db.session.refresh(envelope, with_for_update=True)
    return envelope


def record(
    envelope: Envelope,
    name: str,
    *,
    actor: str,
    now: datetime,
    signer: Signer | None = None,
    **data: str | int,
) -> EnvelopeEvent:
    """Add an event to an envelope that the caller has locked, or has just made.

    name: past tense, such as `signed`. actor: who did it, as the evidence tells it.
    """
    last = db.session.execute(
        select(EnvelopeEvent.number, EnvelopeEvent.sha256)
        .where(EnvelopeEvent.envelope_id == envelope.id)
        .order_by(EnvelopeEvent.number.desc())
        .limit(1)
    ).first()
    event = EnvelopeEvent(
        creditor_id=envelope.creditor_id,
        envelope_id=envelope.id,
        number=last.number + 1 if last else 1,
        name=name,
        occurred_at=now,
        actor=actor,
        signer_key=signer.key if signer else None,
        data=data,
        previous_sha256=last.sha256 if last else BEGINNING,
    )
    event.sha256 = _hash(told(event, envelope.key))
    db.session.add(event)
    db.session.flush()
    return event


def of(envelope: Envelope) -> list[EnvelopeEvent]:
    """Every event of an envelope, the first one first."""
    return list(
        db.session.scalars(
            select(EnvelopeEvent)
            .where(EnvelopeEvent.envelope_id == envelope.id)
            .order_by(EnvelopeEvent.number)
        )
    )


def told(event: EnvelopeEvent, envelope_key: str) -> dict[str, Any]:
    """An event as JSON values, without its own hash."""
    return {
        "envelope": envelope_key,
        "number": event.number,
        "event": event.name,
        "at": event.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "signer": event.signer_key,
        "data": dict(event.data),
        "previous_sha256": event.previous_sha256,
    }


def canonical(values: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """JSON values as the bytes that are hashed: keys sorted, no spaces, UTF-8."""
    return json.dumps(
        values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _hash(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(values)).hexdigest()


def log_of(envelope: Envelope) -> list[dict[str, Any]]:
    """The whole log as it goes with the sealed document: each event with its hash."""
    return [{**told(one, envelope.key), "sha256": one.sha256} for one in of(envelope)]


def log_by_id(envelope_id: int) -> list[dict[str, Any]]:
    """The same, of an envelope by its number; empty when it is gone."""
    envelope = db.session.get(Envelope, envelope_id)
    return [] if envelope is None else log_of(envelope)


def verify(log: Iterable[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Compute a log's hashes anew; answers its events. Raises ChainBroken at the first wrong one.

    log: as `log_of` gives it, also when it was read from a file.
    """
    before, events = BEGINNING, list(log)
    for number, event in enumerate(events, start=1):
        values = {name: value for name, value in event.items() if name != "sha256"}
        is_next = event.get("number") == number and event.get("previous_sha256") == before
        if not is_next or event.get("sha256") != _hash(values):
            raise ChainBroken(number)
        before = event["sha256"]
    return events
