"""An objection stops the case until it is answered, and the answer goes out whatever happens."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some
from sqlalchemy import select

from portal import ledger
from portal.collection import (
    cases,
    changes,
    crossing,
    disputes,
    lifecycle,
    makeup,
    owed,
    plans,
    rates,
    settling,
    states,
    stops,
)
from portal.collection.models import Case
from portal.delivery import outbox, sending
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import DEBTOR, SWISH, Actor
from portal.law.interest import Movement, Period, Terms, accrue
from portal.messages import RedaError
from tests.factories import (
    NOW,
    TODAY,
    a_case,
    a_creditor,
    a_debtor_of,
    a_reminded_case,
    letters_leave,
)

CLERK = Actor("person", "Johan Ekdahl", None, "creditor")


def objected(case: Case | None = None, **said: Any) -> Case:
    case = case or a_reminded_case()
    values = {"reason": "paid", "words": "Jag har betalat", "amount_ore": None, "channel": "phone",
              "actor": CLERK, **said}  # fmt: skip
    disputes.object_to(cases.lock(case.id), today=TODAY, now=NOW, **values)
    db.session.commit()
    return case


def answered(case: Case, kind: str, credited_ore: int = 0) -> Case:
    disputes.answer(
        cases.lock(case.id), kind, words="Vi har tittat", credited_ore=credited_ore, actor=CLERK,
        today=TODAY, now=NOW,
    )  # fmt: skip
    db.session.commit()
    return cases.lock(case.id)


def letters(case: Case) -> list[tuple[str, str]]:
    rows = db.session.execute(
        select(Message.kind, Message.status).where(Message.case_id == case.id).order_by(Message.id)
    )
    return [(kind, status) for kind, status in rows]


def answer_of(case: Case) -> dict[str, Any]:
    return db.session.scalars(
        select(Message.content).where(Message.case_id == case.id, Message.kind == "dispute_answer")
    ).one()


def test_an_objection_stops_the_case(app: Flask) -> None:
    case = objected()
    assert cases.lock(case.id).is_stopped
    assert letters(case) == [("reminder", "withdrawn")]


def test_a_debtor_can_object(app: Flask) -> None:
    case = objected(actor=DEBTOR, channel="web")
    assert disputes.current(case.id) is not None


def test_nothing_more_happens_until_it_is_answered(app: Flask) -> None:
    case = objected()
    lifecycle.advance(TODAY + timedelta(days=60), NOW + timedelta(days=60))
    assert cases.lock(case.id).status == states.REMINDED


def test_a_second_objection_waits_for_the_first(app: Flask) -> None:
    with pytest.raises(RedaError, match="objection already"):
        objected(objected())


@pytest.mark.parametrize("wrong", [{"words": " "}, {"reason": "x"}, {"channel": "x"},
                                   {"amount_ore": 0}, {"amount_ore": 200_000}])  # fmt: skip
def test_what_is_no_objection_is_refused(app: Flask, wrong: dict[str, Any]) -> None:
    with pytest.raises(RedaError):
        objected(**wrong)


def test_the_rest_of_a_part_can_be_paid(app: Flask) -> None:
    case = objected(amount_ore=30_000)
    dispute = disputes.current(case.id)
    assert dispute is not None
    assert disputes.undisputed_ore(dispute, cases.amount_due(case, TODAY)) == 70_548


def test_all_of_it_objected_to_is_no_part(app: Flask) -> None:
    dispute = disputes.current(objected(amount_ore=106_548).id)
    assert dispute is not None
    assert dispute.amount_ore is None


def test_who_was_right_owes_nothing_more(app: Flask) -> None:
    case = answered(objected(), disputes.UPHELD)
    assert case.status == states.CREDITED
    assert ledger.balance(case.id).total_ore == 0
    assert letters(case)[-1] == ("dispute_answer", "waiting")
    assert (answer_of(case)["total_ore"], answer_of(case)["pay_by_on"]) == (0, None)


def test_costs_alone_fall_when_the_debtor_was_right(app: Flask) -> None:
    case = a_reminded_case()
    letters_leave()
    changes.creditor_was_paid(
        cases.lock(case.id), amount_ore=100_548, key="p", on=TODAY, actor=CLERK, now=NOW
    )
    db.session.commit()
    case = answered(objected(case), disputes.UPHELD)
    assert case.closed_on is not None
    assert ledger.balance(case.id).total_ore == 0


def test_who_was_right_in_part_owes_the_rest(app: Flask) -> None:
    case = answered(objected(), disputes.PARTLY, 40_000)
    assert ledger.balance(case.id).principal_ore == 60_000
    assert not case.is_stopped
    assert answer_of(case)["credited_ore"] == 40_000


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(ore=1_000, part=91, later=0, is_booked=True)
@example(ore=1_000, part=91, later=40, is_booked=True)
@example(ore=1_000, part=91, later=40, is_booked=False)
@example(ore=9_999, part=91, later=9, is_booked=False)
@given(
    ore=some.integers(1_000, 900_000), part=some.integers(1, 99), later=some.integers(0, 40),
    is_booked=some.booleans(),
)  # fmt: skip
def test_a_claim_that_was_wrong_in_part_bears_the_interest_of_the_right_one(
    app: Flask, ore: int, part: int, later: int, is_booked: bool
) -> None:
    wrong = ore * part // 100
    right = a_reminded_case(amount_ore=ore - wrong, balance_ore=ore - wrong)
    case = a_reminded_case(amount_ore=ore, balance_ore=ore)
    answered(objected(case), disputes.PARTLY, wrong)
    on = TODAY + timedelta(days=later)
    for one in (case, right) if is_booked else ():
        crossing.book_interest(one, cases.amount_due(one, TODAY), key=f"{one.id}:t", now=NOW)
    due, as_right = cases.amount_due(case, on), cases.amount_due(right, on)
    assert (due.principal_ore, due.interest_ore) == (ore - wrong, as_right.interest_ore)
    assert periods(case, due) == periods(right, as_right)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(ore=1_000, part=91, later=40)
@example(ore=100_000, part=40, later=33)
@given(ore=some.integers(1_000, 900_000), part=some.integers(1, 99), later=some.integers(0, 40))
def test_the_interest_of_what_was_right_is_rounded_once(
    app: Flask, ore: int, part: int, later: int
) -> None:
    wrong, case = ore * part // 100, a_reminded_case(amount_ore=ore, balance_ore=ore)
    answered(objected(case), disputes.PARTLY, wrong)
    assert answer_of(case)["total_ore"] == cases.amount_due(case, TODAY).total_ore
    on = TODAY + timedelta(days=later)
    due = cases.amount_due(case, on)
    crossing.book_interest(case, due, key=f"{case.id}:t", now=NOW)
    assert ledger.balance(case.id).interest_ore == interest_of(case, ore - wrong, on)
    assert interest_among_all(case, on) == [due.interest_ore]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(ore=1_000, part=91, later=40)
@given(ore=some.integers(1_000, 900_000), part=some.integers(1, 99), later=some.integers(1, 40))
def test_interest_that_was_booked_on_what_was_never_owed_is_given_up_to_the_öre(
    app: Flask, ore: int, part: int, later: int
) -> None:
    wrong, case = ore * part // 100, a_reminded_case(amount_ore=ore, balance_ore=ore)
    before = TODAY - timedelta(days=3)
    crossing.book_interest(case, cases.amount_due(case, before), key=f"{case.id}:b", now=NOW)
    booked_through = ledger.of_case(case.id).interest_booked_through()
    answered(objected(case), disputes.PARTLY, wrong)
    if booked_through is not None:
        assert ledger.balance(case.id).interest_ore == interest_of(case, ore - wrong, before)
    on = TODAY + timedelta(days=later)
    due = cases.amount_due(case, on)
    since = interest_of(case, ore - wrong, on, booked_through)
    assert due.interest_ore == ledger.balance(case.id).interest_ore + since
    assert interest_among_all(case, on) == [due.interest_ore]
    assert sum(one.ore for one in makeup.of(case, makeup.INTEREST, due)) == due.interest_ore


def test_what_was_owed_on_a_day_before_the_answer_is_told_as_it_stood(app: Flask) -> None:
    case = a_reminded_case()
    before, on = TODAY - timedelta(days=1), TODAY + timedelta(days=20)
    as_it_stood = cases.owed_on(case, before)
    answered(objected(case), disputes.PARTLY, 40_000)
    assert cases.owed_on(case, before) == as_it_stood
    for day in (before, TODAY, on):
        many = interest_among_all(case, day)
        assert many == ([cases.owed_on(case, day).interest_ore] if many else [])


def test_interest_booked_before_the_answer_keeps_its_periods(app: Flask) -> None:
    case = a_reminded_case()
    before = cases.amount_due(case, TODAY - timedelta(days=3))
    crossing.book_interest(case, before, key="b", now=NOW)
    answered(objected(case), disputes.PARTLY, 40_000)
    rows = makeup.of(case, makeup.INTEREST, cases.amount_due(case, TODAY))
    assert [one.kind for one in rows] == ["interest.accrued", "interest.waived", makeup.RUNNING]
    assert rows[0].accrual == before.accrual


def interest_among_all(case: Case, on: date) -> list[int]:
    """What the list of all the creditor's cases tells of a case; nothing before it was taken."""
    many = owed.every(on, case.creditor_id)
    return [one.interest_ore for one in many if one.case_id == case.id]


def interest_of(case: Case, ore: int, on: date, from_on: date | None = None) -> int:
    """The law's interest on a claim of so many öre."""
    return accrue(
        [Movement(case.due_on, ore)], due_on=case.due_on, until=on, from_on=from_on,
        terms=Terms(case.interest_kind, case.agreed_rate), rates=rates.table(),
    ).ore  # fmt: skip


def periods(case: Case, due: cases.AmountDue) -> Sequence[Period]:
    """What a letter says of how the interest was reckoned."""
    return [one for accrual in cases.interest_stated(case, due) for one in accrual.periods]


@pytest.mark.parametrize("ore", [0, -1, 100_000, 100_001])
def test_a_part_is_a_part(app: Flask, ore: int) -> None:
    with pytest.raises(RedaError, match="Write a part"):
        answered(objected(), disputes.PARTLY, ore)


def test_a_claim_that_stands_goes_on_with_time_to_pay(app: Flask) -> None:
    case = answered(objected(), disputes.TURNED_DOWN)
    assert not case.is_stopped
    assert case.pay_by_on is not None
    assert case.pay_by_on >= TODAY + timedelta(days=10)
    assert case.next_step_on is not None
    assert case.next_step_on > case.pay_by_on
    assert date.fromisoformat(answer_of(case)["pay_by_on"]) == case.pay_by_on


def test_a_reminder_that_was_held_back_is_written_anew_though_there_was_a_question(
    app: Flask,
) -> None:
    case = objected()
    disputes.ask(cases.lock(case.id), words="När?", actor=CLERK, today=TODAY, now=NOW)
    answered(case, disputes.TURNED_DOWN)
    assert [kind for kind, status in letters(case) if status == "waiting"] == [
        "dispute_answer", "reminder", "dispute_answer",
    ]  # fmt: skip


def test_while_something_else_stops_the_case_no_day_is_given(app: Flask) -> None:
    case = objected()
    stops.stop(cases.lock(case.id), states.BANKRUPT, "", actor=CLERK, now=NOW)
    case = answered(case, disputes.TURNED_DOWN)
    assert case.is_stopped
    assert answer_of(case)["pay_by_on"] is None


def test_a_question_keeps_the_case_still(app: Flask) -> None:
    case = objected()
    disputes.ask(cases.lock(case.id), words="När?", actor=CLERK, today=TODAY, now=NOW)
    assert cases.lock(case.id).is_stopped
    assert answer_of(case)["answer"] == "asked"


def test_what_is_said_is_kept_in_turns(app: Flask) -> None:
    case = objected()
    disputes.ask(cases.lock(case.id), words="När?", actor=CLERK, today=TODAY, now=NOW)
    disputes.reply(cases.lock(case.id), words="I går", actor=DEBTOR, now=NOW)
    answered(case, disputes.TURNED_DOWN)
    (dispute,) = disputes.of_case(case.id)
    assert [(one.kind, one.words) for one in dispute.turns] == [
        ("objected", "Jag har betalat"), ("asked", "När?"), ("replied", "I går"),
        ("answered", "Vi har tittat"),
    ]  # fmt: skip


def test_an_answer_goes_out_though_the_case_stands_still_again(app: Flask) -> None:
    case = answered(objected(), disputes.TURNED_DOWN)
    stops.stop(cases.lock(case.id), states.HOLD, "", actor=CLERK, now=NOW)
    db.session.commit()
    assert letters(case)[-1] == ("dispute_answer", "waiting")


def test_an_answer_is_printed_and_sent(app: Flask) -> None:
    debtor = a_debtor_of(creditor := a_creditor(), language="ar")
    case = answered(objected(a_reminded_case(creditor, debtor=debtor)), disputes.TURNED_DOWN)
    sending.deliver_waiting(NOW)
    assert {status for kind, status in letters(case) if kind == "dispute_answer"} == {"sent"}


def test_an_answer_that_could_not_be_sent_is_tried_again_as_it_was(app: Flask) -> None:
    case = answered(objected(), disputes.UPHELD)
    message = db.session.scalars(select(Message).where(Message.kind == "dispute_answer")).one()
    message.status = "failed"
    db.session.commit()
    assert outbox.try_again(message.id, NOW)
    assert letters(case)[-1] == ("dispute_answer", "waiting")


def test_an_objection_lapses_when_all_is_paid(app: Flask) -> None:
    case = objected()
    settling.settle_payment(
        cases.lock(case.id), amount_ore=106_548, key="p", channel="swish", value_on=TODAY,
        actor=SWISH, now=NOW,
    )  # fmt: skip
    db.session.commit()
    (dispute,) = disputes.of_case(case.id)
    assert dispute.status == "lapsed"


def test_there_is_nothing_to_answer_without_an_objection(app: Flask) -> None:
    with pytest.raises(RedaError, match="No objection waits"):
        answered(a_case(), disputes.UPHELD)


def test_a_plan_goes_on_beside_an_objection(app: Flask) -> None:
    case = a_reminded_case()
    plans.agree(cases.lock(case.id), monthly_ore=50_000, first_on=TODAY, actor=DEBTOR, today=TODAY,
                now=NOW)  # fmt: skip
    case = answered(objected(case), disputes.TURNED_DOWN)
    assert plans.running(case.id) is not None
    assert case.is_stopped
