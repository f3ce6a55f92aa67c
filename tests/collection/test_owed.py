"""What is owed on many cases on a day, held against what is owed on one."""

import random
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import delete, select

from portal.collection import cases, changes, owed, rates
from portal.collection.models import Case, ReferenceRate
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.law.interest import (
    RATE_DAYS_OF_YEAR,
    REFERENCE_RATES,
    Movement,
    RateTable,
    Terms,
    accrue,
    round_half_up,
    steps,
)
from portal.payments import booking
from tests.collection.test_advancing import live
from tests.collection.twins import make_twins
from tests.factories import NOW, TODAY, a_case, a_reminded_case

CREDITOR = Actor("person", role="creditor")
OPERATOR = Actor("person", role="operator")
LATER = NOW + timedelta(days=300)
TABLE = RateTable(REFERENCE_RATES)
DAYS = st.dates(date(2002, 7, 1), TABLE.known_through)


def come_to(terms: Terms, day: date) -> int:
    last = steps(terms, TABLE, until=day)[-1]
    return last.before + last.rate * ((day - last.from_on).days + 1)


@given(
    ore=st.integers(1, 10**11),
    days=st.lists(DAYS, min_size=2, max_size=2).map(sorted),
    rate=st.none() | st.decimals(0, 100, places=3),
)
def test_what_days_come_to_multiplied_is_the_interest(
    ore: int, days: list[date], rate: Decimal | None
) -> None:
    terms = Terms("statutory") if rate is None else Terms("agreed", rate)
    product = ore * (come_to(terms, days[1]) - come_to(terms, days[0]))
    alone = accrue(
        [Movement(days[0], ore)], due_on=days[0], until=days[1], terms=terms, rates=TABLE
    )
    assert round_half_up(Fraction(product, RATE_DAYS_OF_YEAR)) == alone.ore


@pytest.mark.parametrize("days", [-10, 0, 45, 60, 90, 400])
def test_what_many_cases_owe_on_a_day_is_what_each_of_them_owes(app: Flask, days: int) -> None:
    creditor, _ = make_twins(60, seed=5)
    live(creditor, 50, random.Random(5))
    on = TODAY + timedelta(days=days)
    alone = {}
    for case in db.session.scalars(select(Case).where(Case.opened_on <= on)):
        due = cases.owed_on(case, on)
        alone[case.id] = (due.principal_ore, due.interest_ore, due.fees_ore)
    together = {
        one.case_id: (one.principal_ore, one.interest_ore, one.fees_ore) for one in owed.every(on)
    }
    assert together == alone


def test_a_credit_after_interest_was_booked_lowers_the_interest_from_its_day(app: Flask) -> None:
    case = a_case()
    changes.creditor_was_paid(case, amount_ore=1_000, on=TODAY, key="1", actor=CREDITOR, now=NOW)
    changes.credit(
        case, amount_ore=40_000, on=TODAY + timedelta(days=5), key="2", actor=CREDITOR, now=NOW
    )
    on = TODAY + timedelta(days=20)
    assert [one.interest_ore for one in owed.every(on)] == [cases.owed_on(case, on).interest_ore]


@pytest.mark.parametrize("due_on", [date(2002, 6, 30), date(2002, 7, 1)])
def test_a_claim_due_when_the_rates_begin_bears_interest(app: Flask, due_on: date) -> None:
    case = a_case(due_on=due_on)
    assert [one.interest_ore for one in owed.every(TODAY)] == [
        cases.owed_on(case, TODAY).interest_ore
    ]


def test_a_case_owes_nothing_before_it_was_taken(app: Flask) -> None:
    case = a_case()
    changes.creditor_was_paid(
        case, amount_ore=1_000, on=TODAY - timedelta(days=5), key="1", actor=CREDITOR, now=NOW
    )
    assert list(owed.every(TODAY - timedelta(days=1))) == []


def test_a_million_million_öre_do_not_overflow(app: Flask) -> None:
    case = a_case(amount_ore=10**13, balance_ore=10**13)
    on = TODAY + timedelta(days=100)
    assert [one.interest_ore for one in owed.every(on)] == [cases.owed_on(case, on).interest_ore]


def test_the_sums_are_those_of_every_case(app: Flask) -> None:
    one, other = a_case(), a_case()
    with tenancy.creditors([one.creditor_id]):
        assert owed.sums(TODAY).total_ore == cases.owed_on(one, TODAY).total_ore
    assert owed.sums(TODAY).cases == 2
    assert owed.sums(TODAY, other.creditor_id).cases == 1


def test_of_nothing_the_sums_are_zero(app: Flask) -> None:
    assert owed.sums(TODAY) == owed.Sums(0, 0, 0, 0, 0)


# Days around the one whose rate is missing, and whether what came then was another case's.
_CAME = st.tuples(st.integers(0, 200), st.integers(100, 60_000), st.booleans())


@given(
    came=st.lists(_CAME, min_size=1, max_size=4),
    known_after=st.integers(0, 4),
    days=st.integers(100, 280),
)
@example(came=[(142, 4_000, True)], known_after=1, days=163)
@example(came=[(142, 60_000, True), (150, 10_000, False)], known_after=1, days=163)
@example(came=[(20, 4_000, True), (142, 60_000, True)], known_after=4, days=163)
@examples(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_after_payments_that_were_taken_back_many_cases_owe_what_each_owes(
    app: Flask, came: list[tuple[int, int, bool]], known_after: int, days: int
) -> None:
    case = a_reminded_case()
    for number, (day, ore, is_undone) in enumerate(came):
        if number == known_after:
            rates.add(date(2026, 7, 1), Decimal(2), "a test's", actor=SYSTEM, now=LATER)
        key = f"bankgiro:{case.id}:{number}"
        booking.receive(
            case.id, amount_ore=ore, currency="SEK", key=key, channel="bankgiro",
            value_on=TODAY + timedelta(days=day), payer=None, actor=SYSTEM, now=LATER,
        )  # fmt: skip
        if is_undone:
            booking.take_back(key, by_bank=False, on=LATER.date(), actor=OPERATOR, now=LATER)
        db.session.commit()
    on = TODAY + timedelta(days=days)
    due = cases.owed_on(cases.lock(case.id), on)
    (told,) = (one for one in owed.every(on) if one.case_id == case.id)
    db.session.execute(delete(ReferenceRate))
    db.session.commit()
    assert (told.principal_ore, told.interest_ore, told.fees_ore) == (
        due.principal_ore, due.interest_ore, due.fees_ore,
    )  # fmt: skip
