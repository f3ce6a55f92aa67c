"""The overview of one company with ten thousand, and with a million cases.

`page`: the whole request in our process, signed in, as a browser gets it; `sql`: the same
statements run alone, one after the other, on a connection of their own; `statements`: how many,
those of session, roles and walls counted. `figures`: what the job takes to make them anew, beside
`floor`: every line of the books summed by case, and every event and case read once.

Run as `PYTHONPATH=. python benchmarks/overview.py [cases …]`; default 10 000, then 1 000 000.
"""

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from scale import address, make_world
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from portal import clock
from portal.collection import figures
from portal.config import ROOT
from portal.database import server, tenancy
from portal.extensions import db
from portal.identity.models import Creditor
from tests.factories import a_creditor_that_signed, rules_of, session_cookie

REQUESTS = 30
# A year and more of cases: 70 of 100 are paid within two months, some are written off, the others
# go on. `b` tells the days on which each came to a step; the books and the history follow from it.
WORLD = """
create unlogged table b as
select n, opened_on, principal, paid_on,
    case when opened_on + 1 < least(paid_on, {today}) then opened_on + 1 end as reminded_on,
    case when opened_on + 16 < least(paid_on, {today}) then opened_on + 16 end as demanded_on,
    case when n % 3 = 0 and opened_on + 40 < least(paid_on, {today}) then opened_on + 40 end
        as legal_on,
    case when paid_on is null and n % 9 = 0 and opened_on + 90 < {today} then opened_on + 90 end
        as given_up_on
from (
    select n, opened_on, 20000 + n * 7919 % 900000 as principal,
        case when n % 100 < 70 and opened_on + wait <= {today} then opened_on + wait end as paid_on
    from (
        select n::bigint, {today} - (n::bigint * 7919 % 420)::int as opened_on,
            1 + ((n::bigint / 420 * 17 + n) % 60)::int as wait
        from generate_series(1, {cases}) n
    ) a
) c;
insert into debtors (creditor_id, customer_number, kind, name, address_line, postcode, town,
    country)
select {creditor}, 'K' || n, 'person', 'Kund ' || n,
    case when n % 2000 = 0 then '' else 'Storgatan ' || n end, '11122', 'Stockholm', 'SE'
from generate_series(1, {cases} / 2) n;
insert into invoices (creditor_id, debtor_id, number, issued_on, due_on, amount_ore, balance_ore,
    currency, description, reminder_fee_charged, type, decision, created_at)
select {creditor}, (select min(id) from debtors) + n / 2 % ({cases} / 2), 'F' || n,
    opened_on - 45, opened_on - 15, principal, principal, 'SEK', 'El', false, 'invoice',
    'imported', opened_on + time '08:00'
from b order by n;
insert into cases (creditor_id, debtor_id, invoice_id, serial, reference, ocr, status, currency,
    principal_ore, due_on, interest_kind, reminder_fee_agreed, reminder_days, is_stopped,
    is_consumer, claim_arose_on, limited_on, opened_on, opened_at, closed_on, pay_by_on, charges)
select {creditor}, i.debtor_id, i.id, n, n::text, n::text,
    case when paid_on is not null then 'paid' when given_up_on is not null then 'written off'
        when legal_on is not null then 'legal'
        when demanded_on < {today} - 20 then 'deciding'
        when demanded_on is not null then 'demanded' when reminded_on is not null then 'reminded'
        else 'imported' end,
    'SEK', principal, opened_on - 15, 'statutory', true, 10, false, true, opened_on - 45,
    opened_on + 1000, opened_on, opened_on + time '08:00', coalesce(paid_on, given_up_on),
    demanded_on + 14, '[]'
from b join invoices i on i.number = 'F' || n and i.creditor_id = {creditor} order by b.n;
create unlogged table e as
select row_number() over (order by day, n) as id, n, c.id as case_id, v.* from (
    select *, case when reminded_on is null then 0 else 6000 end
        + case when demanded_on is null then 0 else 18000 end as f
    from b
) b cross join lateral (values
    ('claim.taken', opened_on, 'case.imported', array['principal', 'claims'],
        array[principal, -principal]),
    ('fee.reminder', reminded_on, 'case.reminder_sent', array['fees', 'fee_income'],
        array[6000, -6000]),
    ('fee.demand', demanded_on, 'case.demand_sent', array['fees', 'fee_income'],
        array[18000, -18000]),
    (null, legal_on, 'case.taken_to_law', null, null),
    ('interest.accrued', paid_on, 'case.payment_received', array['interest', 'claims'],
        array[principal / 50, -(principal / 50)]),
    ('payment.bankgiro', paid_on, 'case.paid',
        array['client_funds', 'principal', 'interest', 'fees', 'claims', 'owed_to_creditor'],
        array[principal + principal / 50 + f, -principal, -(principal / 50), -f,
            principal + principal / 50, -principal - principal / 50]),
    ('claim.written_off', given_up_on, 'case.written_off',
        array['principal', 'claims', 'fees', 'bad_debt'], array[-principal, principal, -f, f])
) v (kind, day, event, accounts, amounts)
join cases c on c.serial = n
where v.day is not null
order by 1;
insert into ledger_entries (id, creditor_id, case_id, kind, booked_on, posted_on, created_at,
    idempotency_key)
overriding system value
select id, {creditor}, case_id, kind, day, day, day + time '09:00', id
from e where kind is not null order by id;
insert into ledger_lines (entry_id, creditor_id, case_id, booked_on, posted_on, account,
    amount_ore, currency)
select e.id, {creditor}, case_id, day, day, u.account, u.ore, 'SEK'
from e cross join lateral unnest(accounts, amounts) as u (account, ore) where u.ore <> 0
order by e.id;
insert into events (creditor_id, case_id, name, occurred_at, actor, data)
select {creditor}, case_id, event, day + time '09:00', 'system', '{{"total_ore": 100000}}'
from e order by id;
insert into case_stops (creditor_id, case_id, kind, reason, began_at)
select creditor_id, id, case when id % 5 = 0 then 'dispute' when id % 7 = 0 then 'review'
    else 'hold' end, '', opened_at from cases where closed_on is null and serial % 40 = 0;
insert into plans (creditor_id, case_id, status, agreed_on, agreed_at, ended_on)
select creditor_id, id, case when id % 7 = 0 then 'broken' else 'running' end, opened_on, opened_at,
    case when id % 7 = 0 then {today} - 3 end
from cases where closed_on is null and serial % 60 = 0;
insert into instalments (plan_id, creditor_id, case_id, due_on, amount_ore)
select id, creditor_id, case_id, agreed_on + 30 * n, 9000 from plans, generate_series(1, 18) n;
insert into messages (creditor_id, case_id, kind, channel, language, content, idempotency_key,
    status, attempts, created_at, due_at)
select creditor_id, id, 'reminder', 'letter', 'sv', '{{}}', 'reminder:' || id,
    case when id % 500 = 0 then 'failed' else 'sent' end, 1, opened_at, opened_at
from cases where serial % 4 = 0;
insert into history_heads (creditor_id, position, hash)
select {creditor}, (select count(*) from events), '' on conflict (creditor_id)
do update set position = excluded.position;
drop table b, e
"""
FLOOR = (
    "select count(*), sum(ore) from (select case_id, sum(amount_ore) as ore from ledger_lines"
    " group by case_id) b",
    "select count(case_id), min(occurred_at) from events",
    "select count(*), max(due_on) from cases",
)


@dataclass
class Measured:
    """Milliseconds of a page, its statements alone, and seconds of making its figures."""

    cases: int
    statements: int
    page_ms: float
    sql_ms: float
    figures_s: float
    floor_s: float


def fill(app: Flask, urls: server.Urls, cases: int) -> Creditor:
    """One company with so many cases, and somebody who may look at it."""
    creditor = a_creditor_that_signed()
    rules_of(creditor)
    with psycopg.connect(address(urls), autocommit=True) as owner:
        # As a replica the server checks neither triggers nor keys, which would take an hour.
        owner.execute("set session_replication_role = replica")
        owner.execute("set work_mem = '512MB'")
        today = f"date '{clock.today()}'"
        for statement in WORLD.format(cases=cases, creditor=creditor.id, today=today).split(";\n"):
            began = time.monotonic()
            owner.execute(statement.encode())
            if "-v" in sys.argv:
                print(f"{time.monotonic() - began:7.1f} s  {statement.split(chr(10))[0][:60]}")
        owner.execute("vacuum analyze")
    return creditor


@contextmanager
def recorded() -> Iterator[list[tuple[str, Any]]]:
    """The statements that are run meanwhile, with their values."""
    seen: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, values: Any, *rest: object) -> None:
        seen.append((statement, values))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def ask(client: FlaskClient, path: str) -> float:
    """Milliseconds that a page takes."""
    began = time.perf_counter()
    response = client.get(path)
    assert response.status_code == 200, response.status
    return 1000 * (time.perf_counter() - began)


def alone(urls: server.Urls, statements: Sequence[tuple[str, Any]]) -> float:
    """Milliseconds that the statements of a page take by themselves, as the application's role."""
    app = urls.app.set(drivername="postgresql").render_as_string(hide_password=False)
    times = []
    with psycopg.connect(app) as connection:
        for _ in range(REQUESTS):
            began = time.perf_counter()
            for statement, values in statements:
                found = connection.execute(statement.encode(), values)
                if found.description:
                    found.fetchall()
            connection.rollback()
            times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def measure(cases: int) -> Measured:
    """Measure the overview of a company with so many cases."""
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", "reda_overview", keep=False)
    app = make_world(urls, 0)
    with app.app_context(), tenancy.service():
        creditor = fill(app, urls, cases)
        creditor_id, key = creditor.id, creditor.key
        figures.prepare()
        took = []
        for _ in range(3 if cases <= 100_000 else 2):
            began = time.monotonic()
            figures.refresh(creditor_id, today=clock.today(), now=clock.now())
            took.append(time.monotonic() - began)
        db.session.execute(text("update figures set took_ms = 60000"))
        db.session.commit()
        person = db.session.execute(text("select person_id from memberships limit 1")).scalar_one()
        cookie = session_cookie(app, {"_user_id": str(person), "_fresh": True})
    client = app.test_client()
    client.set_cookie(*cookie)
    ask(client, f"/creditor/{key}/")
    with recorded() as statements:
        ask(client, f"/creditor/{key}/")
    page = statistics.median(ask(client, f"/creditor/{key}/") for _ in range(REQUESTS))
    with psycopg.connect(address(urls), autocommit=True) as owner:
        owner.execute("set max_parallel_workers_per_gather = 0")
        floors = []
        for _ in range(2):
            began = time.monotonic()
            for statement in FLOOR:
                owner.execute(statement.encode())
            floors.append(time.monotonic() - began)
    sql = alone(urls, statements)
    if "-v" in sys.argv:
        for statement, _ in statements:
            print("   ", " ".join(statement.split())[:150])
    with app.app_context():
        db.engine.dispose()
    return Measured(cases, len(statements), page, sql, min(took), min(floors))


def main(sizes: Sequence[int]) -> None:
    print(f"{'cases':>9} {'statements':>10} {'page ms':>8} {'sql ms':>7}"
          f" {'figures s':>10} {'floor s':>8} {'ratio':>6}")  # fmt: skip
    measured = [measure(size) for size in sizes]
    for one in measured:
        print(f"{one.cases:>9} {one.statements:>10} {one.page_ms:>8.1f} {one.sql_ms:>7.1f}"
              f" {one.figures_s:>10.2f} {one.floor_s:>8.2f}"
              f" {one.figures_s / one.floor_s:>6.1f}")  # fmt: skip
    first, last = measured[0], measured[-1]
    print(f"page at {last.cases} against {first.cases}: {last.page_ms / first.page_ms - 1:+.0%}")


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:] if one.isdigit()] or [10_000, 1_000_000])
