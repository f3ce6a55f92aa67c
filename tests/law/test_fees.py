from datetime import date, timedelta

import pytest

from portal.law import LawError
from portal.law.fees import FEES, KINDS, Charge, fee, reminder_fee


@pytest.mark.parametrize(
    ("kind", "on", "kronor"),
    [
        ("reminder", "2013-03-16", 60),
        ("reminder", "2026-03-01", 60),
        ("demand", "2013-03-16", 180),
        ("plan", "2013-03-16", 170),
        ("late_payment", "2013-03-16", 450),
        ("reminder", "2013-03-15", 50),
        ("demand", "2013-03-15", 160),
        ("plan", "2013-03-15", 150),
        ("reminder", "2003-07-01", 50),
        ("demand", "2003-07-01", 160),
        ("plan", "2003-07-01", 150),
    ],
)
def test_a_measure_costs_at_most_what_the_law_said_on_its_day(kind, on, kronor):
    assert fee(kind, date.fromisoformat(on)).amount_ore == kronor * 100


@pytest.mark.parametrize("kind", KINDS)
def test_the_rules_of_a_kind_follow_on_each_other_and_one_is_in_force(kind):
    rows = sorted((row for row in FEES if row.kind == kind), key=lambda row: row.from_on)
    assert [row.to_on for row in rows[:-1]] == [row.from_on - timedelta(1) for row in rows[1:]]
    assert rows[-1].to_on is None
    assert len({row.statute for row in rows}) == len(rows)


@pytest.mark.parametrize("kind", ["reminder", "demand", "plan"])
def test_a_day_before_the_table_has_no_fee(kind):
    with pytest.raises(LawError, match="2003-06-30"):
        fee(kind, date(2003, 6, 30))


def test_there_was_no_late_payment_compensation_before_2013():
    with pytest.raises(LawError, match="2013-03-15"):
        fee("late_payment", date(2013, 3, 15))


def test_a_fee_that_the_law_does_not_know_is_refused():
    with pytest.raises(LawError, match="visit"):
        fee("visit", date(2026, 3, 1))


def test_a_reminder_costs_sixty_kronor_when_that_was_agreed():
    assert reminder_fee(date(2026, 3, 2), agreed=True, already_charged=False) == Charge(
        "reminder", 6000, "lag (1981:739) § 2, § 4"
    )


def test_a_reminder_without_agreement_costs_nothing():
    assert reminder_fee(date(2026, 3, 2), agreed=False, already_charged=False) is None


def test_a_second_reminder_is_never_charged():
    assert reminder_fee(date(2026, 3, 2), agreed=True, already_charged=True) is None
