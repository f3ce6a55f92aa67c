"""Who opened, read, signed and downloaded an envelope, and when, out of its log.

What the company's own people do is noted once an hour each, so that the log stays readable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from portal.extensions import db
from portal.identity.actor import Actor
from portal.signing import envelopes, events
from portal.signing.models import Envelope, EnvelopeEvent, EnvelopeFile

OPENED, IDENTIFIED, READ, SIGNED, DOWNLOADED = KINDS = (
    "opened", "identified", "read", "signed", "downloaded",
)  # fmt: skip
_KIND_OF = {
    "opened": OPENED, "opened_by_staff": OPENED, "identified": IDENTIFIED, "page_shown": READ,
    "signed": SIGNED, "downloaded": DOWNLOADED,
}  # fmt: skip
_EACH = timedelta(hours=1)


@dataclass
class Access:
    """That somebody did something with an envelope.

    kind: of KINDS. who: their name. is_staff: of the company, not one who signs. pages: of a file
    that they read, those that were shown one after the other.
    """

    kind: str
    at: datetime
    who: str
    is_staff: bool
    file_name: str = ""
    pages: list[int] = field(default_factory=list)


def note_opened(envelope: Envelope, *, actor: Actor, now: datetime) -> bool:
    """Somebody of the company has opened what was sent; answers whether it was noted anew."""
    return _note(envelope, "opened_by_staff", actor, now, {})


def note_downloaded(
    envelope: Envelope, sha256: str, name: str, *, actor: Actor, now: datetime,
    file: EnvelopeFile | None = None,
) -> bool:  # fmt: skip
    """Somebody of the company was handed a file of what was sent."""
    told = {"sha256": sha256, "file_name": name, **({"file": file.key} if file else {})}
    return _note(envelope, "downloaded", actor, now, told)


def _note(
    envelope: Envelope, name: str, actor: Actor, now: datetime, data: Mapping[str, Any]
) -> bool:
    if envelope.status == envelopes.DRAFT:
        return False
    same = select(EnvelopeEvent.id).where(
        EnvelopeEvent.envelope_id == envelope.id,
        EnvelopeEvent.name == name,
        EnvelopeEvent.actor == actor.label,
        EnvelopeEvent.signer_key.is_(None),
        EnvelopeEvent.occurred_at > now - _EACH,
        EnvelopeEvent.data.contains(data),
    )
    if db.session.scalar(same.limit(1)):
        return False
    events.lock(envelope)
    # In another tab it may have been noted meanwhile.
    if db.session.scalar(same.limit(1)):
        return False
    events.record(envelope, name, actor=actor.label, now=now, **data)
    return True


def of(log: Sequence[EnvelopeEvent], *, kinds: Sequence[str] = (), who: str = "") -> list[Access]:
    """What was done with an envelope, the newest first. kinds: of KINDS, none for all.

    log: all of its events. who: a name; empty for everybody.
    """
    found: list[Access] = []
    reading: dict[tuple[str, str], Access] = {}
    for event in log:
        kind = _KIND_OF.get(event.name)
        if kind is None:
            continue
        name = event.actor.partition(":")[2] or event.actor
        file_name = str(event.data.get("file_name", ""))
        key = (event.signer_key or name, file_name)
        if kind == READ and key in reading:
            reading[key].pages.append(int(event.data["page"]))
            continue
        access = Access(kind, event.occurred_at, name, event.signer_key is None, file_name)
        if kind == READ:
            access.pages.append(int(event.data["page"]))
            reading[key] = access
        else:
            reading = {one: row for one, row in reading.items() if one[0] != key[0]}
        found.append(access)
    return [
        one for one in reversed(found) if (not kinds or one.kind in kinds) and who in ("", one.who)
    ]
