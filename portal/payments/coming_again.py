"""Money by Swish, card or account that was taken back and that a bank's file tells has come again.

A row means it surely when it names one payment, and one sum of its amount was taken back of that
payment by then whose coming again no other row has told. Whether it is gone still, or somebody has
said already that it is here, it is booked once, on the row's own day, and the row is noted as money
of its way (`transfers`). What else names such a payment waits for a person; so does what may be how
the payment came at first, and what a bankgiro brings, whose words are the payer's. A refund by one
of these ways that did not reach its payer comes again likewise, and is owed again (`coming_back`).

Rows are looked at after what is taken back in the same file (`matching`).
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, String, cast, exists, func, or_, select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.identity.actor import Actor
from portal.law import calendar
from portal.payments import chargebacks, coming_back, told_at_once, transfers, ways
from portal.payments.models import (
    BankFile,
    BankPayment,
    BankTransfer,
    Chargeback,
    Refund,
    SwishRequest,
)
from portal.payments.taking_back import NotWaiting, locked, waits

log = structlog.get_logger()
_MOST = 100
# The bank tells of a payment by then.
_BANKING_DAYS = 5


def may_be_among(ids: Sequence[int]) -> set[int]:
    """New payments to look at once it is booked what else of these, or before them, is taken back.

    Only banks' own files (camt) name a payment at once.
    """
    taken, reversal, back = aliased(Chargeback), aliased(BankPayment), aliased(Refund)
    is_known = exists().where(
        taken.amount_ore == BankPayment.amount_ore,
        taken.status.in_((chargebacks.TAKEN, chargebacks.RETURNED)),
        taken.taken_on <= BankPayment.value_on,
    )
    is_told_now = exists().where(
        reversal.state == "new",
        reversal.kind.in_(("reversal", "deduction")),
        reversal.amount_ore == -BankPayment.amount_ore,
        reversal.value_on <= BankPayment.value_on,
    )
    is_refund = exists().where(back.amount_ore == BankPayment.amount_ore, back.way.in_(ways.WAYS))
    found = db.session.scalars(
        select(BankPayment)
        .join(BankFile, BankFile.id == BankPayment.file_id)
        .where(
            BankPayment.id.in_(ids), BankPayment.kind == "payment", BankPayment.state == "new",
            BankFile.kind.startswith("camt"), or_(is_known, is_told_now, is_refund),
        )
    )  # fmt: skip
    return {
        one.id
        for one in found
        if chargebacks.named(one) or coming_back.names_at_once(one) is not None
    }


def take_surely(payment_id: int, *, actor: Actor, now: datetime) -> None:
    """Book once more what the bank gives back, if one thing only can be meant; else it waits.

    payment_id: of what came, or came back (`coming_back` looks at what names nothing of these).
    """
    payment = locked(payment_id)
    if payment is None or payment.state != "new":
        return
    named = chargebacks.named(payment)
    if not _of(payment, named):
        _take_as_other(payment, actor, now)
        return
    payment.state = "waiting"
    db.session.flush()
    if len(named) != 1:
        return
    request = chargebacks.lock(named[0])
    found = [one for one in _of(payment, named) if one.returned_payment_id is None]
    if len(found) == 1 and not _may_be_first(payment, request):
        _take(payment, request, found[0], actor, now)


def _take_as_other(payment: BankPayment, actor: Actor, now: datetime) -> None:
    if payment.kind == "returned":
        coming_back.take_surely(payment.id, actor=actor, now=now)
        return
    told_at_once.recognise([payment.id], now=now)
    if payment.state == "new":
        payment.state = "waiting"
        db.session.flush()
        coming_back.take_at_once_surely(payment, actor=actor, now=now)


def meant_by(payment: BankPayment, limit: int = 3) -> list[tuple[Chargeback, SwishRequest]]:
    """What was taken back that a payment may bring again; that of payments it names comes first.

    Of what is here already only that.
    """
    named = chargebacks.named(payment)
    rows = db.session.execute(
        select(Chargeback, SwishRequest)
        .join(SwishRequest, SwishRequest.id == Chargeback.request_id)
        .where(
            *_fits(payment),
            Chargeback.returned_payment_id.is_(None),
            or_(Chargeback.status == chargebacks.TAKEN, Chargeback.request_id.in_(named)),
        )
        .order_by(
            Chargeback.request_id.in_(named).desc(), Chargeback.taken_on.desc(),
            Chargeback.id.desc(),
        )
        .limit(limit)
    )  # fmt: skip
    return [(one, request) for one, request in rows]


def take(payment_id: int, chargeback_id: int, *, actor: Actor, now: datetime) -> None:
    """Book once more what a person says has come again by a payment. Raises NotWaiting, or
    RedaError when a part of it is given to a case or goes back already.
    """
    payment = waits(payment_id)
    found = chargebacks.find(chargeback_id)
    if found is None or payment.kind not in ("payment", "returned"):
        raise NotWaiting
    request = chargebacks.lock(found.request_id)
    db.session.refresh(found)
    if found not in [one for one, _ in meant_by(payment, _MOST)]:
        raise NotWaiting
    _take(payment, request, found, actor, now)


def _fits(payment: BankPayment) -> list[ColumnElement[bool]]:
    return [
        Chargeback.amount_ore == payment.amount_ore,
        Chargeback.taken_on <= payment.value_on,
        Chargeback.status.in_((chargebacks.TAKEN, chargebacks.RETURNED)),
        SwishRequest.currency == payment.currency,
    ]


def _of(payment: BankPayment, request_ids: Collection[str]) -> Sequence[Chargeback]:
    """What was taken back of payments and comes or came again by a sum like that of a row."""
    return db.session.scalars(
        select(Chargeback)
        .join(SwishRequest, SwishRequest.id == Chargeback.request_id)
        .where(Chargeback.request_id.in_(request_ids), *_fits(payment))
        .order_by(Chargeback.id)
        .execution_options(populate_existing=True)
    ).all()


def _may_be_first(payment: BankPayment, request: SwishRequest) -> bool:
    """Whether the bank may tell of the payment itself, which it has not told of yet."""
    came_on = chargebacks.paid_on(request)
    if payment.amount_ore != request.amount_ore or came_on is None:
        return False
    if payment.value_on > calendar.add_banking_days(came_on, _BANKING_DAYS):
        return False
    words = func.upper(cast(told_at_once.WORDS, String))
    names = [one for one in (request.id, request.payment_reference) if one]
    first = (
        select(BankPayment.id)
        .join(BankTransfer, BankTransfer.payment_id == BankPayment.id)
        .where(
            BankTransfer.way == request.way, BankPayment.amount_ore == payment.amount_ore,
            BankPayment.value_on.between(came_on, payment.value_on),
            BankPayment.id != payment.id,
            or_(*(words.contains(one.upper(), autoescape=True) for one in names)),
            ~exists().where(Chargeback.returned_payment_id == BankPayment.id),
        )
    )  # fmt: skip
    return db.session.scalars(first.limit(1)).first() is None


def _take(
    payment: BankPayment, request: SwishRequest, chargeback: Chargeback, actor: Actor, now: datetime
) -> None:
    chargebacks.book_again(request, chargeback, payment.value_on, actor, now)
    chargeback.returned_payment_id = payment.id
    transfers.note(payment.id, request.way, actor=actor, now=now)
    log.info("chargeback.came_by_bank", chargeback=chargeback.id, payment=payment.id)
