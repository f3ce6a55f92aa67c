"""Several queries asked in one statement, for a page that would otherwise wait for each of them.

A room offers a `Part`: its query, and what the rows are made into. Whoever shows the page puts the
parts of several rooms together, and no room knows another's tables. The statement is written out
once; what SQLAlchemy would do for it at each page costs more than the page's own work.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, Generic, TypeVar

from sqlalchemy import Date, DateTime, Numeric, Select, String, cast, func, select
from sqlalchemy.dialects.postgresql import psycopg

from portal.extensions import db

T = TypeVar("T")
Row = list[Any]
# What JSON does not know is told as text.
_READ_AS: tuple[tuple[type[Any], Callable[[str], Any]], ...] = (
    (DateTime, datetime.fromisoformat),
    (Date, date.fromisoformat),
    (Numeric, Decimal),
)


@dataclass(frozen=True)
class Part(Generic[T]):
    """A query whose values are bound by name, and what its rows, in their order, are made into."""

    query: Select[*tuple[Any, ...]]
    made: Callable[[Sequence[Row]], T]

    @cached_property
    def column(self) -> Any:
        """All rows as one value."""
        rows = self.query.subquery()
        told = (cast(one, String) if isinstance(one.type, Numeric) else one for one in rows.c)
        all_of_them = func.json_agg(func.json_build_array(*told))
        return select(func.coalesce(all_of_them, func.json_build_array())).select_from(
            rows
        ).scalar_subquery()  # fmt: skip

    @cached_property
    def _read_as(self) -> list[tuple[int, Callable[[str], Any]]]:
        types = [one.type for one in self.query.selected_columns]
        return [
            (place, read)
            for place, type_ in enumerate(types)
            for kind, read in _READ_AS
            if isinstance(type_, kind)
        ]

    def read(self, rows: list[Row]) -> T:
        """What the rows are made into. rows: as JSON tells them."""
        for place, read in self._read_as:
            for row in rows:
                if row[place] is not None:
                    row[place] = read(row[place])
        return self.made(rows)


class Together:
    """Some parts that are asked in one statement."""

    def __init__(self, *parts: Part[Any]) -> None:
        self._parts = parts
        self._written: tuple[str, dict[str, Any]] | None = None

    def ask(self, values: Mapping[str, Any]) -> list[Any]:
        """What each part makes of its rows. values: of all the names that they bind."""
        statement, constants = self._written = self._written or self._write(values)
        db.session.flush()
        connection = db.session.connection()
        told = connection.exec_driver_sql(statement, {**constants, **values}).scalar_one()
        return [part.read(rows) for part, rows in zip(self._parts, told, strict=True)]

    def _write(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        statement = select(func.json_build_array(*(one.column for one in self._parts)))
        compiled = statement.compile(dialect=psycopg.dialect())
        written = compiled.construct_expanded_state(dict(values))
        return written.statement, dict(written.parameters)
