"""A running BankID simulator and our client to it over mutual TLS.

A test module takes them with `pytest_plugins = ["tests.bankid_fixtures"]`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from portal.identity.bankid import BankID
from simulators.bankid.running import Simulator, start


@dataclass(frozen=True)
class Phone:
    """The simulator and, in `client`, our end of it."""

    simulator: Simulator
    client: BankID

    def control(self, path: str, **asked: object) -> dict[str, object]:
        """POST to the simulator's control; the answer must be a success."""
        answer = httpx.post(
            f"{self.simulator.phone_url}control/{path}", json=asked, trust_env=False
        )
        answer.raise_for_status()
        return answer.json()

    def approve(self, order_ref: str, personal_number: str) -> None:
        """Somebody approves an order with their BankID."""
        self.control(f"orders/{order_ref}/approve", personalNumber=personal_number)


@pytest.fixture(scope="session")
def bankid_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """The simulator as a server of its own, in real time."""
    with start(tmp_path_factory.mktemp("bankid")) as simulator:
        yield simulator


@pytest.fixture
def phone(bankid_simulator: Simulator) -> Iterator[Phone]:
    """The simulator with no fault left over from another test."""
    paths = bankid_simulator.certificates
    client = BankID(
        bankid_simulator.address, paths.bankid_client, paths.bankid_client_key, paths.tls_ca
    )
    found = Phone(bankid_simulator, client)
    httpx.delete(f"{bankid_simulator.phone_url}control/next", trust_env=False)
    yield found
    client.client.close()
