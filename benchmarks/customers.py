"""The pages of one creditor's 400,000 customers: what each costs, and what 20,000 rules at once do.

Milliseconds on the server, the median of several runs, through the functions that the pages call.
Beside them the plainest floor of the same run: the rows of one page by their primary keys.

Run as `PYTHONPATH=. python benchmarks/customers.py [customers]`.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
from flask_migrate import upgrade
from sqlalchemy import select

from portal import create_app
from portal.collection import bulk, customers, rulebook
from portal.collection.customers import Filters
from portal.collection.models import Debtor
from portal.config import Settings
from portal.database import server, tenancy
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.sources import customer_list

RUNS = 5
TODAY, NOW = date(2026, 3, 10), datetime(2026, 3, 10, 8, tzinfo=UTC)
MANY = 20_000
# Two creditors, so that the walls have something to keep apart; the second has ever so few.
WORLD = """
insert into creditors (key, organisation_number, name, address_line, postcode, town, country,
    debt_description, created_at)
select 'c' || n, '55' || lpad(n::text, 8, '0'), 'Borgenär ' || n || ' AB', 'Gatan ' || n, '11122',
    'Stockholm', 'SE', 'Varor och tjänster', now() from generate_series(1, 2) n;
insert into people (identity_number, identity_number_hash, given_name, surname, is_operator,
    created_at) select '\\x00', '\\x00', 'Eva', 'Sandberg', false, now();
insert into rules (creditor_id, scope, scope_key, is_active, days_after_due, version, changed_at)
select id, 'company', '', true, 7, 1, now() from creditors;
insert into rules (creditor_id, scope, scope_key, is_excluded, version, changed_at)
values (1, 'class', 'k3', true, 1, now());
insert into debtors (creditor_id, customer_number, customer_class, kind, name, address_line,
    postcode, town, country, email)
select 1, 'K' || n, 'k' || n % 40, case when n % 5 = 0 then 'company' else 'person' end,
    (array['Anna', 'Erik', 'Åsa', 'Östen', 'Ella', 'Mohammed', 'Ingrid'])[1 + n % 7] || ' '
        || (array['Andersson', 'Öberg', 'Hedlund', 'Ali', 'Lind'])[1 + n % 5] || ' ' || n,
    'Storgatan ' || n, case when n % 500 = 0 then '' else '11122' end, 'Stockholm', 'SE',
    'k' || n || '@example.test' from generate_series(1, {count}) n;
insert into invoices (creditor_id, debtor_id, number, issued_on, due_on, amount_ore, balance_ore,
    currency, description, reminder_fee_charged, decision, created_at)
select 1, id, 'F' || id, date '2026-01-10', date '2026-02-20' + (id % 30)::int, 50000, 50000, 'SEK',
    'El', false, 'waiting', now() from debtors where id % 4 = 0;
insert into rules (creditor_id, scope, scope_key, is_excluded, ends_on, reason, version, changed_at)
select 1, 'customer', customer_number, id % 2 = 0, date '2026-03-10' + (id % 200)::int, 'Avtal', 1,
    now() from debtors where id % 100 = 0;
analyze;
"""


def median_ms(work: Callable[[], object]) -> float:
    """How long some work takes, in milliseconds."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
        db.session.rollback()
    return statistics.median(times)


def tell(what: str, milliseconds: float) -> None:
    """Print a figure."""
    print(f"{what:<52} {milliseconds:8.1f} ms")


def pages(count: int) -> None:
    """The list with each filter and sorting, and the pages of one customer and the classes."""
    ids = list(range(1, 52))
    floor = select(Debtor.name).where(Debtor.creditor_id == 1, Debtor.id.in_(ids))
    tell("51 rows by their keys (floor)", median_ms(lambda: db.session.execute(floor).all()))
    asked = {
        "the list, by name": Filters(),
        "the list, by number, backwards": Filters(sort="-number"),
        "the list, by class": Filters(sort="class"),
        "a rare name": Filters(search="Hedlund 77"),
        "a name that a fifth have": Filters(search="Öberg"),
        "a customer number": Filters(search="K777"),
        "of a class": Filters(customer_class="k7"),
        "excluded": Filters(kinds=("excluded",)),
        "with rules of their own": Filters(kinds=("own",)),
        "ending soon, by last day": Filters(kinds=("ending",), sort="ends"),
        "with open cases": Filters(kinds=("open",)),
        "without a full address": Filters(kinds=("no address",)),
        "excluded, of a class, a name": Filters("Ella", "k3", ("excluded",)),
    }
    for what, one in asked.items():
        tell(what, median_ms(lambda one=one: customers.page(1, one, TODAY)))
        if one.is_narrowed:
            tell("  … counted", median_ms(lambda one=one: customers.count(1, one, TODAY)))
    middle = db.session.scalar(
        select(Debtor.id).order_by(Debtor.name_in_order).offset(count // 2).limit(1)
    )
    tell("the list, in its middle", median_ms(lambda: customers.page(1, Filters(), TODAY, middle)))
    tell("classes", median_ms(lambda: customers.classes(1)))
    tell("expected", median_ms(lambda: customers.count_expected(1)))
    tell("what holds for one", median_ms(lambda: customers.said(1, number="K100")))


def many() -> None:
    """20,000 pasted numbers: read and kept, looked at, done, undone."""
    pasted = "\n".join(f"K{number}" for number in range(1, MANY + 1))
    started = time.perf_counter()
    listed = customer_list.read_pasted(pasted)
    bulk_id = bulk.keep(1, 1, bulk.EXCLUDE, {}, listed, source="pasted", today=TODAY, now=NOW)
    db.session.commit()
    tell("20,000 numbers read", (time.perf_counter() - started) * 1000)
    chosen = bulk.find(1, 1, bulk_id)
    started = time.perf_counter()
    bulk.look(chosen, today=TODAY)
    tell("… looked at", (time.perf_counter() - started) * 1000)
    started = time.perf_counter()
    event_id = bulk.do(chosen, keeps_unknown=False, actor=SYSTEM, today=TODAY, now=NOW)
    db.session.commit()
    tell("… done", (time.perf_counter() - started) * 1000)
    started = time.perf_counter()
    rulebook.undo(1, event_id or 0, actor=SYSTEM, today=TODAY, now=NOW)
    db.session.commit()
    tell("… undone", (time.perf_counter() - started) * 1000)


def main(count: int) -> None:
    """Print the figures for so many customers."""
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        urls = server.embedded(var / "postgres", "reda_customers", keep=False)
        server.ensure_database(urls.owner)
        server.ensure_role(urls.owner, urls.app)
        app = create_app(
            Settings(
                environment="test", base_url="http://localhost", var_folder=str(var),
                database_url=urls.owner.render_as_string(hide_password=False),
                app_database_url=urls.app.render_as_string(hide_password=False),
            )
        )  # fmt: skip
        with app.app_context(), tenancy.service():
            upgrade()
        address = urls.owner.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(WORLD.format(count=count).encode())
        with app.app_context(), tenancy.within(tenancy.Scope("creditor", (1,), 1)):
            pages(count)
            many()
            db.engine.dispose()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400_000)
