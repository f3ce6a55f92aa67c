"""More time to pay: as far and as often as the rules say, at the interest of the law, no fee."""

from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import select

from portal.collection import (
    cases,
    coming,
    lifecycle,
    plans,
    postponing,
    rates,
    settling,
    states,
    stops,
)
from portal.collection.models import Case, Event
from portal.delivery import sending
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import DEBTOR, SWISH, SYSTEM, Actor
from portal.law.calendar import is_banking_day
from portal.law.interest import STATUTORY, Movement, Terms, accrue
from portal.messages import RedaError
from tests.factories import NOW, TODAY, a_case, a_creditor, a_reminded_case, rules_of

QUICK = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
CLERK = Actor("person", "Sofia", role="creditor")


def a_case_with(**rules: object) -> Case:
    creditor = a_creditor()
    rules_of(creditor, **rules)
    return a_reminded_case(creditor)


def taken(case: Case, pay_by_on: date, today: date = TODAY) -> bool:
    done = postponing.postpone(cases.lock(case.id), pay_by_on, actor=DEBTOR, today=today, now=NOW)
    db.session.commit()
    return done


def last_choice(case: Case, today: date = TODAY) -> date:
    return postponing.choices(case, today=today)[-1].pay_by_on


@QUICK
@given(days=some.integers(1, 90), wait=some.integers(0, 14))
def test_no_choice_is_later_than_the_rules_let_it_be(app: Flask, days: int, wait: int) -> None:
    case = a_case_with(postpone_days=days)
    assert case.pay_by_on is not None
    today = TODAY + timedelta(days=wait)
    from_on = max(case.pay_by_on, today)
    found = [one.pay_by_on for one in postponing.choices(case, today=today)]
    assert found == sorted(set(found))
    assert len(found) <= 4
    assert all(is_banking_day(one) for one in found)
    assert all(from_on < one <= from_on + timedelta(days=days) for one in found)
    if days >= 6:
        assert found


@QUICK
@given(days=some.integers(6, 90), wait=some.integers(0, 14), paid=some.integers(0, 90_000))
def test_the_interest_to_the_new_day_is_that_of_the_law(
    app: Flask, days: int, wait: int, paid: int
) -> None:
    case, today = a_case_with(postpone_days=days), TODAY + timedelta(days=wait)
    if paid:
        settling.settle_payment(
            case, amount_ore=paid, key="x", channel="swish", value_on=TODAY, actor=SWISH, now=NOW
        )
    due = cases.amount_due(case, TODAY)
    table = rates.table()
    for one in postponing.choices(case, today=today):
        law = accrue(
            [Movement(case.due_on, due.principal_ore)], due_on=case.due_on,
            until=min(one.pay_by_on, table.known_through), terms=Terms(STATUTORY, None),
            rates=table, from_on=TODAY if paid else None,
        )  # fmt: skip
        booked_ore = due.interest_ore if paid else 0
        assert one.total_ore == due.principal_ore + due.fees_ore + booked_ore + law.ore
    db.session.rollback()


def test_the_last_day_and_the_next_step_move_and_the_debtor_is_told(app: Flask) -> None:
    case = a_case_with(demand_after_days=4)
    fees_ore = cases.amount_due(case, TODAY).fees_ore
    new_on = last_choice(case)
    assert taken(case, new_on)
    assert case.pay_by_on == new_on
    assert case.next_step_on is not None
    assert case.next_step_on >= new_on + timedelta(days=4)
    assert cases.amount_due(case, TODAY).fees_ore == fees_ore
    event = db.session.scalars(select(Event).where(Event.name == "case.postponed")).one()
    assert event.data["pay_by_on"] == new_on.isoformat()
    letter = db.session.scalars(select(Message).where(Message.kind == "more_time")).one()
    assert letter.content["pay_by_on"] == new_on.isoformat()


def test_the_letter_that_tells_of_it_is_sent(app: Flask) -> None:
    case = a_case_with()
    taken(case, last_choice(case))
    assert sending.deliver_waiting(NOW) == sending.Delivered(sent=2, failed=0)


def test_twice_does_nothing_more(app: Flask) -> None:
    case = a_case_with(postpone_times=3)
    new_on = last_choice(case)
    assert [taken(case, new_on), taken(case, new_on)] == [True, False]
    assert postponing.times_left(case, lifecycle.rules_of(case)) == 2


def test_it_can_be_done_as_often_as_the_rules_say(app: Flask) -> None:
    case = a_case_with(postpone_times=2)
    assert taken(case, last_choice(case))
    assert taken(case, last_choice(case))
    assert postponing.choices(case, today=TODAY) == []
    with pytest.raises(RedaError, match="as often as you can"):
        taken(case, TODAY + timedelta(days=40))


def test_a_day_that_was_not_offered_is_refused(app: Flask) -> None:
    case = a_case_with(postpone_days=14)
    with pytest.raises(RedaError) as found:
        taken(case, last_choice(case) + timedelta(days=1))
    assert found.value.problem.field == "pay_by_on"


def agree(case: Case) -> None:
    plans.agree(
        case, monthly_ore=40_000, first_on=TODAY + timedelta(days=5), actor=DEBTOR, today=TODAY,
        now=NOW,
    )  # fmt: skip


@pytest.mark.parametrize(
    "becomes",
    [
        agree,
        lambda case: stops.stop(case, states.DISPUTE, "", actor=DEBTOR, now=NOW),
        lambda case: lifecycle.watch_over(case, actor=CLERK, now=NOW),
        lambda case: lifecycle.write_off(case, actor=CLERK, today=TODAY, now=NOW),
    ],
    ids=["plan", "dispute", "surveillance", "closed"],
)  # fmt: skip
def test_a_case_with_no_last_day_to_move_has_none_moved(app: Flask, becomes) -> None:  # type: ignore[no-untyped-def]
    case = a_case_with()
    new_on = last_choice(case)
    case.status = states.DEMANDED
    becomes(case)
    db.session.commit()
    with pytest.raises(RedaError):
        taken(case, new_on)


def test_before_the_reminder_there_is_nothing_to_move(app: Flask) -> None:
    case = a_case()
    assert postponing.choices(case, today=TODAY) == []
    assert postponing.why_not(case, lifecycle.rules_of(case)) is not None


def test_a_creditor_that_wants_to_be_asked_is_asked(app: Flask) -> None:
    case = a_case_with(may_postpone=False)
    problem = postponing.why_not(case, lifecycle.rules_of(case))
    assert problem is not None
    assert "must be asked for" in problem.message


def test_no_demand_comes_before_the_new_day_is_over(app: Flask) -> None:
    case = a_case_with(postpone_days=30)
    new_on = last_choice(case)
    taken(case, new_on)
    day = TODAY
    while cases.lock(case.id).status == states.REMINDED:
        day += timedelta(days=1)
        lifecycle.advance(day, NOW + (day - TODAY))
        db.session.commit()
    assert day > new_on
    assert case.status == states.DEMANDED


def test_a_letter_that_is_written_anew_gives_no_less_time_than_was_taken(app: Flask) -> None:
    case = a_case_with(postpone_days=30)
    new_on = last_choice(case)
    taken(case, new_on)
    stops.stop(cases.lock(case.id), states.HOLD, "", actor=CLERK, now=NOW)
    told = coming.of_case(case, 100_000, TODAY)
    assert told.held_by == states.HOLD
    lifecycle.resume(case, states.HOLD, actor=SYSTEM, today=TODAY, now=NOW)
    assert case.pay_by_on == new_on
