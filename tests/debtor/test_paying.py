"""What the page of a Swish payment says, without JavaScript: each ending told as it is."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.collection import cases
from portal.collection.models import Case
from portal.config import Settings
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.payments import booking, refunds
from portal.payments.models import SwishRequest
from tests.debtor.test_pages import Visitor, a_case_of_today, at_first_case, pay
from tests.debtor.test_visit import ends, visits_end_in
from tests.factories import letters_leave
from tests.swish_fixtures import Swish

pytest_plugins = ["tests.swish_fixtures"]

HEADERS = {"Accept-Language": "en"}


@pytest.fixture
def settings(settings: Settings, swish: Swish) -> Settings:
    return swish.settings(settings)


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_of_today()


@dataclass
class Payer:
    """Somebody who has a case open and has pressed Pay with Swish."""

    client: FlaskClient
    swish: Swish
    address: str
    token: str

    @property
    def request_id(self) -> str:
        return self.address.rpartition("/")[2]

    def page(self) -> BeautifulSoup:
        """The payment's page."""
        return self._parsed(self.client.get(self.address, headers=HEADERS).text)

    def case_page(self) -> BeautifulSoup:
        """The case, as somebody sees it who goes back."""
        return self._parsed(self.client.get(at_first_case("/case"), headers=HEADERS).text)

    def stop(self) -> BeautifulSoup:
        """Press Stop the payment on a page opened while it waited; answers where that leads."""
        answer = self.client.post(
            f"{self.address}/stop",
            data={"csrf_token": self.token},
            headers=HEADERS,
            follow_redirects=True,
        )
        return self._parsed(answer.text)

    def ends(self, act: str) -> None:
        """The payment ends at Swish, and its callback has come."""
        self.swish.control(f"requests/{self.request_id}/{act}")
        booking.ask(self.request_id, now=clock.now())
        db.session.commit()

    def _parsed(self, html: str) -> BeautifulSoup:
        return BeautifulSoup(html, "html.parser")


@pytest.fixture
def payer(client: FlaskClient, swish: Swish, case: Case) -> Payer:
    case_page = Visitor(client).enter(case)
    token = case_page.select_one("input[name=csrf_token]")["value"]
    answer = client.post(at_first_case("/case/pay"), data={"csrf_token": token}, headers=HEADERS)
    return Payer(client, swish, answer.headers["Location"], token)


def test_a_payment_that_waits_can_be_scanned_and_stopped(payer: Payer) -> None:
    page = payer.page()
    assert page.select_one("#payment .qr-plate")
    assert page.find("button", string="Stop the payment")


def test_a_case_whose_payment_waits_warns_of_nothing(payer: Payer) -> None:
    assert "Do not pay again" not in payer.case_page().text


def test_stopping_takes_nothing_and_says_so(payer: Payer) -> None:
    assert "The payment is stopped. Nothing has been paid." in payer.stop().text


def test_the_page_of_a_stopped_payment_says_that_nothing_is_paid(payer: Payer) -> None:
    payer.stop()
    assert "It was stopped. Nothing has been paid." in payer.page().text


def test_the_page_stops_asking_before_it_is_led_to_the_receipt(payer: Payer) -> None:
    payer.ends("pay")
    htmx = {**HEADERS, "HX-Request": "true"}
    answer = payer.client.get(f"{payer.address}?seen=created-", headers=htmx)
    assert "HX-Redirect" not in answer.headers
    assert answer.headers["HX-Retarget"] == "#payment"
    asking = BeautifulSoup(answer.text, "html.parser").find(id="payment")
    assert asking["hx-trigger"] == "load"
    answer = payer.client.get(str(asking["hx-get"]), headers=htmx)
    assert "/receipts/" in answer.headers["HX-Redirect"]


@pytest.mark.parametrize("asks", [{"HX-Request": "true"}, {}], ids=["htmx", "without scripts"])
def test_a_page_that_waits_makes_the_visit_no_longer(payer: Payer, asks: dict[str, str]) -> None:
    found = payer.page()
    without = found.select_one("noscript meta")
    path = found.select_one("#payment")["hx-get"] if asks else without["content"].split("url=")[1]
    visits_end_in(4)
    before = ends()
    payer.client.get(str(path), headers={**HEADERS, **asks})
    assert ends() == before


class TestACaseThatIsPaidInAnotherWayMeanwhile:
    """The money came from a bank, say, while a payment waits to be approved."""

    @pytest.fixture(autouse=True)
    def _paid(self, payer: Payer, case: Case) -> None:
        booking.receive(
            case.id, amount_ore=cases.amount_due(case, clock.today()).total_ore, currency="SEK",
            key="bank:1", channel="bankgiro", value_on=clock.today(), payer=None, actor=SYSTEM,
            now=clock.now(),
        )  # fmt: skip
        db.session.commit()

    def test_the_payment_is_withdrawn_and_the_page_says_why(self, payer: Payer) -> None:
        answer = payer.client.get(payer.address, headers=HEADERS, follow_redirects=True)
        assert "This case is paid. There is nothing more to pay." in answer.text
        assert payer.swish.seen(payer.request_id)["status"] == "CANCELLED"

    def test_the_open_page_stops_asking(self, payer: Payer) -> None:
        htmx = {**HEADERS, "HX-Request": "true"}
        answer = payer.client.get(f"{payer.address}?seen=created-", headers=htmx)
        assert answer.headers["HX-Retarget"] == "#payment"

    def test_what_was_approved_already_has_its_receipt(self, payer: Payer, case: Case) -> None:
        payer.swish.control(f"requests/{payer.request_id}/pay")
        answer = payer.client.get(payer.address, headers=HEADERS, follow_redirects=True)
        assert "Paid too much, you get it back" in answer.text
        assert len(booking.payments_of(case.id)) == 2

    def test_its_bank_page_offers_no_transfer(self, payer: Payer) -> None:
        path = at_first_case("/case/pay/bank")
        answer = payer.client.get(path, headers=HEADERS, follow_redirects=True)
        assert "This case is paid. There is nothing more to pay." in answer.text
        assert "data-copy" not in answer.text


def test_a_part_that_came_meanwhile_withdraws_what_would_be_too_much(
    payer: Payer, case: Case
) -> None:
    pay(case, 50_000)
    assert "It was stopped. Nothing has been paid." in payer.page().text
    assert payer.swish.seen(payer.request_id)["status"] == "CANCELLED"


class TestABankThatDoesNotAnswer:
    """Nobody knows whether the money has left (DS24), so nothing may say that it has not."""

    @pytest.fixture(autouse=True)
    def _silence(self, payer: Payer) -> None:
        payer.ends("silence")

    def test_the_page_asks_not_to_pay_again_and_offers_no_code(self, payer: Payer) -> None:
        page = payer.page()
        assert "Do not pay again" in page.text
        assert page.select_one("#payment .qr-plate") is None
        assert "Waiting for your approval" not in page.text

    def test_stopping_does_not_say_that_nothing_is_paid(self, payer: Payer) -> None:
        page = payer.stop()
        assert "Nothing has been paid" not in page.text
        assert "Do not pay again" in page.text

    def test_the_case_asks_not_to_pay_again_and_leads_to_the_payment(self, payer: Payer) -> None:
        page = payer.case_page()
        assert "Do not pay again" in page.text
        assert page.find("a", string="See the payment")["href"] == payer.address

    def test_not_even_a_day_later_it_is_called_unpaid(self, payer: Payer) -> None:
        later = clock.now() + timedelta(days=1, hours=1)
        booking.ask(payer.request_id, now=later)
        db.session.commit()
        page = payer.page()
        assert "Do not pay again" in page.text
        assert "The payment was not made" not in page.text
        assert page.find("button", string="Try again") is None

    def test_the_page_goes_on_asking(self, payer: Payer) -> None:
        assert payer.page().select_one("noscript meta[http-equiv=refresh]")


def test_a_payment_that_was_declined_before_it_could_be_stopped_is_told_as_declined(
    payer: Payer, swish: Swish
) -> None:
    swish.control(f"requests/{payer.request_id}/decline")
    assert "It was declined in Swish. Nothing has been paid." in payer.stop().text


def test_a_payment_that_was_made_before_it_could_be_stopped_has_its_receipt(
    payer: Payer, swish: Swish
) -> None:
    swish.control(f"requests/{payer.request_id}/pay")
    assert "Thank you. Your payment has come." in payer.stop().text
    assert db.session.get_one(SwishRequest, payer.request_id).status == "paid"


def test_who_has_paid_twice_sees_what_goes_back_and_where(payer: Payer, case: Case) -> None:
    owed = cases.amount_due(case, clock.today()).total_ore
    booking.receive(
        case.id, amount_ore=owed, currency="SEK", key="bankgiro:1", channel="bankgiro",
        value_on=clock.today(), payer=None, actor=SYSTEM, now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    payer.ends("pay")
    told = payer.case_page().get_text(" ", strip=True).replace("\xa0", " ")
    assert "goes back to Swish •••• 0605" in told
    assert "46701740605" not in told


def test_what_is_found_later_to_go_back_of_a_payment_is_told_too(payer: Payer, case: Case) -> None:
    letters_leave("reminder")
    payer.ends("pay")
    (payment,) = booking.payments_of(case.id)
    refunds.owe_more(payment.channel_reference, 6_000, now=clock.now())
    db.session.commit()
    told = payer.case_page().get_text(" ", strip=True).replace("\xa0", " ")
    assert "60.00 goes back to Swish •••• 0605" in told
