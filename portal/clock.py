"""The one place that asks what time it is; doors ask here and pass it in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

STOCKHOLM = ZoneInfo("Europe/Stockholm")
_file: Path | None = None
_told: ContextVar[Callable[[], None] | None] = ContextVar("reda_clock_told", default=None)


def follow(file: Path | None) -> None:
    """From now on, be as far ahead of time as a file says, for a demo that travels in time.

    file: holds whole seconds, zero or more; None, or one that is not there: as time is.
    """
    global _file
    _file = file


def now() -> datetime:
    """This instant, aware, in UTC."""
    return real_now() + _ahead()


def real_now() -> datetime:
    """This instant, also in a demo that travels in time: for what must not grow old by that."""
    if (tell := _told.get()) is not None:
        tell()
    return datetime.now(UTC)


@contextmanager
def watched(tell: Callable[[], None] | None) -> Iterator[None]:
    """Let somebody know each time that the instant is asked for meanwhile; None: nobody.

    To ask for the day is not told.
    """
    before = _told.set(tell)
    try:
        yield
    finally:
        _told.reset(before)


def _ahead() -> timedelta:
    if _file is not None:
        with suppress(FileNotFoundError):
            return timedelta(seconds=int(_file.read_text()))
    return timedelta(0)


def today() -> date:
    """The day it is in Sweden."""
    with watched(None):
        return now().astimezone(STOCKHOLM).date()


def day_of(instant: datetime) -> date:
    """The day that an instant falls on in Sweden."""
    return instant.astimezone(STOCKHOLM).date()


def morning_of(day: date) -> datetime:
    """Six o'clock in Sweden on a day: the instant of what is done on a day that is not now."""
    return datetime.combine(day, time(6), STOCKHOLM)
