"""The company's pages of what it is charged."""

import csv
import io
import re
from datetime import timedelta

import pypdf
import pytest
from bs4 import BeautifulSoup

from portal import clock
from portal.creditor import views_statements
from portal.identity.models import Creditor
from portal.payments import paying_in
from tests.creditor.conftest import Desk
from tests.factories import TODAY, a_creditor_that_signed
from tests.payments.bank_money import match
from tests.payments.bank_money import told as told_by_bank
from tests.payments.charging import a_price, a_statement, a_watched_case, pay
from tests.payments.paying_out import an_account, owe, propose, settle


def words(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ", strip=True).replace("\xa0", " ").split())


def commissions(page: BeautifulSoup) -> int:
    return len(page.select("table")[0].select("tbody tr"))


def test_without_any_the_page_says_when_one_comes(desk: Desk) -> None:
    shown = words(desk.get("statements"))
    assert "No statement has been made yet" in shown
    assert "Now: 0%" in shown


def test_a_statement_shows_what_each_krona_is_of(desk: Desk, creditor: Creditor) -> None:
    a_price("25")
    case = a_watched_case(creditor)
    pay(case, 100_000)
    owe(case, 180_00)
    made = a_statement(creditor)
    listed = words(desk.get("statements"))
    assert "March 2026" in listed
    shown = words(desk.get(f"statements/{made.key}"))
    for told in ("940.00", "25%", "235.00", "58.75", "180.00", "45.00", "15.00", "537.50",
                 made.content["seller"]["vat_number"], creditor.name, "60.00"):  # fmt: skip
        assert told in shown


def test_what_this_month_has_come_to_is_shown_beforehand(desk: Desk, creditor: Creditor) -> None:
    a_price("25")
    a_price("20", from_on=clock.today() + timedelta(days=40))
    pay(a_watched_case(creditor), 100_000)
    shown = words(desk.get("statements"))
    assert "SEK 293.75" in shown
    assert "Now: 25%" in shown
    assert ": 20%" in shown


def test_a_statement_is_a_pdf_and_a_spreadsheet_of_the_same_sums(
    desk: Desk, creditor: Creditor
) -> None:
    a_price("25")
    pay(a_watched_case(creditor), 100_000)
    made = a_statement(creditor)
    pages = pypdf.PdfReader(io.BytesIO(desk.raw(f"statements/{made.key}.pdf").data)).pages
    paper = " ".join(" ".join(one.extract_text().split()) for one in pages)
    for told in ("940.00", "235.00", "312.50", made.content["seller"]["vat_number"]):
        assert told in paper
    sheet = desk.raw(f"statements/{made.key}.csv").data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(sheet), delimiter=";"))
    totals = [float(row[12].replace(",", ".")) for row in rows[1:]]
    assert sum(totals) * 100 == made.total_ore


def test_a_statement_leads_to_the_payout_that_set_it_off(desk: Desk, creditor: Creditor) -> None:
    an_account(creditor)
    a_price("25")
    pay(a_watched_case(creditor), 100_000)
    (proposed,) = propose(creditor)
    settle(proposed)
    made = a_statement(creditor)
    page = desk.get(f"statements/{made.key}")
    link = page.find("a", string=re.compile("Set off in the payout"))
    assert link["href"].endswith(f"payouts/{proposed.key}")
    # The signature was charged after it.
    assert "Neither paid in nor set off yet SEK 18.75" in words(page)


def test_a_statement_of_another_company_is_not_there(desk: Desk) -> None:
    other = a_statement(a_creditor_that_signed("Lindens Cykel & Sport AB"))
    for ending in ("", ".pdf", ".csv"):
        desk.get(f"statements/{other.key}{ending}", status=404)


def test_a_long_statement_goes_on_on_another_page(
    desk: Desk, creditor: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_statements, "_ROWS", 2)
    a_price("25")
    case = a_watched_case(creditor)
    for _ in range(3):
        pay(case, 10_000, on=TODAY)
    made = a_statement(creditor)
    page = desk.get(f"statements/{made.key}")
    assert commissions(page) == 2
    onward = page.select_one("a[rel=next]")["href"].partition("?")[2]
    assert commissions(desk.get(f"statements/{made.key}?{onward}")) == 1


def test_what_no_payout_covers_can_be_paid_in_and_is_then_told_paid(
    desk: Desk, creditor: Creditor
) -> None:
    made = a_statement(creditor)
    ocr = paying_in.ocr(made) or ""
    shown = words(desk.get(f"statements/{made.key}"))
    assert f"OCR number {ocr} Left to pay SEK 18.75" in shown
    assert "Not paid yet" in words(desk.get("statements"))
    told_by_bank(20_00, references=(ocr,))
    match()
    shown = words(desk.get(f"statements/{made.key}"))
    assert "Paid too much" in shown
    assert "Paid in on 10 March 2026 SEK 18.75" in shown
    assert "SEK 1.25 was paid too much. It goes out with the next payout." in shown
    assert "Left to pay SEK" not in shown


def test_the_paper_tells_what_to_pay_with_and_what_is_left(desk: Desk, creditor: Creditor) -> None:
    made = a_statement(creditor)
    ocr = paying_in.ocr(made) or ""
    told_by_bank(10_00, references=(ocr,))
    match()
    pages = pypdf.PdfReader(io.BytesIO(desk.raw(f"statements/{made.key}.pdf").data)).pages
    paper = " ".join(" ".join(one.extract_text().split()) for one in pages).replace("\xa0", " ")
    assert ocr in paper
    assert "5050-1055" in paper
    assert "SEK 8.75" in paper
