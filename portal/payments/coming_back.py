"""Money that we sent and that the bank got back: its payout or refund is owed again.

Our own share that came back is ours to take out again.

A returned credit transfer keeps the name that we gave it (`EndToEndId`), or has it in its words. It
comes after the debit as a rule, days later, and is then booked on its own day. A refund by Swish,
card or account that comes back so is money of its way (`transfers`).
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, and_, or_, select

from portal.extensions import db
from portal.identity.actor import Actor
from portal.payments import own_share, payouts, refunds, transfers, ways
from portal.payments.models import BankPayment, OwnShareOrder, Payout, Refund
from portal.payments.releasing import Order
from portal.payments.taking_back import NotWaiting, locked, waits

log = structlog.get_logger()
_SENT = (payouts.RELEASED, payouts.SETTLED)
_NOT_PAID = (payouts.REJECTED, *refunds.NOT_PAID)
_MOST = 20
_WORDS = re.compile(r"[0-9A-Za-z]{8,35}")


def take_surely(payment_id: int, *, actor: Actor, now: datetime) -> None:
    """Book what came back, if it names an order of its amount; else it waits."""
    payment = locked(payment_id)
    if payment is None or payment.state != "new" or payment.kind != "returned":
        return
    payment.state = "waiting"
    keys = _names(payment)
    found = _sent(payment, keys)
    if len(found) == 1:
        _take(payment, found[0], actor, now)
    elif not found:
        _note_told(payment, _sent(payment, keys, _NOT_PAID))
    db.session.flush()


def _names(payment: BankPayment) -> set[str]:
    words = " ".join((payment.text, payment.serial, *payment.reference_numbers))
    return {payment.end_to_end_id, *_WORDS.findall(words)} - {""}


def names_at_once(payment: BankPayment) -> Refund | None:
    """The refund by Swish, card or account that a payment of its amount names, however it went."""
    return db.session.scalars(
        select(Refund).where(
            Refund.way.in_(ways.WAYS),
            Refund.key.in_({one.upper() for one in _names(payment)}),
            Refund.amount_ore == payment.amount_ore,
        )
    ).first()


def take_at_once_surely(payment: BankPayment, *, actor: Actor, now: datetime) -> bool:
    """Book what came as any payment does, if it names a refund by Swish, card or account.

    payment: `locked`, and waits. Answers whether it is booked.
    """
    refund = names_at_once(payment)
    if refund is None or refund not in _sent(payment, {refund.key}):
        return False
    _take(payment, refund, actor, now)
    db.session.flush()
    return True


def _note_told(payment: BankPayment, found: Sequence[Order]) -> None:
    """Settle money of an order that the bank's report has said was not paid, once."""
    if len(found) != 1:
        return
    key = found[0].key
    names = (
        BankPayment.end_to_end_id == key, BankPayment.serial == key,
        BankPayment.text.contains(key, autoescape=True),
        BankPayment.reference_numbers.contains([key]),
    )  # fmt: skip
    other = select(BankPayment.id).where(
        BankPayment.kind == "returned", BankPayment.state == "settled", or_(*names)
    )
    if db.session.scalars(other.limit(1)).first() is None:
        payment.state = "settled"
        log.warning("sent.came_back_as_told", order=key, payment=payment.id)


def meant_by(payment: BankPayment, limit: int = 3) -> list[tuple[Order, str]]:
    """What we ordered that money which came back may be, by amount, with their accounts.

    The newest first. Of what came as any payment does, only refunds by Swish, card or account.
    """
    found = sorted(
        _sent(payment, None), key=lambda one: one.released_on or payment.value_on, reverse=True
    )
    return [(one, _account(one)) for one in found[:limit]]


def _account(order: Order) -> str:
    if isinstance(order, Payout):
        return order.account_number or ""
    return refunds.written(order) if isinstance(order, Refund) else own_share.written(order)


def take(payment_id: int, key: str, *, actor: Actor, now: datetime) -> None:
    """Book what a person says came back. Raises NotWaiting."""
    payment = waits(payment_id)
    found = _sent(payment, {key})
    if len(found) != 1:
        raise NotWaiting
    _take(payment, found[0], actor, now)
    db.session.flush()


def _sent(
    payment: BankPayment, keys: Collection[str] | None, statuses: Collection[str] = _SENT
) -> list[Order]:
    if payment.kind not in ("returned", "payment"):
        return []
    # Of one at once that was sent, and is not known to be paid, its own way tells.
    is_at_once = and_(Refund.way.in_(ways.WAYS), Refund.status == refunds.SETTLED)
    by_way = (
        is_at_once if payment.kind == "payment" else or_(Refund.way == refunds.BANK, is_at_once)
    )
    paid_back = select(Refund).where(by_way, *_fits(Refund, payment, keys, statuses))
    if payment.kind == "payment":
        return list(db.session.scalars(paid_back.order_by(Refund.id.desc()).limit(_MOST)))
    paid_out = select(Payout).where(*_fits(Payout, payment, keys, statuses))
    taken_out = select(OwnShareOrder).where(*_fits(OwnShareOrder, payment, keys, statuses))
    return [
        *db.session.scalars(paid_out.order_by(Payout.id.desc()).limit(_MOST)),
        *db.session.scalars(paid_back.order_by(Refund.id.desc()).limit(_MOST)),
        *db.session.scalars(taken_out.order_by(OwnShareOrder.id.desc()).limit(_MOST)),
    ]


def _fits(
    table: type[Payout] | type[Refund] | type[OwnShareOrder],
    payment: BankPayment,
    keys: Collection[str] | None,
    statuses: Collection[str],
) -> list[ColumnElement[bool]]:
    return [
        table.status.in_(statuses),
        table.amount_ore == payment.amount_ore,
        table.currency == payment.currency,
        table.released_on <= payment.value_on,
        *([] if keys is None else [table.key.in_(keys)]),
    ]


def _take(payment: BankPayment, order: Order, actor: Actor, now: datetime) -> None:
    reason, on = payment.text.partition("\n")[0][:500], payment.value_on
    if isinstance(order, Payout):
        payouts.return_(order, reason, on=on, actor=actor, now=now)
    elif isinstance(order, OwnShareOrder):
        own_share.return_(own_share.locked(order.id), reason, on=on, now=now)
    else:
        refunds.return_(refunds.locked(order.id), reason, on=on, actor=actor, now=now)
    if isinstance(order, Refund) and order.way in ways.WAYS:
        transfers.note(payment.id, order.way, actor=actor, now=now)
    else:
        payment.state = "settled"
    log.warning("sent.came_back", order=order.key, payment=payment.id)
