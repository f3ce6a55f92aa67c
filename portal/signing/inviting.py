"""Signers are written to: invited, reminded, and told how it ended.

A signer's link is computed from their key, so that a reminder opens the same page as the
invitation; its hash alone is kept. When the address is corrected the link is another, and the old
one opens nothing.
"""

import base64
import hashlib
from datetime import datetime
from pathlib import PurePath

from sqlalchemy import select

from portal.database import files
from portal.database.encryption import derive
from portal.delivery import outbox
from portal.extensions import db, settings
from portal.identity.models import Creditor
from portal.signing import events
from portal.signing.models import Envelope, EnvelopeFile, Signer

# Bytes of the sealed documents that go in a mail; many servers take ten million, base64 and all.
MOST_ATTACHED = 7_000_000
_INVITATION, _REMINDER = "sign_invitation", "sign_reminder"


def token(signer: Signer) -> str:
    """What opens a signer's page: 160 bits that nobody can guess."""
    made = derive("signing link", f"{signer.key}:{signer.link}")[:20]
    return base64.b32encode(made).decode().lower()


def address(signer: Signer) -> str:
    """A signer's page."""
    return f"{settings().base_url}/sign/{token(signer)}"


def find(told: str) -> Signer | None:
    """Whose link it is, if it is one of ours. To be called where every tenant is seen."""
    return db.session.scalar(select(Signer).where(Signer.token_hash == _hash(told)))


def _hash(told: str) -> bytes:
    return hashlib.sha256(told.encode()).digest()


def invite(envelope: Envelope, signer: Signer, *, now: datetime) -> None:
    """Write to a signer whose turn it is."""
    signer.token_hash = _hash(token(signer))
    _write(_INVITATION, envelope, signer, f"{signer.link}", now)


def remind(envelope: Envelope, signer: Signer, *, now: datetime) -> None:
    """Write once more to a signer who has not answered."""
    _write(_REMINDER, envelope, signer, now.isoformat(), now)


def unwrite(signer: Signer) -> bool:
    """Let what a signer was to be asked, and has not left yet, not leave.

    A text message waits at night for the morning. Answers whether their invitation was among it.
    """
    return _INVITATION in outbox.withdraw_addressed((_INVITATION, _REMINDER), signer.key)


def tell_of_end(envelope: Envelope, *, now: datetime) -> None:
    """Tell those who were invited that nobody signs it any more, and why.

    Who was still to get their invitation, and has not seen it otherwise, never hears of it.
    """
    invited = db.session.scalars(
        select(Signer).where(
            Signer.envelope_id == envelope.id,
            Signer.invited_at.is_not(None),
            # Who has ended it, or has let somebody else sign, knows.
            Signer.status.in_(("invited", "signed")),
        )
    )
    for one in invited:
        is_unknown_to_them = unwrite(one) and one.opened_at is None
        if not is_unknown_to_them:
            _write("sign_ended", envelope, one, now.isoformat(), now)


def tell_of_seal(envelope: Envelope, *, now: datetime) -> None:
    """Give the sealed documents to all who signed, to who gets a copy, and to the sender.

    They lie in the mail, unless that would be too large; then it says where they are fetched. Who
    has no e-mail address is told by SMS. To be called with the envelope locked and sealed.
    """
    attachments = _attachments(envelope)
    everyone = db.session.scalars(
        select(Signer)
        .where(
            Signer.envelope_id == envelope.id,
            (Signer.status == "signed") | (Signer.role == "copy"),
        )
        .order_by(Signer.id)
    )
    for one in everyone:
        if one.role == "copy" and one.status != "told":
            one.token_hash = _hash(token(one))
            one.status = "told"
            one.invited_at = one.ended_at = now
            events.record(envelope, "copy_sent", actor="system", now=now, signer=one)
        _write("sign_completed", envelope, one, "", now, attachments=attachments)
    if envelope.sender_email:
        outbox.put_mail(
            "sign_completed",
            to=envelope.sender_email,
            content={
                **_content(envelope),
                "url": _page_of(envelope),
                "attachments": attachments,
            },
            language=envelope.language,
            key=f"sign_completed:{envelope.key}",
            now=now,
            creditor_id=envelope.creditor_id,
        )


def _page_of(envelope: Envelope) -> str:
    """Where the sender's company sees an envelope."""
    company = db.session.get_one(Creditor, envelope.creditor_id).key
    return f"{settings().base_url}/creditor/{company}/documents/{envelope.key}"


def _attachments(envelope: Envelope) -> list[dict[str, str]]:
    sealed = db.session.execute(
        select(EnvelopeFile.name, EnvelopeFile.sealed_sha256)
        .where(EnvelopeFile.envelope_id == envelope.id, EnvelopeFile.sealed_sha256.is_not(None))
        .order_by(EnvelopeFile.position)
    ).all()
    if sum(files.size_on_disk(one.sealed_sha256) for one in sealed) > MOST_ATTACHED:
        return []
    return [{"name": pdf_name(one.name), "sha256": one.sealed_sha256} for one in sealed]


def pdf_name(name: str) -> str:
    """What the PDF of a document is called, whatever that was made from."""
    return f"{PurePath(name).stem or name}.pdf"


def _content(envelope: Envelope) -> dict[str, object]:
    return {
        "title": envelope.title,
        "company": envelope.company,
        "sender": envelope.sender_name,
        "message": envelope.message,
        "last_on": envelope.last_on.isoformat(),
        "status": envelope.status,
    }


def _write(
    kind: str, envelope: Envelope, signer: Signer, again: str, now: datetime, **more: object
) -> None:
    content = {**_content(envelope), "url": address(signer), **more}
    key = f"{kind}:{signer.key}:{again}"
    if signer.email:
        outbox.put_mail(
            kind, to=signer.email, content=content, language=signer.language, key=key, now=now,
            creditor_id=envelope.creditor_id,
        )  # fmt: skip
    elif signer.phone:
        outbox.put_sms(
            kind, to=signer.phone, content=content, language=signer.language, key=key, now=now,
            creditor_id=envelope.creditor_id,
        )  # fmt: skip
