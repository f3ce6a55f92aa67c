"""What changes in the creditor's ledger is booked as what it is, once, on its own day."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal import ledger
from portal.collection import cases, changes, history, lifecycle, moves, settling, states
from portal.collection.models import Case
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import DEBTOR, SWISH, Actor
from portal.ledger import Account
from portal.messages import RedaError
from tests.factories import NOW, TODAY, a_case, a_creditor, a_reminded_case, rules_of

CLERK = Actor("person", "Johan Ekdahl", None, "creditor")


def paid_directly(case: Case, ore: int, *, on: date = TODAY, key: str = "1") -> bool:
    answer = changes.creditor_was_paid(
        cases.lock(case.id), amount_ore=ore, on=on, key=key, actor=CLERK, now=NOW
    )
    db.session.commit()
    return answer


def credited(case: Case, ore: int, *, on: date = TODAY, key: str = "1") -> bool:
    answer = changes.credit(
        cases.lock(case.id), amount_ore=ore, on=on, key=key, actor=CLERK, now=NOW
    )
    db.session.commit()
    return answer


def waiving_case() -> Case:
    creditor = a_creditor()
    rules_of(creditor, direct_payment="costs waived")
    return a_reminded_case(creditor)


def test_what_the_creditor_got_is_principal_and_our_costs_are_still_owed(app: Flask) -> None:
    case = a_reminded_case()
    paid_directly(case, 100_000)
    due = cases.amount_due(case, TODAY)
    assert (due.principal_ore, due.interest_ore, due.fees_ore) == (0, 548, 6_000)


def test_a_payment_to_the_creditor_interrupts_limitation_too(app: Flask) -> None:
    direct, ours = a_reminded_case(), a_reminded_case(a_creditor("Aspen AB"))
    on = TODAY + timedelta(days=20)
    paid_directly(direct, 10_000, on=on)
    paid_to_us(ours, 10_000, on)
    assert direct.limited_on == ours.limited_on


def test_it_is_no_money_of_ours_and_none_is_owed_for_it(app: Flask) -> None:
    paid_directly(a_reminded_case(), 100_000)
    assert Account.CLIENT_FUNDS not in ledger.trial_balance()
    assert Account.OWED_TO_CREDITOR not in ledger.trial_balance()
    assert sum(ledger.trial_balance().values()) == 0


def test_costs_are_waived_when_the_rules_say_so_and_the_principal_is_paid(app: Flask) -> None:
    case = waiving_case()
    paid_directly(case, 40_000)
    assert ledger.balance(case.id).fees_ore == 6_000
    paid_directly(case, 60_000, key="2")
    assert cases.lock(case.id).status == states.PAID
    assert ledger.trial_balance().get(Account.FEE_INCOME, 0) == 0


def test_the_same_payment_told_twice_is_booked_once(app: Flask) -> None:
    case = a_reminded_case()
    assert paid_directly(case, 10_000)
    assert not paid_directly(case, 10_000)
    assert ledger.balance(case.id).principal_ore == 90_000


@pytest.mark.parametrize("ore", [0, -1, 100_549])
def test_a_direct_payment_of_nothing_or_too_much_is_refused(app: Flask, ore: int) -> None:
    case = a_reminded_case()
    with pytest.raises(RedaError):
        paid_directly(case, ore)
    db.session.rollback()
    assert ledger.balance(case.id).principal_ore == 100_000


def paid_to_us(case: Case, ore: int, on: date) -> None:
    settling.settle_payment(
        cases.lock(case.id), amount_ore=ore, key=f"swish:{case.id}", channel="swish", value_on=on,
        actor=SWISH, now=NOW,
    )  # fmt: skip
    db.session.commit()


@pytest.mark.parametrize("tell", [paid_directly, credited])
def test_what_the_creditor_tells_late_bears_no_interest_after_its_day(
    app: Flask, tell: Callable[..., bool]
) -> None:
    told_at_once, told_late = a_reminded_case(), a_reminded_case(a_creditor("Aspen AB"))
    first, then = TODAY + timedelta(days=5), TODAY + timedelta(days=25)
    tell(told_at_once, 40_000, on=first)
    paid_to_us(told_at_once, 10_000, then)
    paid_to_us(told_late, 10_000, then)
    tell(told_late, 40_000, on=first)
    later = TODAY + timedelta(days=60)
    sums = [cases.amount_due(one, later).total_ore for one in (told_at_once, told_late)]
    # Interest is rounded at other days.
    assert abs(sums[0] - sums[1]) <= 2


def test_a_letter_that_crossed_all_of_a_claim_paid_to_the_creditor_costs_nothing(
    app: Flask,
) -> None:
    case = a_reminded_case()
    paid_directly(case, 100_000, on=TODAY - timedelta(days=1))
    assert ledger.balance(case.id).fees_ore == 0


def test_a_credit_note_in_part_lowers_the_claim_from_its_day(app: Flask) -> None:
    case = a_reminded_case()
    credited(case, 40_000)
    later = TODAY + timedelta(days=30)
    exact = (100_000 * 20 + 60_000 * 30) / 10 / 365
    assert ledger.balance(case.id).principal_ore == 60_000
    assert cases.amount_due(case, later).interest_ore == round(exact)


def test_interest_that_is_paid_of_what_was_never_owed_pays_the_claim(app: Flask) -> None:
    on = TODAY + timedelta(days=80)
    right, wrong = (
        a_reminded_case(amount_ore=ore, balance_ore=ore) for ore in (5_000_00, 10_000_00)
    )
    paid_to_us(right, 1_000_00, on)
    paid_to_us(wrong, 1_000_00, on)
    for number, ore in enumerate((2_000_00, 3_000_00)):
        changes.credit(
            cases.lock(wrong.id), amount_ore=ore, on=on, key=f"K{number}", actor=CLERK, now=NOW,
            was_never_owed=True,
        )  # fmt: skip
    ours, theirs = (cases.amount_due(one, on + timedelta(days=10)) for one in (wrong, right))
    assert (ours.principal_ore, ours.interest_ore) == (theirs.principal_ore, theirs.interest_ore)


def test_a_claim_credited_wholly_was_never_owed(app: Flask) -> None:
    case = a_reminded_case()
    credited(case, 100_000)
    assert cases.lock(case.id).status == states.CREDITED
    assert cases.amount_due(case, TODAY + timedelta(days=90)).total_ore == 0
    assert ledger.trial_balance().get(Account.FEE_INCOME, 0) == 0


@pytest.mark.parametrize("ore", [0, -100, 100_001])
def test_a_credit_note_that_cannot_be_is_refused(app: Flask, ore: int) -> None:
    case = a_reminded_case()
    with pytest.raises(RedaError):
        credited(case, ore)
    db.session.rollback()
    assert ledger.balance(case.id).principal_ore == 100_000


def test_a_recalled_case_asks_for_nothing_and_sends_nothing(app: Flask) -> None:
    case = a_reminded_case()
    changes.recall(cases.lock(case.id), reason="mistake", actor=CLERK, today=TODAY, now=NOW)
    db.session.commit()
    assert cases.lock(case.id).status == states.RECALLED
    assert db.session.scalars(select(Message.status)).all() == ["withdrawn"]
    assert all(ore == 0 for ore in ledger.trial_balance().values())


def test_money_that_comes_after_a_recall_is_kept_for_refund(app: Flask) -> None:
    case = a_reminded_case()
    changes.recall(cases.lock(case.id), reason="mistake", actor=CLERK, today=TODAY, now=NOW)
    settled = settling.settle_payment(
        cases.lock(case.id), amount_ore=100, key="x", channel="swish", value_on=TODAY,
        actor=SWISH, now=NOW,
    )  # fmt: skip
    assert settled is not None
    assert settled.parts.overpaid_ore == 100
    assert cases.lock(case.id).status == states.RECALLED


def test_the_debtor_cannot_recall_a_case(app: Flask) -> None:
    with pytest.raises(states.NotAllowed):
        changes.recall(a_case(), reason="", actor=DEBTOR, today=TODAY, now=NOW)


def move_due_date(case: Case, due_on: date) -> None:
    changes.change_due_date(cases.lock(case.id), due_on, actor=CLERK, today=TODAY, now=NOW)
    db.session.commit()


def test_a_later_due_date_moves_the_interest(app: Flask) -> None:
    case = a_reminded_case()
    move_due_date(case, TODAY - timedelta(days=10))
    assert cases.amount_due(case, TODAY).interest_ore == 274


def test_a_claim_that_was_not_late_when_reminded_bears_no_fee(app: Flask) -> None:
    case = a_reminded_case()
    move_due_date(case, TODAY + timedelta(days=5))
    assert ledger.balance(case.id).fees_ore == 0


def test_a_claim_that_is_not_overdue_long_enough_waits(app: Flask) -> None:
    case = a_case()
    move_due_date(case, TODAY + timedelta(days=5))
    (stop,) = moves.open_stops(case.id)
    assert (stop.kind, stop.until_on) == (states.HOLD, TODAY + timedelta(days=12))


def test_the_due_date_of_a_claim_with_booked_interest_stays(app: Flask) -> None:
    case = a_reminded_case()
    paid_directly(case, 10_000)
    with pytest.raises(RedaError, match="Interest is booked"):
        move_due_date(case, TODAY)


def test_a_new_address_is_used_by_the_next_letter_and_not_told_in_the_history(
    app: Flask,
) -> None:
    case = a_case()
    changed = changes.change_customer(
        case.debtor, {"address_line": "Nygatan 9", "name": case.debtor.name}, actor=CLERK, now=NOW
    )
    lifecycle.send_reminder(cases.lock(case.id), today=TODAY, now=NOW)
    db.session.commit()
    letter = db.session.scalars(select(Message.content)).one()
    assert changed == ["address_line"]
    assert letter["recipient"]["address_line"] == "Nygatan 9"
    assert "Nygatan" not in str([event.data for event in history.of_case(case.id)])
