"""Files written and read in pieces, and removed once nothing names them."""

import contextlib
import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from portal.config import Settings
from portal.database import files
from portal.database.files import FileDamaged
from portal.extensions import db
from tests.factories import a_case, a_reminded_case

# Not a whole number of pieces.
LARGE = os.urandom(3 * (1 << 20) + 77)
LATER = datetime.now(UTC) + timedelta(hours=1)


def write(*parts: bytes) -> str:
    with files.writing() as writer:
        for part in parts:
            writer.write(part)
    return writer.sha256


def path_of(settings: Settings, sha256: str) -> Path:
    return settings.var / "files" / sha256[:2] / sha256


def test_a_file_written_in_parts_comes_back_as_it_was(app: Flask) -> None:
    sha256 = write(LARGE[:100], LARGE[100:2_000_000], LARGE[2_000_000:])
    assert sha256 == hashlib.sha256(LARGE).hexdigest()
    assert files.read(sha256) == LARGE


def test_a_file_is_read_in_pieces_of_which_none_is_large(app: Flask) -> None:
    pieces = list(files.stream(write(LARGE)))
    assert b"".join(pieces) == LARGE
    assert max(map(len, pieces)) <= 1 << 20


def test_an_empty_file_written_in_parts_comes_back_empty(app: Flask) -> None:
    assert files.read(write()) == b""


def test_the_writer_tells_how_large_the_file_is(app: Flask) -> None:
    with files.writing() as writer:
        writer.write(LARGE)
    assert writer.size == len(LARGE)


def test_what_lies_on_disk_of_it_does_not_show_what_it_holds(
    app: Flask, settings: Settings
) -> None:
    sha256 = write(b"Ahmad Al-Khatib" * 100_000)
    assert b"Ahmad" not in path_of(settings, sha256).read_bytes()


def test_nothing_is_kept_of_a_file_whose_writing_failed(app: Flask, settings: Settings) -> None:
    with contextlib.suppress(RuntimeError), files.writing() as writer:
        writer.write(LARGE)
        raise RuntimeError
    assert [one for one in settings.var.rglob("*") if one.is_file()] == []


def test_a_piece_that_is_missing_is_told(app: Flask, settings: Settings) -> None:
    sha256 = write(LARGE)
    path = path_of(settings, sha256)
    whole = path.read_bytes()
    length = int.from_bytes(whole[6:10], "big")
    path.write_bytes(whole[:6] + whole[10 + length :])
    with pytest.raises(FileDamaged):
        files.read(sha256)


def test_a_missing_file_is_told_before_the_first_piece(app: Flask) -> None:
    with pytest.raises(FileDamaged):
        files.stream(hashlib.sha256(b"nothing").hexdigest())


def test_a_file_that_nothing_names_is_removed(app: Flask) -> None:
    sha256 = write(LARGE)
    assert files.remove_unnamed([sha256], unused_since=LATER) == [sha256]
    with pytest.raises(FileDamaged):
        files.read(sha256)


def test_a_file_that_a_column_names_stays(app: Flask) -> None:
    sha256 = files.store(b"<Invoice/>")
    a_case(document_sha256=sha256)
    assert files.remove_unnamed([sha256], unused_since=LATER) == []


def test_a_file_that_json_names_stays(app: Flask) -> None:
    case = a_reminded_case()
    sha256 = files.store(b"one of several")
    db.session.execute(
        db.text(
            "insert into uploads (creditor_id, filename, kind, sha256, status, mapping, result,"
            " created_at) values (:creditor, 'x', 'peppol', 'other', 'preview', '{}',"
            " jsonb_build_object('files', jsonb_build_array(jsonb_build_array('a',"
            " cast(:sha256 as text)))), now())"
        ),
        {"creditor": case.creditor_id, "sha256": sha256},
    )
    assert files.remove_unnamed([sha256], unused_since=LATER) == []


def test_a_file_stored_just_now_is_not_removed_yet(app: Flask) -> None:
    sha256 = files.store(b"a letter")
    before = datetime.now(UTC) - timedelta(hours=1)
    assert files.remove_unnamed([sha256], unused_since=before) == []


def test_storing_the_same_again_keeps_it_from_being_removed(app: Flask, settings: Settings) -> None:
    sha256 = files.store(b"a letter")
    os.utime(path_of(settings, sha256), (0, 0))
    files.store(b"a letter")
    before = datetime.now(UTC) - timedelta(hours=1)
    assert files.remove_unnamed([sha256], unused_since=before) == []


def test_what_was_begun_long_ago_and_never_finished_is_forgotten(
    app: Flask, settings: Settings
) -> None:
    folder = settings.var / "files" / "parts"
    folder.mkdir(parents=True)
    for name, at in (("old", 0), ("new", datetime.now(UTC).timestamp())):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (at, at))
    files.forget_partial(datetime.now(UTC) - timedelta(days=1))
    assert [one.name for one in folder.iterdir()] == ["new"]
