"""A payment given to its case after later money counts as if it had been given on its day."""

from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from portal import ledger
from portal.collection import cases, changes, checks, lifecycle
from portal.collection.models import Case
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import SWISH, Actor
from portal.ledger import Account
from portal.payments import booking, refunds
from portal.payments.models import Payment, Refund
from tests.factories import NOW, TODAY, a_case, a_creditor, letters_leave, rules_of
from tests.payments.at_once import come_again, paid_at_once, taken

EVA = Actor("person", "Eva", role="creditor")
ERIK = Actor("person", "Erik Wallin", None, "operator")
CLAIM, FEE = 100_000, 6_000
LATER = NOW + timedelta(days=200)


def pays(case: Case, ore: int, day: int, key: str, channel: str = "bankgiro") -> None:
    booking.receive(
        case.id, amount_ore=ore, currency="SEK", key=f"{channel}:{case.id}:{key}", channel=channel,
        value_on=TODAY + timedelta(days=day), payer=None, actor=SWISH, now=LATER,
    )  # fmt: skip
    db.session.commit()


def undone(case: Case, key: str) -> None:
    """As an operator undoes it: what is to go back of it does not."""
    reference = f"bankgiro:{case.id}:{key}"
    payment = booking.take_back(
        reference, by_bank=False, on=TODAY + timedelta(days=201), actor=ERIK, now=LATER
    )
    assert payment is not None
    for refund in refunds.of_booked([payment.id]):
        refunds.withdraw(refund, actor=ERIK, now=LATER)
    db.session.commit()


def reminded(case: Case, day: int) -> None:
    """The reminder leaves, if there is something to remind of still."""
    held = cases.lock(case.id)
    if held.closed_on is None:
        lifecycle.send_reminder(
            held, today=TODAY + timedelta(days=day), now=NOW + timedelta(days=day)
        )
        letters_leave("reminder")
    db.session.commit()


def owed(case: Case, day: int) -> int:
    return cases.amount_due(cases.lock(case.id), TODAY + timedelta(days=day)).total_ore


def sums(case: Case) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in ledger.entries(case.id):
        for account, ore in entry.lines:
            found[account] = found.get(account, 0) + ore
    return {account: ore for account, ore in found.items() if ore}


def to_go_back(case: Case) -> int:
    return -sums(case).get("over_payment", 0)


def refunded(case: Case, key: str) -> int:
    """What goes back of a payment."""
    query = (
        select(Refund.amount_ore)
        .join(Payment, Payment.id == Refund.booked_id)
        .where(
            Payment.channel_reference.endswith(f":{case.id}:{key}"),
            Refund.status.not_in(("failed", "withdrawn")),
        )
    )
    return sum(db.session.scalars(query))


def refund_of(case: Case, key: str) -> Refund:
    query = select(Refund).join(Payment, Payment.id == Refund.booked_id)
    return db.session.scalars(
        query.where(Payment.channel_reference.endswith(f":{case.id}:{key}"))
    ).one()


def nothing_differs() -> bool:
    with tenancy.service():
        return (
            sum(ledger.trial_balance().values()) == 0
            and not booking.differences()
            and not refunds.differences()
            and not checks.differences()
        )


@pytest.fixture
def paid_late(app: Flask) -> Case:
    """A case whose claim was paid in time, which nobody knew: it was reminded, and paid again."""
    case = a_case()
    reminded(case, 1)
    pays(case, owed(case, 30), 30, "second", "swish")
    assert cases.lock(case.id).status == "paid"
    return case


def test_a_closed_case_gives_back_the_fee_and_the_interest_that_later_money_paid(
    paid_late: Case,
) -> None:
    interest = 548 + 822
    pays(paid_late, CLAIM + 548, 0, "first")
    assert sums(paid_late)[Account.OVER_PAYMENT] == -(CLAIM + FEE + interest)
    assert Account.FEE_INCOME not in sums(paid_late)
    assert sums(paid_late)[Account.OWED_TO_CREDITOR] == -(CLAIM + 548)


def test_what_later_money_paid_too_much_goes_back_to_who_paid_it(paid_late: Case) -> None:
    pays(paid_late, CLAIM + 548, 0, "first")
    assert refunded(paid_late, "second") == FEE + 822
    assert refunded(paid_late, "first") == CLAIM + 548
    assert nothing_differs()


def test_a_part_that_came_late_gives_back_its_interest_and_no_fee(paid_late: Case) -> None:
    pays(paid_late, 548 + 50_000, 0, "first")
    assert refunded(paid_late, "second") == 411
    assert sums(paid_late)[Account.FEE_INCOME] == -FEE
    assert nothing_differs()


def test_a_second_late_payment_gives_back_nothing_more(paid_late: Case) -> None:
    pays(paid_late, CLAIM + 548, 0, "first")
    pays(paid_late, CLAIM + 548, 0, "third")
    assert refunded(paid_late, "second") == FEE + 822
    assert refunded(paid_late, "third") == CLAIM + 548


def test_a_payment_of_after_the_case_was_closed_gives_back_nothing_else(paid_late: Case) -> None:
    pays(paid_late, CLAIM, 31, "first")
    assert refunded(paid_late, "second") == 0


def test_an_open_case_gives_back_the_fee_that_later_money_paid(app: Flask) -> None:
    case = a_case()
    reminded(case, 1)
    pays(case, 20_000, 11, "second")
    pays(case, CLAIM + 548, 0, "first")
    assert cases.lock(case.id).status == "paid"
    assert sums(case)[Account.OVER_PAYMENT] == -20_000
    assert refunded(case, "second") >= FEE
    assert nothing_differs()


def test_late_money_that_is_undone_leaves_all_as_it_was(paid_late: Case) -> None:
    before = sums(paid_late)
    pays(paid_late, CLAIM + 548, 0, "first")
    undone(paid_late, "first")
    assert sums(paid_late) == before
    assert refunded(paid_late, "second") == refunded(paid_late, "first") == 0
    assert nothing_differs()


def test_what_is_sent_back_already_stays_when_the_late_money_is_undone(paid_late: Case) -> None:
    pays(paid_late, CLAIM + 548, 0, "first")
    db.session.scalars(select(Refund).where(Refund.way == "swish")).one().status = "released"
    undone(paid_late, "first")
    assert refunded(paid_late, "second") == FEE + 822
    assert Account.FEE_INCOME not in sums(paid_late)
    assert nothing_differs()


def test_later_money_whose_refund_is_sent_gives_back_no_more_by_itself(app: Flask) -> None:
    case = a_case()
    reminded(case, 1)
    pays(case, owed(case, 30) + 500, 30, "second", "swish")
    db.session.scalars(select(Refund).where(Refund.way == "swish")).one().status = "released"
    pays(case, CLAIM + 548, 0, "first")
    assert refunded(case, "second") == 500
    assert nothing_differs()


def test_later_money_that_was_too_much_already_gives_back_more(app: Flask) -> None:
    case = a_case()
    reminded(case, 1)
    pays(case, owed(case, 30) + 500, 30, "second", "swish")
    pays(case, CLAIM + 548, 0, "first")
    assert refunded(case, "second") == FEE + 822 + 500
    undone(case, "first")
    assert refunded(case, "second") == 500
    assert nothing_differs()


def test_payments_that_together_paid_all_before_a_letter_owe_no_fee_for_it(app: Flask) -> None:
    case = a_case()
    pays(case, 50_000, 4, "second")
    reminded(case, 14)
    pays(case, 60_000, 3, "first")
    assert Account.FEE_INCOME not in sums(case)
    # Of the interest of 4 days one was on what the second paid.
    assert sums(case)[Account.OWED_TO_CREDITOR] == -(CLAIM + 548 + 82 + 11)
    assert nothing_differs()


def test_a_fee_is_owed_again_when_what_stands_did_not_pay_all_before_its_letter(app: Flask) -> None:
    case = a_case()
    pays(case, 50_000, 4, "second", "swish")
    reminded(case, 14)
    pays(case, 60_000, 3, "first")
    charged_back(case, "second")
    assert sums(case)[Account.FEE_INCOME] == -FEE
    assert ledger.balance(case.id).total_ore == CLAIM + 548 + 82 + 11 + FEE - 60_000
    assert nothing_differs()


def test_money_of_after_the_last_interest_hides_none_that_was_never_due(app: Flask) -> None:
    told_late, known = a_case(), a_case()
    pays(told_late, 50_500, 16, "second")
    request = paid_at_once({told_late: 50_986}, on=TODAY + timedelta(days=5))
    pays(told_late, 4_582, 24, "third")
    taken(request, 33_990, on=TODAY + timedelta(days=61))
    for ore, day in ((16_996, 5), (50_500, 16), (4_582, 24)):
        pays(known, ore, day, f"of day {day}")
    # Interest is rounded once for each payment.
    assert abs(owed(told_late, 61) - owed(known, 61)) <= 3


def test_late_payments_told_of_in_any_order_give_back_the_same(app: Flask) -> None:
    one, other = a_case(), a_case()
    for case in (one, other):
        reminded(case, 10)
        pays(case, owed(case, 15), 15, "third")
    for case, order in ((one, ("first", "second")), (other, ("second", "first"))):
        for key in order:
            ore, day = {"first": (28_720, 0), "second": (90_000, 2)}[key]
            pays(case, ore, day, key)
    assert sums(one) == sums(other)
    assert sums(one)[Account.OWED_TO_CREDITOR] == -(CLAIM + 548 + 39)
    assert Account.FEE_INCOME not in sums(one)


def test_a_fee_that_money_taken_back_had_paid_is_paid_first_by_money_of_an_earlier_day(
    app: Flask,
) -> None:
    case = a_case()
    reminded(case, 1)
    pays(case, owed(case, 30), 30, "second")
    undone(case, "second")
    pays(case, 50_000, 20, "first")
    assert cases.amount_due(cases.lock(case.id), TODAY + timedelta(days=20)).fees_ore == 0


def test_late_money_that_leaves_a_small_rest_had_paid_the_case(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor, small_rest_ore=1_000)
    case = a_case(creditor)
    reminded(case, 1)
    pays(case, CLAIM, 0, "first")
    assert cases.lock(case.id).status == "paid"
    assert Account.FEE_INCOME not in sums(case)
    assert nothing_differs()


def test_late_money_that_leaves_a_small_rest_gives_back_the_fee_that_later_money_paid(
    app: Flask,
) -> None:
    creditor = a_creditor()
    rules_of(creditor, small_rest_ore=1_000)
    case = a_case(creditor)
    reminded(case, 1)
    pays(case, owed(case, 30), 30, "second", "swish")
    pays(case, CLAIM, 0, "first")
    assert refunded(case, "second") == FEE + 822
    assert Account.FEE_INCOME not in sums(case)
    assert nothing_differs()


def charged_back(case: Case, key: str, channel: str = "swish") -> None:
    """As the bank takes money back: what is to go back of it does not."""
    payment = booking.take_back(
        f"{channel}:{case.id}:{key}", by_bank=True, on=TODAY + timedelta(days=201), actor=SWISH,
        now=LATER,
    )  # fmt: skip
    assert payment is not None
    for refund in refunds.of_booked([payment.id]):
        refunds.withdraw(refund, actor=SWISH, now=LATER)
    db.session.commit()


def test_what_waits_to_go_back_covers_the_case_again_when_other_money_is_taken_back(
    paid_late: Case,
) -> None:
    pays(paid_late, CLAIM + 548, 0, "first")
    charged_back(paid_late, "second")
    assert cases.lock(paid_late.id).status == "paid"
    assert sums(paid_late)[Account.OWED_TO_CREDITOR] == -(CLAIM + 548)
    assert refunded(paid_late, "first") == to_go_back(paid_late) == 0
    assert nothing_differs()


def test_what_was_never_due_is_owed_when_both_that_showed_it_and_that_paid_it_are_taken_back(
    paid_late: Case,
) -> None:
    pays(paid_late, CLAIM + 548, 0, "first")
    charged_back(paid_late, "second")
    undone(paid_late, "first")
    assert ledger.balance(paid_late.id) == ledger.Balance(CLAIM, 548 + 822, FEE)
    assert nothing_differs()


def test_it_is_the_same_in_the_other_order(paid_late: Case) -> None:
    pays(paid_late, CLAIM + 548, 0, "first")
    undone(paid_late, "first")
    charged_back(paid_late, "second")
    assert ledger.balance(paid_late.id) == ledger.Balance(CLAIM, 548 + 822, FEE)
    assert nothing_differs()


def test_what_is_sent_back_already_covers_nothing(paid_late: Case) -> None:
    pays(paid_late, CLAIM + 548, 0, "first", "swish")
    refund_of(paid_late, "first").status = "released"
    charged_back(paid_late, "second")
    assert cases.lock(paid_late.id).status == "reminded"
    assert ledger.balance(paid_late.id).total_ore == CLAIM + 548


def test_money_that_may_have_gone_back_covers_nothing(paid_late: Case) -> None:
    pays(paid_late, CLAIM + 548, 0, "first", "swish")
    unknown = refund_of(paid_late, "first")
    unknown.status, unknown.error_code = "rejected", "DS24"
    charged_back(paid_late, "second")
    assert refunded(paid_late, "first") == CLAIM + 548
    assert nothing_differs()


def test_money_that_covered_again_is_taken_back_whole(paid_late: Case) -> None:
    pays(paid_late, 500, 40, "third")
    charged_back(paid_late, "second")
    assert ledger.balance(paid_late.id) == ledger.Balance(CLAIM, 548 + 1096, FEE - 500)
    charged_back(paid_late, "third", "bankgiro")
    assert ledger.balance(paid_late.id) == ledger.Balance(CLAIM, 548 + 1096, FEE)
    assert nothing_differs()


@pytest.fixture
def rest(app: Flask) -> Case:
    """A case that was reminded, and closed by money that lacked 5.00."""
    creditor = a_creditor()
    rules_of(creditor, small_rest_ore=1_000)
    case = a_case(creditor)
    reminded(case, 1)
    pays(case, owed(case, 30) - 500, 30, "second", "swish")
    assert cases.lock(case.id).status == "paid"
    return case


def test_money_of_before_a_rest_was_let_go_pays_the_rest_first(rest: Case) -> None:
    pays(rest, CLAIM + 548, 0, "first")
    # As if the second had found nothing to pay.
    assert to_go_back(rest) == owed_in_all() - 500
    assert sums(rest)[Account.OWED_TO_CREDITOR] == -(CLAIM + 548)
    assert nothing_differs()


def owed_in_all() -> int:
    return CLAIM + FEE + 548 + 822


def test_money_of_the_same_day_pays_the_rest(rest: Case) -> None:
    pays(rest, 500, 30, "first")
    assert to_go_back(rest) == 0
    assert sums(rest)[Account.CLIENT_FUNDS] == owed_in_all()


def test_money_less_than_the_rest_lets_less_go(rest: Case) -> None:
    pays(rest, 200, 30, "first")
    assert to_go_back(rest) == 0
    assert owed(rest, 40) == 0
    assert nothing_differs()


def test_money_of_after_a_rest_was_let_go_goes_back(rest: Case) -> None:
    before = sums(rest)[Account.OWED_TO_CREDITOR]
    pays(rest, 500, 31, "first")
    assert (to_go_back(rest), sums(rest)[Account.OWED_TO_CREDITOR]) == (500, before)


def test_a_rest_is_let_go_again_when_the_money_that_paid_it_is_undone(rest: Case) -> None:
    before = sums(rest)
    pays(rest, CLAIM + 548, 0, "first")
    undone(rest, "first")
    assert sums(rest) == before
    assert cases.lock(rest.id).status == "paid"
    assert nothing_differs()


def test_a_case_stays_paid_when_what_is_undone_leaves_a_rest_that_is_let_go(app: Flask) -> None:
    creditor = a_creditor()
    rules = rules_of(creditor, small_rest_ore=0)
    case = a_case(creditor)
    pays(case, owed(case, 10) - 500, 10, "second")
    pays(case, 500, 10, "third")
    assert cases.lock(case.id).status == "paid"
    rules.small_rest_ore = 1_000
    undone(case, "third")
    assert cases.lock(case.id).status == "paid"
    assert nothing_differs()


def test_what_nothing_is_paid_of_is_no_rest(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor, small_rest_ore=1_000)
    case = a_case(creditor, balance_ore=900)
    pays(case, 900, 0, "second")
    undone(case, "second")
    assert cases.lock(case.id).status == "imported"
    assert nothing_differs()


@given(
    lacks=st.integers(0, 1_000), taken_ore=st.integers(1, 60_000), more=st.integers(0, 600),
    day=st.integers(0, 29), comes_again=st.booleans(),
)  # fmt: skip
@example(lacks=300, taken_ore=200, more=0, day=0, comes_again=True)
@example(lacks=1_000, taken_ore=50_000, more=0, day=20, comes_again=True)
@examples(
    max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_a_rest_is_owed_again_when_a_part_is_taken_back_and_money_of_before_is_told(
    app: Flask, lacks: int, taken_ore: int, more: int, day: int, comes_again: bool
) -> None:
    creditor = a_creditor()
    rules_of(creditor, small_rest_ore=1_000)
    known, late = a_case(creditor), a_case(creditor)
    for case in (known, late):
        reminded(case, 1)
    all_ore, paid_ore = owed(late, day) + more, owed(late, 30) - lacks
    pays(known, all_ore, day, "first")
    requests = [
        paid_at_once({case: paid_ore}, way="swish", on=TODAY + timedelta(days=30))
        for case in (known, late)
    ]
    back = [taken(one, taken_ore, on=TODAY + timedelta(days=60)) for one in requests]
    before = sums(late)
    pays(late, all_ore, day, "first")
    undone(late, "first")
    assert sums(late) == before
    pays(late, all_ore, day, "first again")
    if comes_again:
        for one in back:
            come_again(one, on=TODAY + timedelta(days=70))
    assert cases.lock(late.id).status == "paid"
    # Interest is rounded once for each payment.
    assert abs(to_go_back(late) - to_go_back(known)) <= 3
    assert sums(late).get("fee_income") == sums(known).get("fee_income")
    assert nothing_differs()


def test_what_comes_again_after_a_part_was_taken_back_pays_the_rest_that_was_let_go(
    app: Flask,
) -> None:
    case = a_case()
    pays(case, 50_000, 0, "first")
    request = paid_at_once({case: owed(case, 30)}, way="swish", on=TODAY + timedelta(days=30))
    before = sums(case)
    chargeback = taken(request, 900, on=TODAY + timedelta(days=60))
    assert cases.lock(case.id).status == "paid"
    come_again(chargeback, on=TODAY + timedelta(days=70))
    assert sums(case) == before
    assert nothing_differs()


def test_a_fee_that_was_owed_again_is_none_of_after_the_day_that_it_was_paid(app: Flask) -> None:
    case = a_case()
    reminded(case, 1)
    request = paid_at_once({case: owed(case, 30)}, way="swish", on=TODAY + timedelta(days=30))
    taken(request, on=TODAY + timedelta(days=60))
    due = cases.amount_due(cases.lock(case.id), TODAY + timedelta(days=20))
    changes.creditor_was_paid(
        cases.lock(case.id), amount_ore=due.principal_ore, on=due.on, key="1", actor=EVA, now=LATER
    )
    db.session.commit()
    assert ledger.balance(case.id).fees_ore == FEE


later = st.lists(st.tuples(st.integers(2, 60), st.integers(100, 150_000)), min_size=1, max_size=2)


@given(ore=st.integers(100, 120_000), paid=later)
@example(ore=100_548, paid=[(30, 107_370)])
@example(ore=6_059, paid=[(2, 407), (30, 100)])
@example(ore=50_000, paid=[(60, 60_000)])
@example(ore=100_548, paid=[(5, 40_000), (60, 70_000)])
@examples(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_money_told_late_is_worth_the_same_as_told_on_its_day(
    app: Flask, ore: int, paid: list[tuple[int, int]]
) -> None:
    creditor = a_creditor()
    # A rest of ten kronor would be given up, whichever payment left it.
    rules_of(creditor, small_rest_ore=0)
    known, late = a_case(creditor), a_case(creditor)
    pays(known, ore, 0, "first")
    for case in (known, late):
        reminded(case, 1)
        for number, (day, later_ore) in enumerate(sorted(paid)):
            pays(case, later_ore, day, f"later {number}")
    before = sums(late)
    pays(late, ore, 0, "first")
    # Interest is rounded once for each payment.
    assert abs(to_go_back(late) - to_go_back(known)) <= 3
    assert abs(ledger.balance(late.id).total_ore - ledger.balance(known.id).total_ore) <= 3
    assert sums(late).get("fee_income") == sums(known).get("fee_income")
    assert nothing_differs()
    undone(late, "first")
    assert sums(late) == before


@given(
    ore=st.integers(100, 120_000), paid=later, gone=st.permutations([0, 1, 2]),
    many=st.integers(1, 3),
)  # fmt: skip
@example(ore=100_548, paid=[(30, 107_370)], gone=[1, 0, 2], many=1)
@example(ore=100_548, paid=[(30, 107_370)], gone=[1, 0, 2], many=2)
@example(ore=100_548, paid=[(5, 40_000), (60, 70_000)], gone=[2, 0, 1], many=2)
@examples(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_stands_is_worth_the_same_whichever_money_is_taken_back_first(
    app: Flask, ore: int, paid: list[tuple[int, int]], gone: list[int], many: int
) -> None:
    creditor = a_creditor()
    rules_of(creditor, small_rest_ore=0)
    known, late = a_case(creditor), a_case(creditor)
    all_paid = [(0, ore), *sorted(paid)]
    taken = [one for one in gone[:many] if one < len(all_paid)]
    stands = [one for one in range(len(all_paid)) if one not in taken]
    if 0 in stands:
        pays(known, ore, 0, "0")
    for case in (known, late):
        reminded(case, 1)
    for number in stands:
        if number:
            pays(known, all_paid[number][1], all_paid[number][0], str(number))
    for number in [*range(1, len(all_paid)), 0]:
        day, one_ore = all_paid[number]
        pays(late, one_ore, day, str(number))
    for number in taken:
        charged_back(late, str(number), "bankgiro")
    assert nothing_differs()
    assert abs(to_go_back(late) - to_go_back(known)) <= 5
    # What stands keeps what it covered: of the claim, where alone it had covered fees and interest,
    # and so less interest runs.
    assert -200 <= owed(late, 60) - owed(known, 60) <= 5
    assert sums(late).get("fee_income") == sums(known).get("fee_income")
