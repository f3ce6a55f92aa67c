"""The one place that asks what time it is; doors ask here and pass it in."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """The day it is in Sweden."""
    return now().astimezone(STOCKHOLM).date()


def day_of(instant: datetime) -> date:
    """The day that an instant falls on in Sweden."""
    return instant.astimezone(STOCKHOLM).date()
