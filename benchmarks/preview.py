"""What rules would do, asked of all open invoices of one company, beside the bare rows.

Each figure is the whole server's work: reading the rules, the statement, and the page that is shown
(`page`), the statement behind a list filtered by a reason (`list`), and one invoice explained. The
baseline is the scan and join of the same rows, summed and nothing decided, in the same run. Memory
is what our process has for itself beyond what it had. Run as
`PYTHONPATH=. python benchmarks/preview.py [invoices …]`; default 10 000, 100 000 and 1 000 000.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence

import psycopg
from scale import TODAY, _own_mb, address, make_world
from sqlalchemy import text

from portal.collection import previewing
from portal.collection.previewing import Asked, Wanted
from portal.config import ROOT
from portal.database import server, tenancy
from portal.extensions import db

CUSTOMERS_WITH_RULES = 2_000
BARE = """
select count(*), sum(i.balance_ore), count(d.customer_class), max(i.due_on), max(i.issued_on),
    max(i.currency), max(i.type), count(*) filter (where i.reminder_fee_charged)
from invoices i join debtors d on d.id = i.debtor_id and d.creditor_id = i.creditor_id
where i.creditor_id = :creditor_id and i.decision in ('waiting', 'left out')
"""
EDITED = {
    ("company", ""): {
        "is_active": True, "days_after_due": 5, "lowest_ore": 30_000, "reminder_fee_agreed": True
    },
}  # fmt: skip


def best(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of the quickest of some runs, each in a transaction of its own."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
        db.session.rollback()
    return min(found)


def one_company(urls: server.Urls, invoices: int) -> int:
    """All in the hands of the first company, some of whose rules end within the days."""
    with psycopg.connect(address(urls), autocommit=True) as owner:
        statements = [
            "update invoices set issued_on = issued_on + 30, due_on = due_on + 30",
            "update debtors set customer_number = customer_number || '-' || id",
            "alter table invoices disable trigger user",
            "alter table debtors disable trigger user",
            "delete from rules where creditor_id > 1 or scope = 'customer'",
            "update debtors set creditor_id = 1",
            "update invoices set number = number || '-' || id, creditor_id = 1",
            "insert into rules (creditor_id, scope, scope_key, days_after_due, ends_on, version,"
            " changed_at) select 1, 'customer', customer_number, 10 + id % 3,"
            f" date '{TODAY}' + (id % 60)::int, 1, now() from debtors order by id"
            f" limit {CUSTOMERS_WITH_RULES}",
            "vacuum full invoices", "vacuum full debtors", "analyze",
        ]  # fmt: skip
        for one in statements:
            owner.execute(one.encode())
        row = owner.execute(b"select count(*) from invoices where creditor_id = 1").fetchone()
    return int(row[0]) if row else 0


def measure(invoices: int) -> None:
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", "reda_preview", keep=False)
    app = make_world(urls, invoices)
    rows = one_company(urls, invoices)
    with app.app_context(), tenancy.service():
        db.session.execute(text("select 1"))

        def asked() -> Asked:
            return Asked(1, TODAY, EDITED, assumes_on=True)

        def in_force() -> Asked:
            return Asked(1, TODAY, {}, assumes_on=True)

        bare = best(lambda: db.session.execute(text(BARE), {"creditor_id": 1}).one())
        before = _own_mb(os.getpid())
        works = {
            "in force": lambda: summed(in_force()),
            "edited against in force": lambda: summed(asked()),
            "list of a reason": lambda: previewing.page(asked(), Wanted(code="amount too low")),
            "one invoice": lambda: previewing.explain(asked(), rows // 2 + 1),
        }
        print(f"\n{rows:,} open invoices, {CUSTOMERS_WITH_RULES:,} customers with rules that end;"
              f" bare scan and join {bare:.3f} s")  # fmt: skip
        for name, work in works.items():
            took = best(work)
            print(f"{name:28}{took:>8.3f} s{took / bare:>7.1f} ×", flush=True)
        began = time.perf_counter()
        count = sum(1 for _ in previewing.every(asked(), Wanted()))
        took = time.perf_counter() - began
        print(f"{'every line streamed':28}{took:>8.3f} s{took / bare:>7.1f} × ({count:,})")
        print(f"{'memory beyond the start':28}{_own_mb(os.getpid()) - before:>8.0f} MB")
        db.session.remove()
        db.engine.dispose()


def summed(asked: Asked) -> object:
    """All that the page says."""
    found = previewing.preview(asked)
    return (found.days, found.days_before, found.reasons, found.changes, found.reminders)


def main(sizes: Sequence[int]) -> None:
    for size in sizes:
        measure(size)


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
