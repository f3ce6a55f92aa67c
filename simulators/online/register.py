"""The payments that were asked for, how they end, and the merchant told of it."""

import hashlib
import hmac
import json
import secrets
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

TRIES = 5
FIRST_WAIT_SECONDS = 2.0
ANSWER_WITHIN_SECONDS = 10.0
# What may become of the next callback.
CALLBACKS = ("none", "twice", "forged")


class Ended(Exception):
    """The payment has ended already."""


@dataclass
class Payment:
    """A payment as it stands. asked: what the merchant sent. amount: whole öre.

    token: the end of the payer's address. answers: what the merchant said to each callback.
    """

    id: str
    asked: dict[str, object]
    amount: int
    expires_at: datetime
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    status: str = "created"
    paid_at: datetime | None = None
    reference: str | None = None
    reason: str | None = None
    answers: list[str] = field(default_factory=list)

    def text(self, name: str) -> str:
        """What was asked for under a name, as a text."""
        return str(self.asked.get(name) or "")

    def told(self) -> dict[str, object]:
        """What the merchant is told."""
        return {
            "id": self.id,
            "status": self.status,
            "amount": self.amount,
            "currency": self.asked["currency"],
            "paid_at": self.paid_at.isoformat() if self.paid_at else None,
            "reference": self.reference,
            "reason": self.reason,
        }


@dataclass
class Refund:
    """A refund of a payment. asked, amount, answers: as of a payment."""

    id: str
    payment: Payment
    asked: dict[str, object]
    amount: int
    status: str = "created"
    paid_at: datetime | None = None
    reason: str | None = None
    answers: list[str] = field(default_factory=list)

    def told(self) -> dict[str, object]:
        """What the merchant is told."""
        return {
            "id": self.id,
            "status": self.status,
            "amount": self.amount,
            "currency": "SEK",
            "paid_at": self.paid_at.isoformat() if self.paid_at else None,
            "reason": self.reason,
        }


@dataclass
class Chargeback:
    """What the payer's bank has taken back of a payment. amount: whole öre."""

    payment: Payment
    amount: int
    reason: str
    id: str = field(default_factory=lambda: "CB" + secrets.token_hex(8).upper())
    taken_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    returned_at: datetime | None = None

    @property
    def changed_at(self) -> datetime:
        """When there was something new to tell of it."""
        return self.returned_at or self.taken_at

    def told(self) -> dict[str, object]:
        """What the merchant is told."""
        return {
            "id": self.id,
            "status": "returned" if self.returned_at else "taken",
            "amount": self.amount,
            "currency": "SEK",
            "reason": self.reason,
            "taken_at": self.taken_at.isoformat(),
            "returned_at": self.returned_at.isoformat() if self.returned_at else None,
        }


class NotBack(Exception):
    """A refund that is not taken, and why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Register:
    """All payments. Threads may share it.

    callback_key: signs callbacks. answers: statuses that are said to the merchant next instead of
    an answer.
    """

    def __init__(self, callback_key: str) -> None:
        self.answers: deque[int] = deque()
        self.callbacks: deque[str] = deque()
        self._callback_key = callback_key
        self._payments: dict[str, Payment] = {}
        self._refunds: dict[str, Refund] = {}
        self._chargebacks: list[Chargeback] = []
        # How the next refund ends: why it is not paid, or `wait` until somebody says.
        self.next_refund = ""
        self._changed = threading.RLock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Tell the merchant nothing more."""
        self._stopped.set()

    def take(self, asked: dict[str, object], lives: timedelta) -> tuple[Payment, bool]:
        """Keep a payment, unless it is kept. Answers it, and whether what was asked is the same."""
        with self._changed:
            payment_id, amount = str(asked["id"]), int(str(asked["amount"]))
            known = self.payment(payment_id)
            if known is not None:
                return known, known.asked == asked
            made = Payment(payment_id, asked, amount, datetime.now(UTC) + lives)
            self._payments[payment_id] = made
            return made, True

    def payment(self, payment_id: str) -> Payment | None:
        """A payment by the merchant's id."""
        with self._changed:
            return self._seen(self._payments.get(payment_id))

    def by_token(self, token: str) -> Payment | None:
        """A payment by the end of the payer's address."""
        with self._changed:
            found = (one for one in self._payments.values() if one.token == token)
            return self._seen(next(found, None))

    def payments(self) -> list[Payment]:
        """All payments, the newest first."""
        with self._changed:
            return [one for one in reversed(self._payments.values()) if self._seen(one)]

    def end(self, payment: Payment, status: str, reason: str | None = None) -> None:
        """Let a payment end, and tell the merchant. Raises Ended."""
        with self._changed:
            # A bank that fell silent may still turn out to have paid.
            if payment.status != "created" and payment.reason != "outcome_unknown":
                raise Ended
            payment.status, payment.reason = status, reason
            if status == "paid":
                payment.paid_at = datetime.now(UTC)
                payment.reference = secrets.token_hex(8).upper()
            fault = self.callbacks.popleft() if self.callbacks else ""
        if fault != "none":
            for _ in range(2 if fault == "twice" else 1):
                told = threading.Thread(
                    target=self._tell, args=(payment, fault == "forged"), daemon=True
                )
                told.start()

    def take_back(self, payment: Payment, asked: dict[str, object]) -> Refund:
        """Take a refund; the same again is the same. Raises NotBack."""
        with self._changed:
            refund_id, amount = str(asked["id"]), int(str(asked["amount"]))
            if refund_id in self._refunds:
                return self._refunds[refund_id]
            if payment.status != "paid":
                raise NotBack("not_paid")
            others = [
                one
                for one in self._refunds.values()
                if one.payment is payment and one.status != "error"
            ]
            if any(one.status == "created" for one in others):
                raise NotBack("busy")
            if sum(one.amount for one in others) + amount > payment.amount:
                raise NotBack("too_much")
            refund = Refund(refund_id, payment, asked, amount)
            self._refunds[refund_id] = refund
            ending, self.next_refund = self.next_refund, ""
        if ending != "wait":
            self.end_back(refund, ending or None)
        return refund

    def refund(self, refund_id: str) -> Refund | None:
        """A refund by the merchant's id."""
        return self._refunds.get(refund_id)

    def refunds_of(self, payment: Payment) -> list[Refund]:
        """The refunds of a payment."""
        return [one for one in self._refunds.values() if one.payment is payment]

    def end_back(self, refund: Refund, reason: str | None = None) -> None:
        """Let a refund be paid, or not for a reason. Raises Ended."""
        with self._changed:
            if refund.status != "created" and refund.reason != "outcome_unknown":
                raise Ended
            refund.status, refund.reason = ("error" if reason else "paid"), reason
            if not reason:
                refund.paid_at = datetime.now(UTC)
            fault = self.callbacks.popleft() if self.callbacks else ""
        if fault != "none":
            for _ in range(2 if fault == "twice" else 1):
                threading.Thread(
                    target=self._tell_back, args=(refund, fault == "forged"), daemon=True
                ).start()

    def charge_back(self, payment: Payment, amount: int | None, reason: str) -> Chargeback:
        """Let the payer's bank take back all that is left of a payment, or an amount of it.

        Raises Ended when it is not paid, or less is left.
        """
        with self._changed:
            gone = sum(
                one.amount for one in self.chargebacks_of(payment) if not one.returned_at
            ) + sum(one.amount for one in self.refunds_of(payment) if one.status == "paid")
            made = Chargeback(payment, payment.amount - gone if amount is None else amount, reason)
            if payment.status != "paid" or not 0 < made.amount <= payment.amount - gone:
                raise Ended
            self._chargebacks.append(made)
        self._tell_of_chargeback(payment)
        return made

    def give_back(self, chargeback: Chargeback) -> None:
        """Let what was taken back come again. Raises Ended."""
        with self._changed:
            if chargeback.returned_at:
                raise Ended
            chargeback.returned_at = datetime.now(UTC)
        self._tell_of_chargeback(chargeback.payment)

    def _tell_of_chargeback(self, payment: Payment) -> None:
        with self._changed:
            fault = self.callbacks.popleft() if self.callbacks else ""
        if fault != "none":
            for _ in range(2 if fault == "twice" else 1):
                threading.Thread(
                    target=self._tell, args=(payment, fault == "forged"), daemon=True
                ).start()

    def chargebacks_of(self, payment: Payment) -> list[Chargeback]:
        """What was taken back of a payment, the oldest first."""
        return [one for one in self._chargebacks if one.payment is payment]

    def chargeback(self, chargeback_id: str) -> Chargeback | None:
        """What was taken back, by its id."""
        return next((one for one in self._chargebacks if one.id == chargeback_id), None)

    def changed_since(self, moment: datetime) -> list[str]:
        """The payments of which something was taken back or came again since."""
        found = sorted(
            (one.changed_at, one.payment.id)
            for one in self._chargebacks
            if one.changed_at >= moment
        )
        return list(dict.fromkeys(payment_id for _, payment_id in found))[:1000]

    def _seen(self, payment: Payment | None) -> Payment | None:
        if payment and payment.status == "created" and payment.expires_at <= datetime.now(UTC):
            payment.status, payment.reason = "error", "expired"
        return payment

    def _tell(self, payment: Payment, is_forged: bool) -> None:
        self._say(payment, payment.text("callback_url"), is_forged)

    def _tell_back(self, refund: Refund, is_forged: bool) -> None:
        self._say(refund, str(refund.asked.get("callback_url") or ""), is_forged)

    def _say(self, what: Payment | Refund, url: str, is_forged: bool) -> None:
        body = json.dumps({"id": what.id, "status": what.status}).encode()
        key = "somebody-else" if is_forged else self._callback_key
        signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        for attempt in range(TRIES):
            wait = FIRST_WAIT_SECONDS * 2 ** (attempt - 1) if attempt else 0
            if self._stopped.wait(wait):
                return
            answer = _post(url, body, signature)
            what.answers.append(answer)
            if answer.startswith("2"):
                return


def _post(url: str, body: bytes, signature: str) -> str:
    headers = {"Content-Type": "application/json", "Payment-Signature": signature}
    try:
        with httpx.Client(trust_env=False, timeout=ANSWER_WITHIN_SECONDS) as http:
            return str(http.post(url, content=body, headers=headers).status_code)
    except httpx.HTTPError as error:
        return type(error).__name__
