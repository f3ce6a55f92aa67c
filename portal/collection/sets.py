"""What statements over many cases have in common: their rules, their books, how they are run."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select, text

from portal.collection import policy
from portal.collection.models import Rules
from portal.collection.policy import Effective
from portal.extensions import db
from portal.ledger import INTEREST_ACCRUED

# The rules of each scope that are those of the customer d of the case c.
RULES = """
left join rules own on own.creditor_id = c.creditor_id and own.scope = 'company'
left join rules class on class.creditor_id = c.creditor_id and class.scope = 'class'
    and class.scope_key = coalesce(d.customer_class, '')
left join rules customer on customer.creditor_id = c.creditor_id and customer.scope = 'customer'
    and customer.scope_key = d.customer_number
"""
# What is booked on the case c, when principal was last paid, to which day interest is booked, and
# when it was last charged a fee. Interest of a payment that is taken back stands on the payment's
# day, to which none may be booked: its rate was not known.
BOOKS = f"""
cross join lateral (
    select coalesce(sum(amount_ore) filter (where account = 'principal'), 0)::bigint as principal,
        coalesce(sum(amount_ore) filter (where account = 'interest'), 0)::bigint as interest,
        coalesce(sum(amount_ore) filter (where account = 'fees'), 0)::bigint as fees,
        max(booked_on) filter (where account = 'principal' and amount_ore < 0) as paid_on,
        max(booked_on) filter (where account = 'interest' and amount_ore > 0 and exists (
            select from ledger_entries e where e.id = entry_id and e.kind = '{INTEREST_ACCRUED}'
        )) as booked_through,
        max(booked_on) filter (where account = 'fees' and amount_ore > 0) as charged_on
    from ledger_lines where case_id = c.id
) b
"""  # noqa: S608


def run(statement: str, values: Mapping[str, Any]) -> int:
    """Run a statement; answers how many rows it took."""
    done = db.session.execute(
        text(statement), values, execution_options={"preserve_rowcount": True}
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def begin() -> None:
    """Let the rest of this transaction be planned as what it is: few thousand rows of millions."""
    # The default says that a page out of order costs four in order, as on a turning disk; a table
    # of a million would be read whole for the few thousand that are wanted.
    run("set local random_page_cost = 1.1", {})
    run("set local work_mem = '16MB'", {})


def know(table: str) -> None:
    """Let the database see how much lies in a table of this transaction."""
    run(f"analyze {table}", {})


def empty(table: str, columns: str) -> None:
    """A table for this transaction alone, with nothing in it. columns: as SQL declares them."""
    # Created once for each connection: a new one each time would fill the database's catalogue.
    run(f"create temporary table if not exists {table} ({columns}) on commit delete rows", {})
    run(f"delete from {table}", {})  # noqa: S608


def fill(table: str, columns: str, rows: Sequence[Mapping[str, object]]) -> None:
    """A table for this transaction alone, with these rows; `place` is their order."""
    empty(table, columns)
    told = json.dumps([{**one, "place": place} for place, one in enumerate(rows)])
    run(
        f"insert into {table} select * from jsonb_to_recordset(cast(:rows as jsonb))"  # noqa: S608
        f" as x ({columns})",
        {"rows": told},
    )
    know(table)


def effective(ids: Iterable[str]) -> dict[str, Effective]:
    """The rules in force of each set of rows of `RULES`. ids: JSON lists of their ids."""
    wanted = {one: [id for id in json.loads(one) if id is not None] for one in ids}
    every = {id for some in wanted.values() for id in some}
    rows = {row.id: row for row in db.session.scalars(select(Rules).where(Rules.id.in_(every)))}
    return {
        one: policy.merge({rows[id].scope: rows[id] for id in some}) for one, some in wanted.items()
    }
