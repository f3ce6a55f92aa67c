"""Slows down whoever guesses at a door, in the database, so that every server counts alike.

Five wrong guesses are free; each further one doubles the wait, from a minute to a day. What is
counted is the thing guessed at (also when it does not exist, so that a lock tells nothing) and
the address guessed from, each by keyed hash.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.models import AccessAttempt

FREE = 5
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(days=1)
# Old failures no longer count.
FORGOTTEN_AFTER = timedelta(days=1)


def wait_for(failures: int) -> timedelta:
    """How long the door stays shut after so many failures."""
    if failures < FREE:
        return timedelta()
    return min(FIRST_WAIT * 2 ** min(failures - FREE, 20), LONGEST_WAIT)


def locked_until(keys: list[str], now: datetime) -> datetime | None:
    """When the last of these keys' locks ends, or None when none of them is locked."""
    hashes = [lookup_hash(key) for key in keys]
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
    key_hash = lookup_hash(key)
    db.session.execute(
        insert(AccessAttempt)
        .values(key_hash=key_hash, failures=0, failed_at=now)
        .on_conflict_do_nothing()
    )
    row = db.session.scalars(
        select(AccessAttempt).where(AccessAttempt.key_hash == key_hash).with_for_update()
        .execution_options(populate_existing=True)
    ).one()  # fmt: skip
    is_old = now - row.failed_at > FORGOTTEN_AFTER and not (
        row.locked_until and row.locked_until > now
    )
    row.failures = 1 if is_old else row.failures + 1
    row.failed_at = now
    row.locked_until = now + wait_for(row.failures) if row.failures >= FREE else None
    db.session.flush()


def succeeded(key: str) -> None:
    """Forget a key's wrong guesses: whoever came in knew what to say."""
    db.session.execute(delete(AccessAttempt).where(AccessAttempt.key_hash == lookup_hash(key)))


def forget_old(now: datetime) -> None:
    """Delete what no longer counts."""
    db.session.execute(
        delete(AccessAttempt).where(
            AccessAttempt.failed_at < now - FORGOTTEN_AFTER,
            (AccessAttempt.locked_until.is_(None)) | (AccessAttempt.locked_until < now),
        )
    )
