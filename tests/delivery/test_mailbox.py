"""A letter goes to its reader's digital mailbox, once, and by post where there is none."""

import io
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from flask import Flask
from pyhanko.pdf_utils.reader import PdfFileReader
from sqlalchemy import select, text

from portal import jobs
from portal.collection import reaching
from portal.collection.models import Case, Event
from portal.config import Settings
from portal.database import files, tenancy
from portal.delivery import mailboxes, outbox, sending
from portal.delivery.channels import letter, mailbox
from portal.delivery.channels.mail import NotNow, Refused
from portal.delivery.channels.mailbox import Content, Operator, Payment
from portal.delivery.models import Message
from portal.delivery.sending import Delivered
from portal.extensions import db
from portal.identity.models import Creditor
from simulators.mailbox import CLIENT_SECRET
from simulators.mailbox.mailboxes import name_of
from simulators.mailbox.pages import links_in
from tests.factories import NOW, a_creditor, a_debtor_of, a_reminded_case
from tests.mailbox_fixtures import Boxes
from tests.web.test_logs import Log, log

__all__ = ["log"]

AHMAD, ZAHRA, HUGO = "197101019052", "197109049275", "201402142390"
COMPANY = "5569000002"
PDF = b"%PDF-1.7 a letter"
A_PAYMENT = Payment("bankgiro", "50501055", "426523791", Decimal("123.50"), date(2026, 3, 20))


@pytest.fixture
def settings(settings: Settings, boxes: Boxes) -> Settings:
    return boxes.settings(settings)


def content(to: str = AHMAD, **others: object) -> Content:
    values = {"kind": "reminder", "subject": "Påminnelse", "pdf": PDF, "made_at": NOW,
              "payment": A_PAYMENT, **others}  # fmt: skip
    return Content(to=to, **values)  # type: ignore[arg-type]


def a_reminder_to(number: str | None, creditor: Creditor | None = None, **others: object) -> Case:
    creditor = creditor or a_creditor()
    debtor = a_debtor_of(creditor, identity_number=number, **others)
    return a_reminded_case(creditor, debtor=debtor)


def deliver(minutes: int = 0) -> Delivered:
    db.session.commit()
    return sending.deliver_waiting(NOW + timedelta(minutes=minutes), note=reaching.note_arrival)


def the_message() -> Message:
    db.session.expire_all()
    return db.session.scalars(select(Message)).one()


def posted(settings: Settings) -> list[Path]:
    return sorted(letter.spool(settings.var).glob("*/*.pdf"))


def events() -> list[tuple[str, Mapping[str, object]]]:
    told = db.session.scalars(select(Event).where(Event.name.like("case.mailbox%")))
    return [(one.name, one.data) for one in told]


# The operator.


def test_those_who_have_a_mailbox_are_found_among_many(boxes: Boxes) -> None:
    boxes.give(AHMAD, f"SE{COMPANY}01")
    with boxes.operator() as operator:
        assert operator.match([AHMAD, ZAHRA, COMPANY]) == {AHMAD, COMPANY}


def test_people_and_companies_are_one_question_each(boxes: Boxes) -> None:
    with boxes.operator() as operator:
        operator.match([f"19710101{number:04}" for number in range(3_000)] + [COMPANY])
    assert sorted(boxes.matched) == [1, 3_000]


def test_a_letter_comes_with_what_it_asks_to_be_paid(boxes: Boxes) -> None:
    boxes.give(AHMAD)
    with boxes.operator() as operator:
        name = operator.hand_over(content(kind="demand"))
    (came,) = boxes.letters(AHMAD)
    assert (came.key, came.type, came.pdf) == (name, "invoice.debtcollection", PDF)
    assert came.payment == {
        "payable": True, "currency": "SEK", "method": "1", "account": "50501055",
        "options": [{"due_date": "2026-03-20", "amount": "123.50", "type": "SE_OCR",
                     "reference": "426523791"}],
    }  # fmt: skip


def test_a_company_gets_a_letter(boxes: Boxes) -> None:
    boxes.give(f"SE{COMPANY}01")
    with boxes.operator() as operator:
        operator.hand_over(content(COMPANY))
    (came,) = boxes.letters(f"SE{COMPANY}01")
    assert (came.type, came.payment) == ("letter", None)


@pytest.mark.parametrize("kind", ["plan", "more_time", "dispute_answer"])
def test_what_is_no_demand_is_a_letter(boxes: Boxes, kind: str) -> None:
    boxes.give(AHMAD)
    with boxes.operator() as operator:
        operator.hand_over(content(kind=kind))
    (came,) = boxes.letters()
    assert (came.type, came.payment) == ("letter", None)


def test_the_same_letter_handed_over_twice_lies_there_once(boxes: Boxes) -> None:
    boxes.give(AHMAD)
    with boxes.operator() as operator:
        later = content(made_at=NOW + timedelta(hours=1))
        names = {operator.hand_over(content()), operator.hand_over(later)}
    assert (len(names), len(boxes.letters())) == (1, 1)


def test_a_token_that_holds_no_more_is_renewed_at_once(boxes: Boxes) -> None:
    boxes.give(AHMAD)
    with boxes.operator() as operator:
        operator.match([AHMAD])
        boxes.running.mailboxes.end_tokens()
        assert operator.hand_over(content()) is not None


def test_a_token_is_kept_for_the_next_who_asks(boxes: Boxes) -> None:
    for _ in range(2):
        with boxes.operator() as operator:
            operator.match([AHMAD])
    assert len(boxes.running.mailboxes._tokens) == 1


def test_a_wrong_secret_is_not_now_and_not_told(boxes: Boxes) -> None:
    with (
        boxes.operator(mailbox_client_secret="wrong", mailbox_client_id="x") as operator,
        pytest.raises(NotNow) as told,
    ):
        operator.match([AHMAD])
    assert told.value.reason == "Mailbox: HTTP 401 40104"


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        ("refuse", Refused, "Mailbox: HTTP 400 40032"),
        ("opted out", Refused, "Mailbox: HTTP 401 40105"),
        ("500", NotNow, "Mailbox: HTTP 500 50000"),
        ("lose", NotNow, "Mailbox: RemoteProtocolError"),
    ],
)
def test_what_goes_wrong_is_told_without_the_number(
    boxes: Boxes, fault: str, error: type[Refused | NotNow], reason: str
) -> None:
    boxes.give(AHMAD)
    with boxes.operator() as operator:
        operator.match([AHMAD])
        boxes.go_wrong(fault)
        with pytest.raises(error) as told:
            operator.hand_over(content())
    assert told.value.reason == reason


def test_an_operator_that_answers_too_late_is_not_waited_for(
    boxes: Boxes, settings: Settings
) -> None:
    boxes.give(AHMAD)
    with boxes.operator() as operator:
        operator.match([AHMAD])
    boxes.go_wrong("slow", seconds=2)
    with mailbox.Operator(settings, seconds=0.1) as operator:
        for _ in range(2):
            with pytest.raises(NotNow, match="ReadTimeout"):
                operator.match([AHMAD])


def test_an_operator_that_asks_us_to_wait_is_not_asked_again_meanwhile(boxes: Boxes) -> None:
    boxes.give(AHMAD)
    with boxes.operator() as operator:
        operator.match([AHMAD])
        boxes.go_wrong("429", seconds=90)
        for _ in range(2):
            with pytest.raises(NotNow) as told:
                operator.hand_over(content())
            assert told.value.after == timedelta(seconds=90)
    assert boxes.letters() == []


def test_a_letter_that_is_too_large_is_not_tried(boxes: Boxes) -> None:
    boxes.give(AHMAD)
    with boxes.operator() as operator, pytest.raises(Refused, match="too large"):
        operator.hand_over(content(pdf=b"%PDF-" + bytes(800_000)))


# The outbox.


def test_a_reminder_goes_to_the_mailbox_of_who_has_one(
    app: Flask, settings: Settings, boxes: Boxes
) -> None:
    boxes.give(AHMAD)
    a_reminder_to(AHMAD)
    assert deliver() == Delivered(1, 0)
    (came,) = boxes.letters(AHMAD)
    sent = the_message()
    assert (came.subject, came.type) == ("Påminnelse", "invoice.reminder")
    assert (sent.channel, sent.status, sent.receipt) == ("mailbox", "sent", "delivered")
    assert (sent.channel_id, sent.mailbox) == (came.key, None)
    assert posted(settings) == []
    assert events() == [("case.mailbox_arrived", {"kind": "reminder", "now_by": None})]


def test_the_letter_holds_a_link_that_what_is_kept_of_it_does_not(app: Flask, boxes: Boxes) -> None:
    boxes.give(AHMAD)
    a_reminder_to(AHMAD, language="ar")
    deliver()
    links = links_in(boxes.letters()[0].pdf)
    kept = files.read(the_message().document_sha256 or "")
    assert ["/l/" in one for one in links] == [True]
    assert links_in(kept) == []
    assert len(PdfFileReader(io.BytesIO(kept)).root["/Pages"]["/Kids"]) == 2


def test_who_has_no_mailbox_gets_it_by_post_in_the_same_run(
    app: Flask, settings: Settings, boxes: Boxes
) -> None:
    a_reminder_to(AHMAD)
    assert deliver() == Delivered(1, 0)
    assert (the_message().channel, len(posted(settings))) == ("letter", 1)
    assert (the_message().mailbox, events()) == (None, [])


def test_receivers_of_a_run_are_asked_about_together(
    app: Flask, settings: Settings, boxes: Boxes
) -> None:
    boxes.give(AHMAD)
    creditor = a_creditor()
    for number in (AHMAD, ZAHRA, None):
        a_reminder_to(number, creditor)
    assert deliver() == Delivered(3, 0)
    assert (boxes.matched, len(boxes.letters()), len(posted(settings))) == ([2], 1, 2)


def test_a_letter_that_was_handed_over_and_not_noted_lies_there_once(
    app: Flask, boxes: Boxes
) -> None:
    boxes.give(AHMAD)
    a_reminder_to(AHMAD)
    db.session.commit()
    boxes.go_wrong("slow", "lose")
    assert deliver() == Delivered(0, 1)
    assert deliver(5) == Delivered(1, 0)
    assert (len(boxes.letters()), the_message().receipt) == (1, "delivered")


def test_who_has_left_meanwhile_gets_it_by_post_once_and_the_history_tells(
    app: Flask, settings: Settings, boxes: Boxes
) -> None:
    boxes.give(AHMAD)
    a_reminder_to(AHMAD)
    boxes.go_wrong("slow", "refuse")
    deliver()
    assert deliver(1) == Delivered(1, 0)
    assert deliver(2) == Delivered(0, 0)
    assert (the_message().channel, len(posted(settings)), boxes.letters()) == ("letter", 1, [])
    assert events() == [("case.mailbox_not_arrived", {"kind": "reminder", "now_by": "letter"})]


def test_an_operator_that_is_silent_is_tried_for_hours_and_then_it_goes_by_post(
    app: Flask, settings: Settings, boxes: Boxes
) -> None:
    boxes.give(AHMAD)
    a_reminder_to(AHMAD)
    boxes.go_wrong(*["500"] * 5)
    for minutes in (0, 4, 20, 84):
        deliver(minutes)
        assert the_message().channel == "mailbox"
    assert deliver(340) == Delivered(1, 0)
    assert len(posted(settings)) == 1


def test_who_asks_us_to_wait_is_waited_for_without_counting(app: Flask, boxes: Boxes) -> None:
    boxes.give(AHMAD)
    a_reminder_to(AHMAD)
    for minutes in range(0, 14, 2):
        boxes.go_wrong("429", seconds=120)
        deliver(minutes)
    assert (the_message().channel, the_message().attempts) == ("mailbox", 0)
    assert deliver(14) == Delivered(1, 0)
    assert len(boxes.letters()) == 1


def test_a_minors_mailbox_is_not_even_asked_for(
    app: Flask, settings: Settings, boxes: Boxes
) -> None:
    boxes.give(HUGO)
    a_reminder_to(HUGO)
    deliver()
    assert (boxes.matched, boxes.letters(), len(posted(settings))) == ([], [], 1)


def test_many_letters_are_rendered_by_processes_and_go_both_ways(
    app: Flask, settings: Settings, boxes: Boxes
) -> None:
    people = [AHMAD, ZAHRA, "195003151858", "193801248471", "193803129182", "196403100602"]
    boxes.give(*people[:4])
    creditor = a_creditor()
    for number in people:
        a_reminder_to(number, creditor)
    assert deliver() == Delivered(6, 0)
    assert (len(boxes.letters()), len(posted(settings)), boxes.matched) == (4, 2, [6])


def test_what_waits_goes_by_post_when_mailboxes_are_switched_off(
    app: Flask, settings: Settings, boxes: Boxes
) -> None:
    a_reminder_to(AHMAD)
    app.extensions["reda_settings"] = Settings(**{
        name: getattr(settings, name) for name in settings.__dataclass_fields__
        if not name.startswith("mailbox_")
    })  # fmt: skip
    assert deliver() == Delivered(1, 0)
    assert the_message().channel == "letter"


def test_what_was_handed_over_is_forgotten_after_some_days(app: Flask, boxes: Boxes) -> None:
    boxes.give(AHMAD)
    a_reminder_to(AHMAD)
    deliver()
    handed_over = the_message().mailbox_sha256 or ""
    later, long_after = NOW + timedelta(days=3), datetime.now().astimezone() + timedelta(days=9)
    assert [mailboxes.forget_handed_over(later, real_now=long_after) for _ in range(2)] == [1, 0]
    db.session.commit()
    with pytest.raises(files.FileDamaged):
        files.read(handed_over)
    assert files.read(the_message().document_sha256 or "").startswith(b"%PDF-")


def while_the_operator_is_silent(
    monkeypatch: pytest.MonkeyPatch, app: Flask, act: Callable[[], object]
) -> None:
    """Let something be done elsewhere while the operator is asked in vain who has a mailbox."""

    def elsewhere() -> None:
        with app.app_context(), tenancy.service():
            act()
            db.session.commit()

    genuine = Operator.match

    def match(self: Operator, numbers: set[str]) -> set[str]:
        monkeypatch.setattr(Operator, "match", genuine)
        with ThreadPoolExecutor(1) as other:
            other.submit(elsewhere).result()
        raise NotNow("Mailbox: ReadTimeout")

    monkeypatch.setattr(Operator, "match", match)


@pytest.mark.parametrize("attempts", [0, sending.MOST_ATTEMPTS - 1])
def test_a_letter_that_was_withdrawn_while_the_operator_was_silent_stays_so(
    app: Flask, settings: Settings, boxes: Boxes, monkeypatch: pytest.MonkeyPatch, attempts: int
) -> None:
    case_id = a_reminder_to(AHMAD).id
    the_message().attempts = attempts
    while_the_operator_is_silent(monkeypatch, app, lambda: outbox.withdraw_unsent(case_id))
    deliver()
    assert the_message().status == "withdrawn"
    deliver(300)
    assert (boxes.letters(), posted(settings), events()) == ([], [], [])


@pytest.mark.parametrize("attempts", [0, sending.MOST_ATTEMPTS - 1])
def test_a_letter_that_another_run_sent_meanwhile_is_not_sent_again(
    app: Flask, settings: Settings, boxes: Boxes, monkeypatch: pytest.MonkeyPatch, attempts: int
) -> None:
    boxes.give(AHMAD)
    a_reminder_to(AHMAD)
    boxes.go_wrong("slow", "500")
    deliver()
    the_message().attempts = attempts
    while_the_operator_is_silent(
        monkeypatch, app, lambda: sending.deliver_waiting(NOW + timedelta(minutes=5))
    )
    deliver(5)
    deliver(300)
    assert (the_message().channel, the_message().status) == ("mailbox", "sent")
    assert (len(boxes.letters()), posted(settings)) == (1, [])


@pytest.mark.own_application
def test_nothing_secret_is_logged(app: Flask, boxes: Boxes, log: Log) -> None:
    boxes.give(AHMAD)
    case = a_reminder_to(AHMAD)
    code = case.access_code
    boxes.go_wrong("slow", "500")
    deliver()
    deliver(5)
    link = links_in(boxes.letters()[0].pdf)[0]
    assert "message.failed" in log.text
    for secret in (AHMAD, AHMAD[2:], CLIENT_SECRET, code, link.rpartition("/")[2], "Bearer"):
        assert secret not in log.text


def test_the_job_tells_the_history(
    app: Flask, boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.clock.now", lambda: NOW)
    boxes.give(AHMAD)
    a_reminder_to(AHMAD)
    db.session.commit()
    jobs.deliver_outbox()
    assert [name for name, _ in events()] == ["case.mailbox_arrived"]


def test_the_database_holds_the_number_encrypted(app: Flask, boxes: Boxes) -> None:
    a_reminder_to(AHMAD)
    kept = db.session.execute(text("select mailbox from messages")).scalar_one()
    assert AHMAD.encode() not in bytes(kept)


def test_a_page_asks_once_for_many_visits(boxes: Boxes, app: Flask, settings: Settings) -> None:
    boxes.give(AHMAD)
    asked = [mailbox.has_one(AHMAD, settings, NOW.date()) for _ in range(3)]
    assert (asked, boxes.matched) == ([True] * 3, [1])


def test_a_page_offers_none_when_the_operator_is_silent(
    boxes: Boxes, app: Flask, settings: Settings
) -> None:
    boxes.give(AHMAD)
    boxes.go_wrong("500")
    assert not mailbox.has_one(AHMAD, settings, NOW.date())


# The simulator shows nobody else's letters.


def test_a_letter_is_shown_in_its_own_mailbox_alone(boxes: Boxes) -> None:
    boxes.give(AHMAD, ZAHRA)
    with boxes.operator() as operator:
        operator.hand_over(content())
    key = boxes.letters()[0].key
    with httpx.Client(base_url=boxes.running.url, trust_env=False) as pages:
        found = [
            pages.get(f"/inbox/{name_of(number)}/{key}.pdf").status_code
            for number in (AHMAD, ZAHRA)
        ]
    assert found == [200, 404]
