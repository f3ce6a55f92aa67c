"""The provider, started and stopped."""

from dataclasses import dataclass

from simulators import serving
from simulators.online.pages import create_pages
from simulators.online.register import Register

# Of the demo; a portal in production has others.
KEY = "development-only-payments-key"
CALLBACK_KEY = "development-only-payments-callback-key"


@dataclass(frozen=True)
class Running:
    """A running simulator. register: the payments, and what goes wrong next."""

    register: Register
    server: serving.Server

    @property
    def url(self) -> str:
        """Where the merchant asks, and where payers come."""
        return self.server.url

    def stop(self) -> None:
        """Take and tell nothing more."""
        self.register.stop()
        self.server.stop()


def start(*, port: int = 0, key: str = KEY, callback_key: str = CALLBACK_KEY) -> Running:
    """Start on the loopback interface; port 0 takes a free one.

    key: whoever asks must have it. callback_key: signs the callbacks.
    """
    register = Register(callback_key)
    return Running(register, serving.serve(create_pages(register, key), "127.0.0.1", port))
