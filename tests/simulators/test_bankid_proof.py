"""What the simulator signs is a BankID signature to a checker that we have not written."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509 import ocsp

from portal.signing.bankid_signature import SignatureRejected, VerifiedSignature, verify
from tests.bankid_fixtures import Phone
from tests.factories import EVA

TEXT = "# Avtal\n\n+ Kund: Norrsken"
Checker = Callable[[Phone, dict[str, object]], str]


def signed(phone: Phone, fault: str | None = None) -> dict[str, object]:
    if fault:
        phone.control("next", fault=fault)
    order = phone.client.sign(
        visible=TEXT,
        non_visible=b"{}",
        personal_number=EVA,
        end_user_ip="127.0.0.1",
        return_url="http://127.0.0.1/return?nonce=x",
        user_agent="test",
    )
    phone.approve(order.order_ref, EVA)
    completion = phone.client.collect(order.order_ref).completion
    assert completion is not None
    return completion


@pytest.fixture
def pybankid(monkeypatch: pytest.MonkeyPatch) -> Checker:
    """pybankid's own checker, from its extra `signature-verification`."""
    crypto = pytest.importorskip("OpenSSL.crypto")

    def check_bytes(certificate, signature: bytes, data: bytes, digest: str) -> None:
        algorithm = {"sha1": hashes.SHA1, "sha256": hashes.SHA256}[digest]()
        key = certificate.to_cryptography().public_key()
        try:
            key.verify(signature, data, padding.PKCS1v15(), algorithm)
        except InvalidSignature:
            raise crypto.Error from None

    # pybankid calls a function that pyOpenSSL took away in its version 24.3.
    monkeypatch.setattr(crypto, "verify", check_bytes, raising=False)
    from bankid.experimental.verify import verify_bankid_response

    def check(phone: Phone, completion: dict[str, object]) -> str:
        root = phone.simulator.certificates.bankid_root.read_text()
        return verify_bankid_response({"completionData": completion}, BANK_ID_ROOT_CERT=root)

    return check


def ours(phone: Phone, completion: dict[str, object]) -> VerifiedSignature:
    now, minute = datetime.now(UTC), timedelta(minutes=1)
    root = phone.simulator.certificates.bankid_root.read_bytes()
    return verify(
        base64.b64decode(completion["signature"]),
        base64.b64decode(completion["ocspResponse"]),
        roots=x509.load_pem_x509_certificates(root),
        expected_visible=TEXT.encode(),
        expected_non_visible=b"{}",
        expected_personal_number=EVA,
        signed_between=(now - minute, now + minute),
    )


def test_pybankid_and_we_accept_the_same_signature(phone: Phone, pybankid: Checker) -> None:
    completion = signed(phone)
    assert pybankid(phone, completion)
    assert ours(phone, completion).personal_number == EVA


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("forgedSignature", "The BankID signature is not valid"),
        ("untrustedRoot", "chain could not be verified"),
        ("ocspOtherSignature", "nonce not matching"),
    ],
)
def test_pybankid_and_we_refuse_the_same_forgery(
    phone: Phone, pybankid: Checker, fault: str, told: str
) -> None:
    completion = signed(phone, fault)
    with pytest.raises(AssertionError, match=told):
        pybankid(phone, completion)
    with pytest.raises(SignatureRejected):
        ours(phone, completion)


def test_in_a_demo_that_travels_in_time_a_signature_is_of_the_demos_day(
    phone: Phone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = tmp_path / "clock"
    ahead.write_text("86400")
    monkeypatch.setenv("REDA_CLOCK_FILE", str(ahead))
    completion = signed(phone)
    told = ocsp.load_der_ocsp_response(base64.b64decode(completion["ocspResponse"]))
    assert told.produced_at_utc > datetime.now(UTC) + timedelta(hours=23)
