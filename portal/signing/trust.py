"""Whom we trust when a sealed file is verified, and what we seal with, as the settings tell it."""

from dataclasses import dataclass
from pathlib import Path

from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from portal.config import Settings
from portal.signing.seals import Sealer

_DER = serialization.Encoding.DER


@dataclass(frozen=True)
class Trust:
    """Certificates that count, those of years ago among them.

    seals: those that we seal or have sealed with; whoever else has one of the same CA is not us.
    seal_roots, timestamp_roots, bankid_roots: CAs that seals, timestamps and people lead up to.
    """

    seals: tuple[asn1_x509.Certificate, ...]
    seal_roots: tuple[asn1_x509.Certificate, ...]
    timestamp_roots: tuple[asn1_x509.Certificate, ...]
    bankid_roots: tuple[x509.Certificate, ...]


def trust_of(settings: Settings) -> Trust:
    """What the settings say. Raises OSError and ValueError when a file of theirs cannot be read."""
    seals = [*_read(settings.certificate("seal_certificate"))]
    if settings.seal_earlier:
        seals += _read(Path(settings.seal_earlier))
    people = settings.certificate("bankid_roots").read_bytes()
    return Trust(
        tuple(seals),
        tuple(_read(settings.certificate("seal_roots"))),
        tuple(_read(settings.certificate("timestamp_roots"))),
        tuple(x509.load_pem_x509_certificates(people)),
    )


def sealer_of(settings: Settings) -> Sealer:
    """What the settings say that we seal with. Raises as `trust_of`."""
    key = serialization.load_pem_private_key(settings.certificate("seal_key").read_bytes(), None)
    der = key.private_bytes(
        _DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
    # In development the chain lies beside the rest; in production there may be none.
    has_chain = settings.seal_chain or not settings.is_production
    return Sealer(
        keys.PrivateKeyInfo.load(der),
        _read(settings.certificate("seal_certificate"))[0],
        _read(settings.certificate("seal_chain")) if has_chain else [],
        [
            *_read(settings.certificate("seal_roots")),
            *_read(settings.certificate("timestamp_roots")),
        ],
        settings.timestamp_url,
    )


def _read(path: Path) -> list[asn1_x509.Certificate]:
    return [
        asn1_x509.Certificate.load(one.public_bytes(_DER))
        for one in x509.load_pem_x509_certificates(path.read_bytes())
    ]
