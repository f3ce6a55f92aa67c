"""Slows down whoever guesses at a door, in the database, so that every server counts alike.

Some wrong guesses are free; each further one doubles the wait. What is counted is the thing guessed
at (also when it does not exist, so that a lock tells nothing) and the address guessed from, each by
keyed hash. A key begins with what it is: `case:`, `address:`. `docs/security.md` tells what odds
that leaves to a guesser.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.models import AccessAttempt

log = structlog.get_logger()
FIRST_WAIT = timedelta(minutes=1)


@dataclass(frozen=True)
class Patience:
    """How a door takes wrong guesses.

    free: as many, one less, shut nothing. longest_wait: that a guesser ever has between two.
    forgotten_after: as long after the door has opened again, all is forgotten. It must be so much
    longer than the longest wait that nobody guesses more often by letting it pass.
    """

    free: int
    longest_wait: timedelta
    forgotten_after: timedelta


# What is guessed at is one person's: they lose little by the wait, and have other ways in.
PATIENCE = Patience(5, timedelta(days=1), timedelta(days=90))
# Behind one address may be a whole town on its telephones, and nobody there is the one who guesses.
_OF_ADDRESSES = Patience(10, timedelta(hours=2), timedelta(days=1))
FREE = PATIENCE.free


def patience(key: str) -> Patience:
    """How the door takes wrong guesses that are counted by such a key."""
    return _OF_ADDRESSES if key.startswith("address:") else PATIENCE


def wait_for(failures: int, patience: Patience = PATIENCE) -> timedelta:
    """How long the door stays shut after so many failures."""
    if failures < patience.free:
        return timedelta()
    return min(FIRST_WAIT * 2 ** min(failures - patience.free, 20), patience.longest_wait)


def locked_until(keys: list[str], now: datetime) -> datetime | None:
    """When the last of these keys' locks ends, or None when none of them is locked."""
    hashes = [_hash(key) for key in keys]
    found = db.session.scalars(
        select(AccessAttempt.locked_until).where(
            AccessAttempt.key_hash.in_(hashes), AccessAttempt.locked_until > now
        )
    ).all()
    return max((until for until in found if until), default=None)


def failed(keys: list[str], now: datetime) -> None:
    """Count a wrong guess against each key."""
    # In one order always, so that two guesses at once do not wait for each other for ever.
    for key in sorted(keys):
        _failed_once(key, now)


def _failed_once(key: str, now: datetime) -> None:
    key_hash, taken = _hash(key), patience(key)
    db.session.execute(
        insert(AccessAttempt)
        .values(key_hash=key_hash, failures=0, failed_at=now, forgotten_at=now)
        .on_conflict_do_nothing()
    )
    row = db.session.scalars(
        select(AccessAttempt).where(AccessAttempt.key_hash == key_hash).with_for_update()
        .execution_options(populate_existing=True)
    ).one()  # fmt: skip
    row.failures = 1 if row.forgotten_at < now else row.failures + 1
    wait = wait_for(row.failures, taken)
    row.failed_at = now
    row.locked_until = now + wait if wait else None
    row.forgotten_at = now + wait + taken.forgotten_after
    if wait == taken.longest_wait:
        log.warning("guesses.many", at=key.partition(":")[0], failures=row.failures)
    db.session.flush()


def succeeded(key: str) -> None:
    """Forget a key's wrong guesses: whoever came in knew what to say."""
    db.session.execute(delete(AccessAttempt).where(AccessAttempt.key_hash == _hash(key)))


def forget_old(now: datetime) -> None:
    """Delete what no longer counts."""
    db.session.execute(delete(AccessAttempt).where(AccessAttempt.forgotten_at < now))


def _hash(key: str) -> bytes:
    return lookup_hash(_of_a_network(key) if key.startswith("address:") else key)


def _of_a_network(key: str) -> str:
    """An address as one subscriber's: of IPv6 they have at least 2**64, and may use each once."""
    try:
        address = ipaddress.ip_address(key.partition(":")[2])
    except ValueError:
        return key
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return f"address:{address.ipv4_mapped}"
        return f"address:{ipaddress.ip_network((address, 64), strict=False)}"
    return f"address:{address}"
