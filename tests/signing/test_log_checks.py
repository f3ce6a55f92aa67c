"""The log of each document to sign is verified each night, and what was changed is found."""

import hashlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask

from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import drafts, envelopes, events, log_checks
from portal.signing.events import BEGINNING
from portal.signing.models import Envelope
from tests import factories
from tests.factories import NOW
from tests.signing.envelopes import SENDER, a_draft, an_envelope


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return factories.a_creditor("One")


@pytest.fixture
def envelope(creditor: Creditor) -> Envelope:
    return an_envelope(creditor)


@pytest.fixture
def owner(_cleaning: psycopg.Connection[Any]) -> Iterator[psycopg.Connection[Any]]:
    """Somebody who has become the database's owner, and goes round every trigger."""
    _cleaning.execute("set session_replication_role = replica")
    yield _cleaning
    _cleaning.execute("set session_replication_role = origin")


def found() -> list[tuple[int, str]]:
    db.session.rollback()
    log_checks.check(NOW)
    db.session.commit()
    return [(one.position, one.what) for one in log_checks.broken()]


def test_logs_that_hold_are_counted(creditor: Creditor, envelope: Envelope) -> None:
    a_draft(creditor)
    assert log_checks.check(NOW) == 0
    assert log_checks.checked() == log_checks.Verified(2, NOW)


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("update envelope_events set actor = 'person:Mallory' where number = 2", 2),
        ("delete from envelope_events where number = 2", 2),
        ("update envelope_events set occurred_at = occurred_at + interval '1 second'", 1),
        ("update envelope_events set data = '{}' where number = 2", 2),
    ],
)
def test_a_log_that_was_changed_is_told_with_the_first_wrong_event(
    envelope: Envelope, owner: psycopg.Connection[Any], statement: str, position: int
) -> None:
    owner.execute(statement)
    assert found() == [(position, "changed")]


def test_a_log_that_was_cut_since_the_last_check_is_found(
    envelope: Envelope, owner: psycopg.Connection[Any]
) -> None:
    found()
    owner.execute("delete from envelope_events where number = 3")
    assert found() == [(3, "missing at the end")]
    # And still is at the next one.
    assert found() == [(3, "missing at the end")]


def test_a_state_that_no_event_tells_of_is_found(
    envelope: Envelope, owner: psycopg.Connection[Any]
) -> None:
    owner.execute("update envelopes set status = 'withdrawn', ended_at = now()")
    assert found() == [(4, "missing at the end")]


def test_a_log_that_was_reckoned_anew_as_a_whole_is_found(
    envelope: Envelope, owner: psycopg.Connection[Any]
) -> None:
    found()
    before = BEGINNING
    for event in events.of(envelope):
        event.actor, event.previous_sha256 = "person:Mallory", before
        before = hashlib.sha256(events.canonical(events.told(event, envelope.key))).hexdigest()
        owner.execute(
            "update envelope_events set actor = %s, previous_sha256 = %s, sha256 = %s"
            " where id = %s",
            (event.actor, event.previous_sha256, before, event.id),
        )
    assert found() == [(3, "changed")]


def test_a_log_that_goes_on_holds(envelope: Envelope) -> None:
    found()
    envelopes.withdraw(envelope, "", actor=SENDER, now=NOW)
    assert found() == []


def test_a_draft_that_was_checked_can_be_thrown_away(creditor: Creditor) -> None:
    draft = a_draft(creditor)
    found()
    drafts.discard(draft, actor=SENDER, now=NOW)
    assert log_checks.checked().logs == 0
