"""What banks take back: booked back on the cases that were given it.

Whoever decides on a payment locks it first, then what goes back of it, and then its cases in the
order of their ids.
"""

from collections.abc import Sequence
from datetime import date, datetime

import structlog
from sqlalchemy import ColumnElement, Select, select

from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, RedaError
from portal.payments import booking, paying_in, refunds
from portal.payments.models import BankPayment, BankShare, Refund

log = structlog.get_logger()


class NotWaiting(RedaError):
    """Somebody else has decided on the payment, or on the refund."""

    status = 409

    def __init__(self) -> None:
        super().__init__(N_("Somebody has decided on this already. Look at it again."))


def take_back_surely(reversal_id: int, *, actor: Actor, now: datetime) -> None:
    """Book back what the bank takes back, if one payment only can be meant; else it waits.

    reversal_id: of a payment of kind reversal or deduction. Meant is one that came to the same
    account by its day, has the amount and the currency, and the same serial, or else the same
    references and payer as far as they are told.
    """
    reversal = locked(reversal_id)
    if reversal is None or reversal.state != "new":
        return
    reversal.state = "waiting"
    found = _meant_surely(reversal)
    if len(found) == 1:
        _take_back_by(reversal, found[0], actor, now)


def meant_by(reversal: BankPayment, limit: int = 3) -> list[BankPayment]:
    """Payments that the bank may take back, by account, amount and day; the newest first."""
    return list(
        db.session.scalars(
            select(BankPayment)
            .where(*_same(reversal))
            .order_by(BankPayment.value_on.desc(), BankPayment.id.desc())
            .limit(limit)
        )
    )


def take_back(reversal_id: int, payment_id: int, *, actor: Actor, now: datetime) -> None:
    """Book back the payment that a person says the bank takes back. Raises NotWaiting."""
    reversal = waits(reversal_id)
    if payment_id not in {one.id for one in meant_by(reversal)}:
        raise NotWaiting
    _take_back_by(reversal, payment_id, actor, now)


def put_aside(reversal_id: int, *, actor: Actor) -> None:
    """Leave what the bank took off, and no payment of a case has to do with, to the bookkeeping.

    Raises NotWaiting.
    """
    reversal = waits(reversal_id)
    if reversal.kind == "payment":
        raise NotWaiting
    reversal.state = "aside"
    log.info("bank_payment.put_aside", payment=reversal.id, by=actor.name)


def _same(reversal: BankPayment) -> list[ColumnElement[bool]]:
    return [
        BankPayment.account == reversal.account,
        BankPayment.kind == "payment",
        BankPayment.amount_ore == -reversal.amount_ore,
        BankPayment.currency == reversal.currency,
        BankPayment.value_on <= reversal.value_on,
        BankPayment.state.in_(("settled", "waiting")),
    ]


def _meant_surely(reversal: BankPayment) -> Sequence[int]:
    same = select(BankPayment.id).where(*_same(reversal)).limit(2)
    if reversal.serial:
        by_serial = db.session.scalars(same.where(BankPayment.serial == reversal.serial)).all()
        if by_serial:
            return by_serial
    alike = []
    if reversal.reference_numbers:
        alike.append(BankPayment.reference_numbers == reversal.reference_numbers)
    if reversal.payer_hash is not None:
        alike.append(BankPayment.payer_hash == reversal.payer_hash)
    return db.session.scalars(same.where(*alike)).all() if alike else []


def _take_back_by(reversal: BankPayment, payment_id: int, actor: Actor, now: datetime) -> None:
    payment = locked(payment_id)
    if payment is None or payment.state not in ("settled", "waiting"):
        raise NotWaiting
    undo_shares(payment, by_bank=True, on=reversal.value_on, actor=actor, now=now)
    payment.state, reversal.state, reversal.reverses_id = "taken back", "settled", payment.id


def undo_shares(
    payment: BankPayment, *, by_bank: bool, on: date, actor: Actor, now: datetime
) -> None:
    """Book back what cases or a statement had of a payment, and withdraw what goes back of it."""
    # Before the cases, so that nobody sends one meanwhile.
    held_refunds(payment.id)
    for share in sorted(shares_of(payment.id), key=lambda one: one.case_id):
        booking.take_back(share.key, by_bank=by_bank, on=on, actor=actor, now=now)
        share.undone_by, share.undone_at = actor.name or actor.kind, now
    paying_in.undo(payment, by_bank=by_bank, on=on, actor=actor, now=now)
    # With what was found to go back, too, before the cases were ours.
    for refund in held_refunds(payment.id):
        refunds.withdraw(refund, actor=actor, now=now)
        refunds.lose(refund, on=on, now=now)
    db.session.flush()


def shares_of(payment_id: int) -> list[BankShare]:
    """What cases were given of a payment and still have."""
    return list(
        db.session.scalars(
            select(BankShare)
            .where(BankShare.payment_id == payment_id, BankShare.undone_at.is_(None))
            .order_by(BankShare.id)
        )
    )


def refunds_of(payment_id: int) -> list[Refund]:
    """What goes back of a payment."""
    return list(db.session.scalars(_refunds(payment_id)))


def held_refunds(payment_id: int) -> list[Refund]:
    """The same, for the caller alone until the transaction ends. The payment is `locked` before."""
    held = _refunds(payment_id).with_for_update().execution_options(populate_existing=True)
    return list(db.session.scalars(held))


def _refunds(payment_id: int) -> Select[Refund]:
    return (
        select(Refund)
        .where(
            Refund.payment_id == payment_id,
            Refund.status.not_in((refunds.FAILED, refunds.WITHDRAWN)),
        )
        .order_by(Refund.id)
    )


def locked(payment_id: int) -> BankPayment | None:
    """A payment, for the caller alone until the transaction ends; or None.

    Who holds a case of it may write what goes back of it meanwhile.
    """
    return db.session.get(
        BankPayment, payment_id, with_for_update={"key_share": True}, populate_existing=True
    )


def waits(payment_id: int) -> BankPayment:
    """A payment that waits for a person, as `locked`. Raises NotWaiting."""
    payment = locked(payment_id)
    if payment is None or payment.state != "waiting":
        raise NotWaiting
    return payment
