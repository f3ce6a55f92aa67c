"""A running provider of text messages that keeps what it is given."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from portal.config import Settings
from portal.delivery.channels.sms import Gateway
from simulators.sms import Running, start
from simulators.sms.phones import Received


@dataclass(frozen=True)
class Phones:
    """The provider."""

    running: Running

    def settings(self, settings: Settings, **others: str) -> Settings:
        """Some settings, pointed at this provider."""
        return replace(settings, sms_url=self.running.url, **others)

    def gateway(self, **others: str) -> Gateway:
        """Somebody who hands messages over to it."""
        return Gateway(self.settings(Settings(), **others))

    def messages(self, to: str | None = None) -> list[Received]:
        """What came, the oldest first."""
        return self.running.phones.messages(to)


@pytest.fixture
def phones() -> Iterator[Phones]:
    """A fresh provider."""
    running = start()
    yield Phones(running)
    running.stop()
