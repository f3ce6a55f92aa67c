"""The clock: each day once and in order, whoever stops it in the middle."""

import os
import random
import signal
import time
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import Select, func, select, text

from portal import clock, jobs, ledger
from portal.collection import checks, days
from portal.collection.models import Case, Day, Event
from portal.database import tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.messages import RedaError
from tests.factories import TODAY, a_creditor, an_invoice_of, rules_of


def run(day: date) -> None:
    jobs.run_days(day, clock.morning_of(day))


def test_a_day_opens_cases_and_reminds_of_them(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    an_invoice_of(creditor)
    run(TODAY)
    assert db.session.scalars(select(Case.status)).all() == ["reminded"]
    assert days.newest()[0].result == {"opened": 1, "moved": 1}


def test_a_day_run_twice_is_done_once(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    an_invoice_of(creditor)
    run(TODAY)
    run(TODAY)
    assert db.session.scalar(select(func.count(Message.id))) == 1


def test_days_that_were_missed_are_run_in_order(app: Flask) -> None:
    run(TODAY)
    run(TODAY + timedelta(days=3))
    run_on = db.session.scalars(select(Day.day).order_by(Day.began_at, Day.day)).all()
    assert run_on == [TODAY + timedelta(days=one) for one in range(4)]


def test_a_letter_carries_the_day_it_is_written_on_and_never_a_missed_one(app: Flask) -> None:
    run(TODAY)
    creditor = a_creditor()
    rules_of(creditor)
    an_invoice_of(creditor)
    run(TODAY + timedelta(days=3))
    letter = db.session.scalars(select(Message.content)).one()
    assert letter["written_on"] == (TODAY + timedelta(days=3)).isoformat()


def test_the_clock_does_not_run_backwards(app: Flask) -> None:
    run(TODAY)
    with pytest.raises(days.ClockWentBack):
        run(TODAY - timedelta(days=1))


def test_too_long_an_absence_is_looked_at_by_a_person(app: Flask) -> None:
    run(TODAY)
    with pytest.raises(RedaError, match="days were missed"):
        run(TODAY + timedelta(days=63))


def test_books_cases_and_payments_agree_after_a_day(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    an_invoice_of(creditor)
    run(TODAY)
    jobs.check_books()


def test_a_closed_case_with_something_owed_is_found(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    an_invoice_of(creditor)
    run(TODAY)
    case = db.session.scalars(select(Case)).one()
    case.status, case.closed_on = "paid", TODAY
    db.session.commit()
    (found,) = checks.differences()
    assert (found.what, found.reference) == (checks.CLOSED_OWES, case.reference)
    with pytest.raises(jobs.BooksDiffer):
        jobs.check_books()


def _a_portfolio(size: int) -> None:
    """Invoices of several creditors, so that a run has many transactions."""
    for _ in range(size // 5):
        creditor = a_creditor()
        rules_of(creditor)
        for _ in range(5):
            an_invoice_of(creditor)


def _counts(query: Select[tuple[str, int]]) -> dict[str, int]:
    return {name: count for name, count in db.session.execute(query)}  # noqa: C416


def _state() -> dict[str, object]:
    """All that must be the same however often the run was stopped."""
    db.session.rollback()
    return {
        "cases": _counts(select(Case.status, func.count()).group_by(Case.status)),
        "letters": db.session.scalar(select(func.count(Message.id))),
        "keys": db.session.scalar(select(func.count(Message.idempotency_key.distinct()))),
        "events": _counts(select(Event.name, func.count()).group_by(Event.name)),
        "books": ledger.trial_balance(),
    }  # fmt: skip


def _run_and_be_killed(app: Flask, day: date, after: float) -> bool:
    """A process of its own runs a day and is killed; answers whether it came to its end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            # The parent's connections are not the child's to use.
            db.engine.dispose(close=False)
            with app.app_context(), tenancy.service():
                jobs.run_days(day, clock.morning_of(day), chunk=3)
            code = 0
        finally:
            os._exit(code)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def test_killed_at_two_hundred_points_nothing_is_lost_doubled_or_half_done(app: Flask) -> None:
    size, later = 200, TODAY + timedelta(days=14)
    _a_portfolio(size)
    chance, kills, day = random.Random(20), 0, TODAY
    db.session.commit()
    while kills < 200:
        kills += not _run_and_be_killed(
            app, day, chance.uniform(0.01, 0.08 if day == TODAY else 0.25)
        )
        # What is there is whole, whenever it is looked at.
        db.session.rollback()
        assert sum(ledger.trial_balance().values()) == 0
        if day == TODAY and kills >= 100:
            run(TODAY)
            day = later
    run(later)
    assert _state() == {
        "cases": {"demanded": size},
        "letters": 2 * size,
        "keys": 2 * size,
        "events": {
            "case.imported": size, "case.reminder_sent": size, "case.demand_sent": size,
        },
        "books": _state()["books"],
    }  # fmt: skip
    assert ledger.trial_balance()[ledger.Account.FEES] == size * (6_000 + 18_000)
    assert ledger.trial_balance()[ledger.Account.PRINCIPAL] == size * 100_000


def test_two_workers_at_once_do_the_work_of_one(app: Flask) -> None:
    size = 20
    _a_portfolio(size)
    db.session.commit()
    children = []
    for _ in range(2):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                db.engine.dispose(close=False)
                with app.app_context(), tenancy.service():
                    jobs.run_days(TODAY, clock.morning_of(TODAY))
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    db.session.rollback()
    assert db.session.scalar(select(func.count(Message.id))) == size
    assert db.session.scalar(text("select count(*) from ledger_entries")) == 2 * size


def test_the_instant_of_a_day_that_is_not_now_is_on_that_day() -> None:
    instant = clock.morning_of(date(2026, 7, 1))
    assert clock.day_of(instant) == date(2026, 7, 1)
    assert isinstance(instant, datetime)
