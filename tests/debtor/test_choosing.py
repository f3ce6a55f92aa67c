"""How much, and by which way: what the page offers, and what it answers to what is written."""

from datetime import timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.collection import cases, changes
from portal.collection.models import Case
from portal.config import Settings
from portal.extensions import db
from portal.identity.actor import Actor
from portal.law import calendar
from portal.payments.models import SwishRequest
from tests.debtor.test_pages import Visitor, a_case_of_today, at_first_case, pay, said
from tests.factories import enter_case
from tests.swish_fixtures import Swish

pytest_plugins = ["tests.swish_fixtures"]


@pytest.fixture
def settings(settings: Settings, swish: Swish) -> Settings:
    return swish.settings(settings)


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_of_today()


@pytest.fixture
def inside(app: Flask, client: FlaskClient, case: Case) -> Visitor:
    enter_case(app, client, case)
    return Visitor(client)


def send(visitor: Visitor, *, status: int = 200, **values: str) -> BeautifulSoup:
    """The page to which a choice leads."""
    token = visitor.get("/case/pay").select_one("input[name=csrf_token]")["value"]
    answer = visitor.client.post(
        at_first_case("/case/pay"), data={"csrf_token": token, **values},
        headers=visitor.headers, follow_redirects=True,
    )  # fmt: skip
    assert answer.status_code == status
    return BeautifulSoup(answer.text, "html.parser")


def choose(visitor: Visitor, *, status: int = 200, **values: str) -> str:
    """What that page says."""
    return said(send(visitor, status=status, **values))


def asked() -> list[int]:
    return [one.amount_ore for one in db.session.query(SwishRequest)]


def owed(case: Case) -> int:
    return cases.amount_due(case, clock.today()).total_ore


def test_all_is_asked_for_where_nothing_is_said(inside: Visitor, case: Case) -> None:
    assert "After this payment, nothing is left to pay." in choose(inside)
    assert asked() == [owed(case)]


@pytest.mark.parametrize("written", ["250,50", "250.50", " 250,5 kr", "٢٥٠٫٥٠", "૨૫૦,૫૦"])
def test_a_part_is_taken_as_people_write_it(inside: Visitor, case: Case, written: str) -> None:
    page = choose(inside, how_much="part", amount=written)
    assert asked() == [25_050]
    left = Decimal(owed(case) - 25_050) / 100
    assert f"After this payment, SEK {left:,.2f} is left to pay." in page


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("", "Fill this in."),
        ("0", "Write an amount above zero, and not more than"),
        ("-50", "Write an amount above zero, and not more than"),
        ("999999", "Write an amount above zero, and not more than"),
        ("0,50", "Pay at least SEK 1.00."),
        ("lots", "Write an amount in kronor"),
        ("1,234", "Write an amount above zero, and not more than"),
        ("12,345,6,7", "Write an amount in kronor"),
        ("😀\x00", "Write an amount in kronor"),
        ("9" * 5000, "Write an amount in kronor"),
    ],
)
def test_what_cannot_be_paid_is_told_at_the_field(
    inside: Visitor, written: str, answer: str
) -> None:
    page = send(inside, status=422, how_much="part", amount=written, way="swish")
    assert answer in said(page.select_one("#amount-error"))
    assert page.select_one("input[name=how_much][value=part]").has_attr("checked")
    assert asked() == []


def test_an_amount_beside_the_choice_of_all_is_asked_about(inside: Visitor) -> None:
    page = choose(inside, status=422, how_much="all", amount="100")
    assert "You wrote an amount: choose “A part”, or empty this field." in page
    assert asked() == []


def test_another_way_than_there_is_is_refused(inside: Visitor) -> None:
    assert "Choose one of the options." in choose(inside, status=422, way="cash")


def test_a_paid_case_offers_no_payment(inside: Visitor, case: Case) -> None:
    pay(case)
    page = inside.get("/case/pay")
    assert "This case is paid. There is nothing more to pay." in said(page)
    assert page.select_one("input[name=way]") is None


def test_a_claim_that_was_taken_back_is_not_called_paid(inside: Visitor, case: Case) -> None:
    changes.credit(
        cases.lock(case.id), amount_ore=100_000, on=clock.today(), key="credit",
        actor=Actor("person", "Sofia", role="creditor"), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    page = said(inside.get("/case/pay"))
    assert ("There is nothing to pay to us" in page, "is paid" in page) == (True, False)


def test_who_chooses_after_it_was_paid_is_told(inside: Visitor, case: Case) -> None:
    pay(case)
    assert "There is nothing more to pay." in choose(inside, how_much="all")
    assert asked() == []


def test_a_page_of_before_a_payment_cannot_pay_too_much(inside: Visitor, case: Case) -> None:
    before = owed(case)
    pay(case, 50_000)
    page = choose(inside, status=422, how_much="part", amount=str(before // 100))
    assert "not more than" in page
    assert asked() == []


def test_two_tabs_with_one_amount_lead_to_one_payment(inside: Visitor) -> None:
    for _ in range(2):
        choose(inside, how_much="part", amount="100")
    assert asked() == [10_000]


class TestByBank:
    """A transfer, to the öre on the day that it arrives."""

    def test_it_tells_what_to_write_and_when_it_arrives(self, inside: Visitor, case: Case) -> None:
        page = send(inside, how_much="all", way="bank")
        arrives_on = calendar.arrives_by(clock.today())
        due = cases.owed_on(case, arrives_on).total_ore
        assert page.select_one(".qr-plate svg")
        copied = {one["data-copy"] for one in page.select("[data-copy]")}
        assert f"{Decimal(due) / 100:.2f}".replace(".", ",") in copied
        assert case.ocr in copied

    def test_a_later_day_has_more_interest(self, inside: Visitor, case: Case) -> None:
        on = clock.today() + timedelta(days=30)
        page = inside.get(f"/case/pay/bank?on={on}")
        due = cases.owed_on(case, calendar.arrives_by(on)).total_ore
        assert f"{Decimal(due) / 100:.2f}".replace(".", ",") in str(page)
        assert due > owed(case)

    def test_a_part_stays_the_part(self, inside: Visitor) -> None:
        page = send(inside, how_much="part", amount="100", way="bank")
        assert "SEK 100.00" in said(page.select_one(".sum"))
        assert "is left to pay" in said(page)

    @pytest.mark.parametrize("on", ["2020-01-01", "2999-01-01", "soon", "0000-00-00"])
    def test_a_day_that_cannot_be_is_told_at_the_field(self, inside: Visitor, on: str) -> None:
        page = inside.get(f"/case/pay/bank?on={on}", status=422)
        assert page.select_one("#on-error")
        assert page.select_one("#on")["value"] == on

    @pytest.mark.parametrize("amount", ["0", "-1", "x", "99999999"])
    def test_an_address_with_no_amount_that_can_be_paid_leads_to_the_choice(
        self, inside: Visitor, amount: str
    ) -> None:
        answer = inside.raw(f"/case/pay/bank?amount={amount}")
        assert answer.headers["Location"].endswith("/pay")


@pytest.mark.parametrize("days", [-9, 0])
def test_a_transfer_that_comes_after_the_next_step_tells_what_that_costs(
    inside: Visitor, case: Case, days: int
) -> None:
    demand_on = case.next_step_on
    assert demand_on
    page = said(inside.get(f"/case/pay/bank?on={demand_on + timedelta(days=days)}"))
    told = "a demand (inkassokrav) can be sent on"
    assert (told in page, "It costs at most SEK 180.00 more." in page) == (days == 0, days == 0)
