"""The simulated mail server shows what came, and nothing of it can do harm."""

import signal
import smtplib
import socket
import subprocess
import sys
import time
from email.message import EmailMessage

import httpx
import pytest

from tests.mail_fixtures import Mailbox


@pytest.fixture
def pages(mailbox: Mailbox) -> httpx.Client:
    return httpx.Client(base_url=mailbox.running.pages.url, trust_env=False)


def send(mailbox: Mailbox, subject: str = "Hej", to: str = "anna@example.com") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "reda@example.com", to, subject
    message.set_content("Öppna https://reda.example/a?b=1 nu.")
    message.add_alternative(
        "<html><head></head><script>x</script><a href='/x'>x</a></html>", subtype="html"
    )
    with smtplib.SMTP("127.0.0.1", mailbox.running.port) as server:
        server.send_message(message)


def test_it_lists_the_mails_the_newest_first(mailbox: Mailbox, pages: httpx.Client) -> None:
    assert "No mail has come yet" in pages.get("/").text
    send(mailbox, "First")
    send(mailbox, "Second")
    assert pages.get("/").text.index("Second") < pages.get("/").text.index("First")


def test_it_lists_those_to_one_address(mailbox: Mailbox, pages: httpx.Client) -> None:
    send(mailbox, "To Anna")
    send(mailbox, "To Eva", "eva@example.com")
    shown = pages.get("/", params={"to": "eva@example.com"}).text
    assert "To Eva" in shown
    assert "To Anna" not in shown


def test_a_link_in_a_mail_can_be_followed(mailbox: Mailbox, pages: httpx.Client) -> None:
    send(mailbox)
    assert '<a href="https://reda.example/a?b=1">' in pages.get("/1").text
    assert '<base target="_top">' in pages.get("/1/html").text


def test_a_mail_runs_no_script(mailbox: Mailbox, pages: httpx.Client) -> None:
    send(mailbox)
    policy = pages.get("/1/html").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy


def test_its_source_is_what_came(mailbox: Mailbox, pages: httpx.Client) -> None:
    send(mailbox, "Hejsan")
    assert "Subject: Hejsan" in pages.get("/1/source").text


def test_a_mail_that_never_came_is_not_there(pages: httpx.Client) -> None:
    assert [pages.get(f"/7{end}").status_code for end in ("", "/html", "/source")] == [404] * 3


def test_it_can_be_emptied(mailbox: Mailbox, pages: httpx.Client) -> None:
    send(mailbox)
    pages.post("/empty", follow_redirects=True)
    assert mailbox.mails() == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_process_takes_mails_when_it_is_ready_and_ends_when_told() -> None:
    port, page_port = free_port(), free_port()
    ports = ["--port", str(port), "--page-port", str(page_port)]
    process = subprocess.Popen([sys.executable, "-m", "simulators.mail", *ports])
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{page_port}/", trust_env=False)
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.1)
        assert answer.status_code == 200
        with smtplib.SMTP("127.0.0.1", port) as server:
            assert server.noop()[0] == 250
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
