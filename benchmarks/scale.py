"""A portfolio of a million invoices: what a day's work costs, beside the same rows moved plainly.

Four pieces of work, each through the same functions that the worker calls: deciding on and opening
cases, the daily advance, what is owed on every case, and payments settled. Each stands beside two
floors measured in the same run: the very rows that it wrote, moved by one plain statement a table
into tables of the same shape with the same indexes (`floor`), and into bare ones (`bare`). Seconds
are those of the clock; `cpu` are those that the database's and our process worked, which tell more
where other work shares the machine. Memory is what a process has for itself, at its highest.

Run as `PYTHONPATH=. python benchmarks/scale.py [invoices …]`; default 10 000, then 1 000 000, whose
costs per case are then compared.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from types import TracebackType

import psycopg
from flask import Flask
from flask_migrate import upgrade
from psycopg import sql
from sqlalchemy import func, select, text

from portal import create_app, ledger
from portal.clock import STOCKHOLM
from portal.collection import intake, lifecycle, owed, receiving
from portal.collection.receiving import Received
from portal.config import ROOT, Settings
from portal.database import server, tenancy
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor

PER_CREDITOR = 5_000
TODAY = date(2026, 3, 10)
REMINDED_ON, DEMANDED_ON, MOVED_ON = date(2026, 3, 10), date(2026, 3, 30), date(2026, 4, 20)
PAID_ON = date(2026, 4, 21)
FAR = date(2030, 1, 2)
WRITTEN = ("ledger_entries", "ledger_lines", "events", "history_links", "messages")
_TICKS = os.sysconf("SC_CLK_TCK")

# Three class rules and some customers' own rules for each company; a fifth of the customers are
# businesses, some invoices are in euro or have borne a reminder fee before.
WORLD = """
insert into creditors (key, organisation_number, name, address_line, postcode, town, country,
    debt_description, created_at)
select 'c' || n, '55' || lpad(n::text, 8, '0'), 'Borgenär ' || n || ' AB', 'Gatan ' || n, '11122',
    'Stockholm', 'SE', 'Varor och tjänster', '2026-01-02 08:00+01'
from generate_series(1, {creditors}) n;
insert into rules (creditor_id, scope, scope_key, is_active, days_after_due, reminder_fee_agreed,
    reminder_days, interest_kind, agreed_rate, demand_after_days, demand_days, after_demand,
    wants_compensation, version, changed_at)
select id, 'company', '', true, 5 + id % 4, id % 5 <> 0, 10,
    case when id % 7 = 0 then 'agreed' when id % 11 = 0 then 'none' else 'statutory' end,
    case when id % 7 = 0 then 12 + id % 3 end, 4, 10,
    (array['ask', 'legal', 'surveillance'])[1 + id % 3], id % 3 = 0, 1, now()
from creditors;
insert into rules (creditor_id, scope, scope_key, days_after_due, reminder_days, version,
    changed_at)
select id, 'class', 'k' || k, 10 + k, 12 + k, 1, now() from creditors, generate_series(1, 3) k;
insert into debtors (creditor_id, customer_number, customer_class, kind, name, address_line,
    postcode, town, country, email, language)
select c.id, 'K' || n, case when n % 4 > 0 then 'k' || n % 4 end,
    case when n % 5 = 0 then 'company' else 'person' end, 'Kund ' || n, 'Storgatan ' || n, '11122',
    'Stockholm', 'SE', 'k' || n || '@example.test', case when n % 3 = 0 then 'en' end
from creditors c, generate_series(1, {debtors}) n order by c.id, n;
insert into rules (creditor_id, scope, scope_key, is_active, days_after_due, version, changed_at)
select creditor_id, 'customer', customer_number, case when id % 2 = 0 then false end, 20, 1, now()
from debtors where id % 100 = 0;
insert into invoices (creditor_id, debtor_id, number, issued_on, due_on, amount_ore, balance_ore,
    currency, description, reminder_fee_charged, decision, created_at)
select d.creditor_id, d.id, 'F' || n || '-' || d.id, date '2026-01-10' - (n * 7 + d.id)::int % 300,
    date '2026-02-08' - (n * 7 + d.id)::int % 300, ore, ore,
    case when d.id % 997 = 0 then 'EUR' else 'SEK' end, 'El februari', d.id % 50 = 0, 'waiting',
    '2026-03-10 08:00+01'
from (
    select d.*, generate_series(1, case when d.id % 2 = 0 then 3 else 2 end) as n,
        20000 + (d.id * 7919) % 900000 as ore
    from debtors d
) d order by d.creditor_id, n, d.id
"""


@dataclass
class Work:
    """What a piece of work took: seconds by the clock and of the processors, and memory in MB."""

    name: str
    rows: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    ours_mb: float = 0.0
    database_mb: float = 0.0
    floors: dict[str, "Work"] = field(default_factory=dict)


class Measuring:
    """Measures a block in this process and the database's process that serves it."""

    def __init__(self, work: Work, pid: int) -> None:
        self._work, self._pids = work, (os.getpid(), pid)
        self._is_over = threading.Event()
        self._watch = threading.Thread(target=self._look)

    def __enter__(self) -> Work:
        self._began, self._cpu = time.monotonic(), self._worked()
        self._watch.start()
        return self._work

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._work.seconds += time.monotonic() - self._began
        self._work.cpu += self._worked() - self._cpu
        self._is_over.set()
        self._watch.join()

    def _worked(self) -> float:
        ticks = 0
        for pid in self._pids:
            told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(told[11]) + int(told[12])
        return ticks / _TICKS

    def _look(self) -> None:
        while not self._is_over.wait(0.05):
            ours, database = (_own_mb(pid) for pid in self._pids)
            self._work.ours_mb = max(self._work.ours_mb, ours)
            self._work.database_mb = max(self._work.database_mb, database)


def _own_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0


def address(urls: server.Urls, database: str | None = None) -> str:
    owner = urls.owner if database is None else urls.owner.set(database=database)
    return owner.set(drivername="postgresql").render_as_string(hide_password=False)


def make_world(urls: server.Urls, invoices: int) -> Flask:
    """A migrated database with so many waiting invoices, or empty; the application on it."""
    with psycopg.connect(address(urls, "postgres"), autocommit=True) as owner:
        # A log that is written out in the middle would be told as the work's.
        for setting in ("max_wal_size = '16GB'", "checkpoint_timeout = '1h'", "autovacuum = off"):
            owner.execute(f"alter system set {setting}".encode())
        owner.execute("select pg_reload_conf()")
        owner.execute(
            sql.SQL("drop database if exists {} with (force)").format(
                sql.Identifier(urls.owner.database or "")
            )
        )
    server.ensure_database(urls.owner)
    server.ensure_role(urls.owner, urls.app)
    app = create_app(
        Settings(
            environment="test",
            base_url="http://localhost",
            var_folder=str(ROOT / "var" / "bench"),
            database_url=urls.owner.render_as_string(hide_password=False),
            app_database_url=urls.app.render_as_string(hide_password=False),
        )
    )
    with app.app_context():
        upgrade()
        db.engine.dispose()
    if not invoices:
        return app
    creditors = max(1, invoices // PER_CREDITOR)
    debtors = invoices // creditors * 2 // 5
    with psycopg.connect(address(urls), autocommit=True) as owner:
        for statement in WORLD.format(creditors=creditors, debtors=debtors).split(";\n"):
            owner.execute(statement.encode())
        owner.execute("vacuum analyze")
    return app


class Bench:
    """One world, and what was measured in it. written: the tables that work only adds to."""

    def __init__(self, app: Flask, urls: server.Urls, written: Sequence[str] = WRITTEN) -> None:
        self.app, self.written = app, written
        self.owner = psycopg.connect(address(urls), autocommit=True)
        self.owner.execute("set max_parallel_workers_per_gather = 0")
        self.works: list[Work] = []

    @contextmanager
    def measured(self, name: str) -> Iterator[Work]:
        """Measure the application's work; its session is on one connection all the while."""
        work = Work(name)
        self.works.append(work)
        db.session.execute(text("set max_parallel_workers_per_gather = 0"))
        pid = db.session.scalar(text("select pg_backend_pid()"))
        db.session.commit()
        with Measuring(work, pid):
            yield work

    def plainly(
        self, floor: str, work: Work, *statements: str, rows: Sequence[object] = ()
    ) -> None:
        """Run the statements of a floor."""
        plain = work.floors.setdefault(floor, Work(floor))
        with Measuring(plain, self.owner.info.backend_pid):
            for statement in statements:
                self.owner.execute(statement.encode())

    def say(self, statement: str) -> int:
        """Run a statement as the owner; answers its first value."""
        done = self.owner.execute(statement.encode())
        return int(done.fetchone()[0]) if done.description else 0  # type: ignore[index]

    def make_floors(self) -> None:
        """Empty tables of the same shape: with the same indexes, and bare."""
        for floor, like in (("floor", "defaults including indexes"), ("bare", "defaults")):
            self.owner.execute(f"drop schema if exists {floor} cascade".encode())
            self.owner.execute(f"create schema {floor}".encode())
            for table in ("invoices", "cases", *self.written):
                self.owner.execute(
                    f"create table {floor}.{table} (like public.{table} including {like})".encode()
                )

    def newest(self) -> dict[str, int]:
        """The last row of each table that is only added to."""
        newest = {
            table: self.say(f"select coalesce(max(id), 0) from {table}")
            for table in self.written
            if table != "history_links"
        }
        return {**newest, "history_links": newest["events"]}


def added(floor: str, before: dict[str, int]) -> list[str]:
    """Statements that move what was added since to a floor."""
    key = {"history_links": "event_id"}
    return [
        f"insert into {floor}.{table} select * from public.{table}"
        f" where {key.get(table, 'id')} > {last}"
        for table, last in before.items()
    ]


def open_cases(bench: Bench, invoices: int) -> None:
    bench.make_floors()
    for floor in ("floor", "bare"):
        bench.say(f"insert into {floor}.invoices select * from public.invoices")
    bench.owner.execute("create index on bare.invoices (id)")
    bench.owner.execute("vacuum analyze")
    before = bench.newest()
    ids = db.session.scalars(select(Creditor.id).order_by(Creditor.id)).all()
    with bench.measured("intake: decide and open") as work:
        work.rows = invoices
        for creditor_id in ids:
            intake.import_overdue(
                creditor_id, today=TODAY, now=at(TODAY), between=db.session.commit
            )
            db.session.commit()
    for floor in ("floor", "bare"):
        bench.plainly(
            floor,
            work,
            f"update {floor}.invoices f set decision = i.decision, reason = i.reason,"
            " decided_on = i.decided_on from public.invoices i where i.id = f.id",
            f"insert into {floor}.cases select * from public.cases",
            *added(floor, before),
        )


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 8, 30, tzinfo=STOCKHOLM)


def advance(day: date) -> int:
    taken = 0
    while some := lifecycle.advance(day, at(day), limit=5_000).taken:
        taken += some
        db.session.commit()
    return taken


def move_cases(bench: Bench) -> None:
    """Of a thousand cases 27 are reminded, 21 demanded (some have paid a part), 12 decided on."""
    later = f"update cases set next_step_on = '{FAR}' where next_step is not null"
    bench.say(f"{later} and id % 1000 not between 27 and 59")
    advance(REMINDED_ON)
    pay(bench, "id % 1000 between 27 and 29", DEMANDED_ON - timedelta(days=3), "early", 0.4)
    bench.say(later)
    bench.say(
        f"update cases set next_step_on = '{DEMANDED_ON}' where next_step is not null"
        " and id % 1000 between 48 and 59"
    )
    advance(DEMANDED_ON)
    bench.say(
        f"update cases set next_step_on = '{MOVED_ON}' where next_step is not null"
        " and id % 1000 < 60"
    )
    for floor in ("floor", "bare"):
        bench.say(f"truncate {floor}.cases")
        bench.say(f"insert into {floor}.cases select * from public.cases")
    bench.owner.execute("create index on bare.cases (id)")
    bench.owner.execute("vacuum analyze")
    before = bench.newest()
    with bench.measured("advance: steps taken") as work:
        work.rows = advance(MOVED_ON)
    floors_of_moved(bench, work, before)


def floors_of_moved(bench: Bench, work: Work, before: dict[str, int]) -> None:
    columns = ("status", "next_step", "next_step_on", "pay_by_on", "limited_on", "charges",
               "closed_on")  # fmt: skip
    moved = f"select distinct case_id from events where id > {before['events']}"
    bench.say(f"create table public.moved_cases as {moved}")
    for floor in ("floor", "bare"):
        bench.plainly(
            floor,
            work,
            f"update {floor}.cases f set {', '.join(f'{one} = c.{one}' for one in columns)}"
            " from public.cases c, public.moved_cases m where c.id = f.id and c.id = m.case_id",
            *added(floor, before),
        )
    bench.say("drop table public.moved_cases")


def pay(bench: Bench, which: str, on: date, key: str, share: float) -> list[Received]:
    """Payments of a share of what is owed by some cases, settled."""
    bench.owner.execute("analyze cases")
    some = some_payments(bench, which, on, key, share)
    receiving.settle_many(some, actor=Actor("bank"), now=at(on))
    db.session.commit()
    return some


def some_payments(bench: Bench, which: str, on: date, key: str, share: float) -> list[Received]:
    rows = bench.owner.execute(
        f"select id, (principal_ore * {share})::bigint + 1 from cases"
        f" where closed_on is null and {which} order by id".encode()
    ).fetchall()
    return [Received(id, ore, f"{key}:{id}", "bankgiro", on) for id, ore in rows]


def settle(bench: Bench) -> None:
    """A fiftieth of the cases pay: a half all and more, the others a part."""
    some = [
        *some_payments(bench, "id % 100 = 70", PAID_ON, "all", 1.5),
        *some_payments(bench, "id % 100 = 71", PAID_ON, "part", 0.3),
    ]
    for floor in ("floor", "bare"):
        bench.say(f"truncate {floor}.cases")
        bench.say(f"insert into {floor}.cases select * from public.cases")
    bench.owner.execute("vacuum analyze")
    before = bench.newest()
    with bench.measured("settlement of payments") as work:
        work.rows = len(receiving.settle_many(some, actor=Actor("bank"), now=at(PAID_ON)))
        db.session.commit()
    floors_of_moved(bench, work, before)


def reckon(bench: Bench) -> None:
    """Floors read what must be read: the lines summed by case; with interest, the cases too."""
    balances = "(select case_id, sum(amount_ore) as ore from ledger_lines group by case_id) b"
    totals = ledger.case_totals_sql(PAID_ON)
    # Once before, so that neither reads from the disk what the other finds read.
    bench.say(f"select count(*) from {balances} join cases c on c.id = b.case_id")
    owed.sums(PAID_ON)
    with bench.measured("balances of all on a day") as work:
        work.rows = db.session.scalar(select(func.count(totals.c.owed_ore))) or 0
    plain = f"select count(*), sum(ore) from {balances}"
    bench.plainly("floor", work, plain)
    bench.plainly("bare", work, plain)
    with bench.measured("the same, with interest") as work:
        work.rows = owed.sums(PAID_ON).cases
    plain = (
        "select count(*), sum(ore), max(c.due_on), max(c.agreed_rate), count(c.closed_on)"
        f" from {balances} join cases c on c.id = b.case_id"
    )
    bench.plainly("floor", work, plain)
    bench.plainly("bare", work, plain)


def tell(works: Sequence[Work], invoices: int) -> None:
    print(f"\n{invoices:,} invoices".replace(",", " "))
    print(f"{'':28}{'rows':>10}{'s':>8}{'cpu s':>8}{'µs/row':>8}{'floor':>8}{'ratio':>7}"
          f"{'cpu':>6}{'bare':>8}{'ratio':>7}{'ours MB':>9}{'db MB':>7}")  # fmt: skip
    for one in works:
        floor, bare = one.floors["floor"], one.floors["bare"]
        print(
            f"{one.name:28}{one.rows:>10}{one.seconds:>8.2f}{one.cpu:>8.2f}"
            f"{1e6 * one.cpu / max(one.rows, 1):>8.1f}{floor.seconds:>8.2f}"
            f"{one.seconds / floor.seconds:>7.2f}{one.cpu / max(floor.cpu, 0.01):>6.2f}"
            f"{bare.seconds:>8.2f}{one.seconds / bare.seconds:>7.2f}"
            f"{one.ours_mb:>9.0f}{one.database_mb:>7.0f}",
            flush=True,
        )


def measure(invoices: int) -> list[Work]:
    """Measure all work on a portfolio of so many invoices."""
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", "reda_scale", keep=False)
    app = make_world(urls, invoices)
    with app.app_context(), tenancy.service():
        bench = Bench(app, urls)
        works: list[Callable[[], None]] = [
            lambda: open_cases(bench, invoices),
            lambda: move_cases(bench),
            lambda: reckon(bench),
            lambda: settle(bench),
        ]
        for work in works:
            work()
        db.session.remove()
        db.engine.dispose()
        bench.owner.close()
    tell(bench.works, invoices)
    return bench.works


def main(sizes: Sequence[int]) -> None:
    measured = [measure(size) for size in sizes]
    for first, last in zip(measured[0], measured[-1], strict=True):
        if first is last:
            break
        change = (last.seconds / last.rows) / (first.seconds / first.rows) - 1
        print(f"{last.name:28} per row at {sizes[-1]} against {sizes[0]}: {change:+.0%}")


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [10_000, 1_000_000])
