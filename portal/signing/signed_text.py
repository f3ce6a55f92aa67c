"""What a signer signs with BankID: the text that the app shows, and the hidden data beside it.

The text is simpleMarkdownV1 (BankID, "Guidelines for formatted text"), in Swedish or English; it
is signed as it was shown, and so never goes through a catalogue that may change. The hidden data is
canonical JSON that names each file by its SHA-256. One signature may be on several envelopes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from portal.extensions import db
from portal.signing import envelopes, events
from portal.signing.models import Envelope, EnvelopeEvent, EnvelopeFile, Signer

# Bytes of the text: BankID takes 40,000 characters after base64.
LONGEST = 30_000
_LONGEST_NAME, _MOST_NAMES = 100, 10

_TEXTS = {
    "sv": {
        "several": "{count} ärenden att skriva under",
        "sender": "Avsändare",
        "signs": "Skrivs under av",
        "approves": "Godkänns av",
        "more": "och {count} till",
        "for": "för",
        "page": "{count} sida",
        "pages": "{count} sidor",
        "attachment": "Bilaga",
        "i sign": "Jag har läst handlingarna och skriver under dem.",
        "i sign for": "Jag har läst handlingarna, får företräda {company} och skriver under dem.",
        "i approve": "Jag har läst handlingarna och godkänner dem.",
        "i approve for": "Jag har läst handlingarna, får företräda {company} och godkänner dem.",
    },
    "en": {
        "several": "{count} matters to sign",
        "sender": "Sender",
        "signs": "Signed by",
        "approves": "Approved by",
        "more": "and {count} more",
        "for": "for",
        "page": "{count} page",
        "pages": "{count} pages",
        "attachment": "Attachment",
        "i sign": "I have read the documents and sign them.",
        "i sign for": "I have read the documents, may act for {company} and sign them.",
        "i approve": "I have read the documents and approve them.",
        "i approve for": "I have read the documents, may act for {company} and approve them.",
    },
}


@dataclass(frozen=True)
class Item:
    """An envelope and the one of its signers who signs it."""

    envelope: Envelope
    signer: Signer


def visible(items: Sequence[Item], language: str = "sv") -> str:
    """The text that the app shows. language: of the signer's page; English unless `sv`."""
    told = _TEXTS["sv" if language == "sv" else "en"]
    lines = []
    if len(items) > 1:
        lines += [f"# {told['several'].format(count=len(items))}", ""]
    for item in items:
        lines += _of_envelope(item, told)
    return "\n".join(lines).rstrip()


def _of_envelope(item: Item, told: Mapping[str, str]) -> Iterator[str]:
    envelope, signer = item.envelope, item.signer
    yield f"# {plain(envelope.title)}"
    yield ""
    yield f"+ {told['sender']}: {plain(envelope.company)}"
    for role in (envelopes.SIGNS, envelopes.APPROVES):
        if names := _names(envelope, role, told):
            yield f"+ {told[role]}: {names}"
    yield ""
    does = "i approve" if signer.role == envelopes.APPROVES else "i sign"
    company = plain(signer.for_company)
    yield told[f"{does} for"].format(company=company) if company else told[does]
    yield ""
    for file in envelopes.files_of(envelope):
        yield f"## {_file(file, told)}"
        yield f"SHA-256: {in_fours(file.sha256)}"
        yield ""


def _names(envelope: Envelope, role: str, told: Mapping[str, str]) -> str:
    people = [
        one
        for one in envelopes.signers_of(envelope)
        if one.role == role and one.status != "handed_over"
    ]
    names = [
        plain(one.name) + (f" ({told['for']} {plain(one.for_company)})" if one.for_company else "")
        for one in people[:_MOST_NAMES]
    ]
    if len(people) > _MOST_NAMES:
        names.append(told["more"].format(count=len(people) - _MOST_NAMES))
    return ", ".join(names)


def _file(file: EnvelopeFile, told: Mapping[str, str]) -> str:
    if file.pages is None:
        return f"{told['attachment']}: {plain(file.name)}"
    pages = told["page" if file.pages == 1 else "pages"].format(count=file.pages)
    return f"{plain(file.name)}, {pages}"


def plain(text: str) -> str:
    """A text on one line, without what simpleMarkdown or a screen would read as an order."""
    shown = "".join(one if one.isprintable() and one not in "*_#+|" else " " for one in text)
    return " ".join(shown.split())[:_LONGEST_NAME]


def in_fours(sha256: str) -> str:
    """A hash in groups of four characters, for people to compare."""
    return " ".join(sha256[i : i + 4] for i in range(0, len(sha256), 4))


def hidden(items: Sequence[Item], now: datetime, **more: object) -> bytes:
    """The hidden data, as canonical JSON. now: when signing is started. more: values beside."""
    return events.canonical(
        {
            **more,
            "envelopes": [_hidden(item) for item in items],
            "started_at": now.astimezone(UTC).isoformat(),
        }
    )


def _hidden(item: Item) -> dict[str, Any]:
    envelope = item.envelope
    newest = db.session.scalar(
        select(EnvelopeEvent.sha256)
        .where(EnvelopeEvent.envelope_id == envelope.id)
        .order_by(EnvelopeEvent.number.desc())
        .limit(1)
    )
    return {
        "envelope": envelope.key,
        "version": envelope.version,
        "manifest_sha256": envelope.manifest_sha256,
        "signer": item.signer.key,
        "role": item.signer.role,
        "files": [
            {"name": one.name, "role": one.role, "size": one.size, "sha256": one.sha256}
            for one in envelopes.files_of(envelope)
        ],
        "previous_sha256": newest,
    }


def read(data: bytes) -> dict[str, Any]:
    """The hidden data as JSON values. Raises ValueError when it is not what `hidden` writes."""
    found = json.loads(data)
    if not isinstance(found, dict) or not isinstance(found.get("envelopes"), list):
        raise ValueError("this is not the hidden data of a signature on envelopes")
    return found
