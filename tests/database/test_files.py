"""Files are kept by what they hold, unreadable on disk, and never come back as something else."""

import dataclasses
import hashlib
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask import Flask

from portal.config import Settings
from portal.database import files
from portal.database.files import FileDamaged

LETTER = "Ahmad Al-Khatib är skyldig 1 000 kr".encode()


def on_disk(settings: Settings) -> list[Path]:
    return [one for one in settings.var.rglob("*") if one.is_file()]


def test_a_file_comes_back_as_it_was(app: Flask) -> None:
    assert files.read(files.store(LETTER)) == LETTER


def test_an_empty_file_comes_back_empty(app: Flask) -> None:
    assert files.read(files.store(b"")) == b""


def test_a_file_is_called_by_the_hash_of_what_it_holds(app: Flask) -> None:
    assert files.store(LETTER) == hashlib.sha256(LETTER).hexdigest()


def test_a_file_lies_on_disk_under_its_name_alone(app: Flask, settings: Settings) -> None:
    sha256 = files.store(LETTER)
    assert [one.name for one in on_disk(settings)] == [sha256]


def test_what_lies_on_disk_does_not_show_what_it_holds(app: Flask, settings: Settings) -> None:
    files.store(LETTER)
    (stored,) = on_disk(settings)
    assert b"Ahmad" not in stored.read_bytes()


def test_nobody_else_on_the_machine_may_read_it(app: Flask, settings: Settings) -> None:
    files.store(LETTER)
    (stored,) = on_disk(settings)
    assert stored.stat().st_mode & 0o077 == 0


def test_the_same_bytes_are_kept_once(app: Flask, settings: Settings) -> None:
    files.store(LETTER)
    (stored,) = on_disk(settings)
    before = stored.read_bytes()
    files.store(LETTER)
    assert [one.read_bytes() for one in on_disk(settings)] == [before]


def test_a_missing_file_is_told(app: Flask) -> None:
    with pytest.raises(FileDamaged):
        files.read(hashlib.sha256(LETTER).hexdigest())


def test_a_damaged_file_is_told(app: Flask, settings: Settings) -> None:
    sha256 = files.store(LETTER)
    (stored,) = on_disk(settings)
    stored.write_bytes(stored.read_bytes()[:-1])
    with pytest.raises(FileDamaged):
        files.read(sha256)


def test_a_file_in_anothers_place_is_told(app: Flask, settings: Settings) -> None:
    sha256, other = files.store(LETTER), files.store(b"another letter")
    paths = {one.name: one for one in on_disk(settings)}
    paths[sha256].write_bytes(paths[other].read_bytes())
    with pytest.raises(FileDamaged):
        files.read(sha256)


def test_with_a_new_key_first_an_old_file_is_still_read(app: Flask, settings: Settings) -> None:
    sha256 = files.store(LETTER)
    keys = f"{Fernet.generate_key().decode()},{settings.identity_keys}"
    app.extensions["reda_settings"] = dataclasses.replace(settings, identity_keys=keys)
    assert files.read(sha256) == LETTER
