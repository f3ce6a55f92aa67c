"""What a company pays in of its monthly statement is booked by itself, to the öre and once."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal import clock, jobs, ledger
from portal.collection.models import Event
from portal.companies.charts import BAS
from portal.config import Settings
from portal.creditor import notices
from portal.extensions import db
from portal.identity.models import Creditor
from portal.ledger import Account
from portal.messages import RedaError
from portal.notifications.models import Notification
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
from portal.reporting import charges, vouchers
from portal.reporting import statements as remittance
from tests.factories import EVA, NOW, TODAY, a_case_whose_reminder_left, a_creditor, a_person_at
from tests.payments.bank_money import OPERATOR, debited, match, ordered, paid_by_bank, told
from tests.payments.bank_money import taken_back as taken_back_by_bank
from tests.payments.charging import a_price, a_rate, a_statement, a_watched_case, pay
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


def test_a_payment_whose_words_name_a_case_too_waits(statement: ServiceStatement) -> None:
    words = f"{paying_in.ocr(statement)} och {a_case_whose_reminder_left().ocr}"
    assert pay_in(statement, words=words, references=()).state == "waiting"


# Of another country, as an account in euro may be.
IN_EURO = "DE89370400440532013000"


@pytest.fixture
def in_euro(app: Flask, creditor: Creditor) -> ServiceStatement:
    """A statement in euro of commission, with its tax."""
    a_price()
    a_rate()
    pay(a_watched_case(creditor, currency="EUR"), 100_00)
    (made,) = statements.make_due(creditor.id, today=date(2026, 4, 1), now=NOW)
    db.session.commit()
    return made


def test_without_an_account_in_euro_a_statement_in_euro_has_no_number(
    in_euro: ServiceStatement,
) -> None:
    assert (in_euro.currency, paying_in.ocr(in_euro)) == ("EUR", None)
    shown = charges.shown(in_euro, most=10)
    assert (shown.account, shown.code) == ("", None)


def test_a_statement_in_euro_is_paid_in_to_the_account_in_euro(
    app: Flask, settings: Settings, in_euro: ServiceStatement
) -> None:
    app.extensions["reda_settings"] = replace(settings, euro_account=IN_EURO)
    shown = charges.shown(in_euro, most=10)
    assert (shown.account, shown.code) == ("DE89 3704 0044 0532 0130 00", None)
    in_kronor = pay_in(in_euro, in_euro.total_ore)
    assert in_kronor.state == "waiting"
    row = told(in_euro.total_ore, references=(shown.ocr or "",), serial="e", currency="EUR")
    match()
    assert (row.state, standing(in_euro).state) == ("settled", "paid")


def test_the_code_for_the_banks_app_is_of_what_is_left(statement: ServiceStatement) -> None:
    pay_in(statement, 5_00)
    told_by_code = json.loads(charges.shown(statement, most=10).code or "")
    assert (told_by_code["due"], told_by_code["iref"]) == (13.75, paying_in.ocr(statement))
    assert (told_by_code["pt"], told_by_code["acc"]) == ("BG", "5050-1055")
    pay_in(statement, 13_75)
    assert charges.shown(statement, most=10).code is None


class TestTellingOfIt:
    """The company's people, of what no payout has covered."""

    def tell(self, statement: ServiceStatement, days: int) -> list[str]:
        """What is told by a night so many days after it was made."""
        now = NOW + timedelta(days=days)
        paying_in.tell_due(statement.creditor_id, today=TODAY + timedelta(days=days), now=now)
        db.session.commit()
        return [
            one.data["event"]
            for one in db.session.scalars(select(Notification).order_by(Notification.id))
        ]

    @pytest.fixture(autouse=True)
    def somebody(self, creditor: Creditor) -> None:
        a_person_at(creditor, "administrator", EVA)

    def test_after_two_weeks_and_after_its_last_day_each_once(
        self, statement: ServiceStatement
    ) -> None:
        found = [self.tell(statement, days) for days in (13, 14, 15, 30, 31, 32, 61)]
        due, late = ["statement.due"], ["statement.due", "statement.late"]
        assert found == [[], due, due, due, late, late, late]

    def test_a_job_tells_every_day_of_the_month(
        self, statement: ServiceStatement, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=20))
        jobs.tell_of_statements()
        assert db.session.query(Notification).count() == 1
        days = [NOW + timedelta(days=one) for one in range(31)]
        next_runs = [jobs.next_run("tell_of_statements", one) for one in days]
        assert all(run - day < timedelta(days=1) for day, run in zip(days, next_runs, strict=True))

    def test_what_is_paid_in_is_not_told(self, statement: ServiceStatement) -> None:
        pay_in(statement)
        assert self.tell(statement, 20) == []

    def test_what_is_left_is_told_with_its_last_day_and_leads_to_the_statement(
        self, statement: ServiceStatement
    ) -> None:
        pay_in(statement, 5_00)
        self.tell(statement, 20)
        (told_of,) = db.session.scalars(select(Notification))
        with force_locale("en"):
            said = notices.said("statement", told_of.data)
        assert said.title == "Left to pay of a monthly statement: SEK\xa013.75"
        assert said.text == "No later than 9 April 2026"
        page = notices.page_of("statement", told_of.data, "company")
        assert page.endswith(f"/statements/{statement.key}")


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
    collect(a_case_whose_reminder_left(creditor), 500_00)
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
    collect(a_case_whose_reminder_left(creditor), 500_00)
    ordered(creditor)
    pay_in(statement)
    assert balances(creditor) == (0, TOTAL)
    assert (standing(statement).state, standing(statement).set_off_ore) == ("over", TOTAL)


def test_what_two_operators_are_approving_counts_as_set_off(
    creditor: Creditor, statement: ServiceStatement
) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_00)
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
    case = a_case_whose_reminder_left(creditor)
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
    paid_by_bank(a_case_whose_reminder_left(a_creditor("Aspen AB")), 900_00)
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
            collect(a_case_whose_reminder_left(creditor), 30_00)
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
