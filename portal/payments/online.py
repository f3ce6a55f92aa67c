"""Payments by card and directly from a bank account, on a payment provider's own page.

No card number and no login at a bank ever passes through us: the payer goes to the provider's page
and comes back. The provider speaks JSON over HTTPS, with our key as a bearer token:

- `POST /payments` {id, amount, currency, method, reference, description, language, return_url,
  callback_url, expires_in} → {id, redirect_url}. The header `Idempotency-Key` is our id, so that
  the same sent again answers the same. method: `card` or `account`.
- `GET /payments/<id>` → {id, status, amount, currency, paid_at, reference, reason}. status:
  created, paid, declined, cancelled or error. reference: the provider's own, once paid. reason, of
  an error: `outcome_unknown` when the bank fell silent, `expired` when the payer did not come.
- `POST /payments/<id>/cancel` → the same; 409 when it has ended already.
- `POST /payments/<id>/refunds` {id, amount, currency, reference, description, callback_url} →
  {id, status}, with the header `Idempotency-Key` as above. 409 {error: `busy`} while another refund
  of the payment is under way; 422 {error} when it will never be paid: `too_much`, `not_paid`,
  `too_old`.
- `GET /refunds/<id>` → {id, status, amount, currency, paid_at, reason}. status: created, paid or
  error. reason, of an error: `outcome_unknown`, `closed` or `declined`.
- `GET /payments/<id>/chargebacks` → {chargebacks: [{id, status, amount, currency, reason, taken_at,
  returned_at}]}, the oldest first: what the payer's bank has taken back of a payment that was paid.
  status: taken, or returned when the money has come again. Taken once more it has another id. A
  callback with the payment's id tells that there is something new.
- `GET /chargebacks?since=<moment>` → {payments: [id]}: of which payments something was taken back
  or has come again since, at most 1,000, the oldest first.

Amounts are whole öre. A callback is a hint, as Swish's is: what is booked is what is answered when
we ask. It carries HMAC-SHA256 of its body, in hexadecimal, in the header `Payment-Signature`.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Self
from urllib.parse import urlencode, urlsplit

import httpx

from portal.messages import N_
from portal.payments.ways import (
    BUSY,
    OUTCOME_UNKNOWN,
    TIME_RAN_OUT,
    TOO_LATE,
    UNKNOWN,
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

SIGNATURE = "Payment-Signature"
LONGEST_CALLBACK = 16_384
LIVES_SECONDS = 1800
_LONGEST_KEY, _LONGEST_REASON = 64, 300

_STATUSES = {
    "created": Status.CREATED,
    "paid": Status.PAID,
    "declined": Status.DECLINED,
    "cancelled": Status.CANCELLED,
    "error": Status.ERROR,
}
_REASONS = {"outcome_unknown": OUTCOME_UNKNOWN, "expired": TIME_RAN_OUT}
# Why a refund is not paid, named as Swish names it.
_REASONS_BACK = {
    "outcome_unknown": OUTCOME_UNKNOWN,
    "closed": "ACMT01",
    "declined": "RF07",
    "too_much": "RF08",
    "too_old": "RF02",
    "not_paid": "RF02",
    "busy": BUSY,
}


class OnlineUnavailable(Unavailable):
    """The provider did not answer, or not in a way that can be understood: try again."""

    def __init__(self) -> None:
        super().__init__(
            N_("The payment page does not answer just now. Wait a minute and try again.")
        )


class OnlineRefused(Refused):
    """The provider said no."""

    def __init__(self, code: str) -> None:
        super().__init__(
            (code,),
            N_(
                "The payment could not be made. Nothing has been paid. Try again, or pay in"
                " another way."
            ),
        )


class OnlineClient:
    """Our end of the payment provider. Make one per process; threads may share it.

    address: the part before `/payments`. key: shows who we are.
    Every method raises OnlineUnavailable or OnlineRefused.
    """

    def __init__(self, address: str, key: str, *, timeout: float = 15.0) -> None:
        self._http = httpx.Client(
            base_url=address.rstrip("/"),
            timeout=timeout,
            trust_env=False,
            headers={"Accept": "application/json", "Authorization": f"Bearer {key}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def ask_for(self, asked: Asked) -> Created:
        """Ask for a payment; asked again, it answers the same page."""
        answer = self._send(
            "POST",
            "/payments",
            {
                "id": asked.id,
                "amount": int(asked.amount * 100),
                "currency": "SEK",
                "method": asked.way,
                "reference": asked.reference,
                "description": asked.message,
                "language": asked.language,
                "return_url": asked.return_url,
                "callback_url": asked.callback_url,
                "expires_in": LIVES_SECONDS,
            },
            {"Idempotency-Key": asked.id},
        )
        page = answer.get("redirect_url")
        # It becomes a link on our page.
        if not isinstance(page, str) or not _is_web(page):
            raise OnlineUnavailable
        return Created(page)

    def fetch(self, payment_id: str) -> PaymentRequest:
        """How a payment stands."""
        return _read(payment_id, self._send("GET", f"/payments/{payment_id}"))

    def cancel(self, payment_id: str) -> PaymentRequest:
        """Withdraw a payment; OnlineRefused with TOO_LATE when it has ended already."""
        return _read(payment_id, self._send("POST", f"/payments/{payment_id}/cancel", {}))

    def pay_back(self, back: Back) -> None:
        """Pay back all or a part of a payment; asked again, nothing more is paid."""
        self._send(
            "POST",
            f"/payments/{back.payment_id}/refunds",
            {
                "id": back.id,
                "amount": int(back.amount * 100),
                "currency": "SEK",
                "reference": back.reference,
                "description": back.message,
                "callback_url": back.callback_url,
            },
            {"Idempotency-Key": back.id},
        )

    def fetch_back(self, refund_id: str) -> PaidBack:
        """How a refund stands."""
        found = self._send("GET", f"/refunds/{refund_id}")
        status, amount, reason = found.get("status"), found.get("amount"), found.get("reason")
        if (
            found.get("id") != refund_id
            or status not in ("created", "paid", "error")
            or type(amount) is not int
            or not 0 < amount <= 10**14
            or found.get("currency") != "SEK"
        ):
            raise OnlineUnavailable
        return PaidBack(
            id=refund_id,
            amount=Decimal(amount) / 100,
            currency="SEK",
            is_paid=status == "paid",
            error_code=_REASONS_BACK.get(str(reason), "RF07") if status == "error" else None,
            date_paid=_moment(found.get("paid_at")),
        )

    def fetch_chargebacks(self, payment_id: str) -> Sequence[ChargedBack]:
        """What is taken back of a payment, also what has come again; the oldest first."""
        found = self._send("GET", f"/payments/{payment_id}/chargebacks").get("chargebacks")
        if not isinstance(found, list):
            raise OnlineUnavailable
        return [_charged_back(one) for one in found]

    def charged_back_since(self, moment: datetime) -> Sequence[str]:
        """Payments, by our ids, of which something was taken back or has come again since."""
        query = urlencode({"since": moment.isoformat()})
        found = self._send("GET", f"/chargebacks?{query}").get("payments")
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise OnlineUnavailable
        return found

    def open_url(self, token: str, return_url: str) -> str:
        """The provider's page, which was told when it was asked where it leads back."""
        return token

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, object]:
        try:
            answer = self._http.request(method, path, json=body, headers=headers)
        except httpx.HTTPError:
            raise OnlineUnavailable from None
        if answer.status_code in (409, 422) and (code := _why_not_back(answer)):
            raise OnlineRefused(code)
        if answer.status_code == 409:
            raise OnlineRefused(TOO_LATE)
        if answer.status_code == 404:
            raise OnlineRefused(UNKNOWN)
        if answer.is_client_error and answer.status_code not in (408, 429):
            raise OnlineRefused(str(answer.status_code))
        if not answer.is_success:
            raise OnlineUnavailable
        try:
            found = json.loads(answer.content)
        except (ValueError, RecursionError):
            raise OnlineUnavailable from None
        if not isinstance(found, dict):
            raise OnlineUnavailable
        return found


def _why_not_back(answer: httpx.Response) -> str | None:
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    reason = told.get("error") if isinstance(told, dict) else None
    return _REASONS_BACK.get(reason) if isinstance(reason, str) else None


def signature(body: bytes, key: str) -> str:
    """What a callback's signature must be."""
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def is_signed(body: bytes, received: str | None, key: str) -> bool:
    """Whether a callback is the provider's, in constant time."""
    return hmac.compare_digest(signature(body, key).encode(), (received or "").encode())


def payment_id_of(body: bytes) -> str | None:
    """Which payment or refund a callback tells of; None when it is no callback."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    found = told.get("id") if isinstance(told, dict) else None
    return found if isinstance(found, str) and re.fullmatch(r"[0-9A-F]{32}", found) else None


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _read(payment_id: str, found: Mapping[str, object]) -> PaymentRequest:
    status, amount, paid_at = found.get("status"), found.get("amount"), found.get("paid_at")
    reference, reason = found.get("reference"), found.get("reason")
    if (
        found.get("id") != payment_id
        or not isinstance(status, str)
        or status not in _STATUSES
        or type(amount) is not int
        or not 0 < amount <= 10**14
        or found.get("currency") != "SEK"
    ):
        raise OnlineUnavailable
    return PaymentRequest(
        id=payment_id,
        status=_STATUSES[status],
        amount=Decimal(amount) / 100,
        currency="SEK",
        payment_reference=reference if isinstance(reference, str) and reference else None,
        error_code=_REASONS.get(reason) if isinstance(reason, str) else None,
        date_paid=_moment(paid_at),
    )


def _charged_back(found: object) -> ChargedBack:
    if not isinstance(found, dict):
        raise OnlineUnavailable
    key, amount, reason = found.get("id"), found.get("amount"), found.get("reason")
    taken_at, returned_at = _moment(found.get("taken_at")), _moment(found.get("returned_at"))
    if (
        not isinstance(key, str)
        or not 0 < len(key) <= _LONGEST_KEY
        or type(amount) is not int
        or not 0 < amount <= 10**14
        or found.get("currency") != "SEK"
        or taken_at is None
        or found.get("status") != ("returned" if returned_at else "taken")
    ):
        raise OnlineUnavailable
    return ChargedBack(
        id=key,
        amount=Decimal(amount) / 100,
        currency="SEK",
        reason=reason[:_LONGEST_REASON] if isinstance(reason, str) else "",
        taken_at=taken_at,
        returned_at=returned_at,
    )


def _moment(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise OnlineUnavailable from None
    if found.tzinfo is None:
        raise OnlineUnavailable
    return found
