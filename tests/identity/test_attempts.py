"""Whoever guesses waits twice as long each time, on every server alike."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.extensions import db
from portal.identity import attempts
from portal.identity.models import AccessAttempt
from tests.factories import NOW

KEY, ADDRESS = "case:100000009", "address:192.0.2.1"


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
    fail(7, "case:200000008")
    assert wait(KEY, "case:200000008") == timedelta(minutes=4)


def test_a_guess_counts_against_every_key(app: Flask) -> None:
    fail(10, KEY, ADDRESS)
    assert wait(KEY) == timedelta(minutes=32)
    assert wait(ADDRESS) == timedelta(minutes=1)


def test_success_forgets_the_failures_of_its_key_alone(app: Flask) -> None:
    fail(10, KEY, ADDRESS)
    attempts.succeeded(KEY)
    assert wait(KEY) is None
    assert wait(ADDRESS) == timedelta(minutes=1)


@pytest.mark.parametrize(("key", "days"), [(KEY, 91), (ADDRESS, 2)])
def test_failures_of_long_ago_do_not_count(app: Flask, key: str, days: int) -> None:
    fail(9, key)
    fail(1, key, at=timedelta(days=days))
    assert wait(key, at=timedelta(days=days)) is None


def test_a_patient_guesser_does_not_start_over_when_the_lock_ends(app: Flask) -> None:
    fail(17)
    fail(1, at=timedelta(days=10))
    assert wait(at=timedelta(days=10)) == timedelta(days=11)


def guesses(key: str, *, days: int) -> int:
    """How many wrong guesses whoever guesses as soon as it is allowed makes in some days."""
    now, made = NOW, 0
    while now < NOW + timedelta(days=days):
        attempts.failed([key], now)
        now, made = attempts.locked_until([key], now) or now, made + 1
    return made


def test_a_year_leaves_379_guesses_at_one_case(app: Flask) -> None:
    assert guesses(KEY, days=365) == 379


def test_a_day_leaves_27_guesses_from_one_address(app: Flask) -> None:
    assert guesses(ADDRESS, days=1) == 27


def test_each_further_day_leaves_12_guesses_from_one_address(app: Flask) -> None:
    assert guesses(ADDRESS, days=2) == 39


def test_nobody_at_an_address_waits_longer_than_two_hours(app: Flask) -> None:
    fail(40, ADDRESS)
    assert wait(ADDRESS) == timedelta(hours=2)


def test_ten_may_be_wrong_at_one_address_before_it_waits(app: Flask) -> None:
    fail(9, ADDRESS)
    assert wait(ADDRESS) is None
    fail(1, ADDRESS)
    assert wait(ADDRESS) == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("one", "other", "is_shut"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
    ],
)
def test_all_addresses_of_one_subscriber_are_one(
    app: Flask, one: str, other: str, is_shut: bool
) -> None:
    fail(10, f"address:{one}")
    assert (wait(f"address:{other}") is not None) is is_shut


def test_what_was_guessed_at_cannot_be_read_from_the_database(app: Flask) -> None:
    fail(1)
    stored = bytes(db.session.scalar(db.text("select key_hash from access_attempts")))
    assert len(stored) == 32
    assert b"100000009" not in stored


@pytest.mark.parametrize(("seconds", "left"), [(0, 1), (1, 0)])
def test_what_no_longer_counts_is_deleted(app: Flask, seconds: int, left: int) -> None:
    fail(1)
    attempts.forget_old(NOW + timedelta(days=90, seconds=seconds))
    assert kept() == left
