"""The provider's interface, and the messages on a page in place of everybody's telephone."""

import hmac
import re
from typing import Any

from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from simulators import layout
from simulators.sms.phones import DELIVERED, FAILED, Phones

_NUMBER = re.compile(r"\+[1-9]\d{7,14}")
# A name of letters and digits, or a number (3GPP TS 23.040, 9.1.2.5).
_SENDER = re.compile(r"[A-Za-z0-9 ]{1,11}|\+?\d{1,15}")
_MOST = 1530


def create_pages(phones: Phones, key: str) -> Flask:
    """The WSGI application. key: what a sender shows."""
    app = layout.create_app(__name__)

    def is_sender() -> bool:
        said = request.headers.get("Authorization", "")
        return hmac.compare_digest(said.encode(), f"Bearer {key}".encode())

    @app.get("/messages/<name>")
    def tell(name: str) -> tuple[Response, int]:
        if not is_sender():
            return jsonify(error="unauthorized"), 401
        prepared = phones.answer()
        if prepared is not None:
            return jsonify(prepared[1]), prepared[0]
        found = phones.message(name)
        if found is None:
            return jsonify(error="unknown"), 404
        return jsonify(id=found.id, status=found.status), 200

    @app.post("/messages/<name>/end")
    def end(name: str) -> BaseResponse:
        found, status = phones.message(name), request.form.get("status")
        if found is not None and status in (DELIVERED, FAILED):
            phones.end(found, status)
        return redirect(url_for("list_texts"), 303)

    @app.post("/messages")
    def take() -> tuple[Response, int]:
        if not is_sender():
            return jsonify(error="unauthorized"), 401
        prepared = phones.answer()
        if prepared is not None:
            return jsonify(prepared[1]), prepared[0]
        body: Any = request.get_json(silent=True)
        wrong = _wrong(body)
        if wrong:
            return jsonify(error=wrong), 422
        name = request.headers.get("Idempotency-Key", "")
        if not name:
            return jsonify(error="no idempotency key"), 400
        kept, is_new = phones.take(
            body["from"], body["to"], body["text"], name, str(body.get("callback_url") or "")
        )
        return jsonify(id=kept.id, status="accepted"), 202 if is_new else 200

    @app.get("/")
    def list_texts() -> str:
        to = request.args.get("to") or None
        texts = list(reversed(phones.messages(to)))
        return render_template("sms/texts.html", texts=texts, to=to)

    @app.post("/empty")
    def empty() -> BaseResponse:
        phones.empty()
        return redirect(url_for("list_texts"), 303)

    app.after_request(_secure)
    return app


def _wrong(body: object) -> str:
    """What is wrong with a message; empty when nothing is."""
    if not isinstance(body, dict):
        return "no JSON object"
    sender, to, text = (body.get(name) for name in ("from", "to", "text"))
    if not (isinstance(sender, str) and _SENDER.fullmatch(sender)):
        return "from"
    if not (isinstance(to, str) and _NUMBER.fullmatch(to)):
        return "to"
    return "" if isinstance(text, str) and 0 < len(text) <= _MOST else "text"


def _secure(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = layout.POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
