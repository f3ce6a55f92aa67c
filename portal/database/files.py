"""Files kept by the SHA-256 of their content, encrypted, in a folder."""

import hashlib
import os
import tempfile
from pathlib import Path

from flask import current_app

from portal.database.encryption import decrypt, encrypt


class FileDamaged(Exception):
    """A stored file is missing or is no longer what was stored."""


def _path(sha256: str) -> Path:
    folder: Path = current_app.extensions["reda_settings"].var / "files"
    return folder / sha256[:2] / sha256


def store(data: bytes) -> str:
    """Keep a file; answers its SHA-256 in hex. Storing the same bytes again changes nothing.

    Written whole before the transaction that names it commits: a file without a row is harmless,
    a row without a file is not.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    path = _path(sha256)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(encrypt(data))
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, path)
    return sha256


def read(sha256: str) -> bytes:
    """The file's bytes. Raises FileDamaged when they are not the ones that were stored."""
    try:
        data = decrypt(_path(sha256).read_bytes())
    except Exception as error:
        raise FileDamaged(sha256) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise FileDamaged(sha256)
    return data
