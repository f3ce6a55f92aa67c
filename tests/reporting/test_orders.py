"""What is asked for is made once, whoever is killed meanwhile, and is gone after a week."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal import create_app, jobs
from portal.collection.models import Event
from portal.config import Settings
from portal.database import files, tenancy
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from portal.messages import RedaError
from portal.reporting import making, orders
from portal.reporting.making import Making
from portal.reporting.models import Order
from tests.factories import EVA, NOW, a_creditor, a_person_at
from tests.reporting.conftest import EVA_AT_DESK, REMITTANCE, ask, contents, current, make

FILE = b"made"
Files = Sequence[Mapping[str, Any]]


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Makers of reports as a test says: `do` is called with what the maker tells by."""
    does: dict[str, Any] = {"do": lambda making: None}

    def make_files(telling: Making) -> Files | None:
        done: Files | None = does["do"](telling)
        return [kept()] if done is None else done

    monkeypatch.setattr(making, "_MAKERS", {"report": make_files})
    return does


def kept(data: bytes = FILE, name: str = "a.csv") -> dict[str, Any]:
    return {"name": name, "sha256": files.store(data), "size": len(data)}


def test_a_report_is_made_as_pdf_and_two_kinds_of_spreadsheet(creditor: Creditor) -> None:
    order = ask(creditor)
    make()
    order = current(order)
    assert order.status == "done"
    assert [one["name"].rpartition(".")[2] for one in order.files] == ["pdf", "xlsx", "csv"]
    assert [one["size"] for one in order.files] == [len(one) for one in contents(order)]


def test_it_is_kept_for_seven_days_from_when_it_was_made(creditor: Creditor) -> None:
    order = ask(creditor)
    make(lambda: NOW + timedelta(hours=1))
    assert current(order).expires_at == NOW + timedelta(days=7, hours=1)


def test_the_same_asked_for_while_it_is_made_is_the_same_order(creditor: Creditor) -> None:
    assert ask(creditor).id == ask(creditor).id


def test_the_same_asked_for_afterwards_is_another_order(creditor: Creditor) -> None:
    first = ask(creditor).id
    make()
    assert ask(creditor).id != first


def test_asking_wakes_a_worker(creditor: Creditor) -> None:
    ask(creditor)
    ask(creditor, {"name": "another"})
    waiting = db.session.execute(
        text("select queue_name from procrastinate_jobs where task_name = 'make_ordered'")
    )
    assert [row.queue_name for row in waiting] == ["slow"]


def test_a_company_has_only_so_many_orders_waiting(creditor: Creditor) -> None:
    for number in range(orders.MOST_WAITING):
        ask(creditor, {"name": str(number)})
    with pytest.raises(orders.TooMany):
        ask(creditor, {"name": "one more"})


def test_how_far_it_is_can_be_seen_while_it_is_made(
    creditor: Creditor, maker: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_BETWEEN_NOTES", 0.0)
    seen = []

    def do(telling: Making) -> None:
        telling.progress(3, 10)
        order = db.session.get_one(Order, telling.task.id, populate_existing=True)
        seen.append((order.status, order.done, order.total))

    maker["do"] = do
    ask(creditor)
    make()
    assert seen == [("running", 3, 10)]


def test_what_is_cancelled_is_not_made_any_further(
    creditor: Creditor, maker: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_BETWEEN_NOTES", 0.0)
    order, reached = ask(creditor), []

    def do(telling: Making) -> None:
        orders.cancel(order, actor=EVA_AT_DESK, now=NOW)
        db.session.commit()
        telling.progress(1, 2)
        reached.append("further")

    maker["do"] = do
    make()
    assert (current(order).status, reached) == ("cancelled", [])


def test_what_is_cancelled_in_the_last_moment_has_no_files(
    creditor: Creditor, maker: dict[str, Any]
) -> None:
    order = ask(creditor)

    def do(telling: Making) -> None:
        orders.cancel(order, actor=EVA_AT_DESK, now=NOW)
        db.session.commit()

    maker["do"] = do
    make()
    assert (current(order).status, order.files) == ("cancelled", [])


def test_what_is_ready_cannot_be_cancelled(creditor: Creditor) -> None:
    order = ask(creditor)
    make()
    with pytest.raises(orders.NotThisWay):
        orders.cancel(current(order), actor=EVA_AT_DESK, now=NOW)


def test_a_fault_of_ours_is_told_in_words(creditor: Creditor, maker: dict[str, Any]) -> None:
    def do(telling: Making) -> None:
        raise ZeroDivisionError

    maker["do"] = do
    order = ask(creditor)
    make()
    order = current(order)
    assert order.status == "failed"
    assert order.failure is not None
    assert "on our side" in order.failure["message"]


def test_what_cannot_be_made_tells_why(creditor: Creditor, maker: dict[str, Any]) -> None:
    def do(telling: Making) -> None:
        raise RedaError("There is nothing to make it of.")

    maker["do"] = do
    order = ask(creditor)
    make()
    failure = current(order).failure
    assert failure is not None
    assert failure["message"] == "There is nothing to make it of."


def test_what_has_failed_is_made_when_somebody_tries_again(
    creditor: Creditor, maker: dict[str, Any]
) -> None:
    def do(telling: Making) -> None:
        raise ZeroDivisionError

    maker["do"] = do
    order = ask(creditor)
    make()
    maker["do"] = lambda telling: None
    again = orders.again(current(order), language="en", actor=EVA_AT_DESK, now=NOW)
    db.session.commit()
    make()
    order = current(order)
    assert (again.id, order.status, order.failure) == (order.id, "done", None)


def test_one_order_that_fails_keeps_no_other_waiting(
    creditor: Creditor, maker: dict[str, Any]
) -> None:
    def do(telling: Making) -> None:
        if telling.task.parameters["name"] == "bad":
            raise ZeroDivisionError

    maker["do"] = do
    bad, good = ask(creditor, {"name": "bad"}), ask(creditor, {"name": "good"})
    make()
    assert (current(bad).status, current(good).status) == ("failed", "done")


def test_what_takes_long_lets_others_go_first_and_goes_on_where_it_was(
    creditor: Creditor, maker: dict[str, Any]
) -> None:
    told = []

    def do(telling: Making) -> Files | None:
        told.append((telling.task.parameters["name"], dict(telling.task.state)))
        if telling.task.parameters["name"] == "long" and not telling.task.state:
            telling.keep([kept()], {"after": 5}, 5, 10)
            return None
        return [*telling.task.files, kept(b"the rest", "b.csv")]

    # A maker that answers nothing wants another turn.
    making._MAKERS["report"] = do  # type: ignore[index]
    order, other = ask(creditor, {"name": "long"}), ask(creditor, {"name": "short"})
    make()
    assert told == [("long", {}), ("short", {}), ("long", {"after": 5})]
    assert [one["name"] for one in current(order).files] == ["a.csv", "b.csv"]
    assert current(other).status == "done"


def _killed(ours: Settings, order_id: int) -> None:
    """A worker that is killed in the middle, after a first file was finished."""
    app = create_app(ours)

    def do(telling: Making) -> Files:
        telling.keep([kept()], {"after": 5}, 5, 10)
        os.kill(os.getpid(), signal.SIGKILL)
        return []

    making._MAKERS = {"report": do}  # type: ignore[misc]
    with app.app_context(), tenancy.service():
        making.make_next(lambda: NOW)


def test_another_goes_on_where_a_killed_worker_was(
    creditor: Creditor, maker: dict[str, Any], settings: Settings
) -> None:
    order = ask(creditor)
    killed = multiprocessing.get_context("spawn").Process(target=_killed, args=(settings, order.id))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert current(order).status == "running"
    maker["do"] = lambda telling: [*telling.task.files, kept(b"the rest", "b.csv")]
    make()
    assert current(order).status == "done"
    assert contents(order) == [FILE, b"the rest"]


def test_an_order_that_kills_each_worker_is_given_up(
    creditor: Creditor, maker: dict[str, Any]
) -> None:
    order = ask(creditor)
    order.status, order.tries = "running", making.MOST_TRIES
    db.session.commit()
    make()
    assert current(order).status == "failed"


def test_two_workers_at_once_make_an_order_once(
    app: Flask, creditor: Creditor, maker: dict[str, Any]
) -> None:
    made, inside = [], threading.Barrier(2, timeout=10)

    def do(telling: Making) -> None:
        made.append(telling.task.id)
        inside.wait()

    maker["do"] = do
    orders_put = {ask(creditor, {"name": name}).id for name in ("one", "two")}

    def work() -> None:
        with app.app_context(), tenancy.service():
            while making.make_next(lambda: NOW):
                pass

    workers = [threading.Thread(target=work) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert sorted(made) == sorted(orders_put)


def test_who_began_before_the_last_time_writes_nothing_more(
    creditor: Creditor, maker: dict[str, Any]
) -> None:
    """As a worker that hung, and comes back when another has taken its order over."""

    def do(telling: Making) -> None:
        db.session.execute(text("update work_orders set attempt = attempt + 1"))
        db.session.commit()

    maker["do"] = do
    order = ask(creditor)
    making.make_next(lambda: NOW)
    assert (current(order).status, order.files) == ("running", [])


def test_a_maker_sees_its_own_company_alone(creditor: Creditor, maker: dict[str, Any]) -> None:
    a_creditor("Fjällbäcks Tandvård AB")
    seen = []
    maker["do"] = lambda telling: seen.extend(db.session.scalars(select(Creditor.name)))
    ask(creditor)
    make()
    assert seen == [creditor.name]


def test_the_job_makes_what_waits(creditor: Creditor) -> None:
    order = ask(creditor)
    jobs.make_ordered()
    assert current(order).status == "done"


LATER = NOW + timedelta(days=7)


def forget(now: datetime = LATER) -> None:
    orders.forget_old(now, real_now=datetime.now(UTC) + timedelta(days=7))
    db.session.commit()


def test_after_seven_days_its_files_are_gone_and_it_says_so(creditor: Creditor) -> None:
    order = ask(creditor)
    make()
    forget()
    order = current(order)
    assert order.status == "gone"
    assert [one["name"] for one in order.files] != []
    with pytest.raises(files.FileDamaged):
        contents(order)


def test_before_that_they_are_there(creditor: Creditor) -> None:
    order = ask(creditor)
    make()
    forget(LATER - timedelta(seconds=1))
    assert current(order).status == "done"
    assert len(contents(order)) == 3


def test_a_file_that_another_order_holds_as_well_stays(
    creditor: Creditor, maker: dict[str, Any]
) -> None:
    first = ask(creditor, {"name": "one"})
    make()
    second = ask(creditor, {"name": "two"})
    make(lambda: NOW + timedelta(days=1))
    forget()
    assert (current(first).status, contents(current(second))) == ("gone", [FILE])


def test_files_of_what_was_cancelled_halfway_are_forgotten(
    creditor: Creditor, maker: dict[str, Any]
) -> None:
    order = ask(creditor)

    def do(telling: Making) -> None:
        telling.keep([kept()], {"after": 5}, 5, 10)
        orders.cancel(order, actor=EVA_AT_DESK, now=NOW)
        db.session.commit()

    maker["do"] = do
    make()
    (file,) = current(order).files
    forget()
    assert current(order).files == []
    with pytest.raises(files.FileDamaged):
        files.read(file["sha256"])


def test_fetching_a_file_is_written_down_and_told_in_the_history(creditor: Creditor) -> None:
    order = ask(creditor)
    make()
    file = orders.fetch(current(order), 2, actor=EVA_AT_DESK, now=NOW)
    db.session.commit()
    assert [(one.person_name, one.place) for one in orders.fetched(order)] == [("Eva Sandberg", 2)]
    event = db.session.scalars(select(Event).where(Event.name == "report.downloaded")).one()
    assert event.data["sha256"] == file["sha256"]


@pytest.mark.parametrize("place", [-1, 3])
def test_a_file_that_is_not_there_cannot_be_fetched(creditor: Creditor, place: int) -> None:
    order = ask(creditor)
    make()
    with pytest.raises(orders.NotThisWay):
        orders.fetch(current(order), place, actor=EVA_AT_DESK, now=NOW)


def test_what_is_gone_can_be_made_again_as_another_order(creditor: Creditor) -> None:
    order = ask(creditor)
    make()
    forget()
    again = orders.again(current(order), language="en", actor=EVA_AT_DESK, now=LATER)
    assert (again.id != order.id, again.parameters) == (True, order.parameters)


@pytest.mark.parametrize("is_failed", [False, True])
def test_whoever_ordered_it_is_told_how_it_ended_and_nobody_else(
    creditor: Creditor, maker: dict[str, Any], is_failed: bool
) -> None:
    eva, _ = a_person_at(creditor, "administrator", EVA), a_person_at(creditor, "viewer")

    def fail(making: Making) -> None:
        if is_failed:
            raise RedaError("No.")

    maker["do"] = fail
    orders.put(
        creditor.id, "report", REMITTANCE, language="en", now=NOW,
        actor=Actor("person", eva.name, eva.id),
    )  # fmt: skip
    db.session.commit()
    make()
    told = db.session.execute(text("select person_id, kind, is_failed from notifications")).all()
    assert [tuple(one) for one in told] == [(eva.id, "report", is_failed)]


def test_what_is_over_is_not_fetched_even_before_it_is_tidied_away(creditor: Creditor) -> None:
    order = ask(creditor)
    make()
    with pytest.raises(orders.NotThisWay):
        orders.fetch(current(order), 0, actor=EVA_AT_DESK, now=NOW + timedelta(days=400))
