"""Random years of random cases: whatever happens in whatever order, each law holds every day."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal import ledger
from portal.collection import cases, changes, lifecycle, moves, plans, settling, states, stops
from portal.collection.models import Case, Event
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import DEBTOR, SWISH, Actor
from portal.ledger import Account
from portal.messages import RedaError
from tests.factories import NOW, TODAY, a_case, a_creditor, a_debtor_of, rules_of

CLERK = Actor("person", "Johan Ekdahl", None, "creditor")
Act = Callable[[Case, date, datetime, int], object]


def _pay(case: Case, on: date, now: datetime, size: int) -> object:
    return settling.settle_payment(
        case, amount_ore=size, key=f"{on}{size}", channel="swish", value_on=on, actor=SWISH,
        now=now,
    )  # fmt: skip


def _pay_directly(case: Case, on: date, now: datetime, size: int) -> object:
    return changes.creditor_was_paid(
        case, amount_ore=size, on=on, key=f"{on}{size}", actor=CLERK, now=now
    )


def _credit(case: Case, on: date, now: datetime, size: int) -> object:
    return changes.credit(case, amount_ore=size, on=on, key=f"{on}{size}", actor=CLERK, now=now)


def _hold(case: Case, on: date, now: datetime, size: int) -> object:
    until = on + timedelta(days=size % 60 + 1)
    return stops.stop(case, states.HOLD, "", actor=CLERK, now=now, until_on=until)


def _stop(case: Case, on: date, now: datetime, size: int) -> object:
    kinds = [one for one in states.STOPS if one not in (states.PLAN, states.REVIEW, states.HOLD)]
    return stops.stop(case, kinds[size % len(kinds)], "", actor=CLERK, now=now)


def _resume(case: Case, on: date, now: datetime, size: int) -> object:
    for one in moves.open_stops(case.id):
        if one.kind != states.PLAN:
            lifecycle.resume(case, one.kind, actor=CLERK, today=on, now=now)
    return None


def _plan(case: Case, on: date, now: datetime, size: int) -> object:
    return plans.agree(
        case, monthly_ore=max(size, 5_000), first_on=on + timedelta(days=20), actor=DEBTOR,
        today=on, now=now,
    )  # fmt: skip


def _recall(case: Case, on: date, now: datetime, size: int) -> object:
    return changes.recall(case, reason="", actor=CLERK, today=on, now=now)


def _write_off(case: Case, on: date, now: datetime, size: int) -> object:
    return lifecycle.write_off(case, actor=CLERK, today=on, now=now)


ACTS: dict[str, Act] = {
    "pay": _pay, "pay directly": _pay_directly, "credit": _credit, "hold": _hold, "stop": _stop,
    "resume": _resume, "plan": _plan, "recall": _recall, "write off": _write_off,
}  # fmt: skip
# Ends come seldom, so that most years are long.
NAMES = ["pay", "pay", "pay directly", "credit", "hold", "stop", "resume", "resume", "plan",
         "plan", "pay"] * 3 + ["recall", "write off"]  # fmt: skip

events = st.lists(
    st.tuples(st.integers(0, 110), st.sampled_from(NAMES), st.integers(1, 70_000)), max_size=12
)
rules = st.fixed_dictionaries(
    {
        "after_demand": st.sampled_from(["ask", "legal", "surveillance", "write off", "return"]),
        "small_rest_ore": st.sampled_from([0, 1_000]),
        "wants_compensation": st.booleans(),
        "direct_payment": st.sampled_from(["costs owed", "costs waived"]),
    }
)


def letters_of(case: Case) -> int:
    query = select(func.count(Message.id)).where(Message.case_id == case.id)
    return db.session.scalar(query) or 0


def check(case: Case, on: date) -> None:
    """What holds of every case on every day."""
    booked = ledger.balance(case.id)
    assert min(booked.principal_ore, booked.interest_ore, booked.fees_ore) >= 0
    assert booked.principal_ore <= 100_000
    assert sum(ledger.trial_balance().values()) == 0
    names = list(db.session.scalars(select(Event.name).where(Event.case_id == case.id)))
    assert names.count("case.reminder_sent") <= 1
    assert names.count("case.demand_sent") <= 1
    plan_fees = names.count("case.plan_agreed") * 17_000
    most = 45_000 if not case.is_consumer else 24_000
    assert booked.fees_ore <= most + plan_fees
    assert case.is_stopped == bool(moves.open_stops(case.id))
    if case.status in states.CLOSED:
        assert booked.total_ore == 0
        assert case.next_step is None
        assert cases.amount_due(case, on + timedelta(days=90)).total_ore == 0


@given(happened=events, rule=rules, is_person=st.booleans())
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_law_holds_through_a_random_half_year(
    app: Flask, happened: list[tuple[int, str, int]], rule: dict[str, object], is_person: bool
) -> None:
    creditor = a_creditor()
    rules_of(creditor, **rule)
    kind = "person" if is_person else "company"
    case_id = a_case(creditor, debtor=a_debtor_of(creditor, kind=kind)).id
    by_day: dict[int, list[tuple[str, int]]] = {}
    for day, name, size in happened:
        by_day.setdefault(day, []).append((name, size))
    # Every third day, and those on which something happens.
    for day in sorted({*range(0, 112, 3), *by_day}):
        on, now = TODAY + timedelta(days=day), NOW + timedelta(days=day)
        for name, size in by_day.get(day, ()):
            case = cases.lock(case_id)
            try:
                with db.session.begin_nested():
                    ACTS[name](case, on, now, size)
            except RedaError:
                pass
            db.session.commit()
            check(cases.lock(case_id), on)
        case = cases.lock(case_id)
        stopped_until_now = case.is_stopped and not any(
            one.kind == states.PLAN or (one.until_on and one.until_on <= on)
            for one in moves.open_stops(case_id)
        )
        before = letters_of(case)
        lifecycle.advance(on, now)
        db.session.commit()
        case = cases.lock(case_id)
        check(case, on)
        if stopped_until_now:
            assert letters_of(case) == before


@given(happened=events)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_came_in_is_what_it_was_used_for(
    app: Flask, happened: list[tuple[int, str, int]]
) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    case_id = a_case(creditor).id
    received = 0
    for day, _, size in sorted(happened):
        on = TODAY + timedelta(days=day)
        if _pay(cases.lock(case_id), on, NOW, size) is not None:
            received += size
        db.session.commit()
    sums = dict.fromkeys(Account, 0)
    for entry in ledger.entries(case_id):
        for account, ore in entry.lines:
            sums[account] += ore
    assert sums[Account.CLIENT_FUNDS] == received
    used = -(sums[Account.OWED_TO_CREDITOR] + sums[Account.OVER_PAYMENT])
    fees = -sums[Account.FEE_INCOME] - sums[Account.FEES] - sums[Account.BAD_DEBT]
    assert received == used + fees
