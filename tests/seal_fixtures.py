"""A running timestamp authority, and the portal's seal from it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from portal.config import Settings
from simulators import timestamp


def sealing(settings: Settings, folder: Path, running: timestamp.Running) -> Settings:
    """The portal's settings, with the seal in a folder and timestamps of this authority."""
    return replace(
        settings,
        seal_key=str(folder / "seal_key.pem"),
        seal_certificate=str(folder / "seal.pem"),
        seal_chain=str(folder / "seal_chain.pem"),
        seal_roots=str(folder / "seal_root.pem"),
        timestamp_roots=str(folder / "seal_root.pem"),
        timestamp_url=running.timestamp_url,
    )


@pytest.fixture(scope="session")
def seal_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the certificates of the timestamp authority and of the seal lie."""
    return tmp_path_factory.mktemp("seal")


@pytest.fixture(scope="session")
def timestamps(seal_folder: Path) -> Iterator[timestamp.Running]:
    """The authority, one for all tests of a worker."""
    running = timestamp.start(seal_folder)
    yield running
    running.stop()
