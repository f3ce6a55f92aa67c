"""How long data are kept, and when a correction is answered."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.law.keeping import KEPT, answer_by


def test_accounts_are_kept_seven_years_and_a_claim_for_its_limitation() -> None:
    assert {one.name: one.years for one in KEPT} == {"accounts": (7,), "case": (3, 10)}


@pytest.mark.parametrize(
    ("asked_on", "last_on"),
    [
        (date(2026, 11, 29), date(2026, 12, 29)),
        (date(2026, 12, 31), date(2027, 1, 31)),
        (date(2027, 1, 31), date(2027, 2, 28)),
        (date(2028, 1, 30), date(2028, 2, 29)),
    ],
)
def test_a_month_ends_on_its_day_or_on_the_last(asked_on: date, last_on: date) -> None:
    assert answer_by(asked_on) == last_on


@given(st.dates(max_value=date(9999, 11, 30)))
def test_a_correction_is_answered_within_31_days(asked_on: date) -> None:
    assert 28 <= (answer_by(asked_on) - asked_on).days <= 31
