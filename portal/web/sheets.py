"""Lists as files to take along: CSV and XLSX, row by row, however long they are.

Sources: RFC 4180 (CSV), ECMA-376 part 1 (SpreadsheetML), OWASP (CSV injection).
"""

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import IO
from xml.sax.saxutils import escape

from flask import Response, send_file

Cell = str | int | Decimal | date | None
_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# What a spreadsheet program takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TOGETHER = 2_000
_PARTS = {
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/styles.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r='
        '"http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
        '<sheet name="1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/worksheet" Target="worksheets/sheet1.xml"/>'
        '<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/styles" Target="styles.xml"/></Relationships>'
    ),
    # Style 1 is a date, 2 an amount, 3 text that stays as it is written, 4 a heading.
    "xl/styles.xml": (
        '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<fonts count="2"><font/><font><b/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="5"><xf/><xf numFmtId="14" applyNumberFormat="1"/>'
        '<xf numFmtId="4" applyNumberFormat="1"/><xf numFmtId="49" applyNumberFormat="1"/>'
        '<xf fontId="1" applyFont="1"/></cellXfs></styleSheet>'
    ),
}
# Excel counts days from here; its own calendar has a 29 February 1900.
_DAY_0 = date(1899, 12, 30)


def answer(
    kind: str, filename: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> Response:
    """A list as a file of a kind, `csv` or `xlsx`.

    filename: without the ending. A Decimal is an amount; a text stays a text, whatever it says.
    """
    # Closed when it has been sent. Written as a whole before, so that a list that breaks off is no
    # file that looks complete.
    file = tempfile.SpooledTemporaryFile(max_size=5_000_000)  # noqa: SIM115
    if kind == "xlsx":
        _write_workbook(file, headings, rows)
    else:
        for part in _csv(headings, rows):
            file.write(part)
    file.seek(0)
    return send_file(
        file, mimetype=_TYPES[kind], as_attachment=True, download_name=f"{filename}.{kind}"
    )


def _csv(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    # The mark tells Excel that it is UTF-8.
    yield "\ufeff".encode()
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([_safe(one) for one in headings])
    for place, row in enumerate(rows, 1):
        writer.writerow([_written(one) for one in row])
        if place % _TOGETHER == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _safe(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).replace(".", ",")


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _write_workbook(
    file: IO[bytes], headings: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in _PARTS.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>\n{content}')
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for part in _sheet(headings, rows):
                sheet.write(part.encode())


def _sheet(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2"'
        ' activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData><row>'
    )
    yield "".join(_text(one, 4) for one in headings)
    yield "</row>"
    some: list[str] = []
    for row in rows:
        some.append(f"<row>{''.join(map(_cell, row))}</row>")
        if len(some) == _TOGETHER:
            yield "".join(some)
            some.clear()
    yield f"{''.join(some)}</sheetData></worksheet>"


def _cell(cell: Cell) -> str:
    if cell is None or cell == "":
        return "<c/>"
    if isinstance(cell, str):
        return _text(cell, 3)
    if isinstance(cell, date):
        return f'<c s="1"><v>{(cell - _DAY_0).days}</v></c>'
    return f'<c s="{2 if isinstance(cell, Decimal) else 0}"><v>{cell}</v></c>'


def _text(text: str, style: int) -> str:
    # XML 1.0 has no place for control characters.
    plain = "".join(c for c in text if c >= " " or c in "\t\n\r")
    return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{escape(plain)}</t></is></c>'
