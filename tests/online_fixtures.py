"""A running payment provider for card and account."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx
import pytest

from portal.config import Settings
from simulators.online import CALLBACK_KEY, KEY, Running, start
from simulators.online.register import Payment


@dataclass(frozen=True)
class Online:
    """The provider."""

    running: Running

    def settings(self, settings: Settings) -> Settings:
        """The portal's settings, pointed at this provider."""
        return replace(
            settings,
            online_address=self.running.url,
            online_key=KEY,
            online_callback_key=CALLBACK_KEY,
        )

    def control(self, path: str, **asked: object) -> None:
        """POST to the control of tests; the answer must be a success."""
        url = f"{self.running.url}/control/{path}"
        httpx.post(url, json=asked, trust_env=False).raise_for_status()

    def ends(self, payment_id: str, outcome: str, **asked: object) -> None:
        """What the payer does: approve, decline or cancel; or fail, or silence of the bank."""
        self.control(f"payments/{payment_id}/{outcome}", **asked)

    def ends_silently(self, payment_id: str, outcome: str, **asked: object) -> None:
        """The same, and the provider does not call back."""
        self.control("next", callback="none")
        self.ends(payment_id, outcome, **asked)

    def charges_back(self, payment_id: str, amount_ore: int | None = None) -> str:
        """The payer's bank takes back what is left, or an amount; answers the provider's id."""
        asked = {} if amount_ore is None else {"amount": amount_ore}
        url = f"{self.running.url}/control/payments/{payment_id}/chargeback"
        answer = httpx.post(url, json=asked, trust_env=False).raise_for_status()
        return str(answer.json()["id"])

    def gives_back(self, chargeback_id: str) -> None:
        """What was taken back comes again."""
        self.control(f"chargebacks/{chargeback_id}/return")

    def payment(self, payment_id: str) -> Payment:
        """A payment as the provider has it."""
        found = self.running.register.payment(payment_id)
        assert found is not None
        return found

    def answered(self, payment_id: str, count: int = 1) -> list[str]:
        """What the portal answered to callbacks, once there are as many answers."""
        until = time.monotonic() + 20
        while len(answers := self.payment(payment_id).answers) < count:
            assert time.monotonic() < until, f"{len(answers)} callbacks of {count}"
            time.sleep(0.02)
        return list(answers)


@pytest.fixture
def online() -> Iterator[Online]:
    """A fresh provider."""
    running = start()
    yield Online(running)
    running.stop()
