"""A real worker does what was deferred, when it was committed, and no more often than it may."""

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import psycopg
import pytest
from flask import Flask
from procrastinate.periodic import PeriodicDeferrer
from sqlalchemy import Row, select, text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from portal import clock, create_app, jobs
from portal.collection import cases, days
from portal.collection.models import Case
from portal.config import Settings
from portal.database import queue, server
from portal.extensions import db
from portal.identity.models import AccessAttempt, BrowserSession
from portal.jobs import SCHEDULE, make_worker
from tests.factories import TODAY, a_case, a_creditor, an_invoice_of, rules_of

# Four tries again, each after a pause four times as long.
PAUSES = [4, 16, 64, 256]
# A little after the hour at which cases advance.
NIGHT = datetime(2026, 3, 10, 4, 0, 10, tzinfo=UTC)
_T = TypeVar("_T")


def apart(function: Callable[..., _T], *arguments: object) -> _T:
    """Call something with an event loop in a thread of its own: this one may have a loop going."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


def work(app: Flask) -> None:
    """Let a worker do all that is due, and stop."""
    worker = make_worker(app)
    # What it would add by the clock is not the same at each hour.
    worker.periodic_registry.periodic_tasks.clear()
    worker.run_worker(wait=False, concurrency=1, install_signal_handlers=False)


async def keep_schedule(app: Flask, at: datetime) -> None:
    """Add the jobs of the schedule that a worker adds at an instant."""
    async with make_worker(app).open_async() as worker:
        deferrer = PeriodicDeferrer(worker.periodic_registry)
        await deferrer.defer_jobs(deferrer.get_previous_tasks(at.timestamp()))


def schedule(app: Flask, at: datetime) -> None:
    apart(asyncio.run, keep_schedule(app, at))


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What is logged, which takes a second to draw where nobody reads it."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def run(app: Flask) -> Callable[[], None]:
    def run() -> None:
        apart(work, app)
        # The jobs wrote on connections of their own.
        db.session.rollback()

    return run


@pytest.fixture
def owner(database_urls: server.Urls) -> Iterator[psycopg.Connection[Any]]:
    """A connection that can do what the application cannot."""
    url = database_urls.owner.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


def jobs_of(task: str) -> list[Row[Any]]:
    """A task's jobs, the first deferred first."""
    db.session.commit()
    return list(
        db.session.execute(
            text(
                "select id, status::text, attempts, scheduled_at from procrastinate_jobs"
                " where task_name = :task order by id"
            ),
            {"task": task},
        )
    )


def statuses(task: str) -> list[str]:
    return [job.status for job in jobs_of(task)]


def defer_failing() -> None:
    """A job that fails whatever happens: its task takes no such argument."""
    queue.defer("tidy", nonsense=1)
    db.session.commit()


def test_each_task_has_its_time(app: Flask) -> None:
    times = {name: cron for name, (_, cron) in SCHEDULE.items()}
    assert (
        times
        | {
            "import_overdue_invoices": "*/15 * * * *",
            "advance_cases": "0 4-20 * * *",
            "check_books": "15 2 * * *",
            "tell_people": "* * * * *",
            "deliver_outbox": "* * * * *",
            "ask_swish": "* * * * *",
            "collect_bankid": "* * * * *",
            "tidy": "30 * * * *",
        }
        == times
    )


def test_the_worker_knows_every_task_by_the_name_that_rooms_defer_it_by(app: Flask) -> None:
    worker = make_worker(app)
    assert set(SCHEDULE) <= set(worker.tasks)


def test_the_worker_keeps_the_schedule(app: Flask) -> None:
    registry = make_worker(app).periodic_registry
    kept = {one.task.name: one.cron for one in registry.periodic_tasks.values()}
    assert kept == {name: cron for name, (_, cron) in SCHEDULE.items()}


def test_cases_advance_after_midnight_in_sweden_in_summer_and_winter() -> None:
    """Four by UTC is five or six in Sweden: the day that cases advance to has begun."""
    _, cron = SCHEDULE["advance_cases"]
    minute, hours, *_ = cron.split()
    first = int(hours.partition("-")[0])
    for month in (1, 7):
        moment = datetime(2026, month, 1, first, int(minute), tzinfo=UTC)
        assert clock.day_of(moment) == moment.date()


def test_a_job_runs_once_its_transaction_is_committed(run: Callable[[], None]) -> None:
    a_session(clock.now() - timedelta(hours=1))
    queue.defer("tidy")
    db.session.commit()
    run()
    assert statuses("tidy") == ["succeeded"]
    assert db.session.scalars(select(BrowserSession)).all() == []


def test_a_job_of_a_transaction_that_was_rolled_back_never_runs(run: Callable[[], None]) -> None:
    queue.defer("tidy")
    db.session.rollback()
    run()
    assert jobs_of("tidy") == []


def test_a_job_waits_while_its_transaction_is_open(app: Flask) -> None:
    queue.defer("tidy")
    apart(work, app)
    assert statuses("tidy") == ["todo"]


def test_under_one_name_one_job_waits(app: Flask) -> None:
    for _ in range(3):
        queue.defer("tidy", once="tidy")
    assert statuses("tidy") == ["todo"]


def test_a_name_that_is_taken_spoils_nothing_else_in_the_transaction(app: Flask) -> None:
    queue.defer("tidy", once="tidy")
    db.session.commit()
    queue.defer("collect_bankid")
    queue.defer("tidy", once="tidy")
    assert statuses("collect_bankid") == ["todo"]


def test_under_one_name_another_may_wait_once_the_first_is_done(run: Callable[[], None]) -> None:
    queue.defer("tidy", once="tidy")
    db.session.commit()
    run()
    queue.defer("tidy", once="tidy")
    assert statuses("tidy") == ["succeeded", "todo"]


def test_jobs_without_a_name_all_run(run: Callable[[], None]) -> None:
    for _ in range(2):
        queue.defer("tidy")
    db.session.commit()
    run()
    assert statuses("tidy") == ["succeeded", "succeeded"]


def test_the_schedule_adds_what_is_due(app: Flask) -> None:
    schedule(app, NIGHT)
    added = db.session.scalars(text("select task_name from procrastinate_jobs"))
    every_minute = {
        *("tell_people", "deliver_outbox", "ask_swish", "collect_bankid", "make_ordered"),
        *("refresh_figures", "act_together", "pay_back", "send_lists"),
        *("take_bank_files", "follow_payouts", "seal_envelopes"),
    }
    assert set(added) == {*every_minute, "import_overdue_invoices", "advance_cases"}


def test_two_workers_add_a_turn_of_the_schedule_once(app: Flask, run: Callable[[], None]) -> None:
    schedule(app, NIGHT)
    run()
    schedule(app, NIGHT)
    assert statuses("advance_cases") == ["succeeded"]


def test_the_schedule_adds_no_job_to_one_that_waits(app: Flask) -> None:
    """Rooms defer under the task's own name, which is the one that the schedule uses."""
    queue.defer("advance_cases", once="advance_cases")
    db.session.commit()
    schedule(app, NIGHT)
    assert statuses("advance_cases") == ["todo"]


def test_a_day_that_was_run_ahead_of_its_time_leaves_the_job_nothing_to_do(
    run: Callable[[], None], logged: list[Any]
) -> None:
    """As in a demo, where somebody has run the clock up to a day that has not come."""
    ahead = clock.today() + timedelta(days=30)
    jobs.run_days(ahead, clock.now())
    creditor = a_creditor()
    rules_of(creditor)
    an_invoice_of(creditor)
    queue.defer("advance_cases")
    db.session.commit()
    run()
    assert statuses("advance_cases") == ["succeeded"]
    assert [one["event"] for one in logged] == ["days.run_ahead"]
    assert [one.day for one in days.newest()] == [ahead]
    assert db.session.scalars(select(Case)).all() == []


def test_a_failing_job_is_tried_again_after_growing_pauses_and_then_stands_as_failed(
    run: Callable[[], None], owner: psycopg.Connection[Any]
) -> None:
    defer_failing()
    pauses = []
    for _ in PAUSES:
        before = clock.now()
        run()
        (job,) = jobs_of("tidy")
        assert job.status == "todo"
        # A slow machine makes a pause look longer by what it took to run, never shorter.
        pauses.append(max(one for one in PAUSES if before + timedelta(seconds=one) <= job[3]))
        owner.execute("update procrastinate_jobs set scheduled_at = now()")
    run()
    assert pauses == PAUSES
    assert statuses("tidy") == ["failed"]


def test_a_failing_job_is_logged_by_its_name(run: Callable[[], None], logged: list[Any]) -> None:
    defer_failing()
    run()
    assert [(one["event"], one["job"]) for one in logged] == [("job.failed", "tidy")]


def test_a_failing_job_waits_for_its_pause_to_end(run: Callable[[], None]) -> None:
    defer_failing()
    run()
    run()
    (job,) = jobs_of("tidy")
    assert (job.status, job.attempts) == ("todo", 1)


def test_a_failing_job_keeps_no_other_from_running(run: Callable[[], None]) -> None:
    defer_failing()
    queue.defer("collect_bankid")
    db.session.commit()
    run()
    assert statuses("collect_bankid") == ["succeeded"]


def test_a_job_that_fails_while_the_same_waits_is_tried_again_beside_it(
    app: Flask, owner: psycopg.Connection[Any]
) -> None:
    """Two may not wait under one name, so the one that failed waits again without it."""
    a_session(clock.real_now() - timedelta(hours=1))
    queue.defer("tidy", once="tidy")
    db.session.commit()
    with owner.transaction():
        # The job comes this far and no further, until it is told to give up.
        owner.execute("select from browser_sessions for update")
        working = threading.Thread(target=work, args=[app])
        working.start()
        backend = blocked_by(owner, working)
        queue.defer("tidy", once="tidy")
        db.session.commit()
        owner.execute("select pg_cancel_backend(%s)", [backend])
        while blocked_by(owner) == backend:
            pass
    working.join()
    assert statuses("tidy") == ["todo", "succeeded"]


def blocked_by(
    owner: psycopg.Connection[Any], working: threading.Thread | None = None
) -> int | None:
    """The server process that waits for a connection; waits for it while a thread works."""
    query = "select pid from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))"
    while True:
        # A transaction keeps what it has once seen of other sessions.
        owner.execute("select pg_stat_clear_snapshot()")
        row = owner.execute(query).fetchone()
        if row is not None or working is None:
            return row and int(row[0])
        assert working.is_alive()


def a_session(ends: datetime) -> None:
    serial = db.session.scalar(text("select count(*) from browser_sessions")) or 0
    db.session.add(BrowserSession(token_hash=bytes([serial]), data="{}", expires_at=ends))
    db.session.commit()


def test_tidying_deletes_ended_sessions_and_keeps_the_others(app: Flask) -> None:
    now = clock.now()
    for ends in (now - timedelta(seconds=1), now + timedelta(minutes=1)):
        a_session(ends)
    jobs.tidy()
    (kept,) = db.session.scalars(select(BrowserSession.expires_at))
    assert kept > now


@pytest.mark.parametrize(("minutes", "is_kept"), [(1, True), (-1, False)])
def test_tidying_deletes_wrong_guesses_that_no_longer_count(
    app: Flask, minutes: int, is_kept: bool
) -> None:
    now = clock.now()
    db.session.add(
        AccessAttempt(
            key_hash=b"k", failures=9, failed_at=now, forgotten_at=now + timedelta(minutes=minutes)
        )
    )
    db.session.commit()
    jobs.tidy()
    assert (db.session.scalar(select(AccessAttempt.failures)) == 9) is is_kept


@pytest.mark.parametrize(
    ("status", "age", "is_kept"),
    [
        ("succeeded", timedelta(days=6), True),
        ("succeeded", timedelta(days=8), False),
        ("failed", timedelta(days=8), True),
        ("failed", timedelta(days=400), True),
        ("todo", timedelta(days=8), True),
        ("doing", timedelta(days=8), True),
    ],
)
def test_tidying_deletes_jobs_done_long_ago_and_keeps_those_that_failed(
    app: Flask, owner: psycopg.Connection[Any], status: str, age: timedelta, is_kept: bool
) -> None:
    queue.defer("advance_cases")
    db.session.commit()
    owner.execute(f"update procrastinate_jobs set status = '{status}'")
    owner.execute("update procrastinate_events set at = now() - %s", [age])
    jobs.tidy()
    assert statuses("advance_cases") == ([status] if is_kept else [])


def test_tidying_deletes_jobs_that_the_schedule_added(
    app: Flask, owner: psycopg.Connection[Any]
) -> None:
    """Their turns are written down apart, and point at them."""
    schedule(app, NIGHT)
    owner.execute("update procrastinate_jobs set status = 'succeeded'")
    owner.execute("update procrastinate_events set at = now() - interval '8 days'")
    jobs.tidy()
    assert db.session.scalar(text("select count(*) from procrastinate_jobs")) == 0


def test_tidying_twice_is_as_tidying_once(app: Flask) -> None:
    a_session(clock.now() - timedelta(hours=1))
    jobs.tidy()
    jobs.tidy()
    assert db.session.scalars(select(BrowserSession)).all() == []


async def role_of(connector: Any) -> tuple[str, bool]:
    await connector.open_async()
    try:
        row = await connector.execute_query_one_async(
            "select rolname, rolsuper or rolbypassrls as is_strong from pg_roles"
            " where rolname = current_user"
        )
    finally:
        await connector.close_async()
    return row["rolname"], row["is_strong"]


@pytest.mark.parametrize("has_own_address", [True, False])
def test_the_worker_is_the_applications_role_and_not_stronger(
    app: Flask, database_urls: server.Urls, has_own_address: bool
) -> None:
    if not has_own_address:
        app.extensions["reda_database"] = server.Urls(database_urls.owner, database_urls.owner)
    assert apart(asyncio.run, role_of(make_worker(app).connector)) == ("reda_app", False)


def test_a_task_sees_every_tenant_and_still_stands_behind_the_walls(
    run: Callable[[], None],
) -> None:
    for name in ("One", "Two"):
        creditor = a_creditor(name)
        rules_of(creditor)
        an_invoice_of(creditor)
    queue.defer("import_overdue_invoices")
    db.session.commit()
    run()
    assert len(db.session.scalars(select(Case.creditor_id).distinct()).all()) == 2


def test_a_creditor_whose_invoices_fail_keeps_no_other_creditor_waiting(app: Flask) -> None:
    failing, other = a_creditor("One"), a_creditor("Two")
    for creditor in (failing, other):
        rules_of(creditor)
    # An invoice that has a case cannot get a second one.
    a_case(failing).invoice.decision = "waiting"
    an_invoice_of(other)
    with pytest.raises(IntegrityError):
        jobs.import_overdue_invoices()
    assert cases.totals(other.id, TODAY).open_count == 1


def _serve(ours: Settings) -> None:
    jobs.work(create_app(ours))


def test_a_worker_serves_both_queues_and_ends_when_it_is_told_to(
    app: Flask, settings: Settings
) -> None:
    worker = multiprocessing.get_context("spawn").Process(target=_serve, args=(settings,))
    worker.start()
    queue.defer("make_ordered")
    queue.defer("tidy")
    db.session.commit()
    # By the clock it adds jobs of its own as well.
    while not all("succeeded" in statuses(task) for task in ("make_ordered", "tidy")):
        assert worker.is_alive()
        time.sleep(0.1)
    worker.terminate()
    worker.join(20)
    assert worker.exitcode == 0
