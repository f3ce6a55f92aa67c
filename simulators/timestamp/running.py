"""The timestamp authority, started and stopped."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from asn1crypto import keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from flask import Flask, Response, request
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from simulators import moments, serving
from simulators.certificates import Authority
from simulators.timestamp import authority
from simulators.timestamp.authority import Certificates

_DER = serialization.Encoding.DER


@dataclass
class Answering:
    """How it answers. now: its clock. stamper: the certificate that it stamps with.

    revoked: serial numbers of certificates that it withdrew.
    """

    now: Callable[[], datetime]
    stamper: Authority
    revoked: set[int]


@dataclass(frozen=True)
class Running:
    """A running simulator. answering: may be changed while it runs."""

    certificates: Certificates
    answering: Answering
    server: serving.Server

    @property
    def timestamp_url(self) -> str:
        """Where timestamps are asked for."""
        return f"{self.server.url}/timestamp"

    def stamp_with(self, stamper: Authority) -> None:
        """Stamp with another certificate of the same authority."""
        self.answering.stamper = stamper

    def stop(self) -> None:
        """Answer nothing more."""
        self.server.stop()


def start(
    folder: Path | None,
    *,
    port: int = 0,
    now: Callable[[], datetime] = moments.now,
) -> Running:
    """Start on the loopback interface; port 0 takes a free one.

    folder: of its certificates; None: new ones, as old as its clock says.
    """
    pages = Flask(__name__)
    server = serving.serve(pages, "127.0.0.1", port)
    url = server.url
    made = authority.ensure(folder, url) if folder else authority.make(url, at=now())
    answering = Answering(now, made.timestamp, set())
    _add_pages(pages, made, answering)
    return Running(made, answering, server)


def _add_pages(pages: Flask, made: Certificates, answering: Answering) -> None:
    @pages.get("/")
    def say() -> str:
        return "Timestamp simulator"

    @pages.post("/timestamp")
    def timestamp() -> Response:
        answer = _stamp(tsp.TimeStampReq.load(request.get_data()), made, answering)
        return Response(answer.dump(), mimetype="application/timestamp-reply")

    @pages.post("/ocsp")
    def tell() -> Response:
        answer = _status(request.get_data(), made, answering)
        return Response(answer.public_bytes(_DER), mimetype="application/ocsp-response")


def _stamp(asked: tsp.TimeStampReq, made: Certificates, answering: Answering) -> tsp.TimeStampResp:
    certificate, issuer = (
        asn1_x509.Certificate.load(one.certificate.public_bytes(_DER))
        for one in (answering.stamper, made.authority)
    )
    key = keys.PrivateKeyInfo.load(
        answering.stamper.key.private_bytes(
            _DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    chain = SimpleCertificateStore.from_certs([issuer])
    stamper = DummyTimeStamper(certificate, key, chain, fixed_dt=answering.now())
    return stamper.request_tsa_response(asked)


def _status(asked: bytes, made: Certificates, answering: Answering) -> ocsp.OCSPResponse:
    about = ocsp.load_der_ocsp_request(asked)
    issuers = {made.authority: made.root}
    issuers |= dict.fromkeys((made.seal, made.timestamp, answering.stamper), made.authority)
    for one, issuer in issuers.items():
        if one.certificate.serial_number == about.serial_number:
            return _answer(one.certificate, issuer, about.hash_algorithm, answering)
    return ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)


def _answer(
    certificate: x509.Certificate,
    issuer: Authority,
    algorithm: hashes.HashAlgorithm,
    answering: Answering,
) -> ocsp.OCSPResponse:
    now = answering.now()
    is_revoked = certificate.serial_number in answering.revoked
    return (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=certificate,
            issuer=issuer.certificate,
            algorithm=algorithm,
            cert_status=ocsp.OCSPCertStatus.REVOKED if is_revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=now,
            next_update=now + timedelta(minutes=10),
            revocation_time=now - timedelta(days=1) if is_revoked else None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate)
        .sign(issuer.key, hashes.SHA256())
    )
