"""A creditor's list of unpaid invoices in a spreadsheet, with columns in any order."""

from collections.abc import Mapping
from datetime import date

from portal.messages import N_, Problem, RedaError
from portal.sources import record
from portal.sources.columns import FIELDS, Field, guess_mapping
from portal.sources.invoice import Invoice, Reading
from portal.sources.tables import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Row, Table, open_table

__all__ = [
    "FIELDS",
    "MAX_BYTES",
    "MAX_COLUMNS",
    "MAX_ROWS",
    "Field",
    "Row",
    "Table",
    "guess_mapping",
    "open_table",
    "read",
]

_TOTAL = ("summa", "total", "totalt", "totalsumma", "slutsumma", "sum", "grand total", "att betala")
_EMPTY_MARKS = ("-", "–", "—")


def read(table: Table, mapping: Mapping[str, str], *, today: date) -> Reading:
    """The invoices of a table's good rows, and everything that is wrong with the others.

    mapping: key of FIELDS to a heading of the table. today: the day on which an invoice must be
    overdue. Raises RedaError when a needed field has no column, or a column is not there.
    """
    places = _places(table, mapping)
    invoices: list[Invoice] = []
    problems: list[Problem] = []
    for row in table.rows:
        found = _read_row(row, places, today)
        if isinstance(found, Invoice):
            invoices.append(found)
        else:
            problems += found
    kept, problems = record.without_twins(
        invoices, problems, N_("Invoice %(number)s is on line %(line)s already. Remove one.")
    )
    return Reading(kept, problems)


def _places(table: Table, mapping: Mapping[str, str]) -> dict[str, int]:
    for field in FIELDS:
        if field.required and not mapping.get(field.key):
            raise RedaError(N_("Choose the column that holds this."), field=field.key)
    for key, column in mapping.items():
        if column not in table.columns:
            raise RedaError(N_("The file has no such column."), field=key)
    return {key: table.columns.index(column) for key, column in mapping.items()}


def _read_row(row: Row, places: Mapping[str, int], today: date) -> Invoice | list[Problem]:
    if row.problem is not None:
        return [row.problem]
    texts = {key: row.cells[place] for key, place in places.items()}
    texts = {key: "" if text in _EMPTY_MARKS else text for key, text in texts.items()}
    if _is_total(row, texts):
        return [Problem(N_("This row looks like a total. It was left out."), line=row.line)]
    return record.read(texts, line=row.line, today=today)


def _is_total(row: Row, texts: Mapping[str, str]) -> bool:
    first = next((cell for cell in row.cells if cell), "")
    says_so = first.casefold().rstrip(" :.") in _TOTAL
    names_nobody = not texts["customer_name"] and not texts["due_on"]
    return names_nobody and (says_so or not texts["number"])
