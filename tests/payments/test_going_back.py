"""Payments, surpluses, refunds, failures and reversals in any order: the books hold to the öre."""

import itertools
from collections.abc import Sequence
from threading import Thread

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal import ledger
from portal.collection import checks
from portal.database import tenancy
from portal.extensions import db
from portal.ledger import Account
from portal.messages import RedaError
from portal.payments import booking, deciding, refunds
from portal.payments.models import BankPayment, Refund
from tests.factories import NOW, TODAY, a_case_whose_reminder_left
from tests.payments.bank_files.written import Paid
from tests.payments.bank_money import paid_by_bank, taken_back
from tests.payments.going_back import ERIK, paid_back, sent_by_bank, the_refund, too_much
from tests.payments.test_deciding import came
from tests.waiting import until_somebody_waits

_keys = itertools.count(1)
_ACTS = ("by bank", "at once", "confirm", "send", "paid", "fails", "again", "comes back", "undo",
         "reversed")  # fmt: skip


def act(what: str, ore: int, reference: str, case_id: int, at: int) -> None:
    """Do one thing, twice: the second time changes nothing."""
    found = list(db.session.scalars(select(Refund).order_by(Refund.id)))
    refund = found[at % len(found)] if found else None
    if what == "by bank":
        came(Paid(ore, reference, payer="9912346"))
    elif what == "at once":
        key = f"swish:{next(_keys)}"
        for _ in range(2):
            booking.receive(
                case_id, amount_ore=ore, currency="SEK", key=key, channel="swish",
                value_on=TODAY, payer="46701740605", actor=ERIK, now=NOW,
            )  # fmt: skip
    elif what == "undo":
        payments = list(
            db.session.scalars(
                select(BankPayment)
                .where(BankPayment.state == "settled", BankPayment.kind == "payment")
                .order_by(BankPayment.id)
            )
        )
        if payments:
            _twice(lambda: deciding.undo(
                payments[at % len(payments)].id, actor=ERIK, today=TODAY, now=NOW
            ))  # fmt: skip
    elif what == "reversed":
        row = db.session.scalars(
            select(BankPayment)
            .where(BankPayment.state == "settled", BankPayment.kind == "payment")
            .order_by(BankPayment.id.desc())
        ).first()
        if row is not None:
            taken_back(row)
    elif refund is not None:
        _twice(lambda: _decide(what, refund))


def _decide(what: str, refund: Refund) -> None:
    if what == "confirm":
        refunds.confirm(refund.id, "bankgiro", "9912346", "ringde", actor=ERIK, now=NOW)
    elif what == "send" and refund.status == refunds.WAITING:
        refund.status = refunds.RELEASED
    elif what == "paid" and not _has_been_sent_again(refund):
        refunds.settle(refund, on=TODAY, actor=ERIK, now=NOW)
    elif what == "fails":
        refunds.reject(refund, "AC04", on=TODAY, actor=ERIK, now=NOW)
    elif what == "again":
        refunds.try_again(refund.id, actor=ERIK, now=NOW)
    elif what == "comes back":
        refunds.return_(refund, "AC04", on=TODAY, actor=ERIK, now=NOW)


def _has_been_sent_again(refund: Refund) -> bool:
    """Whether money that is told of late would have gone twice, which the books then say."""
    sent = select(Refund.id).where(
        Refund.booked_id == refund.booked_id, Refund.id != refund.id,
        Refund.status.in_((refunds.RELEASED, refunds.SETTLED)),
    )  # fmt: skip
    return refund.status in refunds.NOT_PAID and db.session.scalars(sent).first() is not None


def _twice(work: object) -> None:
    for _ in range(2):
        try:
            work()  # type: ignore[operator]
            db.session.commit()
        except RedaError:
            db.session.rollback()


def check(case_ids: Sequence[int]) -> None:
    db.session.expire_all()
    assert ledger.off_balance() == {}
    assert (checks.differences(), booking.differences(), refunds.differences()) == ([], [], [])
    assert too_much() >= 0
    for case_id in case_ids:
        kept = booking.payments_of(case_id)
        over, ids = sum(one.overpaid_ore for one in kept), {one.id for one in kept}
        back = sum(
            one.amount_ore
            for one in db.session.scalars(select(Refund).where(Refund.case_id == case_id))
            if one.status == refunds.SETTLED and one.booked_id in ids
        )
        assert back <= over


def test_a_refund_that_came_back_and_is_told_paid_once_more_is_still_owed(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    act("at once", 300_000, case.ocr, case.id, 0)
    db.session.commit()
    (refund,) = db.session.scalars(select(Refund)).all()
    owed_ore, refund.status = too_much(), refunds.RELEASED
    for what in ("paid", "comes back", "paid"):
        act(what, 0, case.ocr, case.id, 0)
    assert (refund.status, too_much()) == (refunds.REJECTED, owed_ore)
    check([case.id])


def test_a_refund_that_fails_of_a_payment_that_was_taken_back_is_owed_to_nobody(
    app: Flask,
) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(), 50_000_00)
    refund = sent_by_bank(the_refund())
    taken_back(row)
    assert refund.status == refunds.RELEASED
    assert refunds.return_(refund, "AC04", on=TODAY, actor=ERIK, now=NOW)
    db.session.commit()
    with pytest.raises(refunds.NotOpen):
        refunds.try_again(refund.id, actor=ERIK, now=NOW, by_bank=True)
    check([])


def test_a_refund_on_its_way_of_a_payment_that_is_taken_back_is_no_difference(app: Flask) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(), 50_000_00)
    sent_by_bank(the_refund())
    taken_back(row)
    check([])


@pytest.mark.parametrize("is_paid_first", [True, False])
def test_what_was_paid_back_of_a_payment_that_is_taken_back_is_our_loss(
    app: Flask, is_paid_first: bool
) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(), 50_000_00)
    refund = sent_by_bank(the_refund())
    if is_paid_first:
        paid_back(refund)
    taken_back(row)
    if not is_paid_first:
        paid_back(refund)
    check([])
    assert ledger.trial_balance()[Account.BAD_DEBT] == refund.amount_ore
    assert ledger.own_share("SEK").total_ore == -refund.amount_ore
    refunds.return_(refund, "AC04", on=TODAY, actor=ERIK, now=NOW)
    ledger.return_covers(on=TODAY, now=NOW)
    db.session.commit()
    check([])
    assert ledger.own_share("SEK").covered_ore == 0
    assert ledger.trial_balance().get(Account.BAD_DEBT, 0) == 0


def test_what_is_sent_back_meanwhile_is_not_given_to_a_case_anew(app: Flask) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(), 50_000_00)
    refund, answers = the_refund(), []

    def run() -> None:
        with app.app_context(), tenancy.service():
            try:
                deciding.undo(row_id, actor=ERIK, today=TODAY, now=NOW)
                db.session.commit()
                answers.append("undone")
            except RedaError:
                answers.append("refused")
            db.session.remove()

    row_id = row.id
    # As the second approval does, whose file is on its way to the bank.
    refund = refunds.locked(refund.id)
    refund.payer_account, refund.account_kind = "50501055", "bankgiro"
    refund.status = refunds.RELEASED
    db.session.flush()
    other = Thread(target=run)
    other.start()
    until_somebody_waits(other.is_alive)
    db.session.commit()
    other.join()
    assert answers == ["refused"]
    assert the_refund().status == refunds.RELEASED


@given(
    st.lists(
        st.tuples(st.sampled_from(_ACTS), st.integers(1, 300_000), st.integers(0, 7)),
        min_size=3, max_size=14,
    )
)  # fmt: skip
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nobody_gets_back_more_than_was_too_much_and_the_books_balance(
    app: Flask, acts: list[tuple[str, int, int]]
) -> None:
    known = [a_case_whose_reminder_left() for _ in range(2)]
    ids = [one.id for one in known]
    for what, ore, at in acts:
        case = known[at % 2]
        act(what, ore, case.ocr, case.id, at)
        db.session.commit()
        check(ids)
