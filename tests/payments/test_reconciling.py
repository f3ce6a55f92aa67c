"""Bank, books and cases are held against each other, every day, to the öre."""

from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import DBAPIError

from portal import ledger
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.ledger import Account
from portal.ledger.models import Line
from portal.messages import RedaError
from portal.payments import (
    closing,
    coming_back,
    deciding,
    payouts,
    reconciled_rows,
    reconciling,
    statuses,
    transfers,
)
from portal.payments.models import BankBalance, BankPayment, BankTransfer, Payout
from portal.payments.reconciling import Reconciliation
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor
from tests.payments.bank_money import (
    OPERATOR,
    a_batch,
    cleared,
    debited,
    match,
    ordered,
    paid_by_bank,
    paid_by_swish,
    taken_back,
    told,
)
from tests.payments.closing_periods import close
from tests.payments.going_back import sent_by_bank, the_refund
from tests.payments.paying_out import an_account, collect


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    creditor = a_creditor()
    an_account(creditor)
    return creditor


def of_day(on: date = TODAY) -> Reconciliation:
    return reconciling.reconcile(on, on)


def reasons(found: Reconciliation) -> dict[str, int]:
    return {one.what: one.ore for one in found.reasons}


def closing_of(found: Reconciliation) -> tuple[int | None, int, int]:
    return found.closing.bank_ore, found.closing.books_ore, found.closing.cases_ore


def test_without_money_everything_agrees(app: Flask) -> None:
    found = of_day()
    assert (closing_of(found), found.unexplained) == ((0, 0, 0), 0)


def test_a_payment_that_is_matched_is_the_same_in_all_three(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    found = of_day()
    assert closing_of(found) == (50_000, 50_000, 50_000)
    assert (found.unexplained, list(found.reasons)) == (0, [])
    assert [(one.what, one.is_same) for one in found.moves] == [("bankgiro", True)]


def test_what_nobody_knows_waits_and_is_nobodys_yet(app: Flask) -> None:
    told(70_000)
    match()
    found = of_day()
    assert (reasons(found), found.unexplained) == ({"waiting": 70_000}, 0)


def test_what_goes_back_is_no_company_s(app: Flask) -> None:
    row = told(70_000)
    match()
    deciding.send_back(row.id, "not ours", actor=OPERATOR, now=NOW)
    db.session.commit()
    assert reasons(of_day()) == {"going back": 70_000}


def test_money_by_swish_is_on_its_way_until_its_sum_has_come(creditor: Creditor) -> None:
    paid_by_swish(a_case_whose_reminder_left(creditor), 30_000)
    paid_by_swish(a_case_whose_reminder_left(creditor), 20_000)
    found = of_day()
    assert (reasons(found), found.unexplained) == ({"on its way": -50_000}, 0)
    row = told(50_000)
    match()
    transfers.note(row.id, "swish", actor=OPERATOR, now=NOW)
    db.session.commit()
    assert (reasons(of_day()), closing_of(of_day())) == ({}, (50_000, 50_000, 50_000))


def test_a_part_of_a_sum_leaves_the_newest_on_its_way(creditor: Creditor) -> None:
    paid_by_swish(a_case_whose_reminder_left(creditor), 30_000, TODAY - timedelta(days=1))
    paid_by_swish(a_case_whose_reminder_left(creditor), 20_000)
    row = told(40_000, state="waiting")
    transfers.note(row.id, "swish", actor=OPERATOR, now=NOW)
    db.session.commit()
    (row_left,) = of_day().differences
    assert (row_left.what, row_left.books_ore, row_left.posted_on) == ("on its way", 10_000, TODAY)


def test_a_sum_that_should_have_come_long_ago_is_not_explained(creditor: Creditor) -> None:
    paid_by_swish(a_case_whose_reminder_left(creditor), 30_000, TODAY)
    found = of_day(TODAY + timedelta(days=20))
    assert (reasons(found), found.unexplained) == ({"too old": -30_000}, 1)


def test_a_noted_sum_can_be_taken_back(app: Flask) -> None:
    row = told(50_000, state="waiting")
    transfers.note(row.id, "swish", actor=OPERATOR, now=NOW)
    transfers.undo(row.id, actor=OPERATOR, now=NOW)
    assert row.state == "waiting"
    (undone,) = transfers.undone(row.id)
    assert (undone.way, undone.undone_by, undone.undone_at) == ("swish", OPERATOR.name, NOW)


def test_a_payout_is_in_both_once_the_bank_s_file_tells_it(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    payout = ordered(creditor)
    assert payout is not None
    payouts.settle(payout, on=TODAY, actor=SYSTEM, now=NOW)
    db.session.commit()
    assert reasons(of_day()) == {"paid, not debited": payout.amount_ore}
    debited(payout)
    found = of_day()
    assert (reasons(found), found.unexplained) == ({}, 0)
    assert {one.what for one in found.moves if one.is_same} == {"bankgiro", "payout"}


def test_a_debit_on_another_day_is_explained_as_that(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    payout = ordered(creditor)
    assert payout is not None
    payouts.settle(payout, on=TODAY, actor=SYSTEM, now=NOW)
    db.session.commit()
    debited(payout, TODAY + timedelta(days=1))
    assert reasons(of_day()) == {"other day": payout.amount_ore}
    assert reasons(of_day(TODAY + timedelta(days=1))) == {}


@pytest.mark.parametrize("is_named", [True, False])
def test_a_payout_that_came_back_is_in_both(creditor: Creditor, is_named: bool) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    payout = ordered(creditor)
    assert payout is not None
    debited(payout)
    words = f"Retur {payout.key}" if is_named else "Retur"
    row = told(payout.amount_ore, kind="returned", words=words)
    match()
    if not is_named:
        coming_back.take(row.id, payout.key, actor=OPERATOR, now=NOW)
        db.session.commit()
    found = of_day()
    assert (found.unexplained, reasons(found)) == (0, {})
    assert closing_of(found) == (50_000, 50_000, 50_000)


def test_a_debit_that_names_no_payout_is_not_explained(app: Flask) -> None:
    told(-1_000, kind="debit", words="Avgift")
    match()
    found = of_day()
    assert (reasons(found), found.unexplained) == ({"debit without payout": -1_000}, 1)


def test_what_is_booked_and_in_no_file_is_not_explained(creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 900)
    found = of_day()
    assert reasons(found)["on its way"] == -900
    assert found.closing.books_ore - found.closing.cases_ore == 900
    assert found.unexplained


def test_a_payment_that_came_twice_counts_once(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    told(50_000, state="repeated")
    found = of_day()
    assert (found.unexplained, found.repeated, found.repeated_ore) == (0, 1, 50_000)


def test_a_statement_with_another_sum_is_told(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    told(50_500, state="statement")
    (day,) = of_day().statements
    assert (day.day, day.statement_ore, day.told_ore) == (TODAY, 50_500, 50_000)


def test_a_debit_that_only_the_statement_has_counts_once(creditor: Creditor) -> None:
    told(-400, kind="debit", state="statement", words="Avgift")
    assert of_day().closing.bank_ore == -400
    told(-400, kind="debit", words="Avgift")
    match()
    assert of_day().closing.bank_ore == -400


def balance(row: BankPayment, opened: int, opening: int, closed: int, closing: int) -> None:
    """A statement. opened, closed: days before today."""
    db.session.add(
        BankBalance(
            file_id=row.file_id, account=row.account, currency="SEK",
            opened_on=TODAY - timedelta(days=opened), opening_ore=opening,
            closed_on=TODAY - timedelta(days=closed), closing_ore=closing,
        )
    )  # fmt: skip
    db.session.commit()


@pytest.mark.parametrize("opened", [0, 1, 2])
def test_statements_that_do_not_follow_on_each_other_are_told(
    creditor: Creditor, opened: int
) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    balance(row, 3, 0, 2, 10_000)
    assert of_day().gaps == []
    balance(row, opened, 12_345, 0, 62_345)
    found = of_day()
    (gap,) = found.gaps
    assert (gap.before_ore, gap.opening_ore, gap.day) == (10_000, 12_345, TODAY)
    assert found.unexplained == 1
    assert closing.points([closing.Figures(found, [])])[0].ore == 2_345


def test_statements_of_parts_of_a_day_and_of_a_week_follow_on_each_other(
    creditor: Creditor,
) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    balance(row, 3, 0, 2, 100)
    balance(row, 2, 100, 0, 300)
    balance(row, 0, 300, 0, 700)
    balance(row, 4, 0, 0, 700)
    balance(row, 0, 100, 0, 700)
    found = reconciling.reconcile(TODAY - timedelta(days=9), TODAY)
    assert found.gaps == []


def test_the_statement_s_balance_stands_beside_ours(creditor: Creditor) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    db.session.add(
        BankBalance(
            file_id=row.file_id, account=row.account, currency="SEK", opened_on=TODAY,
            opening_ore=0, closed_on=TODAY, closing_ore=50_000,
        )
    )  # fmt: skip
    db.session.commit()
    (account,) = of_day().accounts
    assert (account.closing_ore, account.statement_ore) == (50_000, 50_000)


def test_what_comes_late_into_a_closed_month_has_another_day_there(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    close(date(2026, 2, 28))
    paid_by_bank(case, 50_000, date(2026, 2, 27))
    found = reconciling.reconcile(date(2026, 2, 1), date(2026, 2, 28))
    assert (reasons(found), found.unexplained) == ({"other day": 50_000}, 0)
    assert reasons(of_day()) == {}


def test_every_sum_leads_to_its_rows(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    for side in reconciled_rows.SIDES:
        (row,) = reconciled_rows.rows(side, "bankgiro", TODAY, TODAY, "SEK")
        assert (row.ore, row.on) == (50_000, TODAY)
    (booked,) = reconciled_rows.rows("books", "bankgiro", TODAY, TODAY, "SEK")
    entry = reconciled_rows.entry(booked.id)
    assert entry is not None
    assert (entry.kind, sum(one.ore for one in entry.lines)) == ("payment.bankgiro", 0)


# Client money.


def money_of(creditor: Creditor) -> int:
    return ledger.client_money(creditor.id, "SEK")


def test_the_database_lets_no_company_s_client_money_fall_below_zero(creditor: Creditor) -> None:
    case, other = (
        a_case_whose_reminder_left(creditor),
        a_case_whose_reminder_left(a_creditor("Aspen AB")),
    )
    collect(case, 500)
    collect(other, 500)
    ledger.post(
        creditor_id=case.creditor_id, case_id=None, kind="test", booked_on=TODAY, key="x",
        lines={Account.CLIENT_FUNDS: -501, Account.OWED_TO_CREDITOR: 501}, currency="SEK", now=NOW,
    )  # fmt: skip
    with pytest.raises(DBAPIError, match="client money of creditor"):
        db.session.commit()


def test_what_is_ordered_paid_cannot_be_paid_again(creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_00)
    assert ordered(creditor) is not None
    assert money_of(creditor) == 0
    ledger.post(
        creditor_id=creditor.id, case_id=None, kind="test", booked_on=TODAY, key="x",
        lines={Account.PAYOUT_IN_TRANSIT: -1, Account.OWED_TO_CREDITOR: 1}, currency="SEK", now=NOW,
    )  # fmt: skip
    with pytest.raises(DBAPIError, match="client money of creditor"):
        db.session.commit()


def test_a_payment_taken_back_after_its_payout_is_paid_by_no_other_company(
    creditor: Creditor,
) -> None:
    other = a_creditor("Aspen AB")
    paid_by_bank(a_case_whose_reminder_left(other), 90_000)
    row = paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    before, payout = money_of(other), ordered(creditor)
    assert payout is not None
    debited(payout)
    taken_back(row)
    assert (money_of(other), money_of(creditor)) == (before, 0)
    assert ledger.owed_to(creditor.id) == -payout.amount_ore
    found = of_day()
    assert (found.unexplained, reasons(found)) == (0, {})
    assert ledger.own_share("SEK").covered_ore == payout.amount_ore


def test_our_share_stands_in_no_longer_when_the_money_is_there_again(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    row = paid_by_bank(case, 50_000)
    payout = ordered(creditor)
    assert payout is not None
    debited(payout)
    taken_back(row)
    paid_by_bank(case, 50_000)
    for _ in range(2):
        ledger.return_covers(on=TODAY, now=NOW)
        db.session.commit()
    assert ledger.own_share("SEK").covered_ore == 0
    assert ledger.owed_to(creditor.id) == 0
    assert of_day().unexplained == 0


def test_what_we_pay_in_is_no_more_than_our_share_stands_in_for(creditor: Creditor) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    payout = ordered(creditor)
    assert payout is not None
    debited(payout)
    taken_back(row)
    lacking = -ledger.own_share("SEK").total_ore
    assert lacking > 0
    too_much = told(ledger.own_share("SEK").covered_ore + 1, state="waiting")
    with pytest.raises(RedaError, match="No more may be paid in"):
        transfers.note(too_much.id, "own", actor=OPERATOR, now=NOW)
    db.session.rollback()
    paid_in = told(lacking, state="waiting")
    transfers.note(paid_in.id, "own", actor=OPERATOR, now=NOW)
    db.session.commit()
    assert ledger.own_share("SEK").total_ore == 0
    assert {one.what for one in of_day().moves if one.is_same} >= {"own money"}


def test_what_a_company_owns_comes_to_what_the_books_have(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_000)
    (owner,) = reconciling.owners(TODAY)
    assert owner.money_ore == 500_000
    assert owner.money_ore == (
        owner.to_creditor_ore + owner.too_much_ore + owner.ordered_ore + owner.ours_ore
    )
    assert owner.ours_ore == ledger.own_share("SEK").total_ore == 60_00


_DAYS = st.integers(0, 3)
_MOVES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["bank", "swish", "nobody"]), st.integers(1, 200_000), _DAYS),
        st.tuples(
            st.sampled_from(
                [
                    "back", "undo", "order", "debit", "report", "reject", "sum", "part",
                    "not noted", "covers", "clear", "statement", "came back", "refund",
                ]
            ),
            st.just(0), _DAYS,
        ),
    ),
    max_size=12,
)  # fmt: skip


@given(moves=_MOVES)
@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_day_the_bank_is_the_books_and_what_waits(
    app: Flask, moves: list[tuple[str, int, int]]
) -> None:
    creditors = [a_creditor(), a_creditor("Aspen AB")]
    cases = [a_case_whose_reminder_left(one) for one in creditors]
    # Something is kept from the first, so that it is read.
    paid_by_bank(cases[0], 10_000, TODAY - timedelta(days=3))
    cleared()
    for number, (move, ore, back) in enumerate(moves):
        _do(move, ore, TODAY - timedelta(days=back), cases[number % 2], creditors[number % 2])
    for day in (TODAY - timedelta(days=back) for back in range(5)):
        found = of_day(day)
        bank_ore, books_ore, cases_ore = closing_of(found)
        assert bank_ore is not None
        assert bank_ore - books_ore == sum(one.ore for one in found.reasons)
        assert books_ore == cases_ore
        # These statements tell of one debit alone, and not of all their day.
        assert found.unexplained == len(found.statements)
        assert found == reconciling.reconcile_from_the_beginning(day, day)
        assert {one.creditor_id: one.money_ore for one in reconciling.owners(day)} == money_on(day)
    assert ledger.are_sums_right()
    assert ledger.totals() == ledger.trial_balance()
    assert all(money_of(one) >= 0 for one in creditors)
    assert ledger.off_balance() == {}


def money_on(day: date) -> dict[int, int]:
    rows = db.session.execute(
        select(Line.creditor_id, func.sum(Line.amount_ore))
        .where(Line.account == Account.CLIENT_FUNDS, Line.posted_on <= day)
        .group_by(Line.creditor_id)
    )
    return {creditor_id: int(ore) for creditor_id, ore in rows}


def _do(move: str, ore: int, on: date, case: Case, creditor: Creditor) -> None:
    if move == "bank":
        paid_by_bank(case, ore, on)
    elif move == "swish":
        paid_by_swish(case, ore, on)
    elif move == "nobody":
        told(ore, on=on)
        match()
    elif move == "clear":
        cleared()
    elif move == "covers":
        ledger.return_covers(on=TODAY, now=NOW)
        db.session.commit()
    elif move in ("back", "undo"):
        row = _some(BankPayment.kind == "payment", BankPayment.state == "settled")
        if row is not None and move == "back":
            taken_back(row, max(on, row.value_on))
        elif row is not None:
            _undo(row)
    elif move in ("sum", "part"):
        _bring_swish_sum(on, 1 if move == "sum" else 2)
    elif move == "not noted":
        noted = db.session.scalars(select(BankTransfer.payment_id).limit(1)).first()
        if noted is not None:
            transfers.undo(noted, actor=OPERATOR, now=NOW)
            db.session.commit()
    elif move == "order":
        ordered(creditor, on)
    elif move == "statement":
        _told_by_statement(on)
    elif move == "came back":
        _come_back(on)
    elif move == "refund":
        _go_back(on)
    else:
        payout = db.session.scalars(select(Payout).where(Payout.status == "released")).first()
        if payout is not None and payout.released_on is not None:
            _end(move, payout, max(on, payout.released_on))


def _undo(row: BankPayment) -> None:
    try:
        deciding.undo(row.id, actor=OPERATOR, today=TODAY, now=NOW)
        db.session.commit()
    except RedaError:
        # What is sent back to the payer already cannot be.
        db.session.rollback()


def _end(move: str, payout: Payout, on: date) -> None:
    if move == "debit":
        debited(payout, _debits(payout).get("statement", on))
    elif move == "report":
        payouts.settle(payout, on=on, actor=SYSTEM, now=NOW)
    else:
        payouts.reject(payout, "AC01", on=on, actor=SYSTEM, now=NOW)
    db.session.commit()


def _debits(payout: Payout) -> dict[str, date]:
    rows = db.session.scalars(
        select(BankPayment).where(
            BankPayment.kind == "debit", BankPayment.text.contains(payout.key)
        )
    )
    return {"statement" if one.state == "statement" else "file": one.value_on for one in rows}


def _told_by_statement(on: date) -> None:
    payout = db.session.scalars(
        select(Payout).where(Payout.status.in_(("released", "settled"))).limit(1)
    ).first()
    if payout is None or payout.released_on is None or "statement" in _debits(payout):
        return
    day = _debits(payout).get("file", max(on, payout.released_on))
    told(-payout.amount_ore, kind="debit", on=day, state="statement", words=f"Reda {payout.key}")


def _come_back(on: date) -> None:
    payout = db.session.scalars(select(Payout).where(Payout.status == "settled").limit(1)).first()
    if payout is None or not _debits(payout):
        return
    day = max(on, *_debits(payout).values())
    told(payout.amount_ore, kind="returned", on=day, words=f"Retur {payout.key}")
    match()


def _go_back(on: date) -> None:
    row = _some(BankPayment.kind == "payment", BankPayment.state == "waiting")
    if row is None:
        return
    deciding.send_back(row.id, "not ours", actor=OPERATOR, now=NOW)
    db.session.commit()
    refund = the_refund()
    refund.batch_id = a_batch().id
    sent_by_bank(refund)
    told(-refund.amount_ore, kind="debit", on=max(on, row.value_on), words=f"Reda {refund.key}")
    match()
    statuses.settle_debits(now=NOW)
    db.session.commit()


def _some(*conditions: ColumnElement[bool]) -> BankPayment | None:
    return db.session.scalars(
        select(BankPayment).where(*conditions).order_by(BankPayment.id.desc()).limit(1)
    ).first()


def _bring_swish_sum(on: date, parts: int) -> None:
    # What a later sum has brought already does not come again.
    days = [on + timedelta(days=ahead) for ahead in range((TODAY - on).days + 1)]
    waiting = min(-reasons(of_day(day)).get("on its way", 0) for day in days) // parts
    if waiting > 0:
        row = told(waiting, on=on, state="waiting")
        transfers.note(row.id, "swish", actor=OPERATOR, now=NOW)
        db.session.commit()


def test_a_kept_day_tells_operators_until_it_is_explained(app: Flask) -> None:
    row = told(-1_000, kind="debit", words="Avgift")
    match()
    assert reconciling.keep_day(TODAY, now=NOW) == 1
    found = reconciling.newest_wrong(closing.closed_through())
    assert found is not None
    assert found.day == TODAY
    row.state = "repeated"
    assert reconciling.keep_day(TODAY, now=NOW) == 0
    assert reconciling.newest_wrong(closing.closed_through()) is None
    assert db.session.scalar(select(func.count()).select_from(reconciling.Day)) == 1
