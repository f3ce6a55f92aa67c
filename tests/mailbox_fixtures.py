"""A running operator of digital mailboxes, at which nobody has one until a test says so."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from portal.config import Settings
from portal.delivery.channels.mailbox import Operator
from simulators.mailbox import CLIENT_ID, CLIENT_SECRET, TENANT, Running, start
from simulators.mailbox.mailboxes import Fault, Letter


@dataclass(frozen=True)
class Boxes:
    """The operator."""

    running: Running

    def settings(self, settings: Settings, **others: str) -> Settings:
        """Some settings, pointed at this operator."""
        return replace(
            settings,
            **{
                "mailbox_url": self.running.url, "mailbox_client_id": CLIENT_ID,
                "mailbox_client_secret": CLIENT_SECRET, "mailbox_tenant": TENANT, **others,
            },
        )  # fmt: skip

    def operator(self, **others: str) -> Operator:
        """Somebody who hands letters over to it."""
        return Operator(self.settings(Settings(), **others))

    def give(self, *numbers: str) -> None:
        """Let some have a mailbox."""
        for number in numbers:
            self.running.mailboxes.give(number)

    def close(self, number: str) -> None:
        """Let somebody leave."""
        self.running.mailboxes.close(number)

    def go_wrong(self, *kinds: str, seconds: float = 0) -> None:
        """Let the next answers go wrong, of `mailboxes.FAULTS`."""
        self.running.mailboxes.faults.extend(Fault(kind, seconds) for kind in kinds)

    def letters(self, to: str | None = None) -> list[Letter]:
        """What came, the oldest first."""
        return self.running.mailboxes.letters(to)

    @property
    def matched(self) -> list[int]:
        """How many receivers each question was about."""
        return self.running.mailboxes.matched


@pytest.fixture
def boxes() -> Iterator[Boxes]:
    """A fresh operator, at which nobody has a mailbox."""
    running = start()
    for number in running.mailboxes.owners():
        running.mailboxes.close(number)
    yield Boxes(running)
    running.stop()
