"""What is personal is unreadable in the database, and keys can be changed without losing it."""

import dataclasses
from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet, InvalidToken
from flask import Flask
from sqlalchemy import text

from portal.config import Settings
from portal.database import encryption
from portal.extensions import db
from tests.factories import EVA, a_person

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
Keys = Callable[[str], None]


@pytest.fixture
def keys(app: Flask) -> Keys:
    """Start anew with other encryption keys."""

    def start_with(keys: str) -> None:
        settings: Settings = app.extensions["reda_settings"]
        app.extensions["reda_settings"] = dataclasses.replace(settings, identity_keys=keys)

    return start_with


def test_what_is_encrypted_comes_back(app: Flask) -> None:
    assert encryption.decrypt(encryption.encrypt("Älvgatan".encode())).decode() == "Älvgatan"


def test_what_is_encrypted_does_not_show_the_text(app: Flask) -> None:
    assert EVA.encode() not in encryption.encrypt(EVA.encode())


def test_the_same_text_is_encrypted_differently_each_time(app: Flask) -> None:
    assert encryption.encrypt(b"same") != encryption.encrypt(b"same")


def test_what_was_changed_is_refused(app: Flask) -> None:
    token = bytearray(encryption.encrypt(b"text"))
    token[20] ^= 1
    with pytest.raises(InvalidToken):
        encryption.decrypt(bytes(token))


def test_with_a_new_key_first_old_data_is_still_read(app: Flask, keys: Keys) -> None:
    keys(OLD)
    token = encryption.encrypt(b"text")
    keys(f"{NEW}, {OLD}")
    assert encryption.decrypt(token) == b"text"


def test_new_data_is_encrypted_with_the_first_key(app: Flask, keys: Keys) -> None:
    keys(f"{NEW},{OLD}")
    token = encryption.encrypt(b"text")
    keys(NEW)
    assert encryption.decrypt(token) == b"text"


def test_without_its_key_data_is_not_read(app: Flask, keys: Keys) -> None:
    keys(OLD)
    token = encryption.encrypt(b"text")
    keys(NEW)
    with pytest.raises(InvalidToken):
        encryption.decrypt(token)


def test_a_column_of_personal_data_is_unreadable_in_the_database(app: Flask) -> None:
    person = a_person(EVA)
    stored = db.session.scalar(text("select identity_number from people"))
    assert EVA.encode() not in bytes(stored)
    assert person.identity_number == EVA


def test_a_value_is_found_by_the_same_hash_each_time(app: Flask) -> None:
    assert encryption.lookup_hash(EVA) == encryption.lookup_hash(EVA)


def test_two_values_have_two_hashes(app: Flask) -> None:
    assert encryption.lookup_hash("1") != encryption.lookup_hash("2")


def test_a_hash_cannot_be_made_without_its_key(app: Flask) -> None:
    before = encryption.lookup_hash(EVA)
    settings: Settings = app.extensions["reda_settings"]
    app.extensions["reda_settings"] = dataclasses.replace(settings, identity_hash_key="another")
    assert encryption.lookup_hash(EVA) != before
