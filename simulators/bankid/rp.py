"""The relying party API, version 6.0: what the portal calls over mutual TLS.

Source: https://developers.bankid.com, API reference, with its limits and error codes. The calls for
orders over the telephone are left out.
"""

import base64
import ipaddress
import json
import re
import socket
import time
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from flask import Flask, Response, jsonify, request
from stdnum import luhn
from werkzeug.exceptions import HTTPException

from simulators.bankid.orders import Fault, OrderBook, Refused

_LIMITS = {
    "auth": {"userVisibleData": 1_500, "userNonVisibleData": 1_500},
    "sign": {"userVisibleData": 40_000, "userNonVisibleData": 200_000},
}
_ORDER_FIELDS = {
    "endUserIp",
    "requirement",
    "userVisibleData",
    "userNonVisibleData",
    "userVisibleDataFormat",
    "returnUrl",
    "returnRisk",
    "app",
    "web",
}
_APP_FIELDS = {"appIdentifier", "deviceOS", "deviceModelName", "deviceIdentifier"}
_WEB_FIELDS = {"referringDomain", "userAgent", "deviceIdentifier"}

_STATUS_CODES = {
    404: ("notFound", "The resource was not found"),
    405: ("methodNotAllowed", "Only POST is allowed"),
    415: ("unsupportedMediaType", "The content type is not application/json"),
}
_FAULT_ANSWERS = {
    "maintenance": (503, "Temporarily out of service"),
    "internalError": (500, "Internal technical error"),
    "requestTimeout": (408, "It took too long to transmit the request"),
}


class DroppedConnection(ConnectionError):
    """Raised through the application so that the server closes without an answer."""


def create_app(orders: OrderBook) -> Flask:
    """The API as a WSGI application."""
    app = Flask(__name__, static_folder=None)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000

    @app.post("/rp/v6.0/<any(auth, sign):kind>")
    def order(kind: str) -> Response:
        made = orders.add(kind=kind, **_order_fields(kind, _body(_ORDER_FIELDS)))
        return jsonify(
            orderRef=made.ref,
            autoStartToken=made.auto_start_token,
            qrStartToken=made.qr_start_token,
            qrStartSecret=made.qr_start_secret,
        )

    @app.post("/rp/v6.0/collect")
    def collect() -> Response:
        found = orders.collect(_order_ref())
        answer: dict[str, object] = {"orderRef": found.ref, "status": found.status}
        if found.status == "complete":
            answer["completionData"] = found.completion
        else:
            answer["hintCode"] = found.hint
        return jsonify(answer)

    @app.post("/rp/v6.0/cancel")
    def cancel() -> Response:
        orders.cancel(_order_ref())
        return jsonify({})

    @app.before_request
    def disturb() -> Response | None:
        fault = orders.call_fault(request.path.rpartition("/")[2])
        return _disturbed(fault) if fault else None

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        return _error(error.status, error.code, error.details)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        code, details = _STATUS_CODES.get(status, ("invalidParameters", "Invalid request"))
        return _error(status, code, details)

    return app


def _disturbed(fault: Fault) -> Response | None:
    if fault.name == "slow":
        time.sleep(fault.seconds)
        return None
    if fault.name == "dropConnection":
        # The server would keep the connection open for a next request.
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise DroppedConnection
    if fault.name == "notJson":
        return Response("<h1>Bad gateway</h1>", status=502, content_type="text/html")
    status, details = _FAULT_ANSWERS[fault.name]
    return _error(status, fault.name, details)


def _error(status: int, code: str, details: str) -> Response:
    answer = jsonify(errorCode=code, details=details)
    answer.status_code = status
    return answer


def _invalid(field: str) -> Refused:
    return Refused(400, "invalidParameters", f"Invalid parameter {field}")


def _body(allowed: set[str]) -> dict[str, Any]:
    # The media type has no parameters: with a charset it is refused, as by BankID.
    if request.headers.get("Content-Type") != "application/json":
        raise Refused(415, "unsupportedMediaType", "The content type is not application/json")
    try:
        body = json.loads(request.get_data())
    except ValueError:
        raise Refused(400, "invalidParameters", "The body is not JSON") from None
    if not isinstance(body, dict):
        raise Refused(400, "invalidParameters", "The body is not a JSON object")
    for field in body:
        if field not in allowed:
            raise _invalid(field)
    return body


def _order_ref() -> str:
    ref = _body({"orderRef"}).get("orderRef")
    if not isinstance(ref, str):
        raise _invalid("orderRef")
    return ref


def _order_fields(kind: str, body: dict[str, Any]) -> dict[str, object]:
    address = body.get("endUserIp")
    try:
        # A number would be taken for an address too.
        ipaddress.ip_address(address if isinstance(address, str) else "")
    except ValueError:
        raise _invalid("endUserIp") from None
    visible_format = body.get("userVisibleDataFormat")
    if visible_format not in (None, "plaintext", "simpleMarkdownV1"):
        raise _invalid("userVisibleDataFormat")
    risk = body.get("returnRisk", False)
    if not isinstance(risk, bool):
        raise _invalid("returnRisk")
    if "app" in body and "web" in body:
        raise _invalid("web")
    _device("app", body.get("app"), _APP_FIELDS)
    _device("web", body.get("web"), _WEB_FIELDS)
    return {
        "end_user_ip": body["endUserIp"],
        "requirement": _requirement(body.get("requirement")),
        "visible": _data(kind, "userVisibleData", body, text=True),
        "visible_format": visible_format,
        "non_visible": _data(kind, "userNonVisibleData", body),
        "return_url": _return_url(body.get("returnUrl")),
        "return_risk": risk,
        "relying_party": _relying_party(),
    }


def _data(kind: str, field: str, body: dict[str, Any], *, text: bool = False) -> bytes | None:
    value = body.get(field)
    if value is None:
        if kind == "sign" and text:
            raise _invalid(field)
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= _LIMITS[kind][field]:
        raise _invalid(field)
    try:
        decoded = base64.b64decode(value, validate=True)
        if text:
            decoded.decode()
    except ValueError:
        raise _invalid(field) from None
    return decoded


def _requirement(value: object) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _invalid("requirement")
    number = value.get("personalNumber")
    checks = {
        "pinCode": isinstance(value.get("pinCode", False), bool),
        "mrtd": isinstance(value.get("mrtd", False), bool),
        "cardReader": value.get("cardReader") in (None, "class1", "class2"),
        "certificatePolicies": _strings(value.get("certificatePolicies", [])),
        "personalNumber": "personalNumber" not in value or _is_personal_number(number),
        "risk": value.get("risk") in (None, "low", "moderate"),
    }
    for field in value:
        if not checks.get(field, False):
            raise _invalid(field)
    return value


def _is_personal_number(value: object) -> bool:
    return (
        isinstance(value, str)
        and re.fullmatch(r"[0-9]{12}", value) is not None
        and luhn.is_valid(value[2:])
    )


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _device(field: str, value: object, allowed: set[str]) -> None:
    if value is None:
        return
    if not isinstance(value, dict) or not value:
        raise _invalid(field)
    if not set(value) <= allowed or not all(isinstance(v, str) for v in value.values()):
        raise _invalid(field)


def _return_url(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= 512 or not _has_scheme(value):
        raise _invalid("returnUrl")
    return value


def _has_scheme(url: str) -> bool:
    try:
        return bool(urlsplit(url).scheme)
    except ValueError:
        return False


def _relying_party() -> x509.Certificate | None:
    pem = request.environ.get("SSL_CLIENT_CERT")
    return x509.load_pem_x509_certificate(pem.encode()) if pem else None
