"""Refunds that go back the way the money came: by Swish, or by the provider of card and account.

What is asked for is written down before, under the refund's own key, and asked for again by the
same key until it is known to be taken, so that no answer that gets lost makes it go twice (a key
that was taken is refused with RP09, Getswish's Merchant Integration Guide). A callback is a hint,
as of payments: what is booked is what they answer when we ask.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import structlog
from sqlalchemy import and_, func, or_, select

from portal import clock
from portal.collection import cases
from portal.extensions import db
from portal.identity.actor import PROVIDER, SWISH, Actor
from portal.payments import booking, refunds, ways
from portal.payments.models import Payment, Refund, SwishRequest
from portal.payments.ways import Back, Refused

log = structlog.get_logger()
# Where Swish and the provider call back, below our own address.
SWISH_PATH, ONLINE_PATH = "/callbacks/swish/refunds", "/callbacks/payments"
_PATIENCE = timedelta(seconds=10)
# Of a bank that fell silent Swish may still learn for a day; later answers are looked for less.
_ASKED_FOR = timedelta(days=1)
_LOOKED_FOR, _SELDOM = timedelta(days=7), timedelta(hours=1)
# They do not take our certificate or key: nothing is wrong with the refund.
_NOT_US = ("401", "403")


def due(limit: int = 200) -> list[int]:
    """Refunds that wait to be sent the way that the money came."""
    return list(
        db.session.scalars(
            select(Refund.id)
            .where(Refund.status == refunds.WAITING, Refund.way.in_(ways.WAYS))
            .order_by(Refund.id)
            .limit(limit)
        )
    )


def unanswered(now: datetime, limit: int = 200) -> list[int]:
    """Refunds that are sent and of which nobody knows yet how they end."""
    told_at = func.coalesce(Refund.asked_at, Refund.sent_at)
    is_silent = and_(
        Refund.status.in_(refunds.NOT_PAID),
        Refund.error_code == ways.OUTCOME_UNKNOWN,
        Refund.sent_at > now - _LOOKED_FOR,
        told_at < now - _SELDOM,
    )
    is_sent = and_(Refund.status == refunds.RELEASED, told_at < now - _PATIENCE)
    return list(
        db.session.scalars(
            select(Refund.id)
            .where(Refund.way.in_(ways.WAYS), or_(is_sent, is_silent))
            .order_by(Refund.id)
            .limit(limit)
        )
    )


def send(refund_id: int, base_url: str, *, now: datetime, between: Callable[[], object]) -> None:
    """Send a refund that waits, once; one that something speaks against waits for a person.

    base_url: our own address. between: commits; what is asked for is kept before. Raises
    ways.Unavailable or, when they do not know us, ways.Refused; it is then asked for again later.
    """
    refund = refunds.locked(refund_id)
    if refund.status != refunds.WAITING or refund.way not in ways.WAYS:
        return
    today = clock.day_of(now)
    if against := refunds.speaks_against(refund, today):
        refund.status, refund.reason = refunds.TO_CONFIRM, against
        between()
        return
    refund.status, refund.released_on, refund.sent_at = refunds.RELEASED, today, now
    between()
    _ask_for(refund_id, base_url, now)
    between()


def follow(refund_id: int, base_url: str, *, now: datetime) -> Refund:
    """Learn how a refund went, and book it when it is paid. Safe to repeat and to race.

    Raises as `send`.
    """
    refund = refunds.locked(refund_id)
    if refund.status == refunds.RELEASED and not refund.is_taken:
        refund = _ask_for(refund_id, base_url, now)
    is_silent = refund.error_code == ways.OUTCOME_UNKNOWN
    if refund.is_taken and (refund.status == refunds.RELEASED or is_silent):
        _learn(refund, now)
    return refund


def _ask_for(refund_id: int, base_url: str, now: datetime) -> Refund:
    refund = refunds.locked(refund_id)
    if refund.status != refunds.RELEASED or refund.is_taken:
        return refund
    try:
        booking.client_of(refund.way).pay_back(_back(refund, base_url))
    except Refused as refused:
        if ways.BUSY in refused.codes:
            # Another part of the same payment is on its way; this one goes after it.
            return refund
        if set(_NOT_US) & set(refused.codes):
            raise
        if ways.TAKEN not in refused.codes:
            _refused(refund, refused.codes[0], clock.day_of(now), now)
            return refund
    refund.is_taken, refund.asked_at = True, now
    db.session.flush()
    return refund


def _back(refund: Refund, base_url: str) -> Back:
    payment = db.session.get_one(Payment, refund.booked_id)
    case = cases.of_ids([payment.case_id])[0]
    original = payment.channel_reference.split(":")[1]
    request_id = db.session.scalars(
        select(SwishRequest.id).where(
            SwishRequest.payment_reference == original, SwishRequest.way == refund.way
        )
    ).first()
    path = SWISH_PATH if refund.way == ways.SWISH else ONLINE_PATH
    return Back(
        id=refund.key,
        payment_id=request_id or original,
        original=original,
        amount=Decimal(refund.amount_ore) / 100,
        reference=case.ocr,
        message=booking.message_of([case]),
        callback_url=base_url + path,
        callback_identifier=refund.callback_identifier or "",
    )


def _learn(refund: Refund, now: datetime) -> None:
    try:
        answer = booking.client_of(refund.way).fetch_back(refund.key)
    except Refused as refused:
        if ways.UNKNOWN not in refused.codes:
            raise
        log.error("refund.forgotten", refund=refund.key)
        return
    refund.asked_at = now
    if answer.is_paid:
        _paid(refund, answer, now)
    elif answer.error_code:
        is_given_up = now - (refund.sent_at or now) > _ASKED_FOR
        if answer.error_code == ways.OUTCOME_UNKNOWN and not is_given_up:
            refund.error_code = answer.error_code
        else:
            _refused(refund, answer.error_code, clock.day_of(now), now)
    db.session.flush()


def _paid(refund: Refund, answer: ways.PaidBack, now: datetime) -> None:
    if (int(answer.amount * 100), answer.currency) != (refund.amount_ore, refund.currency):
        # Nothing is booked that we did not ask for; it stands as sent until somebody looks.
        log.error("refund.amount_differs", refund=refund.key, asked=refund.amount_ore,
                  paid=str(answer.amount))  # fmt: skip
        return
    on = clock.day_of(answer.date_paid or now)
    refunds.settle(refund, on=on, actor=_actor(refund), now=now)


def _refused(refund: Refund, code: str, on: date, now: datetime) -> None:
    refund.error_code = code
    refunds.reject(refund, "", on=on, actor=_actor(refund), now=now)


def _actor(refund: Refund) -> Actor:
    return SWISH if refund.way == ways.SWISH else PROVIDER
