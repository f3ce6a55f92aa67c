"""A running BankID simulator and our client to it over mutual TLS."""

import hashlib
import hmac
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace

import httpx
import pytest

from portal.config import Settings
from portal.identity.bankid import BankID
from simulators.bankid.running import Simulator, start
from simulators.certificates import Certificates

# One for all: what httpx prepares for TLS with each client costs more than a call.
_control = httpx.Client(trust_env=False)


def pointed_at(settings: Settings, simulator: Simulator) -> Settings:
    """The settings of an application whose BankID is the simulator."""
    paths = simulator.certificates
    return replace(
        settings,
        bankid_address=simulator.address,
        bankid_certificate=str(paths.bankid_client),
        bankid_key=str(paths.bankid_client_key),
        bankid_ca=str(paths.tls_ca),
        bankid_roots=str(paths.bankid_root),
    )


def qr_text(order: dict[str, str], seconds: int) -> str:
    """What the animated QR code of a started order says so many seconds after the start."""
    code = hmac.new(order["qrStartSecret"].encode(), str(seconds).encode(), hashlib.sha256)
    return f"bankid.{order['qrStartToken']}.{seconds}.{code.hexdigest()}"


@dataclass(frozen=True)
class Phone:
    """The simulator and, in `client`, our end of it."""

    simulator: Simulator
    client: BankID

    def control(self, path: str, **asked: object) -> dict[str, object]:
        """POST to the simulator's control; the answer must be a success."""
        answer = _control.post(f"{self.simulator.phone_url}control/{path}", json=asked)
        answer.raise_for_status()
        return answer.json()

    def approve(self, order_ref: str, personal_number: str) -> None:
        """Somebody approves an order with their BankID."""
        self.control(f"orders/{order_ref}/approve", personalNumber=personal_number)

    def hint(self, order_ref: str, hint_code: str) -> None:
        """An order goes on or fails with a hint code."""
        self.control(f"orders/{order_ref}/hint", hintCode=hint_code)

    def order(self, order_ref: str) -> dict[str, object]:
        """What the simulator knows of an order."""
        return self._ask(f"orders/{order_ref}")

    def newest(self) -> dict[str, object]:
        """The order that was started last."""
        return self.waiting()[0]

    def waiting(self) -> list[dict[str, object]]:
        """The orders under way, newest first."""
        return self._ask("orders")["orders"]

    def _ask(self, path: str) -> dict[str, object]:
        answer = _control.get(f"{self.simulator.phone_url}control/{path}")
        answer.raise_for_status()
        return answer.json()


@pytest.fixture(scope="session")
def bankid_simulator(simulator_certificates: Certificates) -> Iterator[Simulator]:
    """The simulator as a server of its own, in real time."""
    with start(simulator_certificates.folder) as simulator:
        yield simulator


@pytest.fixture
def phone(bankid_simulator: Simulator) -> Iterator[Phone]:
    """The simulator with no fault or order left over from another test."""
    paths = bankid_simulator.certificates
    client = BankID(
        bankid_simulator.address, paths.bankid_client, paths.bankid_client_key, paths.tls_ca
    )
    found = Phone(bankid_simulator, client)
    _control.delete(f"{bankid_simulator.phone_url}control/next")
    for order in found.waiting():
        found.control(f"orders/{order['orderRef']}/cancel")
    yield found
    client.client.close()


def tls_of(simulator: Simulator) -> ssl.SSLContext:
    """TLS as the relying party speaks it, with its client certificate."""
    paths = simulator.certificates
    context = ssl.create_default_context(cafile=paths.tls_ca)
    context.load_cert_chain(paths.bankid_client, paths.bankid_client_key)
    return context


@pytest.fixture
def relying_party(phone: Phone) -> Iterator[httpx.Client]:
    """A bare HTTP client with our certificate, for what our own client never sends."""
    with httpx.Client(
        base_url=phone.simulator.address, verify=tls_of(phone.simulator), trust_env=False
    ) as client:
        yield client


@dataclass
class Clock:
    """Seconds that pass only when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Timed:
    """A simulator whose time a test moves: `rp` calls its API, `browser` its phone."""

    clock: Clock
    rp: httpx.Client
    browser: httpx.Client


@pytest.fixture
def timed(bankid_simulator: Simulator) -> Iterator[Timed]:
    """A simulator of its own whose clock stands still."""
    clock, folder = Clock(), bankid_simulator.certificates.folder
    with (
        start(folder, clock=clock) as simulator,
        httpx.Client(
            base_url=simulator.address, verify=tls_of(simulator), trust_env=False
        ) as relying_party,
        httpx.Client(base_url=simulator.phone_url, trust_env=False) as browser,
    ):
        yield Timed(clock, relying_party, browser)
