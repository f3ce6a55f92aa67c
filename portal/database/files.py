"""Files kept by the SHA-256 of their content, encrypted, in a store (`stores`).

A small file is one encrypted piece. A large one is written and read in pieces, so that no more
than one of them is in memory; each piece is preceded by its length.
"""

import hashlib
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BufferedWriter
from pathlib import Path
from typing import IO, Any

from cryptography.fernet import MultiFernet
from flask import current_app
from sqlalchemy import (
    BigInteger,
    Column,
    any_,
    cast,
    func,
    literal,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONPATH
from sqlalchemy.types import Text

from portal.config import Settings
from portal.database import stores
from portal.database.base import Base
from portal.database.encryption import cipher, encrypt
from portal.extensions import db

# What a file in pieces begins with; one piece alone begins as Fernet's tokens do.
_IN_PIECES = b"REDA1\n"
_PIECE = 1 << 20
_LENGTH = 4
# Of a column whose JSON holds hashes of files: SQL that says in which rows it does.
NAMES_FILES = "names_files"
# Of such a column: the SQL/JSON path to them.
FILES_AT = "files_at"
# Of a column named …sha256 that holds the hash of something that is no file.
NO_FILE = "no_file"


class FileDamaged(Exception):
    """A stored file is missing or is no longer what was stored."""


def _parts() -> Path:
    """Where files are written until they are whole."""
    settings: Settings = current_app.extensions["reda_settings"]
    folder = settings.var / "files" / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def store(data: bytes) -> str:
    """Keep a file; answers its SHA-256 in hex. Storing the same bytes again changes nothing.

    Written whole before the transaction that names it commits: a file without a row is harmless,
    a row without a file is not.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    if not stores.store().note_use(sha256):
        with _finished_part() as (out, path):
            out.write(encrypt(data))
            _end(out)
            stores.store().take(sha256, path)
    return sha256


@contextmanager
def _finished_part() -> Iterator[tuple[BufferedWriter, Path]]:
    handle, temporary = tempfile.mkstemp(dir=_parts())
    try:
        with os.fdopen(handle, "wb") as out:
            yield out, Path(temporary)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _end(out: BufferedWriter) -> None:
    out.flush()
    os.fsync(out.fileno())


class Writer:
    """A file that is being kept, piece by piece. size: bytes so far. sha256: at its end."""

    def __init__(self, out: BufferedWriter, cipher: MultiFernet) -> None:
        self._out, self._cipher = out, cipher
        self._hash, self._waiting = hashlib.sha256(), bytearray()
        self.size = 0
        self.sha256 = ""

    def write(self, data: bytes) -> int:
        """Add bytes; answers how many."""
        self._hash.update(data)
        self._waiting += data
        self.size += len(data)
        while len(self._waiting) >= _PIECE:
            self._put(bytes(self._waiting[:_PIECE]))
            del self._waiting[:_PIECE]
        return len(data)

    def flush(self) -> None:
        """Nothing: what is written to it as to any file may ask for it."""

    def _put(self, piece: bytes) -> None:
        token = self._cipher.encrypt(piece)
        self._out.write(len(token).to_bytes(_LENGTH, "big") + token)

    def _end(self) -> None:
        if self._waiting:
            self._put(bytes(self._waiting))
        self.sha256 = self._hash.hexdigest()


@contextmanager
def writing() -> Iterator[Writer]:
    """Keep a file of any size, written to the writer; its hash is known when the block has ended.

    When the block raises, nothing is kept.
    """
    with _finished_part() as (out, path):
        out.write(_IN_PIECES)
        writer = Writer(out, cipher())
        yield writer
        writer._end()
        _end(out)
        if not stores.store().note_use(writer.sha256):
            stores.store().take(writer.sha256, path)


def read(sha256: str) -> bytes:
    """The file's bytes. Raises FileDamaged when they are not the ones that were stored."""
    return b"".join(stream(sha256))


def stream(sha256: str) -> Iterator[bytes]:
    """The file's bytes, piece by piece; what is asked for later needs no application any more.

    Raises FileDamaged, when it is missing at once, else at the latest after the last piece.
    """
    try:
        source = stores.store().open(sha256)
    except OSError as error:
        raise FileDamaged(sha256) from error
    return _checked(sha256, source, cipher())


def _checked(sha256: str, source: IO[bytes], cipher: MultiFernet) -> Iterator[bytes]:
    hashed = hashlib.sha256()
    with source:
        try:
            for token in _tokens(source):
                piece = cipher.decrypt(token)
                hashed.update(piece)
                yield piece
        except GeneratorExit:
            raise
        except Exception as error:
            raise FileDamaged(sha256) from error
    if hashed.hexdigest() != sha256:
        raise FileDamaged(sha256)


def _tokens(source: IO[bytes]) -> Iterator[bytes]:
    begins = source.read(len(_IN_PIECES))
    if begins != _IN_PIECES:
        yield begins + source.read()
        return
    while length := source.read(_LENGTH):
        yield source.read(int.from_bytes(length, "big"))


def size_on_disk(sha256: str) -> int:
    """About how many bytes a file has, by what it takes in the store; 0 when it is missing."""
    # Fernet writes its bytes in base64.
    return (stores.store().size(sha256) or 0) * 3 // 4


def remove_unnamed(hashes: Collection[str], *, unused_since: datetime) -> list[str]:
    """Remove those of some files that no row names any more, whatever its table.

    A column named …sha256 names one, unless its info tells NO_FILE, and so does a JSON column whose
    info tells NAMES_FILES. To be called where all tenants' rows are seen. unused_since: a file
    stored after that is left, for the row that names it may not be committed yet. Answers those
    removed.
    """
    removed = []
    for sha256 in set(hashes) - _named(hashes):
        used_at = stores.store().used_at(sha256)
        if used_at is not None and used_at < unused_since:
            stores.store().remove(sha256)
            removed.append(sha256)
    return removed


def _named(hashes: Collection[str]) -> set[str]:
    wanted = select(func.unnest(cast(list(hashes), ARRAY(Text))).label("sha256")).subquery()
    parts = [
        select(column).where(column == any_(cast(list(hashes), ARRAY(Text))))
        for column in _columns()
    ]
    for column, condition in _json_columns():
        mentions = func.strpos(cast(column, Text), wanted.c.sha256) > 0
        parts.append(
            select(wanted.c.sha256).where(
                select(literal(1))
                .select_from(column.table)
                .where(text(condition), mentions)
                .exists()
            )
        )
    return set(db.session.scalars(union_all(*parts)))


def _columns() -> Iterator[Column[Any]]:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if column.name.endswith("sha256") and NO_FILE not in column.info:
                yield column


def _json_columns() -> Iterator[tuple[Column[Any], str]]:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if condition := column.info.get(NAMES_FILES):
                yield column, condition


@dataclass(frozen=True)
class Naming:
    """That rows of a table name a file. rows: how many. creditor_id: whose, if a company's."""

    sha256: str
    table: str
    column: str
    creditor_id: int | None
    rows: int


def naming(prefix: str) -> Iterator[Naming]:
    """What rows name files whose hash begins so. To be called where all tenants' rows are seen."""
    named = [(one, cast(one, Text), "true") for one in _columns()]
    for one, condition in _json_columns():
        path = cast(one.info[FILES_AT], JSONPATH)
        as_text = func.jsonb_path_query(one, path).op("#>>")(cast([], ARRAY(Text)))
        named.append((one, cast(as_text, Text), condition))
    rows = union_all(
        *(
            select(
                literal(place).label("place"),
                sha256.label("sha256"),
                cast(column.table.columns.get("creditor_id", null()), BigInteger).label("owner"),
            )
            .select_from(column.table)
            .where(text(condition))
            for place, (column, sha256, condition) in enumerate(named)
        )
    ).subquery()
    found = db.session.execute(
        select(rows.c.place, rows.c.sha256, rows.c.owner, func.count())
        .where(rows.c.sha256.startswith(prefix, autoescape=True))
        .group_by(rows.c.place, rows.c.sha256, rows.c.owner)
    )
    for place, name, creditor_id, count in found:
        column = named[place][0]
        yield Naming(name, column.table.name, column.name, creditor_id, count)


def forget_partial(before: datetime) -> None:
    """Remove what was begun to be written before an instant and never finished."""
    for part in _parts().glob("*"):
        if part.stat().st_mtime < before.timestamp():
            part.unlink(missing_ok=True)
