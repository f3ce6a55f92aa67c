"""The simulated provider of text messages shows what came, and nothing of it can do harm."""

import signal
import subprocess
import sys

import httpx
import pytest

from portal.delivery.channels.sms import Sms
from tests.sms_fixtures import Phones


@pytest.fixture
def pages(phones: Phones) -> httpx.Client:
    return httpx.Client(base_url=phones.running.url, trust_env=False)


def send(phones: Phones, text: str, to: str = "+46701740605") -> None:
    with phones.gateway() as gateway:
        gateway.hand_over(Sms(to, text, f"{to} {text}"))


def test_it_lists_the_messages_the_newest_first(phones: Phones, pages: httpx.Client) -> None:
    assert "No text message has come yet" in pages.get("/").text
    send(phones, "First")
    send(phones, "Second")
    assert pages.get("/").text.index("Second") < pages.get("/").text.index("First")


def test_it_lists_those_to_one_number(phones: Phones, pages: httpx.Client) -> None:
    send(phones, "To Anna")
    send(phones, "To Eva", "+46701740606")
    shown = pages.get("/", params={"to": "+46701740606"}).text
    assert "To Eva" in shown
    assert "To Anna" not in shown


def test_a_link_can_be_followed_and_markup_is_text(phones: Phones, pages: httpx.Client) -> None:
    send(phones, "<script>x</script> https://reda.example/l/a")
    shown = pages.get("/").text
    assert '<a href="https://reda.example/l/a">' in shown
    assert "<script>" not in shown


def test_all_are_thrown_away_when_asked(phones: Phones, pages: httpx.Client) -> None:
    send(phones, "First")
    assert pages.post("/empty").status_code == 303
    assert phones.messages() == []


def test_it_runs_as_a_process_of_its_own_until_it_is_ended() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators.sms", "--port", "0"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    url = process.stdout.readline().split()[-1]
    assert httpx.get(url, trust_env=False).status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
