"""Signers are written to: invited, reminded, and told how it ended.

A signer's link is computed from their key, so that a reminder opens the same page as the
invitation; its hash alone is kept. When the address is corrected the link is another, and the old
one opens nothing.
"""

import base64
import hashlib
from datetime import datetime

from sqlalchemy import select

from portal.database.encryption import derive
from portal.delivery import outbox
from portal.extensions import db, settings
from portal.signing.models import Envelope, Signer


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
    _write("sign_invitation", envelope, signer, f"{signer.link}", now)


def remind(envelope: Envelope, signer: Signer, *, now: datetime) -> None:
    """Write once more to a signer who has not answered."""
    _write("sign_reminder", envelope, signer, now.isoformat(), now)


def tell_of_end(envelope: Envelope, *, now: datetime) -> None:
    """Tell those who were invited that nobody signs it any more, and why."""
    invited = db.session.scalars(
        select(Signer).where(Signer.envelope_id == envelope.id, Signer.invited_at.is_not(None))
    )
    for one in invited:
        _write("sign_ended", envelope, one, now.isoformat(), now)


def _write(kind: str, envelope: Envelope, signer: Signer, again: str, now: datetime) -> None:
    content = {
        "url": address(signer),
        "name": signer.name,
        "title": envelope.title,
        "company": envelope.company,
        "sender": envelope.sender_name,
        "message": envelope.message,
        "role": signer.role,
        "last_on": envelope.last_on.isoformat(),
        "status": envelope.status,
    }
    key = f"{kind}:{signer.key}:{again}"
    if signer.email:
        outbox.put_mail(
            kind, to=signer.email, content=content, language=signer.language, key=key, now=now,
            creditor_id=envelope.creditor_id,
        )  # fmt: skip
    else:
        assert signer.phone is not None
        outbox.put_sms(
            kind, to=signer.phone, content=content, language=signer.language, key=key, now=now,
            creditor_id=envelope.creditor_id,
        )  # fmt: skip
