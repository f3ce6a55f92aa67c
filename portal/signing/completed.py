"""A completed BankID order's signature, verified in every respect, for whatever was signed."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography import x509

from portal.extensions import settings
from portal.identity import orders
from portal.identity.models import BankIDOrder
from portal.messages import N_, RedaError
from portal.signing.bankid_signature import SignatureRejected, verify

log = structlog.get_logger()
# BankID signs within the order's three minutes; clocks may differ a little.
_CLOCKS_DIFFER = timedelta(minutes=2)
NOT_VERIFIED = N_("The signature could not be verified, so it does not count. Please sign again.")


class NotSigned(RedaError):
    """The signature does not count; nothing is stored as signed. check: which check failed."""

    check = "not valid"


@dataclass(frozen=True)
class Proof:
    """A signature that counts. xml, ocsp: it and its OCSP response, as BankID gave them.

    name: of who signed, by their certificate.
    """

    xml: bytes
    ocsp: bytes
    name: str
    signed_at: datetime
    device_ip: str | None


def proven(order: BankIDOrder, personal_number: str, *, now: datetime) -> Proof:
    """The signature of an order, which must be the one asked for, by the one who was asked.

    personal_number: 12 digits. The order's subject holds what was asked to be signed, as `visible`
    and `non_visible`. Raises NotSigned when any check fails.
    """
    completion = orders.completion(order)
    try:
        xml = base64.b64decode(completion["signature"])
        ocsp = base64.b64decode(completion["ocspResponse"])
    except (KeyError, TypeError, ValueError) as error:
        raise _rejected(order, "document") from error
    try:
        verified = verify(
            xml,
            ocsp,
            roots=_roots(),
            expected_visible=order.subject["visible"].encode(),
            expected_non_visible=order.subject["non_visible"].encode(),
            expected_personal_number=personal_number,
            signed_between=(order.started_at - _CLOCKS_DIFFER, now + _CLOCKS_DIFFER),
        )
    except SignatureRejected as rejected:
        raise _rejected(order, rejected.check) from rejected
    device = completion.get("device") or {}
    return Proof(xml, ocsp, verified.name, verified.signed_at, device.get("ipAddress"))


def _rejected(order: BankIDOrder, check: str) -> NotSigned:
    log.warning("signature.rejected", order=order.id, check=check)
    error = NotSigned(NOT_VERIFIED)
    error.check = check
    return error


def _roots() -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(settings().certificate("bankid_roots").read_bytes())
