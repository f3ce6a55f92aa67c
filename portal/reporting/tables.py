"""What a report is: texts and tables of exact values, before anybody writes them down somewhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from flask_babel import gettext

from portal.messages import Problem

# What a column holds: text, a day, öre, a whole number, a number with decimals, per cent.
TEXT, DAY, MONEY, COUNT, DECIMAL, PERCENT = "text", "day", "money", "count", "decimal", "percent"
NUMERIC = (MONEY, COUNT, DECIMAL, PERCENT)

# A text that is translated when it is written down; its values are whole numbers and plain texts.
Text = Problem
# None: not known, or nothing to tell. A Text is translated.
Value = str | date | int | Decimal | Text | None
Row = Sequence[Value]


@dataclass(frozen=True)
class Column:
    """label: marked text. kind: one of the above. is_summed: its values are added up in the end.

    is_under: where there is little room, it stands under the column before it.
    """

    label: str
    kind: str = TEXT
    is_summed: bool = False
    is_under: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether it stands to the right."""
        return self.kind in NUMERIC


@dataclass
class Table:
    """A table whose rows are read once, from the database as they are asked for.

    total: the last row, where it is not the sum of the others; known at the latest when all rows
    are read. After `read`, sums holds what came of the summed columns.
    """

    title: str
    columns: Sequence[Column]
    rows: Iterable[Row]
    total: list[Value] | None = None
    empty: str = ""
    count: int = 0
    sums: dict[int, int] = field(default_factory=dict)

    @property
    def groups(self) -> list[list[tuple[int, Column]]]:
        """The columns with their places, those together that stand under each other."""
        found: list[list[tuple[int, Column]]] = []
        for place, column in enumerate(self.columns):
            if column.is_under:
                found[-1].append((place, column))
            else:
                found.append([(place, column)])
        return found

    def read(self) -> Iterator[Row]:
        """The rows, counted and summed as they go by."""
        summed = [place for place, column in enumerate(self.columns) if column.is_summed]
        self.count, self.sums = 0, dict.fromkeys(summed, 0)
        for row in self.rows:
            self.count += 1
            for place in summed:
                self.sums[place] += _ore_or_count(row[place])
            yield row

    def total_row(self, label: str) -> Row | None:
        """The last row, once all are read; None where there is nothing to sum up."""
        if self.total is not None:
            return self.total
        if not self.sums or not self.count:
            return None
        return [label, *(self.sums.get(place) for place in range(1, len(self.columns)))]


def _ore_or_count(value: Value) -> int:
    return value if isinstance(value, int) else 0


@dataclass(frozen=True)
class Report:
    """What a report tells.

    name: in addresses. subject: what it is about and for when. notes: what it rests on, and what it
    does not say. currency: of every sum in it.
    """

    name: str
    title: str
    subject: Text
    notes: Sequence[Text]
    tables: Sequence[Table]
    currency: str = "SEK"


def said(value: Value) -> str:
    """A text in the language now in force; of another value, its plain form."""
    if isinstance(value, Problem):
        message = gettext(value.message)
        return message % value.values if value.values else message
    return "" if value is None else str(value)


def all_rows(table: Table) -> list[Row]:
    """All rows of a table at once, for a page."""
    return list(table.read())


Parameters = Mapping[str, str]
