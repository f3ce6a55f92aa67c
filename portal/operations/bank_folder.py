"""The folder for files from banks: each is taken and moved away, with a report beside it."""

import os
from pathlib import Path

import structlog
from flask_babel import force_locale

from portal import clock
from portal.extensions import db
from portal.operations import bringing

log = structlog.get_logger()
TAKEN, REFUSED = "taken", "refused"
# What was written to a moment ago may still be on its way in.
_STILL_SECONDS = 20
_ON_ITS_WAY = (".part", ".tmp", ".filepart", ".crdownload")


def take_all(folder: Path) -> None:
    """Take every file in a folder, the oldest first; moves them to `taken` or `refused` in it.

    Stopped between taking a file and moving it, the next run moves it: it had been taken already.
    Raises what went wrong with the last of those that could not be moved or taken.
    """
    failed: Exception | None = None
    for path in _waiting(folder):
        try:
            _take(folder, path)
        except Exception as error:
            # The other files must not wait for one that the disk or the database did not let in.
            db.session.rollback()
            log.warning("bank_folder.failed", name=path.name, error=type(error).__name__)
            failed = error
    if failed is not None:
        raise failed


def _waiting(folder: Path) -> list[Path]:
    settled = clock.real_now().timestamp() - _STILL_SECONDS
    found = [
        (path.stat().st_mtime, path)
        for path in folder.iterdir()
        if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
        and not path.name.endswith(_ON_ITS_WAY)
    ]  # fmt: skip
    return [path for changed, path in sorted(found) if changed <= settled]


def _take(folder: Path, path: Path) -> None:
    with path.open("rb") as stream:
        brought = bringing.bring(stream, path.name, way="folder", by="")
    with force_locale("sv"):
        lines = list(bringing.report(brought))
    aside = folder / (REFUSED if brought.is_refused else TAKEN)
    aside.mkdir(exist_ok=True)
    moved = aside / path.name
    if moved.exists():
        moved = aside / f"{clock.real_now():%Y%m%d%H%M%S%f}-{path.name}"
    # The report first: a file without one would leave whoever finds it in the dark.
    moved.with_name(f"{moved.name}.report.txt").write_text(
        "".join(f"{line}\n" for line in lines), encoding="utf-8"
    )
    os.replace(path, moved)
