"""Under a stop a case stands still; when it is over, the case goes on where it was."""

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import ledger
from portal.collection import (
    cases,
    changes,
    lifecycle,
    moves,
    plan_offers,
    plans,
    settling,
    states,
    stops,
)
from portal.collection.models import Case
from portal.delivery import sending
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import DEBTOR, SWISH, SYSTEM, Actor
from portal.messages import RedaError
from tests.factories import NOW, TODAY, a_case, a_reminded_case, letters_leave

CLERK = Actor("person", "Johan Ekdahl", None, "creditor")


def stop(case: Case, kind: str = states.HOLD, until_on: date | None = None) -> None:
    stops.stop(cases.lock(case.id), kind, "reason", actor=CLERK, now=NOW, until_on=until_on)
    db.session.commit()


def advance(days: int) -> None:
    lifecycle.advance(TODAY + timedelta(days=days), NOW + timedelta(days=days))
    db.session.commit()


def letters() -> dict[str, int]:
    rows = db.session.execute(select(Message.status, func.count()).group_by(Message.status))
    return {status: count for status, count in rows}  # noqa: C416


@pytest.mark.parametrize("kind", states.STOPS)
def test_no_letter_is_written_under_any_stop(app: Flask, kind: str) -> None:
    stop(a_case(), kind)
    advance(30)
    assert letters() == {}


def test_a_letter_that_waits_is_held_back(app: Flask) -> None:
    stop(a_reminded_case())
    assert letters() == {"withdrawn": 1}


def test_a_letter_that_was_held_back_is_written_anew_when_the_case_goes_on(app: Flask) -> None:
    case = a_reminded_case()
    stop(case)
    lifecycle.resume(cases.lock(case.id), states.HOLD, actor=CLERK, today=TODAY, now=NOW)
    db.session.commit()
    assert letters() == {"withdrawn": 1, "waiting": 1}
    assert ledger.balance(case.id).fees_ore == 6_000


def test_a_letter_that_was_sent_is_not_written_again(app: Flask) -> None:
    case = a_reminded_case()
    sending.deliver_waiting(NOW)
    stop(case)
    lifecycle.resume(cases.lock(case.id), states.HOLD, actor=CLERK, today=TODAY, now=NOW)
    db.session.commit()
    assert letters() == {"sent": 1}


def test_a_hold_ends_by_itself_on_its_day(app: Flask) -> None:
    case = a_case()
    stop(case, until_on=TODAY + timedelta(days=10))
    advance(9)
    assert cases.lock(case.id).is_stopped
    advance(10)
    assert cases.lock(case.id).status == states.REMINDED


def test_what_waited_comes_no_earlier_than_the_day_that_the_case_goes_on(app: Flask) -> None:
    case = a_case()
    stop(case)
    later = TODAY + timedelta(days=40)
    lifecycle.resume(cases.lock(case.id), states.HOLD, actor=CLERK, today=later, now=NOW)
    assert cases.lock(case.id).next_step_on == date(2026, 4, 20)


def test_a_case_stands_still_until_the_last_of_its_stops_is_over(app: Flask) -> None:
    case = a_case()
    stop(case, states.HOLD)
    stop(case, states.DISPUTE)
    lifecycle.resume(cases.lock(case.id), states.HOLD, actor=CLERK, today=TODAY, now=NOW)
    assert cases.lock(case.id).is_stopped
    lifecycle.resume(cases.lock(case.id), states.DISPUTE, actor=CLERK, today=TODAY, now=NOW)
    assert not cases.lock(case.id).is_stopped


def test_the_same_stop_twice_is_one_stop(app: Flask) -> None:
    case = a_case()
    stop(case)
    stop(case)
    assert len(moves.open_stops(case.id)) == 1


def test_a_debtor_may_object_and_the_debtor_alone_cannot_take_it_back(app: Flask) -> None:
    case = cases.lock(a_case().id)
    stops.stop(case, states.DISPUTE, "not mine", actor=DEBTOR, now=NOW)
    with pytest.raises(states.NotAllowed):
        stops.end(case, states.DISPUTE, actor=DEBTOR, today=TODAY, now=NOW)


def test_a_closed_case_cannot_be_stopped(app: Flask) -> None:
    case = a_reminded_case()
    settling.settle_payment(
        cases.lock(case.id), amount_ore=106_548, key="x", channel="swish", value_on=TODAY,
        actor=SWISH, now=NOW,
    )  # fmt: skip
    with pytest.raises(states.NotAllowed):
        stop(case)


def test_paying_under_a_stop_closes_the_case_and_ends_the_stop(app: Flask) -> None:
    case = a_reminded_case()
    stop(case, states.DISPUTE)
    settling.settle_payment(
        cases.lock(case.id), amount_ore=106_548, key="x", channel="swish", value_on=TODAY,
        actor=SWISH, now=NOW,
    )  # fmt: skip
    assert cases.lock(case.id).status == states.PAID
    assert moves.open_stops(case.id) == []


def test_an_unknown_reason_to_stop_is_refused(app: Flask) -> None:
    with pytest.raises(RedaError, match="no such reason"):
        stop(a_case(), "tired")


class TestPlans:
    def agree(self, case: Case, monthly_ore: int = 30_000) -> None:
        plans.agree(
            cases.lock(case.id), monthly_ore=monthly_ore, first_on=TODAY + timedelta(days=20),
            actor=DEBTOR, today=TODAY, now=NOW,
        )  # fmt: skip
        db.session.commit()

    def pay(self, case: Case, ore: int, on: date) -> None:
        settling.settle_payment(
            cases.lock(case.id), amount_ore=ore, key=f"{on}", channel="swish", value_on=on,
            actor=SWISH, now=NOW,
        )  # fmt: skip
        db.session.commit()

    def test_the_proposed_parts_are_what_is_owed_with_the_fee_and_the_interest(
        self, app: Flask
    ) -> None:
        case = a_reminded_case()
        letters_leave()
        found = plan_offers.propose(
            case, monthly_ore=30_000, first_on=TODAY + timedelta(days=20), today=TODAY
        )
        assert found.fee_ore == 17_000
        assert sum(one.principal_ore for one in found.parts) == 100_000
        assert sum(one.fees_ore for one in found.parts) == 6_000 + 17_000
        assert all(one.amount_ore <= 30_000 for one in found.parts)

    def test_a_plan_kept_to_the_letter_pays_the_case(self, app: Flask) -> None:
        case = a_reminded_case()
        self.agree(case)
        plan = plans.running(case.id)
        assert plan is not None
        for one in plan.instalments:
            self.pay(case, one.amount_ore, one.due_on)
            advance((one.due_on - TODAY).days + 1)
        assert cases.lock(case.id).status == states.PAID
        assert plan.status == "kept"

    def test_what_came_earlier_the_same_day_pays_no_part_of_the_plan(self, app: Flask) -> None:
        case = a_reminded_case()
        settling.settle_payment(
            cases.lock(case.id), amount_ore=10_000, key="before", channel="swish", value_on=TODAY,
            actor=SWISH, now=NOW - timedelta(hours=1),
        )  # fmt: skip
        plan = plans.agree(
            cases.lock(case.id), monthly_ore=30_000, first_on=TODAY + timedelta(days=20),
            actor=DEBTOR, today=TODAY, now=NOW,
        )  # fmt: skip
        db.session.commit()
        assert plans.progress(plan)[0].came_ore == 0

    def test_no_letter_but_the_plan_comes_while_it_is_kept(self, app: Flask) -> None:
        case = a_reminded_case()
        self.agree(case)
        sending.deliver_waiting(NOW)
        advance(24)
        assert letters() == {"withdrawn": 1, "sent": 1}

    def test_a_missed_part_breaks_the_plan_after_its_days_of_grace(self, app: Flask) -> None:
        case = a_reminded_case()
        self.agree(case)
        advance(25)
        assert plans.running(case.id) is not None
        advance(27)
        assert plans.running(case.id) is None
        assert not cases.lock(case.id).is_stopped

    def test_a_part_that_was_paid_to_the_creditor_keeps_the_plan(self, app: Flask) -> None:
        case = a_reminded_case()
        self.agree(case)
        changes.creditor_was_paid(
            cases.lock(case.id), amount_ore=30_000, on=TODAY + timedelta(days=20), key="directly",
            actor=CLERK, now=NOW + timedelta(days=20),
        )  # fmt: skip
        db.session.commit()
        advance(27)
        assert plans.running(case.id) is not None

    @pytest.mark.parametrize("kind", [one for one in states.STOPS if one != states.PLAN])
    def test_no_plan_is_broken_while_the_case_stands_still(self, app: Flask, kind: str) -> None:
        case = a_reminded_case()
        self.agree(case)
        stop(case, kind)
        advance(40)
        assert plans.running(case.id) is not None

    def test_a_plan_is_given_time_when_what_held_the_case_is_over(self, app: Flask) -> None:
        case = a_reminded_case()
        self.agree(case)
        stop(case, states.HOLD, until_on=TODAY + timedelta(days=30))
        for day in range(28, 41):
            advance(day)
        plan = plans.running(case.id)
        assert plan is not None
        assert plans.progress(plan)[0].broken_after_on == TODAY + timedelta(days=40)
        advance(41)
        assert plans.running(case.id) is None

    @pytest.mark.parametrize(
        ("due_on", "last_on"),
        [
            (date(2025, 12, 23), date(2025, 12, 30)),
            (date(2026, 12, 23), date(2026, 12, 29)),
            (date(2026, 12, 30), date(2027, 1, 5)),
            (date(2027, 3, 25), date(2027, 3, 31)),
            (date(2026, 4, 10), date(2026, 4, 15)),
        ],
    )
    def test_holidays_take_nothing_of_the_time_that_money_needs(
        self, app: Flask, due_on: date, last_on: date
    ) -> None:
        case = a_reminded_case()
        self.agree(case)
        plan = plans.running(case.id)
        assert plan is not None
        for place, one in enumerate(plan.instalments):
            one.due_on = due_on + timedelta(days=30 * place)
        db.session.commit()
        assert plans.progress(plan)[0].broken_after_on == last_on
        assert plans.missed(last_on, 10) == []
        assert plans.missed(last_on + timedelta(days=1), 10) == [case.id]

    def test_the_letter_of_a_plan_goes_out_whatever_else_stops_the_case(self, app: Flask) -> None:
        case = a_reminded_case()
        sending.deliver_waiting(NOW)
        self.agree(case)
        stop(case, states.DISPUTE)
        assert letters() == {"sent": 1, "waiting": 1}

    def test_a_second_plan_is_refused(self, app: Flask) -> None:
        case = a_reminded_case()
        self.agree(case)
        with pytest.raises(RedaError, match="payment plan already"):
            self.agree(case)

    @pytest.mark.parametrize("monthly_ore", [0, -1, 100])
    def test_a_plan_that_would_never_end_is_refused(self, app: Flask, monthly_ore: int) -> None:
        with pytest.raises(RedaError):
            self.agree(a_reminded_case(), monthly_ore)


def test_only_whom_the_table_names_can_write_off(app: Flask) -> None:
    with pytest.raises(states.NotAllowed):
        lifecycle.write_off(a_case(), actor=DEBTOR, today=TODAY, now=NOW)
    lifecycle.write_off(a_case(), actor=SYSTEM, today=TODAY, now=NOW)
