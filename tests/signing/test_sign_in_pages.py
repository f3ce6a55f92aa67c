"""Signing in with BankID, page by page, against the running simulator."""

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import text

from portal.extensions import db
from portal.identity.models import BankIDOrder, Person
from tests.bankid_fixtures import Phone
from tests.factories import EVA, JOHAN
from tests.signing.pages import (
    PHONE,
    Browser,
    is_signed_in,
    later,
    order_ref,
    return_path,
    start,
    words,
)


class TestOtherDevice:
    def test_who_approves_is_signed_in(
        self, browser: Browser, phone: Phone, operator: Person
    ) -> None:
        place = start(browser)
        phone.approve(order_ref(phone), EVA)
        assert browser.get(place).headers["Location"] == "/operations/"
        assert is_signed_in(browser)

    def test_the_page_shows_a_code_to_scan(self, browser: Browser, phone: Phone) -> None:
        page = browser.page(start(browser))
        assert page.find(id="order").find("svg")
        assert "Start your BankID app." in words(page)

    def test_the_code_is_gone_when_it_has_been_scanned(
        self, browser: Browser, phone: Phone
    ) -> None:
        place = start(browser)
        phone.control(f"orders/{order_ref(phone)}/open", personalNumber=EVA)
        page = browser.page(place)
        assert "Enter your security code" in words(page)
        assert "Scan it" not in words(page)

    def test_the_page_gives_nothing_away_that_could_open_the_order_elsewhere(
        self, browser: Browser, phone: Phone
    ) -> None:
        html = browser.get(start(browser)).text
        order = db.session.query(BankIDOrder).one()
        nonce = return_path(phone).partition("nonce=")[2]
        for secret in (order.qr_start_secret, order.auto_start_token, order.order_ref, nonce):
            assert secret not in html

    def test_htmx_gets_the_changing_part_alone(self, browser: Browser, phone: Phone) -> None:
        html = browser.get(start(browser), htmx=True).text.strip()
        assert html.startswith('<div id="order"')

    def test_htmx_is_sent_on_when_it_is_done(
        self, browser: Browser, phone: Phone, operator: Person
    ) -> None:
        place = start(browser)
        phone.approve(order_ref(phone), EVA)
        assert browser.ask_to_the_end(place).headers["HX-Redirect"] == "/operations/"

    def test_the_page_stops_asking_before_the_sign_in_is_used(
        self, browser: Browser, phone: Phone, operator: Person
    ) -> None:
        place = start(browser)
        phone.approve(order_ref(phone), EVA)
        for _ in range(2):
            answer = browser.get(place, htmx=True)
            assert "HX-Redirect" not in answer.headers
            assert answer.headers["HX-Retarget"] == "#order"
            assert "every" not in answer.text
        assert not is_signed_in(browser)
        browser.get(place)
        assert is_signed_in(browser)


class TestThisDevice:
    def link(self, page: BeautifulSoup) -> str:
        found = page.find("a", string="Open BankID on this device")
        return str(found["href"])

    def test_a_phone_offers_its_own_app_and_no_code(self, handset: Browser, phone: Phone) -> None:
        page = handset.page(start(handset))
        token = phone.newest()["autoStartToken"]
        expected = f"https://app.bankid.com/?autostarttoken={token}&redirect=null"
        assert self.link(page) == expected
        assert "Scan it" not in words(page)

    def test_who_comes_back_from_the_app_is_signed_in(
        self, handset: Browser, phone: Phone, operator: Person
    ) -> None:
        place, back = start(handset), return_path(phone)
        phone.approve(order_ref(phone), EVA)
        assert handset.get(back).headers["Location"] == place
        assert handset.get(place).headers["Location"] == "/operations/"

    def test_before_that_the_page_waits(
        self, handset: Browser, phone: Phone, operator: Person
    ) -> None:
        place = start(handset)
        phone.approve(order_ref(phone), EVA)
        assert "in progress" in words(handset.page(place))
        assert not is_signed_in(handset)

    def test_a_sent_link_does_not_sign_the_sender_in(
        self, app: Flask, handset: Browser, phone: Phone, operator: Person
    ) -> None:
        place, back = start(handset), return_path(phone)
        phone.approve(order_ref(phone), EVA)
        victim = Browser(app.test_client(), PHONE)
        assert victim.get(back).status_code == 404
        handset.page(place)
        assert not is_signed_in(handset)

    def test_a_phone_can_use_another_device(
        self, handset: Browser, phone: Phone, operator: Person
    ) -> None:
        place = start(handset, button="BankID on another device")
        assert "Scan it" in words(handset.page(place))
        phone.approve(order_ref(phone), EVA)
        later()
        assert handset.get(place).headers["Location"] == "/operations/"

    def test_a_computer_can_open_its_own_app(self, browser: Browser, phone: Phone) -> None:
        page = browser.page(start(browser))
        token = phone.newest()["autoStartToken"]
        expected = f"bankid:///?autostarttoken={token}&redirect=null"
        answer = browser.get(self.link(page))
        assert answer.headers["Refresh"] == f"0; url={expected}"
        assert self.link(BeautifulSoup(answer.text, "html.parser")) == expected

    def test_a_computer_that_opened_its_app_awaits_it_back(
        self, browser: Browser, phone: Phone, operator: Person
    ) -> None:
        place, back = start(browser), return_path(phone)
        browser.get(self.link(browser.page(place)))
        phone.approve(order_ref(phone), EVA)
        later()
        browser.page(place)
        assert not is_signed_in(browser)
        browser.get(back)
        assert browser.get(place).headers["Location"] == "/operations/"

    def test_an_ended_order_opens_no_app(self, browser: Browser, phone: Phone) -> None:
        place = start(browser)
        link = self.link(browser.page(place))
        browser.press(browser.page(place), "Cancel")
        assert "Refresh" not in browser.get(link).headers


class TestEnds:
    def test_the_cancel_button_ends_the_order_in_the_app_too(
        self, browser: Browser, phone: Phone
    ) -> None:
        response = browser.press(browser.page(start(browser)), "Cancel")
        assert response.headers["Location"] == "/sign-in"
        assert phone.waiting() == []

    @pytest.mark.parametrize(
        ("hint", "told"),
        [
            ("userCancel", "Action cancelled."),
            ("expiredTransaction", "The BankID app is not responding."),
            ("certificateErr", "blocked or too old"),
            ("startFailed", "Failed to scan the QR code"),
        ],
    )
    def test_a_failed_order_says_why(
        self, browser: Browser, phone: Phone, hint: str, told: str
    ) -> None:
        place = start(browser)
        phone.hint(order_ref(phone), hint)
        page = browser.page(place)
        assert told in words(page)
        assert page.find(attrs={"hx-get": True}) is None

    def test_starting_again_leads_to_the_same_place(self, browser: Browser, phone: Phone) -> None:
        place = start(browser, "/agreements")
        phone.hint(order_ref(phone), "userCancel")
        again = browser.page(place).find("a", string="Start again")
        assert again["href"] == "/sign-in?next=/agreements"

    def test_who_cancels_a_sign_in_can_start_again_to_the_same_place(
        self, browser: Browser, phone: Phone
    ) -> None:
        response = browser.press(browser.page(start(browser, "/agreements")), "Cancel")
        assert response.headers["Location"] == "/sign-in?next=/agreements"

    def test_an_unknown_person_gets_no_further(self, browser: Browser, phone: Phone) -> None:
        place = start(browser)
        phone.approve(order_ref(phone), JOHAN)
        assert "You have no access yet" in words(browser.page(place, 403))

    def test_an_unknown_person_is_told_so_by_htmx_too(self, browser: Browser, phone: Phone) -> None:
        place = start(browser)
        phone.approve(order_ref(phone), JOHAN)
        onwards = browser.ask_to_the_end(place).headers["HX-Redirect"]
        assert "You have no access yet" in words(browser.page(onwards, 403))

    def test_who_an_unknown_person_was_is_not_kept(self, browser: Browser, phone: Phone) -> None:
        place = start(browser)
        phone.approve(order_ref(phone), JOHAN)
        browser.get(place)
        assert db.session.query(BankIDOrder).one().completion is None

    def test_an_approval_too_old_signs_nobody_in(
        self, browser: Browser, phone: Phone, operator: Person
    ) -> None:
        place = start(browser)
        phone.approve(order_ref(phone), EVA)
        db.session.execute(
            text(
                "update bankid_orders set status = 'complete', ended_at = now() - interval '3 min'"
            )
        )
        db.session.commit()
        assert "used or is too old" in words(browser.page(place))
        assert not is_signed_in(browser)


class TestTrouble:
    def test_a_start_that_bankid_does_not_answer_says_so(
        self, browser: Browser, phone: Phone
    ) -> None:
        phone.control("next", fault="maintenance")
        assert "Internal error" in words(browser.page(start(browser)))

    def test_trouble_on_the_way_leaves_the_order_going_on(
        self, browser: Browser, phone: Phone, operator: Person
    ) -> None:
        place = start(browser)
        phone.approve(order_ref(phone), EVA)
        phone.control("next", fault="dropConnection", method="collect")
        assert "Internal error" in words(browser.page(place))
        later()
        assert browser.get(place).headers["Location"] == "/operations/"

    def test_a_bankid_in_trouble_is_asked_more_slowly(self, browser: Browser, phone: Phone) -> None:
        place = start(browser)
        phone.control("next", fault="internalError", method="collect")
        assert browser.page(place).find(id="order")["hx-trigger"] == "every 3s"

    def test_a_start_needs_the_pages_own_token(self, browser: Browser) -> None:
        assert browser.client.post("/sign-in").status_code == 400
