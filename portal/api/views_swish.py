"""Where Swish calls back."""

import structlog
from flask import Blueprint, Response, make_response, request

from portal import clock
from portal.database import queue, tenancy
from portal.extensions import csrf, db, settings
from portal.payments import booking, paying_back, refunds
from portal.payments.swish import (
    BadCallback,
    SwishRefused,
    SwishUnavailable,
    is_callback_identifier,
    parse_callback,
    parse_refund_callback,
)
from portal.payments.ways import SWISH, Refused, Unavailable

log = structlog.get_logger()
api = Blueprint("api", __name__)
# No cookie is read here, so that there is nothing that a forged request could make use of.
csrf.exempt(api)


@api.post("/callbacks/swish")
def swish_callback() -> Response:
    """A callback is a hint to ask Swish; only Swish's answer is booked.

    200 when it was understood, also the second time. 400: not a callback. 404: no such request, or
    not Swish's secret header. 422: it tells another amount than was asked for; Swish is asked all
    the same, so that nothing is lost.
    """
    try:
        hint = parse_callback(request.get_data(cache=False))
    except BadCallback as error:
        log.warning("swish.callback_unreadable", reason=str(error))
        return _answer(400)
    with tenancy.service():
        found = booking.find(hint.id)
        if found is None or found.way != SWISH:
            log.warning("swish.callback_unknown", id=hint.id)
            return _answer(404)
        if not is_callback_identifier(
            found.callback_identifier, request.headers.get("callbackIdentifier")
        ):
            log.warning("swish.callback_not_swish", id=hint.id)
            return _answer(404)
        if found.status == "paid":
            return _answer(200)
        if hint.amount * 100 != found.amount_ore:
            log.warning("swish.callback_amount", id=hint.id)
            queue.defer("ask_swish", request_id=hint.id)
            db.session.commit()
            return _answer(422)
        return _ask(hint.id)


def _ask(request_id: str) -> Response:
    try:
        booking.ask(request_id, now=clock.now())
    except (SwishUnavailable, SwishRefused):
        # It also refuses when our certificate has run out. Swish calls again when we do not answer
        # 200; a job asks too, in case it does not.
        db.session.rollback()
        queue.defer("ask_swish", request_id=request_id)
        db.session.commit()
        return _answer(503)
    db.session.commit()
    return _answer(200)


@api.post(paying_back.SWISH_PATH)
def swish_refund_callback() -> Response:
    """A callback about a refund, a hint as that about a payment, with the same answers."""
    try:
        hint = parse_refund_callback(request.get_data(cache=False))
    except BadCallback as error:
        log.warning("swish.callback_unreadable", reason=str(error))
        return _answer(400)
    with tenancy.service():
        found = refunds.by_key(hint.id)
        if (
            found is None
            or found.way != SWISH
            or not found.callback_identifier
            or not is_callback_identifier(
                found.callback_identifier, request.headers.get("callbackIdentifier")
            )
        ):
            log.warning("swish.callback_not_swish", id=hint.id)
            return _answer(404)
        is_as_asked = hint.amount * 100 == found.amount_ore
        answer = follow_refund(found.id)
        return answer if is_as_asked else _answer(422)


def follow_refund(refund_id: int) -> Response:
    """Ask how a refund went; 503 when they do not answer, and a job asks again."""
    try:
        paying_back.follow(refund_id, settings().base_url, now=clock.now())
    except (Unavailable, Refused):
        db.session.rollback()
        queue.defer("pay_back", refund_id=refund_id)
        db.session.commit()
        return _answer(503)
    db.session.commit()
    return _answer(200)


def _answer(status: int) -> Response:
    return make_response("", status)


from portal.api import views_online, views_sms  # noqa: E402, F401
