"""Tests of two who do the same at once: one goes on when the other waits for it."""

from collections.abc import Callable
from time import monotonic, sleep

from sqlalchemy import text

from portal.extensions import db

_LONGEST_SECONDS = 60
_WAITS = text(
    "select exists (select from pg_stat_activity"
    " where datname = current_database() and wait_event_type = 'Lock')"
)
# A transaction keeps what it has once seen of other sessions.
_ANEW = text("select pg_stat_clear_snapshot()")


def until_somebody_waits(goes_on: Callable[[], bool] = lambda: True) -> None:
    """Until another session of the database waits for a lock.

    goes_on: whether the other is at work still; when it is done, it waits for nothing. Raises
    AssertionError when nobody has waited for long.
    """
    until = monotonic() + _LONGEST_SECONDS
    while goes_on():
        db.session.execute(_ANEW)
        if db.session.scalar(_WAITS):
            return
        assert monotonic() < until, "Nobody waits for a lock."
        sleep(0.02)
