"""What is read for an answer, noted while it is made, and read again to see whether it still holds.

An answer that is made of nothing but what some statements read is the same for as long as each of
them reads the same. Nobody has to know what the answer tells, nor of what: every statement of the
transaction is noted as it is sent, and so is all that it read, as it came from the database.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from flask import Flask
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection, event

from portal.database import tenancy
from portal.database.reading import reading
from portal.extensions import db

_noting: ContextVar["Reads | None"] = ContextVar("reda_reads", default=None)


class Reads:
    """What was read in one scope.

    is_whole: whether it is all that was read meanwhile, and can be read again.
    """

    def __init__(self, connection: Connection) -> None:
        self.is_whole = True
        self._connection: Connection | None = connection
        self._scope = tenancy.current()
        self._asked: list[tuple[str, Mapping[str, Any]]] = []
        self._found: list[bytes] = []

    def spoil(self) -> None:
        """Something else was read, too."""
        self.is_whole = False

    def note(self, connection: Connection, statement: str, values: Any, found: PGresult) -> None:
        """Note a statement that was asked just now, and what it found."""
        is_ours = connection is self._connection and tenancy.current() == self._scope
        if not is_ours or not statement.lstrip().lower().startswith("select"):
            self.spoil()
        self._asked.append((statement, values))
        self._found.append(_digest(found))

    def end(self) -> None:
        """Nothing more is noted."""
        self._connection = None

    def still_hold(self) -> bool:
        """Whether all is as it was, to whoever asks now."""
        try:
            with reading() as connection, connection.pipeline():
                connection.execute(tenancy.APPLY, tenancy.as_sent(tenancy.current()), prepare=True)
                found = [connection.execute(*one, prepare=True) for one in self._asked]
        except psycopg.Error:
            # Whoever asks for it in earnest is told why.
            return False
        return [_digest(one.pgresult) for one in found] == self._found


def _digest(found: PGresult | None) -> bytes:
    assert found is not None
    digest = hashlib.sha256()
    for row in range(found.ntuples):
        for column in range(found.nfields):
            value = found.get_value(row, column)
            digest.update(b"-" if value is None else b"%d:%b" % (len(value), value))
    return digest.digest()


@contextmanager
def noted() -> Iterator[Reads]:
    """Note all that is read meanwhile."""
    reads = Reads(db.session.connection())
    before = _noting.set(reads)
    try:
        yield reads
    finally:
        _noting.reset(before)
        reads.end()


def init_app(app: Flask) -> None:
    """Note every statement that the application asks."""
    with app.app_context():
        engine = db.engine

    @event.listens_for(engine, "after_cursor_execute")
    def _note(
        connection: Connection, cursor: Any, statement: str, values: Any, context: Any, many: bool
    ) -> None:
        reads = _noting.get()
        if reads is not None:
            reads.note(connection, statement, values, cursor.pgresult)
