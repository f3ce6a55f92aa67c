"""A company whose cases have lived through months in many ways, made by the verbs that do it."""

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta

from portal import clock
from portal.collection import (
    cases,
    changes,
    figures,
    history,
    lifecycle,
    plans,
    policy,
    settling,
    states,
    stops,
)
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.identity.models import Creditor
from tests.factories import an_invoice_of, letters_leave

CLERK = Actor("person", "Eva", role="creditor")
BANK = Actor("bank")
TERMS = {"is_active": True, "reminder_fee_agreed": True, "interest_kind": "statutory"}


def at(day: date) -> datetime:
    """Half past eleven in the evening in Sweden: in winter it is another day in UTC before that."""
    return datetime(day.year, day.month, day.day, 23, 30, tzinfo=clock.STOCKHOLM)


def open_on(creditor: Creditor, day: date, *, due_on: date, ore: int, **values: object) -> Case:
    """A case opened on a day."""
    invoice = an_invoice_of(
        creditor, due_on=due_on, issued_on=due_on - timedelta(days=30), amount_ore=ore,
        balance_ore=ore, **values,
    )  # fmt: skip
    invoice.decision = "imported"
    rules = policy.Effective({**policy.DEFAULTS, **TERMS}, {})
    case = lifecycle.open_case(invoice, rules, today=day, now=at(day))
    db.session.flush()
    return case


def remind(case: Case, day: date) -> None:
    """The reminder goes out."""
    lifecycle.send_reminder(case, today=day, now=at(day))
    letters_leave("reminder")


def demand(case: Case, day: date) -> None:
    """The demand goes out."""
    lifecycle.send_demand(case, today=day, now=at(day))
    letters_leave("demand")


def take_to_law(case: Case, day: date) -> None:
    """The case is handed over."""
    case.pay_by_on = None
    lifecycle.take_to_law(case, actor=CLERK, today=day, now=at(day))


def pay(case: Case, day: date, share: float = 1.0) -> int:
    """A payment of a share of what is owed on a day; answers how much it was."""
    ore = max(1, round(cases.amount_due(case, day).total_ore * share))
    key = f"{case.id}:{day}:{ore}"
    settling.settle_payment(
        case, amount_ore=ore, key=key, channel="bankgiro", value_on=day, actor=BANK, now=at(day)
    )
    return ore


def pay_creditor(case: Case, day: date, share: float) -> None:
    """The debtor pays the creditor directly."""
    due = cases.amount_due(case, day)
    ore = max(1, round((due.principal_ore + due.interest_ore) * share))
    changes.creditor_was_paid(case, amount_ore=ore, on=day, key=str(day), actor=CLERK, now=at(day))


def credit(case: Case, day: date, share: float) -> None:
    """The creditor credits a share of what is left of the claim."""
    left = cases.amount_due(case, day).principal_ore
    if left:
        changes.credit(
            case, amount_ore=max(1, round(left * share)), on=day, key=str(day), actor=CLERK,
            now=at(day),
        )  # fmt: skip


def agree_on_plan(case: Case, day: date) -> None:
    """A plan of a third of what is owed a month."""
    monthly_ore = cases.amount_due(case, day).total_ore // 3 + 1
    plans.agree(
        case, monthly_ore=monthly_ore, first_on=day + timedelta(days=10), actor=CLERK, today=day,
        now=at(day),
    )  # fmt: skip


def break_plan(case: Case, day: date) -> None:
    """The plan is not kept."""
    plans.break_off(case, actor=SYSTEM, today=day, now=at(day))
    lifecycle.resume(case, states.PLAN, actor=SYSTEM, today=day, now=at(day))


def a_long_history(creditor: Creditor, day: date) -> None:
    """So many events that making figures anew may take its time."""
    for _ in range(figures.SHORTEST_HISTORY + 1):
        history.record("test", creditor_id=creditor.id, actor=SYSTEM, now=at(day))


def a_life(creditor: Creditor, dice: random.Random, today: date) -> Case:
    """A case that was opened some time in fourteen months, and what has become of it by today."""
    day = today - timedelta(days=dice.randrange(425))
    due_on = day - timedelta(days=dice.randrange(-5, 60))
    case = open_on(creditor, day, due_on=due_on, ore=dice.randrange(5_000, 900_000))
    acts: list[Callable[[date], object]] = [
        lambda on: remind(case, on), lambda on: demand(case, on), lambda on: take_to_law(case, on)
    ]  # fmt: skip
    others: list[tuple[float, Callable[[date], object]]] = [
        (0.30, lambda on: pay(case, on)),
        (0.10, lambda on: pay(case, on, dice.random())),
        (0.04, lambda on: pay(case, on, 1.3)),
        (0.05, lambda on: pay_creditor(case, on, dice.choice([0.4, 1.0]))),
        (0.04, lambda on: credit(case, on, dice.choice([0.5, 1.0]))),
        (0.03, lambda on: changes.recall(case, reason="", actor=CLERK, today=on, now=at(on))),
        (0.03, lambda on: lifecycle.write_off(case, actor=CLERK, today=on, now=at(on))),
        (0.05, lambda on: stops.stop(case, states.DISPUTE, "", actor=CLERK, now=at(on))),
    ]
    has_plan = False
    while case.closed_on is None:
        day += timedelta(days=dice.randrange(1, 40))
        if day > today:
            break
        roll = dice.random()
        for chance, act in others:
            if roll < chance:
                act(day)
                break
            roll -= chance
        else:
            if not has_plan and dice.random() < 0.1:
                agree_on_plan(case, day)
                has_plan = True
            elif has_plan and plans.running(case.id) and dice.random() < 0.3:
                break_plan(case, day)
            elif acts and not case.is_stopped:
                acts.pop(0)(day)
    db.session.flush()
    return case
