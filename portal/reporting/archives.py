"""Archives of a company's documents: zip files with a folder for each customer and case.

An archive is made volume by volume. A volume that is finished is kept, with the place to go on
from; what a killed worker had begun is begun anew. Each volume holds a manifest, as JSON and CSV,
with the SHA-256 of every file in it. Names are such that Windows takes them.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, cast

from flask_babel import gettext

from portal.database import files
from portal.extensions import settings
from portal.messages import N_, RedaError
from portal.reporting import holdings, names
from portal.reporting.holdings import Item
from portal.reporting.sheets import Out

if TYPE_CHECKING:
    from portal.reporting.making import Making

# Beyond this many files a folder is slow to open, and a volume slow to begin anew.
MOST_FILES = 10_000
_LONGEST_PERIOD = timedelta(days=366 * 10)
_MB = 1_000_000
# What is compressed already gets no smaller.
_COMPRESSED = (".pdf", ".xlsx", ".zip")
# What a program that opens the CSV would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Estimate:
    """How many files of a part there are, and about how many bytes they take."""

    part: str
    count: int
    size: int


def parameters(given: Mapping[str, str | None], parts: Sequence[str]) -> dict[str, Any]:
    """What an archive is asked for, out of what a form says.

    given: `from`, `to` in ISO form. parts: of holdings.PARTS; none or `everything` means all.
    Raises RedaError at the field that is wrong.
    """
    chosen = [part for part in holdings.PARTS if part in parts]
    if "everything" in parts:
        chosen = list(holdings.PARTS)
    if not chosen:
        raise RedaError(N_("Choose at least one kind of document."), field="parts")
    first, last = _day(given, "from"), _day(given, "to")
    if last < first:
        raise RedaError(N_("The last day is before the first one."), field="to")
    if last - first > _LONGEST_PERIOD:
        raise RedaError(N_("Choose at most ten years at a time."), field="to")
    return {"parts": chosen, "from": first.isoformat(), "to": last.isoformat()}


def _day(given: Mapping[str, str | None], field: str) -> date:
    try:
        day = date.fromisoformat((given.get(field) or "").strip())
    except ValueError:
        day = date.min
    if not date(2000, 1, 1) <= day <= date(2100, 1, 1):
        raise RedaError(N_("Write a date as year-month-day, such as 2026-03-31."), field=field)
    return day


def of_documents(keys: Sequence[str], *, today: date) -> dict[str, Any]:
    """What an archive of some documents to sign is asked for. keys: theirs. Raises RedaError."""
    if not keys:
        raise RedaError(N_("Choose at least one document first."))
    day = today.isoformat()
    return {"parts": ["signed"], "from": day, "to": day, "keys": sorted(set(keys))}


def estimate(creditor_id: int, chosen: Parameters) -> list[Estimate]:
    """How much an archive would hold, part by part."""
    scope = _scope(creditor_id, chosen, "")
    found = []
    for part in chosen["parts"]:
        count, size = holdings.PARTS[part].count(scope)
        found.append(Estimate(part, count, size))
    return found


def _scope(creditor_id: int, chosen: Parameters, language: str) -> holdings.Scope:
    return holdings.Scope(
        creditor_id,
        date.fromisoformat(chosen["from"]),
        date.fromisoformat(chosen["to"]),
        language,
        tuple(chosen.get("keys", ())),
    )


@dataclass
class _Progress:
    """Where the making of an archive is: the part, the key of its last item, and how many."""

    part: int = 0
    after: int = 0
    done: int = 0

    def state(self) -> dict[str, int]:
        return {"part": self.part, "after": self.after, "done": self.done}


def make_files(making: "Making") -> Sequence[Mapping[str, Any]] | None:
    """The volumes of an archive; None when others are to go first. Goes on where it was."""
    task, chosen = making.task, making.task.parameters
    scope = _scope(task.creditor_id, chosen, task.language)
    total = sum(one.count for one in estimate(task.creditor_id, chosen))
    kept = [dict(one) for one in task.files]
    at = _Progress(**task.state) if task.state else _Progress()
    items = _items(scope, chosen["parts"], at)
    waiting = next(items, None)
    before = len(kept)
    while waiting is not None or not kept:
        # One volume at least, so that each turn gets on.
        if len(kept) > before and making.is_turn_over:
            return None
        with files.writing() as out:
            volume = _Volume(out, len(kept) + 1, chosen, task.created_at)
            while waiting is not None and volume.has_room_for(waiting):
                volume.add(waiting)
                at.part, at.after, at.done = waiting.part, waiting.key, at.done + 1
                making.progress(at.done, max(total, at.done))
                waiting = next(items, None)
            volume.close()
        name = gettext(
            "Documents %(first)s_%(last)s part %(number)s", first=chosen["from"],
            last=chosen["to"], number=len(kept) + 1,
        )  # fmt: skip
        kept.append({"name": f"{names.safe(name)}.zip", "sha256": out.sha256, "size": out.size})
        making.keep(kept, at.state(), at.done, max(total, at.done))
    return kept


def _items(scope: holdings.Scope, parts: Sequence[str], at: _Progress) -> Iterator[Item]:
    """What is still to be put in, in an order that is the same each time."""
    for number, part in enumerate(parts):
        if number >= at.part:
            after = at.after if number == at.part else 0
            yield from holdings.PARTS[part].items(scope, number, after)


@dataclass
class _Volume:
    """A zip file while it is written, and what its manifest tells of."""

    out: files.Writer
    number: int
    chosen: Parameters
    made_at: datetime
    entries: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._zip = zipfile.ZipFile(cast(IO[bytes], self.out), "w", zipfile.ZIP_DEFLATED)
        self._most = int(settings().archive_volume_mb) * _MB

    def has_room_for(self, item: Item) -> bool:
        """Whether an item still goes in; the first always does."""
        if not self.entries:
            return True
        return len(self.entries) < MOST_FILES and self.out.size + item.size <= self._most

    def add(self, item: Item) -> None:
        """Put an item in. One whose file is damaged is told in the manifest and left out."""
        entry = {
            "path": item.path, "kind": item.kind, "date": item.on.isoformat(), "case": item.case,
            "customer": item.customer,
        }  # fmt: skip
        try:
            write = item.open()
        except files.FileDamaged:
            self.entries.append({**entry, "size": 0, "sha256": "", "missing": True})
            return
        info = self._info(item.path, item.on)
        # How large what is written on the way will be is not known beforehand.
        with self._zip.open(info, "w", force_zip64=item.size > 1000 * _MB) as target:
            hashing = _Hashing(target)
            write(hashing)
        self.entries.append(
            {**entry, "size": hashing.size, "sha256": hashing.hash.hexdigest(), "missing": False}
        )

    def _info(self, path: str, on: date) -> zipfile.ZipInfo:
        # A zip file knows no year before 1980.
        info = zipfile.ZipInfo(path, (max(on.year, 1980), on.month, on.day, 12, 0, 0))
        is_small = path.lower().endswith(_COMPRESSED)
        info.compress_type = zipfile.ZIP_STORED if is_small else zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        return info

    def close(self) -> None:
        """Write the manifest and end the file."""
        told = {
            "volume": self.number, "from": self.chosen["from"], "to": self.chosen["to"],
            "parts": self.chosen["parts"], "ordered_at": self.made_at.isoformat(),
            "files": self.entries,
        }  # fmt: skip
        written = json.dumps(told, ensure_ascii=False, indent=1).encode()
        on = self.made_at.date()
        self._zip.writestr(self._info("manifest.json", on), written)
        self._zip.writestr(self._info("manifest.csv", on), self._csv())
        self._zip.close()

    def _csv(self) -> bytes:
        table = io.StringIO()
        columns = ("path", "kind", "date", "case", "customer", "size", "sha256", "missing")
        rows = csv.writer(table, delimiter=";", lineterminator="\r\n")
        rows.writerow(columns)
        for entry in self.entries:
            rows.writerow([_safe(str(entry[column])) for column in columns])
        return table.getvalue().encode("utf-8-sig")


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


class _Hashing:
    """Passes bytes on, and knows their hash and how many they were."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self._out.write(data)

    def flush(self) -> None:
        """Nothing to do."""
