"""How long envelopes are kept, and that they are deleted when their time is over.

A company has a rule for each kind, by default the law's (`law.keeping`). Two weeks before an
envelope goes, the company's administrators are told. Nothing goes that is on hold, or about a case
that is still open. What is left is a `DeletedEnvelope`: hashes and dates, and nobody's name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.collection import cases, states
from portal.database import files, tenancy
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.law import keeping as law
from portal.messages import N_, RedaError
from portal.notifications.telling import notify
from portal.signing import events
from portal.signing.models import (
    OF_THE_SERVICE,
    DeletedEnvelope,
    Envelope,
    EnvelopeEvent,
    EnvelopeFile,
    EnvelopeSignature,
    KeepingRule,
)

TOLD_BEFORE = timedelta(days=14)
LONGEST_REASON = 500
ENDED = ("completed", "declined", "withdrawn", "expired")
# A file stored so lately may belong to a row that is not committed yet.
_UNCOMMITTED = timedelta(hours=1)


class Kept(RedaError):
    """An envelope that is not to be deleted now."""

    status = 409


@dataclass(frozen=True)
class Rule:
    """How long a company keeps a kind. years: None until somebody deletes. is_own: they chose."""

    kind: str
    years: int | None
    is_own: bool
    changed_at: datetime | None = None
    changed_by: str = ""

    @property
    def law(self) -> law.Document:
        return law.of_document(self.kind)


def rules(creditor_id: int) -> list[Rule]:
    """A company's rule for every kind."""
    own = {
        one.kind: one
        for one in db.session.scalars(
            select(KeepingRule).where(KeepingRule.creditor_id == creditor_id)
        )
    }
    return [
        Rule(one.kind, own[one.kind].years, True, own[one.kind].changed_at,
             own[one.kind].changed_by)
        if one.kind in own else Rule(one.kind, one.years, False)
        for one in law.DOCUMENTS
    ]  # fmt: skip


def rule_of(envelope: Envelope) -> Rule:
    """The rule that holds for an envelope; kinds that are not listed have that of any document.

    The service's own papers are not the company's to delete.
    """
    if envelope.kind in OF_THE_SERVICE:
        return Rule(envelope.kind, None, False)
    kind = law.of_document(envelope.kind).kind
    own = db.session.get(KeepingRule, (envelope.creditor_id, kind))
    if own is None:
        return Rule(kind, law.of_document(kind).years, False)
    return Rule(kind, own.years, True, own.changed_at, own.changed_by)


def reckon(envelope: Envelope) -> None:
    """Set until when an envelope is kept, by the rule that holds now; no day while it is open."""
    until = None
    # A signer ends an envelope too, and does not see the company's rules.
    with tenancy.service():
        years = rule_of(envelope).years
    if envelope.ended_at and years is not None:
        until = law.kept_until(envelope.kind, years, clock.day_of(envelope.ended_at))
    if until != envelope.keep_until_on:
        envelope.keep_until_on, envelope.deletion_told_on = until, None


def read_years(kind: str, text: str) -> int | None:
    """Years as somebody writes them; nothing means until somebody deletes. Raises RedaError."""
    plain = "".join(str(int(one)) if one.isdecimal() else one for one in text.strip())
    if not plain:
        return None
    if not (plain.isascii() and plain.isdecimal() and len(plain) <= 3):
        raise RedaError(
            N_("Write years from 0 to %(most)s, or nothing."), field=kind, most=law.MOST_YEARS
        )
    return int(plain)


def save(
    creditor_id: int, chosen: Mapping[str, int | None], *, actor: Actor, now: datetime
) -> list[str]:
    """Keep a company's rules, which hold for what has ended as well; answers the kinds changed.

    chosen: years by kind. Raises RedaError at the kind that is wrong.
    """
    changed = []
    for rule in rules(creditor_id):
        years = chosen.get(rule.kind, rule.years)
        least = rule.law.years if rule.law.is_least else None
        if least is not None and (years is None or years < least):
            raise RedaError(
                N_("The law asks for at least %(years)s years."), field=rule.kind, years=least
            )
        if years is not None and not 0 <= years <= law.MOST_YEARS:
            raise RedaError(
                N_("Write years from 0 to %(most)s, or nothing."), field=rule.kind,
                most=law.MOST_YEARS,
            )  # fmt: skip
        if years == rule.years:
            continue
        changed.append(rule.kind)
        values = {"years": years, "changed_at": now, "changed_by": actor.name}
        db.session.execute(
            insert(KeepingRule)
            .values(creditor_id=creditor_id, kind=rule.kind, **values)
            .on_conflict_do_update(
                index_elements=[KeepingRule.creditor_id, KeepingRule.kind], set_=values
            )
        )
        _reckon_all(creditor_id, rule.kind, years)
    db.session.expire_all()
    return changed


def _reckon_all(creditor_id: int, kind: str, years: int | None) -> None:
    others = [one.kind for one in law.DOCUMENTS[1:]]
    is_kind = Envelope.kind == kind
    if kind == law.DOCUMENTS[0].kind:
        is_kind = Envelope.kind.not_in([*others, *OF_THE_SERVICE])
    until = text("null")
    if years is not None:
        day = "(ended_at at time zone 'Europe/Stockholm')"
        until = text(
            f"make_date(extract(year from {day})::int + :years, 12, 31)"
            if law.of_document(kind).after_year
            else f"({day}::date + make_interval(years => :years))::date"
        ).bindparams(years=years)
    db.session.execute(
        update(Envelope)
        .where(Envelope.creditor_id == creditor_id, is_kind, Envelope.status.in_(ENDED))
        .values(keep_until_on=until, deletion_told_on=None),
        execution_options={"synchronize_session": False},
    )


def hold(envelope: Envelope, reason: str, *, actor: Actor, now: datetime) -> None:
    """Keep an envelope whatever its rule says. Raises RedaError at `reason`."""
    told = " ".join(reason.split())[:LONGEST_REASON]
    if not told:
        raise RedaError(N_("Write why it must be kept."), field="reason")
    if events.lock(envelope).hold_reason == told:
        return
    envelope.hold_reason = told
    events.record(envelope, "held", actor=actor.label, now=now, reason=told)


def release(envelope: Envelope, *, actor: Actor, now: datetime) -> None:
    """End a hold; what is past its time is told of anew before it goes."""
    if events.lock(envelope).hold_reason is None:
        return
    envelope.hold_reason, envelope.deletion_told_on = None, None
    events.record(envelope, "released", actor=actor.label, now=now)


def held_by(envelope: Envelope) -> EnvelopeEvent | None:
    """The event of the hold that an envelope is on."""
    if envelope.hold_reason is None:
        return None
    return db.session.scalar(
        select(EnvelopeEvent)
        .where(EnvelopeEvent.envelope_id == envelope.id, EnvelopeEvent.name == "held")
        .order_by(EnvelopeEvent.number.desc())
        .limit(1)
    )


def _may_go() -> Sequence[ColumnElement[bool]]:
    # One that all have signed is sealed first.
    return (
        Envelope.status.in_(ENDED),
        Envelope.hold_reason.is_(None),
        (Envelope.status != "completed") | Envelope.sealed_at.is_not(None),
    )


def tell(*, today: date, now: datetime) -> int:
    """Tell administrators of what is deleted in two weeks; answers how much was told of.

    To be called where all are seen.
    """
    due = db.session.scalars(
        select(Envelope)
        .where(
            *_may_go(),
            Envelope.keep_until_on < today + TOLD_BEFORE,
            Envelope.deletion_told_on.is_(None),
        )
        .order_by(Envelope.id)
        .with_for_update(skip_locked=True)
    ).all()
    count = 0
    for one in due:
        if _is_of_open_case(one):
            continue
        one.deletion_told_on = today
        count += 1
        notify(
            "document_deletion",
            creditor_id=one.creditor_id,
            data={"what": one.title, "day": (today + TOLD_BEFORE).isoformat()},
            key=f"document_deletion:{today}",
            now=now,
            adds=True,
        )
    db.session.flush()
    return count


def _is_of_open_case(envelope: Envelope) -> bool:
    if envelope.case_id is None:
        return False
    case = cases.get(envelope.case_id)
    return case is not None and case.status in states.OPEN


def due(today: date) -> list[int]:
    """What is past its time and was told of. To be called where all are seen."""
    return list(
        db.session.scalars(
            select(Envelope.id)
            .where(
                *_may_go(),
                Envelope.keep_until_on < today,
                Envelope.deletion_told_on <= today - TOLD_BEFORE,
            )
            .order_by(Envelope.id)
        )
    )


def deletion_day(envelope: Envelope, *, today: date) -> date | None:
    """The day that an envelope is deleted, once its company was told; None while it is not to be.

    It is put off for as long as something keeps it (`why_kept`).
    """
    if envelope.keep_until_on is None or envelope.deletion_told_on is None:
        return None
    due_on = max(
        envelope.keep_until_on + timedelta(days=1), envelope.deletion_told_on + TOLD_BEFORE
    )
    return None if why_kept(envelope, today=due_on) else max(due_on, today)


def delete_due(envelope: Envelope, *, today: date, now: datetime) -> bool:
    """Delete an envelope whose time is over; answers whether it was, for it may be held meanwhile.

    To be called where all are seen.
    """
    events.lock(envelope)
    is_due = (
        envelope.keep_until_on is not None
        and envelope.keep_until_on < today
        and envelope.deletion_told_on is not None
        and envelope.deletion_told_on <= today - TOLD_BEFORE
    )
    if not is_due or why_kept(envelope, today=today) is not None:
        return False
    _delete(envelope, rule_of(envelope).years, SYSTEM, now)
    return True


def why_kept(envelope: Envelope, *, today: date) -> Kept | None:
    """Why an envelope is not to be deleted, or None."""
    if envelope.kind in OF_THE_SERVICE:
        return Kept(N_("The law asks that it is kept longer."))
    if envelope.status not in ENDED:
        return Kept(N_("It has not ended. Withdraw it first."))
    if envelope.hold_reason is not None:
        return Kept(N_("It is on legal hold. Lift the hold first."))
    if _is_of_open_case(envelope):
        return Kept(N_("It is about a case that is still open."))
    if envelope.status == "completed" and envelope.sealed_at is None:
        return Kept(N_("It is being sealed."))
    if (
        rule_of(envelope).law.is_least
        and envelope.keep_until_on is not None
        and envelope.keep_until_on >= today
    ):
        return Kept(N_("The law asks that it is kept longer."))
    return None


def delete(envelope: Envelope, *, actor: Actor, today: date, now: datetime) -> None:
    """Somebody deletes an envelope that has ended. Raises Kept."""
    events.lock(envelope)
    if (problem := why_kept(envelope, today=today)) is not None:
        raise problem
    _delete(envelope, None, actor, now)


def _delete(envelope: Envelope, years: int | None, actor: Actor, now: datetime) -> None:
    parts = db.session.scalars(
        select(EnvelopeFile)
        .where(EnvelopeFile.envelope_id == envelope.id)
        .order_by(EnvelopeFile.position)
    ).all()
    signatures = db.session.scalars(
        select(EnvelopeSignature)
        .where(EnvelopeSignature.envelope_id == envelope.id)
        .order_by(EnvelopeSignature.id)
    ).all()
    log = events.of(envelope)
    kept = ("key", "creditor_id", "kind", "version", "status", "created_at", "sent_at", "ended_at",
            "sealed_at", "manifest_sha256", "keep_until_on")  # fmt: skip
    db.session.add(
        DeletedEnvelope(
            **{name: getattr(envelope, name) for name in kept},
            files=[
                {
                    "role": one.role, "size": one.size, "sha256": one.sha256,
                    "original_sha256": one.original_sha256, "sealed_sha256": one.sealed_sha256,
                }
                for one in parts
            ],
            signatures=[
                {
                    "signed_at": one.signed_at.isoformat(), "xml_sha256": one.xml_sha256,
                    "ocsp_sha256": one.ocsp_sha256,
                }
                for one in signatures
            ],
            events=len(log),
            head_sha256=log[-1].sha256 if log else events.BEGINNING,
            years=years,
            deleted_at=now,
            deleted_by=actor.label,
        )
    )  # fmt: skip
    db.session.flush()
    envelope_id = envelope.id
    db.session.expunge(envelope)
    db.session.execute(select(func.reda_forget_envelope(envelope_id)))
    db.session.expire_all()


def deleted(creditor_id: int, limit: int = 100) -> list[DeletedEnvelope]:
    """What is left of the envelopes of a company that are deleted, the newest first."""
    return list(
        db.session.scalars(
            select(DeletedEnvelope)
            .where(DeletedEnvelope.creditor_id == creditor_id)
            .order_by(DeletedEnvelope.id.desc())
            .limit(limit)
        )
    )


def find_deleted(creditor_id: int, key: str) -> DeletedEnvelope | None:
    """What is left of an envelope of a company that is deleted."""
    return db.session.scalar(
        select(DeletedEnvelope).where(
            DeletedEnvelope.creditor_id == creditor_id, DeletedEnvelope.key == key
        )
    )


def remove_files(*, now: datetime, real_now: datetime) -> int:
    """Remove the files of what was deleted, but those that something else names; answers how many.

    Not at once, for a file stored lately is left (`files.remove_unnamed`). real_now: by the
    machine's clock, which dates files. To be called where all are seen.
    """
    waiting = db.session.scalars(
        select(DeletedEnvelope)
        .where(
            DeletedEnvelope.files_removed_at.is_(None),
            DeletedEnvelope.deleted_at < now - 2 * _UNCOMMITTED,
        )
        .with_for_update(skip_locked=True)
    ).all()
    hashes = {
        sha256
        for one in waiting
        for part in (*one.files, *one.signatures)
        for name, sha256 in part.items()
        if name.endswith("sha256") and sha256
    }
    removed = files.remove_unnamed(hashes, unused_since=real_now - _UNCOMMITTED) if hashes else []
    for one in waiting:
        one.files_removed_at = now
    db.session.flush()
    return len(removed)
