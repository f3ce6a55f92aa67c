"""A running Swish simulator, our client to it over mutual TLS, and a receiver of its callbacks.

A test module takes them with `pytest_plugins = ["tests.swish_fixtures"]`.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
from werkzeug.wrappers import Request, Response

from portal.config import Settings
from portal.payments.swish import SwishClient
from simulators.certificates import SWISH_PAYEE_ALIAS, Certificates, ensure
from simulators.serving import serve
from simulators.swish import Running, start

# The first wait between callbacks becomes 0.3 s, the three minutes of a request 12 s, so that no
# test on a busy machine is too slow to pay …
SPEED = 15
# … but those about running out need not wait.
HASTY_SPEED = 180


@dataclass
class Call:
    """One callback as it came."""

    body: bytes
    headers: dict[str, str]

    @property
    def told(self) -> dict[str, object]:
        """The JSON in it."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """An HTTP server that keeps what it is sent. answers: the next statuses, then always 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @Request.application
    def _app(self, request: Request) -> Response:
        with self._changed:
            headers = {name.lower(): value for name, value in request.headers.items()}
            self.calls.append(Call(request.get_data(), headers))
            status = self.answers.pop(0) if self.answers else 200
            self._changed.notify_all()
        return Response(status=status)

    def wait_for(self, count: int) -> list[Call]:
        """The first calls, once there are as many; fails when they do not come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.calls) >= count, timeout=20)
            return list(self.calls[:count])


@dataclass(frozen=True)
class Swish:
    """The simulator and, in `client`, our end of it."""

    running: Running
    client: SwishClient

    def another_client(self, **settings: object) -> SwishClient:
        """A further client with the merchant's certificate; settings as for SwishClient."""
        return _client(self.running, **settings)

    def control(self, path: str, **asked: object) -> httpx.Response:
        """POST to the simulator's control; the answer must be a success."""
        answer = httpx.post(f"{self.running.payer.url}/control/{path}", json=asked, trust_env=False)
        answer.raise_for_status()
        return answer

    def seen(self, payment_id: str) -> dict[str, object]:
        """What the simulator knows of a payment request, its token and callbacks included."""
        url = f"{self.running.payer.url}/control/requests/{payment_id}"
        answer = httpx.get(url, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def settings(self, settings: Settings) -> Settings:
        """The portal's settings, pointed at this simulator."""
        paths = self.running.certificates
        return replace(
            settings,
            swish_address=self.running.api.url,
            swish_payee_alias=SWISH_PAYEE_ALIAS,
            swish_certificate=str(paths.swish_client),
            swish_key=str(paths.swish_client_key),
            swish_ca=str(paths.tls_ca),
        )

    def answered(self, payment_id: str, count: int = 1) -> list[str]:
        """What the receiver of callbacks answered, once there are as many answers."""
        until = time.monotonic() + 20
        while len(answers := self.seen(payment_id)["callbacks"]) < count:
            assert time.monotonic() < until, f"{len(answers)} callbacks of {count}"
            time.sleep(0.02)
        return [one["answer"] for one in answers]


@pytest.fixture(scope="session")
def simulator_certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """The simulators' certificates, made once for all tests of a run."""
    folder: Path = tmp_path_factory.getbasetemp()
    if folder.name.startswith("popen-"):
        folder = folder.parent
    return ensure(folder / "simulator-certificates")


@pytest.fixture
def swish(simulator_certificates: Certificates) -> Iterator[Swish]:
    """A fresh simulator and our client."""
    with _running(simulator_certificates, SPEED) as swish:
        yield swish


@pytest.fixture
def hasty_swish(simulator_certificates: Certificates) -> Iterator[Swish]:
    """A simulator whose payment requests run out after a second."""
    with _running(simulator_certificates, HASTY_SPEED) as swish:
        yield swish


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real HTTP server for callbacks."""
    receiver = Receiver()
    with serve(receiver._app, "127.0.0.1", 0) as server:
        receiver.url = f"{server.url}/swish/callback"
        yield receiver


@contextmanager
def _running(certificates: Certificates, speed: float) -> Iterator[Swish]:
    running = start(certificates.folder, speed=speed)
    client = _client(running)
    try:
        yield Swish(running, client)
    finally:
        client.close()
        running.stop()


def _client(running: Running, **settings: object) -> SwishClient:
    paths = running.certificates
    return SwishClient(
        running.api.url,
        SWISH_PAYEE_ALIAS,
        paths.swish_client,
        paths.swish_client_key,
        paths.tls_ca,
        **settings,
    )
