"""A BankID signature counts only when every check holds."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from cryptography import x509
from cryptography.x509 import ocsp as x509_ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.signing.bankid_signature import SignatureRejected, VerifiedSignature, verify
from simulators import certificates
from simulators.bankid.signature import Signer, ocsp_response, sign_xml
from tests.bankid_fixtures import Phone

EVA, JOHAN = "196507182795", "196104032898"
VISIBLE, HIDDEN = "# Avtal\n\n+ Kund: Norrsken", b'{"sha256":"00"}'


def a_signature(phone: Phone, *, fault: str | None = None, by: str = EVA) -> tuple[bytes, bytes]:
    """XML and OCSP response of a signature made in the app."""
    if fault:
        phone.control("next", fault=fault)
    order = phone.client.sign(
        visible=VISIBLE,
        non_visible=HIDDEN,
        personal_number=None,
        end_user_ip="127.0.0.1",
        return_url="http://127.0.0.1/return?nonce=x",
        user_agent="test",
    )
    phone.approve(order.order_ref, by)
    data = phone.client.collect(order.order_ref).completion
    assert data is not None
    return base64.b64decode(data["signature"]), base64.b64decode(data["ocspResponse"])


def check(
    phone: Phone, xml: bytes, ocsp: bytes, *, minutes_off: int = 0, **changed: object
) -> VerifiedSignature:
    now = datetime.now(UTC) + timedelta(minutes=minutes_off)
    root = phone.simulator.certificates.bankid_root
    expected = {
        "roots": x509.load_pem_x509_certificates(root.read_bytes()),
        "expected_visible": VISIBLE.encode(),
        "expected_non_visible": HIDDEN,
        "expected_personal_number": EVA,
        "signed_between": (now - timedelta(minutes=2), now + timedelta(minutes=2)),
    }
    return verify(xml, ocsp, **{**expected, **changed})


def rejected(phone: Phone, xml: bytes, ocsp: bytes, **changed: object) -> str:
    with pytest.raises(SignatureRejected) as error:
        check(phone, xml, ocsp, **changed)
    return error.value.check


@pytest.fixture
def good(phone: Phone) -> tuple[bytes, bytes]:
    return a_signature(phone)


def test_a_good_signature_tells_who_signed(phone: Phone, good: tuple[bytes, bytes]) -> None:
    found = check(phone, *good)
    assert (found.personal_number, found.name) == (EVA, "Eva Sandberg")


@pytest.mark.parametrize(
    ("fault", "failed"),
    [
        ("forgedSignature", "signature"),
        ("textChanged", "content"),
        ("ocspRevoked", "ocsp status"),
        ("ocspOtherCertificate", "ocsp certificate"),
        ("ocspOtherSignature", "ocsp nonce"),
        ("untrustedRoot", "chain"),
    ],
)
def test_what_the_simulator_forges_is_found(phone: Phone, fault: str, failed: str) -> None:
    assert rejected(phone, *a_signature(phone, fault=fault)) == failed


def test_another_person_than_the_invited_is_found(phone: Phone) -> None:
    assert rejected(phone, *a_signature(phone, by=JOHAN)) == "person"


def test_another_text_is_found(phone: Phone, good: tuple[bytes, bytes]) -> None:
    assert rejected(phone, *good, expected_visible=b"# Something else") == "content"


def test_other_hidden_data_is_found(phone: Phone, good: tuple[bytes, bytes]) -> None:
    assert rejected(phone, *good, expected_non_visible=None) == "content"


def test_an_ocsp_response_of_another_signature_is_found(
    phone: Phone, good: tuple[bytes, bytes]
) -> None:
    _, another = a_signature(phone)
    assert rejected(phone, good[0], another) == "ocsp nonce"


def test_a_signature_from_another_time_is_found(phone: Phone, good: tuple[bytes, bytes]) -> None:
    assert rejected(phone, *good, minutes_off=30) == "time"


def test_another_root_is_not_trusted(
    phone: Phone, good: tuple[bytes, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = certificates.ensure(tmp_path_factory.mktemp("other"))
    roots = x509.load_pem_x509_certificates(other.bankid_root.read_bytes())
    assert rejected(phone, *good, roots=roots) == "chain"


def test_an_identification_is_no_signature(phone: Phone) -> None:
    order = phone.client.authenticate(
        end_user_ip="127.0.0.1", return_url="http://127.0.0.1/r?nonce=x", user_agent="test"
    )
    phone.approve(order.order_ref, EVA)
    data = phone.client.collect(order.order_ref).completion
    assert data is not None
    xml, ocsp = base64.b64decode(data["signature"]), base64.b64decode(data["ocspResponse"])
    assert rejected(phone, xml, ocsp) == "content"


def test_entities_and_doctypes_are_refused(phone: Phone, good: tuple[bytes, bytes]) -> None:
    head, _, rest = good[0].partition(b"?>")
    bomb = head + b'?><!DOCTYPE x [<!ENTITY a "b">]>' + rest
    assert rejected(phone, bomb, good[1]) == "document"


def test_no_changed_byte_of_the_signature_passes(phone: Phone, good: tuple[bytes, bytes]) -> None:
    xml, ocsp = good

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(xml) - 1), st.integers(1, 255))
    def flip(place: int, bits: int) -> None:
        changed = bytearray(xml)
        changed[place] ^= bits
        # The nonce binds the OCSP response to every byte, also those that mean nothing.
        with pytest.raises(SignatureRejected):
            check(phone, bytes(changed), ocsp)

    flip()


def test_no_changed_byte_of_the_signed_answer_passes(
    phone: Phone, good: tuple[bytes, bytes]
) -> None:
    xml, ocsp = good
    # After the signed part come the responder's certificate and signature, in DER with slack.
    signed = x509_ocsp.load_der_ocsp_response(ocsp).tbs_response_bytes
    start = ocsp.index(signed)

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(start, start + len(signed) - 1), st.integers(1, 255))
    def flip(place: int, bits: int) -> None:
        changed = bytearray(ocsp)
        changed[place] ^= bits
        with pytest.raises(SignatureRejected):
            check(phone, xml, bytes(changed))

    flip()


def signed_by_hand(
    phone: Phone,
    *intermediates: x509.Certificate,
    issuer: x509.Certificate | None = None,
    responder: certificates.Authority | None = None,
) -> tuple[bytes, bytes]:
    """Eva's signature with a chain, and an OCSP response, that the simulator would never give."""
    paths = phone.simulator.certificates
    customers = certificates.Authority.load(paths.bankid_customers, paths.bankid_customers_key)
    bank = certificates.Authority.load(paths.bankid_bank, paths.bankid_bank_key)
    eva = certificates.ensure_person(paths, EVA, "Eva", "Sandberg")
    xml = sign_xml(
        Signer(eva, (*intermediates, customers.certificate, bank.certificate)),
        function="Signing",
        visible=VISIBLE.encode(),
        visible_format="simpleMarkdownV1",
        non_visible=HIDDEN,
        relying_party=None,
        uhi="eA==",
    )
    answer = ocsp_response(
        eva.certificate,
        issuer or customers.certificate,
        responder or certificates.Authority.load(paths.bankid_ocsp, paths.bankid_ocsp_key),
        signature_xml=xml,
    )
    return xml, answer


def a_customer_ca(phone: Phone) -> certificates.Authority:
    paths = phone.simulator.certificates
    return certificates.Authority.load(paths.bankid_customers, paths.bankid_customers_key)


def test_an_issuer_of_ones_own_cannot_vouch_for_a_revoked_certificate(phone: Phone) -> None:
    own = certificates.make_authority("Testbank R customer CA for BankID simulator")
    responder = certificates.make_ocsp_responder(own)
    xml, answer = signed_by_hand(
        phone, own.certificate, issuer=own.certificate, responder=responder
    )
    assert rejected(phone, xml, answer) == "ocsp certificate"


def test_a_responder_that_the_issuer_has_not_named_is_found(phone: Phone) -> None:
    stranger = certificates.make_ocsp_responder(certificates.make_authority("Another CA"))
    assert rejected(phone, *signed_by_hand(phone, responder=stranger)) == "ocsp responder"


def test_a_person_is_no_responder(phone: Phone) -> None:
    johan = certificates.issue_person(a_customer_ca(phone), JOHAN, "Johan", "Ekdahl")
    assert rejected(phone, *signed_by_hand(phone, responder=johan)) == "ocsp responder"


def test_the_issuer_may_answer_for_itself(phone: Phone) -> None:
    signed = signed_by_hand(phone, responder=a_customer_ca(phone))
    assert check(phone, *signed).personal_number == EVA


def test_a_signature_still_counts_when_its_certificate_has_ended(
    phone: Phone, good: tuple[bytes, bytes]
) -> None:
    now = datetime.now(UTC)
    order = (now - timedelta(minutes=2), now + timedelta(minutes=2))
    with time_machine.travel(now + timedelta(days=6 * 365), tick=False):
        assert check(phone, *good, signed_between=order).personal_number == EVA


def test_a_quick_signature_is_of_the_orders_time(phone: Phone, good: tuple[bytes, bytes]) -> None:
    # OCSP tells whole seconds: the answer may seem to come before the order of the same second.
    produced = x509_ocsp.load_der_ocsp_response(good[1]).produced_at_utc
    order = (produced + timedelta(milliseconds=999), produced + timedelta(seconds=2))
    assert check(phone, *good, signed_between=order).signed_at == produced
