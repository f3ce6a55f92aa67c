"""A sign-in belongs to one session, is used once, and leads to no other site."""

from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.extensions import db
from portal.identity.models import BrowserSession, Person
from tests.bankid_fixtures import Phone
from tests.factories import EVA
from tests.signing.pages import Browser, is_signed_in, order_ref, start


class TestSession:
    def answers(self, browser: Browser, place: str) -> list[TestResponse]:
        return [browser.get(place), browser.get(f"{place}/open"), browser.get(f"{place}/return")]

    def test_another_session_does_not_find_the_order(
        self, app: Flask, browser: Browser, phone: Phone
    ) -> None:
        place, other = start(browser), Browser(app.test_client())
        start(other)
        assert [one.status_code for one in self.answers(other, place)] == [404, 404, 404]

    def test_another_session_cannot_cancel_the_order(
        self, app: Flask, browser: Browser, phone: Phone
    ) -> None:
        page, other = browser.page(start(browser)), Browser(app.test_client())
        theirs = other.page("/sign-in").find("input", attrs={"name": "csrf_token"})["value"]
        assert other.press(page, "Cancel", csrf_token=theirs).status_code == 404
        assert len(phone.waiting()) == 1

    def test_a_look_at_an_order_starts_no_session(
        self, app: Flask, browser: Browser, phone: Phone
    ) -> None:
        stranger = Browser(app.test_client())
        answer = stranger.get(start(browser), htmx=True)
        assert answer.status_code == 404
        assert "Set-Cookie" not in answer.headers

    @pytest.mark.parametrize("query", ["", "?nonce=", "?nonce=guessed"])
    def test_a_wrong_nonce_is_no_way_back(self, browser: Browser, phone: Phone, query: str) -> None:
        assert browser.get(f"{start(browser)}/return{query}").status_code == 404

    def test_a_session_planted_before_sign_in_is_worth_nothing_after_it(
        self, app: Flask, browser: Browser, phone: Phone, operator: Person
    ) -> None:
        place = start(browser)
        planted = browser.cookie()
        phone.approve(order_ref(phone), EVA)
        browser.get(place)
        thief = Browser(app.test_client())
        thief.client.set_cookie("reda_session", planted or "")
        assert not is_signed_in(thief)
        assert browser.cookie() != planted

    def test_a_sign_in_is_used_once(self, browser: Browser, phone: Phone, operator: Person) -> None:
        place = start(browser)
        phone.approve(order_ref(phone), EVA)
        browser.get(place)
        browser.press(browser.page("/operations/"), "Sign out")
        assert browser.get(place).status_code == 404
        assert not is_signed_in(browser)

    def test_who_presses_refresh_while_the_next_page_comes_is_led_on_all_the_same(
        self, browser: Browser, phone: Phone, operator: Person
    ) -> None:
        place = start(browser, "/operations/jobs")
        phone.approve(order_ref(phone), EVA)
        browser.ask_to_the_end(place)
        assert browser.get(place).headers["Location"] == "/operations/jobs"

    def test_signing_out_ends_the_session(
        self, app: Flask, browser: Browser, phone: Phone, operator: Person
    ) -> None:
        place = start(browser)
        phone.approve(order_ref(phone), EVA)
        browser.get(place)
        token = browser.cookie()
        browser.press(browser.page("/operations/"), "Sign out")
        thief = Browser(app.test_client())
        thief.client.set_cookie("reda_session", token or "")
        assert not is_signed_in(browser)
        assert not is_signed_in(thief)
        with_a_person = BrowserSession.data.contains("_user_id")
        assert db.session.query(BrowserSession).filter(with_a_person).count() == 0

    def test_who_is_signed_in_already_goes_on(
        self, browser: Browser, phone: Phone, operator: Person
    ) -> None:
        place = start(browser)
        phone.approve(order_ref(phone), EVA)
        browser.get(place)
        assert browser.get("/sign-in").headers["Location"] == "/operations/"


class TestOnwards:
    def place_after(self, browser: Browser, phone: Phone, onwards: str) -> str:
        place = browser.press(
            browser.page("/sign-in?lang=en"), "Sign in with BankID", next=onwards
        ).headers["Location"]
        phone.approve(order_ref(phone), EVA)
        return browser.ask_to_the_end(place).headers["HX-Redirect"]

    @pytest.mark.parametrize("onwards", ["/agreements", "/x/cases?status=open&q=%C3%A5", "/a#b"])
    def test_a_page_of_ours_is_gone_on_to(
        self, browser: Browser, phone: Phone, operator: Person, onwards: str
    ) -> None:
        assert self.place_after(browser, phone, onwards) == onwards

    @pytest.mark.parametrize("onwards", ["//evil.example/", "/\t\\evil.example/"])
    def test_a_form_from_another_site_leads_nowhere_else(
        self, browser: Browser, phone: Phone, operator: Person, onwards: str
    ) -> None:
        assert self.place_after(browser, phone, onwards) == "/operations/"

    @pytest.mark.parametrize(
        "onwards",
        [
            "https://evil.example/",
            "//evil.example/",
            "///evil.example/",
            "/\\evil.example/",
            "\\\\evil.example/",
            "/\t/evil.example/",
            "/\t\\evil.example/",
            "/\r\n/evil.example/",
            " //evil.example/",
            "javascript:alert(1)",
            "evil.example",
            "//[",
        ],
    )
    def test_another_site_is_never_taken_into_the_page(
        self, browser: Browser, onwards: str
    ) -> None:
        page = browser.page(f"/sign-in?next={quote(onwards)}")
        assert page.find("input", attrs={"name": "next"})["value"] == ""
