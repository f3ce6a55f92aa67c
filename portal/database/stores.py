"""Where the bytes of files lie: a folder, or a bucket that speaks S3. What is put is encrypted.

Source: Amazon Simple Storage Service API reference (PutObject, GetObject, HeadObject, CopyObject,
DeleteObject, ListObjectsV2), through boto3.
"""

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from flask import current_app

from portal.config import Settings

# Who removes old files leaves alone what was used within days; so often is it noted anew.
_NOTED_EACH = timedelta(hours=1)


class Store(Protocol):
    """A place for files by their name, the SHA-256 of what they hold."""

    def note_use(self, name: str) -> bool:
        """Note that a file is used now, so that it is not removed; answers whether it is there."""

    def take(self, name: str, finished: Path) -> None:
        """Keep a finished file, which is on this machine, under a name."""

    def open(self, name: str) -> IO[bytes]:
        """A file to read. Raises FileNotFoundError when it is missing."""

    def size(self, name: str) -> int | None:
        """How many bytes lie there, or None when it is missing."""

    def used_at(self, name: str) -> datetime | None:
        """When a file was last put or noted, or None when it is missing."""

    def remove(self, name: str) -> None:
        """Remove a file; one that is missing is no error."""

    def names(self, prefix: str = "") -> Iterator[str]:
        """Every file that is kept whose name begins so, in order. prefix: at most two letters."""


class Folder:
    """Files in a folder, in subfolders by how their name begins."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, name: str) -> Path:
        return self._root / name[:2] / name

    def note_use(self, name: str) -> bool:
        try:
            os.utime(self._path(name))
        except FileNotFoundError:
            return False
        return True

    def take(self, name: str, finished: Path) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(finished, path)

    def open(self, name: str) -> IO[bytes]:
        return self._path(name).open("rb")

    def size(self, name: str) -> int | None:
        with contextlib.suppress(OSError):
            return self._path(name).stat().st_size
        return None

    def used_at(self, name: str) -> datetime | None:
        with contextlib.suppress(OSError):
            return datetime.fromtimestamp(self._path(name).stat().st_mtime, UTC)
        return None

    def remove(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def names(self, prefix: str = "") -> Iterator[str]:
        for path in sorted(self._root.glob(f"{prefix:?<2}/*")):
            yield path.name


class Bucket:
    """Files in a bucket."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.store_bucket
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=settings.store_address or None,
            region_name=settings.store_region,
            aws_access_key_id=settings.store_key_id or None,
            aws_secret_access_key=settings.store_secret or None,
            config=Config(
                retries={"max_attempts": 4, "mode": "standard"}, connect_timeout=5, read_timeout=60
            ),
        )

    def note_use(self, name: str) -> bool:
        used_at = self.used_at(name)
        if used_at is None:
            return False
        if datetime.now(UTC) - used_at > _NOTED_EACH:
            # S3 lets an object be copied onto itself only when something of it is told anew.
            self._client.copy_object(
                Bucket=self._bucket, Key=name, CopySource={"Bucket": self._bucket, "Key": name},
                MetadataDirective="REPLACE",
            )  # fmt: skip
        return True

    def take(self, name: str, finished: Path) -> None:
        self._client.upload_file(str(finished), self._bucket, name)
        finished.unlink()

    def open(self, name: str) -> IO[bytes]:
        try:
            body: IO[bytes] = self._client.get_object(Bucket=self._bucket, Key=name)["Body"]
        except ClientError as error:
            if _is_missing(error):
                raise FileNotFoundError(name) from error
            raise
        return body

    def _head(self, name: str) -> dict[str, Any] | None:
        try:
            told: dict[str, Any] = self._client.head_object(Bucket=self._bucket, Key=name)
        except ClientError as error:
            if _is_missing(error):
                return None
            raise
        return told

    def size(self, name: str) -> int | None:
        told = self._head(name)
        return None if told is None else int(told["ContentLength"])

    def used_at(self, name: str) -> datetime | None:
        told = self._head(name)
        return None if told is None else told["LastModified"]

    def remove(self, name: str) -> None:
        self._client.delete_object(Bucket=self._bucket, Key=name)

    def names(self, prefix: str = "") -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        for page in pages:
            for one in page.get("Contents", ()):
                yield one["Key"]


def _is_missing(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound")


def store() -> Store:
    """The store that the settings choose; a process keeps one."""
    found: Store | None = current_app.extensions.get("reda_store")
    if found is None:
        settings: Settings = current_app.extensions["reda_settings"]
        found = Bucket(settings) if settings.store_bucket else Folder(settings.var / "files")
        current_app.extensions["reda_store"] = found
    return found
