"""The timestamp authority that the demo and the tests have."""

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from pyhanko.sign.timestamps import HTTPTimeStamper

from simulators import timestamp
from simulators.certificates import Authority

THEN = datetime(2016, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def authority() -> Iterator[timestamp.Running]:
    running = timestamp.start(None)
    yield running
    running.stop()


def stamped_at(url: str) -> datetime:
    """The time of a timestamp that is asked for now."""
    digest = hashlib.sha256(b"a document").digest()
    token = asyncio.run(HTTPTimeStamper(url).async_timestamp(digest, "sha256"))
    told: datetime = token["content"]["encap_content_info"]["content"].parsed["gen_time"].native
    return told


def status_of(running: timestamp.Running, one: Authority, issuer: Authority) -> ocsp.OCSPResponse:
    asked = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(one.certificate, issuer.certificate, hashes.SHA1())
        .build()
        .public_bytes(serialization.Encoding.DER)
    )
    answer = httpx.post(f"{running.server.url}/ocsp", content=asked, trust_env=False)
    return ocsp.load_der_ocsp_response(answer.content)


def test_it_stamps_with_the_time_of_its_clock(authority: timestamp.Running) -> None:
    authority.answering.now = lambda: THEN
    assert stamped_at(authority.timestamp_url) == THEN


def test_it_answers_that_its_certificates_are_good(authority: timestamp.Running) -> None:
    made = authority.certificates
    answer = status_of(authority, made.seal, made.authority)
    assert answer.certificate_status is ocsp.OCSPCertStatus.GOOD


def test_it_answers_that_a_certificate_was_withdrawn(authority: timestamp.Running) -> None:
    made = authority.certificates
    authority.answering.revoked.add(made.seal.certificate.serial_number)
    answer = status_of(authority, made.seal, made.authority)
    assert answer.certificate_status is ocsp.OCSPCertStatus.REVOKED


def test_it_answers_nothing_about_certificates_of_others(authority: timestamp.Running) -> None:
    stranger = timestamp.make("http://127.0.0.1:1")
    answer = status_of(authority, stranger.seal, stranger.authority)
    assert answer.response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED


def test_its_certificates_are_made_once(tmp_path: Path) -> None:
    first = timestamp.ensure(tmp_path, "http://127.0.0.1:8110")
    again = timestamp.ensure(tmp_path, "http://127.0.0.1:8110")
    assert again.seal.certificate == first.seal.certificate


def test_a_stamping_certificate_is_for_nothing_else(authority: timestamp.Running) -> None:
    usage = authority.certificates.timestamp.certificate.extensions.get_extension_for_class(
        x509.ExtendedKeyUsage
    )
    assert usage.critical
    assert list(usage.value) == [x509.ExtendedKeyUsageOID.TIME_STAMPING]
