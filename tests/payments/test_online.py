"""Our client of the payment provider: what it makes of answers, good and bad."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from portal.payments import ways
from portal.payments.online import OnlineClient, OnlineRefused, OnlineUnavailable
from portal.payments.swish import new_payment_id
from portal.payments.ways import Asked, Status
from simulators.online import KEY
from tests.online_fixtures import Online


def asked(payment_id: str, amount: str = "1065.48") -> Asked:
    """A payment by card as booking asks for it."""
    return Asked(
        id=payment_id, way="card", amount=Decimal(amount), reference="1234567897",
        message="Ljusglimt AB", callback_url="http://127.0.0.1:9/callbacks/payments",
        callback_identifier="", return_url="http://127.0.0.1:9/back", language="ar",
    )  # fmt: skip


@pytest.fixture
def client(online: Online) -> OnlineClient:
    return OnlineClient(online.running.url, KEY)


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> OnlineClient:
    """A client whose provider answers as the test says."""
    client = OnlineClient("http://provider.test", KEY)
    client._http = httpx.Client(
        base_url="http://provider.test", transport=httpx.MockTransport(answer)
    )
    return client


def test_the_amount_is_asked_for_to_the_ore(online: Online, client: OnlineClient) -> None:
    payment_id = new_payment_id()
    page = client.ask_for(asked(payment_id)).token
    assert page == client.ask_for(asked(payment_id)).token
    assert online.payment(payment_id).amount == 106_548


def test_a_paid_payment_is_told_with_its_day_and_reference(
    online: Online, client: OnlineClient
) -> None:
    client.ask_for(asked(payment_id := new_payment_id()))
    online.ends_silently(payment_id, "approve")
    found = client.fetch(payment_id)
    assert (found.status, found.amount) == (Status.PAID, Decimal("1065.48"))
    assert found.date_paid
    assert found.payment_reference


def test_a_payment_that_has_ended_cannot_be_cancelled(online: Online, client: OnlineClient) -> None:
    client.ask_for(asked(payment_id := new_payment_id()))
    online.ends_silently(payment_id, "approve")
    with pytest.raises(OnlineRefused) as refused:
        client.cancel(payment_id)
    assert refused.value.codes == (ways.TOO_LATE,)


def test_an_unknown_payment_is_told_as_unknown(client: OnlineClient) -> None:
    with pytest.raises(OnlineRefused) as refused:
        client.fetch(new_payment_id())
    assert refused.value.codes == (ways.UNKNOWN,)


@pytest.mark.parametrize("page", ["javascript:alert(1)", "/pay", "", None, "http://[", 7])
def test_a_page_that_is_no_web_address_becomes_no_link(page: object) -> None:
    client = answering(lambda _: httpx.Response(201, json={"id": "x", "redirect_url": page}))
    with pytest.raises(OnlineUnavailable):
        client.ask_for(asked(new_payment_id()))


@pytest.mark.parametrize(
    "wrong",
    [{"status": "ok"}, {"amount": 10.5}, {"amount": "100"}, {"amount": True}, {"amount": -1},
     {"currency": "EUR"}, {"id": "another"}, {"paid_at": "yesterday"},
     {"paid_at": "2026-11-29T12:00:00"}],
)  # fmt: skip
def test_an_answer_that_cannot_be_understood_is_none(wrong: dict[str, object]) -> None:
    payment_id = new_payment_id()
    told = {"id": payment_id, "status": "paid", "amount": 100, "currency": "SEK", "paid_at": None}
    client = answering(lambda _: httpx.Response(200, content=json.dumps(told | wrong)))
    with pytest.raises(OnlineUnavailable):
        client.fetch(payment_id)


def test_what_was_taken_back_is_told_to_the_ore(online: Online, client: OnlineClient) -> None:
    client.ask_for(asked(payment_id := new_payment_id()))
    online.ends_silently(payment_id, "approve")
    assert client.fetch_chargebacks(payment_id) == []
    before = datetime.now(UTC)
    first, second = online.charges_back(payment_id, 5_001), online.charges_back(payment_id)
    online.gives_back(first)
    one, other = client.fetch_chargebacks(payment_id)
    assert (one.id, one.amount, other.id) == (first, Decimal("50.01"), second)
    assert one.returned_at is not None
    assert other.returned_at is None
    assert client.charged_back_since(before) == [payment_id]
    assert client.charged_back_since(datetime.now(UTC)) == []


@pytest.mark.parametrize(
    "wrong",
    [{"id": ""}, {"id": 7}, {"amount": 0}, {"amount": 1.5}, {"currency": "EUR"}, {"status": "x"},
     {"status": "returned"}, {"taken_at": None}, {"taken_at": "2026-11-29"}],
)  # fmt: skip
def test_a_chargeback_that_cannot_be_understood_is_none(wrong: dict[str, object]) -> None:
    told = {"id": "CB1", "status": "taken", "amount": 100, "currency": "SEK", "reason": "",
            "taken_at": "2026-11-29T12:00:00+00:00", "returned_at": None}  # fmt: skip
    body = json.dumps({"chargebacks": [told | wrong]})
    with pytest.raises(OnlineUnavailable):
        answering(lambda _: httpx.Response(200, content=body)).fetch_chargebacks("A")


@pytest.mark.parametrize("body", ["{}", '{"chargebacks": {}}', '{"chargebacks": [1]}', "[]"])
def test_an_answer_without_chargebacks_is_none(body: str) -> None:
    with pytest.raises(OnlineUnavailable):
        answering(lambda _: httpx.Response(200, content=body)).fetch_chargebacks("A")
