"""The simulated operator of mailboxes shows letters to their readers, and goes wrong when asked."""

import signal
import subprocess
import sys

import httpx
import pytest

from portal.delivery.channels.mail import NotNow
from simulators.mailbox.mailboxes import name_of
from tests.mailbox_fixtures import Boxes

AHMAD = "197101019052"


@pytest.fixture
def pages(boxes: Boxes) -> httpx.Client:
    return httpx.Client(base_url=boxes.running.url, trust_env=False)


def test_a_press_of_a_button_gives_a_mailbox_and_takes_it(
    boxes: Boxes, pages: httpx.Client
) -> None:
    for expected in ({AHMAD}, set()):
        assert pages.post(f"/inbox/{name_of(AHMAD)}/change").status_code == 303
        with boxes.operator() as operator:
            assert operator.match([AHMAD]) == expected


def test_no_identity_number_stands_on_its_pages(boxes: Boxes, pages: httpx.Client) -> None:
    boxes.give(AHMAD)
    assert AHMAD not in pages.get("/").text + pages.get(f"/inbox/{name_of(AHMAD)}").text


def test_nobody_has_one_when_asked_to(boxes: Boxes, pages: httpx.Client) -> None:
    boxes.give(AHMAD)
    pages.post("/faults", data={"kind": "nobody"})
    with boxes.operator() as operator:
        assert operator.match([AHMAD]) == set()


def test_a_fault_asked_for_happens_once(boxes: Boxes, pages: httpx.Client) -> None:
    boxes.give(AHMAD)
    assert pages.post("/control/faults", json={"kind": "500"}).json() == {"waiting": 1}
    with boxes.operator() as operator:
        with pytest.raises(NotNow):
            operator.match([AHMAD])
        assert operator.match([AHMAD]) == {AHMAD}


def test_a_fault_that_is_none_is_told(pages: httpx.Client) -> None:
    assert pages.post("/control/faults", json={"kind": "x"}).status_code == 400


def test_it_runs_as_a_process_of_its_own_until_it_is_ended() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators.mailbox", "--port", "0"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    url = process.stdout.readline().split()[-1]
    assert httpx.get(url, trust_env=False).status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
