"""The list of cases: searching, its filter, order and columns, and spreadsheets of it."""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import event, text

from portal.collection import finding
from portal.database import tenancy
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.models import BrowserSession, Creditor
from tests.creditor.conftest import Desk
from tests.factories import SOFIA, a_case, a_debtor_of, a_person_at, a_reminded_case

NUMBER = "197101019052"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def listed(page: BeautifulSoup) -> list[str]:
    return [one.get_text(strip=True) for one in page.select("#list tbody th")]


def search(desk: Desk, **values: object) -> tuple[str, BeautifulSoup]:
    """What comes of the form above the list: the address that it leads to, and the page there."""
    token = desk.get("cases").select_one("input[name=csrf_token]")["value"]
    answer = desk.client.post(
        f"/creditor/{desk.creditor.key}/cases/find",
        data={"csrf_token": token, **values},
        headers={"Accept-Language": "en"},
    )
    assert answer.status_code == 303
    address = answer.location
    return address, desk.get(address.partition(f"/{desk.creditor.key}/")[2])


@contextmanager
def statements() -> Iterator[list[tuple[str, object]]]:
    """Every statement that is sent while this lasts."""
    sent: list[tuple[str, object]] = []

    def note(
        connection: object, cursor: object, statement: str, values: object, *_: object
    ) -> None:
        sent.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


def test_the_filter_is_in_the_address_without_what_is_empty(desk: Desk, creditor: Creditor) -> None:
    a_case(creditor)
    case = a_reminded_case(creditor)
    address, page = search(
        desk,
        q=" Ahmad ",
        status=["reminded", "demanded"],
        amount_from="1 000",
        due_to="",
        age_to="",
    )
    assert parse_qs(urlsplit(address).query) == {
        "q": [" Ahmad "], "status": ["reminded", "demanded"], "amount_from": ["1 000"],
    }  # fmt: skip
    assert listed(page) == [case.reference]
    chips = [one.get_text(" ", strip=True) for one in page.select(".chip")]
    assert chips[:2] == ["Take away: Status: Reminded", "Take away: Status: Demanded"]


def test_a_part_of_the_filter_is_taken_away_by_its_own_link(desk: Desk, creditor: Creditor) -> None:
    a_case(creditor)
    a_reminded_case(creditor)
    page = desk.get("cases?status=reminded&amount_from=5")
    chip = page.select(".chip")[0]["href"]
    assert parse_qs(urlsplit(chip).query) == {"amount_from": ["5"]}
    assert len(listed(desk.get("cases" + chip.partition("/cases")[2]))) == 2


def test_the_page_says_what_was_searched_for(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    told = search(desk, q=case.ocr[:-1])[1].select_one("#list").get_text(" ", strip=True)
    assert "Found by: OCR number." in told
    assert "1 case, claims of SEK" in told.replace("\xa0", " ")
    told = search(desk, q="nobody")[1].select_one("#list").get_text(" ", strip=True)
    assert "Looked for: invoice number, customer number, name or e-mail address." in told
    assert "No case fits" in told


def test_an_identity_number_is_in_no_address_page_or_session(
    desk: Desk, creditor: Creditor
) -> None:
    debtor = a_debtor_of(creditor, identity_number=NUMBER, identity_number_hash=lookup_hash(NUMBER))
    case = a_reminded_case(creditor, debtor=debtor)
    a_case(creditor)
    address, page = search(desk, q="19710101-9052", status="reminded")
    assert listed(page) == [case.reference]
    assert "9052" not in address
    assert "9052" not in str(page)
    assert not any("9052" in one.data for one in db.session.query(BrowserSession))
    export = page.select_one("a[href*='cases.csv']")["href"]
    rows = desk.raw(export.partition(f"/{creditor.key}/")[2]).data.decode()
    assert case.reference in rows
    assert rows.count("\r\n") == 2


def test_an_address_with_an_identity_number_is_left_at_once(desk: Desk) -> None:
    answer = desk.raw(f"cases?q={NUMBER}&status=paid")
    assert answer.status_code == 303
    assert NUMBER not in answer.location
    assert "status=paid" in answer.location


def test_what_stands_for_an_identity_number_says_nothing_to_somebody_else(
    desk: Desk, desk_of: Callable[[str], Desk], creditor: Creditor
) -> None:
    a_case(creditor)
    a_person_at(creditor, "viewer", SOFIA)
    address, page = search(desk, q=NUMBER)
    assert listed(page) == []
    other = desk_of(SOFIA).get(address.partition(f"/{creditor.key}/")[2])
    assert len(listed(other)) == 1


def test_who_may_only_look_may_search(desk_of: Callable[[str], Desk], creditor: Creditor) -> None:
    a_person_at(creditor, "viewer", SOFIA)
    case = a_case(creditor)
    assert listed(search(desk_of(SOFIA), q=case.reference)[1]) == [case.reference]


def test_htmx_gets_the_list_and_its_address(desk: Desk, creditor: Creditor) -> None:
    case = a_case(creditor)
    token = desk.get("cases").select_one("input[name=csrf_token]")["value"]
    answer = desk.client.post(
        f"/creditor/{creditor.key}/cases/find",
        data={"csrf_token": token, "q": case.reference, "status": ["open"]},
        headers={"HX-Request": "true", "Accept-Language": "en"},
    )
    assert answer.text.strip().startswith('<div id="list"')
    assert answer.headers["HX-Push-Url"].endswith(f"/cases?q={case.reference}&status=open")
    page = BeautifulSoup(answer.text, "html.parser")
    # Read out: what is exchanged outside the list.
    assert "1 case" in page.select_one("[hx-swap-oob]").get_text()
    assert f"q={case.reference}" in page.select_one("thead a.sort")["href"]


def test_what_cannot_be_read_is_told_at_its_field_and_left_out(
    desk: Desk, creditor: Creditor
) -> None:
    a_case(creditor)
    page = desk.get("cases?due_from=soon&amount_to=much&age_from=-1")
    assert len(listed(page)) == 1
    assert len(page.select(".finder .error")) == 3
    assert page.select_one("details.finder-more").has_attr("open")


def test_each_column_is_sorted_both_ways(desk: Desk, creditor: Creditor) -> None:
    small = a_case(creditor, amount_ore=100, balance_ore=100)
    large = a_case(creditor, amount_ore=900, balance_ore=900)
    page = desk.get("cases?cols=reference,amount&sort=amount")
    assert listed(page) == [small.reference, large.reference]
    heading = page.select_one("th[aria-sort=ascending] a")
    turned = desk.get("cases" + heading["href"].partition("/cases")[2])
    assert listed(turned) == [large.reference, small.reference]
    assert turned.select_one("th[aria-sort=descending]").get_text(strip=True) == "Claim"


def test_the_oldest_is_the_one_due_first(desk: Desk, creditor: Creditor) -> None:
    old = a_case(creditor, due_on=date(2026, 1, 1))
    new = a_case(creditor, due_on=date(2026, 2, 1))
    assert listed(desk.get("cases?sort=age")) == [new.reference, old.reference]
    assert listed(desk.get("cases?sort=-age")) == [old.reference, new.reference]


def test_columns_are_chosen_and_stay_in_the_address(desk: Desk, creditor: Creditor) -> None:
    a_case(creditor, debtor=a_debtor_of(creditor, customer_class="Private", town="Kiruna"))
    answer = desk.raw("cases?status=open&column=town&column=class")
    assert answer.status_code == 303
    page = desk.get("cases" + answer.location.partition("/cases")[2])
    headings = [one.get_text(strip=True) for one in page.select("thead th")]
    assert headings == ["Mark", "Case", "Customer class", "Town"]
    assert "Kiruna" in page.select_one("tbody tr").get_text()
    assert "cols=town%2Cclass" in page.select_one("thead a.sort")["href"]


def test_both_spreadsheets_hold_exactly_what_is_shown(desk: Desk, creditor: Creditor) -> None:
    first = a_case(creditor, amount_ore=123_450, balance_ore=123_450)
    second = a_case(creditor, amount_ore=100, balance_ore=100)
    a_reminded_case(creditor)
    query = "?status=imported&cols=reference,amount,due,age&sort=-amount"
    rows = list(csv.reader(io.StringIO(desk.raw(f"cases.csv{query}").data.decode("utf-8-sig")),
                           delimiter=";"))  # fmt: skip
    answer = desk.raw(f"cases.xlsx{query}")
    assert answer.content_type == XLSX
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    told = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert rows[0] == told[0] == ["Case", "Due", "Days overdue", "Claim"]
    assert [row[0] for row in rows[1:]] == [first.reference, second.reference]
    age = (date.fromisoformat(rows[1][1]) - first.due_on).days
    assert age == 0
    assert rows[1][3] == "1234,50"
    assert told[1][0] == first.reference
    assert told[1][1].date() == first.due_on
    assert told[1][2:] == [int(rows[1][2]), 1234.5]


def test_a_formula_is_a_text_in_both_spreadsheets(desk: Desk, creditor: Creditor) -> None:
    evil = '=HYPERLINK("https://evil.example")\x0b<&>'
    a_case(creditor, debtor=a_debtor_of(creditor, name=evil))
    sheet = openpyxl.load_workbook(io.BytesIO(desk.raw("cases.xlsx?cols=name").data)).active
    cell = sheet["B2"]
    assert (cell.data_type, cell.value) == ("s", evil.replace("\x0b", ""))


def test_a_spreadsheet_is_longer_than_a_piece_of_it(
    desk: Desk, creditor: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "_BATCH", 2)
    monkeypatch.setattr("portal.web.spreadsheets._ROWS_AT_A_TIME", 2)
    monkeypatch.setattr("portal.web.spreadsheets._MOST_ROWS", 4)
    made = {a_case(creditor).reference for _ in range(5)}
    rows = desk.raw("cases.csv").data.decode().splitlines()
    assert {row.partition(";")[0] for row in rows[1:]} == made
    book = openpyxl.load_workbook(io.BytesIO(desk.raw("cases.xlsx").data))
    assert [one.max_row for one in book.worksheets] == [5, 2]
    assert {one["A2"].value for one in book.worksheets} <= made


# ---- what a page costs


@pytest.mark.parametrize(
    "query",
    ["", "?status=reminded&sort=-due", "?q=ahmad", "?q=1000", "?stop=any&mark=plan&sort=name"],
)
def test_a_page_takes_six_statements_however_many_cases_there_are(
    desk: Desk, creditor: Creditor, query: str
) -> None:
    for _ in range(3):
        a_reminded_case(creditor)
    address = f"/creditor/{creditor.key}/cases{query}"
    desk.client.get(address)
    with statements() as sent:
        assert desk.client.get(address).status_code == 200
    assert len(sent) <= 6, [one for one, _ in sent]


def plan_of(creditor: Creditor, wanted: finding.Filter, sort: str) -> str:
    """How the database would answer a page, were reading whole tables out of the question."""
    with tenancy.creditors([creditor.id]):
        with statements() as sent:
            finding.page(creditor.id, wanted, today=date(2026, 3, 10), sort=sort)
        (asked,) = [one for one in sent if "counted" in one[0]]
        for setting in ("seqscan", "sort", "bitmapscan", "hashjoin", "mergejoin"):
            db.session.execute(text(f"set local enable_{setting} = off"))
        connection = db.session.connection()
        rows = connection.exec_driver_sql(f"explain {asked[0]}", asked[1]).scalars()
        return "\n".join(rows)


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        ("-opened", "ix_cases_creditor_opened"),
        ("due", "ix_cases_creditor_due"),
        ("-amount", "ix_cases_creditor_amount"),
        ("next", "ix_cases_creditor_next"),
        ("name", "ix_debtors_creditor_name"),
        ("-customer", "uq_debtors_creditor_id_customer_number"),
        ("invoice", "uq_invoices_creditor_id_number"),
    ],
)
def test_each_order_is_an_indexs_own(app: Flask, creditor: Creditor, sort: str, index: str) -> None:
    a_case(creditor)
    plan = plan_of(creditor, finding.Filter(), sort)
    assert index in plan
    assert "Seq Scan on cases" not in plan


@pytest.mark.parametrize("sort", ["status", "-opened", "-next"])
def test_statuses_are_read_from_an_index_each(app: Flask, creditor: Creditor, sort: str) -> None:
    plan = plan_of(creditor, finding.Filter(statuses=("reminded", "paid")), sort)
    assert "Seq Scan on cases" not in plan
