"""Several queries in one statement tell what each of them tells alone."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import (
    Date,
    DateTime,
    Integer,
    Numeric,
    Select,
    Text,
    bindparam,
    cast,
    column,
    literal,
    select,
    values,
)

from portal.database.together import Part, Together
from portal.extensions import db

AT = datetime(2026, 3, 10, 12, 30, 0, 120_000, tzinfo=UTC)
ROWS: list[tuple[Any, ...]] = [
    (2, date(2026, 3, 10), AT, Decimal("8.500"), "å\u0001\u2028 '%"),
    (1, None, None, None, None),
]


def query() -> Select[*tuple[Any, ...]]:
    columns = (column("id", Integer), column("on", Date), column("at", DateTime(timezone=True)),
               column("rate", Numeric(6, 3)), column("words", Text))  # fmt: skip
    some = values(*columns, name="some").data(ROWS)
    typed = [cast(one, one.type).label(one.name) for one in some.c]
    return select(*typed).where(some.c.id.in_((1, 2, 3))).order_by(some.c.id.desc())


def test_each_part_tells_its_rows_as_the_query_alone_does(app: Flask) -> None:
    alone = [tuple(row) for row in db.session.execute(query())]
    none = Part(select(literal(1)).where(literal(1) == 2), list)
    told = Together(Part(query(), lambda rows: [tuple(row) for row in rows]), none).ask({})
    assert told == [alone, []]
    assert alone == ROWS


@pytest.mark.parametrize("asked", [1, 2])
def test_what_is_asked_with_is_taken_anew_each_time(app: Flask, asked: int) -> None:
    part = Part(select(bindparam("n", type_=Integer)), lambda rows: rows[0][0])
    together = Together(part, part)
    together.ask({"n": 7})
    assert together.ask({"n": asked}) == [asked, asked]
