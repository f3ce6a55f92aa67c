"""What becomes of a request for money: paid, refused, stopped, forgotten, or lost on the way."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from portal.config import Settings
from portal.extensions import db
from portal.payments import booking
from portal.payments.models import SwishRequest
from portal.payments.swish import SwishUnavailable
from tests.factories import NOW, a_creditor, a_reminded_case
from tests.payments.asking import ask, asked_for, paid
from tests.swish_fixtures import Swish

pytest_plugins = ["tests.swish_fixtures"]


@pytest.fixture
def settings(settings: Settings, swish: Swish) -> Settings:
    return swish.settings(settings)


def test_a_request_that_nobody_has_approved_stays_open(app: Flask, swish: Swish) -> None:
    case = a_reminded_case()
    assert ask(asked_for(case)).status == "created"
    assert booking.payments_of(case.id) == []


@pytest.mark.parametrize(
    ("act", "status", "code"),
    [("decline", "declined", None), ("timeout", "error", "TM01")],
)
def test_a_request_that_comes_to_nothing_is_ended_and_not_booked(
    app: Flask, swish: Swish, act: str, status: str, code: str | None
) -> None:
    case = a_reminded_case()
    request_id = asked_for(case)
    swish.control(f"requests/{request_id}/{act}")
    request = ask(request_id)
    assert (request.status, request.error_code, request.ended_at) == (status, code, NOW)
    assert booking.payments_of(case.id) == []


def test_a_stopped_request_is_cancelled_at_swish(app: Flask, swish: Swish) -> None:
    request_id = asked_for(a_reminded_case())
    booking.stop(request_id, booking.client(), now=NOW)
    assert swish.seen(request_id)["status"] == "CANCELLED"
    assert booking.find(request_id).status == "cancelled"


def test_stopping_twice_is_no_error(app: Flask, swish: Swish) -> None:
    request_id = asked_for(a_reminded_case())
    for _ in range(2):
        booking.stop(request_id, booking.client(), now=NOW)
    assert booking.find(request_id).status == "cancelled"


def test_a_request_stopped_too_late_is_booked(app: Flask, swish: Swish) -> None:
    case = a_reminded_case()
    request_id = asked_for(case)
    swish.control(f"requests/{request_id}/pay")
    booking.stop(request_id, booking.client(), now=NOW)
    assert len(booking.payments_of(case.id)) == 1


def test_a_silent_bank_keeps_the_request_open(app: Flask, swish: Swish) -> None:
    request_id = asked_for(a_reminded_case())
    swish.control(f"requests/{request_id}/silence")
    request = ask(request_id)
    assert (request.status, request.error_code) == ("created", "DS24")
    assert request_id in booking.unanswered(NOW + timedelta(hours=1))


def test_a_bank_that_was_silent_for_a_day_is_given_up(app: Flask, swish: Swish) -> None:
    request_id = asked_for(a_reminded_case())
    swish.control(f"requests/{request_id}/silence")
    assert ask(request_id, at=NOW + timedelta(days=1, minutes=1)).status == "error"


def test_a_fresh_request_is_not_among_the_unanswered(app: Flask, swish: Swish) -> None:
    request_id = asked_for(a_reminded_case())
    assert booking.unanswered(NOW + timedelta(minutes=3)) == []
    assert booking.unanswered(NOW + timedelta(minutes=4)) == [request_id]


def test_a_request_we_do_not_know_is_told_apart(app: Flask, swish: Swish) -> None:
    assert booking.ask("0" * 32, booking.client(), now=NOW) is None


def test_after_a_lost_answer_the_next_click_makes_a_new_request(app: Flask, swish: Swish) -> None:
    case = a_reminded_case()
    swish.control("next", answer="lose")
    with pytest.raises(SwishUnavailable):
        asked_for(case)
    lost = db.session.query(SwishRequest.id).scalar()
    assert asked_for(case, at=NOW + timedelta(seconds=20)) != lost
    # It is at Swish, but nobody has its token; it can only run out.
    assert ask(lost).status == "created"


def test_a_request_that_never_reached_swish_ends_when_its_time_is_over(
    app: Flask, swish: Swish
) -> None:
    case = a_reminded_case()
    swish.control("next", answer="drop")
    with pytest.raises(SwishUnavailable):
        asked_for(case)
    lost = db.session.query(SwishRequest.id).scalar()
    assert ask(lost, at=NOW + timedelta(minutes=2)).status == "created"
    assert ask(lost, at=NOW + timedelta(minutes=4)).status == "error"


def test_a_second_click_within_two_minutes_finds_the_same_request(app: Flask, swish: Swish) -> None:
    case = a_reminded_case()
    first = asked_for(case)
    assert asked_for(case, at=NOW + timedelta(seconds=119)) == first
    assert len(swish.running.register.payments()) == 1


def test_a_click_after_two_minutes_makes_a_new_request(app: Flask, swish: Swish) -> None:
    case = a_reminded_case()
    first = asked_for(case)
    assert asked_for(case, at=NOW + timedelta(seconds=120)) != first


def test_a_click_when_another_amount_is_owed_makes_a_new_request(app: Flask, swish: Swish) -> None:
    case = a_reminded_case()
    late = datetime(2026, 3, 10, 22, 59, 30, tzinfo=UTC)
    first = asked_for(case, at=late)
    # Half a minute into the next day by Swedish time, with a day's interest more.
    assert asked_for(case, at=late + timedelta(minutes=1)) != first


def test_nothing_is_asked_for_on_a_paid_case(app: Flask, swish: Swish) -> None:
    case = a_reminded_case()
    paid(swish, case)
    with pytest.raises(booking.NothingToPay):
        booking.prepare(case.id, now=NOW)


def test_the_payer_reads_the_reference_after_however_long_a_name(app: Flask, swish: Swish) -> None:
    case = a_reminded_case(a_creditor("Bostadsrättsföreningen Stora Sköndals Trädgårdsstad"))
    message = swish.seen(asked_for(case))["message"]
    assert message.endswith(f" {case.reference}")
