"""The pages behind a sealed document that tell people what its attachments prove to machines.

They say what was signed, by whom, when, from where and how it is verified, and hold the whole log.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from portal import clock
from portal.config import Settings
from portal.delivery import letters
from portal.extensions import db
from portal.messages import N_
from portal.signing import envelopes, events, signed_text
from portal.signing.models import Envelope, EnvelopeEvent, EnvelopeSignature, Signer

# What of an event's data is told beside its name, and in which order.
_TOLD = (
    *("person", "identity_number", "for_company", "method", "reason", "to_name", "email", "phone"),
    *("last_on", "version", "manifest_sha256", "file_name", "sha256", "order", "xml_sha256"),
    *("ip", "started_ip", "device_ip", "agent"),
)


def render(envelope: Envelope, *, now: datetime, settings: Settings) -> bytes:
    """The pages of an envelope whose log is complete, as PDF, in the envelope's language."""
    language = "sv" if envelope.language == "sv" else "en"
    return letters.render_evidence(_content(envelope, now, settings), language=language,
                                   settings=settings)  # fmt: skip


def _content(envelope: Envelope, now: datetime, settings: Settings) -> dict[str, Any]:
    people = envelopes.signers_of(envelope)
    names = {one.key: one.name for one in people}
    return {
        "heading": N_("Evidence of signatures"),
        "title": envelope.title,
        "key": envelope.key,
        "version": envelope.version,
        "company": envelope.company,
        "sender": envelope.sender_name,
        "sender_email": envelope.sender_email,
        "manifest_sha256": signed_text.in_fours(envelope.manifest_sha256 or ""),
        "files": [
            {
                "name": one.name,
                "role": one.role,
                "pages": one.pages,
                "size": one.size,
                "sha256": signed_text.in_fours(one.sha256),
                "original_name": one.original_name,
                "has_signatures": one.has_signatures,
            }
            for one in envelopes.files_of(envelope)
        ],
        "signers": list(_signers(envelope, people)),
        "log": fold(events.of(envelope), names),
        "made_on": clock.day_of(now).isoformat(),
        "address": f"{settings.base_url}/verify",
    }


def _signers(envelope: Envelope, people: Sequence[Signer]) -> Iterator[dict[str, Any]]:
    signatures = {
        one.signer_id: one
        for one in db.session.scalars(
            select(EnvelopeSignature).where(EnvelopeSignature.envelope_id == envelope.id)
        )
    }
    for one in people:
        signature = signatures.get(one.id)
        yield {
            "name": one.name,
            "role": one.role,
            "status": one.status,
            "for_company": one.for_company,
            "email": one.email,
            "phone": one.phone,
            "signature": _signature(signature) if signature else None,
        }


def _signature(one: EnvelopeSignature) -> dict[str, Any]:
    return {
        "name": one.name,
        "number": f"{one.identity_number[:8]}-****",
        "at": moment(one.signed_at),
        "order": one.order_ref,
        "started_ip": one.started_ip,
        "device_ip": one.device_ip,
        "device": one.device,
        "xml_sha256": signed_text.in_fours(one.xml_sha256),
    }


def moment(at: datetime) -> dict[str, str]:
    """An instant as evidence tells it: by the clock of Stockholm, and UTC."""
    local, utc = at.astimezone(clock.STOCKHOLM), at.astimezone(UTC)
    return {"local": f"{local:%Y-%m-%d %H:%M:%S}", "utc": f"{utc:%Y-%m-%d %H:%M:%S}"}


def fold(log: Sequence[EnvelopeEvent], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """A log's rows. Pages of one file that one signer was shown one after the other are one row.

    names: of the signers, by their keys.
    """
    rows: list[dict[str, Any]] = []
    last: dict[str, dict[str, Any]] = {}
    for one in log:
        before = last.get(one.signer_key or "")
        if before and _is_same_reading(before, one):
            before["pages"].append(int(one.data["page"]))
            before["numbers"][1] = one.number
            before["until"] = moment(one.occurred_at)
            continue
        row = {
            "numbers": [one.number, one.number],
            "event": one.name,
            "at": moment(one.occurred_at),
            "until": None,
            "signer": names.get(one.signer_key or "", ""),
            "actor": one.actor.partition(":")[2] or one.actor,
            "data": [(name, str(one.data[name])) for name in _TOLD if one.data.get(name)],
            "file": one.data.get("file"),
            "pages": [int(one.data["page"])] if one.name == "page_shown" else [],
        }
        rows.append(row)
        if one.signer_key:
            last[one.signer_key] = row
    for row in rows:
        row["pages"] = ranges(row["pages"])
    return rows


def _is_same_reading(row: Mapping[str, Any], event: EnvelopeEvent) -> bool:
    is_shown = row["event"] == event.name == "page_shown"
    return is_shown and bool(row["file"] == event.data.get("file"))


def ranges(pages: Sequence[int]) -> str:
    """Page numbers as people write them, such as "1–4, 7"."""
    found: list[list[int]] = []
    for one in sorted(set(pages)):
        if found and one == found[-1][1] + 1:
            found[-1][1] = one
        else:
            found.append([one, one])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in found)
