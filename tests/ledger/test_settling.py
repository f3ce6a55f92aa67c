"""Whatever is paid, and when: the books hold, and interest is the law's to the öre."""

from datetime import timedelta
from fractions import Fraction

from flask import Flask
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from portal import ledger
from portal.collection import cases, settling
from portal.extensions import db
from portal.identity.actor import SWISH
from portal.law.interest import round_half_up
from portal.ledger import Account
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor, rules_of

# Days after the payment before, and öre. All of them within the half-year of one rate.
payments = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 150_000)), min_size=1, max_size=5)
PER_CENT = 10


def settle(case_id: int, days: int, ore: int, key: str) -> settling.Settled:
    settled = settling.settle_payment(
        cases.lock(case_id), amount_ore=ore, key=key, channel="swish",
        value_on=TODAY + timedelta(days=days), actor=SWISH, now=NOW,
    )  # fmt: skip
    db.session.commit()
    assert settled is not None
    return settled


class Expected:
    """A claim reckoned a day at a time, by another way than the portal's."""

    def __init__(self) -> None:
        self.principal, self.interest, self.fees = 100_000, 0, 6_000
        self.accruing = Fraction(0)
        # Twenty days late when it is reminded.
        self.pass_days(20)

    def pass_days(self, days: int) -> None:
        self.accruing += Fraction(self.principal * PER_CENT * days, 100 * 365)

    def pay(self, ore: int) -> tuple[int, int, int, int]:
        if booked := round_half_up(self.accruing):
            self.interest += booked
            self.accruing = Fraction(0)
        fees = min(ore, self.fees)
        interest = min(ore - fees, self.interest)
        principal = min(ore - fees - interest, self.principal)
        self.fees -= fees
        self.interest -= interest
        self.principal -= principal
        return fees, interest, principal, ore - fees - interest - principal


@given(payments)
@example([(0, 1), (0, 1), (0, 1), (0, 105_545)])
@examples(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_payments_settle_as_reckoned_day_by_day_on_the_principal_alone(
    app: Flask, paid: list[tuple[int, int]]
) -> None:
    # A rest of ten kronor would be given up, which is not reckoned here.
    creditor = a_creditor()
    rules_of(creditor, small_rest_ore=0)
    case = a_case_whose_reminder_left(creditor)
    expected, day = Expected(), 0
    for number, (days, ore) in enumerate(paid):
        day += days
        expected.pass_days(days)
        parts = settle(case.id, day, ore, f"{case.id}:{number}").parts
        assert (
            parts.fees_ore,
            parts.interest_ore,
            parts.principal_ore,
            parts.overpaid_ore,
        ) == expected.pay(ore)
    assert ledger.balance(case.id) == ledger.Balance(
        expected.principal, expected.interest, expected.fees
    )


@given(payments)
@examples(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_payments_leave_the_books_whole(app: Flask, paid: list[tuple[int, int]]) -> None:
    case = a_case_whose_reminder_left()
    day = 0
    for number, (days, ore) in enumerate(paid):
        day += days
        settled = settle(case.id, day, ore, f"{case.id}:{number}")
        parts = settled.parts
        assert (
            parts.fees_ore + parts.interest_ore + parts.principal_ore + (parts.overpaid_ore) == ore
        )
        left = ledger.balance(case.id)
        assert min(left.principal_ore, left.interest_ore, left.fees_ore) >= 0
        assert left.total_ore == settled.left_ore
        assert (cases.lock(case.id).status == "paid") == (settled.left_ore == 0)
    with_money = dict.fromkeys(Account, 0) | _sums(case.id)
    came = sum(ore for _, ore in paid)
    assert with_money[Account.CLIENT_FUNDS] == came
    assert (
        came
        == -(
            with_money[Account.OWED_TO_CREDITOR]
            + with_money[Account.OVER_PAYMENT]
            + with_money[Account.FEE_INCOME]
        )
        - left.fees_ore
    )
    assert -with_money[Account.CLAIMS] == left.principal_ore + left.interest_ore
    assert sum(ledger.trial_balance().values()) == 0


def _sums(case_id: int) -> dict[Account, int]:
    sums: dict[Account, int] = {}
    for entry in ledger.entries(case_id):
        for account, ore in entry.lines:
            sums[account] = sums.get(account, 0) + ore
    return sums


def test_interest_left_unpaid_bears_no_interest(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    # Fee and one öre of the interest.
    settle(case.id, 0, 6_001, "one")
    later = cases.amount_due(case, TODAY + timedelta(days=73))
    # 547 left of what was booked, and 73 days on the principal: a fifth of a year at 10 per cent.
    assert later.interest_ore == 547 + 2_000


def test_a_closed_case_bears_no_interest(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    settle(case.id, 0, 106_548, "one")
    assert cases.amount_due(case, TODAY + timedelta(days=100)).total_ore == 0
