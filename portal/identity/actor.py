"""Who does something, for the history."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """kind: `person`, `debtor`, `system` or `swish`. name: of a person, for the history."""

    kind: str
    name: str = ""
    person_id: int | None = None

    @property
    def label(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


SYSTEM = Actor("system")
DEBTOR = Actor("debtor")
SWISH = Actor("swish")
