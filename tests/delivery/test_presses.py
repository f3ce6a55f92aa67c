"""Worker processes render what waits: the same letters, and none lost when a process dies."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from portal.config import ROOT, Settings
from portal.database import files, tenancy
from portal.delivery import outbox, presses, sending
from portal.delivery.channels import letter
from portal.delivery.letters import Letter
from portal.delivery.models import Message
from portal.delivery.presses import NotRendered
from portal.delivery.sending import Delivered
from portal.extensions import db
from tests.delivery.conftest import Press
from tests.delivery.contents import a_reminder
from tests.factories import NOW, TODAY, a_creditor, a_reminded_case

MANY = presses.FEW + 2


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Two processes, however many cores there are."""
    return replace(settings, letter_processes="2")


def many_letters() -> list[int]:
    creditor = a_creditor()
    return [a_reminded_case(creditor).id for _ in range(MANY)]


def named(number: int) -> Letter:
    return Letter("reminder", a_reminder(recipient={"name": f"Nummer {number}"}), "K7MPQ2", "sv")


def outcomes(waited: list[Future[bytes]]) -> list[bytes | str]:
    return [
        error.reason if isinstance(error := future.exception(), NotRendered) else future.result()
        for future in waited
    ]


def a_process_at_work() -> multiprocessing.Process:
    deadline = time.monotonic() + 60
    while not (found := multiprocessing.active_children()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found[0]


def sent_count() -> int:
    return db.session.scalar(select(func.count()).where(Message.status == "sent")) or 0


def test_a_process_renders_the_same_bytes_as_we(app: Flask, press: Press) -> None:
    content = a_reminder(web_address="https://reda.example")
    with presses.running() as running:
        made = running.render(Letter("reminder", content, "K7MPQ2", "ar")).result()
    assert made == press.letter(content, "ar").data


def test_when_a_process_is_killed_only_the_letter_in_its_hand_fails(app: Flask) -> None:
    with presses.running() as running:
        waited = [running.render(named(number)) for number in range(12)]
        waited[0].result()
        a_process_at_work().kill()
        made = outcomes(waited)
    assert [one for one in made if isinstance(one, str)] == ["BrokenProcessPool"]


def test_a_letter_that_cannot_be_rendered_is_told_by_its_kind_of_error(app: Flask) -> None:
    with presses.running() as running:
        bad = running.render(Letter("reminder", {}, "K7MPQ2", "sv"))
        good = running.render(named(1))
        assert outcomes([bad, good])[0] == "KeyError"
        assert good.result().startswith(b"%PDF")


def test_no_process_stays_behind(app: Flask) -> None:
    with presses.running() as running:
        running.render(named(1)).result()
    assert multiprocessing.active_children() == []


def test_many_waiting_letters_are_all_sent_once(app: Flask, settings: Settings) -> None:
    cases = many_letters()
    assert sending.deliver_waiting(NOW) == Delivered(MANY, 0)
    assert sending.deliver_waiting(NOW) == Delivered(0, 0)
    folder = letter.spool(settings.var) / TODAY.isoformat()
    assert len(letter.manifest(folder)) == MANY
    for case_id in cases:
        (message,) = outbox.messages_of(case_id)
        (pdf,) = folder.glob(f"{message.id}-*.pdf")
        assert files.read(message.document_sha256) == pdf.read_bytes()


def test_among_many_a_letter_that_fails_does_not_stop_the_others(app: Flask) -> None:
    bad, undecryptable, *_ = many_letters()
    db.session.execute(text("update messages set content = '{}' where case_id = :id"), {"id": bad})
    db.session.execute(
        text("update messages set secret = 'x' where case_id = :id"), {"id": undecryptable}
    )
    db.session.commit()
    assert sending.deliver_waiting(NOW) == Delivered(MANY - 2, 2)
    failures = [outbox.messages_of(case_id)[0].failure for case_id in (bad, undecryptable)]
    assert failures == ["KeyError", "InvalidToken"]


def test_the_letter_of_a_killed_process_is_sent_at_its_next_turn(app: Flask) -> None:
    many_letters()
    killer = threading.Thread(target=lambda: a_process_at_work().kill())
    killer.start()
    assert sending.deliver_waiting(NOW) == Delivered(MANY - 1, 1)
    killer.join()
    later = db.session.scalars(select(Message.due_at).where(Message.status == "waiting")).one()
    assert sending.deliver_waiting(later) == Delivered(1, 0)
    assert sent_count() == MANY


def test_two_who_deliver_many_at_once_send_each_once(app: Flask, settings: Settings) -> None:
    creditor = a_creditor()
    for _ in range(2 * MANY):
        a_reminded_case(creditor)
    sent = []

    def deliver() -> None:
        with app.app_context(), tenancy.service():
            sent.append(sending.deliver_waiting(NOW).sent)

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sent) == 2 * MANY
    folder = letter.spool(settings.var) / TODAY.isoformat()
    assert len(letter.manifest(folder)) == 2 * MANY


_DELIVER = """
from datetime import datetime
import sys
from portal import create_app
from portal.config import Settings
from portal.database import tenancy
from portal.delivery import outbox, sending
if __name__ == "__main__":
    app = create_app(Settings.from_environment())
    with app.app_context(), tenancy.service():
        sending.deliver_waiting(datetime.fromisoformat(sys.argv[1]))
"""


def descendants(pid: int) -> set[int]:
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if rest[0] != "Z":
            parents[int(path.parent.name)] = int(rest[1])
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_when_the_deliverer_is_killed_nothing_is_lost_or_doubled_and_no_process_stays(
    app: Flask, settings: Settings, tmp_path: Path
) -> None:
    many_letters()
    script = tmp_path / "deliver.py"
    script.write_text(_DELIVER)
    folder = letter.spool(settings.var) / TODAY.isoformat()
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "REDA_ENVIRONMENT": "test",
        "REDA_VAR": settings.var_folder,
        "REDA_LETTER_PROCESSES": "2",
        "DATABASE_URL": settings.database_url,
        "DATABASE_APP_URL": settings.app_database_url,
    }
    db.session.commit()
    command = [sys.executable, str(script), NOW.isoformat()]
    with subprocess.Popen(command, env=environment, cwd=ROOT) as deliverer:
        deadline = time.monotonic() + 60
        while not list(folder.glob("*.pdf")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        helpers = descendants(deliverer.pid)
        deliverer.send_signal(signal.SIGKILL)
    db.session.rollback()
    sent_before = sent_count()
    assert sending.deliver_waiting(NOW) == Delivered(MANY - sent_before, 0)
    assert sent_count() == MANY
    assert len(letter.manifest(folder)) == len(list(folder.glob("*.pdf"))) == MANY
    while any(is_alive(pid) for pid in helpers):
        assert time.monotonic() < deadline
        time.sleep(0.02)
