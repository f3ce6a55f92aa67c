"""Reports at the desk: on the page, as files, and made in the background."""

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import openpyxl
import pytest
from flask import Flask

from portal import jobs, ledger
from portal.database import files
from portal.extensions import db
from portal.reporting import orders, reports
from portal.reporting.models import Order
from tests.creditor.conftest import Desk
from tests.factories import (
    JOHAN,
    NOW,
    SOFIA,
    a_case_whose_reminder_left,
    a_creditor_that_signed,
    a_debtor_of,
    a_person_at,
)
from tests.reporting.conftest import EVA_AT_DESK, paid

MARCH = "?from=2026-03-01&to=2026-03-31"
FORMULA = '=HYPERLINK("http://example.com")'


@pytest.fixture
def desk_with_money(desk: Desk) -> Desk:
    paid(a_case_whose_reminder_left(desk.creditor), 50_000, key="A")
    paid(a_case_whose_reminder_left(desk.creditor), 200_000, key="B")
    return desk


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_AT_ONCE", -1)


def csv_rows(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig")), delimiter=";"))


def ore(written: str) -> int:
    return int(Decimal(written.replace(",", ".")) * 100)


def test_the_tab_leads_to_every_report_there_is(desk: Desk) -> None:
    page = desk.get("reports")
    links = {link["href"].rpartition("/")[2] for link in page.select(".card h2 a")}
    assert links == set(reports.KINDS)


@pytest.mark.parametrize("name", reports.KINDS)
def test_a_report_of_nothing_is_a_page_all_the_same(desk: Desk, name: str) -> None:
    assert desk.get(f"reports/{name}").select_one("h1") is not None


@pytest.mark.parametrize("extension", ["csv", "xlsx", "pdf"])
@pytest.mark.parametrize("name", reports.KINDS)
def test_a_report_of_nothing_is_a_file_all_the_same(desk: Desk, name: str, extension: str) -> None:
    assert desk.raw(f"reports/{name}.{extension}").status_code == 200


def test_a_report_that_there_is_none_of_is_not_there(desk: Desk) -> None:
    desk.get("reports/nonsense", status=404)


@pytest.mark.parametrize(
    ("query", "at"),
    [("?from=2026-03-31&to=2026-03-01", "to"), ("?from=yesterday", "from"),
     ("?from=2000-01-01&to=2026-01-01", "to")],
)  # fmt: skip
def test_a_period_that_is_none_is_told_at_its_field(desk: Desk, query: str, at: str) -> None:
    page = desk.get(f"reports/remittance{query}", status=422)
    assert page.select_one(f"#{at}[aria-invalid=true]") is not None


def test_the_page_and_the_files_tell_the_same_rows(desk_with_money: Desk) -> None:
    page = desk_with_money.get(f"reports/remittance{MARCH}")
    rows = csv_rows(desk_with_money.raw(f"reports/remittance.csv{MARCH}").data)
    book = openpyxl.load_workbook(
        io.BytesIO(desk_with_money.raw(f"reports/remittance.xlsx{MARCH}").data)
    )
    assert len(page.select("#report tbody tr")) == len(rows) - 1
    assert book.worksheets[1].max_row == len(rows)


def test_the_statement_closes_with_what_the_books_say_is_owed(desk_with_money: Desk) -> None:
    rows = csv_rows(desk_with_money.raw(f"reports/remittance.csv{MARCH}").data)
    assert ore(rows[-1][-1]) == ledger.owed_to(desk_with_money.creditor.id) > 0


def test_amounts_and_days_are_such_in_the_spreadsheet(desk_with_money: Desk) -> None:
    book = openpyxl.load_workbook(
        io.BytesIO(desk_with_money.raw(f"reports/remittance.xlsx{MARCH}").data)
    )
    row = [cell.value for cell in book.worksheets[1][3]]
    assert row[0].date() == date(2026, 3, 10)
    assert row[7] == 500
    assert book.worksheets[1].cell(3, 8).number_format == "#,##0.00"


@pytest.mark.parametrize("extension", ["csv", "xlsx"])
def test_a_name_that_looks_like_a_formula_is_a_text(desk: Desk, extension: str) -> None:
    case = a_case_whose_reminder_left(desk.creditor)
    case.debtor.name = FORMULA
    paid(case, 50_000)
    body = desk.raw(f"reports/remittance.{extension}{MARCH}").data
    if extension == "csv":
        assert f"'{FORMULA}" in csv_rows(body)[2]
    else:
        cells = openpyxl.load_workbook(io.BytesIO(body)).worksheets[1][3]
        # The file says that it is a text, and no formula is in it.
        assert b"<f>" not in body
        assert FORMULA in [cell.value for cell in cells]


def test_a_file_is_called_by_its_report_and_period(desk: Desk) -> None:
    headers = desk.raw(f"reports/remittance.pdf{MARCH}").headers
    assert "Remittance statement 2026-03-01_2026-03-31.pdf" in headers["Content-Disposition"]


def test_a_large_report_is_offered_in_the_background(
    desk_with_money: Desk, everything_is_large: None
) -> None:
    page = desk_with_money.get(f"reports/remittance{MARCH}")
    assert page.select_one("#report form[method=post]") is not None
    assert page.select("#report table") == []


def test_a_large_report_is_not_made_while_somebody_waits_for_its_file(
    desk: Desk, everything_is_large: None
) -> None:
    response = desk.raw(f"reports/remittance.csv{MARCH}")
    assert response.status_code == 303
    assert response.location.endswith(f"reports/remittance{MARCH}&currency=SEK")


def order_at(desk: Desk, **values: object) -> Order:
    desk.post("reports/remittance", **{"from": "2026-03-01", "to": "2026-03-31", **values})
    db.session.rollback()
    return orders.page(desk.creditor.id, "report").rows[0]


def test_what_is_asked_for_can_be_followed_and_fetched(desk_with_money: Desk) -> None:
    order = order_at(desk_with_money)
    page = desk_with_money.get(f"orders/{order.id}")
    assert page.select_one("progress") is not None
    assert page.select_one("noscript meta[http-equiv=refresh]") is not None
    jobs.make_ordered()
    page = desk_with_money.get(f"orders/{order.id}")
    assert page.select_one("progress") is None
    assert page.select_one("noscript meta[http-equiv=refresh]") is None
    links = [link["href"] for link in page.select("#order td a, #order th a")]
    fetched = [desk_with_money.client.get(link) for link in links]
    assert [one.status_code for one in fetched] == [200, 200, 200]
    assert [one.content_length for one in fetched] == [len(one.data) for one in fetched]


def test_the_background_makes_the_same_spreadsheet_as_the_page(desk_with_money: Desk) -> None:
    at_once = desk_with_money.raw(f"reports/remittance.csv{MARCH}").data
    order = order_at(desk_with_money)
    jobs.make_ordered()
    db.session.refresh(order)
    assert files.read(order.files[2]["sha256"]) == at_once


def test_the_page_of_an_order_asks_again_only_while_it_is_made(desk: Desk) -> None:
    order = order_at(desk)
    assert desk.get(f"orders/{order.id}").select_one("#order[hx-trigger]") is not None
    jobs.make_ordered()
    assert desk.get(f"orders/{order.id}").select_one("#order[hx-trigger]") is None


def test_the_bar_alone_is_answered_until_all_of_it_has_changed(desk: Desk) -> None:
    order = order_at(desk)
    asked = {"HX-Request": "true", "Accept-Language": "en"}
    address = f"/creditor/{desk.creditor.key}/orders/{order.id}"
    bar = desk.client.get(address, headers=asked)
    assert bar.text.lstrip().startswith('<div id="order-progress"')
    jobs.make_ordered()
    whole = desk.client.get(address, headers=asked)
    assert whole.headers["HX-Retarget"] == "#order"
    assert 'id="order"' in whole.text


def test_what_is_seen_already_is_not_sent_again(desk: Desk) -> None:
    order = order_at(desk)
    address = f"/creditor/{desk.creditor.key}/orders/{order.id}?seen=waiting-0-0-0"
    assert desk.client.get(address, headers={"HX-Request": "true"}).status_code == 204


def test_an_order_can_be_cancelled_and_asked_for_again(desk: Desk) -> None:
    order = order_at(desk)
    page = desk.post(f"orders/{order.id}/cancel")
    assert "It was cancelled" in page.text
    page = desk.post(f"orders/{order.id}/again")
    assert page.select_one("progress") is not None


def test_what_could_not_be_made_says_why_and_can_be_tried_again(desk: Desk) -> None:
    order = order_at(desk)
    order.status, order.failure = "failed", {"message": "No.", "values": {}, "field": None,
                                             "line": None}  # fmt: skip
    db.session.commit()
    page = desk.get(f"orders/{order.id}")
    assert "No." in page.text
    assert page.select_one(f"form[action$='/orders/{order.id}/again']") is not None


def test_what_is_gone_says_so_and_is_not_there(desk: Desk) -> None:
    order = order_at(desk)
    jobs.make_ordered()
    db.session.refresh(order)
    order.status = "gone"
    db.session.commit()
    page = desk.get(f"orders/{order.id}")
    assert "The files are deleted" in page.text
    assert page.select("#order th a") == []
    desk.get(f"orders/{order.id}/files/0", status=404)


def test_the_list_tells_who_asked_and_how_often_it_was_fetched(desk: Desk) -> None:
    order = order_at(desk)
    jobs.make_ordered()
    desk.raw(f"orders/{order.id}/files/0")
    cells = [cell.get_text(strip=True) for cell in desk.get("reports").select("tbody tr td")]
    assert (cells[1], cells[-1]) == ("Johan Ekdahl", "1")


def test_a_viewer_may_have_a_report_made(desk: Desk, desk_of: Callable[[str], Desk]) -> None:
    a_person_at(desk.creditor, "viewer", SOFIA)
    assert order_at(desk_of(SOFIA)).status == "waiting"


def test_an_archive_is_not_a_viewers(desk: Desk, desk_of: Callable[[str], Desk]) -> None:
    a_person_at(desk.creditor, "viewer", SOFIA)
    order = orders.put(desk.creditor.id, "archive", {}, language="en", actor=EVA_AT_DESK, now=NOW)
    db.session.commit()
    desk_of(SOFIA).get(f"orders/{order.id}", status=403)
    desk.get(f"orders/{order.id}")


def test_another_companys_order_is_not_there(app: Flask, desk: Desk) -> None:
    other = a_creditor_that_signed("Fjällbäcks Tandvård AB")
    a_person_at(other, "administrator", JOHAN)
    order = orders.put(other.id, "report", {}, language="en", actor=EVA_AT_DESK, now=NOW)
    db.session.commit()
    desk.get(f"orders/{order.id}", status=404)


def test_sizes_are_told_for_many_customers_at_once(desk: Desk) -> None:
    some = [a_debtor_of(desk.creditor, kind="company") for _ in range(3)]
    a_debtor_of(desk.creditor)
    db.session.commit()
    page = desk.get("reports/customer-sizes")
    assert len(page.select("select[name^=size-]")) == 3
    page = desk.post(
        "reports/customer-sizes",
        **{f"size-{some[0].id}": "10-49", f"size-{some[1].id}": "250+", f"size-{some[2].id}": ""},
    )
    db.session.expire_all()
    assert [one.size_class for one in some] == ["10-49", "250+", None]
    assert len(page.select("select[name^=size-]")) == 1


def test_a_size_that_is_none_changes_nothing(desk: Desk) -> None:
    debtor = a_debtor_of(desk.creditor, kind="company")
    db.session.commit()
    desk.post("reports/customer-sizes", **{f"size-{debtor.id}": "7"})
    db.session.expire_all()
    assert debtor.size_class is None


def test_sizes_of_another_companys_customers_are_not_changed(desk: Desk) -> None:
    debtor = a_debtor_of(a_creditor_that_signed("Fjällbäcks Tandvård AB"), kind="company")
    db.session.commit()
    desk.post("reports/customer-sizes", **{f"size-{debtor.id}": "0-9"})
    db.session.expire_all()
    assert debtor.size_class is None
