"""The folder that approved payouts are put in for the bank: each file whole, and once."""

import os
from datetime import datetime
from pathlib import Path

from portal.database import files
from portal.extensions import db
from portal.payments import releasing


def write_all(folder: Path, *, now: datetime) -> int:
    """Put every file that is not there yet into a folder; answers how many.

    Stopped in the middle, the next run writes the same file under the same name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for batch in releasing.unwritten():
        path = folder / releasing.file_name(batch)
        # What reads the folder sees a file only when it is whole.
        part = path.with_suffix(".part")
        with part.open("wb") as out:
            out.write(files.read(batch.file_sha256 or ""))
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
        batch.written_at = now
        db.session.commit()
        written += 1
    return written
