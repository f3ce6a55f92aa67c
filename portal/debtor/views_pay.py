"""Paying with Swish: start, approve in the app, see it booked."""

from flask import Response, flash, url_for
from flask_babel import gettext
from werkzeug.exceptions import NotFound

from portal import clock
from portal.database import tenancy
from portal.debtor import access
from portal.debtor.views import debtor
from portal.extensions import db, limiter, settings
from portal.messages import RedaError
from portal.payments import booking, qr
from portal.payments.models import SwishRequest
from portal.payments.swish import OUTCOME_UNKNOWN, SwishUnavailable, explain
from portal.web.forms import text
from portal.web.rendering import go, is_seen, last_question, nothing_new, render


@debtor.post("/case/<reference>/pay")
@limiter.limit("10 per minute")
def start_payment() -> Response:
    """Ask Swish for all that is owed today."""
    case = access.current_case()
    try:
        request = booking.prepare(case.id, now=clock.now())
        # Kept before Swish hears of it, so that a callback never finds us ignorant.
        db.session.commit()
        callback = settings().base_url + url_for("api.swish_callback")
        booking.send(request, booking.client(), callback_url=callback)
        db.session.commit()
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
        return go(url_for("debtor.show_case"))
    return go(url_for("debtor.show_payment", request_id=request.id))


@debtor.get("/case/<reference>/pay/<request_id>")
def show_payment(request_id: str) -> Response:
    """The payment as it stands; asks Swish, should its callback have been lost."""
    request = _request(request_id)
    if request.status == "created" and booking.is_silent(request, clock.now()):
        request = _ask(request)
    if request.status == "paid":
        return last_question("payment") or _to_receipt(request)
    state = f"{request.status}-{request.error_code or ''}"
    if is_seen(state):
        return nothing_new()
    token = request.token if request.status == "created" else None
    return render(
        "debtor/pay.html",
        block="payment",
        state=state,
        is_unknown=request.error_code == OUTCOME_UNKNOWN,
        swish=request,
        case=access.current_case(),
        qr_svg=qr.svg(qr.swish_request_payload(token), title="Swish") if token else None,
        open_url=_open_url(request) if token else None,
        reason=explain(request.error_code) if request.error_code else None,
    )


def _ask(request: SwishRequest) -> SwishRequest:
    # Booking writes what only the service may write; the request has been seen to be theirs.
    with tenancy.service():
        try:
            answer = booking.ask(request.id, booking.client(), now=clock.now())
            db.session.commit()
        except SwishUnavailable:
            db.session.rollback()
            answer = None
    return answer or _request(request.id)


def _to_receipt(request: SwishRequest) -> Response:
    for payment in booking.payments_of(request.case_id):
        if payment.channel_reference == f"swish:{request.payment_reference}":
            return go(url_for("debtor.show_receipt", number=payment.receipt_number))
    return go(url_for("debtor.show_case"))


@debtor.post("/case/<reference>/pay/<request_id>/stop")
def stop_payment(request_id: str) -> Response:
    """Withdraw the payment, unless it is approved already."""
    request = _request(request_id)
    with tenancy.service():
        booking.stop(request.id, booking.client(), now=clock.now())
        db.session.commit()
    if _request(request_id).status != "cancelled":
        # It ended otherwise, or nobody knows yet; its page says which.
        return go(url_for("debtor.show_payment", request_id=request_id))
    flash(gettext("The payment is stopped. Nothing has been paid."), "info")
    return go(url_for("debtor.show_case"))


def _request(request_id: str) -> SwishRequest:
    found = booking.find(request_id)
    if found is None or found.case_id != access.current_case().id:
        raise NotFound
    return found


def _open_url(request: SwishRequest) -> str:
    back = settings().base_url + url_for("debtor.show_payment", request_id=request.id)
    return booking.client().open_url(request.token or "", back)
