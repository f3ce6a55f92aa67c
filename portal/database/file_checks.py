"""Whether each stored file is still what was stored, and each that a row names is there.

A check reads the whole store, file by file in the order of their names, no faster than a pace. What
it has come to is kept as it goes, so that the next call goes on where a killed one was.
"""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import files, stores
from portal.database.base import Base, PrimaryKey
from portal.database.files import FileDamaged
from portal.extensions import db

DAMAGED, MISSING = "damaged", "missing"
EACH = timedelta(days=7)
# Bytes of files in a second.
PACE = 20_000_000
# So many are told one by one; of more, how many there are.
MOST_TOLD = 500
# All rows are looked through for each, and the names below one are held at a time.
_PREFIXES = "0123456789abcdef"
# After all names that begin as a prefix does.
_END = "~"
_BETWEEN_NOTES = 2.0
# Names the lock that one who checks holds.
_CHECKING = 0x7265_6466


class FileCheck(Base):
    """A check of all files, how far it has come and what it found.

    after: the name of the last file that was read. files, bytes: how many were read. damaged,
    missing: how many are. problems: each {sha256, what, named_by}, at most MOST_TOLD; named_by of
    {table, column, creditor_id, rows}. ended_at: None while it goes on.
    """

    __tablename__ = "file_checks"
    __table_args__ = (
        Index("uq_file_checks_going_on", text("(true)"), unique=True,
              postgresql_where=text("ended_at is null")),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    after: Mapped[str] = mapped_column(default="")
    files: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(default=0)
    damaged: Mapped[int] = mapped_column(default=0)
    missing: Mapped[int] = mapped_column(default=0)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)


def newest(limit: int = 10) -> list[FileCheck]:
    """The latest checks, the newest first."""
    return list(db.session.scalars(select(FileCheck).order_by(FileCheck.id.desc()).limit(limit)))


def last_ended() -> FileCheck | None:
    """The newest check that has come to its end."""
    return db.session.scalar(
        select(FileCheck)
        .where(FileCheck.ended_at.is_not(None))
        .order_by(FileCheck.id.desc())
        .limit(1)
    )


def run(
    now: Callable[[], datetime],
    *,
    is_stopping: Callable[[], bool] = lambda: False,
    pace: int = PACE,
    is_asked: bool = False,
) -> FileCheck | None:
    """Go on with the check that was begun, or begin one when the last is a week old.

    Commits as it goes. is_stopping: whether to stop at the next file. is_asked: begin one although
    it is not time. Answers the check when it has ended now, else None. To be called where all
    tenants' rows are seen; of two at once, the second does nothing.
    """
    with db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as alone:
        if not alone.scalar(select(func.pg_try_advisory_lock(_CHECKING))):
            return None
        try:
            check = _begun(now(), is_asked=is_asked)
            if check is None:
                return None
            return _go_on(check, _Reader(pace), now, is_stopping)
        finally:
            alone.execute(select(func.pg_advisory_unlock(_CHECKING)))


def _begun(now: datetime, *, is_asked: bool) -> FileCheck | None:
    last = db.session.scalar(select(FileCheck).order_by(FileCheck.id.desc()).limit(1))
    if last is not None and last.ended_at is None:
        return last
    if last is not None and last.began_at > now - EACH and not is_asked:
        return None
    check = FileCheck(began_at=now, after="", files=0, bytes=0, damaged=0, missing=0, problems=[])
    db.session.add(check)
    db.session.commit()
    return check


@dataclass
class _Reader:
    """Reads files no faster than a pace, in bytes a second."""

    pace: int

    def size(self, sha256: str) -> int:
        """How large a file is, read to its end. Raises FileDamaged."""
        size, began = 0, time.monotonic()
        for piece in files.stream(sha256):
            size += len(piece)
            time.sleep(max(size / self.pace - (time.monotonic() - began), 0))
        return size


def _go_on(
    check: FileCheck,
    reader: _Reader,
    now: Callable[[], datetime],
    is_stopping: Callable[[], bool],
) -> FileCheck | None:
    noted = time.monotonic()
    for prefix in _PREFIXES:
        if check.after > prefix + _END:
            continue
        there = set()
        for name in stores.store().names(prefix):
            there.add(name)
            if name <= check.after:
                continue
            _look_at(check, name, reader)
            if is_stopping():
                db.session.commit()
                return None
            if time.monotonic() - noted > _BETWEEN_NOTES:
                db.session.commit()
                noted = time.monotonic()
        if check.after < prefix + _END:
            _look_for(check, prefix, there)
            check.after = prefix + _END
    check.ended_at = now()
    db.session.commit()
    return check


def _look_at(check: FileCheck, name: str, reader: _Reader) -> None:
    # No transaction stays open while a large file is read.
    size = None
    try:
        size = reader.size(name)
    except FileDamaged:
        # Once more: a store that does not answer damages nothing. Gone meanwhile, nothing is wrong.
        try:
            size = reader.size(name)
        except FileDamaged:
            if stores.store().size(name) is not None:
                check.damaged += 1
                _tell(check, name, DAMAGED, files.naming(name))
    check.after = name
    if size is not None:
        check.files, check.bytes = check.files + 1, check.bytes + size


def _look_for(check: FileCheck, prefix: str, there: Collection[str]) -> None:
    lacking = {one.sha256 for one in files.naming(prefix)} - set(there)
    for sha256 in sorted(lacking):
        if stores.store().size(sha256) is None and (named := list(files.naming(sha256))):
            check.missing += 1
            _tell(check, sha256, MISSING, iter(named))


def _tell(check: FileCheck, sha256: str, what: str, named: Iterator[files.Naming]) -> None:
    if len(check.problems) >= MOST_TOLD:
        return
    told = [
        {"table": one.table, "column": one.column, "creditor_id": one.creditor_id, "rows": one.rows}
        for one in named
    ]
    check.problems = [*check.problems, {"sha256": sha256, "what": what, "named_by": told}]
