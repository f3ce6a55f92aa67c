"""Whole stories, told in a browser."""

import dataclasses
from pathlib import Path

import pytest

from portal.config import Settings
from tests.portal_fixtures import portal_settings

__all__ = ["portal_settings"]


@pytest.fixture
def settings(
    portal_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """As the portal's, with a clock that a story may set ahead: here, and at the simulators."""
    file = tmp_path / "clock"
    monkeypatch.setenv("REDA_CLOCK_FILE", str(file))
    return dataclasses.replace(portal_settings, clock_file=str(file))
