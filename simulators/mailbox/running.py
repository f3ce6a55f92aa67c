"""The operator, started and stopped."""

from dataclasses import dataclass

from simulators import serving
from simulators.mailbox.api import add_api
from simulators.mailbox.mailboxes import Mailboxes
from simulators.mailbox.pages import create_pages

# Of the demo; a portal in production has others.
CLIENT_ID = "development-only-mailbox"
CLIENT_SECRET = "development-only-mailbox-secret"  # noqa: S105
TENANT = "1500000000000000000000000000000000000000"


@dataclass(frozen=True)
class Running:
    """A running simulator. mailboxes: who has one, what came, and what goes wrong next."""

    mailboxes: Mailboxes
    server: serving.Server

    @property
    def url(self) -> str:
        """Where it takes letters, and shows them."""
        return self.server.url

    def stop(self) -> None:
        """Take nothing more."""
        self.server.stop()


def start(*, port: int = 0) -> Running:
    """Start on the loopback interface; port 0 takes a free one."""
    mailboxes = Mailboxes()
    app = create_pages(mailboxes)
    add_api(app, mailboxes, client=(CLIENT_ID, CLIENT_SECRET), tenant=TENANT)
    return Running(mailboxes, serving.serve(app, "127.0.0.1", port))
