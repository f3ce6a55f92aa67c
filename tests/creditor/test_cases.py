"""The list of cases, its export, and one case."""

import csv
import io
import re

import pytest
from bs4 import BeautifulSoup

from portal.collection import cases, finding, settling
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import SWISH
from portal.identity.models import Creditor
from tests.creditor.conftest import Desk
from tests.factories import (
    NOW,
    TODAY,
    a_case,
    a_creditor_that_signed,
    a_debtor_of,
    a_reminded_case,
)


def listed(page: BeautifulSoup) -> set[str]:
    return {one.get_text(strip=True) for one in page.select("#list tbody th")}


def pay(case: Case, amount_ore: int) -> None:
    settling.settle_payment(
        cases.lock(case.id), amount_ore=amount_ore, key=f"p{case.id}", channel="swish",
        value_on=TODAY, actor=SWISH, now=NOW,
    )  # fmt: skip
    db.session.commit()


def test_the_list_shows_status_amount_and_next_step(desk: Desk, creditor: Creditor) -> None:
    a_reminded_case(creditor)
    row = desk.get("cases").select_one("#list tbody tr").get_text(" ", strip=True)
    assert re.search(r"SEK.1,060\.00", row)
    assert "Reminded" in row
    assert "Send a demand" in row


@pytest.mark.parametrize(
    ("status", "shown"),
    [("", "new reminded paid"), ("open", "new reminded"), ("imported", "new"),
     ("reminded", "reminded"), ("paid", "paid"), ("nonsense", "new reminded paid")],
)  # fmt: skip
def test_the_list_is_filtered_by_status(
    desk: Desk, creditor: Creditor, status: str, shown: str
) -> None:
    known = {"new": a_case(creditor), "reminded": a_reminded_case(creditor),
             "paid": a_reminded_case(creditor)}  # fmt: skip
    pay(known["paid"], 106_548)
    page = desk.get(f"cases?status={status}")
    assert listed(page) == {known[name].reference for name in shown.split()}


@pytest.mark.parametrize("what", ["reference", "ocr", "invoice", "customer", "part of the name"])
def test_a_case_is_found_by_what_stands_on_paper(desk: Desk, creditor: Creditor, what: str) -> None:
    case = a_reminded_case(creditor, debtor=a_debtor_of(creditor, name="Sara Lindqvist"))
    a_reminded_case(creditor)
    words = {
        "reference": f"{case.reference[:3]} {case.reference[3:]}",
        "ocr": case.ocr,
        "invoice": case.invoice.number,
        "customer": case.debtor.customer_number,
        "part of the name": "lindq",
    }
    assert listed(desk.get(f"cases?q={words[what]}")) == {case.reference}


def test_a_sign_that_databases_know_is_an_ordinary_sign(desk: Desk, creditor: Creditor) -> None:
    a_reminded_case(creditor)
    assert listed(desk.get("cases?q=%25")) == set()


def test_an_empty_list_says_what_to_do(desk: Desk) -> None:
    page = desk.get("cases")
    assert "There are no cases yet" in page.get_text()
    assert page.select_one("#list a")["href"].endswith("/invoices")


def test_a_long_list_comes_page_by_page_without_gaps(desk: Desk, creditor: Creditor) -> None:
    known = {a_case(creditor).reference for _ in range(finding.PAGE_SIZE + 3)}
    first = desk.get("cases")
    assert len(listed(first)) == finding.PAGE_SIZE
    second = desk.get("cases" + first.select_one("a[rel=next]")["href"].partition("/cases")[2])
    assert listed(first) | listed(second) == known


def test_htmx_gets_the_list_alone(desk: Desk, creditor: Creditor) -> None:
    a_case(creditor)
    address = f"/creditor/{creditor.key}/cases"
    answer = desk.client.get(address, headers={"HX-Request": "true"})
    assert answer.text.strip().startswith('<div id="list"')


def test_the_export_holds_exactly_what_is_shown(desk: Desk, creditor: Creditor) -> None:
    paid, other = a_reminded_case(creditor), a_reminded_case(creditor)
    pay(paid, 106_548)
    response = desk.raw("cases.csv?status=open")
    rows = list(csv.reader(io.StringIO(response.data.decode("utf-8-sig")), delimiter=";"))
    assert [row[0] for row in rows[1:]] == [other.reference]
    assert response.headers["Content-Disposition"] == "attachment; filename=cases.csv"


def test_a_name_that_is_a_formula_is_exported_as_text(desk: Desk, creditor: Creditor) -> None:
    a_case(creditor, debtor=a_debtor_of(creditor, name='=HYPERLINK("https://evil.example")'))
    assert "'=HYPERLINK" in desk.raw("cases.csv").data.decode()


def test_a_case_shows_its_parts_history_documents_and_ledger(
    desk: Desk, creditor: Creditor
) -> None:
    case = a_reminded_case(creditor)
    text = " ".join(
        desk.get(f"cases/{case.reference}{tab}").get_text(" ", strip=True)
        for tab in ("", "/letters", "/money")
    )
    for said in (
        "Left to pay today", "A reminder was written", "The invoice became a case",
        "Waits to be sent", "Reminder fee", "Owed by the debtor: fees", "Our fees",
    ):  # fmt: skip
        assert said in text


def test_a_payment_shows_at_once(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    pay(case, 50_000)
    text = desk.get(f"cases/{case.reference}").get_text(" ", strip=True)
    assert "A payment came" in text
    assert re.search(r"SEK.500\.00, valued on 10 March 2026", text)


def test_the_ledger_of_a_case_has_equal_debit_and_credit(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    pay(case, 50_000)
    (table,) = [
        one
        for one in desk.get(f"cases/{case.reference}/money").select("table")
        if "Ledger" in one.caption.get_text()
    ]

    def total(label: str) -> float:
        cells = [one.get_text() for one in table.select(f'td[data-label="{label}"]')]
        return sum(int(re.sub(r"\D", "", one)) for one in cells if one.strip())

    assert total("Debit") == total("Credit") > 0


def test_an_identity_number_is_never_shown_whole(desk: Desk, creditor: Creditor) -> None:
    debtor = a_debtor_of(creditor, identity_number="197101019052")
    case = a_reminded_case(creditor, debtor=debtor)
    page = desk.raw(f"cases/{case.reference}/parties").text
    assert "19710101-••••" in page
    assert "9052" not in page


def test_the_access_code_is_the_debtors_alone(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    assert case.access_code not in desk.raw(f"cases/{case.reference}").text


def test_what_a_file_said_is_shown_as_text(desk: Desk, creditor: Creditor) -> None:
    evil = "<script>alert(1)</script>"
    case = a_reminded_case(creditor, debtor=a_debtor_of(creditor, name=evil), description=evil)
    for path in ("cases", f"cases/{case.reference}"):
        assert "<script>alert" not in desk.raw(path).text


def test_a_case_of_another_company_is_not_there(desk: Desk) -> None:
    other = a_case(a_creditor_that_signed("Lindens Cykel & Sport AB"))
    desk.get(f"cases/{other.reference}", status=404)


def test_the_payout_is_principal_and_interest_without_fees(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    pay(case, 106_548)
    page = desk.get("payouts/owed")
    assert re.search(r"SEK.1,005\.48", page.select_one(".sum").get_text())
    assert page.select_one("tbody th").get_text(strip=True) == case.reference
