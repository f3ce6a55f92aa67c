"""What becomes of a request for money: paid, refused, stopped, forgotten, or lost on the way."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.config import Settings
from portal.database import tenancy
from portal.extensions import db
from portal.payments import booking, offers
from portal.payments.models import SwishRequest
from portal.payments.swish import SwishUnavailable
from tests.factories import NOW, a_case_whose_reminder_left, a_creditor
from tests.payments.asking import ask, asked_for, asked_for_parts, paid
from tests.swish_fixtures import Swish

pytest_plugins = ["tests.swish_fixtures"]

# What a reminded case owes on the day of the reminder: principal, twenty days' interest and fee.
OWED = 100_000 + 548 + 6_000


@pytest.fixture
def settings(settings: Settings, swish: Swish) -> Settings:
    return swish.settings(settings)


def test_a_request_that_nobody_has_approved_stays_open(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    assert ask(asked_for(case)).status == "created"
    assert booking.payments_of(case.id) == []


@pytest.mark.parametrize(
    ("act", "status", "code"),
    [("decline", "declined", None), ("timeout", "error", "TM01")],
)
def test_a_request_that_comes_to_nothing_is_ended_and_not_booked(
    app: Flask, swish: Swish, act: str, status: str, code: str | None
) -> None:
    case = a_case_whose_reminder_left()
    request_id = asked_for(case)
    swish.control(f"requests/{request_id}/{act}")
    request = ask(request_id)
    assert (request.status, request.error_code, request.ended_at) == (status, code, NOW)
    assert booking.payments_of(case.id) == []


def test_a_stopped_request_is_cancelled_at_swish(app: Flask, swish: Swish) -> None:
    request_id = asked_for(a_case_whose_reminder_left())
    booking.stop(request_id, now=NOW)
    assert swish.seen(request_id)["status"] == "CANCELLED"
    assert booking.find(request_id).status == "cancelled"


def test_stopping_twice_is_no_error(app: Flask, swish: Swish) -> None:
    request_id = asked_for(a_case_whose_reminder_left())
    for _ in range(2):
        booking.stop(request_id, now=NOW)
    assert booking.find(request_id).status == "cancelled"


def test_a_request_stopped_too_late_is_booked(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    request_id = asked_for(case)
    swish.control(f"requests/{request_id}/pay")
    booking.stop(request_id, now=NOW)
    assert len(booking.payments_of(case.id)) == 1


def test_a_silent_bank_keeps_the_request_open(app: Flask, swish: Swish) -> None:
    request_id = asked_for(a_case_whose_reminder_left())
    swish.control(f"requests/{request_id}/silence")
    request = ask(request_id)
    assert (request.status, request.error_code) == ("created", "DS24")
    assert request_id in booking.unanswered(NOW + timedelta(hours=1))


def test_a_bank_that_was_silent_for_a_day_is_given_up(app: Flask, swish: Swish) -> None:
    request_id = asked_for(a_case_whose_reminder_left())
    swish.control(f"requests/{request_id}/silence")
    assert ask(request_id, at=NOW + timedelta(days=1, minutes=1)).status == "error"


def test_a_fresh_request_is_not_among_the_unanswered(app: Flask, swish: Swish) -> None:
    request_id = asked_for(a_case_whose_reminder_left())
    assert booking.unanswered(NOW + timedelta(minutes=3)) == []
    assert booking.unanswered(NOW + timedelta(minutes=4)) == [request_id]


def test_a_request_we_do_not_know_is_told_apart(app: Flask, swish: Swish) -> None:
    assert booking.ask("0" * 32, now=NOW) is None


def test_after_a_lost_answer_the_next_click_makes_a_new_request(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    swish.control("next", answer="lose")
    with pytest.raises(SwishUnavailable):
        asked_for(case)
    lost = db.session.query(SwishRequest.id).scalar()
    assert asked_for(case, at=NOW + timedelta(seconds=20)) != lost
    # It was at Swish, but nobody has its token.
    assert swish.seen(lost)["status"] == "CANCELLED"


def test_a_request_that_never_reached_swish_ends_when_its_time_is_over(
    app: Flask, swish: Swish
) -> None:
    case = a_case_whose_reminder_left()
    swish.control("next", answer="drop")
    with pytest.raises(SwishUnavailable):
        asked_for(case)
    lost = db.session.query(SwishRequest.id).scalar()
    assert ask(lost, at=NOW + timedelta(minutes=2)).status == "created"
    assert ask(lost, at=NOW + timedelta(minutes=4)).status == "error"


def test_a_second_click_within_two_minutes_finds_the_same_request(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    first = asked_for(case)
    assert asked_for(case, at=NOW + timedelta(seconds=119)) == first
    assert len(swish.running.register.payments()) == 1


def test_a_click_after_two_minutes_makes_a_new_request(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    first = asked_for(case)
    assert asked_for(case, at=NOW + timedelta(seconds=120)) != first


def test_a_click_when_another_amount_is_owed_makes_a_new_request(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    late = datetime(2026, 3, 10, 22, 59, 30, tzinfo=UTC)
    first = asked_for(case, at=late)
    # Half a minute into the next day by Swedish time, with a day's interest more.
    assert asked_for(case, at=late + timedelta(minutes=1)) != first


def test_an_answer_that_never_left_is_asked_for_again(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    swish.control("next", answer="drop")
    with pytest.raises(SwishUnavailable):
        asked_for(case)
    lost = db.session.query(SwishRequest.id).scalar()
    assert asked_for(case, at=NOW + timedelta(seconds=20)) == lost
    assert booking.find(lost).token


def test_another_amount_withdraws_what_waits(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    first = asked_for(case)
    second = asked_for(case, 30_000)
    assert (swish.seen(first)["status"], swish.seen(second)["status"]) == ("CANCELLED", "CREATED")
    assert (booking.find(first).status, booking.find(second).amount_ore) == ("cancelled", 30_000)


def test_the_same_part_again_finds_the_same_request(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    assert asked_for(case, 30_000) == asked_for(case, 30_000, at=NOW + timedelta(seconds=60))


def test_an_older_request_is_withdrawn_before_another_is_made(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    first = asked_for(case)
    asked_for(case, at=NOW + timedelta(seconds=150))
    assert swish.seen(first)["status"] == "CANCELLED"


def test_what_was_paid_before_it_could_be_withdrawn_is_shown_instead(
    app: Flask, swish: Swish
) -> None:
    case = a_case_whose_reminder_left()
    first = asked_for(case, 30_000)
    swish.control(f"requests/{first}/pay")
    assert asked_for(case, 20_000) == first
    assert [one.amount_ore for one in booking.payments_of(case.id)] == [30_000]
    assert len(swish.running.register.payments()) == 1


def test_while_nobody_knows_how_a_request_ended_no_other_is_made(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    first = asked_for(case, 30_000)
    swish.control(f"requests/{first}/silence")
    for later in (1, 20 * 60):
        assert asked_for(case, 20_000, at=NOW + timedelta(minutes=later)) == first
    assert len(swish.running.register.payments()) == 1


def test_when_swish_cannot_be_asked_no_other_request_is_made(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    asked_for(case, 30_000)
    swish.running.stop()
    with pytest.raises(SwishUnavailable):
        asked_for(case, 20_000)
    assert db.session.query(SwishRequest).count() == 1


def test_two_tabs_at_once_never_leave_two_requests_to_pay(app: Flask, swish: Swish) -> None:
    case_id = a_case_whose_reminder_left().id
    amounts = [10_000, 20_000, 30_000]

    def press(amount_ore: int) -> None:
        with app.app_context(), tenancy.service(), suppress(SwishUnavailable):
            asked_for_parts({case_id: amount_ore})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(press, amounts))
    live = [one.id for one in swish.running.register.payments() if one.status == "CREATED"]
    assert len(live) <= 1
    ours = db.session.scalars(select(SwishRequest.id).where(SwishRequest.status == "created"))
    assert list(ours) == live


@pytest.mark.parametrize("amount_ore", [0, -1, 99, OWED + 1])
def test_what_is_no_part_of_the_debt_is_not_asked_for(
    app: Flask, swish: Swish, amount_ore: int
) -> None:
    with pytest.raises(offers.WrongAmount):
        booking.prepare({a_case_whose_reminder_left().id: amount_ore}, now=NOW)


def test_nothing_is_asked_for_on_a_paid_case(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left()
    paid(swish, case)
    with pytest.raises(booking.NothingToPay):
        booking.prepare({case.id: None}, now=NOW)


def test_the_payer_reads_the_reference_after_however_long_a_name(app: Flask, swish: Swish) -> None:
    case = a_case_whose_reminder_left(
        a_creditor("Bostadsrättsföreningen Stora Sköndals Trädgårdsstad")
    )
    message = swish.seen(asked_for(case))["message"]
    assert message.endswith(f" {case.reference}")
