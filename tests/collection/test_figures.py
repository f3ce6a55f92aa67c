"""The figures of the overview: known numbers of a small world, and any world reckoned twice."""

import random
from datetime import date, timedelta
from itertools import pairwise

import pytest
from flask import Flask
from sqlalchemy import select, update

from portal import ledger
from portal.collection import figures, owed, tallies
from portal.collection.figures import Figures, Money
from portal.collection.models import Case, KeptFigures
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.payments import payouts
from tests.collection import reckoned
from tests.collection.lives import (
    a_life,
    a_long_history,
    agree_on_plan,
    at,
    credit,
    demand,
    open_on,
    pay,
    pay_creditor,
    remind,
    take_to_law,
)
from tests.factories import a_creditor
from tests.payments.paying_out import collect, owe, propose, release

# The last day of a short month after a long one, and the day on which summer time begins.
TODAY = date(2026, 3, 29)


def figures_of(creditor: Creditor, today: date = TODAY) -> Figures:
    db.session.commit()
    return figures.refresh(creditor.id, today=today, now=at(today))


def money_of(creditor: Creditor, today: date = TODAY) -> Money:
    return figures_of(creditor, today).money[0]


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor()


def test_a_payment_is_told_by_what_it_paid(creditor: Creditor) -> None:
    case = open_on(creditor, date(2026, 3, 2), due_on=date(2026, 2, 20), ore=100_000)
    remind(case, date(2026, 3, 2))
    paid_ore = pay(case, date(2026, 3, 27))
    month = money_of(creditor).month
    # 35 days at 10 % (the reference rate of 2 % and 8 points): 958.90 öre, and a fee of 60 kr.
    assert (month.collected.principal_ore, month.collected.fees_ore) == (100_000, 6_000)
    assert month.collected.interest_ore == paid_ore - 106_000 > 0
    assert month.collected.total_ore == paid_ore
    assert month.collected.creditors_ore == ledger.owed_to(creditor.id)


def test_what_the_bank_refused_was_not_paid_out(creditor: Creditor) -> None:
    case = open_on(creditor, date(2026, 3, 2), due_on=date(2026, 2, 20), ore=100_000)
    collect(case, 500_00)
    owe(case, 120_00)
    (payout,) = propose(creditor)
    release(payout)
    assert money_of(creditor).month.paid_out_ore == 500_00
    payouts.reject(payout, "AC04", on=TODAY, actor=SYSTEM, now=at(TODAY))
    # What was set off stays so.
    assert money_of(creditor).month.paid_out_ore == 120_00


def test_this_month_is_held_against_as_many_days_of_the_last(creditor: Creditor) -> None:
    for day in (date(2026, 2, 1), date(2026, 2, 10), date(2026, 2, 11), date(2026, 3, 10)):
        case = open_on(creditor, date(2026, 1, 15), due_on=day, ore=10_000)
        pay(case, day)
    money = money_of(creditor, date(2026, 3, 10))
    sums = [one.collected.creditors_ore for one in (money.month, money.same_days, money.last_month)]
    assert sums == [10_000, 20_000, 30_000]
    assert (money.same_days.through_on, money.last_month.through_on) == (
        date(2026, 2, 10), date(2026, 2, 28)
    )  # fmt: skip
    assert (money.running[-1], len(money.running)) == (10_000, 10)
    assert (money.running_before[9], money.running_before[10], len(money.running_before)) == (
        20_000, 30_000, 28
    )  # fmt: skip


def test_the_last_month_ends_before_a_day_that_it_has_not(creditor: Creditor) -> None:
    assert money_of(creditor, date(2026, 3, 31)).same_days.through_on == date(2026, 2, 28)


def test_what_the_creditor_got_itself_is_told_apart_and_owed_by_nobody(creditor: Creditor) -> None:
    case = open_on(creditor, date(2026, 3, 2), due_on=date(2026, 2, 20), ore=100_000)
    pay_creditor(case, date(2026, 3, 9), 0.5)
    money = money_of(creditor)
    assert money.month.direct.creditors_ore > 50_000
    assert (money.month.collected.total_ore, money.owed_ore) == (0, 0)


def test_what_was_paid_too_much_is_neither_the_creditors_nor_a_fee(creditor: Creditor) -> None:
    case = open_on(creditor, date(2026, 3, 2), due_on=date(2026, 3, 2), ore=10_000)
    pay(case, date(2026, 3, 2), 1.5)
    month = money_of(creditor).month
    assert month.collected == figures.Parts(10_000, 0, 0, 5_000)
    assert month.solved == 1


def test_what_is_unpaid_is_told_by_days_after_the_due_date(creditor: Creditor) -> None:
    for late in (-3, 0, 1, 30, 31, 60, 90, 91, 180, 181, 365, 366):
        open_on(creditor, TODAY, due_on=TODAY - timedelta(days=late), ore=10_000)
    ageing = money_of(creditor).ageing
    assert [one.cases for one in ageing] == [2, 2, 2, 1, 2, 2, 1]
    assert [one.principal_ore for one in ageing] == [20_000, 20_000, 20_000, 10_000, 20_000, 20_000, 10_000]  # fmt: skip # noqa: E501


def test_a_credited_or_recalled_case_is_owed_no_more(creditor: Creditor) -> None:
    case = open_on(creditor, date(2026, 3, 2), due_on=date(2026, 2, 20), ore=100_000)
    credit(case, date(2026, 3, 9), 1.0)
    found = figures_of(creditor)
    assert found.money[0].unpaid == figures.Unpaid()
    assert found.money[0].month.solved == 0
    assert found.cohorts[-1] == figures.Cohort(date(2026, 3, 1), 1, (0, 0, 0, 0), 1, 0)


def test_a_solved_case_is_told_by_the_step_that_it_was_paid_at(creditor: Creditor) -> None:
    start = date(2025, 9, 30)
    steps = [remind, demand, take_to_law]
    for taken in range(4):
        for _ in range(taken + 1):
            case = open_on(creditor, start, due_on=start, ore=10_000)
            for number, step in enumerate(steps[:taken]):
                step(case, start + timedelta(days=20 + 20 * number))
            pay(case, start + timedelta(days=90))
    open_on(creditor, start, due_on=start, ore=10_000)
    cohort = next(one for one in figures_of(creditor).cohorts if one.opened)
    assert cohort == figures.Cohort(date(2025, 9, 1), 11, (1, 2, 3, 4), 0, 1)


def test_the_months_of_opening_are_twelve_without_a_gap(creditor: Creditor) -> None:
    months = [one.month for one in figures_of(creditor).cohorts]
    assert (len(months), months[0], months[-1]) == (12, date(2025, 4, 1), date(2026, 3, 1))
    assert all((two - one).days in (28, 30, 31) for one, two in pairwise(months))


def test_days_to_payment_are_told_by_half_and_by_nine_in_ten(creditor: Creditor) -> None:
    start = date(2026, 1, 1)
    for days in (0, 7, 8, 14, 15, 30, 31, 60, 61, 80):
        case = open_on(creditor, start, due_on=start, ore=10_000)
        pay(case, start + timedelta(days=days))
    assert figures_of(creditor).waits == figures.Waits(10, 15, 61, (2, 2, 2, 2, 2, 0, 0))


def test_a_currency_has_figures_of_its_own(creditor: Creditor) -> None:
    for currency in ("SEK", "SEK", "EUR"):
        case = open_on(creditor, TODAY, due_on=TODAY, ore=10_000, currency=currency)
        pay(case, TODAY, 0.5)
    found = figures_of(creditor)
    assert [one.currency for one in found.money] == ["SEK", "EUR"]
    assert [one.unpaid.principal_ore for one in found.money] == [10_000, 5_000]
    assert [one.owed_ore for one in found.money] == [10_000, 5_000]
    assert (found.of("EUR").owed_ore, found.of("XXX").owed_ore) == (5_000, 10_000)


def test_another_companys_cases_are_not_among_them(creditor: Creditor) -> None:
    other = a_creditor("Fjällbäcks Tandvård AB")
    pay(open_on(other, TODAY, due_on=TODAY, ore=10_000), TODAY, 0.5)
    money = money_of(creditor)
    assert (money.unpaid.cases, money.owed_ore, money.month.collected.total_ore) == (0, 0, 0)


def test_too_few_payments_foretell_nothing_but_what_is_agreed(creditor: Creditor) -> None:
    agree_on_plan(open_on(creditor, TODAY, due_on=TODAY, ore=90_000), TODAY)
    forecast = money_of(creditor).forecast
    assert not forecast.can_tell
    # The plan's fee is the service's, and is taken first.
    assert 0 < forecast.planned_ore < 90_000
    assert all(week.expected_ore is None for week in forecast.weeks)


def test_a_company_that_half_pays_in_the_second_week_is_foretold_to_go_on_so(
    creditor: Creditor,
) -> None:
    # Each week's case of 100 kr is paid to a half nine days later, and the rest never.
    for week in range(40):
        day = TODAY - timedelta(weeks=week)
        case = open_on(creditor, day, due_on=day, ore=10_000)
        if day + timedelta(days=9) <= TODAY:
            pay(case, day + timedelta(days=9), 0.5)
    forecast = money_of(creditor).forecast
    assert forecast.can_tell
    for week in forecast.weeks:
        assert week.low_ore is not None
        assert week.low_ore <= week.expected_ore <= week.high_ore
    # Each week one case pays a half; those that have stood for long never do.
    assert [week.expected_ore for week in forecast.weeks] == [5_000, 5_000, 0, 0]


def test_figures_of_any_world_are_those_of_plain_reckoning(creditor: Creditor) -> None:
    dice = random.Random(20260329)
    for _ in range(120):
        a_life(creditor, dice, TODAY)
    _compare(creditor, TODAY)


@pytest.mark.parametrize("seed", range(3))
def test_so_are_those_of_smaller_worlds(creditor: Creditor, seed: int) -> None:
    dice = random.Random(seed)
    today = TODAY + timedelta(days=dice.randrange(60))
    for _ in range(40):
        a_life(creditor, dice, today)
    _compare(creditor, today)


def _compare(creditor: Creditor, today: date) -> None:
    found = figures_of(creditor, today)
    money, world, days = found.money[0], reckoned.world_of(creditor.id), tallies.Days(today)
    for month in (money.month, money.same_days, money.last_month):
        for parts, direct in ((month.collected, False), (month.direct, True)):
            plain = reckoned.paid(world, month.from_on, month.through_on, direct=direct)
            assert parts == figures.Parts(
                plain["principal"], plain["interest"], plain["fees"], plain["over_payment"]
            )
    assert money.owed_ore == reckoned.owed_to_creditor(world) == ledger.owed_to(creditor.id)
    ageing = [
        [one.cases, one.principal_ore, one.interest_ore, one.fees_ore] for one in money.ageing
    ]
    assert ageing == reckoned.unpaid_by_age(world, today)
    assert money.unpaid.total_ore == owed.sums(today, creditor.id).total_ore
    for cohort in found.cohorts:
        plain_cohort = reckoned.cohort(world, cohort.month)
        assert (cohort.opened, list(cohort.solved), cohort.otherwise, cohort.open) == plain_cohort
    assert (found.waits.cases, found.waits.median, found.waits.nine_in_ten) == reckoned.waits(
        world, today
    )
    for number, week in enumerate(money.forecast.weeks, 1):
        assert week.planned_ore == reckoned.planned_in_week(world, today, number)
        if money.forecast.can_tell:
            wanted = reckoned.expected(world, list(days.looks), today, number) + week.planned_ore
            assert week.expected_ore == pytest.approx(float(wanted), abs=100)


def test_figures_are_fresh_until_something_happens(creditor: Creditor) -> None:
    case = open_on(creditor, TODAY, due_on=TODAY, ore=10_000)
    figures_of(creditor)
    db.session.commit()
    assert figures.look(creditor.id, TODAY).is_fresh
    pay(case, TODAY, 0.5)
    db.session.commit()
    assert not figures.look(creditor.id, TODAY).is_fresh


def test_figures_are_another_days_tomorrow(creditor: Creditor) -> None:
    open_on(creditor, TODAY, due_on=TODAY, ore=10_000)
    figures_of(creditor)
    assert not figures.look(creditor.id, TODAY + timedelta(days=1)).is_fresh


def test_what_is_quick_is_made_anew_at_once(creditor: Creditor) -> None:
    open_on(creditor, TODAY, due_on=TODAY, ore=10_000)
    db.session.commit()
    found = figures.current(creditor.id, today=TODAY, now=at(TODAY))
    assert found.is_fresh
    assert found.figures is not None
    assert found.figures.money[0].unpaid.cases == 1


def test_what_takes_long_is_shown_as_it_was_and_left_to_the_job(creditor: Creditor) -> None:
    case = open_on(creditor, TODAY, due_on=TODAY, ore=10_000)
    a_long_history(creditor, TODAY)
    figures_of(creditor)
    db.session.execute(update(KeptFigures).values(took_ms=5_000))
    pay(case, TODAY)
    db.session.commit()
    found = figures.current(creditor.id, today=TODAY, now=at(TODAY))
    assert not found.is_fresh
    assert found.figures is not None
    assert found.figures.money[0].owed_ore == 0
    # Twenty times as long as it took is waited between two.
    assert figures.due(TODAY, at(TODAY) + timedelta(seconds=99)) == []
    assert figures.due(TODAY, at(TODAY) + timedelta(seconds=100)) == [creditor.id]


def test_a_company_where_nothing_has_happened_has_figures_of_nothing(creditor: Creditor) -> None:
    found = figures.current(creditor.id, today=TODAY, now=at(TODAY))
    assert found.figures is not None
    assert found.figures.money[0].unpaid == figures.Unpaid()
    assert db.session.scalars(select(Case)).all() == []
