"""The payer's side, in place of the Swish app on a telephone; and the control of tests."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Flask, Response, abort, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from simulators import layout
from simulators.swish import reversal
from simulators.swish.records import MEANINGS, Payment, Refund, instant
from simulators.swish.register import A_PAYER, Refused, Register
from simulators.swish.rules import CODES_LATER

_STOCKHOLM = ZoneInfo("Europe/Stockholm")
_FAILURES = ("TM01", "DS24", "RF07", "BANKIDCL")


def create_payer_pages(register: Register, payee_name: str) -> Flask:
    """The WSGI application of the payer's pages and of the control. payee_name: whom they pay."""
    app = layout.create_app(__name__)
    app.jinja_env.globals.update(payee_name=payee_name, meanings=MEANINGS, a_payer=A_PAYER)
    app.jinja_env.filters.update(kronor=_kronor, clock=_clock)
    _add_pages(app, register)
    _add_control(app, register)
    app.after_request(_secure)
    return app


def _add_pages(app: Flask, register: Register) -> None:
    @app.get("/")
    def home() -> str:
        token, return_url = request.args.get("token"), _return_url(request.args.get("callbackurl"))
        if token is None:
            return render_template(
                "swish/requests.html", payments=register.payments(), refunds=register.refunds()
            )
        payment = register.by_token(token)
        if payment is None:
            abort(404)
        return render_template(
            "swish/request.html", payment=payment, return_url=return_url, failures=_FAILURES
        )

    @app.post("/outcome")
    def decide() -> BaseResponse:
        payment = register.by_token(request.form.get("token", ""))
        if payment is None:
            abort(404)
        outcome = request.form.get("outcome", "")
        try:
            if outcome == "pay":
                register.approve(payment, request.form.get("payer", "").strip() or A_PAYER)
            elif outcome == "decline":
                register.decline(payment)
            elif outcome in _FAILURES:
                register.fail(payment, outcome)
            else:
                abort(400)
        except Refused:
            # It has ended meanwhile, and the page says how.
            return redirect(url_for("home", token=payment.token), 303)
        return_url = _return_url(request.form.get("callbackurl"))
        return redirect(return_url or url_for("home", token=payment.token), 303)

    @app.get("/reversal/<payment_id>")
    def tell_of_reversal(payment_id: str) -> Response:
        payment, kronor = _found(register, payment_id), request.args.get("kronor", "").strip()
        try:
            amount = Decimal(kronor.replace(",", ".")) if kronor else payment.amount
        except InvalidOperation:
            abort(400)
        if payment.payment_reference is None or not amount.is_finite() or amount <= 0:
            abort(400)
        answer = Response(reversal.written(payment, amount, datetime.now(_STOCKHOLM)))
        answer.content_type = "application/xml"
        answer.headers["Content-Disposition"] = f"attachment; filename={reversal.NAME}"
        return answer

    @app.errorhandler(404)
    def missing(_: Exception) -> tuple[str, int]:
        return render_template("swish/missing.html"), 404


def _add_control(app: Flask, register: Register) -> None:
    @app.get("/control/requests")
    def list_requests() -> Response:
        return jsonify([_seen(payment) for payment in register.payments()])

    @app.get("/control/requests/<payment_id>")
    def show_request(payment_id: str) -> Response:
        return jsonify(_seen(_found(register, payment_id)))

    @app.post("/control/requests/<payment_id>/<act>")
    def end_request(payment_id: str, act: str) -> Response:
        payment = _found(register, payment_id)
        acts = {
            "pay": lambda: register.approve(payment),
            "decline": lambda: register.decline(payment),
            "timeout": lambda: register.fail(payment, "TM01"),
            "silence": lambda: register.fail(payment, "DS24"),
        }
        if act not in acts:
            abort(404)
        try:
            acts[act]()
        except Refused:
            abort(409)
        return jsonify(_seen(payment))

    @app.get("/control/refunds/<refund_id>")
    def show_refund(refund_id: str) -> Response:
        return jsonify(_seen_refund(_found_refund(register, refund_id)))

    @app.post("/control/refunds/<refund_id>/<ending>")
    def end_refund(refund_id: str, ending: str) -> Response:
        refund = _found_refund(register, refund_id)
        if ending != "pay" and ending not in CODES_LATER:
            abort(404)
        try:
            register.end_refund(refund, None if ending == "pay" else ending)
        except Refused:
            abort(409)
        return jsonify(_seen_refund(refund))

    @app.post("/control/next-refund")
    def prepare_refund() -> tuple[str, int]:
        try:
            register.prepare_refund(str(request.get_json().get("ending")))
        except ValueError:
            abort(400)
        return "", 204

    @app.post("/control/next")
    def ask_for_fault() -> tuple[str, int]:
        asked = request.get_json()
        try:
            register.faults.ask(
                answer=asked.get("answer"),
                callback=asked.get("callback"),
                seconds=float(asked.get("seconds", 5)),
            )
        except ValueError:
            abort(400)
        return "", 204


def _found(register: Register, payment_id: str) -> Payment:
    payment = register.payment(payment_id)
    if payment is None:
        abort(404)
    return payment


def _found_refund(register: Register, refund_id: str) -> Refund:
    refund = register.refund(refund_id)
    if refund is None:
        abort(404)
    return refund


def _seen_refund(refund: Refund) -> dict[str, object]:
    """What a test may know of a refund."""
    attempts = [{"sentAt": instant(a.sent_at), "answer": a.answer} for a in refund.callbacks]
    return refund.told() | {"callbacks": attempts}


def _seen(payment: Payment) -> dict[str, object]:
    """What a test may know of a payment request."""
    attempts = [{"sentAt": instant(a.sent_at), "answer": a.answer} for a in payment.callbacks]
    return payment.told() | {"token": payment.token, "callbacks": attempts}


def _return_url(text: str | None) -> str | None:
    """Where the payer came from, if it is a web address."""
    address = urlsplit(text or "")
    return text if address.scheme in ("http", "https") and address.hostname else None


def _secure(answer: Response) -> Response:
    # A browser holds the redirect after a form to form-action too, so the way back must be in it.
    back = urlsplit(_return_url(request.args.get("callbackurl")) or "")
    origin = f" {back.scheme}://{back.netloc}" if back.hostname else ""
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        f"form-action 'self'{origin}"
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _kronor(amount: Decimal) -> str:
    return f"{amount:,.2f} kr".replace(",", "\u00a0").replace(".", ",").replace(" ", "\u00a0")


def _clock(moment: datetime) -> str:
    return moment.astimezone(_STOCKHOLM).strftime("%H:%M:%S")
