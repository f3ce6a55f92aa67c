"""A spreadsheet's bytes to a table of texts, or a RedaError that says what to do instead.

Sources: RFC 4180 (CSV; with the semicolon that Excel writes where the comma is the decimal mark),
ECMA-376 (XLSX), the kinds of other files by their first bytes.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from portal.messages import N_, Problem, RedaError
from portal.sources import workbook
from portal.sources.columns import recognised

MAX_BYTES = 20_000_000
MAX_ROWS = 100_000
MAX_COLUMNS = 200

_LONGEST_LINE = 200_000
# Empty lines, and those of cells that run over several, are not rows.
_MOST_LINES = 10 * MAX_ROWS
_ROWS_BEFORE_HEADINGS = 20


@dataclass(frozen=True)
class Row:
    """One row: its line in the file (from 1), its cells as texts, or what broke it."""

    line: int
    cells: Sequence[str]
    problem: Problem | None = None


@dataclass(frozen=True)
class Table:
    """A spreadsheet as texts.

    columns: headings, each once. rows: those that are not empty, each as wide as `columns`; in
    XLSX a date is written like 2026-11-03 and a number like 1234.5. encoding, delimiter: of CSV,
    None for XLSX. sheet: of XLSX, None for CSV.
    """

    columns: Sequence[str]
    rows: Sequence[Row]
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None

    def samples(self, column: str, most: int = 3) -> list[str]:
        """The first texts of a column that are not empty, for whoever says what it holds."""
        place = self.columns.index(column)
        return list(islice((r.cells[place] for r in self.rows if r.cells[place]), most))


def open_table(data: bytes, filename: str, *, least_columns: int = 2) -> Table:
    """The table in a CSV (UTF-8, UTF-16 with its mark, or Windows-1252) or XLSX file.

    least_columns: fewer are taken for a file without headings.
    What the bytes are counts, not only what the name says. Raises RedaError for any other kind of
    file, one that is damaged, encrypted, empty or too large, or that has no headings.
    """
    check_size(data)
    extension = filename.lower().rpartition(".")[2] if "." in filename else ""
    if data.startswith(b"PK\x03\x04") and extension in ("csv", "txt", "tsv", "xlsx"):
        sheet, rows = workbook.open_sheet(
            data, max_columns=MAX_COLUMNS + 1, max_rows=MAX_ROWS + _ROWS_BEFORE_HEADINGS + 1
        )
        return replace(_table(_as_rows(rows), least_columns), sheet=sheet)
    _refuse_other_kinds(data, extension)
    text, encoding = _decoded(data)
    lines = _lines(text)
    delimiter = _delimiter(lines)
    table = _table(_csv_rows(lines, delimiter), least_columns)
    return replace(table, encoding=encoding, delimiter=delimiter)


def check_size(data: bytes) -> None:
    """Refuse a file that is empty or larger than MAX_BYTES."""
    if not data.strip():
        raise RedaError(N_("The file is empty. Save it again with its rows, and upload it."))
    if len(data) > MAX_BYTES:
        raise RedaError(
            N_("The file has %(size)s MB; at most %(most)s MB are taken. Split it into several."),
            size=-(-len(data) // 1_000_000),
            most=MAX_BYTES // 1_000_000,
        )


_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER_KINDS = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"\x1f\x8b", "GZIP"),
    (b"7z\xbc\xaf", "7Z"),
    (b"Rar!", "RAR"),
    (b"{\\rtf", "RTF"),
)


def _refuse_other_kinds(data: bytes, extension: str) -> None:
    if data.startswith(_OLD_EXCEL) or extension in ("xls", "xlsb", "xlsm", "ods", "numbers"):
        # MS-OFFCRYPTO: an encrypted workbook lies in an old-style container with this stream.
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise workbook.is_encrypted()
        raise RedaError(
            N_("This kind of workbook is not read. Save it as “Excel workbook (.xlsx)” or CSV.")
        )
    kind = next((kind for start, kind in _OTHER_KINDS if data.startswith(start)), None)
    if kind:
        raise RedaError(N_("This is a %(kind)s file. Upload the list as CSV or XLSX."), kind=kind)
    start = data[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<?xml", b"<html", b"<!doctype", b"<table", b"<invoice")):
        raise RedaError(
            N_("This is a web page or XML, not a table. Upload the list as CSV or XLSX.")
        )
    if extension == "xlsx":
        raise workbook.is_damaged()
    if extension not in ("csv", "txt", "tsv"):
        raise RedaError(
            N_("Files named .%(extension)s are not read. Upload the list as CSV or XLSX."),
            extension=extension[:20] or "?",
        )


def _encoding(data: bytes) -> str:
    """UTF-8 where most letters beyond ASCII are whole in it, else Windows-1252.

    Swedish letters in Windows-1252 are lead bytes of UTF-8 without the continuation they need, so
    that hardly any is whole; one damaged byte in UTF-8 leaves the others whole.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    whole = len(text) - len(text.encode("ascii", errors="ignore")) - broken
    return "utf-8" if whole >= broken else "windows-1252"


def _decoded(data: bytes) -> tuple[str, str]:
    encoding = _encoding(data)
    text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
    if not text.strip("\ufeff\x00 \t\r\n;,"):
        raise RedaError(N_("The file is empty. Save it again with its rows, and upload it."))
    strange = sum(text.count(c) for c in "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\x1b")
    if "\x00" in text or strange > len(text) // 100:
        raise RedaError(N_("This is not a table of text. Upload the list as CSV or XLSX."))
    return text, encoding


def _lines(text: str) -> list[str]:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > _MOST_LINES:
        raise _too_many_rows()
    lines = text.split("\n")
    if any(len(line) > _LONGEST_LINE for line in lines):
        raise RedaError(
            N_("The file has a line that is longer than any invoice. Save it as CSV once more.")
        )
    # Excel's own note about the delimiter; the line is kept, so that the others keep their numbers.
    if re.fullmatch(r"\ufeff?\"?sep=.\"?", lines[0], re.IGNORECASE):
        lines[0] = ""
    return lines


def _delimiter(lines: Sequence[str]) -> str:
    """The mark with which the first rows look most like a table with headings."""
    first = [line for line in lines[:200] if line.strip()][:60]

    def likeness(delimiter: str) -> tuple[int, int]:
        try:
            rows = list(csv.reader((f"{line}\n" for line in first), delimiter=delimiter))
        except csv.Error:
            return 0, 0
        headings = max((recognised(row) for row in rows[:_ROWS_BEFORE_HEADINGS]), default=0)
        widths = [len(row) for row in rows]
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=0)
        return headings, widths.count(usual) if usual > 1 else 0

    return max(";\t,", key=likeness)


_BAD_QUOTATION = N_(
    "A quotation mark stands where it does not belong. Remove it, or write it twice."
)


def _csv_rows(lines: Sequence[str], delimiter: str) -> Iterator[Row]:
    """Rows in order. One with a quotation mark out of place costs itself and no other row."""
    counts = Counter(line.count(delimiter) for line in lines[:200] if line.strip())
    marks = counts.most_common(1)[0][0] if counts else 0
    start = 0
    while start < len(lines):
        for row, after in _rows_until_broken(lines, start, delimiter, marks):
            yield row
            start = after


def _rows_until_broken(
    lines: Sequence[str], start: int, delimiter: str, marks: int
) -> Iterator[tuple[Row, int]]:
    """Rows with the index of the line after each; ends after the first that is broken.

    marks: how many delimiters a whole row has.
    """
    source = (f"{lines[at]}\n" for at in range(start, len(lines)))
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    at = start
    while at < len(lines):
        try:
            cells = next(reader)
            after = start + reader.line_num
            if not _swallows(lines[at + 1 : after], delimiter, marks):
                yield Row(at + 1, cells), after
                at = after
                continue
        except csv.Error:
            pass
        problem = Problem(_BAD_QUOTATION, line=at + 1)
        yield Row(at + 1, lines[at].split(delimiter), problem), at + 1
        return


def _swallows(others: Sequence[str], delimiter: str, marks: int) -> bool:
    """Whether a cell that runs over several lines has taken whole rows with it."""
    return marks > 0 and any(
        line.count(delimiter) == marks and line.count('"') % 2 == 0 for line in others
    )


def _as_rows(rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[Row]:
    return (Row(line, cells) for line, cells in rows)


def _table(found: Iterable[Row], least_columns: int) -> Table:
    rows = (row for row in found if any(cell.strip() for cell in row.cells))
    first = list(islice(rows, _ROWS_BEFORE_HEADINGS))
    place = max(range(len(first)), key=lambda i: recognised(first[i].cells), default=0)
    if first and first[place].problem:
        raise RedaError(_BAD_QUOTATION)
    columns = _columns(first[place].cells if first else [], least_columns)
    width = len(columns)
    body = [_fitted(row, width) for row in islice(_chained(first[place + 1 :], rows), MAX_ROWS + 1)]
    if len(body) > MAX_ROWS:
        raise _too_many_rows()
    if not body:
        raise RedaError(N_("The file has headings but no rows. Fill in the rows first."))
    return Table(columns, body)


def _too_many_rows() -> RedaError:
    return RedaError(
        N_("The file has more than %(most)s rows. Split it into several."), most=MAX_ROWS
    )


def _chained(first: Iterable[Row], rest: Iterable[Row]) -> Iterator[Row]:
    yield from first
    yield from rest


_VALUE = re.compile(r"[\d\s.,:/-]*\d[\d\s.,:/-]*(?:kr|sek)?", re.IGNORECASE)


def _columns(cells: Sequence[str], least: int) -> list[str]:
    headings = [" ".join(cell.split())[:100] for cell in cells]
    while headings and not headings[-1]:
        headings.pop()
    if not recognised(headings) and any(_VALUE.fullmatch(heading) for heading in headings):
        raise RedaError(
            N_("The first row holds values. Put a row above it that says what each column holds.")
        )
    if len([heading for heading in headings if heading]) < least:
        raise RedaError(
            N_(
                "No headings were found. The first row must say what each column holds, and the"
                " columns must be parted by semicolon, comma or tab."
            )
        )
    if len(headings) > MAX_COLUMNS:
        raise RedaError(
            N_("The file has more than %(most)s columns. Remove those that are not needed."),
            most=MAX_COLUMNS,
        )
    return _each_once(headings)


def _each_once(headings: Iterable[str]) -> list[str]:
    columns: list[str] = []
    taken: set[str] = set()
    for place, heading in enumerate(headings, 1):
        name, count = heading or f"({place})", 1
        while name in taken:
            count += 1
            name = f"{heading} ({count})"
        taken.add(name)
        columns.append(name)
    return columns


def _fitted(row: Row, width: int) -> Row:
    if row.problem is None and any(cell.strip() for cell in row.cells[width:]):
        problem = Problem(
            N_(
                "The row has %(cells)s cells but the headings are %(columns)s. Put a text that"
                " holds the delimiter in quotation marks."
            ),
            {"cells": len(row.cells), "columns": width},
            line=row.line,
        )
        row = replace(row, problem=problem)
    cells = [cell.strip() for cell in row.cells[:width]]
    return replace(row, cells=cells + [""] * (width - len(cells)))
