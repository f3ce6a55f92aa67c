"""A bank's file from its first byte to the books, read, taken, matched and settled.

One payment for each open case: of ten, eight by OCR number (one of them too much, to be paid back,
one a part), one by an invoice number in words, one by nothing that we know, which waits. Beside it
stand, in the same run, the file's lines read and nothing of them (`lines`), and its floor: one COPY
of the payments' rows (`copy`), and the very rows that settling wrote, moved by one plain statement
a table into tables of the same shape with the same indexes. Memory is what our process has for
itself beyond the start, at its highest.

Run as `PYTHONPATH=. python benchmarks/matching.py [payments …]`; default 50 000 and 500 000, whose
costs per payment are then compared.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from bank_files import PER_SECTION, copy_rows, lines_only, measured, rows_of, take
from scale import PAID_ON, WRITTEN, Bench, Work, _own_mb, at, floors_of_moved, make_world
from sqlalchemy import select, text

from portal.collection import intake
from portal.config import ROOT
from portal.database import server, tenancy
from portal.extensions import db
from portal.identity.models import Creditor
from portal.payments import matching
from tests.payments.bank_files import written
from tests.payments.bank_files.written import Deposit, Paid

TABLES = (*WRITTEN, "payments", "bank_shares", "refunds")
# More invoices than payments: some are in another currency, or are not taken as cases.
_SPARE = 1.1


def paid(place: int, ocr: str, invoice: str, ore: int) -> Paid:
    """What somebody pays for a case. ore: its principal."""
    one = Paid(ore, ocr, payer=f"{3_000_000 + place}", serial=f"{place + 1:012}")
    match place % 10:
        case 7:
            one.ore = ore + 10_000
        case 6:
            one.ore = ore // 3
        case 8:
            one.reference, one.texts = "", [f"Faktura {invoice}"]
        case 9:
            one.reference, one.texts = "", ["Tack"]
    return one


def write_file(bench: Bench, out: BinaryIO, payments: int) -> int:
    """Write a BgMax file of so many payments for open cases; answers how many there are."""
    rows = bench.owner.execute(
        b"select c.ocr, i.number, c.principal_ore from cases c join invoices i on i.id ="
        b" c.invoice_id where c.currency = 'SEK' and c.closed_on is null"
        b" order by c.id %% 1009, c.id limit %s",
        [payments],
    ).fetchall()
    counts = {"20": 0, "21": 0, "22": 0, "15": 0}
    for line in _lines([paid(place, *row) for place, row in enumerate(rows)]):
        counts[line[:2]] = counts.get(line[:2], 0) + 1
        out.write(f"{line}\r\n".encode("latin-1"))
    told = "".join(f"{counts[kind]:08}" for kind in ("20", "21", "22", "15"))
    out.write(f"70{told}".ljust(80).encode())
    return len(rows)


def _lines(all_paid: Sequence[Paid]) -> Iterator[str]:
    for begin in range(0, len(all_paid), PER_SECTION):
        some = all_paid[begin : begin + PER_SECTION]
        serial = f"{begin // PER_SECTION + 1:05}"
        first, *lines, _ = written.bgmax_lines(Deposit(some, day=PAID_ON, serial=serial))
        yield from lines if begin else [first, *lines]


def settle(bench: Bench) -> Work:
    """Match all that came; its floor is what that wrote."""
    for floor in ("floor", "bare"):
        bench.say(f"insert into {floor}.cases select * from public.cases")
    bench.owner.execute("create index on bare.cases (id)")
    bench.owner.execute("vacuum analyze")
    before, begins = bench.newest(), _own_mb(os.getpid())
    with bench.measured("matched and settled") as work:
        work.rows = matching.match_new(now=at(PAID_ON), between=db.session.commit)
    work.ours_mb = max(0.0, work.ours_mb - begins)
    floors_of_moved(bench, work, before)
    return work


def measure(payments: int) -> Work:
    """Measure a file of so many payments; answers the whole."""
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", "reda_matching", keep=False)
    app = make_world(urls, int(payments * _SPARE))
    with app.app_context(), tenancy.service(), tempfile.TemporaryFile() as stream:
        bench = Bench(app, urls, TABLES)
        for creditor_id in db.session.scalars(select(Creditor.id)).all():
            intake.import_overdue(
                creditor_id, today=PAID_ON, now=at(PAID_ON), between=db.session.commit
            )
            db.session.commit()
        bench.make_floors()
        count = write_file(bench, stream, payments)
        stream.seek(0)
        pid = db.session.scalar(text("select pg_backend_pid()"))
        lines = measured("lines", pid, lambda: lines_only(stream))
        taken = measured("read and taken", pid, lambda: take(stream, "file", PAID_ON))
        copied = _copied(bench)
        settled = settle(bench)
        states = dict(bench.owner.execute(
            b"select state, count(*) from bank_payments group by 1 order by 1"
        ).fetchall())  # fmt: skip
        db.session.remove()
        db.engine.dispose()
        bench.owner.close()
    print(f"\n{count:,} payments; afterwards {states}")
    return tell(count, lines, taken, copied, settled)


def _copied(bench: Bench) -> Work:
    """The payments' rows, ready, in one COPY: out of their table and into it again."""
    pid = bench.owner.info.backend_pid
    bench.owner.execute(b"create table kept as select * from bank_payments")
    with tempfile.TemporaryFile() as rows:
        rows_of(bench.owner, rows)
        copied = measured("copy", pid, lambda: copy_rows(bench.owner, rows))
    bench.owner.execute(b"truncate bank_payments cascade")
    bench.owner.execute(b"insert into bank_payments overriding system value select * from kept")
    bench.owner.execute(b"drop table kept")
    return copied


def tell(count: int, lines: Work, taken: Work, copied: Work, settled: Work) -> Work:
    moved = settled.floors["floor"]
    whole = Work(
        "the whole",
        count,
        taken.seconds + settled.seconds,
        taken.cpu + settled.cpu,
        max(taken.ours_mb, settled.ours_mb),
    )
    floor = Work("its floor", count, copied.seconds + moved.seconds, copied.cpu + moved.cpu)
    print(f"{'':22}{'s':>8}{'cpu':>8}{'MB':>6}{'payments/s':>12}{'floor':>9}{'floor cpu':>11}")
    for work, beside in (
        (lines, None), (taken, copied), (settled, moved), (floor, None), (whole, floor),
        (whole, lines),
    ):  # fmt: skip
        line = f"{work.name:22}{work.seconds:>8.2f}{work.cpu:>8.2f}{work.ours_mb:>6.0f}"
        line += f"{count / max(work.seconds, 0.001):>12,.0f}"
        if beside is not None:
            line += (
                f"{work.seconds / max(beside.seconds, 0.001):>7.1f} ×"
                f"{work.cpu / max(beside.cpu, 0.01):>9.1f} ×"
            )
        print(line, flush=True)
    return whole


def main(sizes: Sequence[int]) -> None:
    wholes = [measure(size) for size in sizes]
    first, last = wholes[0], wholes[-1]
    if first is not last:
        change = (last.seconds / last.rows) / (first.seconds / first.rows) - 1
        print(f"per payment at {last.rows} against {first.rows}: {change:+.0%}")


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [50_000, 500_000])
