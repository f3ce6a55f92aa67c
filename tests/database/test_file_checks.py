"""Every stored file is read again once a week, and what is damaged or missing is told."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from portal.config import Settings
from portal.database import file_checks, files, stores
from portal.database.base import Base
from portal.database.file_checks import FileCheck
from portal.database.files import FILES_AT, NAMES_FILES, NO_FILE
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.models import Creditor
from portal.reporting.models import Order
from tests import factories
from tests.factories import NOW
from tests.signing.envelopes import an_envelope

FAST = 10**12


def run(at: datetime = NOW, **values: bool) -> FileCheck | None:
    return file_checks.run(lambda: at, pace=FAST, **values)


def the_check(at: datetime = NOW, **values: bool) -> FileCheck:
    check = run(at, **values)
    assert check is not None
    return check


def some_files(count: int = 5) -> list[str]:
    return sorted(files.store(f"letter {number}".encode()) for number in range(count))


def path_of(settings: Settings, sha256: str) -> Path:
    return settings.var / "files" / sha256[:2] / sha256


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return factories.a_creditor("One")


def test_every_file_is_read(app: Flask) -> None:
    some_files(3)
    check = the_check()
    assert (check.files, check.bytes, check.problems) == (3, 3 * len("letter 0"), [])


def test_a_damaged_file_is_told_with_what_names_it(
    app: Flask, settings: Settings, creditor: Creditor
) -> None:
    envelope = an_envelope(creditor)
    (path,) = (settings.var / "files").glob("??/*")
    path.write_bytes(b"something else")
    check = the_check()
    assert check.problems == [
        {
            "sha256": path.name, "what": "damaged",
            "named_by": [
                {"table": "envelope_files", "column": "sha256",
                 "creditor_id": envelope.creditor_id, "rows": 1}
            ],
        }
    ]  # fmt: skip


def test_what_was_put_under_another_files_name_is_damaged(app: Flask, settings: Settings) -> None:
    one, two = some_files(2)
    path_of(settings, one).write_bytes(path_of(settings, two).read_bytes())
    assert the_check().damaged == 1


def test_a_file_that_a_row_names_and_that_is_gone_is_missing(
    app: Flask, settings: Settings, creditor: Creditor
) -> None:
    an_envelope(creditor)
    (path,) = (settings.var / "files").glob("??/*")
    path.unlink()
    check = the_check()
    assert (check.missing, check.problems[0]["sha256"]) == (1, path.name)


def test_a_missing_file_of_an_order_is_found_in_its_json(app: Flask, creditor: Creditor) -> None:
    sha256 = hashlib.sha256(b"never stored").hexdigest()
    db.session.add(
        Order(
            creditor_id=creditor.id, person_name="", kind="report", language="sv", status="done",
            files=[{"name": "a", "sha256": sha256, "size": 1}], created_at=NOW, touched_at=NOW,
        )
    )  # fmt: skip
    db.session.commit()
    assert [one["sha256"] for one in the_check().problems] == [sha256]


def test_a_file_that_nothing_names_is_no_problem(app: Flask) -> None:
    some_files()
    assert the_check().missing == 0


def test_a_check_that_was_stopped_goes_on_where_it_was(app: Flask) -> None:
    stored, read = some_files(5), iter([False, True])
    stopped = file_checks.run(lambda: NOW, pace=FAST, is_stopping=lambda: next(read))
    assert stopped is None
    db.session.rollback()
    assert file_checks.newest()[0].after == stored[1]
    assert the_check(NOW + timedelta(hours=1)).files == 5


def test_a_check_that_was_killed_goes_on_and_is_the_same_check(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = some_files(5)
    monkeypatch.setattr(file_checks, "_BETWEEN_NOTES", 0.0)

    class Killed(BaseException):
        pass

    def kill() -> bool:
        if file_checks.newest()[0].after == stored[2]:
            raise Killed
        return False

    with pytest.raises(Killed):
        file_checks.run(lambda: NOW, pace=FAST, is_stopping=kill)
    db.session.rollback()
    check = the_check(NOW + timedelta(hours=1))
    assert (check.began_at, check.files, len(file_checks.newest())) == (NOW, 5, 1)


def test_it_is_done_once_a_week(app: Flask) -> None:
    the_check()
    assert run(NOW + timedelta(days=6)) is None
    assert run(NOW + timedelta(days=7)) is not None


def test_it_is_done_at_once_when_it_is_asked_for(app: Flask) -> None:
    the_check()
    assert run(NOW + timedelta(minutes=1), is_asked=True) is not None


def test_a_store_that_does_not_answer_once_damages_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_files(1)
    stream: Callable[[str], object] = files.stream
    failures = iter([True])

    def once(sha256: str) -> object:
        if next(failures, False):
            raise files.FileDamaged(sha256)
        return stream(sha256)

    monkeypatch.setattr(files, "stream", once)
    assert the_check().damaged == 0


def test_no_more_is_read_in_a_second_than_the_pace(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.store(bytes(1000))
    slept: list[float] = []
    monkeypatch.setattr(file_checks.time, "sleep", slept.append)
    monkeypatch.setattr(file_checks.time, "monotonic", lambda: 0.0)
    file_checks.run(lambda: NOW, pace=100)
    assert sum(slept) == 10


@pytest.mark.parametrize("length", [0, 1, 2])
def test_names_begin_as_they_are_asked_to(app: Flask, length: int) -> None:
    stored = some_files(20)
    prefix = stored[0][:length]
    assert list(stores.store().names(prefix)) == [one for one in stored if one.startswith(prefix)]


def test_every_json_column_that_names_files_tells_where(app: Flask) -> None:
    columns = [one for table in Base.metadata.sorted_tables for one in table.columns]
    assert [
        str(one) for one in columns if (NAMES_FILES in one.info) != (FILES_AT in one.info)
    ] == []


def test_hashes_of_what_is_no_file_are_marked(app: Flask) -> None:
    marked = {
        str(one)
        for table in Base.metadata.sorted_tables
        for one in table.columns
        if NO_FILE in one.info
    }
    assert marked == {
        "approvals.basis_sha256", "approvals.text_sha256", "signatures.visible_sha256",
        "signatures.non_visible_sha256", "envelopes.manifest_sha256",
        "envelope_events.previous_sha256", "envelope_events.sha256",
        "envelope_checks.head_sha256", "uploads.sha256",
        "deleted_envelopes.manifest_sha256", "deleted_envelopes.head_sha256",
        "sending_lists.sha256", "closed_periods.figures_sha256",
    }  # fmt: skip


def test_a_waiting_mails_attachment_is_not_removed(app: Flask, creditor: Creditor) -> None:
    sha256 = files.store(b"sealed")
    db.session.add(
        Message(
            creditor_id=creditor.id, kind="sign_completed", channel="email", language="sv",
            address="a@b.example",
            content={"attachments": [{"name": "a.pdf", "sha256": sha256}]}, idempotency_key="k",
            created_at=NOW, due_at=NOW,
        )
    )  # fmt: skip
    db.session.commit()
    assert (
        files.remove_unnamed([sha256], unused_since=datetime.max.replace(tzinfo=NOW.tzinfo)) == []
    )
