"""Tables written as spreadsheets, row by row, so that a million rows take no more room than one.

Amounts, days and numbers are written as such, and texts as texts, which no program takes for a
formula (OWASP, CSV injection). XLSX is Office Open XML (ECMA-376): a zip archive with one file for
each sheet.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Protocol, cast
from xml.sax.saxutils import escape, quoteattr

from flask_babel import gettext

from portal.messages import Problem
from portal.reporting.tables import (
    COUNT,
    DAY,
    DECIMAL,
    MONEY,
    PERCENT,
    Column,
    Report,
    Row,
    Table,
    Value,
    said,
)

# What a spreadsheet program takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# The most rows that a sheet may have, headings and total included (Excel, ECMA-376).
MOST_ROWS = 1_048_576
_FIRST_DAY = date(1899, 12, 30)
_LONGEST_CELL = 32_767


class Out(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> int: ...


class Sheets(Protocol):
    """Something that a report's tables are written to, one after the other."""

    def begin(self, table: Table) -> None: ...
    def add(self, row: Row) -> None: ...
    def end(self, total: Row | None) -> None: ...


def write(
    report: Report, sheets: Sequence[Sheets], step: Callable[[int], object] = lambda _: None
) -> None:
    """Write a report's tables, each row read once, to all of some sheets at a time.

    step: told how many rows are written, now and then.
    """
    written = 0
    for table in report.tables:
        for one in sheets:
            one.begin(table)
        for row in table.read():
            for one in sheets:
                one.add(row)
            written += 1
            if written % 500 == 0:
                step(written)
        total = table.total_row(gettext("In all"))
        for one in sheets:
            one.end(total)
    step(written)


class Csv:
    """Values between semicolons, as a Swedish spreadsheet program reads them.

    A comma is the decimal sign; UTF-8 with its mark. Of several tables each has its title above it.
    """

    def __init__(self, out: Out, report: Report) -> None:
        self._out = out
        self._is_one = len(report.tables) == 1
        self._columns: Sequence[Column] = ()
        self._has_begun = False

    def begin(self, table: Table) -> None:
        """Begin a table with its headings."""
        self._columns = table.columns
        if not self._has_begun:
            self._out.write(b"\xef\xbb\xbf")
        elif not self._is_one:
            self._line([])
        self._has_begun = True
        if not self._is_one:
            self._line([_safe(gettext(table.title))])
        self._line([_safe(gettext(one.label)) for one in table.columns])

    def add(self, row: Row) -> None:
        """Add a row."""
        cells = zip(row, self._columns, strict=True)
        self._line([_csv_cell(value, column.kind) for value, column in cells])

    def end(self, total: Row | None) -> None:
        """End the table with its total."""
        if total is not None:
            self.add(total)

    def _line(self, cells: Sequence[str]) -> None:
        line = io.StringIO()
        csv.writer(line, delimiter=";", lineterminator="\r\n").writerow(cells)
        self._out.write(line.getvalue().encode())


def _csv_cell(value: Value, kind: str) -> str:
    if value is None:
        return ""
    if isinstance(value, (str, Problem)):
        return _safe(said(value))
    if isinstance(value, date):
        return value.isoformat()
    if kind == MONEY:
        return f"{Decimal(value) / 100:.2f}".replace(".", ",")
    return str(value).replace(".", ",")


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


# Number formats of the cells, by kind; 14 is a day as the reader's program writes it.
_FORMATS = {MONEY: "#,##0.00", COUNT: "#,##0", DECIMAL: "#,##0.0", PERCENT: "0.0%"}
_KINDS = ("text", DAY, MONEY, COUNT, DECIMAL, PERCENT)
_STYLE_HEADING = len(_KINDS)
_STYLE_TITLE = 2 * len(_KINDS) + 1
_WIDTHS = {"text": 24, DAY: 12, MONEY: 16, COUNT: 12, DECIMAL: 12, PERCENT: 10}
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml."


class Xlsx:
    """A workbook: what the report is about on the first sheet, and a sheet for each table.

    A table that is longer than a sheet may be goes on on another one. To be closed in the end.
    """

    def __init__(self, out: Out, report: Report, made_at: datetime) -> None:
        self._zip = zipfile.ZipFile(cast(IO[bytes], out), "w", zipfile.ZIP_DEFLATED)
        # Excel reads no earlier year, and none but this one is told by the content.
        self._at = made_at.timetuple()[:6]
        self._names: list[str] = []
        self._sheet: IO[bytes] | None = None
        self._columns: Sequence[Column] = ()
        self._title = ""
        self._row = 0
        self._about(report, made_at)

    def _about(self, report: Report, made_at: datetime) -> None:
        self._open(gettext("About"), [64])
        lines = [gettext(report.title), said(report.subject), *map(said, report.notes)]
        lines.append(gettext("All sums are in %(currency)s.", currency=report.currency))
        lines.append(gettext("Made at %(at)s UTC.", at=f"{made_at:%Y-%m-%d %H:%M}"))
        for place, line in enumerate(lines):
            self._cells([_text(line, _STYLE_TITLE if place == 0 else 0)])
        self._close()

    def begin(self, table: Table) -> None:
        """Begin a table on a sheet of its own."""
        self._columns, self._title = table.columns, gettext(table.title)
        self._begin_sheet(self._title)

    def _begin_sheet(self, name: str) -> None:
        self._open(name, [_WIDTHS[one.kind] for one in self._columns], is_frozen=True)
        self._cells([_text(gettext(one.label), _STYLE_HEADING) for one in self._columns])

    def add(self, row: Row) -> None:
        """Add a row."""
        self._put(row, 0)

    def _put(self, row: Row, style: int) -> None:
        if self._row >= MOST_ROWS:
            self._close()
            self._begin_sheet(self._title)
        cells = zip(row, self._columns, strict=True)
        self._cells([_cell(value, column.kind, style) for value, column in cells])

    def end(self, total: Row | None) -> None:
        """End the table with its total."""
        if total is not None:
            self._put(total, len(_KINDS) + 1)
        self._close()

    def close(self) -> None:
        """Write what tells of the sheets, and end the file."""
        count = len(self._names)
        self._part("[Content_Types].xml", _content_types(count))
        self._part("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        self._part("xl/workbook.xml", _workbook(self._names))
        sheets = [("worksheet", f"worksheets/sheet{one}.xml") for one in range(1, count + 1)]
        self._part("xl/_rels/workbook.xml.rels", _relations([*sheets, ("styles", "styles.xml")]))
        self._part("xl/styles.xml", _styles())
        self._zip.close()

    def _part(self, name: str, content: str) -> None:
        self._zip.writestr(self._info(name), (_HEAD + content).encode())

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, cast(Any, self._at))
        info.compress_type = zipfile.ZIP_DEFLATED
        return info

    def _open(self, name: str, widths: Sequence[int], *, is_frozen: bool = False) -> None:
        self._names.append(_sheet_name(name, self._names))
        info = self._info(f"xl/worksheets/sheet{len(self._names)}.xml")
        self._sheet = self._zip.open(info, "w")
        self._row = 0
        view = (
            '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2"'
            ' activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        )
        columns = "".join(
            f'<col min="{place}" max="{place}" width="{width}" customWidth="1"/>'
            for place, width in enumerate(widths, 1)
        )
        self._sheet.write(
            f"{_HEAD}<worksheet {_MAIN}>{view if is_frozen else ''}<cols>{columns}</cols>"
            "<sheetData>".encode()
        )

    def _cells(self, cells: Sequence[str]) -> None:
        assert self._sheet is not None
        self._row += 1
        self._sheet.write(f'<row r="{self._row}">{"".join(cells)}</row>'.encode())

    def _close(self) -> None:
        assert self._sheet is not None
        self._sheet.write(b"</sheetData></worksheet>")
        self._sheet.close()
        self._sheet = None


def _cell(value: Value, kind: str, style: int) -> str:
    number = style + _KINDS.index(kind)
    if value is None:
        return f'<c s="{number}"/>'
    if isinstance(value, (str, Problem)):
        return _text(said(value), style)
    if isinstance(value, date):
        return f'<c s="{number}"><v>{(value - _FIRST_DAY).days}</v></c>'
    if kind == MONEY:
        return f'<c s="{number}"><v>{Decimal(value) / 100}</v></c>'
    if kind == PERCENT:
        return f'<c s="{number}"><v>{Decimal(value) / 100}</v></c>'
    return f'<c s="{number}"><v>{value}</v></c>'


def _text(text: str, style: int) -> str:
    # What XML cannot hold at all is left out.
    plain = "".join(one for one in text[:_LONGEST_CELL] if one >= " " or one in "\n\t")
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(plain)}</t></is></c>'


def _sheet_name(name: str, taken: Sequence[str]) -> str:
    plain = "".join(" " if one in "[]:*?/\\'" else one for one in name).strip()[:26] or "1"
    number = 2
    unique = plain
    while unique in taken:
        unique, number = f"{plain} ({number})", number + 1
    return unique


def _content_types(count: int) -> str:
    parts = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    parts += [(f"/xl/worksheets/sheet{one}.xml", "worksheet") for one in range(1, count + 1)]
    overrides = "".join(
        f'<Override PartName="{name}" ContentType="{_TYPE}{kind}+xml"/>' for name, kind in parts
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml"'
        f' ContentType="application/xml"/>{overrides}</Types>'
    )


def _relations(parts: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{place}" Type="{_REL}/{kind}" Target="{target}"/>'
        for place, (kind, target) in enumerate(parts, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _workbook(names: Sequence[str]) -> str:
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{place}" r:id="rId{place}"/>'
        for place, name in enumerate(names, 1)
    )
    return f'<workbook {_MAIN} xmlns:r="{_REL}"><sheets>{sheets}</sheets></workbook>'


def _styles() -> str:
    """Cells of each kind, headings, the same kinds in bold for totals, and a title."""
    formats = "".join(
        f'<numFmt numFmtId="{164 + place}" formatCode={quoteattr(code)}/>'
        for place, code in enumerate(_FORMATS.values())
    )
    ids = {"text": 49, DAY: 14} | {kind: 164 + place for place, kind in enumerate(_FORMATS)}
    cells = [f'<xf numFmtId="{ids[kind]}" fontId="0" applyNumberFormat="1"/>' for kind in _KINDS]
    bold = [one.replace('fontId="0"', 'fontId="1" applyFont="1"') for one in cells]
    heading = '<xf numFmtId="49" fontId="1" applyFont="1"/>'
    title = '<xf numFmtId="49" fontId="2" applyFont="1"/>'
    xfs = "".join([*cells, heading, *bold, title])
    font = '<font>{bold}<sz val="{size}"/><name val="Calibri"/></font>'
    fonts = (
        font.format(bold="", size=11)
        + font.format(bold="<b/>", size=11)
        + font.format(bold="<b/>", size=14)
    )
    return (
        f'<styleSheet {_MAIN}><numFmts count="{len(_FORMATS)}">{formats}</numFmts>'
        f'<fonts count="3">{fonts}</fonts><fills count="2"><fill><patternFill'
        ' patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
        f'<cellXfs count="{2 * len(_KINDS) + 2}">{xfs}</cellXfs><cellStyles count="1">'
        '<cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
