"""Whoever guesses waits twice as long each time, on every server alike."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.extensions import db
from portal.identity import attempts
from portal.identity.models import AccessAttempt
from tests.factories import NOW

KEY = "case:100000009"


def fail(times: int, *keys: str, at: timedelta = timedelta()) -> None:
    for _ in range(times):
        attempts.failed(list(keys) or [KEY], NOW + at)


def wait(*keys: str, at: timedelta = timedelta()) -> timedelta | None:
    until = attempts.locked_until(list(keys) or [KEY], NOW + at)
    return until and until - NOW


def kept() -> int:
    return db.session.scalar(select(func.count()).select_from(AccessAttempt)) or 0


@pytest.mark.parametrize(
    ("failures", "minutes"), [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (15, 1024)]
)
def test_each_further_failure_doubles_the_wait(failures: int, minutes: int) -> None:
    assert attempts.wait_for(failures) == timedelta(minutes=minutes)


@pytest.mark.parametrize("failures", [16, 100, 10**6])
def test_nobody_waits_longer_than_a_day(failures: int) -> None:
    assert attempts.wait_for(failures) == timedelta(days=1)


def test_four_wrong_guesses_lock_nothing(app: Flask) -> None:
    fail(4)
    assert wait() is None


def test_the_fifth_wrong_guess_locks_for_a_minute(app: Flask) -> None:
    fail(5)
    assert wait() == timedelta(minutes=1)


def test_a_lock_ends_on_the_second(app: Flask) -> None:
    fail(5)
    assert wait(at=timedelta(minutes=1)) is None


def test_one_key_does_not_lock_another(app: Flask) -> None:
    fail(5)
    assert wait("case:200000008") is None


def test_the_longest_lock_of_several_keys_counts(app: Flask) -> None:
    fail(5)
    fail(7, "address:192.0.2.1")
    assert wait(KEY, "address:192.0.2.1") == timedelta(minutes=4)


def test_a_guess_counts_against_every_key(app: Flask) -> None:
    fail(5, KEY, "address:192.0.2.1")
    assert wait(KEY) == wait("address:192.0.2.1") == timedelta(minutes=1)


def test_success_forgets_the_failures_of_its_key_alone(app: Flask) -> None:
    fail(5, KEY, "address:192.0.2.1")
    attempts.succeeded(KEY)
    assert wait(KEY) is None
    assert wait("address:192.0.2.1") == timedelta(minutes=1)


def test_failures_of_the_day_before_yesterday_do_not_count(app: Flask) -> None:
    fail(4)
    fail(1, at=timedelta(days=2))
    assert wait(at=timedelta(days=2)) is None


def test_a_patient_guesser_does_not_start_over_within_the_lock(app: Flask) -> None:
    fail(17)
    fail(1, at=timedelta(hours=24))
    assert wait(at=timedelta(hours=24)) == timedelta(days=2)


def test_what_was_guessed_at_cannot_be_read_from_the_database(app: Flask) -> None:
    fail(1)
    stored = bytes(db.session.scalar(db.text("select key_hash from access_attempts")))
    assert len(stored) == 32
    assert b"100000009" not in stored


def test_old_failures_are_deleted(app: Flask) -> None:
    fail(1)
    attempts.forget_old(NOW + timedelta(days=1, seconds=1))
    assert kept() == 0


def test_failures_that_still_count_are_kept(app: Flask) -> None:
    fail(1)
    attempts.forget_old(NOW + timedelta(days=1))
    assert kept() == 1
