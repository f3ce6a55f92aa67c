"""Where the provider of text messages calls back."""

import structlog
from flask import Response, make_response, request

from portal import clock
from portal.api.views_swish import api
from portal.collection import reaching
from portal.database import queue
from portal.delivery import receipts
from portal.delivery.channels import mail, sms
from portal.extensions import db, settings

log = structlog.get_logger()


@api.post(sms.CALLBACK_PATH)
def sms_callback() -> Response:
    """A callback is a hint to ask the provider; only its answer is kept.

    200 when it was understood, also the second time. 400: not a callback. 403: not signed by the
    provider. 404: no such message. 503: the provider did not answer us; it calls again, and a job
    asks too.
    """
    body = request.get_data(cache=False)
    if len(body) > sms.LONGEST_CALLBACK:
        return _answer(400)
    if not sms.is_signed(body, request.headers.get(sms.SIGNATURE), settings().sms_callback_key):
        log.warning("sms.callback_not_signed")
        return _answer(403)
    name = sms.name_in(body)
    if name is None:
        return _answer(400)
    if not receipts.is_known(name):
        log.warning("sms.callback_unknown", id=name)
        return _answer(404)
    try:
        reaching.learn_what_became_of(name, now=clock.now())
    except mail.NotNow:
        db.session.rollback()
        queue.defer("ask_of_texts", once="ask_of_texts", name=name)
        db.session.commit()
        return _answer(503)
    db.session.commit()
    return _answer(200)


def _answer(status: int) -> Response:
    return make_response("", status)
