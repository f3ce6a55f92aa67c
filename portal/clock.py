"""The one place that asks what time it is; doors ask here and pass it in."""

from datetime import UTC, date, datetime, time
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


def morning_of(day: date) -> datetime:
    """Six o'clock in Sweden on a day: the instant of what is done on a day that is not now."""
    return datetime.combine(day, time(6), STOCKHOLM)
