"""Default interest: the reference rates, and what they come to in öre.

Source: räntelagen (1975:635) §§ 3–4 and 6–7, and § 9 for the reference rate, which Riksbanken
fixes for each half-year. Our convention, where the act is silent: the first day counted is the day
after the due date, the last is the value date; actual days of 365, leap years too; the exact sum,
rounded once, half up, to the öre. No interest on interest or on fees.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from portal.law.errors import LawError
from portal.messages import N_

STATUTORY = "statutory"
AGREED = "agreed"
NONE = "none"
# Räntelagen § 6, percentage points on top of the reference rate.
STATUTORY_ADDITION = Decimal(8)
DAYS_OF_YEAR = 365
# Thousandths of a per cent, for every day of a year: what `steps` are divided by.
RATE_DAYS_OF_YEAR = 100 * 1000 * DAYS_OF_YEAR
# The day räntelagen was issued; no older claim can be under it.
ACT_ISSUED_ON = date(1975, 6, 5)


class NoticeRow(NamedTuple):
    """Days from sending an invoice to the day that interest runs from (räntelagen § 4)."""

    days: int
    from_on: date


# Confirm the first day: § 4 said one month before (1991:858). The reference rates begin here too.
NOTICE_DAYS: tuple[NoticeRow, ...] = (NoticeRow(30, date(2002, 7, 1)),)

_DAY = timedelta(days=1)


class RateRow(NamedTuple):
    """A reference rate in per cent a year, for the half-year that begins on from_on."""

    from_on: date
    per_cent: Decimal


# From Riksbanken's published list, read there for 2002-07-01 to 2020-07-01 and 2023-07-01;
# docs/law.md tells the rest. A half-year that is not here is entered by an operator; it is never
# guessed.
_PUBLISHED = """
2002-07 4.50  2003-01 4.00  2003-07 3.00  2004-01 3.00  2004-07 2.00  2005-01 2.00
2005-07 1.50  2006-01 1.50  2006-07 2.50  2007-01 3.00  2007-07 3.50  2008-01 4.00
2008-07 4.50  2009-01 2.00  2009-07 0.50  2010-01 0.50  2010-07 0.50  2011-01 1.50
2011-07 2.00  2012-01 2.00  2012-07 1.50  2013-01 1.00  2013-07 1.00  2014-01 1.00
2014-07 1.00  2015-01 0.00  2015-07 0.00  2016-01 0.00  2016-07 -0.50 2017-01 -0.50
2017-07 -0.50 2018-01 -0.50 2018-07 -0.50 2019-01 -0.50 2019-07 0.00  2020-01 0.00
2020-07 0.00  2021-01 0.00  2021-07 0.00  2022-01 0.00  2022-07 0.50  2023-01 2.50
2023-07 3.50  2024-01 4.00  2024-07 4.00  2025-01 3.00  2025-07 2.00  2026-01 2.00
"""


def _read(published: str) -> tuple[RateRow, ...]:
    words = published.split()
    return tuple(
        RateRow(date.fromisoformat(f"{month}-01"), Decimal(per_cent))
        for month, per_cent in zip(words[::2], words[1::2], strict=True)
    )


REFERENCE_RATES: tuple[RateRow, ...] = _read(_PUBLISHED)


class ReferenceRateMissing(LawError):
    """No reference rate is known for a half-year, so interest for it cannot be computed.

    half_year_start: 1 January or 1 July, the first day of the half-year that lacks its rate.
    """

    def __init__(self, half_year_start: date) -> None:
        super().__init__(
            N_(
                "The reference rate for the half-year from %(half_year_start)s is missing. "
                "Enter the rate that Riksbanken has published; until then no interest is "
                "computed from that day."
            ),
            half_year_start=half_year_start.isoformat(),
        )
        self.half_year_start = half_year_start


def half_year_start(day: date) -> date:
    """The first day of the half-year that a day lies in."""
    return date(day.year, 1 if day.month < 7 else 7, 1)


def next_half_year(day: date) -> date:
    """The first day of the half-year after the one that a day lies in."""
    return date(day.year, 7, 1) if day.month < 7 else date(day.year + 1, 1, 1)


@dataclass(frozen=True)
class RateTable:
    """Known reference rates: those that come with the program, and those an operator has added.

    rows, added: pairs of the first day of a half-year and its rate in per cent a year. A rate holds
    for its own half-year only (räntelagen § 9). Raises LawError when a row starts on another day
    than 1 January or 1 July, when a rate would make default interest negative, when two rows give
    one half-year different rates, or when there is no row at all.
    """

    rows: tuple[tuple[date, Decimal], ...]
    added: tuple[tuple[date, Decimal], ...] = ()

    def __post_init__(self) -> None:
        if not self._rates:
            raise LawError(N_("There are no reference rates at all. Enter at least one."))

    @cached_property
    def _rates(self) -> dict[date, Decimal]:
        rates: dict[date, Decimal] = {}
        for from_on, per_cent in (*self.rows, *self.added):
            if from_on != half_year_start(from_on):
                raise LawError(
                    N_("A reference rate holds from 1 January or 1 July, not from %(from_on)s."),
                    from_on=from_on.isoformat(),
                )
            if not per_cent.is_finite() or per_cent < -STATUTORY_ADDITION:
                raise LawError(
                    N_("%(per_cent)s per cent cannot be a reference rate."), per_cent=per_cent
                )
            if rates.setdefault(from_on, per_cent) != per_cent:
                raise LawError(
                    N_(
                        "There are two different reference rates for the half-year from "
                        "%(from_on)s. Keep the one that Riksbanken published."
                    ),
                    from_on=from_on.isoformat(),
                )
        return rates

    def at(self, day: date) -> Decimal:
        """The reference rate in force on a day, per cent a year.

        Raises ReferenceRateMissing when the half-year's rate is not in the table.
        """
        start = half_year_start(day)
        try:
            return self._rates[start]
        except KeyError:
            raise ReferenceRateMissing(start) from None

    @cached_property
    def known_through(self) -> date:
        """The last day before the first half-year without a rate, counted from the oldest row."""
        start = min(self._rates)
        while start in self._rates:
            start = next_half_year(start)
        return start - _DAY


@dataclass(frozen=True)
class Terms:
    """What interest a claim bears when it is late.

    kind: `statutory` (räntelagen § 6), `agreed` (§ 7) or `none`. agreed_per_cent: per cent a year,
    for agreed only. Raises LawError for another kind, and for agreed without a rate of 0 or more.
    """

    kind: str
    agreed_per_cent: Decimal | None = None

    def __post_init__(self) -> None:
        if self.kind not in (STATUTORY, AGREED, NONE):
            raise LawError(N_("%(kind)s is no kind of interest."), kind=self.kind)
        rate = self.agreed_per_cent
        if self.kind == AGREED and (rate is None or not rate.is_finite() or rate < 0):
            raise LawError(N_("Agreed interest needs a rate of 0 per cent or more."))

    def per_cent(self, reference: Decimal) -> Decimal:
        """The rate in per cent a year while a reference rate is in force.

        Agreed: the agreed rate, at least that of § 6 (§ 7).
        """
        if self.kind == NONE:
            return Decimal(0)
        statutory = reference + STATUTORY_ADDITION
        if self.kind == AGREED and self.agreed_per_cent is not None:
            # Confirm: § 7 is about claims that bear interest before they are due. For a rate agreed
            # for lateness alone the act gives way (§ 1), and § 6 second paragraph undoes a lower
            # one only between a business and a public body; a lawyer decides if it is to hold here.
            return max(self.agreed_per_cent, statutory)
        return statutory


@dataclass(frozen=True)
class Movement:
    """A change of principal on its value date, in öre: a payment is negative."""

    on: date
    ore: int


@dataclass(frozen=True)
class Period:
    """Days with one rate on one principal; from_on and to_on are both counted.

    principal_ore: öre. per_cent: a year. exact: the interest in öre, not rounded.
    """

    from_on: date
    to_on: date
    days: int
    principal_ore: int
    per_cent: Decimal
    exact: Fraction


@dataclass(frozen=True)
class Accrual:
    """Interest over a time: whole öre, the same not rounded, and the periods it is the sum of."""

    ore: int
    exact: Fraction
    periods: tuple[Period, ...]


def runs_from(
    *,
    due_on: date,
    is_due_fixed: bool,
    sent_on: date | None = None,
    states_interest: bool = False,
    is_between_businesses: bool = False,
    reached_on: date | None = None,
    served_on: date | None = None,
) -> date | None:
    """The day that default interest runs from, for `accrue` to take as its `due_on`.

    None: nothing has made it run yet. due_on: when the claim falls due; no interest before (§ 2).
    is_due_fixed: the due date was fixed in advance, as by agreement, and not first by the invoice;
    then interest runs from it (§ 3). Otherwise it runs from the day 30 days after an invoice or
    demand of a stated sum was sent (§ 4): sent_on; states_interest: it said that lateness costs
    interest, which is_between_businesses makes needless; reached_on: when it reached the debtor, if
    known. served_on: the day an application for a payment order, or a summons, was served: interest
    runs from it at the latest.
    Raises LawError for a day before the table, and an invoice that came before it was sent.
    """
    if is_due_fixed:
        return due_on
    starts = [served_on] if served_on is not None else []
    if sent_on is not None:
        if reached_on is not None and reached_on < sent_on:
            raise LawError(N_("An invoice cannot reach the debtor before it is sent."))
        if states_interest or is_between_businesses:
            starts.append(
                max(sent_on + timedelta(days=_notice_days(sent_on)), reached_on or sent_on)
            )
    return max(due_on, min(starts)) if starts else None


def _notice_days(sent_on: date) -> int:
    for row in reversed(NOTICE_DAYS):
        if row.from_on <= sent_on:
            return row.days
    raise LawError(
        N_("It is not known when interest runs on an invoice sent on %(on)s. Check the date."),
        on=sent_on.isoformat(),
    )


def round_half_up(ore: Fraction) -> int:
    """Whole öre, halves up."""
    return math.floor(ore + Fraction(1, 2))


def accrue(
    principal: Sequence[Movement],
    *,
    due_on: date,
    until: date,
    terms: Terms,
    rates: RateTable,
    from_on: date | None = None,
) -> Accrual:
    """Default interest on a claim, by our convention (see the module).

    principal: the changes of principal by value date, the claim itself on or before the due date.
    A payment valued on a day still leaves that day's interest on the old principal. due_on: the
    first day counted is the day after. until: the last day counted. from_on: the day through which
    interest is reckoned already; counting begins the day after it, when that is later.
    Time without principal, or with negative principal, bears nothing.

    Raises ReferenceRateMissing when a rate is not known for a day that bears interest, and LawError
    for a date before räntelagen.
    """
    for day in (due_on, until, from_on, *(movement.on for movement in principal)):
        if day is not None and day < ACT_ISSUED_ON:
            raise LawError(
                N_("%(day)s is before the Interest Act of %(issued_on)s. Check the date."),
                day=day.isoformat(),
                issued_on=ACT_ISSUED_ON.isoformat(),
            )
    first = max(due_on, from_on or due_on) + _DAY
    if terms.kind == NONE or until < first:
        return Accrual(0, Fraction(0), ())
    periods = _periods(principal, first, until, terms, rates)
    exact = sum((period.exact for period in periods), Fraction(0))
    return Accrual(round_half_up(exact), exact, periods)


class Day(NamedTuple):
    """A day that bears interest, and what has come together through it, in whole öre."""

    on: date
    total_ore: int


def shares(accrual: Accrual) -> tuple[int, ...]:
    """Whole öre of each period, which add up to the accrual's.

    They are rounded together, so that one may differ by an öre from its period rounded alone.
    """
    told, before = [], Fraction(0)
    for period in accrual.periods:
        told.append(round_half_up(before + period.exact) - round_half_up(before))
        before += period.exact
    return tuple(told)


def day_by_day(accrual: Accrual, place: int) -> tuple[Day, ...]:
    """The days of one of the periods, each with what the accrual has come to through it.

    place: of the period, the first is 0.
    """
    period = accrual.periods[place]
    before = sum((one.exact for one in accrual.periods[:place]), Fraction(0))
    return tuple(
        Day(
            period.from_on + n * _DAY,
            round_half_up(before + period.exact * (n + 1) / period.days),
        )
        for n in range(period.days)
    )


class Step(NamedTuple):
    """A half-year with its rate, in thousandths of a per cent a year.

    before: the rates of all days before from_on, summed; of a day in it, they come to `before` and
    the rate once for each day from from_on to the day itself.
    """

    from_on: date
    rate: int
    before: int


def steps(terms: Terms, rates: RateTable, *, until: date) -> tuple[Step, ...]:
    """What interest on many claims can be multiplied out by, the same as `accrue` computes.

    A principal of so many öre bears, from the day after A to and including B, its öre times the
    difference of what B and A come to (see `Step`), divided by `RATE_DAYS_OF_YEAR`. until: the last
    day wanted; a half-year after `rates.known_through` has no step.
    """
    found: list[Step] = []
    start, before = REFERENCE_RATES[0].from_on, 0
    while start <= min(until, rates.known_through):
        rate = int(terms.per_cent(rates.at(start)) * 1000)
        found.append(Step(start, rate, before))
        after = next_half_year(start)
        start, before = after, before + rate * (after - start).days
    return tuple(found)


def _periods(
    principal: Sequence[Movement], first: date, last: date, terms: Terms, rates: RateTable
) -> tuple[Period, ...]:
    stretches: list[tuple[date, date, int, Decimal]] = []
    for start, after in pairwise(_breaks(principal, first, last)):
        ore = sum(movement.ore for movement in principal if movement.on < start)
        if ore <= 0:
            continue
        stretch = (start, after, ore, terms.per_cent(rates.at(start)))
        if stretches and stretches[-1][1:] == (start, *stretch[2:]):
            stretch = (stretches.pop()[0], *stretch[1:])
        stretches.append(stretch)
    return tuple(_period(*stretch) for stretch in stretches)


def _breaks(principal: Sequence[Movement], first: date, last: date) -> list[date]:
    end = last + _DAY
    days = {first, end}
    days.update(day for one in principal if first < (day := one.on + _DAY) < end)
    half_year = next_half_year(first)
    while half_year < end:
        days.add(half_year)
        half_year = next_half_year(half_year)
    return sorted(days)


def _period(start: date, after: date, ore: int, per_cent: Decimal) -> Period:
    days = (after - start).days
    exact = Fraction(per_cent) * ore * days / (100 * DAYS_OF_YEAR)
    return Period(start, after - _DAY, days, ore, per_cent, exact)
