"""The first sheet of an XLSX workbook as texts (ECMA-376).

openpyxl reads it row by row; macros, links and formulas are never followed. Before that the zip
directory is looked at, so that a small file cannot unfold into a huge one.
"""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice, repeat
from typing import Any

from openpyxl import load_workbook

from portal.messages import N_, RedaError

MAX_UNFOLDED_BYTES = 300_000_000
# Sheets of repeated text fold about thirtyfold; deflate's own limit is about a thousandfold.
MAX_RATIO = 150
MAX_PARTS = 2_000

_SMALL_BYTES = 5_000_000
# ECMA-376 gives a sheet no more rows than this.
_LAST_ROW = 1_048_576
_ROWS_THAT_TELL_WIDTH = 50
_MOST_CHARACTERS = 5_000


def is_encrypted() -> RedaError:
    """What to say of a workbook with a password."""
    return RedaError(N_("The workbook has a password. Save it without one and upload it again."))


def is_damaged() -> RedaError:
    """What to say of a workbook that cannot be read."""
    return RedaError(
        N_("The workbook is damaged or no workbook at all. Open it in Excel and save it as .xlsx.")
    )


def open_sheet(
    data: bytes, *, max_columns: int, max_rows: int
) -> tuple[str, list[tuple[int, list[str]]]]:
    """The name and the rows of the first visible sheet, each with its line (from 1).

    Empty rows are left out, and what lies beyond `max_rows` and `max_columns`. A formula that was
    never computed is answered as its text, which begins with `=`. Raises RedaError.
    """
    has_formulas = _check_parts(data)
    try:
        with warnings.catch_warnings():
            # What openpyxl warns of (extensions, conditional formats) does not touch values.
            warnings.simplefilter("ignore")
            return _first_sheet(data, has_formulas, max_columns, max_rows)
    except Exception as error:
        # A damaged workbook makes openpyxl raise nearly anything, from KeyError to zlib.error.
        raise is_damaged() from error


def _check_parts(data: bytes) -> bool:
    """Refuse what unfolds too far; answers whether any sheet has formulas."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if any(part.flag_bits & 0x1 for part in parts):
                raise is_encrypted()
            unfolded = sum(part.file_size for part in parts)
            is_steep = unfolded > _SMALL_BYTES and unfolded > MAX_RATIO * len(data)
            if unfolded > MAX_UNFOLDED_BYTES or is_steep or len(parts) > MAX_PARTS:
                raise RedaError(
                    N_("The workbook unfolds to too much. Copy the invoices to a new workbook.")
                )
            sheets = [part for part in parts if part.filename.startswith("xl/worksheets/")]
            return any(_has_formula(archive, part) for part in sheets)
    except RedaError:
        raise
    except Exception as error:
        raise is_damaged() from error


def _has_formula(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    end = b""
    with archive.open(part) as source:
        while chunk := source.read(1 << 20):
            if re.search(rb"<(?:\w+:)?f[\s/>]", end + chunk):
                return True
            end = chunk[-20:]
    return False


def _first_sheet(
    data: bytes, has_formulas: bool, max_columns: int, max_rows: int
) -> tuple[str, list[tuple[int, list[str]]]]:
    name, values = _rows(data, max_columns, computed=True)
    formulas: Iterator[Sequence[Any]] = repeat(())
    if has_formulas:
        _, formulas = _rows(data, max_columns, computed=False)
    rows: list[tuple[int, list[str]]] = []
    # The values end where the sheet does; without formulas their counterpart never ends.
    for line, (cells, sources) in enumerate(zip(values, formulas, strict=False), 1):
        texts = [_text(cell) for cell in cells]
        for place, source in enumerate(sources):
            if source.data_type == "f" and texts[place] == "" and cells[place].data_type == "n":
                texts[place] = str(source.value) if isinstance(source.value, str) else "="
        if any(texts):
            rows.append((line, texts))
        if len(rows) == max_rows:
            break
    return name, rows


def _rows(data: bytes, max_columns: int, *, computed: bool) -> tuple[str, Iterator[Sequence[Any]]]:
    book = load_workbook(
        io.BytesIO(data), read_only=True, data_only=computed, keep_links=False, rich_text=False
    )
    sheets: list[Any] = book.worksheets
    sheet = next((sheet for sheet in sheets if sheet.sheet_state == "visible"), sheets[0])
    # A sheet may claim any size; how many rows there are is found by reading them.
    sheet.reset_dimensions()
    width = 1
    for cells in islice(sheet.iter_rows(max_col=max_columns), _ROWS_THAT_TELL_WIDTH):
        width = max(width, *(at for at, cell in enumerate(cells, 1) if cell.value is not None), 1)
    # One more column, so that a row with a cell too many is seen.
    return str(sheet.title), islice(sheet.iter_rows(max_col=width + 1), _LAST_ROW)


def _text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(value, cell.number_format)
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value).strip()[:_MOST_CHARACTERS]


_FIXED_DIGITS = re.compile(r"[0\\\- ]*0[0\\\- ]*")


def _number(value: int | float, number_format: str) -> str:
    # A workbook keeps 15 significant digits (ECMA-376 cells are IEEE 754 doubles); those beyond
    # are noise of the arithmetic and would make öre out of nothing.
    if abs(value) >= 10**15:
        return format(value, ".5E")
    number = Decimal(format(value, ".15g"))
    if number != number.to_integral_value():
        return format(number.normalize(), "f")
    digits = format(number, "f").partition(".")[0]
    # A format of zeros, as for postcodes and identity numbers, shows zeros that the number lacks.
    if _FIXED_DIGITS.fullmatch(number_format):
        return digits.zfill(number_format.count("0"))
    return digits
