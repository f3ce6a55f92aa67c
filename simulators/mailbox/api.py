"""The operator's interface for senders, and the control of tests."""

import base64
import binascii
import hmac
import re
import socket
import time
from typing import Any

from flask import Flask, Response, jsonify, request

from simulators.mailbox.mailboxes import FAULTS, TOKEN_SECONDS, Fault, Mailboxes

_MOST_BYTES = 1_000_000
_SSN, _VAT = re.compile(r"\d{12}"), re.compile(r"SE\d{10}01")
_PAYABLE = ("invoice", "invoice.reminder", "invoice.debtcollection")
_TYPES = ("letter", *_PAYABLE)
# Of a request: its answer is to get lost.
_LOSE = "simulator.lose"
_Answer = Response | tuple[Response, int] | tuple[Response, int, dict[str, str]]


def add_api(app: Flask, mailboxes: Mailboxes, *, client: tuple[str, str], tenant: str) -> None:
    """Add the interface to an application.

    client: name and secret that a sender shows. tenant: the key of the only sender.
    """
    _add_auth(app, mailboxes, client)
    _add_sending(app, mailboxes, tenant)
    _add_control(app, mailboxes)


def _add_auth(app: Flask, mailboxes: Mailboxes, client: tuple[str, str]) -> None:
    @app.post("/v1/auth")
    def authenticate() -> _Answer:
        shown = request.authorization
        name, secret = (shown.username or "", shown.password or "") if shown else ("", "")
        is_right = hmac.compare_digest(name.encode(), client[0].encode())
        is_right &= hmac.compare_digest(secret.encode(), client[1].encode())
        if not is_right:
            return _error(40104, "Invalid Client")
        if request.form.get("grant_type") != "client_credentials":
            return _error(40001, "Invalid Request")
        return jsonify(
            access_token=mailboxes.new_token(), expires_in=TOKEN_SECONDS, token_type="bearer",  # noqa: S106
            state="", scope="",
        )  # fmt: skip


def _add_sending(app: Flask, mailboxes: Mailboxes, tenant: str) -> None:
    def wrong(key: str) -> _Answer | None:
        said = request.headers.get("Authorization", "")
        if not mailboxes.holds(said.removeprefix("Bearer ")):
            return _error(40100, "Unauthorized")
        if key != tenant:
            return _error(40400, "Resource not found")
        fault = mailboxes.fault()
        if fault is not None and fault.kind == "lose":
            request.environ[_LOSE] = True
            return None
        return _went_wrong(fault) if fault else None

    @app.post("/v2/tenant/<key>/usermatch/ssn")
    @app.post("/v2/tenant/<key>/companymatch/vatnr")
    def match(key: str) -> _Answer:
        if (answer := wrong(key)) is not None:
            return answer
        body: Any = request.get_json(silent=True)
        asked = body.get("list") if isinstance(body, dict) else None
        if not isinstance(asked, list):
            return _error(40001, "Invalid Request")
        mailboxes.matched.append(len(asked))
        owners = mailboxes.owners()
        return _finished(jsonify(list=[one for one in asked if one in owners]))

    @app.post("/v2/tenant/<key>/content")
    def take(key: str) -> _Answer:
        if (answer := wrong(key)) is not None:
            return answer
        if (request.content_length or 0) > _MOST_BYTES:
            return _error(41300, "Request Entity Too Large")
        body: Any = request.get_json(silent=True)
        to, pdf = _receiver(body), _pdf(body)
        if to is None:
            return _error(40024, "No Receiver Specified")
        if pdf is None or not _is_whole(body):
            return _error(40000, "Request validation failed")
        if to not in mailboxes.owners():
            return _error(40032, "User doesn't exist")
        letter = mailboxes.take(to, body, pdf)
        told = jsonify(subject=body["subject"], type=body["type"])
        told.status_code = 201
        told.headers["kivra-objkey"] = letter.key
        return _finished(told)


def _add_control(app: Flask, mailboxes: Mailboxes) -> None:
    @app.post("/control/faults")
    def control_fault() -> _Answer:
        body: Any = request.get_json(silent=True)
        told = body if isinstance(body, dict) else {}
        if told.get("kind") not in FAULTS:
            return jsonify(error="unknown fault"), 400
        for _ in range(int(told.get("times", 1))):
            mailboxes.faults.append(Fault(told["kind"], float(told.get("seconds", 0))))
        return jsonify(waiting=len(mailboxes.faults))

    @app.post("/control/owners/<number>/<act>")
    def change_owner(number: str, act: str) -> _Answer:
        if act == "give":
            mailboxes.give(number)
        else:
            mailboxes.close(number)
        return jsonify(has_one=number in mailboxes.owners())

    @app.get("/control/letters")
    def list_letters() -> _Answer:
        return jsonify(
            [
                {"to": one.to, "subject": one.subject, "type": one.type, "payment": one.payment}
                for one in mailboxes.letters()
            ]
        )


def _receiver(body: object) -> str | None:
    """The number of the receiver; a company before a person, as Kivra looks."""
    if not isinstance(body, dict):
        return None
    vat, ssn = str(body.get("vat_number") or ""), str(body.get("ssn") or "")
    if vat:
        return vat if _VAT.fullmatch(vat) else None
    return ssn if _SSN.fullmatch(ssn) else None


def _pdf(body: Any) -> bytes | None:
    """The one PDF of a letter; None when there is none."""
    parts = body.get("parts") if isinstance(body, dict) else None
    if not isinstance(parts, list) or len(parts) != 1 or not isinstance(parts[0], dict):
        return None
    try:
        pdf = base64.b64decode(str(parts[0].get("data")), validate=True)
    except binascii.Error:
        return None
    return pdf if pdf.startswith(b"%PDF-") else None


def _is_whole(body: Any) -> bool:
    """Whether subject, type and payment are as the interface asks."""
    if not body.get("subject") or body.get("type") not in _TYPES:
        return False
    payment = body.get("payment_multiple_options")
    if body["type"] not in _PAYABLE:
        return payment is None
    return (
        isinstance(payment, dict)
        and payment.get("payable") is True
        and payment.get("currency") == "SEK"
        and payment.get("method") in ("1", "2")
        and str(payment.get("account", "")).isdigit()
        and isinstance(payment.get("options"), list)
        and all(_is_option(one) for one in payment["options"])
    )


def _is_option(one: Any) -> bool:
    return (
        re.fullmatch(r"\d{4}-\d\d-\d\d", one.get("due_date", "")) is not None
        and re.fullmatch(r"[1-9]\d*\.\d\d", one.get("amount", "")) is not None
        and one.get("type") == "SE_OCR"
        and 0 < len(one.get("reference", "")) <= 25
    )


def _error(code: int, message: str, headers: dict[str, str] | None = None) -> _Answer:
    told = {"code": str(code), "short_message": message, "long_message": message}
    return jsonify(told), code // 100, headers or {}


def _went_wrong(fault: Fault) -> _Answer | None:
    if fault.kind == "slow":
        time.sleep(fault.seconds)
        return None
    if fault.kind == "401":
        return _error(40100, "Unauthorized")
    if fault.kind == "429":
        wait = {"Retry-After": str(int(fault.seconds))} if fault.seconds else {}
        return _error(42900, "Too Many Requests", wait)
    if fault.kind == "opted out":
        return _error(40105, "Invalid Sendrequest")
    if fault.kind == "refuse":
        return _error(40032, "User doesn't exist")
    return _error(50000, "Internal Server Error")


def _finished(answer: Response) -> Response:
    """An answer to what was done, which may get lost."""
    if request.environ.get(_LOSE):
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError("lost, as asked")
    return answer
