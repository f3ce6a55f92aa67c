"""The simulated payment provider: what it takes, and what it refuses."""

import httpx
import pytest

from simulators.online import KEY
from tests.online_fixtures import Online

ASKED = {
    "id": "A" * 32,
    "amount": 106_548,
    "currency": "SEK",
    "method": "card",
    "reference": "1234567897",
    "description": "Ljusglimt AB",
    "language": "sv",
    "return_url": "http://127.0.0.1:9/back",
    "callback_url": "http://127.0.0.1:9/callbacks/payments",
    "expires_in": 1800,
}


def ask(online: Online, *, key: str = KEY, **others: object) -> httpx.Response:
    """Ask for a payment, with something else than is right."""
    asked = ASKED | others
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": str(asked["id"])}
    url = f"{online.running.url}/payments"
    return httpx.post(url, json=asked, headers=headers, trust_env=False)


def test_the_same_asked_again_answers_the_same_page(online: Online) -> None:
    assert ask(online).json() == ask(online).json()


def test_another_payment_of_the_same_id_is_a_conflict(online: Online) -> None:
    ask(online)
    assert ask(online, amount=1).status_code == 409


def test_a_wrong_key_is_refused(online: Online) -> None:
    assert ask(online, key="x").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [{"amount": 0}, {"amount": 10.5}, {"currency": "EUR"}, {"method": "cash"}, {"id": "x"},
     {"return_url": None}],
)  # fmt: skip
def test_what_is_wrong_is_refused(online: Online, wrong: dict[str, object]) -> None:
    assert ask(online, **wrong).status_code == 422


def test_a_payer_may_choose_once(online: Online) -> None:
    page = ask(online).json()["redirect_url"]
    choices = ("decline", "approve")
    answers = [httpx.post(page, data={"outcome": one}, trust_env=False) for one in choices]
    assert [one.headers["Location"] == ASKED["return_url"] for one in answers] == [True, False]
    assert online.payment(str(ASKED["id"])).status == "declined"


def test_a_payer_who_does_not_come_in_time_has_not_paid(online: Online) -> None:
    ask(online, expires_in=1)
    payment = online.payment(str(ASKED["id"]))
    payment.expires_at = payment.expires_at.replace(year=2000)
    told = online.payment(payment.id).told()
    assert (told["status"], told["reason"]) == ("error", "expired")


def test_what_is_charged_back_by_hand_shows_and_can_come_again(online: Online) -> None:
    ask(online)
    payment = online.payment(str(ASKED["id"]))
    home = online.running.url

    def press(path: str, **written: str) -> int:
        return httpx.post(f"{home}{path}", data=written, trust_env=False).status_code

    press(f"/payments/{payment.id}/charge-back")
    assert online.running.register.chargebacks_of(payment) == []
    online.ends_silently(payment.id, "approve")
    assert press(f"/payments/{payment.id}/charge-back", kronor="x") == 400
    assert press(f"/payments/{payment.id}/charge-back", kronor="65,48") == 303
    assert press(f"/payments/{payment.id}/charge-back", kronor="1000,01") == 303
    (part,) = online.running.register.chargebacks_of(payment)
    assert "65,48" in httpx.get(home, trust_env=False).text
    press(f"/payments/{payment.id}/charge-back")
    assert [one.amount for one in online.running.register.chargebacks_of(payment)] == [
        6_548, 100_000
    ]  # fmt: skip
    assert press(f"/chargebacks/{part.id}/give-back") == 303
    assert "and come again" in httpx.get(home, trust_env=False).text
