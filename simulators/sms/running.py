"""The provider, started and stopped."""

from dataclasses import dataclass

from simulators import serving
from simulators.sms.pages import create_pages
from simulators.sms.phones import Phones

# Of the demo; a portal in production has another.
KEY = "development-only-sms-key"
CALLBACK_KEY = "development-only-sms-callback-key"


@dataclass(frozen=True)
class Running:
    """A running simulator. phones: what came, and what it answers next."""

    phones: Phones
    server: serving.Server

    @property
    def url(self) -> str:
        """Where it takes messages, and shows them."""
        return self.server.url

    def stop(self) -> None:
        """Take and tell nothing more."""
        self.phones.stop()
        self.server.stop()


def start(
    *,
    port: int = 0,
    key: str = KEY,
    callback_key: str = CALLBACK_KEY,
    arrive_after: float | None = None,
) -> Running:
    """Start on the loopback interface; port 0 takes a free one.

    key: whoever sends must have it. callback_key, arrive_after: as of `Phones`.
    """
    phones = Phones(callback_key, arrive_after)
    return Running(phones, serving.serve(create_pages(phones, key), "127.0.0.1", port))
