"""Bank, books and cases held against each other at size: what a page and a night cost.

A year of payments, a fifth of them to one company and a fourteenth by Swish, with the statement's
own rows, a payout to every company each week, claims, and of every fiftieth payment something that
was too much; all of it cleared but for the last day.
Beside what a page reads stands the same read from the beginning, as each night does it (`whole`),
and the floor: the same rows of the bank and of the books each summed up by day in one plain
statement. Seconds are the least of three tries; of what writes, of one.

Run as `PYTHONPATH=. python benchmarks/reconciling.py [payments …]`; default 100 000 and 1 000 000,
whose times are then compared.
"""

import itertools
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

import psycopg
from scale import _own_mb, address, make_world

from portal import ledger
from portal.clock import STOCKHOLM
from portal.collection import checks
from portal.config import ROOT
from portal.database import server, tenancy
from portal.extensions import db
from portal.ledger import Account
from portal.payments import (
    booking,
    clearing,
    closing,
    own_share,
    reconciled_rows,
    reconciling,
    refunds,
    statements,
    uneven,
)

LAST = date(2026, 6, 30)
NOW = datetime(2026, 7, 1, 8, tzinfo=STOCKHOLM)
DAYS = 365
CREDITORS = 200
# :begin and :end are places of payments, of :payments in all.
FILL = """
set session_replication_role = replica;
insert into creditors (key, organisation_number, name, address_line, postcode, town, country,
    debt_description, created_at)
select 'c' || n, '55' || lpad(n::text, 8, '0'), 'Borgenär ' || n || ' AB', 'Gatan ' || n, '11122',
    'Stockholm', 'SE', 'Varor', '2025-01-02 08:00+01' from generate_series(1, {creditors}) n;
create temp table made as
select n, case when n % 5 = 0 then 1 else n % {creditors} + 1 end as creditor_id,
    n / 3 + 1 as case_id,
    date '{last}' - {days} + 1 + (n * {days}::bigint / {payments})::int as day,
    20000 + (n * 7919::bigint) % 900000 as ore, n % 14 = 0 as is_swish
from generate_series(0, {payments} - 1) n
"""
PAYMENTS = """
insert into bank_files (sha256, size, name, kind, bank_id, accounts, way, by, at, status, totals,
    repeated)
select 'f' || n, 1, 'f' || n, case when n % 2 = 0 then 'camt.053' else 'bgmax' end, 'f' || n,
    '{{50501055}}', 'page', '', '2025-01-02 08:00+01', 'taken', '[]', 0
from generate_series({file}, {file} + 1) n;
insert into bank_payments (file_id, account, kind, amount_ore, currency, value_on,
    reference_numbers, reference_ores, text, payer_name, payer_address, serial, deposit, position,
    state)
select f, '50501055', 'payment', ore, 'SEK', day, array[n::text], array[null::bigint], '',
    'Betalare ' || n, '', 's' || n, 'd' || day, n,
    case f % 2 when 1 then 'settled' else 'statement' end
from made, generate_series({file}, {file} + 1) f where not is_swish and {which} order by n;
analyze made, bank_payments;
insert into bank_shares (payment_id, case_id, creditor_id, amount_ore, key, how, by, at)
select b.id, case_id, creditor_id, ore, 'bank:' || b.id, 'ocr', '', '2025-01-02 08:00+01'
from made join bank_payments b on b.serial = 's' || n and b.file_id = {file} where {which};
create temp table keyed as
select m.*, case when is_swish then 'swish:' || n else 'bank:' || b.id end as key
from made m left join bank_payments b on b.serial = 's' || n and b.file_id = {file} where {which};
insert into payments (creditor_id, case_id, channel, channel_reference, amount_ore, currency,
    value_on, received_at, fees_ore, interest_ore, principal_ore, overpaid_ore, receipt_number)
select creditor_id, case_id, case when is_swish then 'swish' else 'bankgiro' end, key, ore, 'SEK',
    day, day, 0, 0, ore, 0, 'r' || n from keyed order by n;
insert into ledger_entries (creditor_id, case_id, kind, booked_on, posted_on, created_at,
    idempotency_key)
select creditor_id, case_id, 'claim', day, day, day, 'claim:' || n from keyed
union all
select creditor_id, case_id, case when is_swish then 'payment.swish' else 'payment.bankgiro' end,
    day, day, day, 'payment:' || key from keyed;
insert into ledger_lines (entry_id, creditor_id, case_id, booked_on, posted_on, account, amount_ore,
    currency)
select e.id, e.creditor_id, e.case_id, day, day, l.account, l.sign * ore, 'SEK'
from keyed join (values ('claim', 'principal', 1), ('claim', 'claims', -1),
    ('payment', 'principal', -1), ('payment', 'claims', 1), ('payment', 'client_funds', 1),
    ('payment', 'owed_to_creditor', -1)) l(of, account, sign) on true
join ledger_entries e on e.idempotency_key = case l.of when 'claim' then 'claim:' || n
    else 'payment:' || key end;
insert into cases (id, creditor_id, debtor_id, invoice_id, serial, reference, ocr, status, currency,
    principal_ore, due_on, interest_kind, reminder_fee_agreed, reminder_days, is_stopped,
    is_consumer, claim_arose_on, limited_on, opened_on, opened_at, closed_on, charges)
overriding system value
select case_id, min(creditor_id), case_id, case_id, case_id, case_id::text, case_id::text, 'paid',
    'SEK', sum(ore), min(day), 'statutory', true, 10, false, true, min(day), min(day) + 1095,
    min(day), min(day), max(day), '[]'
from keyed group by case_id on conflict do nothing;
insert into refunds (key, booked_id, creditor_id, case_id, amount_ore, currency, why, payer_name,
    status, by, at)
select 'r' || n, p.id, p.creditor_id, p.case_id, 100, 'SEK', 'overpaid', '', 'withdrawn', '', day
from keyed join payments p on p.channel_reference = key where n % 50 = 0;
insert into ledger_entries (creditor_id, case_id, kind, booked_on, posted_on, created_at,
    idempotency_key)
select creditor_id, case_id, 'refund.lost', day, day, day, 'refund:' || sign || ':' || key
from keyed, (values (1), (-1)) s(sign) where n % 50 = 0;
insert into ledger_lines (entry_id, creditor_id, case_id, booked_on, posted_on, account, amount_ore,
    currency)
select e.id, e.creditor_id, e.case_id, day, day, l.account, s.sign * l.sign * 100, 'SEK'
from keyed cross join (values (1), (-1)) s(sign)
cross join (values ('over_payment', -1), ('bad_debt', 1)) l(account, sign)
join ledger_entries e on e.idempotency_key = 'refund:' || s.sign || ':' || key where n % 50 = 0;
drop table keyed
"""
# What a company is owed is paid each week, and what came by Swish comes the day after: half of it
# one by one, the rest in one sum.
PAYOUTS = """
insert into payout_batches (key, made_by, made_at, text, rows, status, ended_at)
select 'b' || week, '', week, '', '[]', 'released', week
from (select distinct date_trunc('week', day)::date + 11 as week from made) m
where week <= date '{last}';
insert into payouts (key, creditor_id, currency, collected_ore, set_off_ore, amount_ore, is_chosen,
    status, note, reason, proposed_at, released_on, ended_on, batch_id)
select 'p' || creditor_id || 'w' || week, creditor_id, 'SEK', ore, 0, ore, false, 'settled', '', '',
    week, week, week, (select id from payout_batches where key = 'b' || week)
from (select creditor_id, date_trunc('week', day)::date + 11 as week, sum(ore) as ore from made
    group by 1, 2) m where week <= date '{last}';
insert into ledger_entries (creditor_id, kind, booked_on, posted_on, created_at, idempotency_key)
select creditor_id, kind, released_on, released_on, released_on, 'payout:' || key || ending
from payouts, (values ('payout', ''), ('payout.settled', ':settled')) k(kind, ending);
insert into ledger_lines (entry_id, creditor_id, booked_on, posted_on, account, amount_ore,
    currency)
select e.id, e.creditor_id, e.booked_on, e.booked_on, l.account, l.sign * p.amount_ore, 'SEK'
from payouts p join (values ('', 'owed_to_creditor', 1), ('', 'payout_in_transit', -1),
    (':settled', 'payout_in_transit', 1), (':settled', 'client_funds', -1)
) l(ending, account, sign) on true
join ledger_entries e on e.idempotency_key = 'payout:' || p.key || l.ending;
insert into bank_payments (file_id, account, kind, amount_ore, currency, value_on,
    reference_numbers, reference_ores, text, payer_name, payer_address, serial, deposit, position,
    state)
select f, '50501055', 'debit', -amount_ore, 'SEK', released_on, '{{}}', '{{}}',
    'Utbetalning ' || key, '', '', 'u' || id, 'u' || released_on, id,
    case f when 1 then 'settled' else 'statement' end
from payouts, generate_series(1, 2) f;
insert into bank_payments (file_id, account, kind, amount_ore, currency, value_on,
    reference_numbers, reference_ores, text, payer_name, payer_address, serial, deposit, position,
    state)
select 1, '50501055', 'payment', sum(ore), 'SEK', day + 1, '{{}}', '{{}}', 'Swish', '', '',
    'w' || day, 'w' || day, 1, 'aside'
from made where is_swish and day < date '{last}' group by day, case when n % 28 = 0 then n end;
insert into bank_transfers (payment_id, way, state, by, at)
select id, 'swish', 'waiting', '', value_on from bank_payments where text = 'Swish'
"""
FLOORS = (
    "select posted_on, sum(amount_ore) from ledger_lines where account in ('client_funds',"
    " 'covered') group by 1",
    "select value_on, sum(amount_ore) from bank_payments group by 1",
)

OF_LARGEST = (
    b"select sum(amount_ore) from ledger_lines where creditor_id = 1 and currency = 'SEK'"
    b" and (account = 'client_funds' or account like '%\\_in\\_transit')"
)
_paid_out = itertools.count(1)


def fill(owner: psycopg.Connection, payments: int, part: str, **words: object) -> None:
    told = {"creditors": CREDITORS, "payments": payments, "days": DAYS, "last": LAST, **words}
    for statement in part.format(**told).split(";\n"):
        owner.execute(statement.encode())


def timed(work: Callable[[], object], tries: int = 3) -> float:
    """The least seconds of some tries, none of which finds what an earlier one has cached."""
    least = float("inf")
    for _ in range(tries):
        began = time.monotonic()
        work()
        least = min(least, time.monotonic() - began)
        db.session.commit()
    return least


def measure(payments: int) -> dict[str, float]:
    """Measure a year of so many payments; answers seconds by name."""
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", "reda_reconciling", keep=False)
    app = make_world(urls, 0)
    found: dict[str, float] = {}
    with (
        app.app_context(),
        tenancy.service(),
        psycopg.connect(address(urls), autocommit=True) as owner,
    ):
        began = time.monotonic()
        fill(owner, payments, FILL)
        fill(owner, payments, PAYMENTS, file=1, which=f"day < date '{LAST}'")
        fill(owner, payments, PAYOUTS)
        owner.execute("vacuum analyze")
        print(
            f"\n{payments:,} payments, filled in {time.monotonic() - began:.0f} s".replace(",", " ")
        )
        found["first night: all is cleared"] = timed(clear, 1)
        fill(owner, payments, PAYMENTS, file=3, which=f"day = date '{LAST}'")
        owner.execute("vacuum analyze")
        reads = pages()
        for name, read in reads.items():
            found[name] = timed(read)
        begins = _own_mb(os.getpid())
        found["a night: cleared"] = timed(clear, 1)
        found["a night: read from the beginning"] = timed(lambda: clearing.check(LAST), 1)
        found["a night: cases against the books"] = timed(lambda: uneven.keep(now=NOW), 1)
        print(f"memory of a night: {_own_mb(os.getpid()) - begins:+.0f} MB")
        found["a payout of the largest company"] = timed(pay_out)
        found["a page, the next morning"] = timed(lambda: reconciling.reconcile(LAST, LAST))
        found["floor: books by day"], found["floor: bank by day"] = (
            timed(lambda one=one: owner.execute(one.encode()).fetchall()) for one in FLOORS
        )
        found["floor: the largest company's money"] = timed(lambda: owner.execute(OF_LARGEST))
        db.session.remove()
        db.engine.dispose()
    for name, seconds in found.items():
        print(f"{name:36}{seconds * 1000:>10,.0f} ms".replace(",", " "), flush=True)
    return found


def pay_out() -> None:
    """Order an öre of the largest company paid, with the check at commit."""
    ledger.post(
        creditor_id=1, case_id=None, kind=ledger.PAID_OUT, booked_on=LAST,
        key=f"payout:bench{next(_paid_out)}", currency="SEK", now=NOW,
        lines={Account.OWED_TO_CREDITOR: 1, Account.PAYOUT_IN_TRANSIT: -1},
    )  # fmt: skip
    db.session.commit()


def clear() -> None:
    newest = clearing.newest_entry()
    db.session.commit()
    clearing.clear(newest, now=NOW)


def pages() -> dict[str, Callable[[], object]]:
    """What pages read, by name."""
    month, old = LAST.replace(day=1), LAST - timedelta(days=200)
    return {
        "overview": lambda: (
            reconciling.kept_days(month, LAST), closing.periods(),
            closing.next_period(LAST + timedelta(days=1)),
            [own_share.available(one, LAST) for one in reconciling.currencies()],
        ),
        "a day": lambda: (reconciling.reconcile(LAST, LAST), reconciling.owners(LAST)),
        "an old day": lambda: (reconciling.reconcile(old, old), reconciling.owners(old)),
        "a year": lambda: reconciling.reconcile(LAST - timedelta(days=364), LAST),
        "closing of a month": lambda: closing.points(closing.figures(month, LAST)),
        "rows of a day at the bank": lambda: reconciled_rows.rows(
            "bank", "bankgiro", LAST, LAST, "SEK"
        ),
        "rows of a day in the books": lambda: reconciled_rows.rows(
            "books", "bankgiro", LAST, LAST, "SEK"
        ),
        "rows of a day of cases": lambda: reconciled_rows.rows(
            "cases", "bankgiro", LAST, LAST, "SEK"
        ),
        "a company's client money": lambda: ledger.client_money(7, "SEK"),
        "books": lambda: (
            uneven.payments(), uneven.statuses(), uneven.refunds_due(), ledger.totals()
        ),
        "charges against the books": lambda: statements.against_the_books(ledger.totals()),
        "companies to propose payouts of": ledger.owing_creditors,
        "whole: a day": lambda: reconciling.reconcile_from_the_beginning(LAST, LAST),
        "whole: books": lambda: (
            booking.differences(), checks.differences(), refunds.differences(),
            ledger.trial_balance(),
        ),
    }  # fmt: skip


def main(sizes: Sequence[int]) -> None:
    measured = [measure(size) for size in sizes]
    if len(measured) > 1:
        for name, first in measured[0].items():
            print(f"{name:36}{measured[-1][name] / max(first, 0.0001):>8.1f} ×")


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [100_000, 1_000_000])
