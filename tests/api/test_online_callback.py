"""Callbacks of the payment provider, sent by its simulator over real HTTP into the portal."""

import json
from collections.abc import Iterator

import httpx
import pytest
from flask import Flask
from sqlalchemy import text

from portal import clock, jobs, ledger
from portal.collection.models import Case
from portal.config import Settings
from portal.database import tenancy
from portal.extensions import db
from portal.payments import booking
from portal.payments.models import SwishRequest
from portal.payments.online import SIGNATURE, signature
from simulators.online import CALLBACK_KEY
from simulators.serving import Server, serve
from tests.factories import a_case_whose_reminder_left
from tests.online_fixtures import Online
from tests.swish_fixtures import Swish

PATH = "/callbacks/payments"


@pytest.fixture
def settings(settings: Settings, swish: Swish, online: Online) -> Settings:
    return online.settings(swish.settings(settings))


@pytest.fixture
def portal(app: Flask) -> Iterator[Server]:
    """The portal, serving."""
    with serve(app, "127.0.0.1", 0) as server:
        yield server


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_whose_reminder_left()


@pytest.fixture
def asked(portal: Server, case: Case) -> SwishRequest:
    """A payment by card that the provider has taken."""
    how = booking.How(portal.url + PATH, "card", lambda one: f"{portal.url}/{one}", "en")
    return booking.begin({case.id: None}, how, now=clock.now(), between=db.session.commit)


def call(portal: Server, body: bytes, signed: str | None) -> int:
    """Call back with a signature of the test's choice."""
    headers = {} if signed is None else {SIGNATURE: signed}
    return httpx.post(portal.url + PATH, content=body, headers=headers, trust_env=False).status_code


def signed_call(portal: Server, body: bytes) -> int:
    return call(portal, body, signature(body, CALLBACK_KEY))


def about(payment_id: str) -> bytes:
    return json.dumps({"id": payment_id, "status": "paid"}).encode()


def amounts(case: Case) -> list[int]:
    """What is booked on a case, as the database has it now."""
    db.session.rollback()
    return [payment.amount_ore for payment in booking.payments_of(case.id)]


def test_a_callback_books_the_payment(online: Online, asked: SwishRequest, case: Case) -> None:
    owed_ore = asked.amount_ore
    online.ends(asked.id, "approve")
    assert online.answered(asked.id) == ["200"]
    assert amounts(case) == [owed_ore]
    assert booking.payments_of(case.id)[0].channel == "card"


def test_two_callbacks_book_once(online: Online, asked: SwishRequest, case: Case) -> None:
    online.control("next", callback="twice")
    online.ends(asked.id, "approve")
    assert online.answered(asked.id, 2) == ["200", "200"]
    assert len(amounts(case)) == 1


def test_two_callbacks_of_a_payment_for_several_cases_book_each_case_once(
    online: Online, portal: Server, case: Case
) -> None:
    some = [case, a_case_whose_reminder_left(balance_ore=33_333)]
    how = booking.How(portal.url + PATH, "account", lambda one: f"{portal.url}/{one}", "en")
    asked = booking.begin(
        {one.id: None for one in some}, how, now=clock.now(), between=db.session.commit
    )
    parts = {one.case_id: [one.amount_ore] for one in booking.parts_of(asked.id)}
    online.control("next", callback="twice")
    online.ends(asked.id, "approve")
    assert online.answered(asked.id, 2) == ["200", "200"]
    assert {one.id: amounts(one) for one in some} == parts


def test_a_callback_with_a_forged_signature_is_refused(
    online: Online, portal: Server, asked: SwishRequest, case: Case
) -> None:
    online.control("next", callback="forged")
    online.ends(asked.id, "approve")
    assert online.answered(asked.id)[0] == "403"
    assert {call(portal, about(asked.id), one) for one in (None, "", "0" * 64)} == {403}
    assert amounts(case) == []


def test_a_callback_that_says_paid_books_nothing_unless_the_provider_says_so_too(
    portal: Server, asked: SwishRequest, case: Case
) -> None:
    assert signed_call(portal, about(asked.id)) == 200
    assert amounts(case) == []


def test_an_unknown_payment_is_not_found(portal: Server, asked: SwishRequest) -> None:
    assert signed_call(portal, about("0" * 32)) == 404


def test_a_payment_by_swish_is_none_of_the_providers(
    portal: Server, swish: Swish, case: Case
) -> None:
    how = booking.How(portal.url + "/callbacks/swish")
    request = booking.begin({case.id: None}, how, now=clock.now(), between=db.session.commit)
    assert signed_call(portal, about(request.id)) == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"id": 1}', b'{"id": "x"}', b"1" * 20_000])
def test_what_is_no_callback_is_refused(portal: Server, body: bytes) -> None:
    assert signed_call(portal, body) == 400


def test_a_provider_that_does_not_answer_is_asked_later(
    online: Online, portal: Server, asked: SwishRequest, case: Case
) -> None:
    request_id = asked.id
    online.ends_silently(request_id, "approve")
    online.control("next", answer=500)
    assert signed_call(portal, about(request_id)) == 503
    db.session.rollback()
    waiting = db.session.scalars(
        text("select args from procrastinate_jobs where task_name = 'ask_swish'")
    )
    for job in waiting.all():
        jobs.ask_swish(**job)
    assert len(amounts(case)) == 1


class TestTakenBack:
    """What the payer's bank takes back, told by the provider."""

    @pytest.fixture
    def paid(self, online: Online, asked: SwishRequest) -> SwishRequest:
        online.ends(asked.id, "approve")
        assert online.answered(asked.id) == ["200"]
        return asked

    def owed(self, case: Case) -> int:
        db.session.rollback()
        return ledger.balance(case.id).total_ore

    def test_a_callback_books_it_back(self, online: Online, paid: SwishRequest, case: Case) -> None:
        online.charges_back(paid.id)
        assert online.answered(paid.id, 2) == ["200", "200"]
        assert (self.owed(case), amounts(case)) == (paid.amount_ore, [])

    def test_two_callbacks_book_it_back_once(
        self, online: Online, paid: SwishRequest, case: Case
    ) -> None:
        online.control("next", callback="twice")
        online.charges_back(paid.id, 6_548)
        assert online.answered(paid.id, 3) == ["200"] * 3
        assert amounts(case) == [paid.amount_ore - 6_548]

    def test_a_part_then_another_and_both_come_again(
        self, online: Online, paid: SwishRequest, case: Case
    ) -> None:
        first, second = online.charges_back(paid.id, 6_548), online.charges_back(paid.id, 10_000)
        assert online.answered(paid.id, 3) == ["200"] * 3
        assert self.owed(case) == 16_548
        online.gives_back(second)
        assert online.answered(paid.id, 4) == ["200"] * 4
        assert self.owed(case) == 6_548
        online.gives_back(first)
        assert online.answered(paid.id, 5) == ["200"] * 5
        assert self.owed(case) == 0
        assert sum(amounts(case)) == paid.amount_ore

    def test_every_case_of_the_payment_owes_again(
        self, online: Online, portal: Server, case: Case
    ) -> None:
        some = [case, a_case_whose_reminder_left(balance_ore=33_333)]
        how = booking.How(portal.url + PATH, "account", lambda one: f"{portal.url}/{one}", "en")
        asked = booking.begin(
            {one.id: None for one in some}, how, now=clock.now(), between=db.session.commit
        )
        parts = {one.case_id: one.amount_ore for one in booking.parts_of(asked.id)}
        online.ends(asked.id, "approve")
        online.answered(asked.id)
        online.charges_back(asked.id)
        online.answered(asked.id, 2)
        assert {one.id: self.owed(one) for one in some} == parts

    def test_what_a_callback_did_not_tell_the_job_learns(
        self, online: Online, paid: SwishRequest, case: Case
    ) -> None:
        online.control("next", callback="none")
        online.charges_back(paid.id)
        assert self.owed(case) == 0
        for _ in range(2):
            with tenancy.service():
                jobs.ask_chargebacks()
        assert self.owed(case) == paid.amount_ore

    def test_a_provider_that_is_silent_is_asked_by_a_job(
        self, online: Online, paid: SwishRequest, case: Case
    ) -> None:
        online.control("next", answer=503)
        online.charges_back(paid.id)
        assert online.answered(paid.id, 3)[1:] == ["503", "200"]
        assert self.owed(case) == paid.amount_ore
        waiting = text("select task_name from procrastinate_jobs where task_name like 'ask_ch%'")
        assert db.session.scalars(waiting).all() == ["ask_chargebacks"]

    def test_a_forged_callback_changes_nothing(
        self, online: Online, paid: SwishRequest, case: Case
    ) -> None:
        online.control("next", callback="forged")
        online.charges_back(paid.id)
        assert online.answered(paid.id, 2)[1] == "403"
        assert self.owed(case) == 0
