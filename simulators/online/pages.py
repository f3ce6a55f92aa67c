"""What the merchant calls, the page that a payer comes to, and the control of tests."""

import hmac
import re
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from simulators import layout
from simulators.online.register import CALLBACKS, Ended, NotBack, Payment, Register

_METHODS = {"card": "Card", "account": "Bank account"}
# What a payer may choose on the page: how it ends, and why.
_OUTCOMES = {
    "approve": ("paid", None),
    "decline": ("declined", None),
    "cancel": ("cancelled", None),
    "fail": ("error", None),
    "silence": ("error", "outcome_unknown"),
}
# Why a refund may end without being paid.
_NOT_BACK = ("outcome_unknown", "closed", "declined")
_TEXTS = ("reference", "description", "language", "return_url", "callback_url")
_MOST_ORE = 10**9
_REASON = "The cardholder does not know the payment"


def create_pages(register: Register, key: str) -> Flask:
    """The WSGI application. key: what a merchant shows."""
    app = layout.create_app(__name__)
    app.jinja_env.globals.update(methods=_METHODS)
    app.jinja_env.filters.update(kronor=_kronor)
    _add_api(app, register, key)
    _add_pages(app, register)
    _add_control(app, register)
    app.after_request(_secure)
    return app


def _add_api(app: Flask, register: Register, key: str) -> None:
    def check() -> None:
        said = request.headers.get("Authorization", "")
        if not hmac.compare_digest(said.encode(), f"Bearer {key}".encode()):
            abort(401)
        if register.answers:
            abort(register.answers.popleft())

    @app.post("/payments")
    def create() -> tuple[Response, int]:
        check()
        asked: Any = request.get_json(silent=True)
        wrong = _wrong(asked)
        if wrong:
            return jsonify(error=wrong), 422
        if request.headers.get("Idempotency-Key") != asked["id"]:
            return jsonify(error="idempotency key"), 400
        payment, is_same = register.take(asked, timedelta(seconds=asked["expires_in"]))
        if not is_same:
            return jsonify(error="another payment has this id"), 409
        page = url_for("show", token=payment.token, _external=True)
        return jsonify(id=payment.id, redirect_url=page), 201

    @app.get("/payments/<payment_id>")
    def fetch(payment_id: str) -> Response:
        check()
        return jsonify(_found(register.payment(payment_id)).told())

    @app.post("/payments/<payment_id>/cancel")
    def cancel(payment_id: str) -> tuple[Response, int]:
        check()
        payment = _found(register.payment(payment_id))
        try:
            register.end(payment, "cancelled")
        except Ended:
            return jsonify(payment.told()), 409
        return jsonify(payment.told()), 200

    @app.post("/payments/<payment_id>/refunds")
    def pay_back(payment_id: str) -> tuple[Response, int]:
        check()
        payment = _found(register.payment(payment_id))
        asked: Any = request.get_json(silent=True)
        wrong = _wrong_back(asked)
        if wrong:
            return jsonify(error=wrong), 422
        if request.headers.get("Idempotency-Key") != asked["id"]:
            return jsonify(error="idempotency key"), 400
        try:
            refund = register.take_back(payment, asked)
        except NotBack as no:
            return jsonify(error=no.reason), 409 if no.reason == "busy" else 422
        return jsonify(id=refund.id, status=refund.status), 201

    @app.get("/payments/<payment_id>/chargebacks")
    def fetch_chargebacks(payment_id: str) -> Response:
        check()
        found = register.chargebacks_of(_found(register.payment(payment_id)))
        return jsonify(chargebacks=[one.told() for one in found])

    @app.get("/chargebacks")
    def list_changed() -> Response:
        check()
        try:
            since = datetime.fromisoformat(request.args["since"])
        except ValueError:
            abort(400)
        return jsonify(payments=register.changed_since(since))

    @app.get("/refunds/<refund_id>")
    def fetch_refund(refund_id: str) -> Response:
        check()
        return jsonify((register.refund(refund_id) or abort(404)).told())


def _wrong_back(asked: object) -> str:
    """What is wrong with a refund that was asked for; empty when nothing is."""
    if not isinstance(asked, dict):
        return "no JSON object"
    if not re.fullmatch(r"[0-9A-F]{32}", str(asked.get("id"))):
        return "id"
    if type(asked.get("amount")) is not int or not 0 < asked["amount"] <= _MOST_ORE:
        return "amount"
    if asked.get("currency") != "SEK":
        return "currency"
    texts = ("reference", "description", "callback_url")
    return next((one for one in texts if not isinstance(asked.get(one), str)), "")


def _wrong(asked: object) -> str:
    """What is wrong with what was asked for; empty when nothing is."""
    if not isinstance(asked, dict):
        return "no JSON object"
    if not re.fullmatch(r"[0-9A-F]{32}", str(asked.get("id"))):
        return "id"
    for name, most in (("amount", _MOST_ORE), ("expires_in", 86_400)):
        if type(asked.get(name)) is not int or not 0 < asked[name] <= most:
            return name
    if asked.get("currency") != "SEK" or asked.get("method") not in _METHODS:
        return "currency or method"
    return next((one for one in _TEXTS if not isinstance(asked.get(one), str)), "")


def _add_pages(app: Flask, register: Register) -> None:
    @app.get("/")
    def home() -> str:
        return render_template(
            "online/payments.html",
            payments=register.payments(),
            refunds_of=register.refunds_of,
            chargebacks_of=register.chargebacks_of,
        )

    @app.post("/payments/<payment_id>/charge-back")
    def charge_back_by_hand(payment_id: str) -> BaseResponse:
        payment = _found(register.payment(payment_id))
        with suppress(Ended):
            register.charge_back(payment, _ore(request.form.get("kronor", "")), _REASON)
        return redirect(url_for("home"), 303)

    @app.post("/chargebacks/<chargeback_id>/give-back")
    def give_back_by_hand(chargeback_id: str) -> BaseResponse:
        with suppress(Ended):
            register.give_back(register.chargeback(chargeback_id) or abort(404))
        return redirect(url_for("home"), 303)

    @app.get("/pay/<token>")
    def show(token: str) -> str:
        g.payment = payment = _found(register.by_token(token))
        return render_template("online/payment.html", payment=payment)

    @app.post("/pay/<token>")
    def decide(token: str) -> BaseResponse:
        payment = _found(register.by_token(token))
        outcome = _OUTCOMES.get(request.form.get("outcome", ""))
        if outcome is None:
            abort(400)
        try:
            register.end(payment, *outcome)
        except Ended:
            # The page says how.
            return redirect(url_for("show", token=token), 303)
        return redirect(payment.text("return_url"), 303)


def _add_control(app: Flask, register: Register) -> None:
    @app.get("/control/payments/<payment_id>")
    def see(payment_id: str) -> Response:
        payment = _found(register.payment(payment_id))
        return jsonify(payment.told() | {"asked": payment.asked, "answers": payment.answers})

    @app.post("/control/payments/<payment_id>/<outcome>")
    def end(payment_id: str, outcome: str) -> tuple[str, int]:
        payment = _found(register.payment(payment_id))
        status, reason = _OUTCOMES.get(outcome) or abort(404)
        asked = request.get_json(silent=True) or {}
        # As a provider that took another sum than it was asked to.
        payment.amount = int(asked.get("amount", payment.amount))
        try:
            register.end(payment, status, reason)
        except Ended:
            abort(409)
        return "", 204

    @app.post("/control/payments/<payment_id>/chargeback")
    def charge_back(payment_id: str) -> tuple[Response, int]:
        payment = _found(register.payment(payment_id))
        asked = request.get_json(silent=True) or {}
        try:
            made = register.charge_back(
                payment, asked.get("amount"), str(asked.get("reason", _REASON))
            )
        except Ended:
            abort(409)
        return jsonify(made.told()), 201

    @app.post("/control/chargebacks/<chargeback_id>/return")
    def give_back(chargeback_id: str) -> tuple[str, int]:
        try:
            register.give_back(register.chargeback(chargeback_id) or abort(404))
        except Ended:
            abort(409)
        return "", 204

    @app.get("/control/refunds/<refund_id>")
    def see_refund(refund_id: str) -> Response:
        refund = register.refund(refund_id) or abort(404)
        return jsonify(refund.told() | {"asked": refund.asked, "answers": refund.answers})

    @app.post("/control/refunds/<refund_id>/<ending>")
    def end_refund(refund_id: str, ending: str) -> tuple[str, int]:
        refund = register.refund(refund_id) or abort(404)
        if ending != "pay" and ending not in _NOT_BACK:
            abort(404)
        try:
            register.end_back(refund, None if ending == "pay" else ending)
        except Ended:
            abort(409)
        return "", 204

    @app.post("/control/next")
    def prepare() -> tuple[str, int]:
        asked = request.get_json()
        if "refund" in asked:
            if asked["refund"] not in ("wait", *_NOT_BACK):
                abort(400)
            register.next_refund = asked["refund"]
        if "answer" in asked:
            register.answers.append(int(asked["answer"]))
        if "callback" in asked:
            if asked["callback"] not in CALLBACKS:
                abort(400)
            register.callbacks.append(asked["callback"])
        return "", 204


def _found(payment: Payment | None) -> Payment:
    if payment is None:
        abort(404)
    return payment


def _secure(answer: Response) -> Response:
    # A browser holds the redirect after a form to form-action too, so the way back must be in it.
    payment: Payment | None = g.get("payment")
    back = urlsplit(payment.text("return_url") if payment else "")
    origin = f" {back.scheme}://{back.netloc}" if back.scheme in ("http", "https") else ""
    answer.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        f"form-action 'self'{origin}"
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _ore(kronor: str) -> int | None:
    """Written kronor in öre; None when nothing is written."""
    try:
        return int(Decimal(kronor.replace(",", ".")) * 100) if kronor.strip() else None
    except (InvalidOperation, ValueError, OverflowError):
        abort(400)


def _kronor(ore: int) -> str:
    return f"{ore // 100:,}".replace(",", "\u00a0") + f",{ore % 100:02}\u00a0kr"
