"""Texts that a room hands upwards, for a door to translate.

Rooms know neither the reader's language nor Flask. They mark an English text with `N_`, so that it
is extracted into the catalogues, and carry it with its values to the door that says it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def N_(message: str) -> str:  # noqa: N802
    """Mark a text for translation; answers it unchanged."""
    return message


@dataclass(frozen=True)
class Problem:
    """What is wrong with one value of some input.

    message: English text with %(name)s places, marked with `N_` where it is written.
    values: what goes in the places, as plain strings and numbers.
    field: name of the form field or record attribute, or None when the whole is meant.
    line: line of the file that it came from (first line is 1), or None.
    """

    message: str
    values: Mapping[str, object] = field(default_factory=dict)
    field: str | None = None
    line: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As JSON values, to be kept until somebody reads it."""
        values = {key: value if isinstance(value, int) else str(value)
                  for key, value in self.values.items()}  # fmt: skip
        return {"message": self.message, "values": values, "field": self.field, "line": self.line}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Problem":
        """The problem again, as `as_json` wrote it."""
        return cls(kept["message"], kept["values"], kept["field"], kept["line"])


class RedaError(Exception):
    """An act that cannot be done, and the text that tells the person why and what to do."""

    status = 422

    def __init__(self, message: str, *, field: str | None = None, **values: object) -> None:
        super().__init__(message % values if values else message)
        self.problem = Problem(message, values, field)
