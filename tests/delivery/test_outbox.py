"""What is put in the outbox is sent, once, and nothing that fails is forgotten."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, select, text

from portal import clock
from portal.collection.models import Case
from portal.config import Settings
from portal.database import files, server, tenancy
from portal.delivery import outbox, sending
from portal.delivery.channels import letter
from portal.delivery.models import Message
from portal.delivery.outbox import SentOrWaiting
from portal.delivery.sending import Delivered
from portal.extensions import db
from portal.identity.models import Creditor
from tests.factories import NOW, TODAY, a_case, a_creditor, a_person_at, a_reminded_case


def minutes(count: int) -> datetime:
    return NOW + timedelta(minutes=count)


def a_letter(creditor: Creditor | None = None) -> int:
    """A reminder that waits; answers the id of its case."""
    return a_reminded_case(creditor).id


def message_of(case_id: int) -> SentOrWaiting:
    (message,) = outbox.messages_of(case_id)
    return message


def spoil(case_id: int) -> None:
    """Make a case's letter one that cannot be written."""
    db.session.execute(
        text("update messages set content = '{}' where case_id = :case"), {"case": case_id}
    )
    db.session.commit()


def mend(case_id: int, content: dict[str, object]) -> None:
    db.session.scalars(select(Message).where(Message.case_id == case_id)).one().content = content
    db.session.commit()


def fail_to_the_end(case_id: int) -> None:
    for count in (0, 4, 20, 84, 340):
        sending.deliver_waiting(minutes(count))
    assert message_of(case_id).status == "failed"


def test_a_company_is_told_of_letters_that_were_given_up_in_one_sentence(app: Flask) -> None:
    creditor = a_creditor()
    a_person_at(creditor, "collector")
    letters = [a_letter(creditor) for _ in range(2)]
    for case_id in letters:
        spoil(case_id)
    for case_id in letters:
        fail_to_the_end(case_id)
    told = db.session.execute(text("select kind, count, is_failed from notifications")).all()
    assert [tuple(one) for one in told] == [("letter_failed", 2, True)]


def day_folder(settings: Settings, on: date = TODAY) -> Path:
    return letter.spool(settings.var) / on.isoformat()


def put(case: Case, *, key: str, content: dict[str, object]) -> bool:
    return outbox.put(
        "reminder", case_id=case.id, creditor_id=case.creditor_id,
        content=content, secret="ABCDEF", language="sv", key=key, now=NOW,
    )  # fmt: skip


def test_a_message_is_put_once_per_key(app: Flask) -> None:
    case = a_case()
    assert [put(case, key="one", content={"x": number}) for number in (1, 2)] == [True, False]
    assert db.session.scalars(select(Message.content)).all() == [{"x": 1}]


def test_a_message_is_not_sent_when_its_transaction_does_not_commit(app: Flask) -> None:
    put(a_case(), key="one", content={})
    db.session.rollback()
    assert sending.deliver_waiting(NOW) == Delivered(0, 0)


def test_putting_a_message_makes_the_delivery_job_due_once(app: Flask) -> None:
    for _ in range(2):
        a_letter()
    count = text("select count(*) from procrastinate_jobs where task_name = 'deliver_outbox'")
    assert db.session.scalar(count) == 1


def test_a_letter_says_what_was_true_when_it_was_put(app: Flask) -> None:
    case = a_reminded_case()
    case.debtor.name, case.debtor.address_line = "Någon Annan", "Ny gata 2"
    db.session.commit()
    message = db.session.scalars(select(Message)).one()
    assert message.content["recipient"]["name"] == "Ahmad Al-Khatib"
    assert message.content["recipient"]["address_line"] == "Storgatan 1"


def test_the_access_code_is_nowhere_in_the_message(app: Flask) -> None:
    case = a_reminded_case()
    row = db.session.scalar(text("select messages::text from messages"))
    assert case.access_code not in row


def test_a_message_is_sent_once_though_delivered_twice(app: Flask, settings: Settings) -> None:
    case_id = a_letter()
    assert sending.deliver_waiting(NOW) == Delivered(1, 0)
    assert sending.deliver_waiting(minutes(1)) == Delivered(0, 0)
    assert len(letter.manifest(day_folder(settings))) == 1
    assert message_of(case_id).sent_at == NOW


def test_what_was_sent_is_kept_and_is_what_the_printer_got(app: Flask, settings: Settings) -> None:
    case_id = a_letter()
    sending.deliver_waiting(NOW)
    (pdf,) = day_folder(settings).glob("*.pdf")
    assert files.read(message_of(case_id).document_sha256) == pdf.read_bytes()


def test_a_failing_message_does_not_stop_the_others(app: Flask) -> None:
    first, second = a_letter(), a_letter()
    spoil(first)
    assert sending.deliver_waiting(NOW) == Delivered(1, 1)
    assert message_of(second).status == "sent"
    assert (message_of(first).status, message_of(first).attempts) == ("waiting", 1)


def test_a_message_that_cannot_be_decrypted_does_not_stop_the_others(app: Flask) -> None:
    first, second = a_letter(), a_letter()
    db.session.execute(
        text("update messages set secret = 'x' where case_id = :case"), {"case": first}
    )
    db.session.commit()
    assert sending.deliver_waiting(NOW) == Delivered(1, 1)
    assert message_of(second).status == "sent"
    assert message_of(first).failure == "InvalidToken"


def test_a_failure_is_told_by_its_kind_and_not_by_its_words(app: Flask) -> None:
    case_id = a_letter()
    spoil(case_id)
    sending.deliver_waiting(NOW)
    assert message_of(case_id).failure == "KeyError"


def test_a_full_or_broken_disk_is_told_to_the_operator(app: Flask, settings: Settings) -> None:
    case_id = a_letter()
    letter.spool(settings.var).parent.write_text("a file where the folder should be")
    sending.deliver_waiting(NOW)
    assert message_of(case_id).failure == "NotADirectoryError: Not a directory"


def test_a_failed_message_is_tried_again_with_growing_pauses(app: Flask) -> None:
    case_id = a_letter()
    spoil(case_id)
    tried = []
    for minute in range(400):
        if sending.deliver_waiting(minutes(minute)).failed:
            tried.append(minute)
    assert tried == [0, 4, 20, 84, 340]
    assert (message_of(case_id).status, message_of(case_id).attempts) == ("failed", 5)


def test_a_message_that_was_mended_is_sent_at_its_next_turn(app: Flask) -> None:
    case_id = a_letter()
    content = db.session.scalars(select(Message.content)).one()
    spoil(case_id)
    sending.deliver_waiting(NOW)
    mend(case_id, content)
    assert sending.deliver_waiting(minutes(4)) == Delivered(1, 0)
    assert message_of(case_id).failure is None


def test_a_message_given_up_is_shown_to_the_operator(app: Flask) -> None:
    case_id = a_letter()
    spoil(case_id)
    fail_to_the_end(case_id)
    assert [one.id for one in outbox.given_up()] == [message_of(case_id).id]
    assert outbox.counts() == {"failed": 1}


def test_the_pauses_of_an_old_message_are_as_long(app: Flask) -> None:
    case_id = a_letter()
    spoil(case_id)
    sending.deliver_waiting(minutes(10_000))
    assert sending.deliver_waiting(minutes(10_003)).failed == 0
    assert sending.deliver_waiting(minutes(10_004)).failed == 1


@pytest.mark.parametrize("is_sent", [True, False])
def test_only_a_message_given_up_is_replaced_by_hand(app: Flask, is_sent: bool) -> None:
    case_id = a_letter()
    if is_sent:
        sending.deliver_waiting(NOW)
    with pytest.raises(outbox.NotFailed):
        outbox.withdraw(message_of(case_id).id)


def test_a_withdrawn_message_is_never_sent(app: Flask) -> None:
    case_id = a_letter()
    outbox.withdraw_unsent(case_id)
    db.session.commit()
    assert sending.deliver_waiting(minutes(1)) == Delivered(0, 0)
    assert message_of(case_id).status == "withdrawn"


def test_a_run_takes_no_more_than_its_limit(app: Flask) -> None:
    creditor = a_creditor()
    for _ in range(3):
        a_letter(creditor)
    assert sending.deliver_waiting(NOW, limit=2) == Delivered(2, 0)
    assert sending.deliver_waiting(NOW, limit=2) == Delivered(1, 0)


def test_a_message_that_another_is_sending_is_left_to_it(
    app: Flask, database_urls: server.Urls
) -> None:
    busy, free = a_letter(), a_letter()
    url = database_urls.owner.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as another:
        another.execute("select 1 from messages where case_id = %s for update", [busy])
        assert sending.deliver_waiting(NOW) == Delivered(1, 0)
    assert message_of(free).status == "sent"
    assert message_of(busy).status == "waiting"


def test_several_deliverers_at_once_send_each_message_once(app: Flask, settings: Settings) -> None:
    creditor = a_creditor()
    for _ in range(6):
        a_letter(creditor)
    start = threading.Barrier(3)

    def deliver(_: int) -> int:
        with app.app_context(), tenancy.service():
            start.wait()
            return sending.deliver_waiting(NOW).sent

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(deliver, range(3))) == 6
    assert len(letter.manifest(day_folder(settings))) == 6
    sent = select(func.count()).where(Message.status == "sent")
    assert db.session.scalar(sent) == 6


def test_a_letter_handed_over_and_not_noted_is_handed_over_again_without_a_second_line(
    app: Flask, settings: Settings
) -> None:
    case_id = a_letter()
    sending.deliver_waiting(NOW)
    # As the power failing between the two leaves it: the letter in the spool, the row as before.
    db.session.execute(
        text("update messages set status = 'waiting', sent_at = null, document_sha256 = null")
    )
    db.session.commit()
    assert sending.deliver_waiting(NOW + timedelta(days=1)) == Delivered(1, 0)
    spooled = list(letter.spool(settings.var).rglob("*.pdf"))
    assert [pdf.parent for pdf in spooled] == [day_folder(settings)]
    (line,) = letter.manifest(day_folder(settings))
    assert line.sha256 == message_of(case_id).document_sha256


def test_letters_lie_in_the_folder_of_the_swedish_day(app: Flask, settings: Settings) -> None:
    a_letter()
    past_midnight = datetime(2026, 3, 11, 0, 5, tzinfo=clock.STOCKHOLM)
    sending.deliver_waiting(past_midnight)
    assert len(letter.manifest(day_folder(settings, date(2026, 3, 11)))) == 1


def test_a_creditor_sees_only_its_own_messages(app: Flask) -> None:
    case, other = a_reminded_case(), a_reminded_case()
    case_id, other_id = case.id, other.id
    with tenancy.creditors([case.creditor_id]):
        assert len(outbox.messages_of(case_id)) == 1
        assert outbox.messages_of(other_id) == []
