"""In with BankID: all one's cases, of every creditor, and of companies that one may sign for."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from portal import clock
from portal.collection import access, cases, states, stops
from portal.collection.models import Case
from portal.config import Settings
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity import signatories
from portal.identity.actor import SYSTEM
from portal.identity.models import BankIDOrder
from simulators.bankid.running import Simulator
from tests.bankid_fixtures import Phone, pointed_at
from tests.factories import (
    EVA,
    JOHAN,
    TODAY,
    a_creditor,
    a_debtor_of,
    a_person,
    a_reminded_case,
    enter_case,
    sign_in,
)
from tests.signing.pages import PHONE, Browser, order_ref, return_path, words

BAKERY = "5569000002"


@pytest.fixture
def settings(settings: Settings, bankid_simulator: Simulator) -> Settings:
    return pointed_at(settings, bankid_simulator)


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app.test_client())


def a_case_of(number: str, company: str = "Norrsken Energi AB") -> Case:
    """A case against whoever has an identity or organisation number."""
    creditor = a_creditor(company)
    debtor = a_debtor_of(
        creditor, identity_number=number, identity_number_hash=lookup_hash(number),
        kind="company" if len(number) == 10 else "person",
    )  # fmt: skip
    return a_reminded_case(creditor, debtor=debtor)


def may_sign(number: str) -> None:
    signatories.tell(
        BAKERY, number, from_on=clock.today(), until_on=None, source="test", now=clock.now()
    )
    db.session.commit()


def begin(browser: Browser, page: str = "/") -> str:
    """Press the button of a page; answers where the order is followed."""
    sign = "&" if "?" in page else "?"
    shown = browser.page(f"{page}{sign}lang=en")
    return str(browser.press(shown, "Sign in with BankID").headers["Location"])


def come_in(browser: Browser, phone: Phone, number: str, page: str = "/") -> str:
    """Sign in from a page; answers where that led."""
    place = begin(browser, page)
    phone.approve(order_ref(phone), number)
    return str(browser.get(place).headers["Location"])


class TestWhatOneSees:
    def test_who_has_one_case_is_taken_to_it(self, browser: Browser, phone: Phone) -> None:
        case = a_case_of(EVA)
        assert come_in(browser, phone, EVA) == f"/case/{case.reference}"

    def test_cases_of_every_creditor_are_listed(self, browser: Browser, phone: Phone) -> None:
        a_case_of(EVA)
        a_case_of(EVA, "Fjällbäcks Tandvård AB")
        place = come_in(browser, phone, EVA)
        assert place == "/overview"
        told = words(browser.page(place))
        assert "Norrsken Energi AB" in told
        assert "Fjällbäcks Tandvård AB" in told

    def test_nobody_elses_case_is_there(self, browser: Browser, phone: Phone) -> None:
        a_case_of(EVA)
        other = a_case_of(JOHAN)
        come_in(browser, phone, EVA)
        assert browser.get(f"/case/{other.reference}").status_code == 404

    def test_who_has_a_protected_identity_sees_what_is_held_of_where_they_are(
        self, app: Flask, browser: Browser, phone: Phone
    ) -> None:
        case, other = a_case_of(EVA), a_case_of(JOHAN)
        for one in (case, other):
            stops.stop(cases.lock(one.id), states.PROTECTED, "", actor=SYSTEM, now=clock.now())
        db.session.commit()
        enter_case(app, browser.client, other)
        come_in(browser, phone, EVA, "/identify")
        found = [browser.get(f"/case/{one.reference}/contact").status_code for one in (case, other)]
        assert found == [200, 303]

    @pytest.mark.parametrize(("days", "status"), [(90, 200), (91, 404)])
    def test_a_closed_case_is_there_for_ninety_days(
        self, browser: Browser, phone: Phone, days: int, status: int
    ) -> None:
        a_case_of(EVA)
        closed = a_case_of(EVA, "Fjällbäcks Tandvård AB")
        closed.status, closed.closed_on = "paid", clock.today() - timedelta(days=days)
        closed.next_step = closed.next_step_on = None
        db.session.commit()
        come_in(browser, phone, EVA)
        assert browser.get(f"/case/{closed.reference}").status_code == status

    def test_who_may_sign_for_a_company_sees_its_cases(
        self, browser: Browser, phone: Phone
    ) -> None:
        case = a_case_of(BAKERY)
        may_sign(EVA)
        place = come_in(browser, phone, EVA)
        assert place == f"/case/{case.reference}"
        assert f"Who owes it {case.debtor.name}" in words(browser.page(place))

    def test_who_may_not_sign_for_it_does_not(self, browser: Browser, phone: Phone) -> None:
        a_case_of(BAKERY)
        may_sign(JOHAN)
        assert come_in(browser, phone, EVA) == "/no-case"

    def test_the_case_of_the_letter_is_begun_with(self, browser: Browser, phone: Phone) -> None:
        case = a_case_of(EVA)
        a_case_of(EVA, "Fjällbäcks Tandvård AB")
        place = come_in(browser, phone, EVA, f"/?reference={case.reference}")
        assert place == f"/case/{case.reference}"

    def test_no_page_shows_the_identity_number(self, browser: Browser, phone: Phone) -> None:
        a_case_of(EVA)
        html = browser.page(come_in(browser, phone, EVA)).prettify()
        assert EVA[2:] not in html
        assert EVA[-4:] not in words(browser.page("/overview"))


class TestWhoOwesNothing:
    def test_they_are_told_so_kindly(self, browser: Browser, phone: Phone) -> None:
        place = come_in(browser, phone, EVA)
        assert place == "/no-case"
        assert "We find no case of yours" in words(browser.page(place))

    def test_a_case_that_a_letter_opened_stays_open(
        self, app: Flask, browser: Browser, phone: Phone
    ) -> None:
        case = a_case_of(JOHAN)
        enter_case(app, browser.client, case)
        come_in(browser, phone, EVA, "/identify")
        assert browser.get(f"/case/{case.reference}").status_code == 200

    def test_reloading_the_orders_page_tells_it_again(self, browser: Browser, phone: Phone) -> None:
        place = begin(browser)
        phone.approve(order_ref(phone), EVA)
        browser.get(place)
        assert browser.get(place).headers["Location"] == "/no-case"


class TestTheSession:
    def test_a_visit_by_code_grows_to_all_ones_cases_under_a_new_token(
        self, app: Flask, browser: Browser, phone: Phone
    ) -> None:
        case, other = a_case_of(JOHAN), a_case_of(EVA, "Fjällbäcks Tandvård AB")
        enter_case(app, browser.client, case)
        before = browser.cookie()
        come_in(browser, phone, EVA, "/identify")
        assert browser.cookie() != before
        for one in (case, other):
            assert browser.get(f"/case/{one.reference}").status_code == 200

    @pytest.mark.parametrize("second_owes", [True, False])
    def test_a_second_person_ends_the_visit_of_the_first(
        self, browser: Browser, phone: Phone, second_owes: bool
    ) -> None:
        hers = a_case_of(EVA)
        if second_owes:
            a_case_of(JOHAN, "Fjällbäcks Tandvård AB")
        come_in(browser, phone, EVA)
        come_in(browser, phone, JOHAN, "/identify")
        assert browser.get(f"/case/{hers.reference}").status_code in (303, 404)

    def test_a_visit_by_code_alone_sees_that_case_alone(self, app: Flask, browser: Browser) -> None:
        case, other = a_case_of(EVA), a_case_of(EVA, "Fjällbäcks Tandvård AB")
        enter_case(app, browser.client, case)
        assert browser.get(f"/case/{other.reference}").status_code == 404

    def test_all_ones_cases_are_offered_to_a_visit_by_code_alone(
        self, app: Flask, browser: Browser, phone: Phone
    ) -> None:
        case = a_case_of(EVA)
        enter_case(app, browser.client, case)
        offer = f"/identify?reference={case.reference}"
        assert offer in browser.page(f"/case/{case.reference}").prettify()
        come_in(browser, phone, EVA, offer)
        assert offer not in browser.page(f"/case/{case.reference}").prettify()

    def test_who_came_from_a_page_of_the_case_comes_back_to_it(
        self, app: Flask, browser: Browser, phone: Phone
    ) -> None:
        case = a_case_of(EVA)
        enter_case(app, browser.client, case)
        contact = f"/case/{case.reference}/contact"
        offer = f"/identify?reference={case.reference}&back={contact}"
        assert come_in(browser, phone, EVA, offer) == contact

    @pytest.mark.parametrize(
        "back",
        [
            "https://evil.example/", "//evil.example/", "/creditor/", "/operations/", "/overview",
            "/case/{other}/contact", "/case/{case}/nowhere", "/case/{case}/../{other}",
        ],
    )  # fmt: skip
    def test_nobody_is_led_from_there_to_what_is_no_page_of_the_case(
        self, app: Flask, browser: Browser, phone: Phone, back: str
    ) -> None:
        case, other = a_case_of(EVA), a_case_of(EVA, "Fjällbäcks Tandvård AB")
        enter_case(app, browser.client, case)
        wanted = back.format(case=case.reference, other=other.reference)
        offer = f"/identify?reference={case.reference}&back={wanted}"
        assert come_in(browser, phone, EVA, offer) == f"/case/{case.reference}"

    def test_who_turns_out_to_be_somebody_else_comes_back_to_the_case_that_is_open(
        self, app: Flask, browser: Browser, phone: Phone
    ) -> None:
        case = a_case_of(JOHAN)
        a_case_of(EVA, "Fjällbäcks Tandvård AB")
        enter_case(app, browser.client, case)
        contact = f"/case/{case.reference}/contact"
        offer = f"/identify?reference={case.reference}&back={contact}"
        assert come_in(browser, phone, EVA, offer) == contact

    def test_staff_who_come_in_as_debtors_are_staff_no_more(
        self, app: Flask, browser: Browser, phone: Phone
    ) -> None:
        a_case_of(EVA)
        sign_in(app, browser.client, a_person(EVA, is_operator=True))
        come_in(browser, phone, EVA)
        assert browser.get("/operations/").status_code == 303

    def test_who_it_was_is_not_kept(self, browser: Browser, phone: Phone) -> None:
        a_case_of(EVA)
        come_in(browser, phone, EVA)
        assert db.session.query(BankIDOrder).one().completion is None

    def test_an_order_of_this_door_opens_no_other(self, browser: Browser, phone: Phone) -> None:
        a_person(EVA, is_operator=True)
        key = begin(browser).rpartition("/")[2]
        phone.approve(order_ref(phone), EVA)
        assert browser.get(f"/bankid/{key}").status_code == 404

    def test_an_order_of_staffs_door_does_not_open_this_one(
        self, browser: Browser, phone: Phone
    ) -> None:
        a_case_of(EVA)
        key = begin(browser, "/sign-in").rpartition("/")[2]
        phone.approve(order_ref(phone), EVA)
        assert browser.get(f"/identify/{key}").status_code == 404


class TestTheWayThere:
    def test_the_page_shows_a_code_to_scan(self, browser: Browser, phone: Phone) -> None:
        assert browser.page(begin(browser)).find(id="order").find("svg")

    def test_the_page_is_in_the_readers_language(self, browser: Browser, phone: Phone) -> None:
        place = begin(browser)
        page = browser.page(f"{place}?lang=ar")
        assert page.html["dir"] == "rtl"
        assert "شغّلوا تطبيق BankID." in words(page)

    def test_a_phone_opens_its_own_app_and_comes_back(self, app: Flask, phone: Phone) -> None:
        case, handset = a_case_of(EVA), Browser(app.test_client(), PHONE)
        place, back = begin(handset), return_path(phone)
        phone.approve(order_ref(phone), EVA)
        assert back.startswith(f"{place}/return")
        assert handset.get(back).headers["Location"] == place
        assert handset.get(place).headers["Location"] == f"/case/{case.reference}"

    def test_a_sent_link_does_not_let_the_sender_in(self, app: Flask, phone: Phone) -> None:
        a_case_of(EVA)
        sender, victim = (Browser(app.test_client(), PHONE) for _ in range(2))
        place, back = begin(sender), return_path(phone)
        phone.approve(order_ref(phone), EVA)
        assert victim.get(back).status_code == 404
        assert sender.get(place).status_code == 200

    def test_who_cancels_is_back_at_the_letters_reference(
        self, browser: Browser, phone: Phone
    ) -> None:
        page = browser.page(begin(browser, "/?reference=604812345"))
        assert browser.press(page, "Cancel").headers["Location"] == "/?reference=604812345"
        assert phone.waiting() == []

    def test_who_cancels_within_a_case_has_it_still(
        self, app: Flask, browser: Browser, phone: Phone
    ) -> None:
        case = a_case_of(EVA)
        enter_case(app, browser.client, case)
        page = browser.page(begin(browser, "/identify"))
        assert browser.press(page, "Cancel").headers["Location"] == "/identify"
        assert browser.get(f"/case/{case.reference}").status_code == 200

    def test_a_failed_order_says_why_and_leads_back(self, browser: Browser, phone: Phone) -> None:
        place = begin(browser)
        phone.hint(order_ref(phone), "certificateErr")
        page = browser.page(place)
        assert "blocked or too old" in words(page)
        assert page.find("a", string="Start again")["href"] == "/"

    def test_a_bankid_that_does_not_answer_says_so(self, browser: Browser, phone: Phone) -> None:
        phone.control("next", fault="maintenance")
        assert "Internal error" in words(browser.page(begin(browser)))

    def test_an_approval_too_old_opens_nothing(self, browser: Browser, phone: Phone) -> None:
        a_case_of(EVA)
        place = begin(browser)
        phone.approve(order_ref(phone), EVA)
        db.session.execute(
            text(
                "update bankid_orders set status = 'complete', ended_at = now() - interval '3 min'"
            )
        )
        db.session.commit()
        assert "used or is too old" in words(browser.page(place))
        assert browser.get("/overview").headers["Location"] == "/"


def test_another_browser_does_not_see_the_order(
    app: Flask, client: FlaskClient, phone: Phone
) -> None:
    place = begin(Browser(app.test_client()))
    assert client.get(place).status_code == 404


def test_of_more_cases_than_one_can_see_the_newest_are_seen(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "MOST_CASES", 2)
    _, second, third = (a_case_of(EVA) for _ in range(3))
    assert access.of_person(EVA, today=TODAY) == [third.id, second.id]
