"""What was paid of a claim that was never owed goes back; of one that was owed, it stays."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from portal import ledger
from portal.collection import cases, changes, disputes, lifecycle, states, tellings
from portal.collection.models import Case, Event
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import DEBTOR, SYSTEM, Actor
from portal.ledger import Account
from portal.payments import booking, refunds
from portal.payments.models import Refund
from tests.collection.test_late_money import (
    LATER,
    nothing_differs,
    pays,
    refunded,
    sums,
    to_go_back,
    undone,
)
from tests.factories import NOW, TODAY, a_case, a_creditor, letters_leave, rules_of
from tests.payments.charging import a_price
from tests.payments.paying_out import an_account, propose, settle

_numbers = itertools.count(1)
CLERK = Actor("person", "Johan Ekdahl", None, "creditor")
CLAIM, FEE, INTEREST = 100_000, 6_000, 548
PART = 30_000
PRINCIPAL_PAID = PART - FEE - INTEREST


def a_reminded_case(**values: object) -> Case:
    case = a_case(**values)
    lifecycle.send_reminder(case, today=TODAY, now=NOW)
    letters_leave("reminder")
    db.session.commit()
    return case


def objected(case: Case) -> None:
    disputes.object_to(
        cases.lock(case.id), reason="not mine", words="Jag har inte köpt det", amount_ore=None,
        channel="phone", actor=CLERK, today=TODAY, now=NOW,
    )  # fmt: skip


def upheld(case: Case, *, is_paid_back: bool = False) -> None:
    objected(case)
    with tenancy.creditors([case.creditor_id]):
        disputes.answer(
            cases.lock(case.id), disputes.UPHELD, words="Du har rätt", is_paid_back=is_paid_back,
            actor=CLERK, today=TODAY, now=LATER,
        )  # fmt: skip
        db.session.commit()


def credited(case: Case, ore: int, key: str = "K1") -> None:
    with tenancy.creditors([case.creditor_id]):
        changes.credit(
            cases.lock(case.id), amount_ore=ore, on=TODAY, key=key, actor=CLERK, now=LATER
        )
        db.session.commit()


def charged_back(case: Case, key: str) -> None:
    """As the bank takes a payment back: what was not sent of its refund does not go."""
    reference = f"bankgiro:{case.id}:{key}"
    payment = booking.take_back(
        reference, by_bank=True, on=TODAY + timedelta(days=9), actor=Actor("bank"), now=LATER
    )
    assert payment is not None
    for refund in refunds.of_booked([payment.id]):
        refunds.withdraw(refund, actor=SYSTEM, now=LATER)
    db.session.commit()


@pytest.fixture
def paid_in_part(app: Flask) -> Case:
    case = a_reminded_case()
    pays(case, PART, 0, "part")
    return case


def test_who_was_right_has_fees_and_interest_back(paid_in_part: Case) -> None:
    upheld(paid_in_part)
    assert sums(paid_in_part) == {
        Account.CLIENT_FUNDS: PART,
        Account.OWED_TO_CREDITOR: -PRINCIPAL_PAID,
        Account.OVER_PAYMENT: -(FEE + INTEREST),
    }
    assert refunded(paid_in_part, "part") == FEE + INTEREST
    assert nothing_differs()


def test_what_was_paid_of_the_invoice_goes_back_by_the_creditors_word_alone(
    paid_in_part: Case,
) -> None:
    upheld(paid_in_part, is_paid_back=True)
    assert sums(paid_in_part) == {Account.CLIENT_FUNDS: PART, Account.OVER_PAYMENT: -PART}
    assert refunded(paid_in_part, "part") == PART
    assert nothing_differs()


def test_a_refund_of_it_waits_for_the_payers_account(paid_in_part: Case) -> None:
    upheld(paid_in_part)
    refund = db.session.scalars(select(Refund)).one()
    assert (refund.status, refund.way) == ("to confirm", "bank")


def test_costs_that_were_paid_go_back_when_only_costs_were_left(app: Flask) -> None:
    case = a_reminded_case()
    pays(case, 3_000, 0, "part")
    changes.creditor_was_paid(
        cases.lock(case.id), amount_ore=CLAIM + INTEREST, key="p", on=TODAY, actor=CLERK, now=NOW
    )
    db.session.commit()
    upheld(case)
    assert cases.lock(case.id).status == states.RECALLED
    assert refunded(case, "part") == 3_000
    assert nothing_differs()


def test_the_wrong_person_has_fees_and_interest_back(paid_in_part: Case) -> None:
    case = cases.lock(paid_in_part.id)
    tellings.tell(
        case, tellings.WRONG_PERSON, facts={}, words="Jag är inte hon", files=(), language="sv",
        actor=DEBTOR, now=NOW,
    )  # fmt: skip
    db.session.commit()
    with tenancy.creditors([case.creditor_id]):
        tellings.answer(
            cases.lock(case.id), tellings.WRONG_PERSON, tellings.WRONG, words="Du har rätt",
            language="sv", actor=CLERK, today=TODAY, now=LATER,
        )  # fmt: skip
        db.session.commit()
    assert refunded(case, "part") == FEE + INTEREST
    assert nothing_differs()


def test_a_credit_note_of_the_rest_keeps_what_was_paid(paid_in_part: Case) -> None:
    credited(paid_in_part, CLAIM - PRINCIPAL_PAID)
    assert cases.lock(paid_in_part.id).status == states.CREDITED
    assert sums(paid_in_part)[Account.FEE_INCOME] == -FEE
    assert to_go_back(paid_in_part) == 0
    assert nothing_differs()


@pytest.mark.parametrize("notes", [[CLAIM], [40_000, 60_000]])
def test_a_credit_note_of_all_the_invoice_gives_fees_and_interest_back(
    app: Flask, notes: list[int]
) -> None:
    case = a_reminded_case()
    pays(case, FEE + INTEREST, 0, "costs")
    for number, ore in enumerate(notes):
        credited(case, ore, f"K{number}")
    assert refunded(case, "costs") == FEE + INTEREST
    assert Account.FEE_INCOME not in sums(case)
    assert nothing_differs()


def test_a_plain_recall_keeps_what_was_paid(paid_in_part: Case) -> None:
    changes.recall(cases.lock(paid_in_part.id), reason="", actor=CLERK, today=TODAY, now=LATER)
    db.session.commit()
    assert sums(paid_in_part)[Account.FEE_INCOME] == -FEE
    assert nothing_differs()


@pytest.mark.parametrize("is_paid_back", [True, False])
def test_a_payment_that_is_taken_back_afterwards_leaves_nothing(
    paid_in_part: Case, is_paid_back: bool
) -> None:
    upheld(paid_in_part, is_paid_back=is_paid_back)
    charged_back(paid_in_part, "part")
    assert sums(paid_in_part) == {}
    assert refunded(paid_in_part, "part") == 0
    assert nothing_differs()


@pytest.mark.parametrize("is_paid_back", [True, False])
def test_a_payment_that_is_undone_afterwards_leaves_nothing(
    paid_in_part: Case, is_paid_back: bool
) -> None:
    upheld(paid_in_part, is_paid_back=is_paid_back)
    undone(paid_in_part, "part")
    assert set(sums(paid_in_part)) <= {"client_funds", "unmatched"}
    assert refunded(paid_in_part, "part") == 0
    assert nothing_differs()


def test_what_the_company_has_had_already_is_covered_by_our_own_share(app: Flask) -> None:
    creditor = a_creditor()
    an_account(creditor)
    case = a_reminded_case(creditor=creditor)
    pays(case, PART, 0, "part")
    (payout,) = propose(creditor)
    settle(payout)
    upheld(case, is_paid_back=True)
    assert ledger.client_money(creditor.id, "SEK") >= 0
    assert ledger.owed_to(creditor.id) == -PRINCIPAL_PAID - INTEREST
    assert sum(one.ore for one in ledger.covered("SEK")) >= PRINCIPAL_PAID + INTEREST - FEE
    assert nothing_differs()


def test_money_that_goes_back_is_told_in_the_history(paid_in_part: Case) -> None:
    upheld(paid_in_part)
    event = db.session.scalars(select(Event).where(Event.name == "case.credited")).one()
    assert event.data["back_ore"] == FEE + INTEREST


def test_a_payment_of_which_some_is_just_being_sent_back_is_left_to_a_person(app: Flask) -> None:
    case = a_reminded_case()
    pays(case, PART, 0, "part", "swish")
    refunds.owe_more(f"swish:{case.id}:part", 1, now=LATER)
    db.session.scalars(select(Refund)).one().status = "released"
    upheld(case)
    assert refunded(case, "part") == 1
    assert sums(case)[Account.FEE_INCOME] == -FEE


lives = st.lists(
    st.tuples(st.sampled_from(["pay", "undo", "back"]), st.integers(0, 40), st.integers(1, 60_000)),
    min_size=1, max_size=4,
)  # fmt: skip


@given(before=lives, after=lives, is_paid_back=st.booleans())
@example(
    before=[("pay", 0, 7_000), ("pay", 20, 30_000)], after=[("back", 0, 1)], is_paid_back=False
)
@example(
    before=[("pay", 20, 30_000), ("pay", 0, 20_000)], after=[("undo", 1, 1), ("pay", 5, 500)],
    is_paid_back=True,
)  # fmt: skip
@examples(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_was_paid_before_and_taken_back_after_all_sums_hold(
    app: Flask, before: list[Any], after: list[Any], is_paid_back: bool
) -> None:
    creditor = a_creditor()
    rules_of(creditor, small_rest_ore=0)
    a_price("25", creditor)
    case, standing = a_reminded_case(creditor=creditor), list[str]()
    _live(case, before, standing)
    if cases.lock(case.id).closed_on is None:
        upheld(case, is_paid_back=is_paid_back)
        assert Account.FEE_INCOME not in sums(case)
        _live(case, after, standing)
        assert Account.FEE_INCOME not in sums(case)
        assert ledger.balance(case.id).total_ore == 0
        kept = -sums(case).get(Account.OWED_TO_CREDITOR, 0)
        assert kept == 0 if is_paid_back else 0 <= kept <= CLAIM
    assert ledger.client_money(creditor.id, "SEK") >= 0
    assert nothing_differs()


def _live(case: Case, moves: list[tuple[str, int, int]], standing: list[str]) -> None:
    for move, day, ore in moves:
        if move == "pay":
            standing.append(f"{next(_numbers)}")
            pays(case, ore, day, standing[-1])
        elif standing:
            key = standing.pop(day % len(standing))
            undone(case, key) if move == "undo" else charged_back(case, key)
