"""Value added tax on what the service is paid for."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.law import vat
from portal.law.errors import LawError


def test_a_quarter_is_added() -> None:
    assert vat.on_top(1_500, date(2026, 11, 30)) == 375


@given(ore=st.integers(0, 10**12))
def test_it_is_off_by_half_an_ore_at_most(ore: int) -> None:
    assert abs(vat.on_top(ore, date(2026, 11, 30)) * 100 - ore * 25) <= 50


def test_each_day_has_the_statute_of_its_time() -> None:
    assert "1994:200" in vat.rate(date(2023, 6, 30)).statute
    assert "2023:200" in vat.rate(date(2023, 7, 1)).statute


def test_no_rate_is_guessed_for_a_day_before_the_first() -> None:
    with pytest.raises(LawError):
        vat.rate(date(1990, 1, 1))
