"""`flask history verify`, and the nightly check."""

from typing import Any

import psycopg
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from portal import jobs
from portal.collection import history
from portal.collection.models import Event
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from tests.factories import NOW, a_creditor


def verify(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["history", "verify", *arguments])


@pytest.fixture
def creditors(app: Flask) -> list[Creditor]:
    """Two companies, of which the first has three events and the second two."""
    creditors = [a_creditor(key="norrsken"), a_creditor("Lindens Cykel AB", key="lindens")]
    for creditor, count in zip(creditors, (3, 2), strict=True):
        for _ in range(count):
            history.record("thing.happened", creditor_id=creditor.id, actor=SYSTEM, now=NOW)
    db.session.commit()
    return creditors


@pytest.fixture
def tampered(creditors: list[Creditor], _cleaning: psycopg.Connection[Any]) -> None:
    """Norrsken's second event tells of somebody else than it did."""
    second = db.session.scalars(
        select(Event.id).where(Event.creditor_id == creditors[0].id).order_by(Event.id)
    ).all()[1]
    _cleaning.execute("set session_replication_role = replica")
    _cleaning.execute("update events set actor = 'person:Eva' where id = %s", (second,))


def test_a_history_that_holds_is_counted(app: Flask, creditors: list[Creditor]) -> None:
    result = verify(app)
    assert (result.exit_code, result.output) == (0, "5 events of 2 creditors hold.\n")


def test_a_broken_history_is_told_with_its_place(app: Flask, tampered: None) -> None:
    result = verify(app)
    assert "norrsken: event 2: changed" in result.output
    assert "lindens" not in result.output


def test_a_broken_history_ends_with_an_error(app: Flask, tampered: None) -> None:
    assert verify(app).exit_code == 1


def test_one_creditors_history_is_looked_at_alone(app: Flask, tampered: None) -> None:
    result = verify(app, "--creditor", "lindens")
    assert (result.exit_code, result.output) == (0, "2 events of 1 creditors hold.\n")


def test_a_key_that_nobody_has_is_refused(app: Flask) -> None:
    result = verify(app, "--creditor", "nobody")
    assert result.exit_code == 2
    assert "No creditor has the key nobody." in result.output


def test_the_nightly_check_keeps_what_it_found(app: Flask, tampered: None) -> None:
    jobs.verify_history()
    assert [(one.creditor_key, one.position) for one in history.broken()] == [("norrsken", 2)]


def test_the_nightly_check_runs_at_two(app: Flask) -> None:
    assert jobs.SCHEDULE["verify_history"] == (jobs.verify_history, "0 2 * * *")
