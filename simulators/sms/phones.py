"""The text messages that have come, what became of them, and what the provider answers next."""

import hashlib
import hmac
import json
import re
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

_KEPT = 500
DELIVERED, FAILED = "delivered", "failed"
TRIES = 5
FIRST_WAIT_SECONDS = 2.0
ANSWER_WITHIN_SECONDS = 10.0
# What may become of the next callback.
CALLBACKS = ("none", "twice", "forged")
_LINK = re.compile(r"https?://\S+")


@dataclass
class Received:
    """A message as it came, and its status.

    id: our name for it. key: the sender's, under which it comes but once. answers: what the sender
    said to each callback.
    """

    id: str
    sender: str
    to: str
    text: str
    key: str
    callback_url: str
    received_at: datetime
    status: str = "accepted"
    answers: list[str] = field(default_factory=list)

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

    callback_key: signs callbacks. arrive_after: seconds until a message arrives by itself; None:
    only when somebody says so. answers: what is said to the next senders instead of taking theirs:
    a status and a body. callbacks: what becomes of the next callbacks, of CALLBACKS.
    """

    callback_key: str = ""
    arrive_after: float | None = None
    answers: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)
    callbacks: deque[str] = field(default_factory=deque)
    _messages: deque[Received] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _changed: threading.Lock = field(default_factory=threading.Lock)
    _stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Tell senders nothing more."""
        self._stopped.set()

    def take(
        self, sender: str, to: str, text: str, key: str, callback_url: str = ""
    ) -> tuple[Received, bool]:
        """Keep a message, unless one with its key is kept. Answers it, and whether it is new."""
        with self._changed:
            known = next((one for one in self._messages if one.key == key), None)
            if known is not None:
                return known, False
            name, now = secrets.token_hex(8), datetime.now(UTC)
            kept = Received(name, sender, to, text, key, callback_url, now)
            self._messages.append(kept)
        if self.arrive_after is not None:
            self._begin(self._arrive, kept)
        return kept, True

    def message(self, name: str) -> Received | None:
        """A message by our name for it."""
        with self._changed:
            return next((one for one in self._messages if one.id == name), None)

    def end(self, message: Received, status: str) -> None:
        """Let a message arrive or fail, and tell its sender; what has ended stays as it is."""
        with self._changed:
            if message.status != "accepted":
                return
            message.status = status
            fault = self.callbacks.popleft() if self.callbacks else ""
        if message.callback_url and fault != "none":
            for _ in range(2 if fault == "twice" else 1):
                self._begin(self._tell, message, fault == "forged")

    def _begin(self, what: Callable[..., None], *about: object) -> None:
        threading.Thread(target=what, args=about, daemon=True).start()

    def _arrive(self, message: Received) -> None:
        if not self._stopped.wait(self.arrive_after):
            self.end(message, DELIVERED)

    def _tell(self, message: Received, is_forged: bool) -> None:
        body = json.dumps({"id": message.id, "status": message.status}).encode()
        key = "somebody-else" if is_forged else self.callback_key
        signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        for attempt in range(TRIES):
            wait = FIRST_WAIT_SECONDS * 2 ** (attempt - 1) if attempt else 0
            if self._stopped.wait(wait):
                return
            answer = _post(message.callback_url, body, signature)
            message.answers.append(answer)
            if answer.startswith("2"):
                return

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


def _post(url: str, body: bytes, signature: str) -> str:
    headers = {"Content-Type": "application/json", "Sms-Signature": signature}
    try:
        with httpx.Client(trust_env=False, timeout=ANSWER_WITHIN_SECONDS) as http:
            return str(http.post(url, content=body, headers=headers).status_code)
    except httpx.HTTPError as error:
        return type(error).__name__
