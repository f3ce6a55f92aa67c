"""An envelope that all have signed is sealed: the evidence goes into each document, under a seal.

Each document becomes a file of its own, and each holds the evidence of all. What was sealed is
verified, as anybody would, before it is kept.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import select

from portal import clock
from portal.database import files
from portal.extensions import db, settings
from portal.signing import envelopes, events, evidence, inviting, seals, trust, verifying
from portal.signing.models import Envelope, EnvelopeFile, EnvelopeSignature, Signer
from portal.signing.seals import Attachment, Sealer, SealFailed
from portal.signing.trust import Trust

# So long before the newest timestamp's certificate ends the seal gets another.
_RENEWED_BEFORE = timedelta(days=90)


def waiting() -> list[int]:
    """Envelopes that all have signed and that are not sealed. To be called where all are seen."""
    return list(
        db.session.scalars(
            select(Envelope.id)
            .where(Envelope.status == envelopes.COMPLETED, Envelope.sealed_at.is_(None))
            .order_by(Envelope.id)
        )
    )


def seal(
    envelope: Envelope,
    *,
    now: datetime,
    sealer: Sealer | None = None,
    trusted: Trust | None = None,
) -> None:
    """Seal a completed envelope's documents, and give them to all whom it concerns.

    One that is sealed, or not completed, stays as it is.

    sealer, trusted: default those of the settings. Raises SealFailed, which tells operators why.
    """
    events.lock(envelope)
    if envelope.status != envelopes.COMPLETED or envelope.sealed_at is not None:
        return
    sealer = sealer or trust.sealer_of(settings())
    trusted = trusted or trust.trust_of(settings())
    events.record(
        envelope, "sealed", actor="system", now=now,
        certificate_sha256=sealer.certificate.sha256.hex(),
    )  # fmt: skip
    pages = evidence.render(envelope, now=now, settings=settings())
    attachments = list(_attachments(envelope))
    for file in envelopes.files_of(envelope, "document"):
        sealed = seals.seal(
            files.read(file.sha256), sealer, evidence=pages, attachments=attachments
        )
        require_valid(sealed, trusted, now=now)
        file.sealed_sha256 = files.store(sealed)
        _note_end(envelope, sealed)
    envelope.sealed_at = now
    db.session.flush()
    inviting.tell_of_seal(envelope, now=now)


def _note_end(envelope: Envelope, sealed: bytes) -> None:
    renew_on = renew_on_of(sealed)
    if envelope.renew_on is None or renew_on < envelope.renew_on:
        envelope.renew_on = renew_on


def renew_on_of(sealed: bytes) -> date:
    """On which day a sealed file should get another timestamp."""
    return clock.day_of(seals.proves_until(sealed) - _RENEWED_BEFORE)


def require_valid(sealed: bytes, trusted: Trust, *, now: datetime) -> None:
    """Raises SealFailed unless a file that we have sealed is found valid by whoever verifies it."""
    report = verifying.verify(sealed, trusted, now=now)
    if report.verdict != verifying.VALID:
        wrong = [
            f"{one.check}: {one.message.message}"
            for one in report.findings
            if one.status in (verifying.BAD, verifying.UNCHECKED)
        ]
        raise SealFailed(f"what was sealed is not valid: {'; '.join(wrong)}")


def _attachments(envelope: Envelope) -> Iterator[Attachment]:
    yield Attachment(
        seals.MANIFEST,
        events.canonical(envelopes.manifest(envelope)),
        "application/json",
        "The files that were signed, with their hashes",
    )
    yield Attachment(
        seals.LOG,
        events.canonical(events.log_of(envelope)),
        "application/json",
        "The log, each event linked to the one before it",
    )
    rows = db.session.execute(
        select(EnvelopeSignature, Signer)
        .join(Signer, Signer.id == EnvelopeSignature.signer_id)
        .where(EnvelopeSignature.envelope_id == envelope.id)
        .order_by(EnvelopeSignature.id)
    )
    for signature, signer in rows:
        yield Attachment(
            f"{seals.SIGNATURE}{signer.key}.xml",
            files.read(signature.xml_sha256),
            "application/xml",
            f"BankID signature of {signature.name}",
        )
        yield Attachment(
            f"{seals.OCSP}{signer.key}.der",
            files.read(signature.ocsp_sha256),
            "application/ocsp-response",
            f"Proof that the certificate of {signature.name} was valid",
        )
    for file in envelopes.files_of(envelope):
        yield from _files_beside(file)


def _files_beside(file: EnvelopeFile) -> Iterator[Attachment]:
    if file.role == "attachment":
        yield Attachment(
            f"attachment-{file.position}-{file.name}",
            files.read(file.sha256),
            file.media_type,
            "Attachment that was signed",
            seals.SUPPLEMENT,
        )
    if file.original_sha256 is not None:
        yield Attachment(
            f"original-{file.position}-{file.original_name}",
            files.read(file.original_sha256),
            "application/octet-stream",
            f"What {file.name} was made from",
            seals.SOURCE,
        )
