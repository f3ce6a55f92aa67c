"""The public page that verifies a sealed file, and the command that does."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.database.server import Urls
from portal.identity.models import Creditor
from simulators import timestamp
from tests.conftest import settings_of
from tests.factories import a_creditor
from tests.signing.documents import a_pdf
from tests.signing.sealed import a_sealed, trusting


@pytest.fixture
def settings(
    database_urls: Urls, tmp_path: Path, seal_folder: Path, timestamps: timestamp.Running
) -> Settings:
    return trusting(settings_of(database_urls, tmp_path), seal_folder, timestamps)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor("Norrsken Energi AB")


_MADE: list[bytes] = []


@pytest.fixture
def sealed(creditor: Creditor) -> bytes:
    if not _MADE:
        _MADE.append(a_sealed(creditor))
    return _MADE[0]


def give(client: FlaskClient, data: bytes | None, language: str = "en") -> TestResponse:
    page = BeautifulSoup(client.get(f"/verify?lang={language}").text, "html.parser")
    found = page.find(attrs={"name": "csrf_token"})
    token = "" if found is None else found["value"]
    file = {} if data is None else {"file": (io.BytesIO(data), "Contract.pdf")}
    return client.post("/verify", data={"csrf_token": token, **file})


def words(answer: TestResponse) -> str:
    return " ".join(BeautifulSoup(answer.text, "html.parser").get_text(" ").split())


def download(client: FlaskClient, answer: TestResponse, kind: str) -> TestResponse:
    page = BeautifulSoup(answer.text, "html.parser")
    values = {one["name"]: one["value"] for one in page.find_all("input") if one.get("name")}
    return client.post("/verify/report", data={**values, "kind": kind})


def test_anybody_is_told_that_a_sealed_file_holds(client: FlaskClient, sealed: bytes) -> None:
    told = words(give(client, sealed))
    assert "The file is unchanged, and all signatures in it hold" in told
    assert "Eva Berg (19650718-****) signed it with BankID" in told


def test_anybody_is_told_what_is_wrong(client: FlaskClient, sealed: bytes) -> None:
    told = words(give(client, sealed + b"\n"))
    assert "Do not trust this file" in told
    assert "Something has been added to it since it was sealed." in told


def test_it_is_told_in_swedish(client: FlaskClient) -> None:
    assert "Det här är ingen PDF." in words(give(client, b"hello", "sv"))


def test_who_gives_no_file_is_asked_for_one(client: FlaskClient) -> None:
    answer = give(client, None)
    assert answer.status_code == 422
    assert "Choose the file to verify." in words(answer)


def test_the_report_can_be_kept_as_json(client: FlaskClient, sealed: bytes) -> None:
    told = json.loads(download(client, give(client, sealed), "json").data)
    assert (told["verdict"], told["document"]) == ("valid", "Avtal.pdf")


def test_the_report_can_be_kept_as_pdf(client: FlaskClient, sealed: bytes) -> None:
    data = download(client, give(client, sealed), "pdf").data
    text = " ".join(one.extract_text() for one in pypdf.PdfReader(io.BytesIO(data)).pages)
    assert "Eva Berg" in text


def test_a_report_that_is_not_ours_is_not_printed(client: FlaskClient) -> None:
    page = BeautifulSoup(give(client, a_pdf()).text, "html.parser")
    page.find(attrs={"name": "report"})["value"] = '{"verdict":"valid"}'
    values = {one["name"]: one["value"] for one in page.find_all("input")}
    assert client.post("/verify/report", data={**values, "kind": "pdf"}).status_code == 400


def test_nothing_of_the_file_is_kept(
    client: FlaskClient, sealed: bytes, settings: Settings
) -> None:
    before = sorted(settings.var.rglob("*"))
    give(client, sealed)
    assert sorted(settings.var.rglob("*")) == before


# On the command line.


def test_the_command_tells_that_a_file_holds(app: Flask, sealed: bytes, tmp_path: Path) -> None:
    (tmp_path / "sealed.pdf").write_bytes(sealed)
    ran = app.test_cli_runner().invoke(args=["signing", "verify", str(tmp_path / "sealed.pdf")])
    assert ran.exit_code == 0
    assert "Eva Berg (19650718-****) signed it with BankID" in ran.output


def test_the_command_takes_the_evidence_out(app: Flask, sealed: bytes, tmp_path: Path) -> None:
    (tmp_path / "sealed.pdf").write_bytes(sealed)
    command = ["signing", "verify", str(tmp_path / "sealed.pdf"), "--files", str(tmp_path / "out")]
    assert app.test_cli_runner().invoke(args=command).exit_code == 0
    names = {one.name for one in (tmp_path / "out").iterdir()}
    assert {"manifest.json", "events.json"} < names


def test_the_command_fails_on_a_file_that_does_not_hold(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "other.pdf").write_bytes(a_pdf())
    ran = app.test_cli_runner().invoke(args=["signing", "verify", str(tmp_path / "other.pdf")])
    assert ran.exit_code == 1
    assert "WRONG  The seal: There is no seal in the file." in ran.output


def test_the_command_names_a_certificate_that_is_missing(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "other.pdf").write_bytes(a_pdf())
    wanting = replace(app.extensions["reda_settings"], seal_roots=str(tmp_path / "none.pem"))
    app.extensions["reda_settings"] = wanting
    ran = app.test_cli_runner().invoke(args=["signing", "verify", str(tmp_path / "other.pdf")])
    assert ran.exit_code == 1
    assert "none.pem" in ran.output
