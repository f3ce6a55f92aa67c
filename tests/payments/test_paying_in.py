"""What a company pays in of its monthly statement is booked by itself, to the öre and once."""

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal import ledger
from portal.collection.models import Event
from portal.companies.charts import BAS
from portal.extensions import db
from portal.identity.models import Creditor
from portal.ledger import Account
from portal.messages import RedaError
from portal.payments import (
    deciding,
    own_share,
    paying_in,
    payouts,
    reconciling,
    references,
    statements,
    taking_back,
)
from portal.payments.models import BankPayment, Payout, ServiceStatement, StatementPayment
from portal.reporting import statements as remittance
from portal.reporting import vouchers
from tests.factories import NOW, TODAY, a_creditor
from tests.factories import a_case_whose_reminder_left as a_reminded_case
from tests.payments.bank_money import OPERATOR, debited, match, ordered, paid_by_bank, told
from tests.payments.bank_money import taken_back as taken_back_by_bank
from tests.payments.charging import a_statement
from tests.payments.paying_out import an_account, collect, propose

# A signature of 15 kronor, and the tax on it.
TOTAL = 18_75


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    creditor = a_creditor()
    an_account(creditor)
    return creditor


@pytest.fixture
def statement(creditor: Creditor) -> ServiceStatement:
    made = a_statement(creditor)
    assert made.total_ore == TOTAL
    return made


def pay_in(statement: ServiceStatement, ore: int = TOTAL, **values: object) -> BankPayment:
    ocr = paying_in.ocr(statement) or ""
    row = told(ore, **{"references": (ocr,), "serial": f"p{ore}{len(values)}", **values})  # type: ignore[arg-type]
    match()
    return row


def standing(statement: ServiceStatement) -> paying_in.Standing:
    return paying_in.standings([statement])[statement.key]


def balances(creditor: Creditor) -> tuple[int, int]:
    """What the company owes, and is owed, in öre."""
    return ledger.owed_by(creditor.id), ledger.owed_to(creditor.id)


@given(st.integers(1, 10**9))
def test_a_statements_number_is_an_ocr_number_of_its_own(number: int) -> None:
    ocr = references.statement_ocr(number)
    assert references.check_ocr(ocr) == ocr
    assert (len(ocr), references.statement_number(ocr)) == (16, number)


@given(st.integers(0, 10**12))
def test_no_cases_number_is_a_statements(serial: int) -> None:
    assert references.statement_number(references.make_ocr(serial)) is None


def test_a_slip_of_the_pen_is_no_statements_number() -> None:
    ocr = references.statement_ocr(7)
    assert references.statement_number(ocr[:-1] + str((int(ocr[-1]) + 1) % 10)) is None


@pytest.mark.parametrize("is_in_words", [False, True])
def test_a_payment_with_its_number_is_booked_by_itself(
    creditor: Creditor, statement: ServiceStatement, is_in_words: bool
) -> None:
    words = f"Faktura 12 {paying_in.ocr(statement)}"
    row = pay_in(statement, words=words, references=()) if is_in_words else pay_in(statement)
    assert row.state == "settled"
    assert balances(creditor) == (0, 0)
    assert ledger.trial_balance()[Account.CLIENT_FUNDS] == TOTAL
    assert (standing(statement).state, standing(statement).left_ore) == ("paid", 0)
    found = reconciling.reconcile(TODAY, TODAY)
    assert (found.unexplained, list(found.reasons)) == (0, [])
    assert [one.what for one in found.moves if one.is_same] == ["bankgiro"]


def test_what_is_paid_in_is_ours_to_take_out(statement: ServiceStatement) -> None:
    pay_in(statement)
    assert own_share.available("SEK", TODAY) == TOTAL


def test_the_company_is_told_in_its_history(statement: ServiceStatement) -> None:
    pay_in(statement)
    event = db.session.scalars(select(Event).where(Event.name == "statement.paid")).one()
    assert event.data["amount_ore"] == TOTAL


def test_matched_again_it_is_booked_once(creditor: Creditor, statement: ServiceStatement) -> None:
    pay_in(statement)
    match()
    assert db.session.query(StatementPayment).count() == 1


def test_a_part_leaves_the_rest_to_be_paid_or_set_off(
    creditor: Creditor, statement: ServiceStatement
) -> None:
    pay_in(statement, 10_00)
    assert (standing(statement).state, standing(statement).left_ore) == ("part", 8_75)
    collect(a_reminded_case(creditor), 500_00)
    (payout,) = propose(creditor)
    assert payout.amount_ore == 491_25
    release(payout)
    assert [(one.payout, one.ore) for one in statements.set_off(statement.key)] == [(payout, 8_75)]
    assert (standing(statement).state, standing(statement).left_ore) == ("paid", 0)


def release(payout: Payout) -> None:
    payouts.post_released(payout, today=TODAY, now=NOW)
    payout.status, payout.released_on = "released", TODAY
    db.session.commit()


def test_what_is_paid_too_much_goes_out_with_the_next_payout(
    creditor: Creditor, statement: ServiceStatement
) -> None:
    pay_in(statement, TOTAL + 200_00)
    assert (standing(statement).state, standing(statement).over_ore) == ("over", 200_00)
    assert balances(creditor) == (0, 200_00)
    payout = ordered(creditor)
    assert payout is not None
    assert payout.amount_ore == 200_00
    debited(payout)
    assert (balances(creditor), statements.set_off(statement.key)) == ((0, 0), [])
    assert own_share.available("SEK", TODAY) == TOTAL
    assert reconciling.reconcile(TODAY, TODAY).unexplained == 0


def test_paid_twice_the_second_is_owed_to_the_company(
    creditor: Creditor, statement: ServiceStatement
) -> None:
    pay_in(statement)
    pay_in(statement, serial="again")
    assert balances(creditor) == (0, TOTAL)


def test_what_a_payout_has_set_off_is_owed_to_the_company_when_it_is_paid_too(
    creditor: Creditor, statement: ServiceStatement
) -> None:
    collect(a_reminded_case(creditor), 500_00)
    ordered(creditor)
    pay_in(statement)
    assert balances(creditor) == (0, TOTAL)
    assert (standing(statement).state, standing(statement).set_off_ore) == ("over", TOTAL)


def test_what_two_operators_are_approving_counts_as_set_off(
    creditor: Creditor, statement: ServiceStatement
) -> None:
    collect(a_reminded_case(creditor), 500_00)
    payout = ordered(creditor)
    assert payout is not None
    payout.status = "proposed"
    db.session.commit()
    pay_in(statement)
    assert db.session.query(StatementPayment).one().covers_ore == 0


def test_a_payment_in_another_currency_waits(statement: ServiceStatement) -> None:
    statement_ocr = paying_in.ocr(statement) or ""
    row = told(TOTAL, references=(statement_ocr,))
    row.currency = "EUR"
    db.session.commit()
    match()
    assert row.state == "waiting"


def test_a_payment_that_names_a_case_as_well_waits(
    creditor: Creditor, statement: ServiceStatement
) -> None:
    case = a_reminded_case(creditor)
    row = pay_in(statement, references=(paying_in.ocr(statement) or "", case.ocr))
    assert row.state == "waiting"


def test_what_the_bank_takes_back_is_owed_again(
    creditor: Creditor, statement: ServiceStatement
) -> None:
    row = pay_in(statement, TOTAL + 5_00)
    taken_back_by_bank(row)
    assert balances(creditor) == (TOTAL, 0)
    assert ledger.trial_balance()[Account.CLIENT_FUNDS] == 0
    assert standing(statement).state == "open"
    assert reconciling.reconcile(TODAY, TODAY).unexplained == 0


def test_what_the_company_has_had_back_already_our_share_covers(
    creditor: Creditor, statement: ServiceStatement
) -> None:
    row = pay_in(statement, TOTAL + 200_00)
    payout = ordered(creditor)
    assert payout is not None
    debited(payout)
    paid_by_bank(a_reminded_case(a_creditor("Aspen AB")), 900_00)
    taken_back_by_bank(row)
    assert ledger.own_share("SEK").covered_ore == 200_00
    assert balances(creditor) == (TOTAL, -200_00)


def test_a_person_takes_it_back_and_books_it_by_hand(
    creditor: Creditor, statement: ServiceStatement
) -> None:
    row = pay_in(statement)
    deciding.undo(row.id, actor=OPERATOR, today=TODAY, now=NOW)
    assert (row.state, balances(creditor)) == ("waiting", (TOTAL, 0))
    deciding.give_statement(row.id, f" {statement.number}", actor=OPERATOR, now=NOW)
    db.session.commit()
    assert (row.state, balances(creditor)) == ("settled", (0, 0))
    with pytest.raises(taking_back.NotWaiting):
        deciding.give_statement(row.id, str(statement.number), actor=OPERATOR, now=NOW)


@pytest.mark.parametrize("written", ["", "0", "999", "x", "9" * 40, "-1", "²"])
def test_a_statement_that_is_not_there_is_told_so(
    statement: ServiceStatement, written: str
) -> None:
    row = told(TOTAL)
    match()
    with pytest.raises(RedaError, match="no monthly statement"):
        deciding.give_statement(row.id, written, actor=OPERATOR, now=NOW)


def test_the_remittance_and_the_voucher_sum_with_what_was_paid_in(
    creditor: Creditor, statement: ServiceStatement
) -> None:
    pay_in(statement, TOTAL + 200_00)
    payout = ordered(creditor)
    assert payout is not None
    debited(payout)
    assert sum(one.ore for one in remittance.shares(payout)) == 200_00
    rows = vouchers.of_payout(payout, BAS).rows
    assert sum(one.ore for one in rows) == 0
    # The signature's own cost, whoever paid it.
    assert sum(one.ore for one in rows if one.account == BAS.costs) == 15_00


@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(
        st.one_of(st.integers(1, 40_00), st.sampled_from(["collect", "pay out", "undo"])),
        max_size=8,
    )
)
def test_the_company_is_square_whatever_comes_in_which_order(
    app: Flask, steps: list[int | str]
) -> None:
    creditor = a_creditor()
    an_account(creditor)
    statement = a_statement(creditor)
    got, came, rows = 0, 0, []
    for step in steps:
        if step == "collect":
            collect(a_reminded_case(creditor), 30_00)
            came += 30_00
        elif step == "pay out":
            payout = ordered(creditor)
            got += payout.amount_ore if payout else 0
        elif step == "undo" and rows:
            deciding.undo((row := rows.pop()).id, actor=OPERATOR, today=TODAY, now=NOW)
            db.session.commit()
            came -= row.amount_ore
        elif isinstance(step, int):
            rows.append(pay_in(statement, step, serial=f"s{len(rows)}{came}"))
            came += step
    owed_by, owed_to = balances(creditor)
    assert owed_to - owed_by == came - TOTAL - got
    found = standing(statement)
    assert found.left_ore + found.set_off_ore + found.paid_ore == TOTAL
