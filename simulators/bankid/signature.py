"""What a BankID leaves behind: the XML signature and the OCSP response bound to it.

The document follows "Signature profile for BankID": an enveloping XML-DSig with two references, one
to `bankIdSignedData` and one to `KeyInfo`, written in canonical form from the start, so that the
digests are those of the text as it stands. All variable parts are base64, hence never escaped.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from asn1crypto import core
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID, OCSPExtensionOID

from simulators import moments
from simulators.certificates import Authority

_C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_DSIG = "http://www.w3.org/2000/09/xmldsig#"
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_TYPES = "http://www.bankid.com/signature/v1.0.0/types"


@dataclass(frozen=True)
class Signer:
    """Who signs, and with which chain: the person's own certificate first, the root left out."""

    person: Authority
    intermediates: tuple[x509.Certificate, ...]

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates as the signature carries them."""
        return (self.person.certificate, *self.intermediates)


def sign_xml(
    signer: Signer,
    *,
    function: str,
    visible: bytes | None,
    visible_format: str | None,
    non_visible: bytes | None,
    relying_party: x509.Certificate | None,
    uhi: str,
) -> bytes:
    """The XML signature of one order.

    function: "Signing" or "Identification".
    visible, non_visible: what the relying party sent, decoded.
    relying_party: its client certificate, whose subject goes into the signed server info.
    uhi: the phone's unique hardware identifier.
    """
    signed_data = (
        f'<bankIdSignedData xmlns="{_TYPES}" Id="bidSignedData">'
        f"{_user_data(visible, visible_format, non_visible)}"
        f"{_server_info(relying_party)}"
        f"{_client_info(function, uhi)}"
        "</bankIdSignedData>"
    )
    certificates = "".join(
        f"<X509Certificate>{_b64(c.public_bytes(serialization.Encoding.DER))}</X509Certificate>"
        for c in signer.chain
    )
    key_info = (
        f'<KeyInfo xmlns="{_DSIG}" Id="bidKeyInfo"><X509Data>{certificates}</X509Data></KeyInfo>'
    )
    signed_info = (
        f'<SignedInfo xmlns="{_DSIG}">'
        f'<CanonicalizationMethod Algorithm="{_C14N}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{_RSA_SHA256}"></SignatureMethod>'
        f'<Reference Type="{_TYPES}" URI="#bidSignedData">{_digest(signed_data)}</Reference>'
        f'<Reference URI="#bidKeyInfo">{_digest(key_info)}</Reference>'
        "</SignedInfo>"
    )
    value = signer.person.key.sign(signed_info.encode(), padding.PKCS1v15(), hashes.SHA256())
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>'
        f'<Signature xmlns="{_DSIG}">{signed_info}'
        f"<SignatureValue>{_b64(value)}</SignatureValue>{key_info}"
        f"<Object>{signed_data}</Object></Signature>"
    ).encode()


def ocsp_response(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    responder: Authority,
    *,
    signature_xml: bytes,
    revoked: bool = False,
    produced_at: datetime | None = None,
) -> bytes:
    """A DER OCSP response (RFC 6960) for one certificate, bound by its nonce to one signature.

    The nonce is the SHA-1 of the signature in base64, as the API hands it out, and twelve random
    bytes. As with BankID it is a critical extension and holds those bytes bare, without the inner
    OCTET STRING that RFC 8954 asks for.
    """
    now = produced_at or moments.now()
    # SHA-1 is what the profile binds with and what identifies an issuer in OCSP.
    bound = hashlib.sha1(base64.b64encode(signature_xml)).digest()  # noqa: S324
    nonce = x509.UnrecognizedExtension(OCSPExtensionOID.NONCE, bound + secrets.token_bytes(12))
    response = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=certificate,
            issuer=issuer,
            algorithm=hashes.SHA1(),  # noqa: S303
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=now,
            next_update=now + timedelta(minutes=5),
            revocation_time=now - timedelta(days=1) if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
        .certificates([responder.certificate])
        .add_extension(nonce, critical=True)
        .sign(responder.key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    return _produced_at(response, now, responder)


def _produced_at(response: bytes, at: datetime, responder: Authority) -> bytes:
    """The same response, made at an instant: the builder knows none but this machine's now."""
    whole = asn1_ocsp.OCSPResponse.load(response)
    basic = whole["response_bytes"]["response"].parsed
    told = basic["tbs_response_data"]
    told["produced_at"] = at.replace(microsecond=0)
    basic["signature"] = responder.key.sign(told.dump(), padding.PKCS1v15(), hashes.SHA256())
    whole["response_bytes"]["response"] = core.ParsableOctetString(basic.dump())
    made: bytes = whole.dump()
    return made


def forge(signature_xml: bytes) -> bytes:
    """The same document with a signature value that no key made."""
    start = signature_xml.index(b"<SignatureValue>") + len(b"<SignatureValue>")
    stop = signature_xml.index(b"</SignatureValue>")
    false_value = base64.b64encode(secrets.token_bytes(256))
    return signature_xml[:start] + false_value + signature_xml[stop:]


def _user_data(visible: bytes | None, visible_format: str | None, non_visible: bytes | None) -> str:
    text = ""
    if visible is not None:
        shown_as = f'format="{visible_format}" ' if visible_format == "simpleMarkdownV1" else ""
        text += (
            f'<usrVisibleData charset="UTF-8" {shown_as}visible="wysiwys">'
            f"{_b64(visible)}</usrVisibleData>"
        )
    if non_visible is not None:
        text += f"<usrNonVisibleData>{_b64(non_visible)}</usrNonVisibleData>"
    return text


def _server_info(relying_party: x509.Certificate | None) -> str:
    name, display_name = "cn=Unknown", "Unknown"
    if relying_party is not None:
        subject = relying_party.subject
        display_name = _attribute(subject, NameOID.COMMON_NAME)
        name = (
            f"cn={display_name},serialNumber={_attribute(subject, NameOID.SERIAL_NUMBER)},"
            f"o={_attribute(subject, NameOID.ORGANIZATION_NAME)},c=SE"
        )
    return (
        f"<srvInfo><name>{_b64(name)}</name><nonce>{_b64(secrets.token_bytes(20))}</nonce>"
        f"<displayName>{_b64(display_name)}</displayName></srvInfo>"
    )


def _client_info(function: str, uhi: str) -> str:
    version = _b64("Personal=7.50.0&BankID_simulator=1&platform=simulated")
    return (
        f"<clientInfo><funcId>{function}</funcId><version>{version}</version><env><ai>"
        f"<type>{_b64('SIMULATOR')}</type><deviceInfo>{_b64('1')}</deviceInfo><uhi>{uhi}</uhi>"
        "<fsib>0</fsib><utb>cs1</utb><requirement></requirement><uauth>pw</uauth>"
        "</ai></env></clientInfo>"
    )


def _attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _digest(canonical: str) -> str:
    value = _b64(hashlib.sha256(canonical.encode()).digest())
    return (
        f'<Transforms><Transform Algorithm="{_C14N}"></Transform></Transforms>'
        f'<DigestMethod Algorithm="{_SHA256}"></DigestMethod><DigestValue>{value}</DigestValue>'
    )


def _b64(value: bytes | str) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
