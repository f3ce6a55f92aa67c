"""Paying by card or from an account: out to the provider's page and back, each ending told."""

from datetime import timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock, jobs
from portal.collection import cases
from portal.collection.models import Case
from portal.config import Settings
from portal.extensions import db
from portal.payments import booking
from portal.payments.models import SwishRequest
from tests.debtor.test_choosing import send
from tests.debtor.test_pages import Visitor, a_case_of_today, at_first_case, said
from tests.factories import enter_case, letters_leave
from tests.online_fixtures import Online
from tests.swish_fixtures import Swish


@pytest.fixture
def settings(settings: Settings, swish: Swish, online: Online) -> Settings:
    return online.settings(swish.settings(settings))


@pytest.fixture
def case(app: Flask) -> Case:
    case = a_case_of_today()
    letters_leave("reminder")
    db.session.commit()
    return case


@pytest.fixture
def inside(app: Flask, client: FlaskClient, case: Case) -> Visitor:
    enter_case(app, client, case)
    return Visitor(client)


def request_of(way: str) -> SwishRequest:
    """The newest request by a way, as the database has it now."""
    db.session.rollback()
    found = db.session.query(SwishRequest).filter_by(way=way)
    newest = found.order_by(SwishRequest.created_at.desc()).first()
    assert newest is not None
    return newest


def page_of(inside: Visitor, request_id: str, monkeypatch: pytest.MonkeyPatch) -> BeautifulSoup:
    """The payment's page a while later, when its callback is late enough to ask."""
    later = clock.now() + timedelta(seconds=30)
    monkeypatch.setattr(clock, "now", lambda: later)
    answer = inside.client.get(
        at_first_case(f"/case/pay/{request_id}"), headers=inside.headers, follow_redirects=True
    )
    return BeautifulSoup(answer.text, "html.parser")


def owed(case: Case) -> int:
    return cases.amount_due(case, clock.today()).total_ore


@pytest.mark.parametrize(("way", "words"), [("card", "Card"), ("account", "Directly from your")])
def test_a_payment_that_is_approved_has_its_receipt(
    inside: Visitor, online: Online, case: Case, monkeypatch: pytest.MonkeyPatch, way: str,
    words: str,
) -> None:  # fmt: skip
    owed_ore = owed(case)
    page = send(inside, way=way)
    request = request_of(way)
    link = page.find("a", string="Go on to the payment page")
    assert link["href"] == request.token
    asked = online.payment(request.id)
    assert (asked.amount, asked.asked["method"], asked.asked["language"]) == (owed_ore, way, "en")
    assert asked.text("return_url").endswith(f"/pay/{request.id}?returned=1")
    # Its callback is lost: nothing listens at the address of the tests.
    online.ends_silently(request.id, "approve")
    receipt = said(page_of(inside, request.id, monkeypatch))
    assert "Thank you. Your payment has come." in receipt
    assert words in receipt
    (payment,) = booking.payments_of(case.id)
    assert (payment.channel, payment.amount_ore, payment.overpaid_ore) == (way, owed_ore, 0)
    assert payment.value_on == clock.today()


def test_who_comes_back_before_the_callback_has_the_receipt_at_once(
    inside: Visitor, online: Online, case: Case
) -> None:
    send(inside, way="card")
    request_id = request_of("card").id
    online.ends_silently(request_id, "approve")
    back = at_first_case(f"/case/pay/{request_id}?returned=1")
    answer = inside.client.get(back, headers=inside.headers, follow_redirects=True)
    assert "Thank you. Your payment has come." in answer.text


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("decline", "It was declined. Nothing has been paid."),
        ("cancel", "It was stopped. Nothing has been paid."),
        ("fail", "The payment could not be made. Nothing has been paid."),
    ],
)
def test_a_payment_that_is_not_made_is_told_and_can_be_tried_again(
    inside: Visitor, online: Online, monkeypatch: pytest.MonkeyPatch, outcome: str, words: str
) -> None:
    send(inside, way="card", how_much="part", amount="250,50")
    request_id = request_of("card").id
    online.ends_silently(request_id, outcome)
    page = page_of(inside, request_id, monkeypatch)
    assert words in said(page)
    again = page.find("button", string="Try again").find_parent("form")
    told = {one["name"]: one["value"] for one in again.select("input")}
    assert (told["way"], told["how_much"], told["amount"]) == ("card", "part", "250,50")


def test_a_bank_that_falls_silent_asks_not_to_pay_again(
    inside: Visitor, online: Online, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(inside, way="account")
    request_id = request_of("account").id
    online.ends_silently(request_id, "silence")
    page = page_of(inside, request_id, monkeypatch)
    assert "Do not pay again" in said(page)
    assert page.find("button", string="Try again") is None


def test_another_way_in_another_tab_withdraws_the_first(inside: Visitor, online: Online) -> None:
    send(inside, way="card")
    send(inside, way="swish")
    first = request_of("card")
    assert (first.status, request_of("swish").status) == ("cancelled", "created")
    assert online.payment(first.id).status == "cancelled"


def test_a_card_chosen_while_swish_waits_withdraws_swish(inside: Visitor, swish: Swish) -> None:
    send(inside, way="swish")
    send(inside, way="card")
    first = request_of("swish")
    assert (first.status, request_of("card").status) == ("cancelled", "created")
    assert swish.seen(first.id)["status"] == "CANCELLED"


def test_another_way_after_the_card_was_charged_leads_to_the_receipt(
    inside: Visitor, online: Online, case: Case
) -> None:
    send(inside, way="card")
    # The form of the other tab was loaded before.
    tab = inside.get("/case/pay").select_one("input[name=csrf_token]")["value"]
    online.ends_silently(request_of("card").id, "approve")
    answer = inside.client.post(
        at_first_case("/case/pay"), data={"csrf_token": tab, "way": "swish"},
        headers=inside.headers, follow_redirects=True,
    )  # fmt: skip
    assert "Thank you. Your payment has come." in answer.text
    assert db.session.query(SwishRequest).filter_by(way="swish").count() == 0
    assert len(booking.payments_of(case.id)) == 1


def test_the_same_pressed_twice_asks_once(inside: Visitor, online: Online) -> None:
    send(inside, way="card")
    send(inside, way="card")
    assert len(online.running.register.payments()) == 1


def test_an_answer_that_got_lost_is_asked_for_again(inside: Visitor, online: Online) -> None:
    online.control("next", answer=500)
    words = said(send(inside, way="card"))
    assert "The payment page does not answer just now." in words
    page = send(inside, way="card")
    assert page.find("a", string="Go on to the payment page")
    assert db.session.query(SwishRequest).count() == 1


def test_stopping_takes_nothing(inside: Visitor, online: Online) -> None:
    page = send(inside, way="card")
    token = page.select_one("#payment input[name=csrf_token]")["value"]
    request_id = request_of("card").id
    answer = inside.client.post(
        at_first_case(f"/case/pay/{request_id}/stop"), data={"csrf_token": token},
        headers=inside.headers, follow_redirects=True,
    )  # fmt: skip
    assert "The payment is stopped. Nothing has been paid." in answer.text
    assert online.payment(request_id).status == "cancelled"


def test_another_amount_than_asked_for_is_booked_as_it_came(
    inside: Visitor, online: Online, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(inside, way="card")
    request_id = request_of("card").id
    online.ends_silently(request_id, "approve", amount=50_000)
    page_of(inside, request_id, monkeypatch)
    assert [one.amount_ore for one in booking.payments_of(case.id)] == [50_000]


def test_the_job_asks_about_a_payer_who_never_came_back(
    inside: Visitor, online: Online, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(inside, way="account")
    online.ends_silently(request_of("account").id, "approve")
    later = clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    jobs.ask_swish()
    assert [one.channel for one in booking.payments_of(case.id)] == ["account"]


def test_part_and_rest_are_exact(inside: Visitor, case: Case) -> None:
    owed_ore = owed(case)
    page = said(send(inside, way="card", how_much="part", amount="250,50"))
    left = Decimal(owed_ore - 25_050) / 100
    assert f"After this payment, SEK {left:,.2f} is left to pay." in page


class TestWithoutAProvider:
    """Neither way is offered, and neither can be chosen by hand."""

    @pytest.fixture
    def settings(self, settings: Settings, swish: Swish) -> Settings:
        return swish.settings(Settings(**{**settings.__dict__, "online_address": ""}))

    def test_neither_is_offered(self, inside: Visitor) -> None:
        offered = [one["value"] for one in inside.get("/case/pay").select("input[name=way]")]
        assert offered == ["swish", "bank"]

    def test_neither_is_taken(self, inside: Visitor) -> None:
        assert "Choose one of the options." in said(send(inside, status=422, way="card"))
