"""Files from banks on the operator's page, in the drop folder and at the prompt."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import jobs
from portal.config import Settings
from portal.payments import taking
from tests.factories import a_person, sign_in
from tests.payments.bank_files.written import (
    Deposit,
    Paid,
    a_deposit,
    balance,
    bgmax,
    camt,
    entry,
)

PATH = "/operations/bank-files"
ENGLISH = {"Accept-Language": "en"}
WRONG = bgmax(a_deposit()).replace(b"SEK00000004", b"SEK00000005")


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    client = app.test_client()
    erik = a_person("198107212386", given_name="Erik", surname="Wallin", is_operator=True)
    sign_in(app, client, erik)
    return client


Send = Callable[..., BeautifulSoup]


@pytest.fixture
def send(browser: FlaskClient) -> Send:
    def bring(data: bytes | None, name: str = "bgmax.txt", *, status: int = 200) -> BeautifulSoup:
        page = BeautifulSoup(browser.get(PATH, headers=ENGLISH).text, "html.parser")
        token = page.select_one("main input[name=csrf_token]")["value"]
        values: dict[str, object] = {"csrf_token": token}
        if data is not None:
            values["file"] = (BytesIO(data), name)
        response = browser.post(PATH, data=values, headers=ENGLISH, follow_redirects=True)
        assert response.status_code == status
        return BeautifulSoup(response.text, "html.parser")

    return bring


def words(page: BeautifulSoup) -> str:
    return page.get_text(" ", strip=True)


def test_without_files_the_page_says_so(browser: FlaskClient) -> None:
    assert "No file has come yet" in browser.get(PATH, headers=ENGLISH).text


def test_a_file_is_taken_and_listed_with_its_sums(send: Send) -> None:
    page = words(send(bgmax(a_deposit())))
    assert "bgmax.txt is taken: 4 payments." in page
    assert "2,600.00" in page
    assert "Erik Wallin" in page


def test_a_statement_that_books_nothing_is_told_to(send: Send) -> None:
    balances = balance("OPBD", 100) + balance("CLBD", 5_100)
    data = camt(entry([Paid(5_000, "77")]), kind="camt.053", before=balances)
    assert "Nothing of it is booked." in words(send(data, "statement.xml"))


def test_the_same_file_again_is_told_of(send: Send) -> None:
    send(bgmax(a_deposit()))
    page = words(send(bgmax(a_deposit()), "copy.txt"))
    assert "copy.txt had been taken already" in page
    assert len(taking.page()) == 1


def test_a_file_that_is_wrong_is_refused_with_its_line(send: Send) -> None:
    page = words(send(WRONG, status=422))
    assert "bgmax.txt is refused. Nothing of it is taken." in page
    assert "Line 18 The record counts 5, but the file has 4." in page
    assert taking.new_payments() == []


def test_no_file_is_told_at_the_field(send: Send) -> None:
    assert "Choose a file." in words(send(None, status=422))


def test_a_file_comes_back_as_the_bank_sent_it(send: Send, browser: FlaskClient) -> None:
    data = bgmax(a_deposit())
    link = send(data, "å.txt").select_one("tbody a")["href"]
    response = browser.get(link)
    assert response.data == data
    assert "attachment" in response.headers["Content-Disposition"]


def test_a_file_that_is_not_there_is_not_found(browser: FlaskClient) -> None:
    assert browser.get(f"{PATH}/1").status_code == 404


def test_older_files_are_on_the_pages_after(send: Send, browser: FlaskClient) -> None:
    for number in range(51):
        data = bgmax(Deposit([Paid(1 + number)]), stamp=f"202603091730350{number:05}")
        last = send(data, f"{number}.txt")
    older = last.select_one("a[rel=next]")["href"]
    page = BeautifulSoup(browser.get(older, headers=ENGLISH).text, "html.parser")
    assert [one.get_text() for one in page.select("tbody a")] == ["0.txt"]


class TestTheDropFolder:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "bank"
        folder.mkdir()
        return folder

    @pytest.fixture
    def settings(self, settings: Settings, folder: Path) -> Settings:
        return replace(settings, bank_folder=str(folder))

    def put(self, folder: Path, name: str, data: bytes, *, age: int = 60) -> None:
        (folder / name).write_bytes(data)
        then = time.time() - age
        os.utime(folder / name, (then, then))

    def test_a_file_is_taken_and_moved_with_a_report(self, app: Flask, folder: Path) -> None:
        self.put(folder, "a.txt", bgmax(a_deposit()))
        jobs.take_bank_files()
        assert not (folder / "a.txt").exists()
        assert (folder / "taken" / "a.txt").read_bytes() == bgmax(a_deposit())
        report = (folder / "taken" / "a.txt.report.txt").read_text("utf-8")
        assert report.startswith("a.txt är mottagen: 4 betalningar.")

    def test_a_wrong_file_is_refused_and_the_next_one_taken(self, app: Flask, folder: Path) -> None:
        self.put(folder, "a.txt", WRONG, age=90)
        self.put(folder, "b.txt", bgmax(a_deposit()))
        jobs.take_bank_files()
        report = (folder / "refused" / "a.txt.report.txt").read_text("utf-8")
        assert "Rad 18" in report
        assert (folder / "taken" / "b.txt").exists()

    def test_what_is_still_being_written_is_left(self, app: Flask, folder: Path) -> None:
        self.put(folder, "a.txt", bgmax(a_deposit()), age=0)
        self.put(folder, "b.txt.part", bgmax(a_deposit()))
        self.put(folder, ".c.txt", bgmax(a_deposit()))
        jobs.take_bank_files()
        assert taking.page() == []

    def test_a_file_that_was_taken_and_not_moved_is_moved(self, app: Flask, folder: Path) -> None:
        for _ in range(2):
            self.put(folder, "a.txt", bgmax(a_deposit()))
            jobs.take_bank_files()
        moved = [one for one in (folder / "taken").iterdir() if not one.name.endswith("report.txt")]
        assert len(moved) == 2
        assert len(taking.page()) == 1


def test_without_a_folder_nothing_is_looked_for(app: Flask) -> None:
    jobs.take_bank_files()
    assert taking.page() == []


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [(bgmax(a_deposit()), 0, "is taken: 4 payments."), (WRONG, 1, "is refused.")],
)
def test_a_file_is_taken_at_the_prompt(
    app: Flask, tmp_path: Path, data: bytes, code: int, says: str
) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    ran = app.test_cli_runner().invoke(args=["payments", "take", str(tmp_path / "a.txt")])
    assert (ran.exit_code, says in ran.output) == (code, True)
