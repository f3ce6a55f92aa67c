"""A file that would take all time or memory there is harms nobody else."""

import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.config import Settings
from portal.database.server import Urls
from portal.extensions import settings as settings_of_app
from portal.signing import apart, verifying
from portal.signing.verifying import Report
from simulators import timestamp
from tests.conftest import settings_of
from tests.factories import NOW, a_creditor
from tests.signing.sealed import a_sealed, trusting
from tests.signing.test_verify_pages import give, words


@pytest.fixture
def settings(
    database_urls: Urls, tmp_path: Path, seal_folder: Path, timestamps: timestamp.Running
) -> Settings:
    return trusting(settings_of(database_urls, tmp_path), seal_folder, timestamps)


def a_bomb(megabytes: int) -> bytes:
    """A PDF whose cross-reference table is so large once it is unpacked."""
    packing = zlib.compressobj()
    packed = b"".join(packing.compress(bytes(1 << 20)) for _ in range(megabytes)) + packing.flush()
    table = (
        b"1 0 obj\n<</Type/XRef/Size %d/W[1 2 1]/Root 2 0 R/Filter/FlateDecode/Length %d>>"
        b"\nstream\n" % (megabytes << 18, len(packed))
    )
    body = b"%PDF-1.7\n" + table + packed + b"\nendstream\nendobj\n"
    return body + b"startxref\n9\n%%EOF\n"


def told(report: Report) -> str:
    return report.findings[0].message.message


def test_a_sealed_file_is_looked_at_as_ever(app: Flask, settings: Settings) -> None:
    sealed = a_sealed(a_creditor("Norrsken Energi AB"))
    assert apart.verify(sealed, settings_of_app(), now=NOW).verdict == verifying.VALID


def test_one_that_takes_too_much_memory_is_given_up(app: Flask) -> None:
    report = apart.verify(a_bomb(20), settings_of_app(), now=NOW, megabytes=300)
    assert "more time or memory" in told(report)
    assert report.verdict == verifying.INCOMPLETE


def test_one_that_takes_too_much_time_is_given_up(app: Flask) -> None:
    report = apart.verify(a_bomb(20), settings_of_app(), now=NOW, seconds=1)
    assert "more time or memory" in told(report)


def test_who_gave_it_is_told_that_nothing_of_it_was_checked(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_verified_apart", lambda *_: None)
    told = words(give(client, b"%PDF-"))
    assert "Nothing of Contract.pdf could be checked." in told
    assert "more time or memory" in told


def test_a_fault_of_our_own_is_not_told_as_the_files(app: Flask, tmp_path: Path) -> None:
    wanting = replace(settings_of_app(), seal_roots=str(tmp_path / "none.pem"))
    with pytest.raises((EOFError, OSError)):
        apart.verify(b"%PDF-", wanting, now=NOW)


def test_when_many_ask_at_once_the_others_are_told_to_come_again(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "_WAIT_FOR_TURN", 0)
    for _ in range(2):
        assert apart._turns.acquire()
    try:
        answer = give(client, b"%PDF-")
    finally:
        apart._turns.release(2)
    assert answer.status_code == 503
    assert "Try again in a minute." in words(answer)
