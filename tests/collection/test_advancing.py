"""Steps taken on many cases at once, held against the rule for one."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.collection import (
    advancing,
    cases,
    changes,
    importing,
    lifecycle,
    moves,
    postponing,
    settling,
    states,
    stops,
)
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import DEBTOR, SWISH, Actor
from portal.identity.models import Creditor
from portal.law import fees
from portal.law.calendar import is_banking_day
from portal.law.fees import Charge
from portal.ledger import Account
from tests.collection.twins import cases_of, everything_of, make_twins
from tests.factories import NOW, TODAY, a_case, a_creditor, letters_leave

CREDITOR = Actor("person", role="creditor")


def all_alone(today: date, now: datetime, *, limit: int) -> advancing.Taken:
    """Leave every case to the rule for one."""
    due = db.session.scalars(
        select(Case.id)
        .where(Case.next_step.is_not(None), ~Case.is_stopped, Case.next_step_on <= today)
        .order_by(Case.next_step_on, Case.id)
        .limit(limit)
    ).all()
    return advancing.Taken(len(due), due)


def live(creditor: Creditor, days: int, dice: random.Random) -> None:
    """Let the company's cases live so many days; now and then somebody pays, is credited or takes
    more time."""
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    db.session.commit()
    for day in (TODAY + timedelta(days=one) for one in range(days)):
        if not is_banking_day(day):
            continue
        now = NOW + (day - TODAY)
        while lifecycle.advance(day, now).taken:
            db.session.commit()
        letters_leave()
        something_happens(cases_of(creditor), day, now, dice)
        db.session.commit()


def something_happens(some: Sequence[Case], day: date, now: datetime, dice: random.Random) -> None:
    for place in dice.sample(range(len(some)), 4):
        case, share, backdated = some[place], dice.random(), dice.choice([0, 0, 3])
        if case.closed_on is not None:
            continue
        case = cases.lock(case.id)
        on = day - timedelta(days=backdated)
        if later := postponing.choices(case, today=day):
            postponing.postpone(case, later[-1].pay_by_on, actor=DEBTOR, today=day, now=now)
        if dice.random() < 0.7:
            settling.settle_payment(
                case, amount_ore=1 + int(cases.amount_due(case, on).total_ore * share),
                key=f"{case.id}:{day}", channel="swish", value_on=on, actor=SWISH, now=now,
            )  # fmt: skip
        elif cases.amount_due(case, day).principal_ore > 500:
            changes.credit(case, amount_ore=500, on=on, key=str(day), actor=CREDITOR, now=now)


def test_cases_moved_together_live_as_those_moved_one_by_one(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, alone = make_twins(90, seed=2)
    live(together, 60, random.Random(2))
    monkeypatch.setattr(advancing, "take_steps", all_alone)
    live(alone, 60, random.Random(2))
    db.session.expire_all()
    for one, other in zip(everything_of(together), everything_of(alone), strict=True):
        assert one == other


def test_most_cases_need_not_be_taken_alone(app: Flask) -> None:
    creditor, _ = make_twins(600, seed=7)
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    taken = advancing.take_steps(TODAY, NOW, limit=1000)
    assert taken.found > 60
    assert len(taken.alone) < taken.found / 10


def test_a_letter_that_lacks_something_stops_its_case_alone(app: Flask) -> None:
    creditor = a_creditor()
    bad, good = a_case(creditor, number=" "), a_case(creditor)
    lifecycle.advance(TODAY, NOW)
    db.session.commit()
    assert (cases.lock(bad.id).status, cases.lock(good.id).status) == ("imported", "reminded")
    assert cases.lock(bad.id).is_stopped


def test_no_more_than_the_limit_is_taken_at_a_time(app: Flask) -> None:
    creditor = a_creditor()
    for _ in range(3):
        a_case(creditor)
    assert advancing.take_steps(TODAY, NOW, limit=2).found == 2


def test_nobody_is_reminded_of_a_claim_that_is_not_due(app: Flask) -> None:
    case = a_case()
    changes.change_due_date(
        cases.lock(case.id), TODAY + timedelta(days=10), actor=CREDITOR, today=TODAY, now=NOW
    )
    stops.end(cases.lock(case.id), states.HOLD, actor=CREDITOR, today=TODAY, now=NOW)
    db.session.commit()
    lifecycle.advance(TODAY, NOW)
    db.session.commit()
    assert cases.lock(case.id).status == "imported"
    assert cases.lock(case.id).is_stopped


def test_a_letter_that_would_state_a_fee_twice_is_left_to_a_person(app: Flask) -> None:
    case = cases.lock(a_case().id)
    plan = Charge(fees.PLAN, 17_000, "lag (1981:739) § 3 p. 2, § 4")
    for number in (1, 2):
        moves.post(
            case, "fee.plan", booked_on=TODAY, key=f"plan:{number}", now=NOW,
            lines={Account.FEES: plan.ore, Account.FEE_INCOME: -plan.ore},
        )  # fmt: skip
        moves.note_charges(case, [plan], TODAY)
    db.session.commit()
    lifecycle.advance(TODAY, NOW)
    db.session.commit()
    assert cases.lock(case.id).status == "imported"
    assert cases.lock(case.id).is_stopped
