"""What time it is for a simulator: the demo's time, so that what it signs is of the same day."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path


def now() -> datetime:
    """This instant; in a demo that travels in time, as far ahead as the file says in seconds."""
    file = Path(os.environ.get("REDA_CLOCK_FILE") or os.devnull)
    ahead = file.read_text() if file.exists() else ""
    return datetime.now(UTC) + timedelta(seconds=int(ahead or 0))
