"""What the service itself is signed for, under the same evidence as any other document.

The agreement with a company, and what one administrator approves of another's, are each signed on a
page of their own, by rules of their own (`agreements`, `approvals`). What is signed lies in an
envelope: a draft while BankID is open, which nobody is written to about; signed and sealed, it is
verified like all others. An attempt that comes to nothing leaves a draft that nobody sees.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from portal import clock
from portal.extensions import db, settings
from portal.identity.actor import SYSTEM, Actor
from portal.identity.models import BankIDOrder, Person
from portal.identity.orders import Purpose
from portal.signing import ceremony, drafts, envelopes, events, signed_text
from portal.signing.completed import Proof
from portal.signing.envelopes import Invited, NewFile
from portal.signing.models import OF_THE_SERVICE, Envelope, EnvelopeFile
from portal.signing.signed_text import Item


def prepare(
    creditor_id: int,
    kind: str,
    file: NewFile,
    *,
    title: str,
    person: Person,
    role: str,
    for_company: str,
    now: datetime,
) -> Item:
    """What somebody is about to sign. kind: of `models.OF_THE_SERVICE`. role: signs or approves."""
    ours = settings().service_name
    envelope = envelopes.draft(
        creditor_id,
        title=title[: envelopes.LONGEST_TITLE],
        last_on=clock.day_of(now) + timedelta(days=envelopes.DAYS_OPEN),
        actor=Actor("system", ours),
        sender_email=None,
        now=now,
        kind=kind,
    )
    envelope.company = ours
    envelopes.add_file(envelope, file)
    signer = envelopes.add_signer(
        envelope,
        Invited(
            person.name,
            identity_number=person.identity_number,
            role=role,
            for_company=for_company,
            needs_address=False,
        ),
    )
    envelope.manifest_sha256 = envelopes.manifest_sha256(envelope)
    db.session.flush()
    return Item(envelope, signer)


def purpose(
    item: Item, visible: str, more: Mapping[str, Any], subject: Mapping[str, Any], *, now: datetime
) -> Purpose:
    """What BankID is asked to have signed. visible: must hold the file's SHA-256 (`in_fours`).

    more: what the hidden data tells beside the envelope. subject: of the order, for its door.
    """
    non_visible = signed_text.hidden([item], now, **more)
    number = item.signer.identity_number
    return Purpose(
        "sign",
        {
            **subject,
            "envelope": item.envelope.key,
            "visible": visible,
            "non_visible": non_visible.decode(),
        },
        visible=visible,
        non_visible=non_visible,
        personal_number=number,
    )


def sign(order: BankIDOrder, number: str, proof: Proof, *, now: datetime) -> None:
    """A verified signature counts: it is kept with its envelope, which is sealed next.

    number: of who signed, 12 digits.
    """
    envelope = envelopes.find(order.subject.get("envelope", ""))
    # An order that was begun before there were envelopes of this kind has none.
    if envelope is None:
        return
    events.lock(envelope)
    (signer,) = envelopes.signers_of(envelope)
    envelopes.send(envelope, actor=SYSTEM, today=clock.day_of(now), now=now)
    ceremony.store(Item(envelope, signer), number, order, proof, now=now)


def forget_drafts(before: datetime) -> int:
    """Throw away what somebody began to sign before an instant and did not; answers how many.

    To be called where every tenant is seen.
    """
    old = db.session.scalars(
        select(Envelope).where(
            Envelope.kind.in_(OF_THE_SERVICE),
            Envelope.status == envelopes.DRAFT,
            Envelope.created_at < before,
        )
    ).all()
    for one in old:
        drafts.discard(one, actor=SYSTEM, now=before)
    return len(old)


def sealed(creditor_id: int, kind: str, sha256: str) -> str | None:
    """The sealed PDF of a file that was signed, by the SHA-256 of the file; None before it is."""
    return db.session.scalar(
        select(EnvelopeFile.sealed_sha256)
        .join(Envelope, Envelope.id == EnvelopeFile.envelope_id)
        .where(
            Envelope.creditor_id == creditor_id,
            Envelope.kind == kind,
            Envelope.status == envelopes.COMPLETED,
            EnvelopeFile.sha256 == sha256,
            EnvelopeFile.sealed_sha256.is_not(None),
        )
        .limit(1)
    )
