"""The merchant's side: Swish Commerce API over mutual TLS."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal

from cryptography import x509
from cryptography.x509.oid import NameOID
from flask import Flask, Response, abort, request, url_for

from simulators.swish.records import MEANINGS, Payment, Refund
from simulators.swish.register import Refused, Register
from simulators.swish.rules import (
    is_callback_identifier,
    kronor,
    payment_errors,
    refund_errors,
)

_CANCELLING = [{"op": "replace", "path": "/status", "value": "cancelled"}]


def create_api(register: Register) -> Flask:
    """The WSGI application of the merchant's API; to be served with client certificates only."""
    app = Flask(__name__, static_folder=None)

    @app.put("/swish-cpcapi/api/v2/paymentrequests/<payment_id>")
    def create_payment(payment_id: str) -> Response:
        body = _body(payment_id)
        _check(payment_errors(body), body.get("payeeAlias"))
        payment = _payment(payment_id, body, register)
        register.add_payment(payment)
        answer = Response(status=201)
        # The protocol's own header, which is a whole address, not a path.
        answer.headers["Location"] = url_for("fetch_payment", payment_id=payment_id, _external=True)
        if payment.is_mobile:
            answer.headers["PaymentRequestToken"] = payment.token
        return answer

    @app.get("/swish-cpcapi/api/v1/paymentrequests/<payment_id>")
    def fetch_payment(payment_id: str) -> Response:
        return _json(_own(register.payment(payment_id)).told())

    @app.patch("/swish-cpcapi/api/v1/paymentrequests/<payment_id>")
    def cancel_payment(payment_id: str) -> Response:
        payment = _own(register.payment(payment_id))
        if request.mimetype != "application/json-patch+json":
            abort(415)
        if _parsed() != _CANCELLING:
            abort(400)
        register.cancel(payment)
        return _json(payment.told())

    @app.put("/swish-cpcapi/api/v2/refunds/<refund_id>")
    def create_refund(refund_id: str) -> Response:
        body = _body(refund_id)
        _check(refund_errors(body), body.get("payerAlias"))
        register.add_refund(_refund(refund_id, body, register))
        answer = Response(status=201)
        answer.headers["Location"] = url_for("fetch_refund", refund_id=refund_id, _external=True)
        return answer

    @app.get("/swish-cpcapi/api/v1/refunds/<refund_id>")
    def fetch_refund(refund_id: str) -> Response:
        refund = register.refund(refund_id)
        _own(refund.original if refund else None)
        return _json(refund.told() if refund else {})

    @app.errorhandler(Refused)
    def refuse(error: Refused) -> Response:
        listed = [
            {"errorCode": code, "errorMessage": MEANINGS[code], "additionalInformation": None}
            for code in error.codes
        ]
        return _json(listed, 403 if error.codes == ("PA01",) else 422)

    return app


def _body(record_id: str) -> Mapping[str, object]:
    if not re.fullmatch(r"[0-9A-F]{32}", record_id):
        abort(400)
    if request.mimetype != "application/json":
        abort(415)
    body = _parsed()
    if not isinstance(body, dict) or not is_callback_identifier(body.get("callbackIdentifier")):
        abort(400)
    return body


def _parsed() -> object:
    try:
        return json.loads(request.get_data(), parse_float=Decimal, parse_int=Decimal)
    except ValueError:
        abort(400)


def _check(errors: list[str], alias: object) -> None:
    if errors:
        raise Refused(*errors)
    if alias != _merchant():
        raise Refused("PA01")


def _own(payment: Payment | None) -> Payment:
    if payment is None or payment.payee_alias != _merchant():
        abort(404)
    return payment


def _merchant() -> str:
    # The common name of a Swish certificate is the merchant's Swish number.
    shown = x509.load_pem_x509_certificate(request.environ["SSL_CLIENT_CERT"].encode())
    return str(shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _payment(payment_id: str, body: Mapping[str, object], register: Register) -> Payment:
    payer = body.get("payerAlias")
    return Payment(
        id=payment_id,
        payee_alias=str(body["payeeAlias"]),
        amount=kronor(body["amount"]) or Decimal(0),
        callback_url=str(body["callbackUrl"]),
        callback_identifier=_optional(body, "callbackIdentifier"),
        payee_reference=_optional(body, "payeePaymentReference"),
        message=_optional(body, "message") or "",
        payer_alias=str(payer) if payer else None,
        is_mobile=not payer,
        expires_at=register.expiry(),
    )


def _refund(refund_id: str, body: Mapping[str, object], register: Register) -> Refund:
    original = register.original(str(body["originalPaymentReference"]))
    if original.payee_alias != body["payerAlias"]:
        raise Refused("RF03")
    return Refund(
        id=refund_id,
        original=original,
        amount=kronor(body["amount"]) or Decimal(0),
        callback_url=str(body["callbackUrl"]),
        callback_identifier=_optional(body, "callbackIdentifier"),
        payer_reference=_optional(body, "payerPaymentReference"),
        message=_optional(body, "message") or "",
    )


def _optional(body: Mapping[str, object], name: str) -> str | None:
    value = body.get(name)
    return str(value) if value else None


def _json(content: object, status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")
