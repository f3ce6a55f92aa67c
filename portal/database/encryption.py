"""Encryption at rest, and a keyed hash to look encrypted values up by.

Fernet (AES-128-CBC with HMAC-SHA256) by `cryptography`; several keys may be set, the newest first,
so that keys can be changed without losing what is stored.
"""

import hashlib
import hmac

from cryptography.fernet import Fernet, MultiFernet
from flask import current_app
from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

from portal.config import Settings


def _settings() -> Settings:
    settings: Settings = current_app.extensions["reda_settings"]
    return settings


def cipher() -> MultiFernet:
    """The keys of the settings, for who encrypts or decrypts many pieces."""
    return MultiFernet([Fernet(key) for key in _settings().encryption_keys])


def encrypt(data: bytes) -> bytes:
    """The bytes, encrypted with the newest key."""
    return cipher().encrypt(data)


def decrypt(token: bytes) -> bytes:
    """The bytes again. Raises cryptography.fernet.InvalidToken when they were changed."""
    return cipher().decrypt(token)


def lookup_hash(value: str) -> bytes:
    """HMAC-SHA256 of a value, the same each time, useless without the key."""
    key = _settings().identity_hash_key.encode()
    return hmac.digest(key, value.encode(), hashlib.sha256)


def derive(purpose: str, value: str) -> bytes:
    """32 bytes that belong to a value for one purpose, the same for ever, secret like the key."""
    key = hmac.digest(_settings().access_key.encode(), purpose.encode(), hashlib.sha256)
    return hmac.digest(key, value.encode(), hashlib.sha256)


class EncryptedText(TypeDecorator[str]):
    """A text that the database holds encrypted."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else encrypt(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else decrypt(bytes(value)).decode()
