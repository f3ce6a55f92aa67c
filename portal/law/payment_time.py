"""How long a business has to pay another one, where no day is agreed on.

Source: räntelagen (1975:635) 2 a §, in force 2013-03-16: 30 days after the claim, unless the
creditor has expressly agreed to more. Until then interest ran from 30 days after it (4 §).
"""

from dataclasses import dataclass
from datetime import date, timedelta

from portal.law.errors import LawError


@dataclass(frozen=True)
class Time:
    """A time to pay, in days after the claim, from a day on."""

    from_on: date
    days: int
    statute: str


TIMES = (
    Time(date(2002, 7, 1), 30, "räntelagen (1975:635) 4 §"),
    Time(date(2013, 3, 16), 30, "räntelagen (1975:635) 2 a §"),
)


def last_day(claimed_on: date) -> date:
    """The last day to pay what was claimed on a day. Raises LawError for a day before the first."""
    for one in reversed(TIMES):
        if one.from_on <= claimed_on:
            return claimed_on + timedelta(days=one.days)
    raise LawError(f"no time to pay is known for what was claimed on {claimed_on}")
