"""Swish's callbacks, sent by the simulator over real HTTP into the running portal."""

import json
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest
from flask import Flask
from sqlalchemy import text

from portal import clock, jobs
from portal.collection.models import Case
from portal.config import Settings
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.payments import booking
from portal.payments.models import SwishRequest
from simulators.serving import Server, serve
from tests.factories import a_case_whose_reminder_left
from tests.swish_fixtures import Swish

pytest_plugins = ["tests.swish_fixtures"]

PATH = "/callbacks/swish"


@pytest.fixture
def settings(settings: Settings, swish: Swish) -> Settings:
    return swish.settings(settings)


@pytest.fixture
def portal(app: Flask) -> Iterator[Server]:
    """The portal, serving."""
    with serve(app, "127.0.0.1", 0) as server:
        yield server


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_whose_reminder_left()


@pytest.fixture
def asked(portal: Server, swish: Swish, case: Case) -> SwishRequest:
    """A payment request that Swish has taken."""
    return booking.begin(
        {case.id: None},
        booking.How(portal.url + PATH),
        now=clock.now(),
        between=db.session.commit,
    )


def call(portal: Server, told: dict[str, object] | bytes, identifier: str | None) -> httpx.Response:
    """Call back as Swish does, but with content and secret of the test's choice."""
    headers = {} if identifier is None else {"callbackIdentifier": identifier}
    content = told if isinstance(told, bytes) else json.dumps(told)
    return httpx.post(portal.url + PATH, content=content, headers=headers, trust_env=False)


def pay_silently(swish: Swish, request: SwishRequest) -> dict[str, object]:
    """The payer approves and Swish does not call; answers what it would have said."""
    swish.control("next", callback="none")
    swish.control(f"requests/{request.id}/pay")
    return swish.running.register.payment(request.id).told()


def amounts(case: Case) -> list[int]:
    """What is booked on a case, as the database has it now."""
    db.session.rollback()
    return [payment.amount_ore for payment in booking.payments_of(case.id)]


def waiting_jobs() -> list[dict[str, object]]:
    """The arguments of the jobs that are to ask Swish."""
    db.session.rollback()
    rows = db.session.execute(
        text("select args from procrastinate_jobs where task_name = 'ask_swish'")
    )
    return [row.args for row in rows]


def test_a_callback_books_the_payment(swish: Swish, asked: SwishRequest, case: Case) -> None:
    owed_ore = asked.amount_ore
    swish.control(f"requests/{asked.id}/pay")
    assert swish.answered(asked.id) == ["200"]
    assert amounts(case) == [owed_ore]


def test_two_callbacks_at_once_book_once(swish: Swish, asked: SwishRequest, case: Case) -> None:
    swish.control("next", callback="twice")
    swish.control(f"requests/{asked.id}/pay")
    assert swish.answered(asked.id, 2) == ["200", "200"]
    assert len(amounts(case)) == 1


def test_a_repeated_callback_books_once(
    swish: Swish, portal: Server, asked: SwishRequest, case: Case
) -> None:
    told = pay_silently(swish, asked)
    answers = [call(portal, told, asked.callback_identifier).status_code for _ in range(10)]
    assert answers == [200] * 10
    assert len(amounts(case)) == 1


def test_a_callback_that_says_paid_books_nothing_unless_swish_says_so_too(
    swish: Swish, portal: Server, asked: SwishRequest, case: Case
) -> None:
    told = swish.running.register.payment(asked.id).told() | {"status": "PAID"}
    assert call(portal, told, asked.callback_identifier).status_code == 200
    assert amounts(case) == []


def test_a_callback_of_a_declined_payment_ends_the_request(
    swish: Swish, asked: SwishRequest, case: Case
) -> None:
    request_id = asked.id
    swish.control(f"requests/{request_id}/decline")
    assert swish.answered(request_id) == ["200"]
    db.session.rollback()
    assert booking.find(request_id).status == "declined"


def test_an_unknown_id_is_not_found(
    swish: Swish, portal: Server, asked: SwishRequest, case: Case
) -> None:
    told = pay_silently(swish, asked) | {"id": "0" * 32}
    assert call(portal, told, asked.callback_identifier).status_code == 404
    assert amounts(case) == []


def test_without_the_right_secret_nothing_is_found(
    swish: Swish, portal: Server, asked: SwishRequest, case: Case
) -> None:
    told = pay_silently(swish, asked)
    secrets = (None, b"", b"0" * 32, "Ä".encode("latin-1") * 32)
    assert {call(portal, told, one).status_code for one in secrets} == {404}
    assert amounts(case) == []


def test_what_is_no_callback_is_refused(portal: Server) -> None:
    bodies = (b"", b"{}", b"[]", b"\xff", b"PAID", b'{"id": "x"}', b'{"amount": 1e999}')
    assert {body: call(portal, body, b"0" * 32).status_code for body in bodies} == dict.fromkeys(
        bodies, 400
    )


def test_a_callback_is_only_posted(portal: Server) -> None:
    assert httpx.get(portal.url + PATH, trust_env=False).status_code == 405


def test_a_callback_of_another_amount_is_refused_and_asked_about(
    swish: Swish, portal: Server, asked: SwishRequest, case: Case
) -> None:
    told = pay_silently(swish, asked) | {"amount": 1.0}
    assert call(portal, told, asked.callback_identifier).status_code == 422
    assert waiting_jobs() == [{"request_id": asked.id}]


def test_after_a_callback_of_another_amount_the_job_books_what_swish_says(
    swish: Swish, portal: Server, asked: SwishRequest, case: Case
) -> None:
    told = pay_silently(swish, asked) | {"amount": 1.0}
    owed_ore = asked.amount_ore
    call(portal, told, asked.callback_identifier)
    (job,) = waiting_jobs()
    jobs.ask_swish(**job)
    assert amounts(case) == [owed_ore]


def test_a_callback_on_a_case_paid_meanwhile_keeps_the_money_for_refund(
    swish: Swish, portal: Server, asked: SwishRequest, case: Case
) -> None:
    booking.receive(
        case.id, amount_ore=asked.amount_ore, currency="SEK", key="bankgiro:1", channel="bankgiro",
        value_on=clock.today(), payer=None, actor=SYSTEM, now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    swish.control(f"requests/{asked.id}/pay")
    assert swish.answered(asked.id) == ["200"]
    db.session.rollback()
    overpaid = [payment.overpaid_ore for payment in booking.payments_of(case.id)]
    assert sorted(overpaid)[0] == 0
    assert sorted(overpaid)[1] > 0


@pytest.mark.parametrize("fault", ["drop", "500", "403"])
def test_when_swish_does_not_answer_a_job_asks_later(
    swish: Swish, portal: Server, asked: SwishRequest, case: Case, fault: str
) -> None:
    told = pay_silently(swish, asked)
    request_id, secret = asked.id, asked.callback_identifier
    swish.control("next", answer=fault)
    assert call(portal, told, secret).status_code == 503
    assert waiting_jobs() == [{"request_id": request_id}]


def test_the_job_that_asks_later_books(
    swish: Swish, portal: Server, asked: SwishRequest, case: Case
) -> None:
    told = pay_silently(swish, asked)
    secret = asked.callback_identifier
    swish.control("next", answer="drop")
    call(portal, told, secret)
    (job,) = waiting_jobs()
    jobs.ask_swish(**job)
    assert len(amounts(case)) == 1


def test_swish_calls_again_until_we_have_asked(
    swish: Swish, asked: SwishRequest, case: Case
) -> None:
    request_id = asked.id
    swish.control("next", answer="drop")
    swish.control(f"requests/{request_id}/pay")
    assert swish.answered(request_id, 2) == ["503", "200"]
    assert len(amounts(case)) == 1


def test_a_callback_books_what_was_really_paid(
    swish: Swish, asked: SwishRequest, case: Case
) -> None:
    request_id = asked.id
    swish.control("next", callback="other_amount")
    swish.running.register.payment(request_id).amount = Decimal("500.00")
    swish.control(f"requests/{request_id}/pay")
    assert swish.answered(request_id)[0] == "422"
    (job,) = {one["request_id"] for one in waiting_jobs()}
    jobs.ask_swish(job)
    assert amounts(case) == [50_000]
