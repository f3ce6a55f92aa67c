"""Envelopes that were signed, and their sealed files: `a_signed_envelope(creditor, phone)`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from asn1crypto import core
from asn1crypto import ocsp as asn1_ocsp
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from portal import clock
from portal.config import Settings
from portal.database import files
from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import envelopes, events, signed_text
from portal.signing.models import Envelope, EnvelopeSignature, Signer
from portal.signing.sealing import seal
from portal.signing.signed_text import Item
from simulators import certificates, timestamp
from simulators.bankid import signature
from simulators.certificates import Authority
from tests.factories import EVA, JOHAN
from tests.seal_fixtures import sealing
from tests.signing.envelopes import an_envelope

_PEOPLE = {"Eva Berg": (EVA, "Eva", "Berg"), "Johan Ekdahl": (JOHAN, "Johan", "Ekdahl")}


class BankID:
    """A CA of BankID and its people, whose certificates are as old as one likes."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at
        self.root = certificates.make_authority("BankID simulator root CA", at=at)
        self.customers = certificates.make_authority("Testbank R customer CA", self.root, at=at)
        self.responder = certificates.make_ocsp_responder(self.customers, at=at)
        self._people: dict[str, Authority] = {}

    def person(self, name: str) -> Authority:
        if name not in self._people:
            self._people[name] = certificates.issue_person(
                self.customers, *_PEOPLE[name], at=self.at
            )
        return self._people[name]

    def sign(self, name: str, visible: str, hidden: bytes, at: datetime) -> tuple[bytes, bytes]:
        """A signature of a person's, and its OCSP response."""
        person = self.person(name)
        xml = signature.sign_xml(
            signature.Signer(person, (self.customers.certificate,)), function="Signing",
            visible=visible.encode(), visible_format="simpleMarkdownV1", non_visible=hidden,
            relying_party=None, uhi="uhi",
        )  # fmt: skip
        ocsp = signature.ocsp_response(
            person.certificate, self.customers.certificate, self.responder,
            signature_xml=xml, produced_at=at,
        )  # fmt: skip
        return xml, ocsp if self.at is None else _dated(ocsp, self.responder, at)


def _dated(response: bytes, responder: Authority, at: datetime) -> bytes:
    """The same response as it would have been made then; cryptography always writes now."""
    whole = asn1_ocsp.OCSPResponse.load(response)
    basic = whole["response_bytes"]["response"].parsed
    basic["tbs_response_data"]["produced_at"] = at
    told = basic["tbs_response_data"].dump()
    basic["signature"] = responder.key.sign(told, padding.PKCS1v15(), hashes.SHA256())
    whole["response_bytes"]["response"] = core.ParsableOctetString(basic.dump())
    dated: bytes = whole.dump()
    return dated


@lru_cache(maxsize=1)
def bankid() -> BankID:
    """Today's, made once."""
    return BankID()


def sign(envelope: Envelope, signer: Signer, people: BankID, at: datetime) -> None:
    """What the ceremony leaves when a signer has signed."""
    item = Item(envelope, signer)
    hidden = signed_text.hidden([item], at)
    produced = at.replace(microsecond=0) + timedelta(seconds=1)
    xml, ocsp = people.sign(signer.name, signed_text.visible([item]), hidden, produced)
    now = at + timedelta(seconds=2)
    number = _PEOPLE[signer.name][0]
    made = EnvelopeSignature(
        creditor_id=envelope.creditor_id, envelope_id=envelope.id, signer_id=signer.id,
        order_ref=f"order-{signer.key}", name=signer.name, identity_number=number,
        xml_sha256=files.store(xml), ocsp_sha256=files.store(ocsp), started_ip="192.0.2.7",
        device_ip="192.0.2.8", device="Firefox", signed_at=produced, verified_at=now,
    )  # fmt: skip
    db.session.add(made)
    for page in (1, 2, 3):
        events.record(
            envelope, "page_shown", actor=f"signer:{signer.name}", now=at, signer=signer,
            file=envelopes.files_of(envelope)[0].key, file_name="Avtal.pdf", page=page,
        )  # fmt: skip
    events.record(
        envelope, "signed", actor=f"signer:{signer.name}", now=now, signer=signer,
        person=signer.name, identity_number=f"{number[:8]}-****", role=signer.role,
        order=made.order_ref, xml_sha256=made.xml_sha256, ocsp_sha256=made.ocsp_sha256,
        started_ip=made.started_ip, device_ip=made.device_ip or "",
    )  # fmt: skip
    envelopes.note_signed(envelope, signer, now=now)


def a_signed_envelope(
    creditor: Creditor,
    *,
    signers: Sequence[str] = ("Eva Berg",),
    people: BankID | None = None,
    at: datetime | None = None,
    **values: object,
) -> Envelope:
    """An envelope that all have signed. at: when; default just now."""
    at = at or datetime.now(UTC)
    day = at.date()
    envelope = an_envelope(
        creditor, signers=signers, now=at - timedelta(hours=1), today=day,
        last_on=day + timedelta(days=20), **values,
    )  # fmt: skip
    for one in envelopes.signers_of(envelope):
        sign(envelope, one, people or bankid(), at)
    db.session.commit()
    return envelope


def a_sealed(creditor: Creditor, **values: object) -> bytes:
    """The first document of an envelope that two have signed, sealed."""
    envelope = a_signed_envelope(creditor, signers=("Eva Berg", "Johan Ekdahl"), **values)
    seal(envelope, now=clock.now())
    db.session.commit()
    first = envelopes.files_of(envelope)[0]
    return files.read(first.sealed_sha256 or "")


def trusting(settings: Settings, folder: Path, running: timestamp.Running) -> Settings:
    """The portal's settings: the seal in a folder, timestamps of an authority, BankID's people."""
    roots = folder / "bankid_roots.pem"
    roots.write_bytes(bankid().root.certificate.public_bytes(serialization.Encoding.PEM))
    return replace(sealing(settings, folder, running), bankid_roots=str(roots))
