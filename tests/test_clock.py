"""The clock, also of a demo that travels in time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from portal import clock
from portal.config import Settings, SettingsError


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "clock"
    clock.follow(file)
    yield file
    clock.follow(None)


def ahead() -> timedelta:
    return timedelta(days=round((clock.now() - datetime.now(UTC)).total_seconds() / 86_400))


def test_a_clock_without_its_file_is_as_time_is(file: Path) -> None:
    assert ahead() == timedelta(0)


def test_a_clock_is_as_far_ahead_as_its_file_says(file: Path) -> None:
    file.write_text(str(30 * 86_400))
    assert ahead() == timedelta(days=30)


def test_what_must_not_grow_old_does_not_travel(file: Path) -> None:
    file.write_text("86400")
    assert abs(clock.real_now() - datetime.now(UTC)) < timedelta(hours=1)


def test_production_does_not_travel() -> None:
    with pytest.raises(SettingsError, match="REDA_CLOCK_FILE"):
        Settings.from_environment(
            {
                "REDA_ENVIRONMENT": "production",
                "REDA_CLOCK_FILE": "var/clock",
                "REDA_SECRET_KEY": "s" * 32,
                "REDA_IDENTITY_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
                "REDA_IDENTITY_HASH_KEY": "h" * 32,
                "REDA_ACCESS_KEY": "a" * 32,
            }
        )
