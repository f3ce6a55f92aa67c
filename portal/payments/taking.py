"""Files from banks, each taken whole and once, or refused whole.

A file is kept first (`keep`), then taken (`take`) or, when it is wrong, noted as refused
(`refuse`).
Its payments lie in `bank_payments` until they are matched: `new_payments` hands them over.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import BinaryIO, NamedTuple

import structlog
from sqlalchemy import ColumnElement, func, select, text

from portal.database import files
from portal.database.encryption import cipher, lookup_hash
from portal.extensions import db, settings
from portal.messages import N_, Problem
from portal.payments import told_twice
from portal.payments.bank_files import reading
from portal.payments.bank_files.record import (
    BankFileError,
    Header,
    Received,
    Section,
    Statement,
)
from portal.payments.models import BankBalance, BankFile, BankPayment

log = structlog.get_logger()
# As the doors call it.
File = BankFile
# Names the lock of whoever takes a file.
_LOCK = 0x7265_6462
_PIECE = 1 << 20
# A deposit is told of on its day or a banking day before; a year that has a wrong digit is not.
_AHEAD = timedelta(days=31)
# Between the references of a payment on their way to the database; no format has it.
_SEPARATOR = "\x1f"
_LONGEST_NAME = 200


class Kept(NamedTuple):
    """A file in the file store. size: in bytes."""

    sha256: str
    size: int
    name: str


@dataclass(frozen=True)
class Total:
    """What a file has in one currency: how many payments in and their sum, and what went off."""

    currency: str
    payments: int
    paid_ore: int
    others: int
    others_ore: int


@dataclass(frozen=True)
class Taken:
    """What became of a file. is_new: whether it was taken now; if not, file is the one before."""

    file: BankFile
    is_new: bool


def keep(stream: BinaryIO, name: str) -> Kept:
    """Keep a file's bytes, whatever is in it; the stream is put back to where it stood."""
    begin = stream.tell()
    with files.writing() as out:
        while piece := stream.read(_PIECE):
            out.write(piece)
    stream.seek(begin)
    shown = "".join(one if one.isprintable() else "�" for one in name)
    return Kept(out.sha256, out.size, shown[-_LONGEST_NAME:] or "–")


def take(
    kept: Kept, stream: BinaryIO, *, way: str, by: str, today: date, now: datetime
) -> Taken:  # fmt: skip
    """Take a file: its payments are new, all of them or, when one has been told of, the others.

    stream: the file from its beginning. way: page, folder or command. by: who brings it. The same
    file again changes nothing, under whatever name, and neither does one of two that come at the
    same instant. Raises BankFileError when it is not whole and right, or not about our accounts;
    the transaction is then worth nothing and has to be rolled back.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    if (known := _taken(BankFile.sha256 == kept.sha256)) is not None:
        return Taken(known, False)
    for statement in _STAGE:
        db.session.execute(text(statement))
    told = _Told(today)
    connection = db.session.connection().connection.driver_connection
    assert connection is not None
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in told.rows(stream):
            copy.write_row(row)
    header = told.header
    totals = [Total(*row) for row in db.session.execute(text(_TOTALS))]
    if (known := _same(header, told.accounts)) is not None:
        if known.totals != [asdict(one) for one in totals]:
            raise BankFileError(
                N_("The bank has sent a file by this name before (%(id)s), with other payments."),
                id=header.bank_id,
            )
        return Taken(known, False)
    file = BankFile(
        sha256=kept.sha256, size=kept.size, name=kept.name, kind=header.kind,
        bank_id=header.bank_id, accounts=told.accounts, made_at=header.made_at, way=way, by=by,
        at=now, status="taken", totals=[asdict(one) for one in totals], repeated=0,
    )  # fmt: skip
    db.session.add(file)
    db.session.flush()
    state = "statement" if is_compared(header.kind) else "new"
    db.session.execute(text(_INSERT), {"file_id": file.id, "state": state})
    file.repeated = _mark_repeated(file, sorted(told.days))
    file.repeated += told_twice.mark(file, sorted(told.days))
    db.session.add_all(BankBalance(file_id=file.id, **one._asdict()) for one in told.statements)
    log.info("bank_file.taken", file=file.id, kind=file.kind, repeated=file.repeated)
    return Taken(file, True)


def is_compared(kind: str) -> bool:
    """Whether files of a kind are held against the books alone, and nothing of them is booked."""
    return kind == "camt.053" and settings().bank_statements == "to compare"


def refuse(kept: Kept, problem: Problem, *, way: str, by: str, now: datetime) -> BankFile:
    """Note that a file was refused, and why."""
    file = BankFile(
        sha256=kept.sha256, size=kept.size, name=kept.name, kind="", bank_id="", accounts=[],
        way=way, by=by, at=now, status="refused", totals=[], repeated=0, problem=problem.as_json(),
    )  # fmt: skip
    db.session.add(file)
    db.session.flush()
    log.warning("bank_file.refused", file=file.id, reason=problem.message)
    return file


def page(*, before: int | None = None, limit: int = 50) -> list[BankFile]:
    """Files that have come, the newest first. before: id of the last on the page before."""
    wanted = select(BankFile).order_by(BankFile.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(BankFile.id < before)
    return list(db.session.scalars(wanted))


def find(file_id: int) -> BankFile | None:
    """One of the files, or None."""
    return db.session.get(BankFile, file_id)


def content(file: BankFile) -> Iterator[bytes]:
    """The file's bytes, in pieces. Raises FileDamaged."""
    return files.stream(file.sha256)


def new_payments(*, after: int = 0, limit: int = 1000) -> list[BankPayment]:
    """Payments that nobody has matched, in the order they came. after: id of the last one seen."""
    return list(
        db.session.scalars(
            select(BankPayment)
            .where(BankPayment.state == "new", BankPayment.id > after)
            .order_by(BankPayment.id)
            .limit(limit)
        )
    )


class _Told:
    """What a file has told so far, beside its payments."""

    def __init__(self, today: date) -> None:
        self._ours = settings().client_accounts
        self._number = settings().service_organisation_number
        self._takes_tests = not settings().is_production
        self._last = today + _AHEAD
        self._cipher = cipher()
        self._header: Header | None = None
        self.accounts: list[str] = []
        self.statements: list[Statement] = []
        self.days: set[date] = set()

    @property
    def header(self) -> Header:
        """What the file says of itself, once it has."""
        if self._header is None:
            raise BankFileError(N_("The file does not say what it is."))
        return self._header

    def rows(self, stream: BinaryIO) -> Iterator[tuple[object, ...]]:
        """Each payment as `_COPY` wants it."""
        for one in reading.read(stream):
            if isinstance(one, Received):
                yield self._row(one)
            elif isinstance(one, Section):
                self._check_account(one.account, one.line, one.place)
                self._check_owner(one)
                if one.account not in self.accounts:
                    self.accounts.append(one.account)
            elif isinstance(one, Statement):
                self.statements.append(one)
            else:
                self._begin(one)

    def _begin(self, header: Header) -> None:
        if header.is_test and not self._takes_tests:
            raise BankFileError(N_("The file is marked as a test: no money is behind it."), line=1)
        self._header = header

    def _check_account(self, account: str, line: int | None, place: str | None) -> None:
        if account not in self._ours:
            raise BankFileError(
                N_(
                    "The account %(account)s is not one of ours for client money. If it is, add it"
                    " to REDA_BANK_ACCOUNTS."
                ),
                line=line, place=place, account=account,
            )  # fmt: skip

    def _check_owner(self, section: Section) -> None:
        if section.owner_numbers and self._number not in section.owner_numbers:
            raise BankFileError(
                N_("The file is for another customer of the bank, %(number)s."),
                line=section.line, place=section.place, number=section.owner_numbers[0],
            )  # fmt: skip

    def _row(self, one: Received) -> tuple[object, ...]:
        if one.account not in self.accounts:
            self._check_account(one.account, one.line, one.place)
            self.accounts.append(one.account)
        if one.value_on not in self.days:
            if one.value_on > self._last:
                raise BankFileError(
                    N_("The day %(day)s lies too far ahead."),
                    line=one.line, place=one.place, day=one.value_on,
                )  # fmt: skip
            self.days.add(one.value_on)
        payer, number = one.payer_account, one.payer_number
        shares = (each.amount_ore for each in one.references)
        return (
            one.line, one.place, one.account, one.kind, one.amount_ore, one.currency, one.value_on,
            _SEPARATOR.join(each.number for each in one.references) if one.references else None,
            ",".join("" if ore is None else str(ore) for ore in shares),
            one.text,
            self._cipher.encrypt(payer.encode()) if payer else None,
            lookup_hash(payer) if payer else None,
            one.payer_name, one.payer_address,
            self._cipher.encrypt(number.encode()) if number else None,
            one.serial, one.deposit, one.position, one.end_to_end_id,
            one.payer_account_kind or None,
        )  # fmt: skip


def _taken(*conditions: ColumnElement[bool]) -> BankFile | None:
    return db.session.scalar(select(BankFile).where(BankFile.status == "taken", *conditions))


def _same(header: Header, accounts: list[str]) -> BankFile | None:
    if not accounts:
        return None
    return _taken(
        BankFile.kind == header.kind,
        BankFile.bank_id == header.bank_id,
        BankFile.accounts[1] == accounts[0],
    )


def _mark_repeated(file: BankFile, days: list[date]) -> int:
    """Note which payments of a file had come in another one; answers how many.

    A bank that sends a day again gives the file a new name, but not the deposits in it.
    """
    found = db.session.execute(
        text(_REPEATED), {"file_id": file.id, "accounts": file.accounts, "days": days}
    )
    return len(found.all())


# PostgreSQL copies into no table that has walls; the payments go through one that has not.
_COLUMNS = (
    "line, place, account, kind, amount_ore, currency, value_on, reference_numbers,"
    " reference_ores, text, payer_account, payer_hash, payer_name, payer_address, payer_number,"
    " serial, deposit, position, end_to_end_id, payer_account_kind"
)
_STAGE = (
    "drop table if exists pg_temp.bank_rows",
    """
create temp table bank_rows (
    line bigint, place text, account text, kind text, amount_ore bigint, currency text,
    value_on date, reference_numbers text, reference_ores text, text text, payer_account bytea,
    payer_hash bytea, payer_name text, payer_address text, payer_number bytea, serial text,
    deposit text, position bigint, end_to_end_id text, payer_account_kind text
) on commit drop
""",
)
_COPY = f"copy pg_temp.bank_rows ({_COLUMNS}) from stdin"
_TOTALS = """
select currency, count(*) filter (where amount_ore > 0),
    coalesce(sum(amount_ore) filter (where amount_ore > 0), 0)::bigint,
    count(*) filter (where amount_ore < 0),
    coalesce(sum(amount_ore) filter (where amount_ore < 0), 0)::bigint
from pg_temp.bank_rows group by currency order by currency
"""
_INSERT = f"""
insert into bank_payments (file_id, {_COLUMNS}, state)
select :file_id, line, place, account, kind, amount_ore, currency, value_on,
    coalesce(string_to_array(reference_numbers, E'\\x1f'), '{{}}'),
    case when reference_numbers is null then '{{}}'
        when reference_ores = '' then array[null::bigint]
        else string_to_array(reference_ores, ',', '')::bigint[] end,
    text, payer_account, payer_hash, payer_name, payer_address, payer_number, serial, deposit,
    position, end_to_end_id, payer_account_kind, :state
from pg_temp.bank_rows
"""  # noqa: S608
_REPEATED = """
update bank_payments new set state = 'repeated'
from bank_payments old
where new.file_id = :file_id and old.file_id <> :file_id
    and old.account = new.account and old.value_on = new.value_on
    and old.account = any(:accounts) and old.value_on = any(:days)
    and old.deposit = new.deposit and old.position = new.position
    and old.amount_ore = new.amount_ore and old.currency = new.currency
    and old.reference_numbers = new.reference_numbers and old.serial = new.serial
    and 'statement' not in (old.state, new.state)
returning new.id
"""
