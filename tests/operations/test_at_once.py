"""Payments by Swish, card and account on the operator's pages, and what is taken back of them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import ledger
from portal.collection.models import Case
from portal.extensions import db
from portal.payments import booking, chargebacks
from portal.payments.models import Chargeback, SwishRequest
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_person, sign_in
from tests.operations.test_payments import ENGLISH, page, post
from tests.payments.at_once import paid_at_once, taken
from tests.payments.bank_money import match, told

OWED = 100_000 + 548 + 6_000


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    client = app.test_client()
    erik = a_person("198107212386", given_name="Erik", surname="Wallin", is_operator=True)
    sign_in(app, client, erik)
    return client


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_whose_reminder_left()


@pytest.fixture
def paid(case: Case) -> SwishRequest:
    return paid_at_once({case: OWED}, way="swish")


def at(paid: SwishRequest, more: str = "") -> str:
    return f"/operations/at-once/{paid.id}{more}"


def says(browser: FlaskClient, path: str) -> str:
    return page(browser, path).get_text(" ", strip=True)


def owed(case: Case) -> int:
    db.session.rollback()
    return ledger.balance(case.id).total_ore


def written(paid: SwishRequest, **values: str) -> dict[str, str]:
    return {
        "on": TODAY.isoformat(), "ore": "65,48", "reason": "Bedrägeri, polisanmälan K-1",
        "seen_ore": str(chargebacks.left_ore(paid)), **values,
    }  # fmt: skip


def test_without_payments_the_list_says_so(browser: FlaskClient) -> None:
    assert "No payment is found" in says(browser, "/operations/at-once")


@pytest.mark.parametrize("by", ["reference", "name", "receipt", "provider", "ours"])
def test_a_payment_is_found(browser: FlaskClient, case: Case, paid: SwishRequest, by: str) -> None:
    (payment,) = booking.payments_of(case.id)
    sought = {
        "reference": case.reference, "name": case.debtor.name, "receipt": payment.receipt_number,
        "provider": str(paid.payment_reference).lower(), "ours": paid.id,
    }[by]  # fmt: skip
    (link,) = page(browser, f"/operations/at-once?q={sought}").select("main table a")
    assert link["href"] == at(paid)
    assert case.reference in says(browser, at(paid))


def test_it_is_booked_back_once_it_has_been_looked_at(
    browser: FlaskClient, case: Case, paid: SwishRequest
) -> None:
    path, values = at(paid, "/taken-back"), written(paid)
    shown = post(browser, path, path, **values)
    assert "Book it back?" in shown
    assert case.reference in shown
    assert owed(case) == 0
    told = post(browser, path, path, **values, is_sure="1")
    assert "The payment is booked back." in told
    assert "Bedrägeri, polisanmälan K-1" in told
    assert "Erik Wallin" in told
    assert owed(case) == 6_548


def test_what_is_looked_at_is_what_is_sent(browser: FlaskClient, paid: SwishRequest) -> None:
    path = at(paid, "/taken-back")
    token = page(browser, path).select_one("main input[name=csrf_token]")["value"]
    answer = browser.post(path, data={"csrf_token": token, **written(paid)}, headers=ENGLISH)
    form = BeautifulSoup(answer.text, "html.parser").select_one("main form")
    sent = {one["name"]: one["value"] for one in form.select("input")}
    browser.post(path, data=sent, headers=ENGLISH)
    db.session.rollback()
    (row,) = chargebacks.of_request(paid.id)
    assert (row.amount_ore, row.taken_on, row.by) == (6_548, TODAY, "Erik Wallin")


def test_sent_twice_it_is_booked_once(browser: FlaskClient, case: Case, paid: SwishRequest) -> None:
    path, values = at(paid, "/taken-back"), written(paid, is_sure="1")
    first = post(browser, path, path, **values)
    assert "The payment is booked back." in first
    assert post(browser, path, path, **values) == first
    assert owed(case) == 6_548


def test_sent_with_another_reason_it_says_that_it_is_decided(
    browser: FlaskClient, case: Case, paid: SwishRequest
) -> None:
    path, values = at(paid, "/taken-back"), written(paid, is_sure="1")
    post(browser, path, path, **values)
    told = post(browser, path, path, **{**values, "reason": "Annat"}, status=409)
    assert "Somebody has decided on this already" in told
    assert owed(case) == 6_548


def test_sent_twice_at_once_each_leads_to_what_is_booked(
    app: Flask, browser: FlaskClient, case: Case, paid: SwishRequest
) -> None:
    path = at(paid, "/taken-back")
    token = page(browser, path).select_one("main input[name=csrf_token]")["value"]
    data = {"csrf_token": token, **written(paid, is_sure="1")}
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = browser.get_cookie(name)
    assert cookie is not None

    def press() -> tuple[int, str]:
        with app.app_context():
            tab = app.test_client()
            tab.set_cookie(name, cookie.value)
            answer = tab.post(path, data=data, headers=ENGLISH)
            return answer.status_code, answer.location

    with ThreadPoolExecutor(2) as tabs:
        led_to = list(tabs.map(lambda _: press(), range(2)))
    assert led_to == [(303, at(paid))] * 2
    assert owed(case) == 6_548


@pytest.mark.parametrize(
    "wrong",
    [{"ore": "0"}, {"ore": "-5"}, {"ore": "1065,49"}, {"ore": "😀"}, {"ore": ""},
     {"on": "2020-01-01"}, {"on": "2999-01-01"}, {"on": "i går"}, {"on": ""}, {"reason": "  "},
     {"reason": "x" * 301}, {"reason": "\0"}, {"seen_ore": "x"}],
)  # fmt: skip
def test_what_is_wrong_books_nothing(
    browser: FlaskClient, case: Case, paid: SwishRequest, wrong: dict[str, str]
) -> None:
    path = at(paid, "/taken-back")
    token = page(browser, path).select_one("main input[name=csrf_token]")["value"]
    values = {"csrf_token": token, "is_sure": "1", **written(paid), **wrong}
    answer = browser.post(path, data=values, headers=ENGLISH)
    assert 400 <= answer.status_code < 500
    assert owed(case) == 0


def test_of_what_is_taken_back_whole_nothing_more_is_asked(
    browser: FlaskClient, paid: SwishRequest
) -> None:
    taken(paid)
    assert "The bank has taken it back" not in says(browser, at(paid))
    assert browser.get(at(paid, "/taken-back")).status_code in (302, 303)


def test_money_that_came_again_is_booked(
    browser: FlaskClient, case: Case, paid: SwishRequest
) -> None:
    chargeback = taken(paid)
    path = f"/operations/chargebacks/{chargeback.id}/came-again"
    assert case.reference in says(browser, path)
    assert "The money is booked again." in post(browser, path, path, on=TODAY.isoformat())
    assert owed(case) == 0
    assert browser.get(path).status_code in (302, 303)


def test_a_day_that_cannot_be_is_told_at_the_field(
    browser: FlaskClient, paid: SwishRequest
) -> None:
    chargeback = taken(paid)
    path = f"/operations/chargebacks/{chargeback.id}/came-again"
    assert "Write a day from" in post(browser, path, path, status=422, on="2020-01-01")


def test_what_is_unclear_is_told_in_the_tab_and_decided(
    browser: FlaskClient, paid: SwishRequest
) -> None:
    taken(paid)
    row = Chargeback(
        request_id=paid.id, amount_ore=5_000, taken_on=TODAY, status="unclear", parts=[],
        provider_key="CB1", reason="", by="provider", at=paid.created_at,
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    assert "which is more than is left" in says(browser, at(paid))
    path = f"/operations/chargebacks/{row.id}"
    assert "more than what is left" in post(browser, at(paid), f"{path}/book", status=422)
    assert "It is not booked once more." in post(browser, at(paid), f"{path}/same")


def test_a_reversal_offers_the_payment_that_it_may_be_of(
    browser: FlaskClient, case: Case, paid: SwishRequest
) -> None:
    row = told(-OWED, kind="reversal", words="Retur")
    match()
    path = f"/operations/payments/{row.id}"
    assert str(paid.payment_reference) in says(browser, path)
    post(browser, path, f"{path}/takes-back-at-once/{paid.id}")
    assert owed(case) == OWED
    assert "The payment that it takes back" in says(browser, path)
    assert "In the bank’s file" in says(browser, at(paid))


def test_money_offers_what_it_may_bring_again(
    browser: FlaskClient, case: Case, paid: SwishRequest
) -> None:
    chargeback = taken(paid)
    row = told(OWED, words="Återbetald")
    match()
    path = f"/operations/payments/{row.id}"
    assert "Has it come again?" in says(browser, path)
    post(browser, path, f"{path}/came-again/{chargeback.id}")
    assert owed(case) == 0
    shown = says(browser, path)
    assert "The payment that it brings again" in shown
    assert "Take back what was noted" not in shown
    assert "That it came again, in the bank’s file" in says(browser, at(paid))
    again = post(browser, at(paid, "/taken-back"), f"{path}/came-again/{chargeback.id}")
    assert "The money is booked again." in again
    assert owed(case) == 0


def test_one_that_is_not_there_or_not_paid_is_not_found(browser: FlaskClient, case: Case) -> None:
    asked = booking.prepare({case.id: None}, now=NOW)
    db.session.commit()
    for path in (f"/operations/at-once/{asked.id}", "/operations/at-once/NO",
                 f"/operations/at-once/{asked.id}/taken-back",
                 "/operations/chargebacks/1/came-again"):  # fmt: skip
        assert browser.get(path).status_code == 404
