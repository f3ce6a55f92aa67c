"""What an operator sees and does: failed jobs and messages, stopped cases, rates, the books."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from portal.collection import cases, lifecycle, rates
from portal.collection.models import Case, HistoryCheck
from portal.database import queue
from portal.database.file_checks import FileCheck
from portal.delivery import outbox
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.locales import LANGUAGES
from portal.signing.models import EnvelopeCheck
from tests.factories import NOW, TODAY, a_case, a_case_whose_reminder_left, a_person, sign_in
from tests.payments.bank_money import cleared
from tests.signing.envelopes import an_envelope

Get = Callable[..., BeautifulSoup]
Post = Callable[..., BeautifulSoup]


@pytest.fixture
def browser_of_erik(app: Flask) -> FlaskClient:
    client = app.test_client()
    erik = a_person("198107212386", given_name="Erik", surname="Wallin", is_operator=True)
    sign_in(app, client, erik)
    return client


@pytest.fixture
def get(browser_of_erik: FlaskClient) -> Get:
    def fetch(path: str) -> BeautifulSoup:
        response = browser_of_erik.get(f"/operations{path}", headers={"Accept-Language": "en"})
        assert response.status_code == 200
        return BeautifulSoup(response.text, "html.parser")

    return fetch


@pytest.fixture
def post(browser_of_erik: FlaskClient, get: Get) -> Post:
    def send(path: str, *, status: int = 200, **values: str) -> BeautifulSoup:
        token = get("/").select_one("input[name=csrf_token]")["value"]
        response = browser_of_erik.post(
            f"/operations{path}",
            data={"csrf_token": token, **values},
            headers={"Accept-Language": "en"},
            follow_redirects=True,
        )
        assert response.status_code == status
        return BeautifulSoup(response.text, "html.parser")

    return send


def a_failed_job(task: str = "ask_swish", **arguments: object) -> int:
    queue.defer(task, **arguments)
    job_id = db.session.scalar(text("select max(id) from procrastinate_jobs"))
    db.session.execute(
        text("update procrastinate_jobs set status = 'failed', attempts = 5 where id = :id"),
        {"id": job_id},
    )
    db.session.commit()
    return int(job_id)


def status_of(job_id: int) -> str:
    return str(
        db.session.scalar(
            text("select status::text from procrastinate_jobs where id = :id"), {"id": job_id}
        )
    )


def a_stopped_case() -> Case:
    case = a_case()
    case.invoice.number = ""
    lifecycle.advance(TODAY, NOW)
    db.session.commit()
    return case


def test_all_is_well_when_nothing_has_failed(get: Get) -> None:
    rates.add(date(2026, 7, 1), Decimal(2), "a test's", actor=SYSTEM, now=NOW)
    db.session.commit()
    assert "All is well" in get("/").get_text()


def test_letters_that_wait_for_another_attempt_are_told(get: Get) -> None:
    rates.add(date(2026, 7, 1), Decimal(2), "a test's", actor=SYSTEM, now=NOW)
    a_case_whose_reminder_left()
    message = db.session.scalars(select(Message)).one()
    message.status = "waiting"
    db.session.commit()
    assert "All is well" in get("/").get_text()
    message.failure, message.attempts = "OSError: No space left", 1
    db.session.commit()
    page = get("/").get_text(" ", strip=True)
    assert "All is well" not in page
    assert "1 letter could not be sent at once, and waits for another attempt" in page
    assert "It was written 10 Mar 2026, 09:30." in page


def test_a_missing_reference_rate_is_told(get: Get) -> None:
    page = get("/").get_text(" ", strip=True)
    assert "All is well" not in page
    assert "Rates are known through 30 June 2026." in page


def test_a_history_that_was_changed_is_told(get: Get) -> None:
    case = a_case()
    db.session.add(
        HistoryCheck(
            creditor_id=case.creditor_id, checked_at=NOW, events=9, broken_at=4,
            what="changed",
        )
    )  # fmt: skip
    db.session.commit()
    page = get("/").get_text(" ", strip=True)
    assert "A history has been changed" in page
    assert f"{case.creditor.name}: event 4" in page
    assert "All is well" not in page


def test_files_that_are_not_what_was_stored_are_told_with_what_names_them(get: Get) -> None:
    creditor = a_case().creditor
    db.session.add(
        FileCheck(
            began_at=NOW, ended_at=NOW, after="ff~", files=2, bytes=9, damaged=1, missing=1,
            problems=[
                {"sha256": "ab" * 32, "what": "damaged", "named_by": []},
                {"sha256": "cd" * 32, "what": "missing", "named_by": [
                    {"table": "messages", "column": "document_sha256",
                     "creditor_id": creditor.id, "rows": 1}]},
            ],
        )
    )  # fmt: skip
    db.session.commit()
    page = get("/").get_text(" ", strip=True)
    assert "2 files are damaged or missing" in page
    assert "All is well" not in page
    damaged, missing = get("/checks").select("tbody")[0].select("tr")
    assert "Nothing names it" in damaged.text
    assert f"Letters and messages, {creditor.name}" in missing.text


def test_a_log_that_was_changed_is_told_with_its_document(get: Get) -> None:
    envelope = an_envelope(a_case().creditor)
    db.session.add(
        EnvelopeCheck(
            envelope_id=envelope.id, creditor_id=envelope.creditor_id, checked_at=NOW, events=3,
            head_sha256="", broken_at=2, what="changed",
        )
    )  # fmt: skip
    db.session.commit()
    assert "The log of a document has been changed" in get("/").text
    page = get("/checks").get_text(" ", strip=True)
    assert envelope.key in page
    assert "Event 2 is not what was written" in page


def test_all_files_are_read_again_when_it_is_asked_for(get: Get, post: Post) -> None:
    assert "read again, beginning soon" in post("/checks").text
    waiting = db.session.scalars(
        text("select args from procrastinate_jobs where task_name = 'check_files'")
    ).all()
    assert waiting == [{"is_asked": True}]


def test_a_failed_job_is_listed_with_what_it_was_about(get: Get) -> None:
    a_failed_job(request_id="ABC")
    row = get("/jobs").select_one("tbody tr").get_text(" ", strip=True)
    assert "Ask about payments under way" in row
    assert "request_id=ABC" in row


def test_a_failed_job_can_run_again(post: Post) -> None:
    job_id = a_failed_job()
    post(f"/jobs/{job_id}/retry")
    assert status_of(job_id) == "todo"


def test_a_job_is_started_anew_once_only(post: Post) -> None:
    job_id = a_failed_job()
    post(f"/jobs/{job_id}/retry")
    page = post(f"/jobs/{job_id}/retry", status=409)
    assert "This job is not failed any more." in page.get_text()


def test_a_job_that_waits_already_is_not_started_twice(post: Post) -> None:
    job_id = a_failed_job("deliver_outbox", once="deliver_outbox")
    queue.defer("deliver_outbox", once="deliver_outbox")
    db.session.commit()
    page = post(f"/jobs/{job_id}/retry", status=409)
    assert "waits already" in page.get_text()
    assert status_of(job_id) == "failed"


def test_a_letter_that_was_given_up_can_be_written_again(get: Get, post: Post) -> None:
    case = a_case_whose_reminder_left()
    message = db.session.scalars(select(Message)).one()
    message.status, message.failure, message.attempts = "failed", "OSError: No space left", 5
    db.session.commit()
    row = get("/messages").select_one("tbody").get_text()
    assert "No space left" in row
    assert case.reference in row
    post(f"/messages/{message.id}/retry")
    statuses = db.session.scalars(select(Message.status).order_by(Message.id)).all()
    assert statuses == ["withdrawn", "waiting"]


def test_a_stopped_case_is_listed_with_its_reason(get: Get) -> None:
    case = a_stopped_case()
    row = get("/reviews").select_one("tbody tr").get_text(" ", strip=True)
    assert case.reference in row
    assert "does not say which invoice it is about" in row


def test_a_stopped_case_goes_on_once_its_reason_is_mended(post: Post) -> None:
    case = a_stopped_case()
    case.invoice.number = "10401"
    db.session.commit()
    post(f"/reviews/{case.reference}")
    lifecycle.advance(TODAY.replace(year=TODAY.year + 1), NOW)
    db.session.commit()
    assert cases.lock(case.id).status == "reminded"


def test_a_case_that_is_not_stopped_cannot_be_let_go_on(post: Post) -> None:
    case = a_case_whose_reminder_left()
    page = post(f"/reviews/{case.reference}", status=409)
    assert "does not wait for a person" in page.get_text()


def test_the_books_show_debit_and_credit_that_are_equal(get: Get) -> None:
    a_case_whose_reminder_left()
    page = get("/books")
    assert "Debit and credit are equal." in page.get_text()
    assert "Fee income" in page.select_one("table").get_text()


def test_the_books_tell_when_all_cases_were_looked_at(get: Get) -> None:
    assert "All cases were looked at just now." in get("/books").get_text()
    cleared()
    assert "All cases were looked at 10 Mar 2026" in get("/books").get_text()


def test_a_rate_is_added_with_its_source(get: Get, post: Post) -> None:
    post("/rates", from_on="2026-07-01", per_cent="1,75", source="x", status=422)
    post("/rates", from_on="2026-07-01", per_cent="2,00", source="Riksbanken, decision 1")
    assert rates.table().at(date(2026, 8, 1)) == Decimal(2)
    assert "Riksbanken, decision 1" in get("/rates").get_text()


@pytest.mark.parametrize(
    ("field", "value"),
    [("per_cent", "1,3"), ("per_cent", "40"), ("per_cent", ""), ("source", " "),
     ("from_on", "2026-08-01"), ("from_on", "2025-07-01")],
)  # fmt: skip
def test_a_rate_that_nobody_could_mean_is_told_at_its_field(
    post: Post, field: str, value: str
) -> None:
    good = {"from_on": "2026-07-01", "per_cent": "2", "source": "decision 1"}
    page = post("/rates", status=422, **{**good, field: value})
    assert page.select_one(f"#{field}-error")
    assert rates.added() == []


def test_an_e_mail_that_was_given_up_can_be_sent_again(get: Get, post: Post) -> None:
    outbox.put_mail(
        "invitation", to="anna@example.com", content={}, language="sv", key="k", now=NOW,
        creditor_id=None,
    )  # fmt: skip
    message = db.session.scalars(select(Message)).one()
    message.status, message.failure, message.attempts = "failed", "SMTP 550", 1
    db.session.commit()
    row = get("/messages").select_one("tbody").get_text()
    assert "SMTP 550" in row
    assert "anna" not in row
    post(f"/messages/{message.id}/retry")
    assert db.session.scalars(select(Message.status)).all() == ["waiting"]


def test_the_operator_sees_the_state_of_every_language(get: Get) -> None:
    rows = get("/languages").select("tbody tr")
    assert len(rows) == len(LANGUAGES)
    told = {row.select_one("[lang]")["lang"]: row.get_text(" ") for row in rows}
    assert "Offered" in told["sv"]
    assert "Offered" not in told["yi"]
