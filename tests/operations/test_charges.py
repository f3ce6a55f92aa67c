"""The operator's pages of what companies are charged."""

import re
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from portal import clock, ledger
from portal.ledger import Account
from portal.payments import commission
from tests.factories import a_creditor, a_person, sign_in
from tests.payments.charging import a_price, a_statement, a_watched_case, pay
from tests.payments.paying_out import owe
from tests.signing.pages import Browser


@pytest.fixture
def desk(app: Flask) -> Browser:
    client = app.test_client()
    sign_in(app, client, a_person("198107212386", is_operator=True))
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return Browser(client)


def words(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ", strip=True).replace("\xa0", " ").split())


def test_without_any_the_page_says_so(desk: Browser) -> None:
    assert "No statement has been made yet" in words(desk.page("/operations/charges"))


def test_all_statements_and_what_waits_are_what_the_books_say(desk: Browser) -> None:
    a_price("25")
    for kronor in (1_000, 333):
        creditor = a_creditor()
        case = a_watched_case(creditor)
        pay(case, kronor * 100)
        owe(case, 60_00)
        a_statement(creditor)
        pay(case, 77_77, now=clock.now())
    page = desk.page("/operations/charges")
    assert "Statements and books agree." in words(page)
    books = ledger.trial_balance()
    (held,) = [one for one in page.select("table") if "beside the books" in one.caption.text]
    accounts = (Account.COMMISSION_INCOME, Account.SIGNATURE_INCOME, Account.VAT_OWED)
    for row, account in zip(held.select("tbody tr"), accounts, strict=True):
        stated, waits, booked = (_ore(cell.get_text(strip=True)) for cell in row.select("td"))
        assert stated + waits == booked == -books[account]


def _ore(shown: str) -> int:
    return round(float(re.sub(r"[^0-9.]", "", shown)) * 100)


def test_a_price_is_added_from_a_day_to_come(desk: Browser) -> None:
    creditor = a_creditor()
    day = clock.today() + timedelta(days=1)
    page = desk.page("/operations/prices")
    desk.press(
        page, "Add the price", creditor=str(creditor.id), from_on=str(day), per_cent="12,5",
        note="Avtal 2026-11",
    )  # fmt: skip
    shown = words(desk.page("/operations/prices"))
    assert "The price is added." in shown
    assert "12.5%" in shown
    assert "To come" in shown
    (price,) = commission.prices()
    assert (price.creditor_id, price.basis_points) == (creditor.id, 1_250)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"from_on": "2026-01-01"}, "A price holds from tomorrow at the earliest"),
        ({"from_on": "in spring"}, "date"),
        ({"per_cent": "much"}, "Write a rate in per cent"),
        ({"per_cent": "51"}, "Write a price from 0 to 50 per cent"),
        ({"per_cent": ""}, "Write the price in per cent."),
        ({"note": "😀" * 201}, "200"),
    ],
)
def test_a_wrong_price_is_told_at_its_field_and_stays_as_written(
    desk: Browser, values: dict[str, str], told: str
) -> None:
    asked = {
        "from_on": str(clock.today() + timedelta(days=1)), "per_cent": "20", "note": "Avtal",
        **values,
    }  # fmt: skip
    answer = desk.press(desk.page("/operations/prices"), "Add the price", creditor="", **asked)
    assert answer.status_code == 422
    page = BeautifulSoup(answer.text, "html.parser")
    assert told in words(page)
    assert commission.prices() == []
    if "note" not in values:
        assert page.select_one("[name=note]")["value"] == "Avtal"


def test_a_month_that_has_no_statements_is_not_there(desk: Browser) -> None:
    assert desk.client.get("/operations/charges?month=2020-01").status_code == 404
