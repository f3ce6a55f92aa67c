"""The invented people of the demo and the tests: `people.csv` beside this file.

Their personal identity numbers are among those that the Swedish Tax Agency publishes for tests and
never gives to anyone; names, languages and uses are our own.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("people.csv")


@dataclass(frozen=True)
class Person:
    """One invented person; `language` is a locale of ours, `use` the part played in the demo."""

    personal_number: str
    given_name: str
    surname: str
    language: str
    use: str

    @property
    def name(self) -> str:
        """Given name and surname."""
        return f"{self.given_name} {self.surname}"


@cache
def people() -> tuple[Person, ...]:
    """Everybody, in the order of the file."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Person(
                row["personal_identity_number"],
                row["given_name"],
                row["surname"],
                row["language"],
                row["use"],
            )
            for row in csv.DictReader(file)
        )


def person(personal_number: str) -> Person:
    """The one with the given number (twelve digits). Raises KeyError when there is none."""
    for one in people():
        if one.personal_number == personal_number:
            return one
    raise KeyError("no such person")
