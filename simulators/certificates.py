"""Every certificate that the simulators and the portal need on one machine, none of them worth
anything elsewhere.

`python -m simulators.certificates FOLDER` makes what is absent. File names are those of the fields
of `Certificates`, ending in .pem for a certificate and _key.pem for its private key.

The shape of the BankID chain (root, bank, the bank's customer CA, person; four levels, of which a
signature carries the lower three) is that of the test certificates that BankID publishes; see
https://developers.bankid.com.
"""

import argparse
import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

SWISH_PAYEE_ALIAS = "1230000001"
# Arc 1.2.3.4 is the one that BankID's own test certificates use; .25 marks a mobile BankID there.
TEST_POLICY = ObjectIdentifier("1.2.3.4.25")

_LIFETIME = timedelta(days=3650)
_PERSON_LIFETIME = timedelta(days=1825)
_SEAL_LIFETIME = timedelta(days=1095)
_KEY_BITS = 2048


@dataclass(frozen=True)
class Certificates:
    """Where each certificate (PEM) and private key (PEM, not encrypted) lies."""

    folder: Path
    # Signs the certificates of all simulated servers: what the portal trusts for TLS.
    tls_ca: Path
    tls_ca_key: Path
    bankid_server: Path
    bankid_server_key: Path
    swish_server: Path
    swish_server_key: Path
    # Sign the client certificates: what the simulated servers demand of the portal.
    bankid_client_ca: Path
    bankid_client_ca_key: Path
    swish_client_ca: Path
    swish_client_ca_key: Path
    # What the portal shows when it calls.
    bankid_client: Path
    bankid_client_key: Path
    swish_client: Path
    swish_client_key: Path
    # Signs the payload of a Swish payout.
    swish_signing: Path
    swish_signing_key: Path
    # The people's side of BankID: root, bank, the bank's customer CA, its OCSP responder.
    bankid_root: Path
    bankid_root_key: Path
    bankid_bank: Path
    bankid_bank_key: Path
    bankid_customers: Path
    bankid_customers_key: Path
    bankid_ocsp: Path
    bankid_ocsp_key: Path


@dataclass(frozen=True)
class Authority:
    """A certificate and the key that goes with it."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @classmethod
    def load(cls, certificate: Path, key: Path) -> "Authority":
        """Read both from PEM files."""
        loaded = serialization.load_pem_private_key(key.read_bytes(), None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise TypeError(f"{key.name} is not an RSA key")
        return cls(x509.load_pem_x509_certificate(certificate.read_bytes()), loaded)

    def save(self, certificate: Path, key: Path) -> None:
        """Write both as PEM; the key is readable for the owner only."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write(key, pem, 0o600)
        _write(certificate, self.certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def ensure(folder: Path) -> Certificates:
    """Make the certificates in `folder` unless all are there; answer where they lie.

    Safe to call from several processes at once. When one is missing or has less than a day left,
    the whole set is made anew, so that no leaf outlives its issuer.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = [f.name for f in fields(Certificates) if f.name != "folder"]
    paths = Certificates(folder, **{name: folder / f"{name}.pem" for name in names})
    with alone_in(folder):
        if not _complete(paths, names):
            for old in (folder / "people").glob("*.pem"):
                old.unlink()
            _make_tls(paths)
            _make_bankid(paths)
    return paths


def ensure_person(
    certificates: Certificates,
    personal_number: str,
    given_name: str,
    surname: str,
) -> Authority:
    """The BankID of one person: certificate and key, made when absent or expired.

    personal_number: twelve digits, in the subject as serialNumber.
    """
    if not re.fullmatch(r"\d{12}", personal_number):
        raise ValueError("a personal identity number has twelve digits")
    folder = certificates.folder / "people"
    certificate, key = folder / f"{personal_number}.pem", folder / f"{personal_number}_key.pem"
    with alone_in(certificates.folder):
        folder.mkdir(exist_ok=True)
        if certificate.exists() and key.exists():
            known = Authority.load(certificate, key)
            if known.certificate.not_valid_after_utc > datetime.now(UTC):
                return known
        made = issue_person(
            Authority.load(certificates.bankid_customers, certificates.bankid_customers_key),
            personal_number,
            given_name,
            surname,
        )
        made.save(certificate, key)
    return made


def issue_person(
    issuer: Authority,
    personal_number: str,
    given_name: str,
    surname: str,
    *,
    at: datetime | None = None,
) -> Authority:
    """A new BankID for one person from the given customer CA; nothing is written.

    at: when it is issued; default now.
    """
    subject = _name(
        (NameOID.COUNTRY_NAME, "SE"),
        (NameOID.ORGANIZATION_NAME, "Testbank R AB (publ)"),
        (NameOID.SURNAME, surname),
        (NameOID.GIVEN_NAME, given_name),
        (NameOID.SERIAL_NUMBER, personal_number),
        (NameOID.COMMON_NAME, f"{given_name} {surname}"),
    )
    return _issue(
        subject,
        issuer,
        lifetime=_PERSON_LIFETIME,
        usage=_usage(digital_signature=True, content_commitment=True),
        extensions=[
            x509.CertificatePolicies([x509.PolicyInformation(TEST_POLICY, None)]),
            ocsp_address("http://127.0.0.1/ocsp"),
        ],
        at=at,
    )


def make_authority(
    common_name: str,
    issuer: Authority | None = None,
    *,
    at: datetime | None = None,
    extensions: list[x509.ExtensionType] | None = None,
) -> Authority:
    """A new CA, self-signed unless an issuer is given; nothing is written. at: default now."""
    return _issue(
        _our_name(common_name),
        issuer,
        lifetime=_LIFETIME,
        usage=_usage(key_cert_sign=True, crl_sign=True),
        is_authority=True,
        extensions=extensions,
        at=at,
    )


def make_ocsp_responder(issuer: Authority, *, at: datetime | None = None) -> Authority:
    """A new delegated OCSP responder of the given CA (RFC 6960 section 4.2.2.2)."""
    return _issue(
        _our_name("Testbank R OCSP responder for BankID simulator"),
        issuer,
        lifetime=_LIFETIME,
        usage=_usage(digital_signature=True),
        extensions=[
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]),
            x509.OCSPNoCheck(),
        ],
        at=at,
    )


def issue_seal(issuer: Authority, answers_at: str, *, at: datetime | None = None) -> Authority:
    """A new certificate of an organisation that seals documents; nothing is written.

    answers_at: where the issuer tells whether it is still good (OCSP). at: when it is issued.
    """
    subject = _name(
        (NameOID.COUNTRY_NAME, "SE"),
        (NameOID.ORGANIZATION_NAME, "Reda Inkasso AB"),
        (NameOID.ORGANIZATION_IDENTIFIER, "NTRSE-5560000167"),
        (NameOID.COMMON_NAME, "Reda Inkasso AB"),
    )
    return _issue(
        subject,
        issuer,
        lifetime=_SEAL_LIFETIME,
        usage=_usage(digital_signature=True, content_commitment=True),
        extensions=[ocsp_address(answers_at)],
        at=at,
    )


def issue_timestamper(
    issuer: Authority,
    answers_at: str,
    *,
    at: datetime | None = None,
    lifetime: timedelta = _LIFETIME,
) -> Authority:
    """A new certificate of a timestamp authority (RFC 3161); nothing is written."""
    return _issue(
        _our_name("Timestamp simulator"),
        issuer,
        lifetime=lifetime,
        usage=_usage(digital_signature=True),
        extensions=[
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]),
            ocsp_address(answers_at),
        ],
        at=at,
    )


def ocsp_address(answers_at: str) -> x509.AuthorityInformationAccess:
    """Tells where an issuer answers about its certificates (OCSP)."""
    return x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(
                AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(answers_at)
            )
        ]
    )


def _make_tls(paths: Certificates) -> None:
    servers = make_authority("Simulated servers CA")
    servers.save(paths.tls_ca, paths.tls_ca_key)
    for name in ("bankid", "swish"):
        server = _issue(
            _name((NameOID.COMMON_NAME, "localhost")),
            servers,
            lifetime=_LIFETIME,
            usage=_usage(digital_signature=True, key_encipherment=True),
            extensions=[
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
                x509.SubjectAlternativeName(
                    [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
                ),
            ],
        )
        server.save(getattr(paths, f"{name}_server"), getattr(paths, f"{name}_server_key"))
        clients = make_authority(f"{name.capitalize()} simulator clients CA")
        clients.save(getattr(paths, f"{name}_client_ca"), getattr(paths, f"{name}_client_ca_key"))
        client = _issue_client(clients, "Reda Inkasso" if name == "bankid" else SWISH_PAYEE_ALIAS)
        client.save(getattr(paths, f"{name}_client"), getattr(paths, f"{name}_client_key"))
        if name == "swish":
            signing = _issue_client(clients, SWISH_PAYEE_ALIAS)
            signing.save(paths.swish_signing, paths.swish_signing_key)


def _issue_client(issuer: Authority, common_name: str) -> Authority:
    subject = _name(
        (NameOID.COUNTRY_NAME, "SE"),
        (NameOID.ORGANIZATION_NAME, "Testbank R AB (publ)"),
        (NameOID.SERIAL_NUMBER, "5560000167"),
        (NameOID.COMMON_NAME, common_name),
    )
    return _issue(
        subject,
        issuer,
        lifetime=_LIFETIME,
        usage=_usage(digital_signature=True),
        extensions=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])],
    )


def _make_bankid(paths: Certificates) -> None:
    root = make_authority("BankID simulator root CA")
    root.save(paths.bankid_root, paths.bankid_root_key)
    bank = make_authority("Testbank R CA for BankID simulator", root)
    bank.save(paths.bankid_bank, paths.bankid_bank_key)
    customers = make_authority("Testbank R customer CA for BankID simulator", bank)
    customers.save(paths.bankid_customers, paths.bankid_customers_key)
    make_ocsp_responder(customers).save(paths.bankid_ocsp, paths.bankid_ocsp_key)


def _issue(
    subject: x509.Name,
    issuer: Authority | None,
    *,
    lifetime: timedelta,
    usage: x509.KeyUsage,
    extensions: list[x509.ExtensionType] | None = None,
    is_authority: bool = False,
    at: datetime | None = None,
) -> Authority:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    signing_key = issuer.key if issuer else key
    now = at or datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks differ; a certificate from this very second would be refused next door.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + lifetime)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
    )
    for extension in extensions or []:
        builder = builder.add_extension(extension, critical=_is_critical(extension))
    return Authority(builder.sign(signing_key, hashes.SHA256()), key)


def _is_critical(extension: x509.ExtensionType) -> bool:
    # A timestamp authority's purpose must be (RFC 3161 section 2.3).
    return isinstance(extension, x509.ExtendedKeyUsage) and (
        ExtendedKeyUsageOID.TIME_STAMPING in extension
    )


def _usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _name(*parts: tuple[ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts])


def _our_name(common_name: str) -> x509.Name:
    return _name(
        (NameOID.COUNTRY_NAME, "SE"),
        (NameOID.ORGANIZATION_NAME, "Reda simulators"),
        (NameOID.COMMON_NAME, common_name),
    )


def _complete(paths: Certificates, names: list[str]) -> bool:
    if not all(getattr(paths, name).exists() for name in names):
        return False
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    return all(
        x509.load_pem_x509_certificate(getattr(paths, name).read_bytes()).not_valid_after_utc
        > tomorrow
        for name in names
        if not name.endswith("_key")
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from making certificates in a folder meanwhile."""
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Make the certificates in the folder named on the command line and print their names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    paths = ensure(parser.parse_args().folder)
    for field in fields(paths):
        print(f"{field.name}: {getattr(paths, field.name)}")


if __name__ == "__main__":
    main()
