"""Tell the merchant how a payment or refund ended, until it answers 2xx or ten tries are made."""

import json
import secrets
import threading

import httpx

from simulators.moments import now
from simulators.swish.records import Attempt, Payment, Refund

TRIES = 10
FIRST_WAIT_SECONDS = 5.0
ANSWER_WITHIN_SECONDS = 10.0


class Callbacks:
    """Sends callbacks, each from a thread of its own. speed divides the waits between tries."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped.set()

    def send(self, record: Payment | Refund, fault: str | None = None) -> None:
        """Send what the record says now; fault is one of `faults.CALLBACK`."""
        told = record.told()
        if fault == "none":
            return
        if fault == "other_amount":
            told["amount"] = float(record.amount) + 1
        if fault == "unknown_id":
            told["id"] = secrets.token_hex(16).upper()
        secret = secrets.token_hex(16).upper() if fault == "forged" else record.callback_identifier
        for _ in range(2 if fault == "twice" else 1):
            threading.Thread(target=self._deliver, args=(record, told, secret), daemon=True).start()

    def _deliver(
        self, record: Payment | Refund, told: dict[str, object], secret: str | None
    ) -> None:
        for attempt in range(TRIES):
            wait = FIRST_WAIT_SECONDS * 2 ** (attempt - 1) / self._speed if attempt else 0
            if self._stopped.wait(wait):
                return
            answer = self._try(record, told, secret)
            record.callbacks.append(Attempt(now(), answer))
            if answer.startswith("2"):
                return

    def _try(self, record: Payment | Refund, told: dict[str, object], secret: str | None) -> str:
        headers = {"Content-Type": "application/json"}
        if secret:
            headers["callbackIdentifier"] = secret
        try:
            with httpx.Client(trust_env=False, timeout=ANSWER_WITHIN_SECONDS) as http:
                answer = http.post(record.callback_url, content=json.dumps(told), headers=headers)
        except httpx.HTTPError as error:
            return type(error).__name__
        return str(answer.status_code)
