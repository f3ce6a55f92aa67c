"""Seals outlive the certificates of their timestamps: each gets another timestamp in time.

A timestamp proves something for as long as its authority's certificate is valid. One that is laid
over it before that proves that it was good then (PAdES B-LTA). The file's earlier bytes stay.
"""

from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import select

from portal.database import files
from portal.extensions import db, settings
from portal.signing import envelopes, events, sealing, seals, trust
from portal.signing.models import Envelope
from portal.signing.seals import Sealer
from portal.signing.trust import Trust

log = structlog.get_logger()
# When the authority has no newer certificate yet, it is asked again after this.
_ASKED_AGAIN = timedelta(days=7)


def due(today: date) -> list[int]:
    """Envelopes whose seals are to be renewed. To be called where all are seen."""
    return list(
        db.session.scalars(
            select(Envelope.id)
            .where(Envelope.renew_on <= today, Envelope.sealed_at.is_not(None))
            .order_by(Envelope.renew_on, Envelope.id)
        )
    )


def renew(
    envelope: Envelope,
    *,
    today: date,
    now: datetime,
    sealer: Sealer | None = None,
    trusted: Trust | None = None,
) -> bool:
    """Give an envelope's sealed files another timestamp, if it is time; answers whether it did.

    Raises SealFailed, also when a file is not valid before it: a timestamp over a changed file
    would prove nothing, and operators must look at it.
    """
    events.lock(envelope)
    if envelope.renew_on is None or envelope.renew_on > today:
        return False
    sealer = sealer or trust.sealer_of(settings())
    trusted = trusted or trust.trust_of(settings())
    made: dict[int, bytes] = {}
    documents = envelopes.files_of(envelope, "document")
    for file in documents:
        sealed = files.read(file.sealed_sha256 or "")
        sealing.require_valid(sealed, trusted, now=now)
        made[file.id] = seals.renew(sealed, sealer)
        sealing.require_valid(made[file.id], trusted, now=now)
        if seals.proves_until(made[file.id]) <= seals.proves_until(sealed):
            log.warning("seal.not_renewed", envelope=envelope.key, reason="the same certificate")
            envelope.renew_on = today + _ASKED_AGAIN
            return False
    for file in documents:
        file.sealed_sha256 = files.store(made[file.id])
    envelope.renew_on = min(sealing.renew_on_of(one) for one in made.values())
    events.record(envelope, "renewed", actor="system", now=now)
    return True
