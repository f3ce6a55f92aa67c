"""Payments, surpluses, refunds, failures and reversals in any order: the books hold to the öre."""

import itertools
from collections.abc import Sequence

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal import ledger
from portal.collection import checks
from portal.extensions import db
from portal.messages import RedaError
from portal.payments import booking, deciding, refunds
from portal.payments.models import BankPayment, Refund
from tests.factories import NOW, TODAY, a_reminded_case
from tests.payments.bank_files.written import Paid
from tests.payments.going_back import ERIK, too_much
from tests.payments.test_deciding import came

_keys = itertools.count(1)
_ACTS = ("by bank", "at once", "confirm", "send", "paid", "fails", "again", "comes back", "undo")


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
    elif refund is not None:
        _twice(lambda: _decide(what, refund))


def _decide(what: str, refund: Refund) -> None:
    if what == "confirm":
        refunds.confirm(refund.id, "bankgiro", "9912346", "ringde", actor=ERIK, now=NOW)
    elif what == "send" and refund.status == refunds.WAITING:
        refund.status = refunds.RELEASED
    elif what == "paid":
        refunds.settle(refund, on=TODAY, actor=ERIK, now=NOW)
    elif what == "fails":
        refunds.reject(refund, "AC04", on=TODAY, actor=ERIK, now=NOW)
    elif what == "again":
        refunds.try_again(refund.id, actor=ERIK, now=NOW)
    elif what == "comes back":
        refunds.return_(refund, "AC04", on=TODAY, actor=ERIK, now=NOW)


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
        over = sum(one.overpaid_ore for one in booking.payments_of(case_id))
        back = sum(
            one.amount_ore
            for one in db.session.scalars(select(Refund).where(Refund.case_id == case_id))
            if one.status == refunds.SETTLED
        )
        assert back <= over


def test_a_refund_that_came_back_and_is_told_paid_once_more_is_still_owed(app: Flask) -> None:
    case = a_reminded_case()
    act("at once", 300_000, case.ocr, case.id, 0)
    db.session.commit()
    (refund,) = db.session.scalars(select(Refund)).all()
    owed_ore, refund.status = too_much(), refunds.RELEASED
    for what in ("paid", "comes back", "paid"):
        act(what, 0, case.ocr, case.id, 0)
    assert (refund.status, too_much()) == (refunds.REJECTED, owed_ore)
    check([case.id])


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
    known = [a_reminded_case() for _ in range(2)]
    ids = [one.id for one in known]
    for what, ore, at in acts:
        case = known[at % 2]
        act(what, ore, case.ocr, case.id, at)
        db.session.commit()
        check(ids)
