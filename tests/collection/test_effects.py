"""What is shown of an act before it is done is what is done, whatever acts came before it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import func, select

from portal import ledger
from portal.collection import changes, checks, disputes, effects, lifecycle, plans, states, stops
from portal.collection.effects import ChangedMeanwhile, DoneBefore, Effect, Verb
from portal.collection.models import Case, Deed, Event
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import RedaError
from tests.factories import NOW, TODAY, a_case, a_creditor, a_reminded_case, letters_leave, rules_of

CLERK = Actor("person", "Johan Ekdahl", None, "creditor")
AS: dict[str, Any] = {"actor": CLERK, "now": NOW}


def hold(days: int) -> Verb:
    until_on = TODAY + timedelta(days=1 + days)
    return lambda case: stops.stop(case, states.HOLD, "r", until_on=until_on, **AS)


def stand_still(number: int) -> Verb:
    kind = states.STOPS[4 + number % 5]
    return lambda case: stops.stop(case, kind, "", **AS)


def resume(number: int) -> Verb:
    kind = (states.HOLD, *states.STOPS[4:])[number % 6]
    return lambda case: lifecycle.resume(case, kind, today=TODAY, **AS)


def credit(number: int) -> Verb:
    return lambda case: changes.credit(
        case, amount_ore=number * 3_000, on=TODAY, key=str(number), **AS
    )


def pay_directly(number: int) -> Verb:
    return lambda case: changes.creditor_was_paid(
        case, amount_ore=number * 2_500, on=TODAY, key=str(number), **AS
    )


def recall(number: int) -> Verb:
    return lambda case: changes.recall(case, reason=str(number), today=TODAY, **AS)


def plan(number: int) -> Verb:
    first_on = TODAY + timedelta(days=number)
    return lambda case: plans.agree(
        case, monthly_ore=number * 5_000, first_on=first_on, today=TODAY, **AS
    )


def end_plan(number: int) -> Verb:
    return lambda case: lifecycle.end_plan(case, reason=str(number), today=TODAY, **AS)


def change_due_date(number: int) -> Verb:
    due_on = TODAY - timedelta(days=15 - number)
    return lambda case: changes.change_due_date(case, due_on, today=TODAY, **AS)


def change_customer(number: int) -> Verb:
    values = {"address_line": f"Storgatan {number % 3}", "email": None}
    return lambda case: changes.change_customer(case.debtor, values, **AS)


def take_to_law(number: int) -> Verb:
    return lambda case: lifecycle.take_to_law(case, today=TODAY + timedelta(days=number), **AS)


def watch_over(number: int) -> Verb:
    return lambda case: lifecycle.watch_over(case, **AS)


def write_off(number: int) -> Verb:
    return lambda case: lifecycle.write_off(case, reason=str(number), today=TODAY, **AS)


def object_to(number: int) -> Verb:
    return lambda case: disputes.object_to(
        case, reason="paid", words=str(number), amount_ore=number * 4_000 if number % 2 else None,
        channel="phone", today=TODAY, **AS,
    )  # fmt: skip


def answer(number: int) -> Verb:
    kind = disputes.ANSWERS[number % 3]
    return lambda case: disputes.answer(
        case, kind, words=str(number), credited_ore=number * 2_000, today=TODAY, **AS
    )


def ask(number: int) -> Verb:
    return lambda case: disputes.ask(case, words=str(number), today=TODAY, **AS)


ACTS: dict[str, Callable[[int], Verb]] = {
    one.__name__: one
    for one in (
        hold,
        stand_still,
        resume,
        credit,
        pay_directly,
        recall,
        plan,
        end_plan,
        change_due_date,
        change_customer,
        take_to_law,
        watch_over,
        write_off,
    )
}


def preview(case: Case, act: str, number: int) -> Effect:
    return effects.preview(case.id, act, ACTS[act](number), said={"number": number}, today=TODAY)


def perform(case: Case, act: str, number: int, seen: str) -> Effect:
    return effects.perform(
        case.id, act, ACTS[act](number), said={"number": number}, seen=seen, today=TODAY, **AS
    )


def state_of_everything() -> list[object]:
    """All that an act could leave behind."""
    return [
        *db.session.execute(select(Event.id, Event.name).order_by(Event.id)),
        *db.session.execute(select(Message.id, Message.status).order_by(Message.id)),
        *db.session.execute(select(Case).with_only_columns(*Case.__table__.columns)),
        ledger.trial_balance(),
        db.session.scalar(db.text("select count(*) from procrastinate_jobs")),
    ]


@settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
@given(
    acts=some.lists(
        some.tuples(some.sampled_from(sorted(ACTS)), some.integers(1, 30)), min_size=1, max_size=9
    ),
    is_demanded=some.booleans(),
)  # fmt: skip
def test_the_effect_shown_is_what_then_happens(
    app: Flask, acts: list[tuple[str, int]], is_demanded: bool
) -> None:
    case = a_reminded_case()
    if is_demanded:
        lifecycle.send_demand(case, today=TODAY, now=NOW)
        db.session.commit()
    for act, number in acts:
        before = state_of_everything()
        try:
            shown = preview(case, act, number)
        except RedaError:
            db.session.rollback()
            assert state_of_everything() == before
            continue
        assert state_of_everything() == before
        db.session.rollback()
        assert effects.standing(db.session.get_one(Case, case.id), TODAY) == shown.before
        assert perform(case, act, number, shown.seen) == shown
        db.session.commit()
        assert effects.standing(db.session.get_one(Case, case.id), TODAY) == shown.after
        assert ledger.off_balance() == {}
        assert checks.differences() == []
        done = state_of_everything()
        with pytest.raises(DoneBefore):
            perform(case, act, number, shown.seen)
        db.session.rollback()
        assert state_of_everything() == done


def test_an_act_that_would_do_something_else_now_is_not_done(app: Flask) -> None:
    case = a_reminded_case()
    shown = preview(case, "credit", 10)
    db.session.rollback()
    perform(case, "pay_directly", 4, preview(case, "pay_directly", 4).seen)
    db.session.commit()
    with pytest.raises(ChangedMeanwhile) as refused:
        perform(case, "credit", 10, shown.seen)
    db.session.commit()
    assert ledger.balance(case.id).principal_ore == 90_000
    assert refused.value.effect.before.principal_ore == 90_000


def test_what_is_seen_of_one_case_says_nothing_of_another(app: Flask) -> None:
    one, other = a_case(), a_case()
    seen = preview(one, "recall", 1).seen
    with pytest.raises(ChangedMeanwhile):
        perform(other, "recall", 1, seen)


def test_who_bears_what_adds_up(app: Flask) -> None:
    case = a_reminded_case()
    effect = preview(case, "pay_directly", 20)
    assert (effect.debtor_ore, effect.received_ore, effect.lost_ore, effect.fees_ore) == (
        -50_000, 50_000, 0, 0,
    )  # fmt: skip


def test_a_recall_costs_the_creditor_the_claim_and_us_the_fees(app: Flask) -> None:
    case = a_reminded_case()
    effect = preview(case, "recall", 1)
    assert (effect.lost_ore, effect.fees_ore) == (100_548, -6_000)


def test_a_deed_is_kept_once(app: Flask) -> None:
    case = a_reminded_case()
    perform(case, "recall", 1, preview(case, "recall", 1).seen)
    db.session.commit()
    assert db.session.scalar(select(func.count(Deed.id))) == 1


def test_a_plan_whose_fee_the_creditor_bears_costs_the_creditor_that_fee(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor, plan_fee_by="creditor")
    case = a_reminded_case(creditor)
    letters_leave()
    effect = preview(case, "plan", 3)
    assert (effect.charged_ore, effect.fees_ore) == (17_000, 0)
