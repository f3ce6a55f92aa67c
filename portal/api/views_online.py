"""Where the payment provider of card and account calls back."""

from collections.abc import Callable

import structlog
from flask import Response, make_response, request

from portal import clock
from portal.api.views_swish import api, follow_refund
from portal.database import queue, tenancy
from portal.extensions import db, settings
from portal.payments import booking, chargebacks, online, refunds, ways

log = structlog.get_logger()


@api.post("/callbacks/payments")
def online_callback() -> Response:
    """A callback is a hint to ask the provider; only its answer is booked.

    200 when it was understood, also the second time. 400: not a callback. 403: not signed by the
    provider. 404: no such payment, or no provider. 503: the provider did not answer us; it calls
    again, and a job asks too.
    """
    key = settings().online_callback_key
    if not key:
        return _answer(404)
    body = request.get_data(cache=False)
    if len(body) > online.LONGEST_CALLBACK:
        return _answer(400)
    if not online.is_signed(body, request.headers.get(online.SIGNATURE), key):
        log.warning("online.callback_not_signed")
        return _answer(403)
    payment_id = online.payment_id_of(body)
    if payment_id is None:
        return _answer(400)
    with tenancy.service():
        back = refunds.by_key(payment_id)
        if back is not None and back.way in (ways.CARD, ways.ACCOUNT):
            return follow_refund(back.id)
        found = booking.find(payment_id)
        if found is None or found.way == ways.SWISH:
            log.warning("online.callback_unknown", id=payment_id)
            return _answer(404)
        if found.status == "paid":
            # What else there is to tell of it: that it is taken back, or has come again.
            return _ask(payment_id, chargebacks.learn, "ask_chargebacks")
        return _ask(payment_id, booking.ask, "ask_swish")


def _ask(payment_id: str, ask: Callable[..., object], job: str) -> Response:
    try:
        ask(payment_id, now=clock.now())
    except (ways.Unavailable, ways.Refused):
        db.session.rollback()
        queue.defer(job, request_id=payment_id)
        db.session.commit()
        return _answer(503)
    db.session.commit()
    return _answer(200)


def _answer(status: int) -> Response:
    return make_response("", status)
