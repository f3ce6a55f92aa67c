from pathlib import Path

import pytest

from portal.sources import peppol, spreadsheet
from tests.sources.factory import CREDITOR, TODAY
from tools import make_demo_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_demo_files.main([str(tmp_path), "--creditor", CREDITOR, "--today", TODAY.isoformat()])
    return tmp_path


def read_list(path: Path) -> spreadsheet.Reading:
    table = spreadsheet.open_table(path.read_bytes(), path.name)
    return spreadsheet.read(table, spreadsheet.guess_mapping(table.columns), today=TODAY)


def test_the_csv_shows_good_rows_and_one_of_each_mistake(folder):
    read = read_list(folder / "kundreskontra.csv")
    assert [one.number for one in read.invoices] == [str(20401 + i) for i in range(6)]
    assert read.invoices[0].customer_name == "Gunnel Bergström"
    assert read.invoices[2].balance_ore == 1310_00
    assert [one.field for one in read.problems] == [
        "identity_number",
        "amount",
        "due_on",
        "due_on",
        "email",
        "number",
        None,
    ]


def test_the_workbook_is_good_throughout(folder):
    read = read_list(folder / "unpaid-invoices.xlsx")
    assert read.problems == []
    assert len(read.invoices) == 6
    assert read.invoices[2].customer_name == "Marek Wiśniewski"
    assert read.invoices[4].reminder_fee_charged


def test_the_peppol_invoices_are_the_creditors_own(folder):
    files = [(path.name, path.read_bytes()) for path in sorted(folder.glob("*.xml"))]
    read = peppol.read_many(files, today=TODAY)
    assert read.problems == []
    assert [one.supplier_organisation_number for one in read.invoices] == [CREDITOR, CREDITOR]
    assert [(one.amount_ore, one.balance_ore) for one in read.invoices] == [
        (18750_00, 18750_00),
        (6312_50, 5312_50),
    ]
