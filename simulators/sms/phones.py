"""The text messages that have come, and what the provider answers next."""

import re
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

_KEPT = 500
_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Received:
    """A message as it came. key: the sender's name for it, under which it comes but once."""

    number: int
    sender: str
    to: str
    text: str
    key: str
    received_at: datetime

    @property
    def links(self) -> list[str]:
        """Every address in it, in its order."""
        return _LINK.findall(self.text)

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """The text in pieces, and of each whether it is an address to follow."""
        end = 0
        for found in _LINK.finditer(self.text):
            yield self.text[end : found.start()], False
            yield found.group(), True
            end = found.end()
        yield self.text[end:], False


@dataclass
class Phones:
    """All messages, the newest last.

    answers: what is said to the next senders instead of taking theirs: a status and a body.
    """

    answers: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)
    _messages: deque[Received] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _changed: threading.Lock = field(default_factory=threading.Lock)
    _count: int = 0

    def take(self, sender: str, to: str, text: str, key: str) -> tuple[Received, bool]:
        """Keep a message, unless one with its key is kept. Answers it, and whether it is new."""
        with self._changed:
            known = next((one for one in self._messages if one.key == key), None)
            if known is not None:
                return known, False
            self._count += 1
            kept = Received(self._count, sender, to, text, key, datetime.now(UTC))
            self._messages.append(kept)
            return kept, True

    def messages(self, to: str | None = None) -> list[Received]:
        """The messages that are kept, the oldest first. to: one number only."""
        with self._changed:
            return [one for one in self._messages if to is None or one.to == to]

    def empty(self) -> None:
        """Forget all messages."""
        with self._changed:
            self._messages.clear()

    def answer(self) -> tuple[int, dict[str, str]] | None:
        """What to say to the next sender, if not that it is taken."""
        with self._changed:
            return self.answers.popleft() if self.answers else None
