"""A running mail server that keeps what it is given."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from portal.config import Settings
from portal.delivery.channels.mail import Postman
from simulators.certificates import Certificates
from simulators.mail import Running, start
from simulators.mail.box import Received

USER, PASSWORD = "reda", "hemligt"


@dataclass(frozen=True)
class Mailbox:
    """The server. settings: the portal's, pointed at it."""

    running: Running

    def settings(self, settings: Settings, **others: str) -> Settings:
        """Some settings, pointed at this server."""
        return replace(settings, smtp_host="127.0.0.1", smtp_port=str(self.running.port), **others)

    def postman(self, **others: str) -> Postman:
        """Somebody who hands mails over to it."""
        return Postman(self.settings(Settings(), **others))

    def mails(self, to: str | None = None) -> list[Received]:
        """What came, the oldest first."""
        return self.running.box.mails(to)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A fresh server that takes mails from anybody, in the clear."""
    running = start()
    yield Mailbox(running)
    running.stop()


@pytest.fixture
def strict_mailbox(simulator_certificates: Certificates) -> Iterator[Mailbox]:
    """A server that takes mails over TLS alone, from who has logged in."""
    paths = simulator_certificates
    running = start(
        certificate=paths.swish_server, key=paths.swish_server_key, user=USER, password=PASSWORD
    )
    yield Mailbox(running)
    running.stop()
