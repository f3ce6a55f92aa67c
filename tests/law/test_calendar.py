from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.law import LawError
from portal.law.calendar import add_banking_days, banking_day_on_or_after, is_banking_day

days = st.dates(date(1976, 1, 1), date(2099, 12, 1))


@pytest.mark.parametrize(
    "day",
    [
        "2026-01-01",  # New Year's Day
        "2026-01-06",  # Epiphany
        "2026-04-03",  # Good Friday
        "2026-04-06",  # Easter Monday
        "2026-05-01",  # First of May
        "2026-05-14",  # Ascension Day
        "2025-06-06",  # National Day
        "2026-06-19",  # Midsummer's Eve
        "2026-12-24",  # Christmas Eve
        "2026-12-25",  # Christmas Day
        "2025-12-26",  # Second day of Christmas
        "2026-12-31",  # New Year's Eve
        "2026-03-07",  # a Saturday
        "2026-03-08",  # a Sunday
        "2004-05-31",  # Whit Monday, a holiday until 2004
    ],
)
def test_banks_are_closed_on_holidays_eves_and_weekends(day):
    assert not is_banking_day(date.fromisoformat(day))


@pytest.mark.parametrize(
    "day",
    [
        "2026-01-05",  # the eve of Epiphany, half a day in many places, is one
        "2026-04-02",  # Maundy Thursday
        "2026-04-30",  # Walpurgis Night
        "2026-05-15",  # the Friday after Ascension Day
        "2026-05-25",  # Whit Monday, no holiday since 2005
        "2026-06-18",  # the day before Midsummer's Eve
        "2004-06-07",  # a Monday; the National Day was no holiday yet in 2004
        "2026-12-30",
    ],
)
def test_banks_are_open_on_other_weekdays(day):
    assert is_banking_day(date.fromisoformat(day))


def test_a_period_that_ends_in_a_long_weekend_ends_on_the_first_banking_day_after_it():
    assert banking_day_on_or_after(date(2026, 4, 3)) == date(2026, 4, 7)
    assert banking_day_on_or_after(date(2026, 4, 2)) == date(2026, 4, 2)
    assert banking_day_on_or_after(date(2025, 12, 24)) == date(2025, 12, 29)


@pytest.mark.parametrize(
    ("day", "n", "expected"),
    [
        ("2026-04-02", 1, "2026-04-07"),
        ("2026-04-02", 0, "2026-04-02"),
        ("2026-04-03", 0, "2026-04-07"),
        ("2026-04-03", 1, "2026-04-07"),
        ("2025-12-23", 3, "2026-01-02"),
    ],
)
def test_banking_days_are_counted_over_holidays(day, n, expected):
    assert add_banking_days(date.fromisoformat(day), n) == date.fromisoformat(expected)


@pytest.mark.parametrize("year", [1952, 2101])
def test_a_year_whose_holidays_nobody_knows_is_refused(year):
    with pytest.raises(LawError, match=str(year)):
        is_banking_day(date(year, 6, 1))


def test_banking_days_are_not_counted_backwards():
    with pytest.raises(LawError, match="-1"):
        add_banking_days(date(2026, 3, 2), -1)


@given(day=days)
def test_the_next_banking_day_is_one_and_none_lies_between(day):
    found = banking_day_on_or_after(day)
    assert is_banking_day(found)
    assert found >= day
    between = [day + timedelta(n) for n in range((found - day).days)]
    assert not any(is_banking_day(one) for one in between)


@given(day=days, n=st.integers(1, 60))
def test_there_are_n_banking_days_after_the_day_to_the_nth(day, n):
    found = add_banking_days(day, n)
    after = [day + timedelta(one + 1) for one in range((found - day).days)]
    assert sum(is_banking_day(one) for one in after) == n
    assert is_banking_day(found)


@given(day=days, first=st.integers(1, 20), second=st.integers(1, 20))
def test_counting_on_is_counting_the_sum(day, first, second):
    assert add_banking_days(add_banking_days(day, first), second) == add_banking_days(
        day, first + second
    )
