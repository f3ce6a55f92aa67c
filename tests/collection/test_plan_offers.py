"""Payment plans before they are agreed on: to the öre, on banking days, within the rules."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from portal.collection import cases, plan_offers, plans
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import DEBTOR, SYSTEM
from portal.law.calendar import is_banking_day
from portal.law.interest import REFERENCE_RATES, STATUTORY_ADDITION
from portal.messages import RedaError
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor, rules_of

QUICK = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
DAYS = some.integers(1, 31)


def a_case_with(**rules: object) -> Case:
    creditor = a_creditor()
    rules_of(creditor, **rules)
    return a_case_whose_reminder_left(creditor)


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_with(plan_least_ore=10_000, plan_most_months=24)


@QUICK
@given(monthly_ore=some.integers(9_000, 130_000), day=DAYS, wait=some.integers(0, 90))
def test_the_parts_sum_to_what_is_owed_with_fee_and_interest_to_the_ore(
    case: Case, monthly_ore: int, day: int, wait: int
) -> None:
    found = plan_offers.propose(
        case, monthly_ore=monthly_ore, first_on=TODAY + timedelta(days=wait), today=TODAY, day=day
    )
    due = cases.amount_due(case, TODAY)
    assert found.total_ore == due.total_ore + found.fee_ore + found.more_interest_ore
    assert sum(one.principal_ore for one in found.parts) == due.principal_ore
    assert sum(one.fees_ore for one in found.parts) == due.fees_ore + found.fee_ore
    assert all(
        one.amount_ore == one.fees_ore + one.interest_ore + one.principal_ore for one in found.parts
    )
    assert {one.amount_ore for one in found.parts[:-1]} <= {monthly_ore}
    assert 0 < found.parts[-1].amount_ore <= monthly_ore


@QUICK
@given(monthly_ore=some.integers(9_000, 60_000), day=DAYS, wait=some.integers(0, 90))
def test_the_interest_of_the_parts_is_that_of_the_law_on_what_is_left(
    case: Case, monthly_ore: int, day: int, wait: int
) -> None:
    found = plan_offers.propose(
        case, monthly_ore=monthly_ore, first_on=TODAY + timedelta(days=wait), today=TODAY, day=day
    )
    left_ore, told = 100_000, cases.amount_due(case, TODAY).interest_ore
    days = [TODAY, *(one.due_on for one in found.parts)]
    for (from_on, to_on), part in zip(pairwise(days), found.parts, strict=True):
        per_cent = REFERENCE_RATES[-1].per_cent + STATUTORY_ADDITION
        until = min(to_on, found.interest_through_on)
        count = max(0, (until - min(from_on, until)).days)
        told += round(left_ore * float(per_cent) / 100 * count / 365 + 1e-9)
        left_ore -= part.principal_ore
    assert sum(one.interest_ore for one in found.parts) == pytest.approx(told, abs=1)


@QUICK
@given(day=DAYS, wait=some.integers(0, 400), most=some.integers(2, 36))
def test_a_part_is_paid_each_month_on_its_day_or_the_next_banking_day(
    day: int, wait: int, most: int
) -> None:
    first_on = plan_offers.next_day(day, TODAY + timedelta(days=wait))
    dues = [one for one, _ in zip(plan_offers.due_days(first_on, day), range(most), strict=False)]
    assert all(is_banking_day(one) for one in dues)
    assert all(timedelta(14) < later - one < timedelta(40) for one, later in pairwise(dues))


@QUICK
@given(
    day=DAYS, ore=some.integers(10_000, 3_000_000), least=some.integers(10_000, 200_000),
    most=some.integers(2, 36), within=some.integers(1, 90),
)  # fmt: skip
def test_what_is_offered_is_within_the_rules_and_can_be_agreed_on(
    app: Flask, day: int, ore: int, least: int, most: int, within: int
) -> None:
    rules = {"plan_least_ore": least, "plan_most_months": most, "plan_first_days": within}
    creditor = a_creditor()
    rules_of(creditor, **rules)
    case = a_case_whose_reminder_left(creditor, amount_ore=ore, balance_ore=ore)
    found = plan_offers.offers(case, day=day, today=TODAY)
    assert len(found) <= 4
    assert found == sorted(found, key=lambda one: one.months)
    for one in found:
        assert one.monthly_ore >= least
        assert 2 <= one.months <= most
        chosen = plan_offers.choose(case, months=one.months, monthly_ore=0, day=day, today=TODAY)
        assert chosen.first_on <= TODAY + timedelta(days=within)
        assert len(chosen.proposal.parts) == one.months
    db.session.rollback()


@pytest.mark.parametrize(
    ("months", "monthly_ore", "field"),
    [(1, 0, "months"), (0, 0, "months"), (37, 0, "months"), (13, 0, "months"), (None, 0, "amount"),
     (None, 19_999, "amount"), (None, 10**17, "amount"), (None, -1, "amount")],
)  # fmt: skip
def test_what_is_outside_the_rules_is_told_at_its_field(
    app: Flask, months: int | None, monthly_ore: int, field: str
) -> None:
    case = a_case_with()
    with pytest.raises(RedaError) as found:
        plan_offers.choose(case, months=months, monthly_ore=monthly_ore, day=28, today=TODAY)
    assert found.value.problem.field == field


def test_the_first_payment_comes_as_soon_as_the_rules_say(app: Flask) -> None:
    case = a_case_with(plan_first_days=3)
    day = (TODAY - timedelta(days=1)).day
    chosen = plan_offers.choose(case, months=3, monthly_ore=0, day=day, today=TODAY)
    assert chosen.first_on == TODAY + timedelta(days=3)
    assert chosen.proposal.parts[1].due_on.day >= day


def test_whoever_bears_the_fee_by_the_rules_bears_it(app: Flask) -> None:
    ours = plan_offers.choose(
        a_case_with(plan_fee_by="creditor"), months=3, monthly_ore=0, day=28, today=TODAY
    )
    theirs = plan_offers.choose(a_case_with(), months=3, monthly_ore=0, day=28, today=TODAY)
    assert (ours.proposal.fee_ore, theirs.proposal.fee_ore) == (0, 17_000)


@pytest.mark.parametrize("rules", [{"may_plan": False}])
def test_without_leave_nobody_agrees_alone(app: Flask, rules: dict[str, object]) -> None:
    case = a_case_with(**rules)
    with pytest.raises(RedaError, match="must be asked for"):
        plans.agree(
            cases.lock(case.id), monthly_ore=40_000, first_on=TODAY + timedelta(days=5),
            actor=DEBTOR, today=TODAY, now=NOW,
        )  # fmt: skip


def agreed(case: Case, seen: str | None = None) -> None:
    plans.agree(
        cases.lock(case.id), monthly_ore=40_000, first_on=TODAY + timedelta(days=5), actor=DEBTOR,
        today=TODAY, now=NOW, seen=seen,
    )  # fmt: skip
    db.session.commit()


def test_another_plan_than_the_one_shown_is_not_agreed_on(app: Flask) -> None:
    with pytest.raises(plans.PlanChanged):
        agreed(a_case_with(), seen="another")


def test_a_plan_that_was_not_kept_is_followed_by_none_that_is_chosen_alone(app: Flask) -> None:
    case = a_case_with()
    agreed(case)
    plans.break_off(cases.lock(case.id), actor=SYSTEM, today=TODAY, now=NOW)
    assert plan_offers.why_not_alone(case, plan_offers.rules_of(case)) is not None


def moved(case: Case, day: int, today: date = TODAY) -> bool:
    done = plans.move_day(cases.lock(case.id), day=day, actor=DEBTOR, today=today, now=NOW)
    db.session.commit()
    return done


@QUICK
@given(day=DAYS, wait=some.integers(0, 9))
def test_a_moved_plan_pays_the_same_and_the_interest_between(
    app: Flask, day: int, wait: int
) -> None:
    case = a_case_with()
    agreed(case)
    before, today = plans.instalments(case.id), TODAY + timedelta(days=wait)
    plan = plans.running(case.id)
    assert plan is not None
    old = [(one.due_on, one.amount_ore) for one in before]
    try:
        found = plans.on_day(case, plan, day=day, today=today)
    except RedaError:
        # The plan has these days already.
        return
    assert moved(case, day, today)
    after = plans.instalments(case.id)
    assert [one.amount_ore for one in after[:-1]] == [ore for _, ore in old[:-1]]
    assert [one.due_on for one in after] == [one.due_on for one in found.parts]
    assert all(
        one.due_on >= max(due_on, today) for one, (due_on, _) in zip(after, old, strict=True)
    )
    assert after[0].due_on - max(old[0][0], today) < timedelta(days=36)
    owed_ore = cases.owed_on(case, today).total_ore
    assert sum(one.amount_ore for one in after) >= owed_ore


def test_the_day_is_changed_once(app: Flask) -> None:
    case = a_case_with()
    agreed(case)
    assert [moved(case, 20), moved(case, 20)] == [True, False]
    with pytest.raises(RedaError, match="once already"):
        moved(case, 21)


def test_a_plan_that_is_over_is_not_moved(app: Flask) -> None:
    case = a_case_with()
    agreed(case)
    plans.break_off(cases.lock(case.id), actor=SYSTEM, today=TODAY, now=NOW)
    with pytest.raises(RedaError, match="no payment plan"):
        moved(case, 20)
