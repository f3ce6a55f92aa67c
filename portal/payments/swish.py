"""Swish: ask a payer for money, learn how it went, and pay back.

Written from Getswish's public "Merchant Integration Guide" 2.x and the API pages under
https://developer.swish.nu and https://developer.getswish.se/merchants-api-manual/ (fields, HTTP
statuses, error codes), and from what Swish's public test server answers (dates end in `Z`, a
callback's amount is a JSON number, a cancelled request carries RP08 without being an error, a
PATCH of another media type than `application/json-patch+json` is answered 415).

A callback is only a hint. It is not signed, it may come twice, late, or never, and its content is
never booked: fetch the request over mutual TLS and book what that says.
"""

import hmac
import json
import re
import secrets
import ssl
import unicodedata
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import quote

import httpx

from portal.messages import N_, Problem, RedaError
from portal.payments.ways import (
    OUTCOME_UNKNOWN,
    Asked,
    Back,
    ChargedBack,
    Created,
    PaidBack,
    PaymentRequest,
    Refused,
    Status,
    Unavailable,
)

APP_URL = "swish://paymentrequest?token={token}&callbackurl={return_url}"
LONGEST_MESSAGE = 50
LEAST_KRONOR = Decimal("0.01")
MOST_KRONOR = Decimal(10_000_000)

Record = TypeVar("Record")

_API = "/swish-cpcapi/api"
_LONGEST_CALLBACK = 16_384


class RefundStatus(StrEnum):
    """Where a refund stands. PAID and ERROR are final; DEBITED has left our account only."""

    CREATED = "CREATED"
    VALIDATED = "VALIDATED"
    INITIATED = "INITIATED"
    DEBITED = "DEBITED"
    PAID = "PAID"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Refund:
    """A refund as Swish tells it over mutual TLS. amount: kronor. date_paid: UTC, once paid."""

    id: str
    status: RefundStatus
    amount: Decimal
    currency: str
    original_payment_reference: str
    payment_reference: str | None
    error_code: str | None
    date_paid: datetime | None


@dataclass(frozen=True)
class Callback:
    """What a callback claims of a payment request: a reason to fetch it, nothing to book."""

    id: str
    status: Status
    amount: Decimal
    reference: str | None


@dataclass(frozen=True)
class RefundCallback:
    """What a callback claims of a refund: a reason to fetch it, nothing to book."""

    id: str
    status: RefundStatus
    amount: Decimal


class SwishUnavailable(Unavailable):
    """Swish did not answer, or not in a way that can be understood: try again.

    After `create` or `refund` it is unknown whether Swish has taken the request. Fetch it, or begin
    anew with a new id; asking again with the same id answers RP09 when it was taken.
    """

    def __init__(self) -> None:
        super().__init__(N_("Swish does not answer just now. Wait a minute and try again."))


class SwishRefused(Refused):
    """Swish said no. problems: what each of its codes means to a person."""

    def __init__(self, codes: tuple[str, ...]) -> None:
        self.problems = tuple(explain(code) for code in codes)
        super().__init__(codes, self.problems[0].message, code=codes[0])


class BadCallback(RedaError):
    """A callback that is not Swish's JSON."""

    status = 400

    def __init__(self, reason: str) -> None:
        super().__init__(N_("This is not a Swish callback: %(reason)s"), reason=reason)


# Getswish's error codes for payment requests, their cancelling, and refunds. "403" and "404" are
# HTTP statuses that come without a code.
_MEANINGS: Mapping[str, str] = {
    "FF08": N_("Swish does not accept the reference. Contact us, and we will correct it."),
    "RP03": N_("Swish cannot call us back. Pay in another way while we correct it."),
    "BE18": N_(
        "This mobile number is not right. Write it with all its digits, such as 0701740605."
    ),
    "RP01": N_("Our Swish number is missing. Pay in another way while we correct it."),
    "PA01": N_("Our Swish number is not right. Pay in another way while we correct it."),
    "PA02": N_("The amount is not right. Write it in kronor with at most two decimals."),
    "AM02": N_("The amount is too large for Swish. Pay in parts, or in another way."),
    "AM03": N_("Swish takes Swedish kronor only."),
    "AM04": N_("There is not enough money in the account for this refund."),
    "AM06": N_("The amount is too small for Swish. The least is 0.01 kronor."),
    "RP02": N_("Swish does not accept the message. Contact us, and we will correct it."),
    "RP06": N_(
        "A payment is already waiting in the Swish app of this number. "
        "Finish or refuse that one first."
    ),
    "RP07": N_("The payment cannot be cancelled any more. See whether it has been paid."),
    "RP08": N_("The payment is already cancelled."),
    "RP09": N_("This payment was already sent to Swish. Start a new one if you want to pay again."),
    "ACMT01": N_("The Swish account is not active. Contact your bank, or pay in another way."),
    "ACMT03": N_("This mobile number has no Swish. Use another number, or pay in another way."),
    "ACMT07": N_("Our Swish number is not active. Pay in another way while we correct it."),
    "VR01": N_("The payer is too young for this payment."),
    "VR02": N_("The Swish number belongs to another person than the one who is to pay."),
    "RF02": N_(
        "The payment is not found, or is older than 13 months. Pay the money back to an account."
    ),
    "RF03": N_("The payment went to another Swish number than ours. It cannot be paid back."),
    "RF04": N_("The payment went to another organisation than ours. It cannot be paid back."),
    "RF06": N_("The mobile number has a new owner. Pay the money back to an account instead."),
    "RF07": N_("The bank refused. Check your Swish limit and your account, or pay in another way."),
    "RF08": N_("The refund is larger than what is left of the payment."),
    "RF09": N_("A refund of this payment is already under way. Wait until it is done."),
    "FF10": N_("The bank has a fault just now. Nothing has been paid. Wait and try again."),
    "TM01": N_("The time ran out before you approved. Nothing has been paid. Start again."),
    OUTCOME_UNKNOWN: N_(
        "The bank did not answer, so it is not known whether you have paid. Do not pay again: "
        "look in your bank, or wait until we know."
    ),
    "BANKIDCL": N_("You stopped in BankID. Nothing has been paid. Start again when you like."),
    "BANKIDONGOING": N_("BankID is busy with something else. Finish that, and start again."),
    "BANKIDUNKN": N_("BankID could not approve the payment. Nothing has been paid. Try again."),
    "403": N_("Swish does not accept our certificate. Pay in another way while we correct it."),
    "404": N_("Swish does not know this payment."),
}


def explain(code: str) -> Problem:
    """What one of Swish's error codes means, for the person who meets it; never fails."""
    if code in _MEANINGS:
        return Problem(_MEANINGS[code], {"code": code})
    return Problem(N_("Swish refused (code %(code)s). Pay in another way."), {"code": code})


def new_payment_id() -> str:
    """A new id for a payment request or refund: 32 upper-case hexadecimal digits."""
    return uuid.uuid4().hex.upper()


def new_callback_identifier() -> str:
    """A new secret that Swish sends back with its callbacks: 32 upper-case hexadecimal digits."""
    return secrets.token_hex(16).upper()


def is_callback_identifier(expected: str, received: str | None) -> bool:
    """Whether a callback's `callbackIdentifier` header is the one we gave, in constant time."""
    return hmac.compare_digest(expected.encode(), (received or "").encode())


def clean_message(text: str) -> str:
    """A message to the payer in Swish's permitted characters, at most 50.

    Permitted are letters a–ö and A–Ö, digits, space and `:;.,?!()`. Accents other than Å, Ä and Ö
    are taken off, anything else becomes a space.
    """
    plain = "".join(
        letter if letter in "åäöÅÄÖ" else unicodedata.normalize("NFKD", letter)[0]
        for letter in unicodedata.normalize("NFC", text)
    )
    permitted = re.sub(r"[^a-zåäöA-ZÅÄÖ0-9:;.,?!()]+", " ", plain)
    return permitted.strip()[:LONGEST_MESSAGE].strip()


class SwishClient:
    """Our end of Swish Commerce over mutual TLS. Make one per process; threads may share it.

    address: the part before `/swish-cpcapi`. payee_alias: our Swish number. certificate, key, ca:
    PEM files: our client certificate, its key, and the CA of Swish's server. app_url: what opens
    the payer's app, with `{token}` and `{return_url}`.
    Every method raises SwishUnavailable, or SwishRefused with Swish's codes.
    """

    def __init__(
        self,
        address: str,
        payee_alias: str,
        certificate: Path,
        key: Path,
        ca: Path,
        *,
        app_url: str = APP_URL,
        timeout: float = 15.0,
    ) -> None:
        context = ssl.create_default_context(cafile=ca)
        context.load_cert_chain(certificate, key)
        self.payee_alias = payee_alias
        self._app_url = app_url
        self._http = httpx.Client(
            base_url=address.rstrip("/") + _API,
            verify=context,
            timeout=timeout,
            trust_env=False,
            headers={"Accept": "application/json"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def create(
        self,
        payment_id: str,
        *,
        amount: Decimal,
        reference: str,
        message: str,
        callback_url: str,
        callback_identifier: str,
        payer_alias: str | None = None,
    ) -> Created:
        """Ask for a payment: PUT /api/v2/paymentrequests/{id}.

        payment_id: from `new_payment_id`. amount: kronor, at most two decimals, 0.01 to 10 million.
        reference: the OCR number (at most 35 letters and digits). message: any text, cleaned by
        `clean_message`. callback_url: https. callback_identifier: 32–36 letters and digits.
        payer_alias: the payer's mobile number with country code, such as 46701740605; without it
        the answer has a token that opens the app.
        """
        body = {
            "payeePaymentReference": reference,
            "callbackUrl": callback_url,
            "callbackIdentifier": callback_identifier,
            "payeeAlias": self.payee_alias,
            "amount": _kronor(amount),
            "currency": "SEK",
            "message": clean_message(message),
        }
        if payer_alias:
            body["payerAlias"] = payer_alias
        answer = self._send("PUT", f"/v2/paymentrequests/{payment_id}", body)
        token = answer.headers.get("PaymentRequestToken")
        if answer.status_code != 201 or not (token or payer_alias):
            raise SwishUnavailable
        return Created(token, answer.headers.get("Location", ""))

    def ask_for(self, asked: Asked) -> Created:
        """Ask for a payment with a token that opens the payer's app, as `create` does."""
        return self.create(
            asked.id,
            amount=asked.amount,
            reference=asked.reference,
            message=asked.message,
            callback_url=asked.callback_url,
            callback_identifier=asked.callback_identifier,
        )

    def fetch(self, payment_id: str) -> PaymentRequest:
        """How a payment request stands: GET /api/v1/paymentrequests/{id}."""
        return _read(_payment_request, self._send("GET", f"/v1/paymentrequests/{payment_id}"))

    def cancel(self, payment_id: str) -> PaymentRequest:
        """Withdraw a payment request: PATCH /api/v1/paymentrequests/{id}.

        SwishRefused with RP07 when it is too late (fetch it: it may be paid), with RP08 when it is
        already cancelled.
        """
        change = [{"op": "replace", "path": "/status", "value": "cancelled"}]
        answer = self._send("PATCH", f"/v1/paymentrequests/{payment_id}", change)
        return _read(_payment_request, answer)

    def refund(
        self,
        refund_id: str,
        *,
        original_payment_reference: str,
        amount: Decimal,
        reference: str,
        message: str,
        callback_url: str,
        callback_identifier: str,
    ) -> str:
        """Pay back all or a part of a payment to its payer: PUT /api/v2/refunds/{id}.

        refund_id: from `new_payment_id`. original_payment_reference: the payment's
        `payment_reference`. The others as for `create`. Answers the refund's location.
        """
        body = {
            "originalPaymentReference": original_payment_reference,
            "payerPaymentReference": reference,
            "callbackUrl": callback_url,
            "callbackIdentifier": callback_identifier,
            "payerAlias": self.payee_alias,
            "amount": _kronor(amount),
            "currency": "SEK",
            "message": clean_message(message),
        }
        answer = self._send("PUT", f"/v2/refunds/{refund_id}", body)
        if answer.status_code != 201:
            raise SwishUnavailable
        return answer.headers.get("Location", "")

    def fetch_refund(self, refund_id: str) -> Refund:
        """How a refund stands: GET /api/v1/refunds/{id}."""
        return _read(_refund, self._send("GET", f"/v1/refunds/{refund_id}"))

    def pay_back(self, back: Back) -> None:
        """Pay back, as `refund` does."""
        self.refund(
            back.id,
            original_payment_reference=back.original,
            amount=back.amount,
            reference=back.reference,
            message=back.message,
            callback_url=back.callback_url,
            callback_identifier=back.callback_identifier,
        )

    def fetch_back(self, refund_id: str) -> PaidBack:
        """How a refund stands, as `fetch_refund` tells it."""
        told = self.fetch_refund(refund_id)
        return PaidBack(
            id=told.id,
            amount=told.amount,
            currency=told.currency,
            is_paid=told.status is RefundStatus.PAID,
            error_code=(
                told.error_code or OUTCOME_UNKNOWN if told.status is RefundStatus.ERROR else None
            ),
            date_paid=told.date_paid,
        )

    def fetch_chargebacks(self, payment_id: str) -> Sequence[ChargedBack]:
        """None: Swish tells of none, for its payments are final. A bank or a person does."""
        return ()

    def open_url(self, token: str, return_url: str) -> str:
        """The address that opens the payer's Swish app, which afterwards opens return_url."""
        return self._app_url.format(token=quote(token, safe=""), return_url=quote(return_url, ""))

    def _send(self, method: str, path: str, body: object = None) -> httpx.Response:
        kind = "application/json-patch+json" if method == "PATCH" else "application/json"
        try:
            answer = self._http.request(
                method,
                path,
                content=None if body is None else json.dumps(body),
                headers={} if body is None else {"Content-Type": kind},
            )
        except httpx.RequestError:
            raise SwishUnavailable from None
        if answer.is_success:
            return answer
        if answer.is_client_error and answer.status_code not in (408, 429):
            raise SwishRefused(_codes(answer))
        raise SwishUnavailable


def parse_callback(body: bytes) -> Callback:
    """What a callback about a payment request claims.

    body: as it came. The whole record must be well formed. Raises BadCallback.
    """
    try:
        record = _payment_request(_object(body))
    except ValueError as error:
        raise BadCallback(str(error)) from None
    return Callback(record.id, record.status, record.amount, record.reference)


def parse_refund_callback(body: bytes) -> RefundCallback:
    """What a callback about a refund claims. Raises BadCallback."""
    try:
        record = _refund(_object(body))
    except ValueError as error:
        raise BadCallback(str(error)) from None
    return RefundCallback(record.id, record.status, record.amount)


def _kronor(amount: Decimal) -> str:
    if not amount.is_finite() or amount != round(amount, 2):
        raise RedaError(N_("Write the amount in kronor with at most two decimals."), field="amount")
    if not LEAST_KRONOR <= amount <= MOST_KRONOR:
        raise RedaError(
            N_("Pay at least %(least)s kronor and at most %(most)s kronor at a time."),
            field="amount",
            least=LEAST_KRONOR,
            most=MOST_KRONOR,
        )
    return f"{amount:.2f}"


def _codes(answer: httpx.Response) -> tuple[str, ...]:
    try:
        listed = json.loads(answer.content)
        codes = tuple(str(entry["errorCode"]) for entry in listed)
    except (ValueError, TypeError, KeyError):
        codes = ()
    if codes:
        return codes
    return ("403",) if answer.status_code in (401, 403) else (str(answer.status_code),)


def _read(parse: Callable[["_Fields"], Record], answer: httpx.Response) -> Record:
    try:
        return parse(_object(answer.content))
    except ValueError:
        raise SwishUnavailable from None


def _payment_request(fields: "_Fields") -> PaymentRequest:
    return PaymentRequest(
        id=fields.id(),
        status=Status(fields.text("status")),
        amount=fields.amount(),
        currency=fields.currency(),
        payee_alias=fields.text("payeeAlias"),
        payer_alias=fields.optional("payerAlias"),
        reference=fields.optional("payeePaymentReference"),
        payment_reference=fields.optional("paymentReference"),
        message=fields.optional("message"),
        error_code=fields.optional("errorCode"),
        date_paid=fields.instant("datePaid"),
    )


def _refund(fields: "_Fields") -> Refund:
    return Refund(
        id=fields.id(),
        status=RefundStatus(fields.text("status")),
        amount=fields.amount(),
        currency=fields.currency(),
        original_payment_reference=fields.text("originalPaymentReference"),
        payment_reference=fields.optional("paymentReference"),
        error_code=fields.optional("errorCode"),
        date_paid=fields.instant("datePaid"),
    )


def _object(body: bytes) -> "_Fields":
    if len(body) > _LONGEST_CALLBACK:
        raise ValueError("it is too long")
    try:
        # As text first, so that no amount passes through a float.
        found = json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    return _Fields(found)


def _no_number(name: str) -> Decimal:
    raise ValueError(f"{name} is not a number")


class _Fields:
    """The members of one JSON object, read by kind. Every method raises ValueError."""

    def __init__(self, members: Mapping[str, object]) -> None:
        self._members = members

    def text(self, name: str) -> str:
        value = self._members.get(name)
        if not isinstance(value, str) or not value:
            raise ValueError(f"{name} is missing or not a text")
        return value

    def optional(self, name: str) -> str | None:
        return self.text(name) if self._members.get(name) not in (None, "") else None

    def id(self) -> str:
        value = self.text("id")
        if not re.fullmatch(r"[0-9A-F]{32}", value):
            raise ValueError("id is not 32 upper-case hexadecimal digits")
        return value

    def currency(self) -> str:
        value = self.text("currency")
        if value != "SEK":
            raise ValueError("currency is not SEK")
        return value

    def amount(self) -> Decimal:
        # Swish has written it as a number in payments and as a text in refunds.
        value = self._members.get("amount")
        if isinstance(value, str):
            try:
                value = Decimal(value)
            except InvalidOperation:
                value = None
        if not isinstance(value, Decimal) or not value.is_finite() or value <= 0:
            raise ValueError("amount is missing or not a number above 0")
        if value > 10**12 or value != round(value, 2):
            raise ValueError("amount is not kronor and öre")
        return round(value, 2)

    def instant(self, name: str) -> datetime | None:
        value = self.optional(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{name} is not a date and time") from None
        if moment.tzinfo is None:
            raise ValueError(f"{name} has no time zone")
        return moment.astimezone(UTC)
