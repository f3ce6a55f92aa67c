"""Whether a BankID signature counts: every check between "it says so" and "it is so".

A signature is an XML-DSig document (W3C) over what was shown and over its certificate chain; an
OCSP response (RFC 6960) shows that the person's certificate was good at that moment and is bound to
the signature by its nonce. Source: "Signature profile for BankID" and BankID's relying party
guidelines. signxml, cryptography and pyhanko-certvalidator do the cryptography.
"""

import asyncio
import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import core
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import Hash, HashAlgorithm
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml import etree
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError, ValidationError
from signxml import SignatureConfiguration, XMLVerifier
from signxml.exceptions import SignXMLException

_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_BANKID = "{http://www.bankid.com/signature/v1.0.0/types}"
_MOST_BYTES = 2_000_000
_NONCE = "1.3.6.1.5.5.7.48.1.2"


class SignatureRejected(Exception):
    """A signature that does not count. check: which of the checks failed."""

    def __init__(self, check: str, message: str) -> None:
        super().__init__(f"{check}: {message}")
        self.check = check


@dataclass(frozen=True)
class VerifiedSignature:
    """Who signed, and when, as proven.

    personal_number: 12 digits. signed_at: when the OCSP response was produced, UTC.
    certificate_serial: of the person's certificate. issuer: its issuer's name.
    """

    personal_number: str
    name: str
    signed_at: datetime
    certificate_serial: int
    issuer: str


class _Verifier(XMLVerifier):
    # libxml2 writes empty namespace declarations when it canonicalises a part of a document, which
    # the signer's text does not have. Taking them away cannot hide anything: what we read is looked
    # up by its namespace, and an element that lost it is not found.
    excise_empty_xmlns_declarations = True


class _Extension(core.Sequence):
    """An extension whose value is taken as bare bytes, as BankID's nonce is written."""

    _fields = [
        ("extn_id", core.ObjectIdentifier),
        ("critical", core.Boolean, {"default": False}),
        ("extn_value", core.OctetString),
    ]


def verify(
    signature_xml: bytes,
    ocsp_response: bytes,
    *,
    roots: list[x509.Certificate],
    expected_visible: bytes | None,
    expected_non_visible: bytes | None,
    expected_personal_number: str | None,
    signed_between: tuple[datetime, datetime],
) -> VerifiedSignature:
    """Check a signature and its OCSP response in every respect.

    roots: the CA certificates that we trust. expected_visible, expected_non_visible: what we asked
    to have signed, byte for byte, None when nothing. expected_personal_number: 12 digits, or None
    for anyone. signed_between: the order's life, aware.
    Raises SignatureRejected that names the first check to fail.
    """
    order = _Order(
        roots, expected_visible, expected_non_visible, expected_personal_number, signed_between
    )
    try:
        return _verify(signature_xml, ocsp_response, order)
    except SignatureRejected:
        raise
    except Exception as error:
        # The libraries raise errors of many kinds on damaged documents; each means the same.
        raise SignatureRejected("document", "it cannot be read") from error


def told(signature_xml: bytes) -> tuple[bytes, bytes]:
    """What a signature says that it signs, visible and not; true only once it is verified so.

    Raises SignatureRejected when it does not say.
    """
    data = _parse(signature_xml).find(f"./{_DSIG}Object/{_BANKID}bankIdSignedData")
    if data is None:
        raise SignatureRejected("content", "it signs nothing")
    visible, hidden = (
        data.findtext(f"./{_BANKID}{tag}") for tag in ("usrVisibleData", "usrNonVisibleData")
    )
    if visible is None or hidden is None:
        raise SignatureRejected("content", "it signs no text")
    return _decode(visible), _decode(hidden)


@dataclass(frozen=True)
class _Order:
    """What a signature is held against."""

    roots: list[x509.Certificate]
    visible: bytes | None
    non_visible: bytes | None
    personal_number: str | None
    between: tuple[datetime, datetime]


def _verify(signature_xml: bytes, ocsp_response: bytes, order: _Order) -> VerifiedSignature:
    root = _parse(signature_xml)
    chain = _chain(root)
    answer = _load_ocsp(ocsp_response)
    signed_at = answer.produced_at_utc
    _check_time(signed_at, order.between)
    data = _signed_data(root, chain[0], signed_at)
    _check_content(data, order.visible, order.non_visible)
    issuer = _trusted_issuer(chain, order.roots, signed_at)
    _check_ocsp(answer, chain[0], issuer, order.between)
    _check_nonce(ocsp_response, signature_xml)
    number = _attribute(chain[0].subject, NameOID.SERIAL_NUMBER)
    if order.personal_number is not None and number != order.personal_number:
        raise SignatureRejected("person", "somebody else than the invited person has signed")
    return VerifiedSignature(
        number,
        _attribute(chain[0].subject, NameOID.COMMON_NAME),
        signed_at,
        chain[0].serial_number,
        chain[0].issuer.rfc4514_string(),
    )


def _check_time(told: datetime, between: tuple[datetime, datetime]) -> None:
    # OCSP tells whole seconds, so that an answer may seem to come before an order of its second.
    if not between[0].replace(microsecond=0) <= told <= between[1]:
        raise SignatureRejected("time", "the OCSP response is not from the order's time")


def _attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _parse(data: bytes) -> etree._Element:
    if len(data) > _MOST_BYTES:
        raise SignatureRejected("document", "it is too large")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SignatureRejected("document", "it is not XML") from error
    if root.getroottree().docinfo.internalDTD is not None or root.tag != f"{_DSIG}Signature":
        raise SignatureRejected("document", "it is not an XML signature")
    return root


def _chain(root: etree._Element) -> list[x509.Certificate]:
    found = root.findall(f"./{_DSIG}KeyInfo/{_DSIG}X509Data/{_DSIG}X509Certificate")
    try:
        chain = [x509.load_der_x509_certificate(_decode(one.text)) for one in found]
    except ValueError as error:
        raise SignatureRejected("chain", "a certificate cannot be read") from error
    if len(chain) < 2:
        raise SignatureRejected("chain", "certificates are missing")
    return chain


def _decode(text: str | None) -> bytes:
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except binascii.Error as error:
        raise SignatureRejected("document", "a part is not base64") from error


def _signed_data(
    root: etree._Element, certificate: x509.Certificate, at: datetime
) -> etree._Element:
    """The signed data, as the verifier saw it: never the document's own, which could be another.

    at: when it was signed; the certificate need not be valid any more today.
    """
    ids = [value for one in root.iter() for name, value in one.attrib.items() if name == "Id"]
    if len(ids) != len(set(ids)):
        raise SignatureRejected("signature", "an id stands twice")
    try:
        results = _Verifier().verify(
            root,
            x509_cert=certificate,
            expect_config=SignatureConfiguration(expect_references=2, verification_time=at),
        )
    except (SignXMLException, etree.LxmlError) as error:
        raise SignatureRejected("signature", "it does not match what it signs") from error
    seen = [one.signed_xml for one in (results if isinstance(results, list) else [results])]
    tags = [one.tag for one in seen if one is not None]
    if sorted(tags) != sorted((f"{_DSIG}KeyInfo", f"{_BANKID}bankIdSignedData")):
        raise SignatureRejected("signature", "it does not sign the data and the certificates")
    signed_chain = next(one for one in seen if one is not None and one.tag == f"{_DSIG}KeyInfo")
    first = signed_chain.find(f"./{_DSIG}X509Data/{_DSIG}X509Certificate")
    der = certificate.public_bytes(serialization.Encoding.DER)
    if first is None or _decode(first.text) != der:
        raise SignatureRejected("signature", "it signs another certificate")
    return next(one for one in seen if one is not None and one.tag.startswith(_BANKID))


def _check_content(data: etree._Element, visible: bytes | None, hidden: bytes | None) -> None:
    for tag, expected in (("usrVisibleData", visible), ("usrNonVisibleData", hidden)):
        found = data.findall(f"./{_BANKID}{tag}")
        told = _decode(found[0].text) if len(found) == 1 else None
        if len(found) > 1 or told != expected:
            raise SignatureRejected("content", f"{tag} is not what was to be signed")
    function = data.findtext(f"./{_BANKID}clientInfo/{_BANKID}funcId")
    if function != ("Signing" if visible is not None else "Identification"):
        raise SignatureRejected("function", "it was made for another purpose")


def _load_ocsp(data: bytes) -> ocsp.OCSPResponse:
    try:
        answer = ocsp.load_der_ocsp_response(data)
    except ValueError as error:
        raise SignatureRejected("ocsp", "it cannot be read") from error
    if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise SignatureRejected("ocsp", "the responder did not answer")
    return answer


def _trusted_issuer(
    chain: list[x509.Certificate], roots: list[x509.Certificate], at: datetime
) -> x509.Certificate:
    """The issuer of the person's certificate, on a path that leads up to a root of ours.

    Never simply the next certificate in the document: that could be anybody's.
    """
    context = ValidationContext(
        trust_roots=[_asn1(one) for one in roots],
        moment=at,
        allow_fetching=False,
        # The person's certificate is covered by the OCSP response, which is checked by itself.
        revocation_mode="soft-fail",
    )
    validator = CertificateValidator(
        _asn1(chain[0]), [_asn1(one) for one in chain[1:]], validation_context=context
    )
    try:
        path = asyncio.run(validator.async_validate_usage({"digital_signature"}))
    except (PathBuildingError, PathValidationError, ValidationError) as error:
        raise SignatureRejected("chain", "it does not lead up to a trusted certificate") from error
    *_, issuer, _ = path.iter_certs(include_root=True)
    return x509.load_der_x509_certificate(issuer.dump())


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _check_ocsp(
    answer: ocsp.OCSPResponse,
    person: x509.Certificate,
    issuer: x509.Certificate,
    signed_between: tuple[datetime, datetime],
) -> None:
    if answer.certificate_status is not ocsp.OCSPCertStatus.GOOD:
        raise SignatureRejected("ocsp status", "the certificate was not good")
    if answer.serial_number != person.serial_number or not _is_issuer(answer, issuer):
        raise SignatureRejected("ocsp certificate", "it is about another certificate")
    _check_time(answer.this_update_utc, signed_between)
    responder = _responder(answer, issuer)
    algorithm = answer.signature_hash_algorithm
    try:
        _verify_bytes(responder, answer.signature, answer.tbs_response_bytes, algorithm)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise SignatureRejected("ocsp signature", "it does not match") from error


def _is_issuer(answer: ocsp.OCSPResponse, issuer: x509.Certificate) -> bool:
    key = asn1_x509.Certificate.load(issuer.public_bytes(serialization.Encoding.DER)).public_key
    pairs = (
        (issuer.subject.public_bytes(), answer.issuer_name_hash),
        (key["public_key"].contents[1:], answer.issuer_key_hash),
    )
    return all(_digest(answer.hash_algorithm, data) == told for data, told in pairs)


def _digest(algorithm: HashAlgorithm, data: bytes) -> bytes:
    digest = Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _responder(answer: ocsp.OCSPResponse, issuer: x509.Certificate) -> x509.Certificate:
    """Whose key signed: the issuer itself, or a delegate that the issuer has named (RFC 6960)."""
    if not answer.certificates:
        return issuer
    delegate = answer.certificates[0]
    if delegate == issuer:
        return issuer
    try:
        delegate.verify_directly_issued_by(issuer)
        usage = delegate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound) as error:
        raise SignatureRejected("ocsp responder", "the issuer has not named it") from error
    at = answer.produced_at_utc
    is_valid = delegate.not_valid_before_utc <= at <= delegate.not_valid_after_utc
    if ExtendedKeyUsageOID.OCSP_SIGNING not in usage or not is_valid:
        raise SignatureRejected("ocsp responder", "it may not answer")
    return delegate


def _verify_bytes(
    certificate: x509.Certificate, signature: bytes, data: bytes, algorithm: HashAlgorithm | None
) -> None:
    key = certificate.public_key()
    if algorithm is None or algorithm.name in ("md5", "sha1"):
        raise ValueError("the hash is too weak")
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, data, padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, ec.ECDSA(algorithm))
    else:
        raise TypeError("the key is of a kind that BankID does not use")


def _check_nonce(ocsp_response: bytes, signature_xml: bytes) -> None:
    """The nonce begins with the SHA-1 of the signature in base64, as BankID binds the two."""
    bound = hashlib.sha1(base64.b64encode(signature_xml), usedforsecurity=False).digest()
    basic = asn1_ocsp.OCSPResponse.load(ocsp_response)["response_bytes"]["response"].parsed
    extensions = basic["tbs_response_data"]["response_extensions"]
    nonces = [
        one["extn_value"].native
        for one in (_Extension.load(raw.dump()) for raw in extensions or ())
        if one["extn_id"].native == _NONCE
    ]
    if len(nonces) != 1 or not nonces[0].startswith(bound):
        raise SignatureRejected("ocsp nonce", "it is not bound to this signature")
