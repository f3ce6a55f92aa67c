"""A log tells how a request went, and of nobody who made it."""

import dataclasses
import io
import json
import logging
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass

import pytest
import structlog
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal.config import Settings
from portal.web import logs
from tests.factories import EVA, a_reminded_case

pytestmark = pytest.mark.own_application
NAME, ADDRESS = "Ahmad Al-Khatib", "192.0.2.7"


@dataclass
class Log:
    """What was written to standard error."""

    written: io.StringIO

    @property
    def text(self) -> str:
        return self.written.getvalue()

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> dict[str, object]:
        """The one line of an event."""
        (line,) = [one for one in self.lines if one["event"] == event]
        return line


@pytest.fixture
def log() -> Iterator[Log]:
    """Logs as a server writes them; afterwards they are as they were."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    root.handlers.clear()
    with redirect_stderr(io.StringIO()) as written:
        logs.configure()
        # A logger that is kept for good would write into this test's memory in the next one.
        structlog.configure(cache_logger_on_first_use=False)
        yield Log(written)
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As in development, where requests are logged."""
    return dataclasses.replace(settings, environment="development")


@pytest.fixture
def client(log: Log, app: Flask) -> FlaskClient:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = ADDRESS
    return client


def number_on(page: str) -> str:
    """The number that an error page shows."""
    return BeautifulSoup(page, "html.parser").main.strong.get_text()


def test_a_request_is_one_line_of_json(client: FlaskClient, log: Log) -> None:
    client.get("/health")
    (line,) = log.lines
    assert (line["method"], line["route"], line["status"]) == ("GET", "/health", 200)


def test_a_line_has_the_routes_rule_and_not_the_address(client: FlaskClient, log: Log) -> None:
    client.get("/case/100000009/receipts/2026-0000001?lang=en")
    assert log.of("request")["route"] == "/case/<reference>/receipts/<number>"
    assert "2026-0000001" not in log.text


def test_a_line_of_an_address_that_is_not_there_has_no_route(client: FlaskClient, log: Log) -> None:
    client.get(f"/{EVA}")
    assert log.of("request")["route"] is None
    assert EVA not in log.text


def test_no_line_tells_who_came_in(app: Flask, client: FlaskClient, log: Log) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    case = a_reminded_case()
    client.get(f"/?reference={case.reference}")
    client.post("/", data={"reference": case.reference, "code": case.access_code})
    client.get(f"/case/{case.reference}")
    client.get(f"/case/{case.reference}/invoice")
    for told in (case.reference, case.ocr, case.access_code, NAME, ADDRESS, case.invoice.number):
        assert told not in log.text


def test_what_alembic_sets_up_is_no_line_and_what_it_does_is_one(log: Log) -> None:
    logging.getLogger("alembic.runtime.plugins").info("setup plugin")
    logging.getLogger("alembic.runtime.migration").info("Running upgrade")
    assert [line["event"] for line in log.lines] == ["Running upgrade"]


def test_a_file_of_ours_is_no_line(client: FlaskClient, log: Log) -> None:
    client.get("/static/css/reda.css")
    assert log.lines == []


@pytest.mark.parametrize(
    "key", ["identity_number", "personal_number", "name", "address", "email", "phone", "code"]
)
def test_what_is_personal_is_left_out_whoever_adds_it(log: Log, key: str) -> None:
    structlog.get_logger().warning("told", **{key: EVA})
    assert log.of("told")[key] == "(left out)"


def test_a_fault_of_ours_is_told_with_where_it_was(
    app: Flask, client: FlaskClient, log: Log
) -> None:
    def breaks() -> str:
        raise ValueError(f"{EVA} is no number")

    app.add_url_rule("/dev/breaks", "breaks", breaks)
    client.get("/dev/breaks")
    told = str(log.of("unexpected")["exception"])
    assert "ValueError" in told
    assert "in breaks" in told


def test_the_text_of_a_fault_is_left_out_since_it_may_quote_somebody(
    app: Flask, client: FlaskClient, log: Log
) -> None:
    def breaks() -> str:
        try:
            raise KeyError(NAME)
        except KeyError as error:
            raise ValueError(f"{EVA} is no number") from error

    app.add_url_rule("/dev/breaks", "breaks", breaks)
    client.get("/dev/breaks")
    assert "KeyError" in str(log.of("unexpected")["exception"])
    assert EVA not in log.text
    assert NAME not in log.text


def test_a_library_that_logs_a_fault_leaves_its_text_out_too(log: Log) -> None:
    try:
        raise ValueError(EVA)
    except ValueError:
        logging.getLogger("procrastinate.worker").exception("Job failed")
    assert "ValueError" in str(log.of("Job failed")["exception"])
    assert EVA not in log.text


def test_an_error_page_shows_the_number_of_its_line(client: FlaskClient, log: Log) -> None:
    page = client.get("/nowhere").text
    assert number_on(page) == log.of("request")["request"]


def test_a_request_that_is_turned_away_before_its_view_has_a_number_of_its_own(
    client: FlaskClient, log: Log
) -> None:
    """Without the form's token nothing of ours is asked."""
    client.get("/health")
    page = client.post("/").text
    first, second = [one["request"] for one in log.lines if one["event"] == "request"]
    assert number_on(page) == second != first


def test_what_happens_in_a_request_has_the_requests_number(
    app: Flask, client: FlaskClient, log: Log
) -> None:
    app.add_url_rule("/dev/breaks", "breaks", lambda: 1 / 0)
    client.get("/dev/breaks")
    assert log.of("unexpected")["request"] == log.of("request")["request"]
