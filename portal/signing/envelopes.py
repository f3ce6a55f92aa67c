"""Envelopes: what is put in, who signs, and how they go from a draft to their end.

A draft is changed freely. Sent, its files are frozen: their hashes stand in its manifest, which is
what signers sign. Each change of an envelope is an event of its log (`events`). Whoever calls a
verb has seen to it that it is allowed; a verb locks the envelope, and twice is as once.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from portal import clock
from portal.database import files
from portal.database.encryption import lookup_hash
from portal.delivery.channels import mail, sms
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.identity.models import Creditor
from portal.identity.people import new_key
from portal.messages import N_, RedaError
from portal.signing import events, inviting, keeping, noting
from portal.signing.models import Envelope, EnvelopeEvent, EnvelopeFile, Signer

DRAFT, OPEN, COMPLETED = "draft", "open", "completed"
DECLINED, WITHDRAWN, EXPIRED = "declined", "withdrawn", "expired"
SIGNS, APPROVES, COPY = "signs", "approves", "copy"
MOST_DOCUMENTS, MOST_ATTACHMENTS, MOST_SIGNERS = 20, 20, 1_000
LONGEST_TITLE, LONGEST_MESSAGE, LONGEST_REASON = 120, 2_000, 500
# Nobody is asked to sign for longer than this.
LONGEST_OPEN = timedelta(days=365)
DAYS_OPEN = 30
# So long before the last day it is told that it comes.
_SOON = timedelta(days=2)


class NotADraft(RedaError):
    """What was sent is not changed."""

    status = 409

    def __init__(self) -> None:
        super().__init__(N_("It has been sent and cannot be changed. Withdraw it and make a new."))


class NotOpen(RedaError):
    """Nobody can sign it (any more)."""

    status = 409

    def __init__(self) -> None:
        super().__init__(N_("It is no longer open for signing."))


@dataclass(frozen=True)
class Invited:
    """Who is invited, as the sender tells it; the fields are those of `models.Signer`."""

    name: str
    email: str | None = None
    phone: str | None = None
    identity_number: str | None = None
    role: str = SIGNS
    step: int = 1
    for_company: str = ""
    language: str = "sv"
    may_hand_over: bool = False
    # Whoever comes to it by a page of their own needs no address.
    needs_address: bool = True


@dataclass(frozen=True)
class NewFile:
    """A file to put in. pages: of a document, None for an attachment.

    original_name, original: what the document was made from, if it was no PDF.
    """

    name: str
    data: bytes
    media_type: str
    pages: int | None
    has_signatures: bool = False
    original_name: str | None = None
    original: bytes | None = None


def draft(
    creditor_id: int,
    *,
    title: str,
    last_on: date,
    actor: Actor,
    sender_email: str | None,
    now: datetime,
    kind: str = "document",
    case_id: int | None = None,
    **values: Any,
) -> Envelope:
    """Begin an envelope. values: other fields of `models.Envelope`."""
    company = db.session.get_one(Creditor, creditor_id)
    envelope = Envelope(
        key=new_key(16),
        creditor_id=creditor_id,
        company=company.name,
        case_id=case_id,
        kind=kind,
        title=title,
        last_on=last_on,
        sender_id=actor.person_id,
        sender_name=actor.name,
        sender_email=sender_email,
        created_at=now,
        **values,
    )
    db.session.add(envelope)
    db.session.flush()
    events.record(envelope, "created", actor=actor.label, now=now)
    return envelope


def find(key: str) -> Envelope | None:
    """An envelope by its name in addresses, if it may be seen."""
    return db.session.scalar(select(Envelope).where(Envelope.key == key))


def files_of(envelope: Envelope, role: str | None = None) -> list[EnvelopeFile]:
    """An envelope's files in their order. role: only `document` or `attachment`."""
    wanted = select(EnvelopeFile).where(EnvelopeFile.envelope_id == envelope.id)
    if role:
        wanted = wanted.where(EnvelopeFile.role == role)
    return list(db.session.scalars(wanted.order_by(EnvelopeFile.position)))


def signers_of(envelope: Envelope) -> list[Signer]:
    """Everybody whom an envelope concerns, by their step and in the order they were added."""
    return list(
        db.session.scalars(
            select(Signer).where(Signer.envelope_id == envelope.id).order_by(Signer.step, Signer.id)
        )
    )


def _require_draft(envelope: Envelope) -> None:
    if events.lock(envelope).status != DRAFT:
        raise NotADraft


def change(envelope: Envelope, **values: Any) -> None:
    """Change fields of a draft, as `models.Envelope` names them. Raises NotADraft."""
    _require_draft(envelope)
    for name, value in values.items():
        setattr(envelope, name, value)
    db.session.flush()


def add_file(envelope: Envelope, new: NewFile) -> EnvelopeFile:
    """Put a file into a draft, last. Raises NotADraft, and RedaError when it is full."""
    _require_draft(envelope)
    role = "attachment" if new.pages is None else "document"
    most = MOST_ATTACHMENTS if new.pages is None else MOST_DOCUMENTS
    if len(files_of(envelope, role)) >= most:
        raise RedaError(N_("At most %(most)s files can be added here."), field="files", most=most)
    last = db.session.scalar(
        select(func.max(EnvelopeFile.position)).where(EnvelopeFile.envelope_id == envelope.id)
    )
    file = EnvelopeFile(
        key=new_key(12),
        creditor_id=envelope.creditor_id,
        envelope_id=envelope.id,
        position=(last or 0) + 1,
        role=role,
        name=new.name,
        media_type=new.media_type,
        sha256=files.store(new.data),
        size=len(new.data),
        pages=new.pages,
        has_signatures=new.has_signatures,
        original_name=new.original_name,
        original_sha256=files.store(new.original) if new.original is not None else None,
    )
    db.session.add(file)
    db.session.flush()
    return file


def remove_file(envelope: Envelope, file: EnvelopeFile) -> None:
    """Take a file out of a draft. Raises NotADraft."""
    _require_draft(envelope)
    db.session.delete(file)
    db.session.flush()


def arrange_files(envelope: Envelope, keys: Sequence[str]) -> None:
    """Order a draft's files by their keys; those not named come last. Raises NotADraft."""
    _require_draft(envelope)
    found = files_of(envelope)
    order = {key: place for place, key in enumerate(keys)}
    found.sort(key=lambda one: order.get(one.key, len(order)))
    # Two files never have one place, not even while they change theirs.
    for sign in (-1, 1):
        for place, one in enumerate(found, start=1):
            one.position = sign * place
        db.session.flush()


def add_signer(envelope: Envelope, invited: Invited) -> Signer:
    """Put somebody on a draft. Raises NotADraft, and RedaError at the field that is wrong."""
    _require_draft(envelope)
    if len(signers_of(envelope)) >= MOST_SIGNERS:
        raise RedaError(N_("No more people can be added."), field="name")
    signer = Signer(
        key=new_key(12),
        creditor_id=envelope.creditor_id,
        envelope_id=envelope.id,
        **_fields(invited),
    )
    db.session.add(signer)
    db.session.flush()
    return signer


def change_signer(envelope: Envelope, signer: Signer, invited: Invited) -> None:
    """Change somebody on a draft. Raises as `add_signer`."""
    _require_draft(envelope)
    for name, value in _fields(invited).items():
        setattr(signer, name, value)
    db.session.flush()


def remove_signer(envelope: Envelope, signer: Signer) -> None:
    """Take somebody off a draft. Raises NotADraft."""
    _require_draft(envelope)
    db.session.delete(signer)
    db.session.flush()


def _fields(invited: Invited) -> dict[str, Any]:
    email, phone = invited.email, invited.phone
    if invited.needs_address or email or phone:
        email, phone = addresses(email, phone)
    number = invited.identity_number or None
    return {
        "name": invited.name,
        "email": email,
        "phone": phone,
        "identity_number": number,
        "identity_hash": lookup_hash(number) if number else None,
        "role": invited.role,
        "step": invited.step,
        "for_company": invited.for_company,
        "language": invited.language,
        "may_hand_over": invited.may_hand_over,
    }


def addresses(email: str | None, phone: str | None) -> tuple[str | None, str | None]:
    """Where somebody is written to, as it is kept. Raises RedaError at `email` or `phone`."""
    if not email and not phone:
        raise RedaError(N_("Give an e-mail address or a mobile number."), field="email")
    return (
        mail.address_of(email, field="email") if email else None,
        sms.number_of(phone, field="phone") if phone else None,
    )


def manifest(envelope: Envelope) -> dict[str, Any]:
    """What is signed, as JSON values: the envelope's version and the hash of each of its files."""
    return {
        "envelope": envelope.key,
        "version": envelope.version,
        "title": envelope.title,
        "company": envelope.company,
        "files": [
            {
                "key": one.key,
                "role": one.role,
                "name": one.name,
                "size": one.size,
                "pages": one.pages,
                "sha256": one.sha256,
            }
            for one in files_of(envelope)
        ],
    }


def manifest_sha256(envelope: Envelope) -> str:
    """The hash of what is signed."""
    return hashlib.sha256(events.canonical(manifest(envelope))).hexdigest()


def state_of(envelope: Envelope) -> str:
    """A hash of all that is sent and to whom, so that what was looked at is known again."""
    told = manifest(envelope) | {
        "message": envelope.message,
        "last_on": envelope.last_on.isoformat(),
        "remind_days": envelope.remind_days,
        "in_order": envelope.in_order,
        "signers": [
            [one.key, one.name, one.email, one.phone, one.identity_number, one.role, one.step,
             one.for_company, one.language, one.may_hand_over]
            for one in signers_of(envelope)
        ],
    }  # fmt: skip
    return hashlib.sha256(events.canonical(told)).hexdigest()


def send(envelope: Envelope, *, actor: Actor, today: date, now: datetime) -> None:
    """Freeze a draft's files and invite those whose turn it is.

    Sending what was sent changes nothing. Raises RedaError that tells what is missing.
    """
    if events.lock(envelope).status == OPEN:
        return
    _require_draft(envelope)
    require_whole(envelope, today)
    envelope.manifest_sha256 = manifest_sha256(envelope)
    envelope.status, envelope.sent_at = OPEN, now
    events.record(
        envelope, "sent", actor=actor.label, now=now,
        version=envelope.version, manifest_sha256=envelope.manifest_sha256,
        last_on=envelope.last_on.isoformat(),
    )  # fmt: skip
    noting.note("sent", envelope, now=now, actor=actor)
    _invite_next(envelope, now)


def require_whole(envelope: Envelope, today: date) -> None:
    """Raises RedaError at the field that is lacking before it can be sent."""
    if not envelope.title.strip():
        raise RedaError(N_("Give it a name."), field="title")
    if not files_of(envelope, "document"):
        raise RedaError(N_("Add a document to sign."), field="files")
    if not any(one.role in (SIGNS, APPROVES) for one in signers_of(envelope)):
        raise RedaError(N_("Add somebody who signs."), field="signers")
    require_day(envelope.last_on, today)


def require_day(last_on: date, today: date) -> None:
    """Raises RedaError at `last_on` unless an envelope may be open until that day."""
    if not today <= last_on <= today + LONGEST_OPEN:
        raise RedaError(N_("Choose a last day from today on, within a year."), field="last_on")


def _waiting(envelope: Envelope) -> list[Signer]:
    """Those who have not signed yet, and must."""
    return [
        one
        for one in signers_of(envelope)
        if one.role in (SIGNS, APPROVES) and one.status in ("waiting", "invited")
    ]


def _invite_next(envelope: Envelope, now: datetime) -> None:
    waiting = _waiting(envelope)
    turn = min(one.step for one in waiting)
    for one in waiting:
        if one.status == "waiting" and (not envelope.in_order or one.step == turn):
            one.status, one.invited_at = "invited", now
            inviting.invite(envelope, one, now=now)
            events.record(envelope, "invited", actor="system", now=now, signer=one)


def note_signed(envelope: Envelope, signer: Signer, *, now: datetime) -> bool:
    """A signer's signature is stored: invite who is next. Answers whether all have signed now.

    To be called with the envelope locked.
    """
    signer.status, signer.ended_at = "signed", now
    db.session.flush()
    inviting.unwrite(signer)
    if _waiting(envelope):
        _invite_next(envelope, now)
        return False
    envelope.status, envelope.ended_at = COMPLETED, now
    keeping.reckon(envelope)
    events.record(envelope, "completed", actor="system", now=now)
    noting.note("completed", envelope, now=now)
    return True


def decline(envelope: Envelope, signer: Signer, reason: str, *, now: datetime) -> None:
    """A signer declines, which ends the envelope. Raises NotOpen, and RedaError at `reason`."""
    if events.lock(envelope).status == DECLINED and signer.status == "declined":
        return
    require_turn(envelope, signer)
    told = " ".join(reason.split())[:LONGEST_REASON]
    if not told:
        raise RedaError(N_("Write why, so that the sender knows."), field="reason")
    signer.status, signer.ended_at, signer.reason = "declined", now, told
    _end(envelope, DECLINED, f"signer:{signer.name}", now, signer, reason=told)
    noting.note("declined", envelope, now=now, who=signer.name, reason=told)


def hand_over(envelope: Envelope, signer: Signer, to: Invited, *, now: datetime) -> Signer:
    """A signer lets somebody else sign in their place, where the sender allowed it.

    Raises NotOpen, and RedaError at the field that is wrong.
    """
    events.lock(envelope)
    require_turn(envelope, signer)
    if not signer.may_hand_over:
        raise RedaError(N_("The sender wants you to sign yourself."))
    other = Signer(
        key=new_key(12),
        creditor_id=envelope.creditor_id,
        envelope_id=envelope.id,
        **_fields(to) | {"role": signer.role, "step": signer.step, "may_hand_over": False},
    )
    db.session.add(other)
    db.session.flush()
    signer.status, signer.ended_at, signer.handed_to_id = "handed_over", now, other.id
    inviting.unwrite(signer)
    events.record(
        envelope, "handed_over", actor=f"signer:{signer.name}", now=now, signer=signer,
        to=other.key, to_name=other.name,
    )  # fmt: skip
    noting.note("handed_over", envelope, now=now, who=signer.name, to=other.name)
    _invite_next(envelope, now)
    return other


def require_turn(envelope: Envelope, signer: Signer) -> None:
    """Raises NotOpen unless it is open and this signer's turn."""
    if envelope.status != OPEN or signer.status != "invited":
        raise NotOpen


def withdraw(envelope: Envelope, reason: str, *, actor: Actor, now: datetime) -> None:
    """The sender takes an open envelope back; again, nothing changes. Raises NotOpen."""
    if events.lock(envelope).status == WITHDRAWN:
        return
    if envelope.status != OPEN:
        raise NotOpen
    told = " ".join(reason.split())[:LONGEST_REASON]
    _end(envelope, WITHDRAWN, actor.label, now, reason=told)
    noting.note("withdrawn", envelope, now=now, actor=actor, reason=told)


def overtake(envelope: Envelope, *, actor: Actor, now: datetime) -> None:
    """What an open envelope is about has changed, so that nobody can sign it; its sender is told.

    To be called with the envelope locked.
    """
    _end(envelope, WITHDRAWN, actor.label, now)
    noting.note("overtaken", envelope, now=now, actor=actor)


def _end(
    envelope: Envelope,
    status: str,
    actor: str,
    now: datetime,
    signer: Signer | None = None,
    **data: str,
) -> None:
    envelope.status, envelope.ended_at = status, now
    keeping.reckon(envelope)
    events.record(envelope, status, actor=actor, now=now, signer=signer, **data)
    inviting.tell_of_end(envelope, now=now)


def expire(*, today: date, now: datetime, limit: int = 100) -> int:
    """End what nobody has signed in time; answers how many. To be called where all are seen."""
    late = db.session.scalars(
        select(Envelope)
        .where(Envelope.status == OPEN, Envelope.last_on < today)
        .order_by(Envelope.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for one in late:
        _end(one, EXPIRED, "system", now)
        noting.note("expired", one, now=now)
    return len(late)


def follow(envelope_id: int, *, today: date, now: datetime) -> int:
    """Remind who has not signed, as often as the sender wishes and once when it is soon over.

    The sender is told when it is soon over. Answers how many were reminded. To be called where all
    are seen.
    """
    envelope = events.lock(db.session.get_one(Envelope, envelope_id))
    if envelope.status != OPEN or envelope.last_on < today:
        return 0
    soon_on = envelope.last_on - _SOON
    if today >= soon_on and not _has_told(envelope, "soon_over"):
        events.record(
            envelope, "soon_over", actor="system", now=now, last_on=envelope.last_on.isoformat()
        )
        noting.note("soon_over", envelope, now=now, last_on=envelope.last_on.isoformat())
    reminded = 0
    for one in signers_of(envelope):
        if one.status == "invited" and one.role != COPY and _is_due(envelope, one, soon_on, today):
            reminded += remind(envelope, one, actor=SYSTEM, now=now)
    return reminded


def _has_told(envelope: Envelope, name: str) -> bool:
    told = select(EnvelopeEvent.id).where(
        EnvelopeEvent.envelope_id == envelope.id,
        EnvelopeEvent.name == name,
        EnvelopeEvent.data.contains({"last_on": envelope.last_on.isoformat()}),
    )
    return db.session.scalar(told.limit(1)) is not None


def _is_due(envelope: Envelope, signer: Signer, soon_on: date, today: date) -> bool:
    last_on = max(clock.day_of(one) for one in (signer.invited_at, signer.reminded_at) if one)
    if last_on < soon_on <= today:
        return True
    return 0 < envelope.remind_days <= (today - last_on).days


def to_follow(today: date) -> list[int]:
    """The open envelopes that somebody may be reminded of today."""
    return list(
        db.session.scalars(
            select(Envelope.id)
            .where(
                Envelope.status == OPEN,
                Envelope.last_on >= today,
                (Envelope.remind_days > 0) | (Envelope.last_on <= today + _SOON),
            )
            .order_by(Envelope.id)
        )
    )


def extend(envelope: Envelope, last_on: date, *, actor: Actor, today: date, now: datetime) -> None:
    """Give more time, also to one whose time ended. Raises NotOpen, and RedaError at `last_on`."""
    if events.lock(envelope).status not in (OPEN, EXPIRED):
        raise NotOpen
    require_day(last_on, today)
    if envelope.status == OPEN and envelope.last_on == last_on:
        return
    was_over = envelope.status == EXPIRED
    envelope.status, envelope.ended_at, envelope.last_on = OPEN, None, last_on
    keeping.reckon(envelope)
    events.record(envelope, "extended", actor=actor.label, now=now, last_on=last_on.isoformat())
    noting.note("extended", envelope, now=now, actor=actor, last_on=last_on.isoformat())
    if was_over:
        # They were told that they need do nothing more.
        for one in _waiting(envelope):
            if one.status == "invited":
                inviting.remind(envelope, one, now=now)


def correct(
    envelope: Envelope,
    signer: Signer,
    *,
    email: str | None,
    phone: str | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Write a signer's address anew and invite them there; the old link opens nothing any more.

    Raises NotOpen, and RedaError at the field that is wrong.
    """
    events.lock(envelope)
    require_turn(envelope, signer)
    told = addresses(email, phone)
    if told == (signer.email, signer.phone):
        return
    signer.email, signer.phone = told
    inviting.unwrite(signer)
    signer.link += 1
    inviting.invite(envelope, signer, now=now)
    events.record(
        envelope, "address_corrected", actor=actor.label, now=now, signer=signer,
        email=signer.email or "", phone=signer.phone or "",
    )  # fmt: skip


def remind(envelope: Envelope, signer: Signer, *, actor: Actor, now: datetime) -> bool:
    """Write to a signer once more, at most once a day; answers whether it was done.

    Raises NotOpen.
    """
    events.lock(envelope)
    require_turn(envelope, signer)
    last = max(one for one in (signer.invited_at, signer.reminded_at, envelope.sent_at) if one)
    if now - last < timedelta(hours=20):
        return False
    signer.reminded_at = now
    inviting.remind(envelope, signer, now=now)
    events.record(envelope, "reminded", actor=actor.label, now=now, signer=signer)
    return True
