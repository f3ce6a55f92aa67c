"""Files lie in a folder or in a bucket that speaks S3, and behave alike."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from flask import Flask
from moto.server import ThreadedMotoServer

from portal.config import Settings, SettingsError
from portal.database import files, stores
from portal.database.files import FileDamaged

BUCKET = "reda-files"
LETTER = "Ahmad Al-Khatib är skyldig 1 000 kr".encode()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def bucket(settings: Settings, s3: str) -> Iterator[Settings]:
    """Settings of a bucket that holds nothing."""
    resource = boto3.resource(
        "s3", endpoint_url=s3, region_name=settings.store_region, aws_access_key_id="key",
        aws_secret_access_key="secret",
    )  # fmt: skip
    bucket = resource.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": settings.store_region}
    )
    yield replace(
        settings, store_bucket=BUCKET, store_address=s3, store_key_id="key", store_secret="secret"
    )
    bucket.objects.all().delete()
    bucket.delete()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, app: Flask) -> Iterator[stores.Store]:
    before = app.extensions["reda_settings"]
    if request.param == "bucket":
        app.extensions["reda_settings"] = request.getfixturevalue("bucket")
    app.extensions.pop("reda_store", None)
    yield stores.store()
    app.extensions["reda_settings"] = before
    del app.extensions["reda_store"]


def test_a_file_comes_back_as_it_was(store: stores.Store) -> None:
    assert files.read(files.store(LETTER)) == LETTER


def test_a_file_of_many_pieces_comes_back_as_it_was(store: stores.Store) -> None:
    large = os.urandom(3 * (1 << 20) + 77)
    with files.writing() as writer:
        writer.write(large)
    assert files.read(writer.sha256) == large


def test_what_lies_there_does_not_show_what_it_holds(store: stores.Store) -> None:
    with store.open(files.store(LETTER)) as stored:
        assert b"Ahmad" not in stored.read()


def test_a_missing_file_is_told(store: stores.Store) -> None:
    with pytest.raises(FileDamaged):
        files.read("0" * 64)


def test_every_file_is_named(store: stores.Store) -> None:
    kept = {files.store(LETTER), files.store(b"another")}
    assert set(store.names()) == kept


def test_a_file_that_nothing_names_is_removed(store: stores.Store) -> None:
    sha256 = files.store(LETTER)
    files.remove_unnamed([sha256], unused_since=datetime.now(UTC) + timedelta(hours=1))
    assert store.size(sha256) is None


def test_a_file_that_was_used_just_now_is_not_removed(store: stores.Store) -> None:
    sha256 = files.store(LETTER)
    before = datetime.now(UTC) - timedelta(hours=1)
    assert files.remove_unnamed([sha256], unused_since=before) == []


def test_its_size_is_told(store: stores.Store) -> None:
    sha256 = files.store(LETTER)
    with store.open(sha256) as stored:
        assert store.size(sha256) == len(stored.read())


def test_nothing_is_left_of_its_being_written(store: stores.Store, settings: Settings) -> None:
    files.store(LETTER)
    assert list((settings.var / "files" / "parts").iterdir()) == []


@pytest.mark.parametrize(
    "given",
    [{"REDA_STORE_ADDRESS": "ftp://store"}, {"REDA_STORE_KEY_ID": "key"}],
)
def test_settings_that_cannot_be_used_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="REDA_STORE"):
        Settings.from_environment(given)
