"""A simulated order lives, ends and is collected as BankID's orders are."""

import base64

import httpx
import pytest

from simulators.bankid.orders import FAILED_HINTS, PENDING_HINTS
from tests.bankid_fixtures import Phone, Timed
from tests.factories import EVA, JOHAN

TEXT = base64.b64encode(b"# Avtal").decode()


def start(rp: httpx.Client, kind: str = "auth", **changed: object) -> dict[str, str]:
    body = {"endUserIp": "192.0.2.7", **({"userVisibleData": TEXT} if kind == "sign" else {})}
    answer = rp.post(kind, json=body | changed)
    assert answer.status_code == 200, answer.text
    return answer.json()


def start_for(rp: httpx.Client, number: str) -> dict[str, str]:
    return start(rp, "sign", requirement={"personalNumber": number})


def collect(rp: httpx.Client, order: dict[str, str]) -> dict[str, object]:
    answer = rp.post("collect", json={"orderRef": order["orderRef"]})
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errorCode"]


def is_forgotten(rp: httpx.Client, order: dict[str, str]) -> bool:
    answer = rp.post("collect", json={"orderRef": order["orderRef"]})
    return told(answer) == (400, "invalidParameters") and answer.json()["details"] == (
        "No such order"
    )


class TestLife:
    def test_an_order_begins_with_three_different_secrets(
        self, relying_party: httpx.Client
    ) -> None:
        order = start(relying_party)
        assert set(order) == {"orderRef", "autoStartToken", "qrStartToken", "qrStartSecret"}
        assert len(set(order.values())) == 4

    def test_an_approved_order_tells_who_and_gives_the_proof(
        self, relying_party: httpx.Client, phone: Phone
    ) -> None:
        order = start(relying_party, "sign")
        phone.approve(order["orderRef"], EVA)
        answer = collect(relying_party, order)
        completion = answer["completionData"]
        assert answer["status"] == "complete"
        assert "hintCode" not in answer
        assert completion["user"] == {
            "personalNumber": EVA,
            "name": "Eva Sandberg",
            "givenName": "Eva",
            "surname": "Sandberg",
        }
        assert {"device", "bankIdIssueDate", "stepUp", "signature", "ocspResponse"} < set(
            completion
        )

    def test_the_risk_is_told_when_asked_for(
        self, relying_party: httpx.Client, phone: Phone
    ) -> None:
        order = start(relying_party, returnRisk=True)
        phone.approve(order["orderRef"], EVA)
        assert collect(relying_party, order)["completionData"]["risk"] == "low"

    @pytest.mark.parametrize("hint", [*PENDING_HINTS, "somethingNew"])
    def test_a_pending_order_tells_what_it_waits_for(
        self, relying_party: httpx.Client, phone: Phone, hint: str
    ) -> None:
        order = start(relying_party)
        phone.hint(order["orderRef"], hint)
        answer = collect(relying_party, order)
        assert (answer["status"], answer["hintCode"]) == ("pending", hint)

    @pytest.mark.parametrize("hint", FAILED_HINTS)
    def test_a_failed_order_tells_why(
        self, relying_party: httpx.Client, phone: Phone, hint: str
    ) -> None:
        order = start(relying_party)
        phone.hint(order["orderRef"], hint)
        answer = collect(relying_party, order)
        assert (answer["status"], answer["hintCode"]) == ("failed", hint)

    def test_an_order_can_be_approved_at_the_nth_collect(
        self, relying_party: httpx.Client, phone: Phone
    ) -> None:
        phone.control("next", fault="approveAfterCollects", collects=2, personalNumber=EVA)
        order = start(relying_party)
        states = [collect(relying_party, order)["status"] for _ in range(3)]
        assert states == ["pending", "pending", "complete"]

    def test_a_demanded_passport_is_read_before_the_code(
        self, relying_party: httpx.Client, phone: Phone
    ) -> None:
        order = start(relying_party, requirement={"mrtd": True})
        phone.control(f"orders/{order['orderRef']}/open", personalNumber=EVA)
        before = collect(relying_party, order)["hintCode"]
        phone.control(f"orders/{order['orderRef']}/passport")
        assert (before, collect(relying_party, order)["hintCode"]) == ("userMrtd", "userSign")

    @pytest.mark.parametrize(
        "requirement", [{"personalNumber": JOHAN}, {"certificatePolicies": ["1.2.752.78.1.5"]}]
    )
    def test_a_phone_without_a_fitting_bankid_goes_on_looking(
        self, relying_party: httpx.Client, phone: Phone, requirement: dict[str, object]
    ) -> None:
        order = start(relying_party, "sign", requirement=requirement)
        phone.control(f"orders/{order['orderRef']}/open", personalNumber=EVA)
        assert collect(relying_party, order)["hintCode"] == "started"

    def test_somebody_else_cannot_approve_a_demanded_persons_order(
        self, relying_party: httpx.Client, phone: Phone
    ) -> None:
        order = start_for(relying_party, EVA)
        with pytest.raises(httpx.HTTPStatusError, match="409"):
            phone.approve(order["orderRef"], JOHAN)


class TestEnds:
    def test_a_cancelled_order_is_forgotten(self, relying_party: httpx.Client) -> None:
        order = start(relying_party)
        answer = relying_party.post("cancel", json={"orderRef": order["orderRef"]})
        assert answer.json() == {}
        assert is_forgotten(relying_party, order)

    def test_an_ended_order_cannot_be_cancelled(
        self, relying_party: httpx.Client, phone: Phone
    ) -> None:
        order = start(relying_party)
        phone.approve(order["orderRef"], EVA)
        answer = relying_party.post("cancel", json={"orderRef": order["orderRef"]})
        assert told(answer) == (400, "invalidParameters")

    def test_an_order_nobody_starts_fails_after_thirty_seconds(self, timed: Timed) -> None:
        order = start(timed.rp)
        timed.clock.now += 30
        assert collect(timed.rp, order)["status"] == "pending"
        timed.clock.now += 1
        assert collect(timed.rp, order)["hintCode"] == "startFailed"

    def test_a_started_order_expires_after_three_minutes(self, timed: Timed) -> None:
        order = start(timed.rp)
        timed.browser.post(f"control/orders/{order['orderRef']}/open", json={})
        timed.clock.now += 180
        assert collect(timed.rp, order)["status"] == "pending"
        timed.clock.now += 1
        assert collect(timed.rp, order)["hintCode"] == "expiredTransaction"

    def test_a_complete_order_can_be_collected_for_three_minutes(self, timed: Timed) -> None:
        order = start(timed.rp)
        approve = f"control/orders/{order['orderRef']}/approve"
        timed.browser.post(approve, json={"personalNumber": EVA})
        timed.clock.now += 180
        assert collect(timed.rp, order)["status"] == "complete"
        timed.clock.now += 1
        assert is_forgotten(timed.rp, order)

    def test_a_second_order_for_a_person_is_refused_and_ends_the_first(
        self, relying_party: httpx.Client, phone: Phone
    ) -> None:
        first = start_for(relying_party, EVA)
        body = {
            "endUserIp": "192.0.2.7",
            "userVisibleData": TEXT,
            "requirement": {"personalNumber": EVA},
        }
        assert told(relying_party.post("sign", json=body)) == (400, "alreadyInProgress")
        assert collect(relying_party, first)["hintCode"] == "cancelled"
        assert phone.waiting() == []

    def test_orders_for_two_people_do_not_disturb_each_other(
        self, relying_party: httpx.Client
    ) -> None:
        first = start_for(relying_party, EVA)
        start_for(relying_party, JOHAN)
        assert collect(relying_party, first)["status"] == "pending"

    def test_opening_an_order_ends_an_older_one_of_the_same_person(
        self, relying_party: httpx.Client, phone: Phone
    ) -> None:
        first, second = start(relying_party), start(relying_party)
        for order in (first, second):
            phone.control(f"orders/{order['orderRef']}/open", personalNumber=EVA)
        assert collect(relying_party, first)["hintCode"] == "cancelled"
