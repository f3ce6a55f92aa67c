"""Envelopes as tests need them: `an_envelope(creditor, signers=("Eva", "Johan"))`."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from portal.identity.people import new_key
from portal.signing import envelopes
from portal.signing.envelopes import Invited, NewFile
from portal.signing.models import Envelope, SendingList
from tests.factories import NOW, TODAY
from tests.signing.documents import a_pdf

IN_A_MONTH = TODAY.replace(month=TODAY.month + 1)
SENDER = Actor("person", "Sara Lind", role="creditor")


def a_file(name: str = "Avtal.pdf", data: bytes | None = None) -> NewFile:
    """A document of one empty page, unless told otherwise."""
    return NewFile(name, data or a_pdf(), "application/pdf", 1)


def invited(name: str, **values: Any) -> Invited:
    return Invited(name, **{"email": f"{name.split()[0].lower()}@signer.example", **values})


def a_draft(
    creditor: Creditor,
    *,
    signers: Sequence[Invited | str] = ("Eva Berg",),
    files: Sequence[NewFile] | None = None,
    last_on: date = IN_A_MONTH,
    now: datetime = NOW,
    **values: Any,
) -> Envelope:
    """A draft with a document and somebody who signs it."""
    envelope = envelopes.draft(
        creditor.id, title="Avtal", last_on=last_on, actor=SENDER, sender_email="sara@co.example",
        now=now, **values,
    )  # fmt: skip
    for file in (a_file(),) if files is None else files:
        envelopes.add_file(envelope, file)
    for one in signers:
        envelopes.add_signer(envelope, invited(one) if isinstance(one, str) else one)
    db.session.commit()
    return envelope


def an_envelope(
    creditor: Creditor, *, today: date = TODAY, now: datetime = NOW, **values: Any
) -> Envelope:
    """An envelope that was sent."""
    envelope = a_draft(creditor, now=now, **values)
    envelopes.send(envelope, actor=SENDER, today=today, now=now)
    db.session.commit()
    return envelope


def a_list_of(envelope: Envelope) -> SendingList:
    """A list that is being sent from an envelope's draft."""
    sending = SendingList(
        key=new_key(12), creditor_id=envelope.creditor_id, envelope_id=envelope.id,
        person_name="Sara Lind", sha256="", seen="", people="[]", total=2, begun_at=NOW,
    )  # fmt: skip
    db.session.add(sending)
    db.session.commit()
    return sending
