"""Banks' files: a BgMax file and a camt.054 read, and taken, each beside its floor.

`read` is the reader alone, every record made and every sum checked; its floor is the same lines
read (BgMax), or the same XML parsed with each entry let go (camt.054). `taken` is all that the
operator waits for: the file kept, read, copied, and its payments in their table; its floor is one
COPY of the very rows into the same table, by its owner, whom no wall makes go another way. A third
of the payments have a payer's account and name, a tenth several references and free text. Memory is
what our process has for itself beyond the start, at its highest.

Run as `PYTHONPATH=. python benchmarks/bank_files.py [payments entries]`; default 500 000 and
100 000. The tenth of each comes first, so that memory shows whether it grows with the file.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from typing import BinaryIO

import psycopg
from lxml import etree
from scale import TODAY, Measuring, Work, _own_mb, address, at, make_world
from sqlalchemy import text

from portal.config import ROOT
from portal.database import server, tenancy
from portal.extensions import db
from portal.payments import taking
from portal.payments.bank_files import reading
from tests.payments.bank_files import written
from tests.payments.bank_files.written import Deposit, Paid

PER_SECTION = 50_000
PER_ENTRY = 10


def paid(number: int) -> Paid:
    """One payment of many, as real files mix them."""
    one = Paid(10_000 + number % 500_000, f"{number:012}", serial=f"{number + 1:012}")
    if number % 3 == 0:
        one.payer, one.name = f"{3_000_000 + number % 1_000_000}", f"Kund nr {number} AB"
        one.street, one.postcode, one.town = f"Storgatan {number % 99}", "12345", "Östersund"
    if number % 10 == 0:
        one.extras, one.texts = [("657866", 0), ("658765", 0)], ["Betalning för tre fakturor"]
    return one


def write_bgmax(out: BinaryIO, payments: int) -> None:
    """A BgMax file, a section at a time."""
    counts = {"20": 0, "21": 0, "22": 0, "15": 0}
    for begin in range(0, payments, PER_SECTION):
        some = [paid(number) for number in range(begin, min(begin + PER_SECTION, payments))]
        serial = f"{begin // PER_SECTION + 1:05}"
        first, *lines, _ = written.bgmax_lines(Deposit(some, day=TODAY, serial=serial))
        for line in lines if begin else [first, *lines]:
            counts[line[:2]] = counts.get(line[:2], 0) + 1
            out.write(f"{line}\r\n".encode("latin-1"))
    told = "".join(f"{counts[kind]:08}" for kind in ("20", "21", "22", "15"))
    out.write(f"70{told}".ljust(80).encode())


def write_camt(out: BinaryIO, entries: int) -> None:
    """A camt.054 document, half of whose entries are batches of ten."""
    begins, _, ends = written.camt("@", message=f"M{entries}").decode().partition("@")
    out.write(begins.encode())
    number = 0
    for entry in range(entries):
        size = PER_ENTRY if entry % 2 else 1
        some = [paid(number + one) for one in range(size)]
        number += size
        out.write(written.entry(some, reference=f"R{entry}", day=TODAY).encode())
    out.write(ends.encode())


def lines_only(stream: BinaryIO) -> int:
    """The floor of a text file: its lines, and nothing of them."""
    return sum(1 for _ in stream)


def xml_only(stream: BinaryIO) -> int:
    """The floor of a document: parsed, each entry let go."""
    count = 0
    for _, node in etree.iterparse(stream, tag="{*}Ntry", resolve_entities=False):
        count += 1
        node.clear()
        before, parent = node.getprevious(), node.getparent()
        if before is not None and parent is not None:
            parent.remove(before)
    return count


def measured(name: str, pid: int, work: Callable[[], int]) -> Work:
    """What a piece of work costs. pid: of the database's process."""
    begins = _own_mb(os.getpid())
    with Measuring(Work(name), pid) as told:
        told.rows = work()
    told.ours_mb = max(0.0, told.ours_mb - begins)
    return told


def take(stream: BinaryIO, name: str, on: date = TODAY) -> int:
    """All that happens to a file that is brought."""
    stream.seek(0)
    kept = taking.keep(stream, name)
    taken = taking.take(kept, stream, way="command", by="", today=on, now=at(on))
    db.session.commit()
    return sum(one["payments"] + one["others"] for one in taken.file.totals)


def copy_rows(owner: psycopg.Connection, rows: BinaryIO) -> int:
    """The floor of taking: the rows, ready, in one COPY."""
    columns = f"file_id, {taking._COLUMNS}, state"
    rows.seek(0)
    with owner.cursor() as cursor:
        with cursor.copy(f"copy bank_payments ({columns}) from stdin".encode()) as copy:
            while piece := rows.read(1 << 20):
                copy.write(piece)
        return cursor.rowcount


def rows_of(owner: psycopg.Connection, out: BinaryIO) -> None:
    """The rows that are there, written out, and then gone."""
    columns = f"file_id, {taking._COLUMNS}, state"
    with owner.cursor() as cursor:
        with cursor.copy(f"copy bank_payments ({columns}) to stdout".encode()) as copy:
            for piece in copy:
                out.write(piece)
        cursor.execute(b"truncate bank_payments cascade")


def measure(
    owner: psycopg.Connection, name: str, write: Callable[[BinaryIO, int], None],
    floor: Callable[[BinaryIO], int], size: int,
) -> None:  # fmt: skip
    """One file, read and taken, each beside its floor."""
    backend = db.session.scalar(text("select pg_backend_pid()"))
    with tempfile.TemporaryFile() as stream, tempfile.TemporaryFile() as rows:
        write(stream, size)
        megabytes = stream.tell() / 1e6
        stream.seek(0)
        bare = measured("floor of reading", backend, lambda: floor(stream))
        stream.seek(0)
        read = measured("read", backend, lambda: sum(1 for _ in reading.read(stream)))
        taken = measured("taken", backend, lambda: take(stream, name))
        rows_of(owner, rows)
        copied = measured("floor of taking", owner.info.backend_pid, lambda: copy_rows(owner, rows))
        owner.execute(b"truncate bank_payments cascade")
    assert taken.rows == copied.rows
    print(f"\n{name}: {size:,}, {taken.rows:,} payments, {megabytes:.0f} MB")
    print(f"{'':18}{'s':>8}{'cpu':>8}{'MB':>6}{'payments/s':>12}{'floor':>9}{'floor cpu':>11}")
    for work, beside in ((bare, None), (read, bare), (copied, None), (taken, copied)):
        line = f"{work.name:18}{work.seconds:>8.2f}{work.cpu:>8.2f}{work.ours_mb:>6.0f}"
        line += f"{taken.rows / work.seconds:>12,.0f}"
        if beside is not None:
            line += (
                f"{work.seconds / beside.seconds:>7.1f} ×{work.cpu / max(beside.cpu, 0.01):>9.1f} ×"
            )
        print(line, flush=True)


def main(payments: int, entries: int) -> None:
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", "reda_bank_files", keep=False)
    app = make_world(urls, 0)
    with (
        app.app_context(),
        tenancy.service(),
        psycopg.connect(address(urls), autocommit=True) as owner,
    ):
        for share in (10, 1):
            measure(owner, "BgMax", write_bgmax, lines_only, payments // share)
            owner.execute(b"delete from bank_files")
            measure(owner, "camt.054", write_camt, xml_only, entries // share)
            owner.execute(b"delete from bank_files")
        db.session.remove()
        db.engine.dispose()


if __name__ == "__main__":
    sizes = [int(one) for one in sys.argv[1:]]
    main(*(sizes if sizes else (500_000, 100_000)))
