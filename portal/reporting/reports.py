"""The reports there are, what each may be asked for, and the files that are made of one."""

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask_babel import gettext
from sqlalchemy import select, text

from portal import clock
from portal.database import files
from portal.delivery import letters
from portal.extensions import db, settings
from portal.identity.models import Creditor
from portal.messages import N_, RedaError
from portal.reporting import names, open_claims, payment_times, remittance, sheets, steps
from portal.reporting.tables import Report, Row, Table

if TYPE_CHECKING:
    from portal.reporting.making import Making

# What a report is asked for: over a period, or on a day.
PERIOD, DAY_ALONE = "period", "day"
# Reports of more rows than these are made in the background.
MOST_AT_ONCE = 10_000
# A PDF tells no more rows than these; the spreadsheets hold all.
MOST_ON_PAPER = 2_000
# What a file is, by how its name ends.
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "zip": "application/zip",
}
_LONGEST_PERIOD = timedelta(days=366 * 5)

Parameters = Mapping[str, str]


@dataclass(frozen=True)
class Kind:
    """A report that can be asked for.

    asks: PERIOD or DAY_ALONE. choices: how its rows may be told, code to marked text; the first is
    meant where nothing is said. size: about how many rows are read for it.
    """

    name: str
    title: str
    about: str
    asks: str
    build: Callable[[int, Parameters], Report]
    size: Callable[[int, Parameters], int]
    usual: Callable[[date], tuple[date, date]]
    choices: Mapping[str, str]


def _last_month(today: date) -> tuple[date, date]:
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _months_back(today: date) -> tuple[date, date]:
    """Half a year of months, with this one as far as it has come."""
    months = 12 * today.year + today.month - 1 - 5
    return date(months // 12, months % 12 + 1, 1), today


def _half_years_back(today: date) -> tuple[date, date]:
    """This half-year as far as it has come, and the three before it."""
    halves = 2 * today.year + (today.month > 6) - 3
    return date(halves // 2, 7 if halves % 2 else 1, 1), today


KINDS: Mapping[str, Kind] = {
    one.name: one
    for one in (
        Kind(
            "remittance",
            N_("Remittance statement"),
            N_("What came for you, what it paid, and what is owed to you."),
            PERIOD,
            remittance.build,
            remittance.size,
            _last_month,
            {},
        ),
        Kind(
            "open-claims",
            N_("Open claims"),
            N_("What was owed on a day, by how late it was; for the closing of the books."),
            DAY_ALONE,
            open_claims.build,
            open_claims.size,
            lambda today: (today, today),
            open_claims.CHOICES,
        ),
        Kind(
            "steps",
            N_("Fees and outcome per step"),
            N_("What each step cost and solved, month by month."),
            PERIOD,
            steps.build,
            steps.size,
            _months_back,
            {},
        ),
        Kind(
            "payment-times",
            N_("Payment behaviour"),
            N_("How long customers take to pay, by their size and class, per half-year."),
            PERIOD,
            payment_times.build,
            payment_times.size,
            _half_years_back,
            {},
        ),
    )
}


def find(name: str) -> Kind | None:
    """A report by its name."""
    return KINDS.get(name)


def parameters(kind: Kind, given: Mapping[str, str | None], *, today: date) -> dict[str, str]:
    """What a report is asked for, out of what a form or an address says; the usual where it is
    silent.

    given: `from`, `to`, `on` in ISO form, `currency` and `rows`.
    Raises RedaError at the field that is wrong.
    """
    first, last = kind.usual(today)
    chosen = {"name": kind.name}
    if kind.asks == PERIOD:
        begins, ends = _day(given, "from", first), _day(given, "to", last)
        if ends < begins:
            raise RedaError(N_("The last day is before the first one."), field="to")
        if ends - begins > _LONGEST_PERIOD:
            raise RedaError(N_("Choose at most five years at a time."), field="to")
        chosen |= {"from": begins.isoformat(), "to": ends.isoformat()}
    else:
        chosen["on"] = _day(given, "on", last).isoformat()
    currency = (given.get("currency") or "SEK").upper()
    if not (currency.isascii() and currency.isalpha() and len(currency) == 3):
        raise RedaError(N_("Choose one of the options."), field="currency")
    chosen["currency"] = currency
    if kind.choices:
        rows = given.get("rows") or next(iter(kind.choices))
        if rows not in kind.choices:
            raise RedaError(N_("Choose one of the options."), field="rows")
        chosen["rows"] = rows
    return chosen


def _day(given: Mapping[str, str | None], field: str, usual: date) -> date:
    written = (given.get(field) or "").strip()
    if not written:
        return usual
    try:
        day = date.fromisoformat(written)
    except ValueError:
        day = date.min
    if not date(2000, 1, 1) <= day <= date(2100, 1, 1):
        raise RedaError(N_("Write a date as year-month-day, such as 2026-03-31."), field=field)
    return day


def currencies(creditor_id: int) -> list[str]:
    """The currencies that a company's books hold, kronor first."""
    found = db.session.scalars(
        text("select distinct currency from ledger_lines where creditor_id = :creditor_id"),
        {"creditor_id": creditor_id},
    )
    return sorted({*found, "SEK"}, key=lambda one: (one != "SEK", one))


def build(creditor_id: int, chosen: Parameters) -> Report:
    """A report, its rows still to be read. chosen: by `parameters`."""
    return KINDS[chosen["name"]].build(creditor_id, chosen)


def is_small(creditor_id: int, chosen: Parameters) -> bool:
    """Whether a report can be made while somebody waits for its page."""
    return KINDS[chosen["name"]].size(creditor_id, chosen) <= MOST_AT_ONCE


def file_name(chosen: Parameters, extension: str) -> str:
    """What a report's file is called, in the language now in force."""
    days = [chosen[one] for one in ("from", "to", "on") if one in chosen]
    kind = KINDS[chosen["name"]]
    title = gettext(kind.title)
    currency = "" if chosen["currency"] == "SEK" else f" {chosen['currency']}"
    return names.safe(f"{title} {'_'.join(days)}{currency}") + f".{extension}"


class Paper:
    """The first rows of each table, for a PDF."""

    def __init__(self) -> None:
        self.tables: list[dict[str, Any]] = []
        self._table: Table | None = None
        self._rows: list[Row] = []

    def begin(self, table: Table) -> None:
        """Begin a table."""
        self._table, self._rows = table, []

    def add(self, row: Row) -> None:
        """Keep a row, while there is room."""
        if len(self._rows) < MOST_ON_PAPER:
            self._rows.append(row)

    def end(self, total: Row | None) -> None:
        """End the table with its total."""
        assert self._table is not None
        self.tables.append(
            {
                "title": self._table.title, "groups": self._table.groups, "rows": self._rows,
                "total": total, "empty": self._table.empty, "count": self._table.count,
            }
        )  # fmt: skip

    def render(self, report: Report, creditor_name: str, language: str, on: date) -> bytes:
        """The PDF, once all tables are read. on: the day it is made."""
        content = {
            "title": report.title, "creditor": creditor_name, "subject": report.subject,
            "notes": report.notes, "currency": report.currency, "made_on": on.isoformat(),
            "tables": self.tables,
        }  # fmt: skip
        return letters.render_report(content, language=language, settings=settings())


def write_file(
    report: Report, extension: str, creditor_name: str, *, language: str, now: datetime
) -> bytes:
    """A report as a file, made at once. extension: csv, xlsx or pdf."""
    out = io.BytesIO()
    if extension == "csv":
        sheets.write(report, [sheets.Csv(out, report)])
        return out.getvalue()
    if extension == "xlsx":
        workbook = sheets.Xlsx(out, report, now)
        sheets.write(report, [workbook])
        workbook.close()
        return out.getvalue()
    paper = Paper()
    sheets.write(report, [paper])
    return paper.render(report, creditor_name, language, clock.day_of(now))


def noon(day: date) -> datetime:
    """An instant of a day, for what tells when it was made and is made of that day's books."""
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=12)


def creditor_name(creditor_id: int) -> str:
    """What a company is called."""
    return db.session.scalars(select(Creditor.name).where(Creditor.id == creditor_id)).one()


def make_files(making: "Making") -> Sequence[Mapping[str, Any]]:
    """A report as CSV, XLSX and PDF; its rows are read once for all three."""
    task = making.task
    chosen = task.parameters
    rows = max(1, KINDS[chosen["name"]].size(task.creditor_id, chosen))
    making.progress(0, rows)
    report = build(task.creditor_id, chosen)
    paper = Paper()
    with ExitStack() as stack:
        table = stack.enter_context(files.writing())
        book = stack.enter_context(files.writing())
        workbook = sheets.Xlsx(book, report, task.created_at)
        sheets.write(
            report,
            (sheets.Csv(table, report), workbook, paper),
            lambda written: making.progress(min(written, rows), rows),
        )
        workbook.close()
    pdf = paper.render(
        report, creditor_name(task.creditor_id), task.language, clock.day_of(task.created_at)
    )
    made = [("pdf", files.store(pdf), len(pdf))]
    made += [("xlsx", book.sha256, book.size), ("csv", table.sha256, table.size)]
    return [
        {"name": file_name(chosen, extension), "sha256": sha256, "size": size}
        for extension, sha256, size in made
    ]
