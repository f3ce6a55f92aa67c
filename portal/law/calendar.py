"""Banking days in Sweden.

Source: lag (1989:253) om allmänna helgdagar for the holidays, and lag (1930:173) om beräkning av
lagstadgad tid § 2, which puts Saturday, Midsummer's Eve, Christmas Eve and New Year's Eve on the
same footing.
"""

from datetime import date, timedelta
from functools import cache

from holidays.constants import DE_FACTO, PUBLIC
from holidays.countries.sweden import Sweden

from portal.law.errors import LawError
from portal.messages import N_

_DAY = timedelta(days=1)
_SATURDAY = 5
# The years for which the library of holidays knows Sweden; outside them it answers none at all.
_FIRST_YEAR = Sweden.start_year
_LAST_YEAR = Sweden.end_year


@cache
def _closed_days(year: int) -> frozenset[date]:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise LawError(
            N_("Banking days are known for the years %(first)s to %(last)s, not for %(year)s."),
            first=_FIRST_YEAR,
            last=_LAST_YEAR,
            year=year,
        )
    return frozenset(Sweden(years=year, expand=False, categories=(PUBLIC, DE_FACTO)))


def is_banking_day(day: date) -> bool:
    """Whether banks in Sweden are open that day.

    Saturdays, Sundays, public holidays, Midsummer's Eve, Christmas Eve and New Year's Eve are not
    banking days. Raises LawError for a year before 1953 or after 2100.
    """
    return day not in _closed_days(day.year) and day.weekday() < _SATURDAY


def banking_day_on_or_after(day: date) -> date:
    """The day itself when it is a banking day, else the next one (lag 1930:173 § 2)."""
    while not is_banking_day(day):
        day += _DAY
    return day


def banking_day_on_or_before(day: date) -> date:
    """The day itself when it is a banking day, else the one before."""
    while not is_banking_day(day):
        day -= _DAY
    return day


def add_banking_days(day: date, n: int) -> date:
    """The n-th banking day after a day; for n = 0 the day itself or the next banking day.

    n: whole banking days, 0 or more; a negative number raises LawError.
    """
    if n < 0:
        raise LawError(N_("Banking days are counted forwards, not %(n)s days."), n=n)
    if n == 0:
        return banking_day_on_or_after(day)
    for _ in range(n):
        day = banking_day_on_or_after(day + _DAY)
    return day


def arrives_by(ordered_on: date) -> date:
    """The last day on which money arrives that a payer's bank was told on a day to send.

    A bank counts what it is told on another day than a banking day as told on the next one, and has
    the money with the payee's bank before the banking day after that has ended (lag (2010:751) om
    betaltjänster ch. 5; directive (EU) 2015/2366, articles 78 and 83).
    """
    return add_banking_days(banking_day_on_or_after(ordered_on), 1)
