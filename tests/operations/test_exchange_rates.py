"""The operator's page of rates of exchange that statements wait for."""

from datetime import date

import pytest
from bs4 import BeautifulSoup

from portal.extensions import db
from portal.identity.models import Creditor
from portal.payments import exchange_rates, statements
from tests.factories import NOW, a_creditor
from tests.operations.test_charges import desk, words
from tests.payments.charging import a_price, a_watched_case, pay
from tests.signing.pages import Browser

__all__ = ["desk"]
PAGE = "/operations/exchange-rates"


@pytest.fixture
def creditor(desk: Browser) -> Creditor:
    """A company whose statement in euro waits."""
    a_price()
    creditor = a_creditor()
    pay(a_watched_case(creditor, currency="EUR"), 500_00)
    make(creditor)
    return creditor


def make(creditor: Creditor) -> list[str]:
    made = statements.make_due(creditor.id, today=date(2026, 4, 1), now=NOW)
    db.session.commit()
    return [one.key for one in made]


def test_without_any_the_page_says_so(desk: Browser) -> None:
    assert "No rate has been added yet" in words(desk.page(PAGE))


def test_an_operator_sees_what_waits_and_tells_the_rate(desk: Browser, creditor: Creditor) -> None:
    waits = words(desk.page("/operations/charges"))
    assert "Statements wait for a rate" in waits
    assert "EUR, 31 March 2026" in waits
    desk.press(
        desk.page(PAGE),
        "Add the rate of exchange",
        day="EUR 2026-03-31",
        rate="11,2345",
        source="ECB",
    )
    shown = words(desk.page(PAGE))
    assert "The statements that waited for it are made now." in shown
    assert "11.2345" in shown
    (key,) = make(creditor)
    assert "11.2345 kronor for one EUR on 31 March 2026, ECB" in words(
        desk.page(f"/operations/charges/{key}")
    )
    assert "Statements wait for a rate" not in words(desk.page("/operations/charges"))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"rate": "elva"}, "Write how many kronor one EUR is"),
        ({"rate": "😀"}, "Write how many kronor one EUR is"),
        ({"source": "x" * 201}, "200"),
        ({"day": "USD 2026-03-31"}, ""),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_stays_as_written(
    desk: Browser, creditor: Creditor, values: dict[str, str], told: str
) -> None:
    asked = {"day": "EUR 2026-03-31", "rate": "11,2345", "source": "ECB", **values}
    answer = desk.press(desk.page(PAGE), "Add the rate of exchange", **asked)
    assert answer.status_code == 422
    page = BeautifulSoup(answer.text, "html.parser")
    assert told in words(page)
    assert page.select_one("[name=rate]")["value"] == asked["rate"]  # type: ignore[index]
    assert exchange_rates.count_wanted() == 1


def test_who_tells_another_rate_of_the_same_day_is_told_that_it_is_not_kept(
    desk: Browser, creditor: Creditor
) -> None:
    page = desk.page(PAGE)
    for rate in ("11,2345", "11,9999"):
        answer = desk.press(
            page, "Add the rate of exchange", day="EUR 2026-03-31", rate=rate, source="ECB"
        )
        assert answer.status_code < 400
    shown = words(desk.page(PAGE))
    assert "Somebody has told this rate already. It is never changed." in shown
    assert "11.9999" not in shown
