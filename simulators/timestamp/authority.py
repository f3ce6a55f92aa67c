"""The authority's certificates: a root, below it a CA, and of that one a seal and a timestamper."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from simulators import certificates
from simulators.certificates import Authority

_LEFT_AT_LEAST = timedelta(days=1)


@dataclass(frozen=True)
class Certificates:
    """The chain. root issues authority, which issues the other two."""

    root: Authority
    authority: Authority
    seal: Authority
    timestamp: Authority


def make(address: str, *, at: datetime | None = None) -> Certificates:
    """New certificates; nothing is written.

    address: where the simulator answers, such as http://127.0.0.1:8110. at: when they are issued.
    """
    answers_at = f"{address}/ocsp"
    root = certificates.make_authority("Seal simulator root CA", at=at)
    authority = certificates.make_authority(
        "Seal simulator CA", root, at=at, extensions=[certificates.ocsp_address(answers_at)]
    )
    return Certificates(
        root,
        authority,
        certificates.issue_seal(authority, answers_at, at=at),
        certificates.issue_timestamper(authority, answers_at, at=at),
    )


def ensure(folder: Path, address: str) -> Certificates:
    """Those in a folder, made when they are absent or soon end; safe from several processes."""
    folder.mkdir(parents=True, exist_ok=True)
    with certificates.alone_in(folder):
        found = _read(folder)
        if found is None:
            found = make(address)
            for name, one in _named(found):
                one.save(folder / f"{name}.pem", folder / f"{name}_key.pem")
            # What a seal carries of its chain, the root left out.
            (folder / "seal_chain.pem").write_bytes(
                found.authority.certificate.public_bytes(serialization.Encoding.PEM)
            )
    return found


def _named(made: Certificates) -> list[tuple[str, Authority]]:
    names = {"root": "seal_root", "authority": "seal_authority"}
    return [(names.get(one.name, one.name), getattr(made, one.name)) for one in fields(made)]


def _read(folder: Path) -> Certificates | None:
    try:
        found = Certificates(
            *(
                Authority.load(folder / f"{name}.pem", folder / f"{name}_key.pem")
                for name in ("seal_root", "seal_authority", "seal", "timestamp")
            )
        )
    except FileNotFoundError:
        return None
    soon = datetime.now(UTC) + _LEFT_AT_LEAST
    is_good = all(one.certificate.not_valid_after_utc > soon for _, one in _named(found))
    return found if is_good else None
