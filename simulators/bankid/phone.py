"""The phone as a web page, and the control API that tests use instead of fingers.

Plain HTTP on the loopback interface. `GET /` answers when the simulator is ready.
"""

import base64
from typing import Any
from urllib.parse import urlsplit

from cryptography.x509.oid import NameOID
from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from simulators.bankid.formatted_text import plain_to_html, to_html
from simulators.bankid.orders import (
    CALL_FAULTS,
    FAILED_HINTS,
    ORDER_FAULTS,
    Fault,
    Order,
    OrderBook,
    PhoneError,
    Refused,
)
from simulators.people import Person, people

# The app returns to another site, which counts as a form's action when it follows a button.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action http: https:; "
    "frame-ancestors 'none'; base-uri 'none'"
)

_ENDINGS = {
    "cancel": "userCancel",
    "expire": "expiredTransaction",
    "blocked": "certificateErr",
    "too-old": "notSupportedByUserApp",
    "not-in-call": "userDeclinedCall",
    "risk": "transactionRiskBlocked",
}


def create_app(orders: OrderBook) -> Flask:
    """The phone and the control API as a WSGI application."""
    app = Flask(__name__)
    _add_pages(app, orders)
    _add_control(app, orders)

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @app.errorhandler(PhoneError)
    def phone_error(error: PhoneError) -> tuple[AnyResponse | str, int]:
        if request.path.startswith("/control/"):
            return jsonify(error=str(error)), 409
        return render_template("message.html", title="That did not work", text=str(error)), 409

    @app.errorhandler(Refused)
    def gone(error: Refused) -> tuple[AnyResponse | str, int]:
        if request.path.startswith("/control/"):
            return jsonify(error=error.details), 404
        text = "The order has ended, or never was."
        return render_template("message.html", title="No such order", text=text), 404

    return app


def _add_pages(app: Flask, orders: OrderBook) -> None:
    @app.get("/")
    def home() -> AnyResponse | str:
        token = request.args.get("autostarttoken")
        if token:
            order = orders.autostarted(token)
            back = request.args.get("redirect", "null")
            return redirect(url_for("show", ref=order.ref, back=back), 303)
        return render_template(
            "home.html", people=people(), me=_me(), orders=orders.waiting(), served_by=_server_name
        )

    @app.post("/person")
    def choose_person() -> AnyResponse:
        response = redirect(_local(request.form.get("next")) or url_for("home"), 303)
        response.set_cookie(
            "person", request.form.get("personal_number", ""), samesite="Lax", httponly=True
        )
        return response

    @app.post("/scan")
    def scan() -> AnyResponse:
        order = orders.scan(request.form.get("qr", ""))
        return redirect(url_for("show", ref=order.ref), 303)

    @app.get("/orders/<ref>/scanned")
    def pick(ref: str) -> AnyResponse:
        orders.pick(ref)
        return redirect(url_for("show", ref=ref), 303)

    @app.get("/favicon.ico")
    def no_icon() -> tuple[str, int]:
        return "", 204

    @app.get("/orders/<ref>")
    def show(ref: str) -> str:
        me = _me()
        order = orders.get(ref)
        if order.status == "pending":
            order = orders.open(ref, me.personal_number if me else None, request.remote_addr)
        return render_template(
            "order.html",
            order=order,
            me=me,
            people=people(),
            served_by=_server_name(order),
            text=_rendered(order),
            back=request.args.get("back", "null"),
        )

    @app.post("/orders/<ref>/<any(approve, passport):act>")
    def act(ref: str, act: str) -> AnyResponse:
        back = request.form.get("back", "null")
        if act == "passport":
            orders.read_passport(ref)
            return redirect(url_for("show", ref=ref, back=back), 303)
        me = _me()
        order = orders.approve(ref, me.personal_number if me else None)
        return redirect(_way_back(order, back) or url_for("done", ref=ref), 303)

    @app.post("/orders/<ref>/end")
    def end(ref: str) -> AnyResponse:
        hint = _ENDINGS.get(request.form.get("how", ""), "userCancel")
        order = orders.fail(ref, hint)
        way_back = _way_back(order, request.form.get("back", "null"))
        return redirect(way_back or url_for("done", ref=ref), 303)

    @app.get("/orders/<ref>/done")
    def done(ref: str) -> str:
        return render_template("done.html", order=orders.get(ref))


def _add_control(app: Flask, orders: OrderBook) -> None:
    @app.get("/control/orders")
    def list_orders() -> Response:
        return jsonify(orders=[_as_json(o) for o in orders.waiting()])

    @app.get("/control/orders/<ref>")
    def one_order(ref: str) -> Response:
        return jsonify(_as_json(orders.get(ref)))

    @app.post("/control/scan")
    def control_scan() -> Response:
        body = _json()
        order = orders.scan(str(body.get("qr", "")))
        return jsonify(_as_json(orders.open(order.ref, body.get("personalNumber"))))

    @app.post("/control/orders/<ref>/<any(approve, cancel, hint, open, passport):act>")
    def control_order(ref: str, act: str) -> Response:
        body = _json()
        number = body.get("personalNumber")
        if act == "approve":
            order = orders.approve(ref, number)
        elif act == "cancel":
            order = orders.fail(ref, "userCancel")
        elif act == "open":
            order = orders.open(ref, number, body.get("ipAddress"))
        elif act == "passport":
            order = orders.read_passport(ref)
        else:
            hint = str(body.get("hintCode", ""))
            failed = body.get("status", "failed" if hint in FAILED_HINTS else "pending")
            order = orders.fail(ref, hint) if failed == "failed" else orders.hint(ref, hint)
        return jsonify(_as_json(order))

    @app.post("/control/next")
    def disturb() -> tuple[Response, int]:
        body = _json()
        name = str(body.get("fault", ""))
        if name not in (*ORDER_FAULTS, *CALL_FAULTS):
            return jsonify(error="Unknown fault", known=[*ORDER_FAULTS, *CALL_FAULTS]), 400
        fault = Fault(
            name,
            method=body.get("method"),
            seconds=float(body.get("seconds", 0)),
            collects=int(body.get("collects", 0)),
            personal_number=body.get("personalNumber"),
        )
        orders.disturb(fault, int(body.get("times", 1)))
        return jsonify(fault=name), 200

    @app.delete("/control/next")
    def undisturbed() -> Response:
        orders.undisturbed()
        return jsonify({})


def _as_json(order: Order) -> dict[str, object]:
    return {
        "orderRef": order.ref,
        "kind": order.kind,
        "status": order.status,
        "hintCode": order.hint,
        "autoStartToken": order.auto_start_token,
        "requirement": order.requirement,
        "visibleText": order.visible_text,
        "visibleFormat": order.visible_format,
        "nonVisibleData": base64.b64encode(order.non_visible or b"").decode(),
        "returnUrl": order.return_url,
        "endUserIp": order.end_user_ip,
        "personalNumber": order.personal_number,
        "collects": order.collects,
    }


def _json() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _me() -> Person | None:
    number = request.cookies.get("person")
    return next((p for p in people() if p.personal_number == number), None)


def _server_name(order: Order) -> str:
    if order.relying_party is None:
        return "Unknown"
    names = order.relying_party.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else "Unknown"


def _rendered(order: Order) -> str:
    if order.visible_format == "simpleMarkdownV1":
        return to_html(order.visible_text)
    return plain_to_html(order.visible_text)


def _way_back(order: Order, redirect_parameter: str) -> str | None:
    """Where the app goes: nowhere after a QR code; else returnUrl, which beats the start URL's."""
    if order.by_qr:
        return None
    wanted = order.return_url or redirect_parameter
    return wanted if urlsplit(wanted).scheme in ("http", "https") else None


def _local(path: str | None) -> str | None:
    return path if path and path.startswith("/") and not path.startswith(("//", "/\\")) else None
