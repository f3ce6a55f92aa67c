"""Who has a mailbox, what lies in it, and what goes wrong next."""

import hashlib
import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulators.people import people

_KEPT = 2_000
TOKEN_SECONDS = 28_800
# The companies of the demo's customers that have a mailbox, by VAT number.
COMPANIES = {"SE556900000201": "Ume Bageri AB"}
# What may happen instead of a right answer. lose: everything is done, and the answer does not come.
FAULTS = ("slow", "401", "429", "500", "refuse", "opted out", "lose")


@dataclass(frozen=True)
class Letter:
    """A letter in a mailbox. key: our name for it. to: the receiver's number, as the sender wrote.

    pdf: as it came. payment: what it asks to be paid, as the sender told it.
    """

    key: str
    to: str
    subject: str
    type: str
    pdf: bytes
    payment: Mapping[str, Any] | None
    received_at: datetime


@dataclass(frozen=True)
class Fault:
    """What goes wrong with an answer. seconds: how long one that is slow takes, or asks to wait."""

    kind: str
    seconds: float = 0


@dataclass
class Mailboxes:
    """All mailboxes. Every second of the demo's people has one; `give` and `close` change that.

    faults: of the next answers about letters and receivers, the next first. matched: how many
    receivers each question was about. is_empty: nobody has a mailbox, whoever has one.
    """

    faults: deque[Fault] = field(default_factory=deque)
    matched: list[int] = field(default_factory=list)
    is_empty: bool = False
    _letters: deque[Letter] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _by_digest: dict[str, str] = field(default_factory=dict)
    _tokens: dict[str, float] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)
    _changed: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._owners |= {one.personal_number: one.name for one in people()[::2]} | COMPANIES

    def give(self, number: str, name: str = "") -> None:
        """Let somebody have a mailbox."""
        with self._changed:
            self._owners[number] = name

    def close(self, number: str) -> None:
        """Let somebody leave; what lies there stays."""
        with self._changed:
            self._owners.pop(number, None)

    def owners(self) -> dict[str, str]:
        """Number and name of everybody who has one."""
        with self._changed:
            return {} if self.is_empty else dict(self._owners)

    def new_token(self) -> str:
        """A token that holds for TOKEN_SECONDS."""
        token = secrets.token_urlsafe(24)
        with self._changed:
            self._tokens[token] = time.monotonic() + TOKEN_SECONDS
        return token

    def holds(self, token: str) -> bool:
        """Whether a token holds."""
        with self._changed:
            return time.monotonic() < self._tokens.get(token, 0.0)

    def end_tokens(self) -> None:
        """Let no token hold any more."""
        with self._changed:
            self._tokens.clear()

    def take(self, to: str, body: Mapping[str, Any], pdf: bytes) -> Letter:
        """Lay a letter into a mailbox, unless the same has come before, but for `generated_at`."""
        said = {key: value for key, value in body.items() if key != "generated_at"}
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        with self._changed:
            known = next(
                (one for one in self._letters if one.key == self._by_digest.get(digest)), None
            )
            if known is not None:
                return known
            letter = Letter(
                secrets.token_hex(20), to, body["subject"], body["type"], pdf,
                body.get("payment_multiple_options"), datetime.now(UTC),
            )  # fmt: skip
            self._by_digest[digest] = letter.key
            self._letters.append(letter)
            return letter

    def letters(self, to: str | None = None) -> list[Letter]:
        """The letters, the oldest first. to: of one mailbox only."""
        with self._changed:
            return [one for one in self._letters if to is None or one.to == to]

    def fault(self) -> Fault | None:
        """What goes wrong with this answer."""
        with self._changed:
            return self.faults.popleft() if self.faults else None


def name_of(number: str) -> str:
    """What stands for a number in addresses, which are kept in histories."""
    return hashlib.sha256(number.encode()).hexdigest()[:16]
