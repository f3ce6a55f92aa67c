"""Rows written out as a spreadsheet while they are read, however many there are.

Numbers and dates are numbers and dates there, and no text is ever taken for a formula.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape

from flask import Flask, Response, current_app
from flask_babel import force_locale, get_locale

from portal.database import tenancy

CSV, XLSX = "csv", "xlsx"

_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# What a spreadsheet program takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ROWS_AT_A_TIME = 500
# A sheet of Excel has no more rows (ECMA-376; its heading is one of them).
_MOST_ROWS = 1_048_576 - 1

Row = Sequence[object]


def answer(kind: str, name: str, headings: Sequence[str], rows: Iterable[Row]) -> Response:
    """A spreadsheet to download. kind: CSV or XLSX. name: of the file, without its ending.

    rows: taken while they are sent, by the reader's language and behind their walls.
    """
    parts = csv_parts(headings, rows) if kind == CSV else xlsx_parts(headings, rows)
    response = Response(_as_now(parts), content_type=_TYPES[kind])
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{kind}")
    return response


def _as_now(parts: Iterator[bytes]) -> Iterator[bytes]:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    locale, scope = str(get_locale()), tenancy.current()

    def sent() -> Iterator[bytes]:
        # The request is over when this begins. Nothing stays open while a piece is on its way, so
        # that a slow reader holds no connection and one that goes away leaves nothing behind.
        while True:
            with app.app_context(), force_locale(locale), tenancy.within(scope):
                part = next(parts, None)
            if part is None:
                return
            yield part

    return sent()


def csv_parts(headings: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """A CSV file as Excel reads it in Sweden, piece by piece."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    # The mark tells Excel that it is UTF-8.
    out.write("\ufeff")
    writer.writerow(headings)
    for place, row in enumerate(rows, 1):
        writer.writerow([_plain(cell) for cell in row])
        if place % _ROWS_AT_A_TIME == 0:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    told = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return told


def _plain(cell: object) -> str:
    if isinstance(cell, Decimal):
        return f"{cell:.2f}".replace(".", ",")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA) else cell
    return "" if cell is None else str(cell)


# ---- XLSX (ECMA-376, Office Open XML): a zip of XML, of which the sheets are written row by row

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_PARTS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# Styles by number: as it comes, bold, a date, an amount with two decimals.
_STYLES = (
    f'{_HEAD}<styleSheet xmlns="{_MAIN}"><numFmts count="1">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    "<borders><border><left/><right/><top/><bottom/></border></borders>"
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4"><xf/>'
    '<xf fontId="1" applyFont="1"/><xf numFmtId="164" applyNumberFormat="1"/>'
    '<xf numFmtId="4" applyNumberFormat="1"/></cellXfs></styleSheet>'
)
_BOLD, _DATE, _AMOUNT = 1, 2, 3
# Day 1 of a sheet is 1900-01-01; it counts a 29 February 1900 that never was.
_DAY_NOUGHT = date(1899, 12, 30)
# What XML 1.0 has no way to write.
_UNWRITABLE = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])


class _Pipe(io.RawIOBase):
    """Takes what a zip file writes, to be sent on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self._parts.append(bytes(data))  # type: ignore[call-overload]
        return len(self._parts[-1])

    def taken(self) -> bytes:
        """What came since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def xlsx_parts(headings: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """An Excel workbook, piece by piece; as many sheets as the rows need."""
    pipe = _Pipe()
    left = iter(rows)
    sheets = 0
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as book:
        is_over = False
        while not is_over:
            sheets += 1
            with book.open(f"xl/worksheets/sheet{sheets}.xml", "w", force_zip64=True) as sheet:
                sheet.write(_sheet_head(headings).encode())
                count = 0
                for some in _batches(left, _MOST_ROWS):
                    sheet.write("".join(map(_line, some)).encode())
                    count += len(some)
                    yield pipe.taken()
                sheet.write(b"</sheetData></worksheet>")
            is_over = count < _MOST_ROWS
        for name, content in _book(sheets).items():
            book.writestr(name, content)
    yield pipe.taken()


def _batches(rows: Iterator[Row], most: int) -> Iterator[list[Row]]:
    """The next rows, at most so many in all."""
    batch: list[Row] = []
    taken = 0
    while taken < most and (row := next(rows, None)) is not None:
        taken += 1
        batch.append(row)
        if len(batch) == _ROWS_AT_A_TIME:
            yield batch
            batch = []
    if batch:
        yield batch


def _sheet_head(headings: Sequence[str]) -> str:
    widths = "".join(
        f'<col min="{place}" max="{place}" width="{max(12, len(text) + 3)}" customWidth="1"/>'
        for place, text in enumerate(headings, 1)
    )
    titles = "".join(_text(one, _BOLD) for one in headings)
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        f"</sheetView></sheetViews><cols>{widths}</cols><sheetData><row>{titles}</row>"
    )


def _line(row: Row) -> str:
    return f"<row>{''.join(map(_cell, row))}</row>"


def _cell(cell: object) -> str:
    if isinstance(cell, Decimal):
        return f'<c s="{_AMOUNT}"><v>{cell}</v></c>'
    if isinstance(cell, int):
        return f"<c><v>{int(cell)}</v></c>"
    if isinstance(cell, date):
        return f'<c s="{_DATE}"><v>{(cell - _DAY_NOUGHT).days}</v></c>'
    return "<c/>" if cell is None or cell == "" else _text(str(cell))


def _text(value: str, style: int = 0) -> str:
    # A text is a text whatever it begins with.
    shown = escape(value.translate(_UNWRITABLE))
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def _book(sheets: int) -> dict[str, str]:
    numbers = range(1, sheets + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_PARTS}.worksheet+xml"/>'
        for n in numbers
    )
    listed = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    return {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_PARTS}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_PARTS}.styles+xml"/>'
        f"{overrides}</Types>",
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>",
        "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'{related}<Relationship Id="rId{sheets + 1}" Type="{_OFFICE}/styles"'
        ' Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
    }
