"""The payments and refunds of the simulated Swish, and how each comes to its end."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from simulators.moments import now
from simulators.swish.callbacks import Callbacks
from simulators.swish.faults import Faults
from simulators.swish.records import Payment, Refund, reference
from simulators.swish.rules import CODES_LATER, REFUND_CODES_AT_ONCE

LIFETIME = timedelta(minutes=3)
REFUNDABLE = timedelta(days=396)
REFUND_STEP_SECONDS = 1.0
# From the series that are reserved for use in fiction (PTS), so that nobody is called.
A_PAYER = "46701740605"


class Refused(Exception):
    """Swish's codes for why something cannot be done."""

    def __init__(self, *codes: str) -> None:
        super().__init__(", ".join(codes))
        self.codes = codes


class Register:
    """Everything that is known. speed: how many times faster than Swish's own times it goes."""

    def __init__(self, *, speed: float = 1.0) -> None:
        self.speed = speed
        self.faults = Faults()
        self._callbacks = Callbacks(speed)
        self._payments: dict[str, Payment] = {}
        self._refunds: dict[str, Refund] = {}
        # How the next refund ends: a code, or `wait` until somebody says.
        self.next_refund = ""
        self._timers: list[threading.Timer] = []
        self._lock = threading.RLock()

    def stop(self) -> None:
        """Let nothing more happen by itself."""
        self._callbacks.stop()
        with self._lock:
            for timer in self._timers:
                timer.cancel()

    def payments(self) -> list[Payment]:
        """All payment requests, the newest first."""
        with self._lock:
            return list(self._payments.values())[::-1]

    def payment(self, payment_id: str) -> Payment | None:
        """One payment request."""
        return self._payments.get(payment_id)

    def refund(self, refund_id: str) -> Refund | None:
        """One refund."""
        return self._refunds.get(refund_id)

    def by_token(self, token: str) -> Payment | None:
        """The payment request that a token opens."""
        return next((p for p in self.payments() if p.token == token), None)

    def expiry(self) -> datetime:
        """When a payment request that is made now runs out."""
        return now() + LIFETIME / self.speed

    def add_payment(self, payment: Payment) -> None:
        """Take a payment request. Raises Refused with RP09 or RP06."""
        with self._lock:
            if payment.id in self._payments:
                raise Refused("RP09")
            if not payment.is_mobile and any(
                p.status == "CREATED" and p.payer_alias == payment.payer_alias and not p.is_mobile
                for p in self._payments.values()
            ):
                raise Refused("RP06")
            self._payments[payment.id] = payment
        self._later(LIFETIME.total_seconds(), lambda: self._expire(payment))

    def approve(self, payment: Payment, payer_alias: str = A_PAYER) -> None:
        """The payer approves. A message that is an error code makes that error of it."""
        if payment.message in CODES_LATER:
            self._end(payment, "ERROR", error_code=payment.message)
        else:
            self._end(payment, "PAID", payer_alias=payer_alias)

    def decline(self, payment: Payment) -> None:
        """The payer says no."""
        self._end(payment, "DECLINED")

    def fail(self, payment: Payment, code: str) -> None:
        """It ends with an error, such as TM01."""
        self._end(payment, "ERROR", error_code=code)

    def cancel(self, payment: Payment) -> None:
        """The merchant withdraws it. Raises Refused with RP07, or RP08 the second time."""
        if payment.status == "CANCELLED":
            raise Refused("RP08")
        self._end(payment, "CANCELLED", error_code="RP08")

    def original(self, payment_reference: str) -> Payment:
        """The paid payment that a refund is for. Raises Refused with RF02."""
        since = now() - REFUNDABLE
        for payment in self.payments():
            is_the_one = payment.payment_reference == payment_reference
            if is_the_one and payment.paid_at and payment.paid_at > since:
                return payment
        raise Refused("RF02")

    def add_refund(self, refund: Refund) -> None:
        """Take a refund. Raises Refused with RP09, RF09, RF08 or what was prepared."""
        with self._lock:
            if refund.id in self._refunds:
                raise Refused("RP09")
            ending, self.next_refund = self.next_refund, ""
            if ending in REFUND_CODES_AT_ONCE:
                raise Refused(ending)
            earlier = [
                r
                for r in self._refunds.values()
                if r.original is refund.original and r.status != "ERROR"
            ]
            if any(not r.is_over for r in earlier):
                raise Refused("RF09")
            if sum(r.amount for r in earlier) + refund.amount > refund.original.amount:
                raise Refused("RF08")
            self._refunds[refund.id] = refund
        if ending != "wait":
            self._later(REFUND_STEP_SECONDS, lambda: self._debit(refund, ending))

    def refunds(self) -> list[Refund]:
        """All refunds, the newest first."""
        with self._lock:
            return list(self._refunds.values())[::-1]

    def prepare_refund(self, ending: str) -> None:
        """Let the next refund end with a code, or wait. Raises ValueError when unknown."""
        if ending not in {"wait", *REFUND_CODES_AT_ONCE, *CODES_LATER}:
            raise ValueError(ending)
        self.next_refund = ending

    def end_refund(self, refund: Refund, error_code: str | None = None) -> None:
        """A refund is paid, or ends with an error. Raises Refused when it has ended.

        What ended with DS24 may still be paid.
        """
        with self._lock:
            if refund.is_over and refund.error_code != "DS24":
                raise Refused("RP07")
            refund.error_code = error_code
            refund.status = "ERROR" if error_code else "PAID"
            if not error_code:
                refund.payment_reference, refund.paid_at = reference(), now()
        self._callbacks.send(refund, self.faults.for_callback())

    def _debit(self, refund: Refund, ending: str) -> None:
        # It ended in another way before.
        if refund.is_over:
            return
        refund.status = "DEBITED"
        self._callbacks.send(refund)
        self._later(REFUND_STEP_SECONDS, lambda: self._close_refund(refund, ending))

    def _close_refund(self, refund: Refund, ending: str) -> None:
        with suppress(Refused):
            self.end_refund(refund, ending or None)

    def _expire(self, payment: Payment) -> None:
        # It ended in another way before.
        with suppress(Refused):
            self.fail(payment, "TM01")

    def _end(
        self,
        payment: Payment,
        status: str,
        *,
        error_code: str | None = None,
        payer_alias: str | None = None,
    ) -> None:
        with self._lock:
            if payment.status != "CREATED":
                raise Refused("RP07")
            if status == "PAID":
                payment.payer_alias = payment.payer_alias or payer_alias
                payment.payment_reference = reference()
                payment.paid_at = now()
            payment.error_code = error_code
            payment.status = status
        self._callbacks.send(payment, self.faults.for_callback())

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        timer = threading.Timer(seconds / self.speed, act)
        timer.daemon = True
        with self._lock:
            self._timers = [t for t in self._timers if t.is_alive()] + [timer]
            timer.start()
