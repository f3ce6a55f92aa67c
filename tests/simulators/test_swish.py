import io
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest
from bs4 import BeautifulSoup

from portal.payments.bank_files import reading
from portal.payments.bank_files.record import Received
from portal.payments.swish import Status, new_callback_identifier, new_payment_id, parse_callback
from simulators.swish.callbacks import Callbacks
from simulators.swish.records import Payment
from simulators.swish.register import Register

pytest_plugins = ["tests.swish_fixtures"]

PATH = "/swish-cpcapi/api/v2/paymentrequests/"


def ask(swish, callback_url: str = "https://reda.example/cb", **changed: object) -> str:
    payment_id = new_payment_id()
    asked = {
        "amount": Decimal("250.00"),
        "reference": "100000004224",
        "message": "Faktura 113",
        "callback_url": callback_url,
        "callback_identifier": new_callback_identifier(),
    }
    swish.client.create(payment_id, **{**asked, **changed})
    return payment_id


@pytest.fixture
def merchant(swish) -> Iterator[httpx.Client]:
    """A bare HTTP client with the merchant's certificate, for what our own client never sends."""
    paths = swish.running.certificates
    context = ssl.create_default_context(cafile=paths.tls_ca)
    context.load_cert_chain(paths.swish_client, paths.swish_client_key)
    with httpx.Client(base_url=swish.running.api.url, verify=context, trust_env=False) as client:
        yield client


@pytest.fixture
def browser(swish) -> Iterator[httpx.Client]:
    """The payer's browser; it does not follow redirects."""
    with httpx.Client(base_url=swish.running.payer.url, trust_env=False) as client:
        yield client


def a_request(**changed: object) -> dict[str, object]:
    whole = {
        "payeePaymentReference": "100000004224",
        "callbackUrl": "https://reda.example/cb",
        "payeeAlias": "1230000001",
        "amount": "100.00",
        "currency": "SEK",
        "message": "Hej",
    }
    return {name: value for name, value in (whole | changed).items() if value is not None}


class TestRules:
    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"payeePaymentReference": "å"}, "FF08"),
            ({"payeePaymentReference": "1" * 36}, "FF08"),
            ({"callbackUrl": None}, "RP03"),
            ({"callbackUrl": "http://reda.example/cb"}, "RP03"),
            ({"callbackUrl": "https://"}, "RP03"),
            ({"callbackUrl": "https://[x"}, "RP03"),
            ({"payerAlias": "070"}, "BE18"),
            ({"payerAlias": "+46701740605"}, "BE18"),
            ({"payeeAlias": None}, "RP01"),
            ({"amount": None}, "PA02"),
            ({"amount": "100,00"}, "PA02"),
            ({"amount": "100.1"}, "PA02"),
            ({"amount": "-1"}, "PA02"),
            ({"amount": "0.00"}, "AM06"),
            ({"amount": "1000000000000.00"}, "AM02"),
            ({"currency": None}, "AM03"),
            ({"currency": "EUR"}, "AM03"),
            ({"message": "a" * 51}, "RP02"),
            ({"message": "<b>"}, "RP02"),
            ({"message": "ACMT07"}, "ACMT07"),
        ],
    )
    def test_each_wrong_field_has_its_code(self, merchant, changed, code):
        answer = merchant.put(PATH + new_payment_id(), json=a_request(**changed))
        assert answer.status_code == 422
        assert [error["errorCode"] for error in answer.json()] == [code]
        assert answer.json()[0]["errorMessage"]

    def test_another_payee_than_the_certificates_is_forbidden(self, merchant):
        answer = merchant.put(PATH + new_payment_id(), json=a_request(payeeAlias="1239999999"))
        assert answer.status_code == 403
        assert answer.json()[0]["errorCode"] == "PA01"

    @pytest.mark.parametrize("amount", ["1", "0.01", "999999999999.99", 100])
    def test_amounts_that_swish_knows_are_taken(self, merchant, amount):
        answer = merchant.put(PATH + new_payment_id(), json=a_request(amount=amount))
        assert answer.status_code == 201
        assert answer.headers["PaymentRequestToken"]

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
    def test_a_plain_callback_address_is_taken_on_the_loopback_only(self, merchant, host):
        body = a_request(callbackUrl=f"http://{host}:1/cb")
        assert merchant.put(PATH + new_payment_id(), json=body).status_code == 201

    @pytest.mark.parametrize("payment_id", ["a" * 32, "A" * 31, "G" * 32])
    def test_an_id_of_another_form_is_a_bad_request(self, merchant, payment_id):
        assert merchant.put(PATH + payment_id, json=a_request()).status_code == 400

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null"])
    def test_what_is_no_object_is_a_bad_request(self, merchant, content):
        headers = {"Content-Type": "application/json"}
        answer = merchant.put(PATH + new_payment_id(), content=content, headers=headers)
        assert answer.status_code == 400

    def test_a_callback_identifier_of_another_length_is_a_bad_request(self, merchant):
        body = a_request(callbackIdentifier="short")
        assert merchant.put(PATH + new_payment_id(), json=body).status_code == 400

    def test_cancelling_wants_the_media_type_of_a_json_patch(self, swish, merchant):
        path = PATH.replace("v2", "v1") + ask(swish)
        change = json.dumps([{"op": "replace", "path": "/status", "value": "cancelled"}])
        plain = {"Content-Type": "application/json"}
        assert merchant.patch(path, content=change, headers=plain).status_code == 415
        patch = {"Content-Type": "application/json-patch+json"}
        assert merchant.patch(path, content="[]", headers=patch).status_code == 400
        answer = merchant.patch(path, content=change, headers=patch)
        assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")
        assert answer.json()["errorCode"] == "RP08"


class TestCallbacks:
    def test_the_outcome_is_called_back_with_our_identifier(self, swish, receiver):
        ours = new_callback_identifier()
        payment_id = ask(swish, receiver.url, callback_identifier=ours)
        swish.control(f"requests/{payment_id}/pay")
        (call,) = receiver.wait_for(1)
        assert call.headers["callbackidentifier"] == ours
        assert call.headers["content-type"] == "application/json"
        told = parse_callback(call.body)
        assert (told.id, told.status, told.amount) == (payment_id, Status.PAID, Decimal(250))
        assert call.told["paymentReference"] == swish.seen(payment_id)["paymentReference"]

    def test_a_cancelled_request_is_called_back_too(self, swish, receiver):
        swish.client.cancel(ask(swish, receiver.url))
        assert receiver.wait_for(1)[0].told["status"] == "CANCELLED"

    def test_it_is_repeated_until_the_answer_is_good(self, swish, receiver):
        receiver.answers = [500, 404, 204]
        payment_id = ask(swish, receiver.url)
        swish.control(f"requests/{payment_id}/decline")
        calls = receiver.wait_for(3)
        assert len({call.body for call in calls}) == 1
        deadline = time.monotonic() + 10
        while len(swish.seen(payment_id)["callbacks"]) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert [a["answer"] for a in swish.seen(payment_id)["callbacks"]] == ["500", "404", "204"]

    def test_it_is_given_up_after_ten_tries(self, receiver):
        receiver.answers = [503] * 50
        payment = Payment(
            id="A" * 32,
            payee_alias="1230000001",
            amount=Decimal(1),
            callback_url=receiver.url,
            callback_identifier=None,
            payee_reference=None,
            message="",
            payer_alias=None,
            is_mobile=True,
            expires_at=Register().expiry(),
        )
        Callbacks(speed=100_000).send(payment)
        receiver.wait_for(10)
        deadline = time.monotonic() + 10
        while len(payment.callbacks) < 10:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.3)
        assert len(receiver.calls) == 10
        assert "callbackidentifier" not in receiver.calls[0].headers

    def test_a_receiver_that_is_not_there_does_no_harm(self, swish):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            payment_id = ask(swish, f"http://127.0.0.1:{taken.getsockname()[1]}/cb")
            swish.control(f"requests/{payment_id}/pay")
        assert swish.client.fetch(payment_id).status is Status.PAID


class TestFaults:
    def test_a_callback_can_come_twice(self, swish, receiver):
        swish.control("next", callback="twice")
        swish.control(f"requests/{ask(swish, receiver.url)}/pay")
        first, second = receiver.wait_for(2)
        assert first.body == second.body

    def test_a_callback_can_lie_about_the_amount(self, swish, receiver):
        payment_id = ask(swish, receiver.url)
        swish.control("next", callback="other_amount")
        swish.control(f"requests/{payment_id}/pay")
        assert parse_callback(receiver.wait_for(1)[0].body).amount == Decimal(251)
        assert swish.client.fetch(payment_id).amount == Decimal(250)

    def test_a_callback_can_be_about_an_unknown_request(self, swish, receiver):
        payment_id = ask(swish, receiver.url)
        swish.control("next", callback="unknown_id")
        swish.control(f"requests/{payment_id}/pay")
        assert parse_callback(receiver.wait_for(1)[0].body).id != payment_id

    def test_a_callback_can_fail_to_come_but_only_once(self, swish, receiver):
        swish.control("next", callback="none")
        silent, spoken = ask(swish, receiver.url), ask(swish, receiver.url)
        swish.control(f"requests/{silent}/pay")
        swish.control(f"requests/{spoken}/pay")
        assert receiver.wait_for(1)[0].told["id"] == spoken
        assert swish.client.fetch(silent).status is Status.PAID

    def test_an_unknown_fault_is_refused(self, swish, browser):
        assert browser.post("/control/next", json={"answer": "x"}).status_code == 400
        assert browser.post("/control/next", json={"callback": "x"}).status_code == 400

    def test_the_control_refuses_what_is_unknown_or_over(self, swish, browser):
        payment_id = ask(swish)
        assert browser.post(f"/control/requests/{new_payment_id()}/pay").status_code == 404
        assert browser.post(f"/control/requests/{payment_id}/dance").status_code == 404
        swish.control(f"requests/{payment_id}/pay")
        assert browser.post(f"/control/requests/{payment_id}/decline").status_code == 409
        assert [r["id"] for r in browser.get("/control/requests").json()] == [payment_id]


class TestTime:
    def test_a_request_that_nobody_answers_runs_out(self, hasty_swish, receiver):
        payment_id = ask(hasty_swish, receiver.url)
        call = receiver.wait_for(1)[0]
        assert (call.told["status"], call.told["errorCode"]) == ("ERROR", "TM01")
        assert hasty_swish.client.fetch(payment_id).error_code == "TM01"

    def test_a_payer_whose_request_ran_out_can_be_asked_again(self, hasty_swish, receiver):
        ask(hasty_swish, receiver.url, payer_alias="46701740605")
        receiver.wait_for(1)
        ask(hasty_swish, receiver.url, payer_alias="46701740605")


class TestThePayersPages:
    BACK = "http://127.0.0.1:9/back?case=7"

    def page(self, browser, swish, payment_id: str, back: str = "") -> BeautifulSoup:
        query = {"token": swish.seen(payment_id)["token"]} | ({"callbackurl": back} if back else {})
        answer = browser.get("/", params=query)
        assert answer.status_code == 200
        return BeautifulSoup(answer.text, "lxml")

    def press(self, browser, page: BeautifulSoup, outcome: str) -> httpx.Response:
        form = page.find("form")
        fields = {field["name"]: field["value"] for field in form.find_all("input")}
        assert form.find("button", value=outcome)
        return browser.post(form["action"], data=fields | {"outcome": outcome})

    def test_with_nothing_to_pay_the_list_says_what_to_do(self, swish, browser):
        page = BeautifulSoup(browser.get("/").text, "lxml")
        assert "Swish simulator" in page.find("header").text
        assert "Choose Swish in the portal" in page.find("main").text

    def test_the_list_shows_what_waits_and_leads_to_it(self, swish, browser):
        payment_id = ask(swish)
        page = BeautifulSoup(browser.get("/").text, "lxml")
        link = page.select_one("ul.list a")
        assert "250,00\u00a0kr" in link.text
        assert swish.seen(payment_id)["token"] in link["href"]
        assert "Waiting until" in page.find("main").text

    def test_the_payer_sees_whom_how_much_and_what_for(self, swish, browser):
        payment_id = ask(swish, amount=Decimal("1234567.80"))
        text = self.page(browser, swish, payment_id).find("main").text
        assert "1\u00a0234\u00a0567,80\u00a0kr" in text
        assert "Reda Inkasso AB, 1230000001" in text
        assert "Faktura 113" in text

    @pytest.mark.parametrize(
        ("outcome", "status", "code"),
        [
            ("pay", Status.PAID, None),
            ("decline", Status.DECLINED, None),
            ("TM01", Status.ERROR, "TM01"),
            ("DS24", Status.ERROR, "DS24"),
            ("RF07", Status.ERROR, "RF07"),
            ("BANKIDCL", Status.ERROR, "BANKIDCL"),
        ],
    )
    def test_each_choice_ends_the_request_and_leads_back(
        self, swish, browser, outcome, status, code
    ):
        payment_id = ask(swish)
        answer = self.press(browser, self.page(browser, swish, payment_id, self.BACK), outcome)
        assert (answer.status_code, answer.headers["Location"]) == (303, self.BACK)
        payment = swish.client.fetch(payment_id)
        assert (payment.status, payment.error_code) == (status, code)
        page = self.page(browser, swish, payment_id)
        assert page.find("form") is None
        assert status.value.capitalize() in page.find(role="status").text

    def test_the_number_that_the_payer_gives_is_the_payer(self, swish, browser):
        payment_id = ask(swish)
        page = self.page(browser, swish, payment_id)
        page.find("input", id="payer")["value"] = "46701740699"
        self.press(browser, page, "pay")
        assert swish.client.fetch(payment_id).payer_alias == "46701740699"

    def test_a_message_that_is_a_code_makes_that_error(self, swish, browser):
        payment_id = ask(swish, message="FF10")
        self.press(browser, self.page(browser, swish, payment_id), "pay")
        assert swish.client.fetch(payment_id).error_code == "FF10"

    def test_paying_twice_pays_once(self, swish, browser, receiver):
        payment_id = ask(swish, receiver.url)
        page = self.page(browser, swish, payment_id, self.BACK)
        self.press(browser, page, "pay")
        reference = swish.client.fetch(payment_id).payment_reference
        again = self.press(browser, page, "decline")
        assert again.status_code == 303
        assert swish.client.fetch(payment_id).payment_reference == reference

    def test_no_script_address_is_ever_a_way_back(self, swish, browser):
        payment_id = ask(swish)
        page = self.page(browser, swish, payment_id, "javascript:alert(1)")
        assert page.find("input", attrs={"name": "callbackurl"}) is None
        token = swish.seen(payment_id)["token"]
        form = {"token": token, "outcome": "pay", "callbackurl": "javascript:alert(1)"}
        assert browser.post("/outcome", data=form).headers["Location"] == f"/?token={token}"

    def test_an_unknown_token_says_so(self, swish, browser):
        answer = browser.get("/", params={"token": "x"})
        assert answer.status_code == 404
        assert "No such payment request" in answer.text
        assert browser.post("/outcome", data={"token": "x"}).status_code == 404

    def test_the_policy_lets_the_form_lead_back_and_nothing_else_in(self, swish, browser):
        token = swish.seen(ask(swish))["token"]
        answer = browser.get("/", params={"token": token, "callbackurl": self.BACK})
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert policy.endswith("form-action 'self' http://127.0.0.1:9")
        page = BeautifulSoup(answer.text, "lxml")
        assert page.find("style") is None
        assert page.find("script") is None
        assert page.find(style=True) is None
        sheet = browser.get(page.find("link", rel="stylesheet")["href"])
        assert sheet.headers["Content-Type"].startswith("text/css")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_process_answers_when_it_is_ready_and_ends_when_told(simulator_certificates):
    port, payer_port = free_port(), free_port()
    ports = ["--port", str(port), "--payer-port", str(payer_port)]
    certificates = ["--certificates", str(simulator_certificates.folder)]
    process = subprocess.Popen([sys.executable, "-m", "simulators.swish", *certificates, *ports])
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{payer_port}/", trust_env=False)
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.1)
        assert answer.status_code == 200
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()


def test_the_bank_s_file_of_a_payment_taken_back_is_read_as_its_reversal(swish) -> None:
    payment_id = ask(swish)
    address = f"{swish.running.payer.url}/reversal/{payment_id}"
    assert httpx.get(address, trust_env=False).status_code == 400
    swish.control(f"requests/{payment_id}/pay")
    for wrong in ("x", "-1", "NaN"):
        assert httpx.get(f"{address}?kronor={wrong}", trust_env=False).status_code == 400
    told = httpx.get(f"{address}?kronor=65,48", trust_env=False).content
    (entry,) = [one for one in reading.read(io.BytesIO(told)) if isinstance(one, Received)]
    assert (entry.kind, entry.amount_ore, entry.account) == ("reversal", -6_548, "50501055")
    assert str(swish.seen(payment_id)["paymentReference"]) in entry.text
