"""A payment that never was paid on a case interrupts no limitation of its claim."""

from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from portal.collection import cases, changes, disputes, lifecycle, states
from portal.collection.models import Case
from portal.collection.receiving import Received
from portal.collection.settling import Stays
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.law import limitation
from portal.payments import booking
from tests.factories import (
    NOW,
    TODAY,
    a_case,
    a_case_whose_reminder_left,
    a_creditor,
    letters_leave,
)

ERIK = Actor("person", "Erik Wallin", None, "operator")
EVA = Actor("person", "Eva", role="creditor")


def pays(case: Case, ore: int, day: int, key: str = "a") -> None:
    booking.receive(
        case.id, amount_ore=ore, currency="SEK", key=f"bankgiro:{case.id}:{key}",
        channel="bankgiro", value_on=TODAY + timedelta(days=day), payer=None, actor=SYSTEM,
        now=NOW + timedelta(days=day),
    )  # fmt: skip
    db.session.commit()


def taken_back(
    case: Case, day: int, key: str = "a", *, by_bank: bool = False, stays_ore: int = 0
) -> None:
    reference = f"bankgiro:{case.id}:{key}"
    stays = [Stays(stays_ore, f"{reference}:2", "bankgiro")] if stays_ore else []
    payment = booking.take_back(
        reference, by_bank=by_bank, on=TODAY + timedelta(days=day), actor=ERIK,
        now=NOW + timedelta(days=day), stays=stays,
    )  # fmt: skip
    assert payment is not None
    db.session.commit()


def limited_on(case: Case) -> date:
    return cases.lock(case.id).limited_on


def three_years_after(day: int) -> date:
    found = limitation.limited_on(TODAY + timedelta(days=day), is_consumer=True)
    assert found is not None
    return found


@pytest.mark.parametrize("by_bank", [False, True])
def test_a_payment_that_is_taken_back_leaves_the_day_of_limitation_as_it_was(
    app: Flask, by_bank: bool
) -> None:
    case = a_case_whose_reminder_left()
    before = case.limited_on
    pays(case, 20_000, 40)
    assert limited_on(case) == three_years_after(40)
    taken_back(case, 41, by_bank=by_bank)
    assert limited_on(case) == before == three_years_after(0)


def test_so_does_one_that_was_received_with_thousands(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    came = Received(case.id, 20_000, f"bankgiro:{case.id}:a", "bankgiro", TODAY + timedelta(days=9))
    booking.receive_many([came], actor=SYSTEM, now=NOW)
    db.session.commit()
    assert limited_on(case) == three_years_after(9)
    taken_back(case, 41)
    assert limited_on(case) == three_years_after(0)


def test_history_tells_of_the_day_that_was_set_back(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    pays(case, 20_000, 40)
    taken_back(case, 41)
    told = cases.latest_event(case.id, "case.payment_taken_back")
    assert told is not None
    assert told.data["limited_on"] == three_years_after(0).isoformat()


def test_what_the_bank_leaves_of_a_payment_is_paid_still(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    pays(case, 20_000, 40)
    taken_back(case, 60, by_bank=True, stays_ore=5_000)
    assert limited_on(case) == three_years_after(40)


def test_what_comes_again_interrupts_on_the_day_that_it_came_first(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    pays(case, 20_000, 40)
    taken_back(case, 60, by_bank=True)
    pays(case, 20_000, 40, "a:2")
    assert limited_on(case) == three_years_after(40)


def test_another_payment_that_stands_interrupts_still(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    pays(case, 20_000, 40, "a")
    pays(case, 20_000, 30, "b")
    taken_back(case, 41, "a")
    assert limited_on(case) == three_years_after(30)


def test_payments_that_are_taken_back_in_any_order_interrupt_nothing(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    pays(case, 20_000, 30, "a")
    pays(case, 20_000, 40, "b")
    taken_back(case, 41, "a")
    assert limited_on(case) == three_years_after(40)
    taken_back(case, 41, "b")
    assert limited_on(case) == three_years_after(0)


def test_money_that_the_creditor_got_interrupts_still(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    pays(case, 20_000, 40)
    changes.creditor_was_paid(
        cases.lock(case.id), amount_ore=100, on=TODAY + timedelta(days=20), key="1", actor=EVA,
        now=NOW + timedelta(days=40),
    )  # fmt: skip
    taken_back(case, 41)
    assert limited_on(case) == three_years_after(20)


def test_a_demand_of_later_interrupts_still(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    pays(case, 20_000, 10)
    later = timedelta(days=20)
    lifecycle.send_demand(cases.lock(case.id), today=TODAY + later, now=NOW + later)
    letters_leave("demand")
    taken_back(case, 41)
    assert limited_on(case) == three_years_after(20)


def test_a_letter_that_never_left_interrupts_nothing(app: Flask) -> None:
    creditor = a_creditor()
    case = a_case(creditor)
    arose_on = case.limited_on
    lifecycle.send_reminder(case, today=TODAY, now=NOW)
    pays(case, cases.amount_due(case, TODAY).total_ore, 0)
    assert cases.lock(case.id).status == states.PAID
    taken_back(case, 41)
    assert limited_on(case) == arose_on


def test_an_answer_that_gave_time_to_pay_interrupts_still(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    pays(case, 20_000, 10)
    held, later = cases.lock(case.id), timedelta(days=20)
    disputes.object_to(
        held, reason=disputes.AMOUNT, words="Fel", amount_ore=None, channel="web", actor=EVA,
        today=TODAY + later, now=NOW + later,
    )  # fmt: skip
    disputes.answer(
        held, disputes.TURNED_DOWN, words="Nej", actor=EVA, today=TODAY + later, now=NOW + later
    )
    taken_back(case, 41)
    assert limited_on(case) == three_years_after(20)


def test_a_case_that_was_paid_and_is_opened_again_is_limited_as_if_it_had_not_been(
    app: Flask,
) -> None:
    case = a_case_whose_reminder_left()
    pays(case, 200_000, 100)
    assert cases.lock(case.id).status == states.PAID
    taken_back(case, 101)
    assert cases.lock(case.id).status == states.REMINDED
    assert limited_on(case) == three_years_after(0)


def test_a_claim_that_was_limited_but_for_the_payment_is_closed_and_demanded_no_more(
    app: Flask,
) -> None:
    case = a_case_whose_reminder_left()
    pays(case, 20_000, 40)
    days = 3 * 365 + 20
    taken_back(case, days)
    lifecycle.advance(TODAY + timedelta(days=days), NOW + timedelta(days=days))
    assert cases.lock(case.id).status == states.LIMITED


def test_a_case_that_is_limited_stays_so(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    pays(case, 20_000, 40)
    day = (three_years_after(40) - TODAY).days
    lifecycle.advance(TODAY + timedelta(days=day), NOW + timedelta(days=day))
    assert cases.lock(case.id).status == states.LIMITED
    taken_back(case, day + 1)
    assert cases.lock(case.id).status == states.LIMITED
    assert limited_on(case) == three_years_after(0)


payments = st.lists(
    st.tuples(st.integers(0, 60), st.integers(100, 40_000), st.booleans()), min_size=1, max_size=4
)


@given(some=payments)
@examples(
    max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_a_claim_is_limited_as_if_what_was_taken_back_had_never_come(
    app: Flask, some: list[tuple[int, int, bool]]
) -> None:
    case, other = a_case_whose_reminder_left(), a_case_whose_reminder_left()
    for place, (day, ore, stays) in enumerate(some):
        pays(case, ore, day, str(place))
        if stays:
            pays(other, ore, day, str(place))
    for place, (_, _, stays) in enumerate(some):
        if not stays:
            taken_back(case, 61, str(place))
    assert limited_on(case) == limited_on(other)
