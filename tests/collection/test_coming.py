"""What is told to come next, held against what the days then bring."""

import random
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal import clock
from portal.collection import (
    cases,
    coming,
    disputes,
    holding,
    importing,
    lifecycle,
    owed,
    plans,
    postponing,
    settling,
    states,
    stops,
)
from portal.collection.models import Case, Event, Rules
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import DEBTOR, SWISH, Actor
from portal.law.calendar import is_banking_day
from portal.messages import RedaError
from tests.collection.twins import cases_of, make_twins
from tests.factories import NOW, TODAY, a_case, a_creditor, a_reminded_case, letters_leave, rules_of

CLERK = Actor("person", "Johan Ekdahl", None, "creditor")
_DECIDED = (
    "case.awaits_decision", "case.taken_to_law", "case.watched_over", "case.written_off",
    "case.returned",
)  # fmt: skip
_KINDS = {
    "case.reminder_sent": (states.REMINDER, False),
    "case.reminder_written_again": (states.REMINDER, True),
    "case.demand_sent": (states.DEMAND, False),
    "case.demand_written_again": (states.DEMAND, True),
    **dict.fromkeys(_DECIDED, (states.DECISION, False)),
}
_AFTER = dict(zip(("ask", "legal", "surveillance", "write off", "return"), _DECIDED, strict=True))
# A step as told or as done: kind, whether it was written anew, its day, what it cost, to pay by.
_Done = tuple[str, bool, date, int, str | None]


def run(from_on: date, until: date) -> None:
    """Run each day from one to another."""
    day = from_on
    while day <= until:
        while lifecycle.advance(day, NOW + (day - TODAY)).taken:
            db.session.commit()
        db.session.commit()
        day += timedelta(days=1)


def done_since(case: Case, event_id: int) -> tuple[list[_Done], bool]:
    """The steps of a case since an event, and whether a person had to look at it."""
    found: list[_Done] = []
    for event in db.session.scalars(
        select(Event).where(Event.case_id == case.id, Event.id > event_id).order_by(Event.id)
    ):
        if event.name == "case.needs_review":
            return found, True
        if event.name in _KINDS:
            data = event.data
            cost_ore = sum(one["ore"] for one in data.get("charges", ()))
            day = clock.day_of(event.occurred_at)
            found.append((*_KINDS[event.name], day, cost_ore, data.get("pay_by_on")))
    return found, False


def as_done(steps: Sequence[coming.Step]) -> list[_Done]:
    """Steps that are told, as `done_since` tells those done; a decision books nothing yet."""
    return [
        (
            one.kind,
            one.is_again,
            one.on,
            0 if one.kind == states.DECISION else one.cost_ore,
            one.pay_by_on.isoformat() if one.pay_by_on else None,
        )
        for one in steps
    ]


def told_of(case: Case, today: date) -> coming.Coming:
    return coming.of_case(case, cases.amount_due(case, today).principal_ore, today)


def newest_event() -> int:
    return db.session.scalars(select(Event.id).order_by(Event.id.desc()).limit(1)).one()


def something_happens(case: Case, day: date, dice: random.Random) -> None:
    """Somebody pays a part, objects, agrees on a plan, pays later, or lets the case stand still."""
    now, case = NOW + (day - TODAY), cases.lock(case.id)
    act = dice.choice(
        ["pay", "object", "plan", "plan", "hold", "hold", "later", "later", "bankrupt", "answer"]
    )
    due = cases.amount_due(case, day)
    if act == "pay":
        settling.settle_payment(
            case, amount_ore=1 + int(due.total_ore * dice.random()), key=f"{case.id}:{day}",
            channel="swish", value_on=day, actor=SWISH, now=now,
        )  # fmt: skip
    elif act == "object":
        disputes.object_to(
            case, reason="amount", words="Fel", amount_ore=None, channel="web", actor=CLERK,
            today=day, now=now,
        )  # fmt: skip
    elif act == "plan":
        plans.agree(
            case, monthly_ore=due.total_ore // 2 + 1, first_on=day + timedelta(days=9),
            actor=CLERK, today=day, now=now,
        )  # fmt: skip
    elif act == "later":
        for one in postponing.choices(case, today=day)[:1]:
            postponing.postpone(case, one.pay_by_on, actor=DEBTOR, today=day, now=now)
    elif act == "answer":
        disputes.answer(case, "turned down", words="Nej", actor=CLERK, today=day, now=now)
    else:
        until_on = day + timedelta(days=dice.randrange(1, 40)) if act == "hold" else None
        kind = states.HOLD if act == "hold" else states.BANKRUPT
        stops.stop(case, kind, "", actor=CLERK, now=now, until_on=until_on)


def live(some_days: int, dice: random.Random, *creditor_ids: int) -> date:
    """Let companies live so many days; answers the last."""
    day = TODAY
    # Nearly all of what is overdue becomes cases.
    anything = dict.fromkeys(("is_excluded", "collects_from", "lowest_ore", "highest_ore"))
    db.session.execute(update(Rules).values(anything | {"import_after_on": None}))
    for day in (TODAY + timedelta(days=one) for one in range(some_days)):
        for creditor_id in creditor_ids:
            importing.import_waiting(creditor_id, today=day, now=NOW + (day - TODAY))
        run(day, day)
        alive = db.session.scalars(select(Case).where(Case.closed_on.is_(None))).all()
        for case in dice.sample(alive, min(2, len(alive))):
            try:
                with db.session.begin_nested():
                    something_happens(case, day, dice)
            except RedaError:
                pass
        letters_leave("plan")
        db.session.commit()
    return day


@pytest.mark.parametrize(("some_days", "seed"), [(1, 2), (14, 5)])
def test_what_is_told_to_come_is_what_the_days_bring(app: Flask, some_days: int, seed: int) -> None:
    going, held = make_twins(60, seed=seed)
    today = live(some_days, random.Random(seed), going.id, held.id)
    holding.hold_everything(held.id, "", actor=CLERK, now=NOW + (today - TODAY))
    db.session.commit()
    some = [*cases_of(going), *cases_of(held)]
    left = {one.case_id: one.principal_ore for one in owed.every(today)}
    told, since = coming.of_cases(some, left, today), newest_event()
    until = today + timedelta(days=75)
    run(today, until)
    assert sum(len(one.steps) for one in told.values()) > 20
    for case in some:
        done, is_left_to_a_person = done_since(case, since)
        expected = as_done([one for one in told[case.id].steps if one.on <= until])
        if is_left_to_a_person:
            expected = expected[: len(done)]
        assert done == expected, (case.id, case.status, told[case.id])


def test_a_held_company_tells_no_day(app: Flask) -> None:
    case = a_reminded_case()
    holding.hold_everything(case.creditor_id, "", actor=CLERK, now=NOW)
    db.session.commit()
    assert told_of(case, TODAY) == coming.Coming(held_by=coming.COMPANY)


def test_a_debtor_is_told_no_day_of_a_held_company(app: Flask) -> None:
    case = a_reminded_case()
    holding.hold_everything(case.creditor_id, "", actor=CLERK, now=NOW)
    db.session.commit()
    with tenancy.cases([case.id]):
        assert told_of(cases.of_ids([case.id])[0], TODAY).steps == ()


def test_letters_that_a_company_held_back_come_first(app: Flask) -> None:
    case = a_reminded_case()
    holding.hold_everything(case.creditor_id, "", actor=CLERK, now=NOW)
    later = TODAY + timedelta(days=30)
    holding.go_on(case.creditor_id, actor=CLERK, now=NOW + (later - TODAY))
    db.session.commit()
    told, since = told_of(case, later), newest_event()
    assert told.next is not None
    assert told.next.is_again
    run(later, later + timedelta(days=60))
    assert done_since(case, since)[0] == as_done(told.steps)


@pytest.mark.parametrize("after", ["ask", "legal", "surveillance", "write off", "return"])
def test_what_follows_the_demand_is_what_the_rules_say(app: Flask, after: str) -> None:
    creditor = a_creditor()
    rules_of(creditor, after_demand=after, decision_after_days=9, demand_days=15)
    case = a_reminded_case(creditor)
    told, since = told_of(case, TODAY), newest_event()
    last = told.steps[-1]
    assert (last.kind, last.after) == (states.DECISION, after)
    run(TODAY, last.on)
    names = select(Event.name).where(Event.case_id == case.id, Event.id > since)
    assert _AFTER[after] in db.session.scalars(names).all()


def test_a_fee_that_the_creditor_bears_costs_the_debtor_nothing(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor, demand_fee_by="creditor")
    step = told_of(a_reminded_case(creditor), TODAY).next
    assert step is not None
    assert (step.kind, step.cost_ore) == (states.DEMAND, 0)


def test_a_plan_tells_its_next_part_and_goes_on_when_it_is_missed(app: Flask) -> None:
    case = cases.lock(a_reminded_case().id)
    first_on = TODAY + timedelta(days=20)
    plans.agree(case, monthly_ore=50_000, first_on=first_on, actor=CLERK, today=TODAY, now=NOW)
    db.session.commit()
    told = told_of(case, TODAY)
    assert told.held_by == states.PLAN
    assert told.part is not None
    assert told.part.due_on >= first_on
    assert told.until_on == told.part.due_on + timedelta(days=6)


def test_a_closed_case_tells_of_nothing(app: Flask) -> None:
    case = cases.lock(a_case().id)
    lifecycle.write_off(case, actor=CLERK, today=TODAY, now=NOW)
    db.session.commit()
    assert told_of(case, TODAY) == coming.Coming()


@pytest.mark.parametrize("status", [states.DECIDING, states.LEGAL, states.SURVEILLANCE])
def test_a_case_without_a_next_step_tells_of_none(app: Flask, status: str) -> None:
    case = cases.lock(a_reminded_case().id)
    case.status, case.next_step, case.next_step_on = status, None, None
    assert told_of(case, TODAY) == coming.Coming()


def test_no_step_is_told_for_a_day_on_which_the_claim_is_limited(app: Flask) -> None:
    case = cases.lock(a_reminded_case().id)
    case.limited_on = case.next_step_on
    assert told_of(case, TODAY).steps == ()


def test_every_step_is_told_for_a_banking_day(app: Flask) -> None:
    saturday = TODAY + timedelta(days=4)
    steps = told_of(a_case(), saturday).steps
    assert len(steps) == 3
    assert all(is_banking_day(one.on) for one in steps)
