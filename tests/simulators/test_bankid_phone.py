"""The simulated phone: a person picks who they are, scans, reads, and approves or not."""

import base64
from collections.abc import Iterator

import httpx
import pytest
from bs4 import BeautifulSoup

from tests.bankid_fixtures import Phone, Timed, qr_text
from tests.factories import EVA, JOHAN

BACK = "http://127.0.0.1:9/return?nonce=abc"


@pytest.fixture
def browser(phone: Phone) -> Iterator[httpx.Client]:
    """The phone's own browser; it does not follow redirects."""
    with httpx.Client(base_url=phone.simulator.phone_url, trust_env=False) as client:
        yield client


@pytest.fixture
def evas(browser: httpx.Client) -> httpx.Client:
    """The phone in Eva's hand."""
    browser.post("person", data={"personal_number": EVA})
    return browser


def start(rp: httpx.Client, kind: str = "auth", **changed: object) -> dict[str, str]:
    answer = rp.post(kind, json={"endUserIp": "192.0.2.7"} | changed)
    assert answer.status_code == 200, answer.text
    return answer.json()


def page(answer: httpx.Response, status: int = 200) -> str:
    assert answer.status_code == status
    return BeautifulSoup(answer.text, "html.parser").get_text(" ", strip=True)


def state(phone: Phone, order: dict[str, str]) -> tuple[object, object]:
    found = phone.order(order["orderRef"])
    return found["status"], found["hintCode"]


class TestPages:
    def test_the_first_page_tells_whose_phone_it_is(self, evas: httpx.Client) -> None:
        assert "Eva Sandberg’s phone" in page(evas.get(""))

    def test_an_order_that_waits_is_listed_with_who_asks(
        self, evas: httpx.Client, relying_party: httpx.Client
    ) -> None:
        start(relying_party)
        assert "Identification at Reda Inkasso" in page(evas.get(""))

    def test_opening_an_order_asks_for_the_code(
        self, evas: httpx.Client, relying_party: httpx.Client, phone: Phone
    ) -> None:
        order = start(relying_party)
        assert "Identify as Eva Sandberg" in page(evas.get(f"orders/{order['orderRef']}"))
        assert state(phone, order) == ("pending", "userSign")

    def test_approving_ends_the_order_as_that_person(
        self, evas: httpx.Client, relying_party: httpx.Client, phone: Phone
    ) -> None:
        order = start(relying_party)
        evas.get(f"orders/{order['orderRef']}/scanned")
        done = evas.post(f"orders/{order['orderRef']}/approve", follow_redirects=True)
        assert "Identified" in page(done)
        assert phone.order(order["orderRef"])["personalNumber"] == EVA

    @pytest.mark.parametrize(
        ("how", "hint"),
        [
            ("cancel", "userCancel"),
            ("expire", "expiredTransaction"),
            ("blocked", "certificateErr"),
            ("too-old", "notSupportedByUserApp"),
            ("not-in-call", "userDeclinedCall"),
            ("risk", "transactionRiskBlocked"),
        ],
    )
    def test_an_order_can_end_badly(
        self, evas: httpx.Client, relying_party: httpx.Client, phone: Phone, how: str, hint: str
    ) -> None:
        order = start(relying_party)
        evas.post(f"orders/{order['orderRef']}/end", data={"how": how})
        assert state(phone, order) == ("failed", hint)

    def test_a_phone_without_a_person_cannot_approve(
        self, browser: httpx.Client, relying_party: httpx.Client
    ) -> None:
        order = start(relying_party)
        answer = browser.post(f"orders/{order['orderRef']}/approve")
        assert "Choose who you are first" in page(answer, 409)

    def test_the_wrong_person_is_told_whom_the_order_asks_for(
        self, evas: httpx.Client, relying_party: httpx.Client
    ) -> None:
        order = start(relying_party, requirement={"personalNumber": JOHAN})
        assert f"it asks for {JOHAN}" in page(evas.get(f"orders/{order['orderRef']}"))

    def test_a_demanded_passport_is_read_on_the_phone(
        self, evas: httpx.Client, relying_party: httpx.Client, phone: Phone
    ) -> None:
        order = start(relying_party, requirement={"mrtd": True})
        before = page(evas.get(f"orders/{order['orderRef']}"))
        evas.post(f"orders/{order['orderRef']}/passport")
        assert "Read my passport" in before
        assert state(phone, order) == ("pending", "userSign")

    def test_an_order_that_never_was_is_not_found(self, evas: httpx.Client) -> None:
        assert "No such order" in page(evas.get("orders/none"), 404)

    def test_the_page_obeys_no_other_site(self, evas: httpx.Client) -> None:
        assert "default-src 'none'" in evas.get("").headers["Content-Security-Policy"]

    def test_choosing_a_person_leads_to_no_other_site(self, evas: httpx.Client) -> None:
        answer = evas.post("person", data={"personal_number": EVA, "next": "//evil.example"})
        assert answer.headers["Location"] == "/"


class TestText:
    def shown(self, evas: httpx.Client, relying_party: httpx.Client, text: str) -> BeautifulSoup:
        order = start(
            relying_party,
            "sign",
            userVisibleData=base64.b64encode(text.encode()).decode(),
            userVisibleDataFormat="simpleMarkdownV1",
        )
        answer = evas.get(f"orders/{order['orderRef']}")
        return BeautifulSoup(answer.text, "html.parser").find("section", class_="document")

    def test_formatted_text_is_shown_formatted(
        self, evas: httpx.Client, relying_party: httpx.Client
    ) -> None:
        shown = self.shown(evas, relying_party, "# Avtal\n\n+ Kund: *Norrsken*\n\n---\n| a | b |")
        assert [one.name for one in shown.find_all(["h3", "li", "strong", "hr", "table"])] == [
            "h3", "li", "strong", "hr", "table",
        ]  # fmt: skip

    def test_html_in_a_text_is_shown_and_not_obeyed(
        self, evas: httpx.Client, relying_party: httpx.Client
    ) -> None:
        shown = self.shown(evas, relying_party, "# <b>x</b>\n\n+ *<script>alert(1)</script>*")
        assert shown.find(["b", "script"]) is None
        assert "<script>alert(1)</script>" in shown.get_text()


class TestCode:
    def scan(self, browser: httpx.Client, text: str) -> httpx.Response:
        return browser.post("scan", data={"qr": text})

    def test_the_code_of_this_second_opens_the_order(self, timed: Timed) -> None:
        order = start(timed.rp)
        timed.clock.now += 7.5
        answer = self.scan(timed.browser, qr_text(order, 7))
        assert answer.headers["Location"] == f"/orders/{order['orderRef']}"

    def test_a_code_of_two_seconds_ago_still_holds(self, timed: Timed) -> None:
        order = start(timed.rp)
        timed.clock.now += 9
        assert self.scan(timed.browser, qr_text(order, 7)).status_code == 303

    @pytest.mark.parametrize("seconds", [7, 20])
    def test_a_code_of_another_moment_is_refused(self, timed: Timed, seconds: int) -> None:
        order = start(timed.rp)
        timed.clock.now += 10
        assert "too old" in page(self.scan(timed.browser, qr_text(order, seconds)), 409)

    @pytest.mark.parametrize("code", ["0" * 64, "", "å"])
    def test_a_forged_code_is_refused(self, timed: Timed, code: str) -> None:
        order = start(timed.rp)
        answer = self.scan(timed.browser, f"bankid.{order['qrStartToken']}.0.{code}")
        assert "not genuine" in page(answer, 409)

    @pytest.mark.parametrize("text", ["", "https://reda.example", "bankid.a.b.c", "bankid.a.1"])
    def test_another_text_is_no_code(self, timed: Timed, text: str) -> None:
        assert "not a BankID QR code" in page(self.scan(timed.browser, text), 409)

    def test_a_code_of_an_ended_order_is_refused(self, timed: Timed) -> None:
        order = start(timed.rp)
        timed.rp.post("cancel", json={"orderRef": order["orderRef"]})
        assert "no order that is under way" in page(
            self.scan(timed.browser, qr_text(order, 0)), 409
        )


class TestWayBack:
    def ended(self, evas: httpx.Client, opened: httpx.Response) -> str:
        """Where the phone goes after approving what was opened."""
        url = httpx.URL(opened.headers["Location"])
        answer = evas.post(f"{url.path}/approve", data={"back": url.params.get("back", "null")})
        return answer.headers["Location"]

    def test_an_autostarted_order_returns_where_it_was_told(
        self, evas: httpx.Client, relying_party: httpx.Client
    ) -> None:
        token = start(relying_party, returnUrl=BACK)["autoStartToken"]
        opened = evas.get("", params={"autostarttoken": token, "redirect": "http://other.example"})
        assert self.ended(evas, opened) == BACK

    def test_a_scanned_order_returns_nowhere(
        self, evas: httpx.Client, relying_party: httpx.Client
    ) -> None:
        order = start(relying_party, returnUrl=BACK)
        opened = evas.post("scan", data={"qr": qr_text(order, 0)})
        assert self.ended(evas, opened) == f"/orders/{order['orderRef']}/done"

    def test_a_script_is_no_way_back(self, evas: httpx.Client, relying_party: httpx.Client) -> None:
        order = start(relying_party)
        opened = evas.get(
            "", params={"autostarttoken": order["autoStartToken"], "redirect": "javascript:1"}
        )
        assert self.ended(evas, opened) == f"/orders/{order['orderRef']}/done"

    def test_a_token_of_an_ended_order_starts_nothing(
        self, evas: httpx.Client, relying_party: httpx.Client
    ) -> None:
        order = start(relying_party)
        relying_party.post("cancel", json={"orderRef": order["orderRef"]})
        answer = evas.get("", params={"autostarttoken": order["autoStartToken"]})
        assert "never was" in page(answer, 409)


class TestControl:
    def test_the_orders_under_way_are_listed_with_what_was_asked(
        self, phone: Phone, relying_party: httpx.Client
    ) -> None:
        order = start(relying_party, returnUrl=BACK)
        (found,) = phone.waiting()
        assert (found["orderRef"], found["returnUrl"], found["endUserIp"]) == (
            order["orderRef"], BACK, "192.0.2.7",
        )  # fmt: skip

    def test_an_unknown_fault_is_refused(self, browser: httpx.Client) -> None:
        answer = browser.post("control/next", json={"fault": "earthquake"})
        assert answer.status_code == 400
        assert "slow" in answer.json()["known"]

    def test_an_unknown_order_is_not_found(self, browser: httpx.Client) -> None:
        assert browser.post("control/orders/none/approve", json={}).status_code == 404

    def test_an_ended_order_cannot_be_approved(
        self, browser: httpx.Client, relying_party: httpx.Client, phone: Phone
    ) -> None:
        path = f"control/orders/{start(relying_party)['orderRef']}/approve"
        phone.control(path.removeprefix("control/"), personalNumber=EVA)
        assert browser.post(path, json={"personalNumber": EVA}).status_code == 409

    def test_a_planned_fault_meets_one_call_and_can_be_taken_back(
        self, browser: httpx.Client, relying_party: httpx.Client
    ) -> None:
        body = {"endUserIp": "192.0.2.7"}
        for _ in range(2):
            browser.post("control/next", json={"fault": "maintenance", "method": "auth"})
        met = relying_party.post("auth", json=body).status_code
        browser.delete("control/next")
        assert (met, relying_party.post("auth", json=body).status_code) == (503, 200)
