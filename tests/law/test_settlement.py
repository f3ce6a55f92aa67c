from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.law import LawError
from portal.law.interest import REFERENCE_RATES, Movement, RateTable, Terms, accrue
from portal.law.settlement import Owed, Settlement, oldest_first, settle

ore = st.integers(0, 10**12)
orders = st.sampled_from(["costs first", "principal first"])


def test_a_payment_covers_costs_then_interest_then_principal():
    parts = settle(100_000, fees_ore=24_000, interest_ore=3_151, principal_ore=250_000)
    assert parts == Settlement(24_000, 3_151, 72_849, 0)


def test_a_small_payment_covers_costs_only():
    assert settle(100, fees_ore=6_000, interest_ore=50, principal_ore=9) == Settlement(100, 0, 0, 0)


def test_what_is_left_over_is_overpaid():
    assert settle(500, fees_ore=100, interest_ore=20, principal_ore=300) == Settlement(
        100, 20, 300, 80
    )


def test_the_creditor_may_let_the_principal_go_first():
    assert settle(
        310, fees_ore=100, interest_ore=20, principal_ore=300, order="principal first"
    ) == Settlement(0, 10, 300, 0)


def test_the_worked_case_is_paid_in_two_payments_and_closes():
    rates, terms = RateTable(REFERENCE_RATES), Terms("statutory")
    due_on, first_on, last_on = date(2025, 9, 30), date(2025, 11, 15), date(2025, 12, 31)
    claim = [Movement(due_on, 250_000)]
    interest = accrue(claim, due_on=due_on, until=first_on, terms=terms, rates=rates)
    assert (interest.periods[0].days, interest.ore) == (46, 3_151)

    first = settle(
        100_000, fees_ore=6_000 + 18_000, interest_ore=interest.ore, principal_ore=250_000
    )
    assert (first.fees_ore, first.interest_ore, first.principal_ore) == (24_000, 3_151, 72_849)
    left_ore = 250_000 - first.principal_ore
    assert left_ore == 177_151

    claim.append(Movement(first_on, -first.principal_ore))
    interest = accrue(
        claim, due_on=due_on, until=last_on, terms=terms, rates=rates, from_on=first_on
    )
    assert (interest.periods[0].days, interest.ore) == (46, 2_233)
    assert left_ore + interest.ore == 179_384
    last = settle(179_384, fees_ore=0, interest_ore=interest.ore, principal_ore=left_ore)
    assert last == Settlement(0, 2_233, 177_151, 0)


@pytest.mark.parametrize("wrong", ["payment_ore", "fees_ore", "interest_ore", "principal_ore"])
def test_a_negative_sum_is_refused(wrong):
    sums = {"payment_ore": 1, "fees_ore": 1, "interest_ore": 1, "principal_ore": 1, wrong: -1}
    with pytest.raises(LawError, match="negative"):
        settle(sums.pop("payment_ore"), **sums)


def test_an_order_that_the_law_does_not_know_is_refused():
    with pytest.raises(LawError, match="interest first"):
        settle(1, fees_ore=1, interest_ore=1, principal_ore=1, order="interest first")


@given(payment=ore, fees=ore, interest=ore, principal=ore, order=orders)
def test_the_parts_sum_to_the_payment_and_none_is_more_than_owed(
    payment, fees, interest, principal, order
):
    parts = settle(
        payment, fees_ore=fees, interest_ore=interest, principal_ore=principal, order=order
    )
    covered = parts.fees_ore + parts.interest_ore + parts.principal_ore
    assert covered + parts.overpaid_ore == payment
    assert 0 <= parts.fees_ore <= fees
    assert 0 <= parts.interest_ore <= interest
    assert 0 <= parts.principal_ore <= principal
    assert parts.overpaid_ore == max(payment - fees - interest - principal, 0)


@given(first=ore, second=ore, fees=ore, interest=ore, principal=ore, order=orders)
def test_two_payments_on_a_day_settle_as_one(first, second, fees, interest, principal, order):
    owed = {"fees_ore": fees, "interest_ore": interest, "principal_ore": principal}
    once = settle(first + second, **owed, order=order)
    one = settle(first, **owed, order=order)
    left = {part: owed[part] - getattr(one, part) for part in owed}
    two = settle(second, **left, order=order)
    for part in (*owed, "overpaid_ore"):
        assert getattr(one, part) + getattr(two, part) == getattr(once, part)


def owed(*pairs):
    return [Owed(date.fromisoformat(on), ore) for on, ore in pairs]


def test_the_oldest_is_covered_first_wherever_it_stands():
    sums = owed(("2025-11-01", 300), ("2025-10-10", 60), ("2025-10-27", 180))
    assert oldest_first(100, sums) == (0, 60, 40)


def test_of_the_same_day_the_first_given_is_covered_first():
    assert oldest_first(70, owed(("2025-10-10", 60), ("2025-10-10", 60))) == (60, 10)


def test_more_than_is_owed_is_not_covered():
    with pytest.raises(LawError, match="More"):
        oldest_first(61, owed(("2025-10-10", 60)))


@pytest.mark.parametrize(("covered", "of"), [(-1, 60), (0, -60)])
def test_nothing_negative_is_covered(covered, of):
    with pytest.raises(LawError, match="negative"):
        oldest_first(covered, owed(("2025-10-10", of)))


@given(
    sums=st.lists(st.builds(Owed, st.dates(), st.integers(0, 10**9)), max_size=8), data=st.data()
)
def test_what_is_covered_sums_to_the_payment_and_no_newer_sum_goes_before_an_older(sums, data):
    paid = data.draw(st.integers(0, sum(one.ore for one in sums)))
    covered = oldest_first(paid, sums)
    assert sum(covered) == paid
    pairs = list(zip(sums, covered, strict=True))
    assert all(0 <= part <= one.ore for one, part in pairs)
    begun = [one.on for one, part in pairs if part]
    left = [one.on for one, part in pairs if part < one.ore]
    assert not begun or not left or max(begun) <= min(left)
