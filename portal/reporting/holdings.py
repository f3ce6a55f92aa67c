"""What a company's documents are, part by part: how many there are, and each of them in turn.

The order of a part is that of its keys, so that it can be gone on with from any of them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext
from sqlalchemy import text

from portal import ledger
from portal.collection import cases, circumstances, history
from portal.database import files
from portal.delivery import letters, outbox
from portal.extensions import db, settings
from portal.messages import N_
from portal.payments import booking
from portal.reporting import names, reports, sheets
from portal.reporting.sheets import Out
from portal.reporting.tables import DAY, MONEY, Column, Report, Row, Table, Text
from portal.signing import events
from portal.signing.models import OF_THE_SERVICE

_CHUNK = 200
# By how many of the newest files the size of all is judged.
_SAMPLE = 50
_RECEIPT, _HISTORY_PDF, _HISTORY_JSON, _LEDGER_LINE, _REPORT = 12_000, 15_000, 6_000, 110, 20_000
_LOG = 6_000
# A writer puts the content where it is told.
Write = Callable[[Out], object]


@dataclass(frozen=True)
class Scope:
    """Whose documents, of which days, in which language those are written that are made now.

    keys: of documents to sign, when those alone are wanted, of whatever day.
    """

    creditor_id: int
    first: date
    last: date
    language: str
    keys: tuple[str, ...] = ()

    def values(self, after: int = 0) -> dict[str, object]:
        """For a statement."""
        return {
            "creditor_id": self.creditor_id, "first": self.first, "last": self.last,
            "after": after, "chunk": _CHUNK, "keys": list(self.keys),
        }  # fmt: skip


@dataclass(frozen=True)
class Item:
    """A file of an archive.

    part, key: where to go on after it. path: in the archive. on: its day. size: about how many
    bytes. open: answers what writes it; raises FileDamaged when it is not there any more.
    """

    part: int
    key: int
    path: str
    kind: str
    on: date
    case: str
    customer: str
    size: int
    open: Callable[[], Write]


@dataclass(frozen=True)
class Part:
    """A kind of documents. count: how many there are, and about how many bytes."""

    title: str
    hint: str
    count: Callable[[Scope], tuple[int, int]]
    items: Callable[[Scope, int, int], Iterator[Item]]


# Where somebody with a protected identity is stands in no archive.
_IS_SHOWN = f"and d.id not in ({circumstances.PROTECTED})"
_OF_CASE = """
join cases c on c.id = x.case_id join debtors d on d.id = c.debtor_id
where x.creditor_id = :creditor_id and x.id > :after
"""
_NAMED = "c.reference, d.customer_number, d.name"
_LETTERS = f"""
from messages x {_OF_CASE} {_IS_SHOWN} and x.status = 'sent' and x.document_sha256 is not null
    and (x.sent_at at time zone 'Europe/Stockholm')::date between :first and :last
"""
_INVOICES = f"""
from invoices x left join cases c on c.invoice_id = x.id join debtors d on d.id = x.debtor_id
where x.creditor_id = :creditor_id {_IS_SHOWN} and x.id > :after and x.document_sha256 is not null
    and (x.created_at at time zone 'Europe/Stockholm')::date between :first and :last
"""
_RECEIPTS = f"from payments x {_OF_CASE} and x.value_on between :first and :last"
_AGREEMENTS = """
from documents x where x.creditor_id = :creditor_id and x.id > :after
    and (x.created_at at time zone 'Europe/Stockholm')::date between :first and :last
"""
# Of those that are sent, by the day they were sent; the service's own are had at their own pages.
_ENVELOPES = f"""
from envelope_files x join envelopes e on e.id = x.envelope_id
where x.creditor_id = :creditor_id and x.id > :after and e.status <> 'draft'
    and e.kind not in {OF_THE_SERVICE!r} and case
    when cardinality(cast(:keys as text[])) > 0 then e.key = any(cast(:keys as text[]))
    else (e.sent_at at time zone 'Europe/Stockholm')::date between :first and :last end
"""
_CASES = """
from cases x join debtors d on d.id = x.debtor_id
where x.creditor_id = :creditor_id and x.id > :after and x.opened_on <= :last
    and (x.closed_on is null or x.closed_on >= :first)
"""
_LINES = """
from ledger_lines x join ledger_entries e on e.id = x.entry_id left join cases c on c.id = x.case_id
where x.creditor_id = :creditor_id and x.booked_on between :first and :last
"""


def _chunks(select: str, source: str, scope: Scope, after: int) -> Iterator[Any]:
    """The rows of a part by their key, some at a time; the first column is the key."""
    statement = text(f"select x.id, {select} {source} order by x.id limit :chunk")
    while True:
        rows = db.session.execute(statement, scope.values(after)).all()
        yield from rows
        if len(rows) < _CHUNK:
            return
        after = rows[-1][0]
        db.session.expunge_all()


def _counted(source: str, scope: Scope) -> int:
    return int(db.session.scalar(text(f"select count(*) {source}"), scope.values()) or 0)


def _stored(column: str, source: str) -> Callable[[Scope], tuple[int, int]]:
    """Counts what lies in the file store; the newest tell how large all are."""

    def count(scope: Scope) -> tuple[int, int]:
        there = _counted(source, scope)
        newest = db.session.scalars(
            text(f"select {column} {source} order by x.id desc limit {_SAMPLE}"), scope.values()
        ).all()
        sizes = [files.size_on_disk(sha256) for sha256 in newest if sha256]
        return there, there * sum(sizes) // len(sizes) if sizes else 0

    return count


def _made(source: str, size: int) -> Callable[[Scope], tuple[int, int]]:
    """Counts what is made on the way, each about as large."""

    def count(scope: Scope) -> tuple[int, int]:
        there = _counted(source, scope)
        return there, there * size

    return count


def _folder(customer_number: str, name: str, reference: str | None) -> str:
    customer = names.safe(f"{customer_number} {name}")
    return f"{customer}/{reference}" if reference else customer


def _from_store(sha256: str) -> Callable[[], Write]:
    def opened() -> Write:
        data = files.read(sha256)
        return lambda out: out.write(data)

    return opened


def _letters(scope: Scope, part: int, after: int) -> Iterator[Item]:
    select = "x.kind, (x.sent_at at time zone 'Europe/Stockholm')::date, x.document_sha256, "
    for row in _chunks(select + _NAMED, _LETTERS, scope, after):
        key, kind, on, sha256, reference, number, name = row
        path = f"{_folder(number, name, reference)}/{on} {names.safe(kind)} {key}.pdf"
        size = files.size_on_disk(sha256)
        yield Item(part, key, path, kind, on, reference, number, size, _from_store(sha256))


def _invoices(scope: Scope, part: int, after: int) -> Iterator[Item]:
    select = (
        "coalesce(x.issued_on, x.due_on), x.number, x.document_filename, x.document_sha256,"
        f" {_NAMED}"
    )
    for row in _chunks(select, _INVOICES, scope, after):
        key, on, invoice, filename, sha256, reference, number, name = row
        _, dot, extension = names.safe(filename or "invoice.xml").rpartition(".")
        ending = f".{extension}" if dot else ""
        title = names.safe(f"{on} invoice {invoice}")
        path = f"{_folder(number, name, reference)}/{title} {key}{ending}"
        size = files.size_on_disk(sha256)
        yield Item(part, key, path, "invoice", on, reference or "", number, size,
                   _from_store(sha256))  # fmt: skip


def _receipts(scope: Scope, part: int, after: int) -> Iterator[Item]:
    select = f"x.value_on, x.receipt_number, {_NAMED}"
    for row in _chunks(select, _RECEIPTS, scope, after):
        key, on, receipt, reference, number, name = row
        path = f"{_folder(number, name, reference)}/{on} receipt {names.safe(receipt)}.pdf"
        yield Item(part, key, path, "receipt", on, reference, number, _RECEIPT,
                   _receipt(receipt, scope))  # fmt: skip


def _receipt(number: str, scope: Scope) -> Callable[[], Write]:
    def opened() -> Write:
        found = booking.receipt(number)
        if found is None:
            raise files.FileDamaged(number)
        content = booking.receipt_content(found)
        data = letters.render_receipt(content, language=scope.language, settings=settings())
        return lambda out: out.write(data)

    return opened


def _agreements(scope: Scope, part: int, after: int) -> Iterator[Item]:
    select = (
        "(x.created_at at time zone 'Europe/Stockholm')::date, x.kind, x.version,"
        " coalesce(x.signed_sha256, x.sha256), x.signed_sha256 is not null"
    )
    for key, on, kind, version, sha256, is_signed in _chunks(select, _AGREEMENTS, scope, after):
        state = "signed" if is_signed else "not signed"
        path = f"agreements/{on} {names.safe(kind)} {version} {state}.pdf"
        size = files.size_on_disk(sha256)
        yield Item(part, key, path, "agreement", on, "", "", size, _from_store(sha256))


# What of a file of a document to sign is put in, each by a key of its own.
_OF_FILE = ("original", "made from", "sealed", "log")


def _envelopes(scope: Scope, part: int, after: int) -> Iterator[Item]:
    select = (
        "e.title, e.key, (e.sent_at at time zone 'Europe/Stockholm')::date, x.position, x.name,"
        " x.original_name, x.sha256, x.original_sha256, x.sealed_sha256, x.envelope_id,"
        " x.position = (select min(f.position) from envelope_files f"
        " where f.envelope_id = x.envelope_id)"
    )
    for row in _chunks(select, _ENVELOPES, scope, after // len(_OF_FILE) - 1):
        (number, title, envelope_key, on, position, name, original_name, sha256, original, sealed,
         envelope_id, is_first) = row  # fmt: skip
        folder = f"documents/{on} {names.safe(title)} {envelope_key}"
        stored = (
            (name, sha256), (original_name or "", original), (f"signed {name}", sealed)
        )  # fmt: skip
        for place, (called, one) in enumerate(stored):
            key = len(_OF_FILE) * number + place
            if one and key > after:
                path = f"{folder}/{position} {names.safe(called)}"
                yield Item(part, key, path, f"document {_OF_FILE[place]}", on, "", "",
                           files.size_on_disk(one), _from_store(one))  # fmt: skip
        key = len(_OF_FILE) * number + len(stored)
        if is_first and key > after:
            yield Item(part, key, f"{folder}/events.json", "document log", on, "", "", _LOG,
                       _log(envelope_id))  # fmt: skip


def _log(envelope_id: int) -> Callable[[], Write]:
    def opened() -> Write:
        data = events.canonical(events.log_by_id(envelope_id))
        return lambda out: out.write(data)

    return opened


def _reports(scope: Scope, part: int, after: int) -> Iterator[Item]:
    for number, (name, kind) in enumerate(reports.KINDS.items()):
        given = {"from": str(scope.first), "to": str(scope.last), "on": str(scope.last)}
        chosen = {**reports.parameters(kind, {}, today=scope.last), **_asked(kind, given)}
        for place, extension in enumerate(("xlsx", "pdf"), 1):
            key = 2 * number + place
            if key > after:
                path = f"reports/{reports.file_name(chosen, extension)}"
                yield Item(part, key, path, f"report {name}", scope.last, "", "", _REPORT,
                           _report(scope, chosen, extension))  # fmt: skip


def _asked(kind: reports.Kind, given: Mapping[str, str]) -> dict[str, str]:
    asked = ("from", "to") if kind.asks == reports.PERIOD else ("on",)
    return {one: given[one] for one in asked}


def _report(scope: Scope, chosen: Mapping[str, str], extension: str) -> Callable[[], Write]:
    def written(out: Out) -> None:
        report = reports.build(scope.creditor_id, chosen)
        if extension == "xlsx":
            # Told the last day of the period, so that the same books make the same bytes.
            workbook = sheets.Xlsx(out, report, reports.noon(scope.last))
            sheets.write(report, [workbook])
            workbook.close()
            return
        paper = reports.Paper()
        sheets.write(report, [paper])
        name = reports.creditor_name(scope.creditor_id)
        out.write(paper.render(report, name, scope.language, scope.last))

    return lambda: written


def _count_reports(scope: Scope) -> tuple[int, int]:
    return 2 * len(reports.KINDS), 2 * len(reports.KINDS) * _REPORT


def _histories(scope: Scope, part: int, after: int, extension: str) -> Iterator[Item]:
    select = "x.opened_on, x.reference, d.customer_number, d.name"
    size = _HISTORY_JSON if extension == "json" else _HISTORY_PDF
    for key, on, reference, number, name in _chunks(select, _CASES, scope, after):
        path = f"{_folder(number, name, reference)}/history {reference}.{extension}"
        yield Item(part, key, path, "history", on, reference, number, size,
                   _history(key, scope, extension))  # fmt: skip


def _histories_json(scope: Scope, part: int, after: int) -> Iterator[Item]:
    return _histories(scope, part, after, "json")


def _histories_pdf(scope: Scope, part: int, after: int) -> Iterator[Item]:
    return _histories(scope, part, after, "pdf")


def _history(case_id: int, scope: Scope, extension: str) -> Callable[[], Write]:
    def opened() -> Write:
        case = cases.get(case_id)
        if case is None:
            raise files.FileDamaged(str(case_id))
        told = _told(case_id)
        if extension == "json":
            data = json.dumps(told, ensure_ascii=False, indent=1).encode()
        else:
            data = _on_paper(case_id, case, scope)
        return lambda out: out.write(data)

    return opened


def _told(case_id: int) -> dict[str, Any]:
    """All that is known of a case, as JSON values: sums in öre, instants in UTC."""
    case = cases.get(case_id)
    assert case is not None
    return {
        "reference": case.reference,
        "ocr": case.ocr,
        "status": case.status,
        "currency": case.currency,
        "opened_on": case.opened_on.isoformat(),
        "closed_on": case.closed_on.isoformat() if case.closed_on else None,
        "debtor": {
            "customer_number": case.debtor.customer_number, "name": case.debtor.name,
            "kind": case.debtor.kind,
        },
        "invoice": {
            "number": case.invoice.number, "due_on": case.due_on.isoformat(),
            "issued_on": case.invoice.issued_on.isoformat() if case.invoice.issued_on else None,
            "amount_ore": case.invoice.amount_ore,
        },
        "principal_ore": case.principal_ore,
        "events": [
            {
                "at": one.occurred_at.isoformat(), "name": one.name, "actor": one.actor,
                "data": one.data,
            }
            for one in reversed(history.of_case(case_id))
        ],
        "ledger": [
            {
                "kind": one.kind, "booked_on": one.booked_on.isoformat(),
                "lines": [{"account": account, "ore": ore} for account, ore in one.lines],
            }
            for one in ledger.entries(case_id)
        ],
        "letters": [
            {
                "kind": one.kind, "channel": one.channel, "status": one.status,
                "created_at": one.created_at.isoformat(),
                "sent_at": one.sent_at.isoformat() if one.sent_at else None,
                "sha256": one.document_sha256,
            }
            for one in reversed(outbox.messages_of(case_id))
        ],
    }  # fmt: skip


# What an event is called, and what more it tells, in the language in force; the door that shows
# the history to people says it (`speak_with`).
Said = Callable[[history.Told], tuple[str, str, str]]
_said: list[Said] = []


def speak_with(said: Said) -> None:
    """Let histories be told in words: title, text, and who did it."""
    _said[:] = [said]


def _say(event: history.Told) -> tuple[str, str, str]:
    return _said[0](event) if _said else (event.name, "", event.actor)


def _on_paper(case_id: int, case: Any, scope: Scope) -> bytes:
    events: list[Row] = []
    for one in reversed(history.of_case(case_id)):
        title, more, who = _say(one)
        events.append([one.occurred_at.date(), title, more, who])
    entries: list[Row] = [
        [one.booked_on, names.entry(one.kind), Text(names.ACCOUNTS.get(account, account)), ore]
        for one in ledger.entries(case_id)
        for account, ore in one.lines
    ]
    report = Report(
        "history",
        N_("History of a case"),
        Text(
            N_("Case %(reference)s, invoice %(number)s, %(debtor)s"),
            {"reference": case.reference, "number": case.invoice.number,
             "debtor": case.debtor.name},
        ),
        (),
        (
            Table(N_("What has happened"), _EVENTS, events),
            Table(N_("Ledger"), _ENTRIES, entries),
        ),
        case.currency,
    )  # fmt: skip
    paper = reports.Paper()
    sheets.write(report, [paper])
    return paper.render(
        report, reports.creditor_name(scope.creditor_id), scope.language, scope.last
    )


_EVENTS = (
    Column(N_("Day"), DAY), Column(N_("What")), Column(N_("Details")), Column(N_("Who")),
)  # fmt: skip
_ENTRIES = (
    Column(N_("Booked on"), DAY), Column(N_("Entry")), Column(N_("Account")),
    Column(N_("Debit, or credit below zero"), MONEY),
)  # fmt: skip


def _months(scope: Scope) -> list[date]:
    first = scope.first.replace(day=1)
    found = []
    while first <= scope.last:
        found.append(first)
        first = (first + timedelta(days=32)).replace(day=1)
    return found


def _ledger(scope: Scope, part: int, after: int) -> Iterator[Item]:
    for first in _months(scope):
        key = 12 * first.year + first.month
        if key <= after:
            continue
        last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        month = Scope(scope.creditor_id, max(first, scope.first), min(last, scope.last), "")
        lines = _counted(_LINES, month)
        if lines:
            yield Item(part, key, f"ledger/{first:%Y-%m}.csv", "ledger", month.last, "", "",
                       lines * _LEDGER_LINE, _month(month))  # fmt: skip


def _month(scope: Scope) -> Callable[[], Write]:
    def written(out: Out) -> None:
        out.write(b"\xef\xbb\xbfentry;booked on;kind;case;account;debit;credit;currency\r\n")
        rows = db.session.execute(
            text(
                "select x.entry_id, x.booked_on, e.kind, coalesce(c.reference, ''), x.account,"
                f" x.amount_ore, x.currency {_LINES} order by x.booked_on, x.entry_id, x.id"
            ),
            scope.values(),
            execution_options={"yield_per": 1000},
        )
        for entry, on, kind, reference, account, ore, currency in rows:
            amount = f"{Decimal(abs(ore)) / 100:.2f}".replace(".", ",")
            sides = f"{amount};" if ore > 0 else f";{amount}"
            line = f"{entry};{on};{kind};{reference};{account};{sides};{currency}\r\n"
            out.write(line.encode())

    return lambda: written


def _count_ledger(scope: Scope) -> tuple[int, int]:
    months = text(f"select date_trunc('month', x.booked_on), count(*) {_LINES} group by 1")
    rows = db.session.execute(months, scope.values()).all()
    return len(rows), sum(int(row[1]) for row in rows) * _LEDGER_LINE


PARTS: Mapping[str, Part] = {
    "letters": Part(
        N_("Letters as sent"), N_("by the day they were sent; none to a protected identity"),
        _stored("x.document_sha256", _LETTERS), _letters,
    ),
    "invoices": Part(
        N_("Invoices’ own files"), N_("by the day they came to us; none of a protected identity"),
        _stored("x.document_sha256", _INVOICES), _invoices,
    ),
    "receipts": Part(
        N_("Receipts"), N_("by the day that the money counts from"),
        _made(_RECEIPTS, _RECEIPT), _receipts,
    ),
    "agreements": Part(
        N_("Agreements"), N_("by the day they were made"),
        _stored("coalesce(x.signed_sha256, x.sha256)", _AGREEMENTS), _agreements,
    ),
    "signed": Part(
        N_("Documents to sign"), N_("sealed and as they were sent, with their logs, by the day"
                                    " they were sent"),
        _stored("coalesce(x.sealed_sha256, x.sha256)", _ENVELOPES), _envelopes,
    ),
    "reports": Part(
        N_("Reports"), N_("of the whole period, as XLSX and PDF"), _count_reports, _reports,
    ),
    "histories": Part(
        N_("Case histories as PDF"), N_("of cases that were open in the period"),
        _made(_CASES, _HISTORY_PDF), _histories_pdf,
    ),
    "histories-json": Part(
        N_("Case histories as JSON"), N_("for other programs"),
        _made(_CASES, _HISTORY_JSON), _histories_json,
    ),
    "ledger": Part(
        N_("The ledger as CSV"), N_("a file for each month"), _count_ledger, _ledger,
    ),
}  # fmt: skip


def title(part: str) -> str:
    """What a part is called, in the language in force."""
    named = PARTS[part].title
    return gettext(named)
