"""Swish's callbacks about refunds, sent by the simulator over real HTTP into the running portal."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from flask import Flask

from portal.collection.models import Case
from portal.config import Settings
from portal.extensions import db
from portal.payments import paying_back
from portal.payments.models import Refund
from simulators.serving import Server, serve
from tests.factories import NOW, a_case_whose_reminder_left
from tests.payments.going_back import paid_twice, the_refund, too_much
from tests.swish_fixtures import Swish

pytest_plugins = ["tests.swish_fixtures"]
OWED = 100_000 + 548 + 6_000


@pytest.fixture
def settings(settings: Settings, swish: Swish) -> Settings:
    return swish.settings(settings)


@pytest.fixture
def portal(app: Flask) -> Iterator[Server]:
    with serve(app, "127.0.0.1", 0) as server:
        yield server


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_whose_reminder_left()


@pytest.fixture
def refund(swish: Swish, portal: Server, case: Case) -> Refund:
    """A refund that Swish has taken and not paid yet."""
    found = paid_twice(swish, case, OWED)
    swish.control("next-refund", ending="wait")
    paying_back.send(found.id, portal.url, now=NOW, between=db.session.commit)
    return found


def pay(swish: Swish, refund: Refund, callback: str | None = None, times: int = 1) -> list[str]:
    """Swish pays; answers what the portal said to its callbacks."""
    swish.control("next", callback=callback)
    swish.control(f"refunds/{refund.key}/pay")
    record = swish.running.register.refund(refund.key)
    assert record is not None
    until = time.monotonic() + 20
    while len(record.callbacks) < times:
        assert time.monotonic() < until
        time.sleep(0.02)
    return [one.answer for one in record.callbacks[:times]]


def call(portal: Server, told: object, identifier: str | None) -> int:
    headers = {} if identifier is None else {"callbackIdentifier": identifier}
    content = told if isinstance(told, bytes) else json.dumps(told)
    url = portal.url + paying_back.SWISH_PATH
    return httpx.post(url, content=content, headers=headers, trust_env=False).status_code


def status() -> str:
    db.session.rollback()
    return the_refund().status


def test_a_callback_books_the_refund(swish: Swish, refund: Refund) -> None:
    assert pay(swish, refund) == ["200"]
    assert (status(), too_much()) == ("settled", 0)


def test_a_repeated_callback_books_it_once(swish: Swish, refund: Refund) -> None:
    assert pay(swish, refund, "twice", 2) == ["200", "200"]
    assert (status(), too_much()) == ("settled", 0)


def test_a_forged_callback_is_turned_away(swish: Swish, refund: Refund) -> None:
    assert pay(swish, refund, "forged") == ["404"]
    assert status() == "released"


def test_a_callback_that_says_paid_books_nothing_unless_swish_says_so_too(
    swish: Swish, portal: Server, refund: Refund
) -> None:
    told = swish.running.register.refund(refund.key).told() | {"status": "PAID"}
    assert call(portal, told, refund.callback_identifier) == 200
    assert status() == "released"


def test_another_amount_is_told_as_wrong_and_what_swish_says_is_booked(
    swish: Swish, refund: Refund
) -> None:
    assert pay(swish, refund, "other_amount") == ["422"]
    assert status() == "settled"


def test_a_callback_for_a_refund_of_nobody_is_turned_away(swish: Swish, refund: Refund) -> None:
    assert pay(swish, refund, "unknown_id") == ["404"]


def test_a_callback_while_swish_is_down_is_called_again(
    swish: Swish, portal: Server, refund: Refund
) -> None:
    told = swish.running.register.refund(refund.key).told()
    swish.control("next", answer="500")
    assert call(portal, told, refund.callback_identifier) == 503


@pytest.mark.parametrize("told", [b"", b"[]", b"{", b'{"id": "1"}'])
def test_what_is_no_callback_is_refused(portal: Server, told: bytes) -> None:
    assert call(portal, told, "A" * 32) == 400
