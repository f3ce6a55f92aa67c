"""What a sum is made up of adds up to the sum, whatever has become of the case."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal.collection import cases, makeup
from portal.extensions import db
from portal.law.interest import (
    REFERENCE_RATES,
    Movement,
    RateTable,
    Terms,
    accrue,
    day_by_day,
    round_half_up,
    shares,
)
from tests.collection import lives
from tests.factories import TODAY, a_case, a_creditor, a_reminded_case, rules_of

TABLE = RateTable(REFERENCE_RATES)
DAYS = st.dates(date(2024, 1, 1), TABLE.known_through)


@given(
    ore=st.integers(1, 10**9),
    first=DAYS,
    days=st.integers(0, 900),
    paid=st.lists(st.tuples(DAYS, st.integers(1, 10**7)), max_size=3),
    rate=st.none() | st.decimals(0, 40, places=2),
)
def test_periods_and_days_add_up_to_the_interest(
    ore: int, first: date, days: int, paid: list[tuple[date, int]], rate: Decimal | None
) -> None:
    movements = [Movement(first, ore), *(Movement(on, -less) for on, less in paid)]
    found = accrue(
        movements, due_on=first, until=min(first + timedelta(days=days), TABLE.known_through),
        terms=Terms("statutory") if rate is None else Terms("agreed", rate), rates=TABLE,
    )  # fmt: skip
    told = shares(found)
    assert sum(told) == found.ore
    for place, period in enumerate(found.periods):
        each = day_by_day(found, place)
        assert [one.on for one in each] == [
            period.from_on + timedelta(days=n) for n in range(period.days)
        ]
        assert each[-1].total_ore == sum(told[: place + 1])


@given(ore=st.integers(1, 10**9), first=DAYS, days=st.integers(1, 200))
def test_each_days_total_is_what_the_interest_was_through_it(
    ore: int, first: date, days: int
) -> None:
    def until(day: date) -> int:
        return accrue(
            [Movement(first, ore)], due_on=first, until=day, terms=Terms("statutory"), rates=TABLE
        ).ore

    last = min(first + timedelta(days=days), TABLE.known_through)
    found = accrue(
        [Movement(first, ore)], due_on=first, until=last, terms=Terms("statutory"), rates=TABLE
    )
    for place in range(len(found.periods)):
        for day in day_by_day(found, place):
            assert day.total_ore == until(day.on)


@pytest.mark.parametrize("seed", range(4))
def test_the_rows_of_each_part_add_up_to_what_is_due(app: Flask, seed: int) -> None:
    creditor, dice = a_creditor(), random.Random(seed)
    rules_of(creditor)
    for _ in range(15):
        case = lives.a_life(creditor, dice, TODAY)
        due = cases.amount_due(case, TODAY)
        for part, ore in (
            (makeup.PRINCIPAL, due.principal_ore),
            (makeup.INTEREST, due.interest_ore),
            (makeup.FEES, due.fees_ore),
        ):
            rows = makeup.of(case, part, due)
            assert sum(one.ore for one in rows) == ore
            assert not rows or rows[-1].left_ore == ore
            for row in rows:
                if row.accrual is not None:
                    assert sum(one.ore for one in row.explanations) == row.ore
                    assert round_half_up(row.accrual.exact) == row.ore


def test_interest_that_was_booked_keeps_its_periods(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    case = cases.lock(a_reminded_case(creditor).id)
    lives.pay(case, TODAY + timedelta(days=3), 0.9)
    db.session.commit()
    due = cases.amount_due(case, TODAY + timedelta(days=40))
    rows = makeup.of(case, makeup.INTEREST, due)
    assert [one.kind for one in rows] == ["interest.accrued", "payment.bankgiro", makeup.RUNNING]
    assert rows[0].accrual is not None
    assert rows[0].accrual.periods[0].days == 23


def test_a_fee_tells_its_rule_and_its_day(app: Flask) -> None:
    case = a_reminded_case()
    (row,) = makeup.of(case, makeup.FEES, cases.amount_due(case, TODAY))
    assert (row.on, row.ore) == (TODAY, 6_000)
    assert [one.rule for one in row.explanations] == ["lag (1981:739) § 2, § 4"]


def test_a_case_without_fees_has_no_rows_of_them(app: Flask) -> None:
    case = a_case()
    assert makeup.of(case, makeup.FEES, cases.amount_due(case, TODAY)) == []
