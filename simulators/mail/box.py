"""The mails that have come, and what the server answers next."""

import re
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage

_KEPT = 500
_LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True)
class Received:
    """A mail as it came: envelope and message. user: who had logged in, if anybody."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    is_encrypted: bool
    user: str | None
    received_at: datetime

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "(no subject)")

    @property
    def text(self) -> str:
        """The plain text of it."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The HTML of it."""
        return self._part("html")

    @property
    def links(self) -> list[str]:
        """Every address in the plain text, in its order."""
        return _LINK.findall(self.text)

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """The plain text in pieces, and of each whether it is an address to follow."""
        end = 0
        for found in _LINK.finditer(self.text):
            yield self.text[end : found.start()], False
            yield found.group(), True
            end = found.end()
        yield self.text[end:], False

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if part is not None else ""


@dataclass
class Box:
    """All mails, the newest last; the same one twice when it was handed over twice.

    answers: what the server says to the next recipients instead of taking them, such as
    "450 4.2.0 later".
    """

    answers: deque[str] = field(default_factory=deque)
    _mails: deque[Received] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _count: int = 0

    def take(
        self,
        message: EmailMessage,
        sender: str,
        recipients: tuple[str, ...],
        *,
        is_encrypted: bool = False,
        user: str | None = None,
    ) -> None:
        """Keep a mail."""
        with self._changed:
            self._count += 1
            self._mails.append(
                Received(self._count, sender, recipients, message, is_encrypted, user,
                         datetime.now(UTC))
            )  # fmt: skip
            self._changed.notify_all()

    def mails(self, to: str | None = None) -> list[Received]:
        """The mails that are kept, the oldest first. to: one address only."""
        with self._changed:
            return [one for one in self._mails if to is None or to in one.recipients]

    def find(self, number: int) -> Received | None:
        """A mail by its number."""
        return next((one for one in self.mails() if one.number == number), None)

    def empty(self) -> None:
        """Forget all mails."""
        with self._changed:
            self._mails.clear()

    def answer(self) -> str | None:
        """What to say to the next recipient, if not that it is taken."""
        with self._changed:
            return self.answers.popleft() if self.answers else None
