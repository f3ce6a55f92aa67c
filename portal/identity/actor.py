"""Who does something, for the history."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """kind: `person`, `debtor`, `system`, `swish`, `provider` (of payments) or
    `bank`. name: of a person, for the history.

    role: of a person, whose side they act on: `creditor` or `operator`.
    """

    kind: str
    name: str = ""
    person_id: int | None = None
    role: str = ""

    @property
    def label(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


SYSTEM = Actor("system")
DEBTOR = Actor("debtor")
SWISH = Actor("swish")
PROVIDER = Actor("provider")
BANK = Actor("bank")
