"""What bank and books both have is cleared each night; what is told of a day stays the same."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select, text

from portal import jobs, ledger
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.messages import RedaError
from portal.payments import (
    chargebacks,
    clearing,
    closing,
    deciding,
    payouts,
    reconciled_rows,
    reconciling,
    refunds,
    statuses,
    transfers,
)
from portal.payments.models import BankPayment, BankTransfer, Payout, SwishRequest
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor
from tests.payments.at_once import come_again, paid_at_once, taken
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
from tests.payments.paying_out import an_account


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor()


@pytest.fixture
def payment(creditor: Creditor) -> BankPayment:
    payment = paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    cleared()
    return payment


def is_the_same() -> bool:
    return all(
        reconciling.reconcile(day, day) == reconciling.reconcile_from_the_beginning(day, day)
        for day in (TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=1))
    )


def test_what_bank_and_books_both_have_is_cleared(payment: BankPayment) -> None:
    assert (payment.cleared_from, payment.cleared_on) == (TODAY, TODAY)
    assert is_the_same()


def test_what_waits_is_not_cleared(app: Flask) -> None:
    waiting = told(70_000, state="waiting")
    cleared()
    assert waiting.cleared_on is None
    assert is_the_same()


def test_what_is_cleared_and_undone_waits_again(payment: BankPayment) -> None:
    deciding.undo(payment.id, actor=OPERATOR, today=TODAY, now=NOW)
    db.session.commit()
    (reason,) = reconciling.reconcile(TODAY, TODAY).reasons
    assert (reason.what, reason.ore) == ("waiting", 50_000)
    assert is_the_same()
    cleared()
    assert payment.cleared_on is None
    assert is_the_same()


def test_what_is_undone_and_brings_what_was_booked_is_kept_as_that(payment: BankPayment) -> None:
    paid_by_swish(a_case_whose_reminder_left(a_creditor("Aspen AB")), 50_000)
    deciding.undo(payment.id, actor=OPERATOR, today=TODAY, now=NOW)
    transfers.note(payment.id, "swish", actor=OPERATOR, now=NOW)
    db.session.commit()
    assert is_the_same()
    cleared()
    assert is_the_same()


def test_what_the_bank_takes_back_is_cleared_too(payment: BankPayment) -> None:
    reversal = taken_back(payment, TODAY + timedelta(days=1))
    assert is_the_same()
    cleared()
    assert reversal.cleared_on == TODAY + timedelta(days=1)
    assert is_the_same()


def test_days_between_bank_and_books_are_told_of_after_it_is_cleared(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    close(TODAY - timedelta(days=1), first_on=(TODAY - timedelta(days=1)).replace(day=1))
    late = paid_by_bank(case, 50_000, TODAY - timedelta(days=2))
    cleared()
    assert (late.cleared_from, late.cleared_on) == (TODAY - timedelta(days=2), TODAY)
    found = reconciling.reconcile(TODAY - timedelta(days=1), TODAY - timedelta(days=1))
    assert [(one.what, one.ore) for one in found.reasons] == [("other day", 50_000)]
    assert is_the_same()


@pytest.fixture
def payout(payment: BankPayment, creditor: Creditor) -> Payout:
    an_account(creditor)
    payout = ordered(creditor)
    assert payout is not None
    return payout


def test_a_payout_is_cleared_with_its_debit(payout: Payout) -> None:
    debit = debited(payout, TODAY + timedelta(days=1))
    cleared()
    day = TODAY + timedelta(days=1)
    assert (payout.cleared_from, payout.cleared_on) == (day, day)
    assert (debit.cleared_on, debit.cleared_as) == (day, "payout")
    assert debit.cleared_batch_id == payout.batch_id
    assert is_the_same()


def test_a_payout_that_is_not_debited_is_not_cleared(payout: Payout) -> None:
    payouts.settle(payout, on=TODAY, actor=SYSTEM, now=NOW)
    db.session.commit()
    cleared()
    assert payout.cleared_on is None
    assert is_the_same()


def test_orders_whose_sum_is_debited_are_cleared_together(creditor: Creditor) -> None:
    batch, found = a_batch(), []
    for company in (creditor, a_creditor("Aspen AB")):
        paid_by_bank(a_case_whose_reminder_left(company), 50_000)
        an_account(company)
        payout = ordered(company)
        assert payout is not None
        payout.batch_id = batch.id
        found.append(payout)
    told(-sum(one.amount_ore for one in found), kind="debit", words=batch.key)
    match()
    statuses.settle_debits(now=NOW)
    db.session.commit()
    cleared()
    assert [one.cleared_on for one in found] == [TODAY, TODAY]
    assert is_the_same()
    coming = told(found[0].amount_ore, kind="returned", words=f"Retur {found[0].key}")
    assert is_the_same()
    match()
    assert is_the_same()
    cleared()
    assert [one.cleared_on for one in found] == [TODAY, TODAY]
    assert coming.cleared_as == "payout"
    assert is_the_same()


def test_a_payout_debited_on_another_day_is_told_of_after_it_is_cleared(payout: Payout) -> None:
    payouts.settle(payout, on=TODAY, actor=SYSTEM, now=NOW)
    debited(payout, TODAY + timedelta(days=1))
    cleared()
    assert (payout.cleared_from, payout.cleared_on) == (TODAY, TODAY + timedelta(days=1))
    (reason,) = reconciling.reconcile(TODAY, TODAY).reasons
    assert (reason.what, reason.ore) == ("other day", payout.amount_ore)
    assert is_the_same()


def test_a_debit_that_a_statement_told_of_counts_once_when_another_file_tells_it(
    payout: Payout,
) -> None:
    of_statement = told(
        -payout.amount_ore, kind="debit", state="statement", words=f"Reda {payout.key}"
    )
    statuses.settle_debits(now=NOW)
    db.session.commit()
    cleared()
    assert of_statement.cleared_as == "payout"
    debit = told(-payout.amount_ore, kind="debit", words=f"Reda {payout.key}")
    match()
    assert is_the_same()
    cleared()
    assert (of_statement.cleared_as, debit.cleared_as) == ("", "payout")
    assert is_the_same()


def test_a_debit_that_comes_after_the_refusal_is_held_against_its_payout(payout: Payout) -> None:
    payouts.reject(payout, "AC01", on=TODAY, actor=SYSTEM, now=NOW)
    db.session.commit()
    cleared()
    assert payout.cleared_on == TODAY
    debited(payout)
    assert "other sum" in {one.what for one in reconciling.reconcile(TODAY, TODAY).reasons}
    assert is_the_same()


def test_what_no_case_was_given_is_cleared_when_it_has_gone_back(app: Flask) -> None:
    row = told(70_000)
    match()
    deciding.send_back(row.id, "not ours", actor=OPERATOR, now=NOW)
    db.session.commit()
    refund = sent_by_bank(the_refund())
    refund.batch_id = a_batch().id
    refunds.settle(refund, on=TODAY, actor=SYSTEM, now=NOW)
    db.session.commit()
    cleared()
    assert [one.what for one in reconciling.reconcile(TODAY, TODAY).reasons] == ["gone back"]
    day = TODAY + timedelta(days=1)
    told(-70_000, kind="debit", on=day, words=refund.key)
    match()
    assert is_the_same()
    cleared()
    assert (refund.cleared_ore, row.cleared_from, row.cleared_on) == (-70_000, TODAY, day)
    assert list(reconciling.reconcile(day, day).reasons) == []
    assert [one.what for one in reconciling.reconcile(TODAY, TODAY).reasons] == ["gone back"]
    assert is_the_same()
    told(70_000, kind="returned", on=day, words=f"Retur {refund.key}")
    match()
    assert is_the_same()


def test_a_day_s_statement_is_told_of_after_it_is_summed_up(payment: BankPayment) -> None:
    told(50_500, state="statement")
    cleared()
    (day,) = reconciling.reconcile(TODAY, TODAY).statements
    assert (day.statement_ore, day.told_ore) == (50_500, 50_000)
    told(1_000, state="statement")
    (day,) = reconciling.reconcile(TODAY, TODAY).statements
    assert day.statement_ore == 51_500
    assert is_the_same()


def test_two_nights_at_once_clear_the_same_once(payment: BankPayment) -> None:
    newest = clearing.newest_entry()
    for _ in range(2):
        clearing.clear(newest, now=NOW)
        db.session.commit()
    assert is_the_same()
    assert ledger.are_sums_right()


def test_sums_that_are_wrong_are_found_and_made_anew(payment: BankPayment) -> None:
    db.session.execute(text("update reconciled_sums set ore = ore + 1 where side = 'books'"))
    db.session.commit()
    assert not is_the_same()
    clearing.check(TODAY)
    db.session.commit()
    assert is_the_same()
    cleared()
    assert is_the_same()


def test_the_night_s_work_clears(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    jobs.reconcile()
    db.session.commit()
    assert ledger.kept_through() == ledger.newest_entry()
    assert is_the_same()


def test_while_the_books_are_busy_a_night_is_left_out(
    monkeypatch: pytest.MonkeyPatch, creditor: Creditor
) -> None:
    monkeypatch.setattr(closing, "_LONGEST_WAIT", "10ms")
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    with db.engine.connect() as other:
        other.execute(text(f"select pg_advisory_xact_lock_shared({closing._LOCK})"))
        jobs.reconcile()
    assert ledger.kept_through() == 0
    assert is_the_same()


class TestWays:
    """What a bank's payment brings of Swish, card or account is cleared as soon as it is noted."""

    def noted(self, ore: int, way: str = "swish", **told_as: object) -> BankPayment:
        row = told(ore, **{"state": "waiting", **told_as})  # type: ignore[arg-type]
        transfers.note(row.id, way, actor=OPERATOR, now=NOW)
        db.session.commit()
        return row

    def undo(self, row: BankPayment) -> None:
        transfers.undo(row.id, actor=OPERATOR, now=NOW)
        db.session.commit()

    def what(self) -> list[tuple[str, int]]:
        return [(one.what, one.ore) for one in reconciling.reconcile(TODAY, TODAY).reasons]

    def test_a_sum_is(self, app: Flask) -> None:
        paid_by_swish(a_case_whose_reminder_left(), 50_000)
        row = self.noted(40_000)
        cleared()
        assert (row.cleared_from, row.cleared_on, row.cleared_as) == (TODAY, TODAY, "swish")
        assert self.what() == [("on its way", -10_000)]
        assert is_the_same()
        self.noted(10_000)
        assert self.what() == []
        assert is_the_same()

    @pytest.mark.parametrize("is_again", [False, True])
    def test_what_is_not_noted_any_more_is_open(self, app: Flask, *, is_again: bool) -> None:
        paid_by_swish(a_case_whose_reminder_left(), 50_000)
        row = self.noted(50_000)
        cleared()
        self.undo(row)
        if is_again:
            transfers.note(row.id, "card", actor=OPERATOR, now=NOW)
            db.session.commit()
        told_of = [("not in the books", 50_000)] if is_again else [("waiting", 50_000)]
        assert sorted(self.what()) == sorted([*told_of, ("on its way", -50_000)])
        assert is_the_same()
        cleared()
        assert row.cleared_as == "card" if is_again else row.cleared_on is None
        assert sorted(self.what()) == sorted([*told_of, ("on its way", -50_000)])
        assert is_the_same()

    @pytest.mark.parametrize("kind", ["payment", "debit"])
    def test_so_is_what_only_a_statement_tells(self, app: Flask, kind: str) -> None:
        ore = 50_000 if kind == "payment" else -50_000
        row = self.noted(ore, kind=kind, state="statement", serial="s")
        again = told(ore, kind=kind, state="statement", serial="s")
        again.deposit = row.deposit
        transfers.note(again.id, "swish", actor=OPERATOR, now=NOW)
        db.session.commit()
        cleared()
        assert row.cleared_as == "swish"
        assert is_the_same()
        assert reconciling.reconcile(TODAY, TODAY).closing.bank_ore == ore
        self.undo(row)
        assert is_the_same()
        cleared()
        assert is_the_same()

    def test_a_statement_s_debit_counts_once_when_another_is_of_its_day_and_sum(
        self, app: Flask
    ) -> None:
        self.noted(-50_000, kind="debit", state="statement")
        cleared()
        self.noted(-50_000, "card", kind="debit", state="statement")
        assert reconciling.reconcile(TODAY, TODAY).closing.bank_ore == -100_000
        assert is_the_same()
        cleared()
        assert is_the_same()

    def test_what_is_undone_while_the_night_goes_on_is_told_of_as_it_is(self, app: Flask) -> None:
        case = a_case_whose_reminder_left()
        row = paid_by_bank(case, 50_000)
        cleared()
        newest = clearing.newest_entry()
        db.session.commit()
        deciding.undo(row.id, actor=OPERATOR, today=TODAY, now=NOW)
        transfers.note(row.id, "swish", actor=OPERATOR, now=NOW)
        db.session.commit()
        clearing.clear(newest, now=NOW)
        db.session.commit()
        assert is_the_same()
        cleared()
        assert is_the_same()

    def test_more_drawn_than_ever_came_is_told_as_that(self, app: Flask) -> None:
        paid_by_swish(a_case_whose_reminder_left(), 20_000)
        self.noted(-50_000, kind="debit")
        for _ in range(2):
            assert sorted(self.what()) == [("drawn", -50_000), ("on its way", -20_000)]
            assert reconciling.reconcile(TODAY, TODAY).unexplained == 1
            assert is_the_same()
            cleared()

    def test_its_rows_are_told_of_a_day(self, app: Flask) -> None:
        paid_by_swish(a_case_whose_reminder_left(), 50_000)
        found = [self.noted(30_000).id, self.noted(20_000, state="statement").id]
        cleared()
        rows = reconciled_rows.rows("bank", "swish", TODAY, TODAY, "SEK")
        assert [one.id for one in rows] == found

    def test_all_of_it_is_cleared_anew_when_a_sum_is_wrong(self, app: Flask) -> None:
        paid_by_swish(a_case_whose_reminder_left(), 50_000)
        self.noted(50_000)
        cleared()
        db.session.execute(text("update reconciled_sums set ore = ore + 1 where side = 'way'"))
        db.session.commit()
        assert not is_the_same()
        clearing.check(TODAY)
        db.session.commit()
        assert is_the_same()
        cleared()
        assert is_the_same()


_ACTS = (
    "pay", "sum", "row", "statement", "undo", "other way", "give", "take", "take by bank",
    "come again", "come again by bank", "night", "half a night",
)  # fmt: skip
_WAYS = ("swish", "card", "account")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(_ACTS), st.integers(1, 150_000), st.integers(0, 9), st.integers(-2, 2)
        ),
        min_size=4, max_size=16,
    )
)  # fmt: skip
@examples(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_ways_bring_is_told_the_same_whenever_it_is_cleared(
    app: Flask, acts: Sequence[tuple[str, int, int, int]]
) -> None:
    case = a_case_whose_reminder_left()
    paid_by_bank(case, 10_000, TODAY - timedelta(days=3))
    cleared()
    half: list[int] = []
    for what, ore, at, day in acts:
        if what == "half a night":
            half.append(clearing.newest_entry())
            db.session.commit()
            continue
        if what == "night":
            clearing.clear(half.pop() if half else clearing.newest_entry(), now=NOW)
            db.session.commit()
            db.session.expire_all()
            continue
        try:
            _act(what, ore, at, TODAY + timedelta(days=day), case)
            db.session.commit()
        except RedaError:
            db.session.rollback()
    for _ in range(2):
        for back in range(-3, 4):
            day = TODAY + timedelta(days=back)
            found = reconciling.reconcile(day, day)
            assert found == reconciling.reconcile_from_the_beginning(day, day)
            bank_ore = found.closing.bank_ore or 0
            assert bank_ore - found.closing.books_ore == sum(one.ore for one in found.reasons)
        cleared()
    open_ = select(BankTransfer.payment_id).where(~BankTransfer.is_cleared)
    assert db.session.scalars(open_).all() == []
    assert ledger.are_sums_right()


def _act(what: str, ore: int, at: int, on: date, case: Case) -> None:
    way = _WAYS[at % 3]
    requests = db.session.scalars(select(SwishRequest).order_by(SwishRequest.id)).all()
    request = requests[at % len(requests)] if requests else None
    rows = db.session.scalars(select(BankTransfer.payment_id).order_by("payment_id")).all()
    row_id = rows[at % len(rows)] if rows else None
    on_bank: dict[str, Callable[[], object]] = {
        "pay": lambda: paid_at_once({case: ore}, way=way, on=on),
        "sum": lambda: _note(told(ore, on=on, state="waiting"), way),
        "row": lambda: _note(told(-ore, kind="debit", on=on, state="aside"), way),
        "statement": lambda: _note(
            told(-ore if at % 2 else ore, kind="debit" if at % 2 else "payment", on=on,
                 state="statement"),
            way,
        ),
    }  # fmt: skip
    if what in on_bank:
        on_bank[what]()
    elif row_id is not None and what in ("undo", "other way", "give"):
        transfers.undo(row_id, actor=OPERATOR, now=NOW)
        db.session.commit()
        if what == "other way":
            transfers.note(row_id, way, actor=OPERATOR, now=NOW)
        elif what == "give":
            (payment,) = db.session.scalars(select(BankPayment).where(BankPayment.id == row_id))
            parts = {case.reference: payment.amount_ore}
            deciding.give(row_id, parts, actor=OPERATOR, now=NOW)
    elif request is not None and what.startswith("take"):
        if what == "take":
            taken(request, ore, on=on)
        else:
            told(-min(ore, request.amount_ore), kind="reversal", on=on, words=request.id)
            match()
    elif request is not None:
        for one in chargebacks.of_request(request.id):
            if what == "come again" and one.status == chargebacks.TAKEN:
                come_again(one, on=on)
            elif one.status == chargebacks.TAKEN:
                told(one.amount_ore, on=on, words=request.id)
                match()


def _note(row: BankPayment, way: str) -> None:
    transfers.note(row.id, way, actor=OPERATOR, now=NOW)
