"""Letters for the printer: one PDF each in a folder a day, and a manifest that lists them.

A print shop or a print server fetches `spool/letters/<date>/` and moves it away. Every file
appears whole or not at all, and handing the same letter over twice leaves one file and one line.

Where the print shop wants one file, batches lie beside the letters: `batch-<first>-<last>.pdf`, and
a list of the same name that says which pages are whose. A batch without its list is not finished.
"""

import csv
import fcntl
import hashlib
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

MANIFEST = "manifest.csv"


@dataclass(frozen=True)
class Line:
    """What the manifest says about one letter; all as text."""

    file: str
    pages: str
    sha256: str
    reference: str
    postcode: str
    country: str


@dataclass(frozen=True)
class BatchLine:
    """What the list of a batch says about one letter in it; all as text.

    file: the letter's own file. first_page, last_page: its pages in the batch, counted from 1.
    sha256: of the batch.
    """

    file: str
    first_page: str
    last_page: str
    sha256: str
    reference: str
    postcode: str
    country: str


def spool(var: Path) -> Path:
    """The folder below var/ that the printer fetches from."""
    return var / "spool" / "letters"


def hand_over(
    pdf: bytes,
    *,
    message_id: int,
    reference: str,
    pages: int,
    postcode: str,
    country: str,
    on: date,
    var: Path,
) -> Path:
    """Put a letter where the printer fetches it; answers the file.

    on: the day of the folder. When the letter already lies in another day's folder, because it was
    handed over and the outbox did not get to know, it is written there again. Raises OSError.
    """
    name = f"{message_id}-{reference}.pdf"
    again = next(spool(var).glob(f"*/{name}"), None)
    folder = again.parent if again else spool(var) / on.isoformat()
    # What lies here opens a case: nobody but the service and the printer may read it.
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_whole(folder / name, pdf)
    sha256 = hashlib.sha256(pdf).hexdigest()
    line = Line(name, str(pages), sha256, reference, postcode, country)
    with _only_one(folder):
        _list(folder / MANIFEST, line, is_new=again is None)
    return folder / name


def manifest(folder: Path) -> list[Line]:
    """The lines of a day's manifest. A line cut off by a power failure is left out."""
    return [Line(*row) for row in _rows(folder / MANIFEST, Line)]


def days(var: Path) -> list[Path]:
    """The day folders that the printer has not fetched, the oldest first."""
    return sorted(path.parent for path in spool(var).glob(f"*/{MANIFEST}"))


def message_id_of(line: Line) -> int:
    """The message that a letter in the manifest is."""
    return int(line.file.partition("-")[0])


def unbatched(folder: Path) -> list[Line]:
    """The letters of a day that lie in no finished batch, in the order they came."""
    done = {line.file for path in folder.glob("batch-*.csv") for line in batch(path)}
    return [line for line in manifest(folder) if line.file not in done]


def batch(path: Path) -> list[BatchLine]:
    """The lines of a batch's list."""
    return [BatchLine(*row) for row in _rows(path, BatchLine)]


@contextmanager
def batching(folder: Path) -> Iterator[bool]:
    """Whether we are the only one to make batches of a day, for as long as the block lasts."""
    handle = os.open(folder / ".batching", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


def hand_over_batch(
    pdf: bytes, lines: Sequence[Line], pages: Sequence[int], *, folder: Path
) -> Path:
    """Put letters joined in one file beside the single ones; answers the file.

    lines: the letters' lines in the manifest. pages: how many each has. Raises OSError.
    """
    name = f"batch-{message_id_of(lines[0])}-{message_id_of(lines[-1])}"
    sha256 = hashlib.sha256(pdf).hexdigest()
    rows, before = [], 0
    for line, count in zip(lines, pages, strict=True):
        first, last = str(before + 1), str(before + count)
        rows.append(
            BatchLine(line.file, first, last, sha256, line.reference, line.postcode, line.country)
        )
        before += count
    _write_whole(folder / f"{name}.pdf", pdf)
    _write_whole(folder / f"{name}.csv", _csv([_heading(BatchLine), *map(astuple, rows)]).encode())
    return folder / f"{name}.pdf"


def _rows(path: Path, kind: type[Line] | type[BatchLine]) -> list[list[str]]:
    text = path.read_text("utf-8") if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    rows = list(csv.reader(io.StringIO(whole)))[1:]
    return [row for row in rows if len(row) == len(fields(kind))]


def _heading(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _list(path: Path, line: Line, *, is_new: bool) -> None:
    # Adding a line is the quick way, for thousands a day; it is only safe where the file is whole
    # and the letter cannot be listed already.
    if is_new and _is_whole(path):
        with path.open("a", encoding="utf-8", newline="") as out:
            out.write(_csv([astuple(line)]))
            out.flush()
            os.fsync(out.fileno())
        return
    others = [one for one in manifest(path.parent) if one.file != line.file]
    _write_whole(path, _csv([_heading(Line), *map(astuple, [*others, line])]).encode())


def _is_whole(path: Path) -> bool:
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _csv(rows: Iterable[tuple[str, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _write_whole(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    # The new name, too, must be on the disk before the outbox says that the letter is sent.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's manifest alone, among threads and processes."""
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
