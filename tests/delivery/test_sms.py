"""A text message is put, frozen, written in its reader's language and handed to a real provider."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal import locales
from portal.collection.models import Case
from portal.config import Settings
from portal.delivery import outbox, sending
from portal.delivery.channels import sms
from portal.delivery.channels.mail import NotNow, Refused
from portal.delivery.models import Message
from portal.delivery.sending import Delivered
from portal.delivery.texts import render_sms
from portal.extensions import db
from tests.factories import NOW, a_case, a_creditor
from tests.sms_fixtures import Phones

ANNA = "070-174 06 05"
URL = "https://minbetalning.reda.example/l/" + "x" * 24


@pytest.fixture
def settings(settings: Settings, phones: Phones) -> Settings:
    return phones.settings(settings)


def put(key: str = "one", language: str = "en", kind: str = "entry_link") -> bool:
    content = {"url": URL} if kind == "entry_link" else {"code": "012345"}
    return outbox.put_sms(
        kind, to=ANNA, content=content, language=language, key=key, now=NOW, creditor_id=None
    )


def deliver(minutes: int = 0) -> Delivered:
    db.session.commit()
    return sending.deliver_waiting(NOW + timedelta(minutes=minutes))


def only_message() -> Message:
    db.session.expire_all()
    return db.session.scalars(select(Message)).one()


def test_a_text_message_comes_with_our_name_in_its_readers_language(
    app: Flask, phones: Phones
) -> None:
    put(language="sv")
    assert deliver() == Delivered(1, 0)
    (came,) = phones.messages()
    assert (came.sender, came.to) == ("Reda", "+46701740605")
    assert came.text == f"Här är en ny länk till ditt ärende.\n{URL}"


def test_a_text_message_is_put_once_per_key(app: Flask, phones: Phones) -> None:
    assert [put(), put()] == [True, False]
    deliver()
    assert len(phones.messages()) == 1


def test_a_text_message_that_was_handed_over_and_not_noted_comes_once(
    app: Flask, phones: Phones
) -> None:
    put()
    deliver()
    # As if the power had failed before the note was kept.
    only_message().status = "waiting"
    assert deliver(1) == Delivered(1, 0)
    assert len(phones.messages()) == 1


def test_the_provider_learns_nothing_from_the_key(app: Flask, phones: Phones) -> None:
    put(key="case:123456782")
    deliver()
    assert "123456782" not in phones.messages()[0].key


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_what_the_provider_does_not_take_now_is_tried_again(
    app: Flask, phones: Phones, status: int
) -> None:
    put()
    phones.running.phones.answers.append((status, {}))
    assert deliver() == Delivered(0, 1)
    assert only_message().failure == f"SMS: HTTP {status}"
    assert deliver(4) == Delivered(1, 0)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ((422, {"error": "to"}), "SMS: HTTP 422"),
        ((202, {"status": "rejected", "reason": "unknown_number"}), "SMS: unknown_number"),
        ((202, {"status": "rejected", "reason": "+46701740605 is unknown"}), "SMS: rejected"),
    ],
)
def test_what_the_provider_never_takes_is_given_up_at_once(
    app: Flask, phones: Phones, answer: tuple[int, dict[str, str]], failure: str
) -> None:
    put()
    phones.running.phones.answers.append(answer)
    deliver()
    assert (only_message().status, only_message().failure) == ("failed", failure)


def test_a_provider_that_cannot_be_reached_is_waited_for_once(phones: Phones) -> None:
    phones.running.stop()
    with phones.gateway() as gateway:
        for key in ("one", "two"):
            with pytest.raises(NotNow, match="ConnectError"):
                gateway.hand_over(sms.Sms("+46701740605", "Hej", key))


def test_who_has_not_the_key_is_not_served(phones: Phones) -> None:
    with phones.gateway(sms_key="another") as gateway, pytest.raises(NotNow, match="401"):
        gateway.hand_over(sms.Sms("+46701740605", "Hej", "one"))


def test_what_is_no_message_is_refused(phones: Phones) -> None:
    with phones.gateway() as gateway, pytest.raises(Refused, match="422"):
        gateway.hand_over(sms.Sms("+46701740605", "", "one"))


def test_nothing_of_what_opens_a_case_lies_readable_in_the_database(app: Flask) -> None:
    put("link")
    put("code", kind="entry_code")
    db.session.commit()
    kept = "".join(db.session.scalars(text("select messages::text from messages")))
    assert "xxxx" not in kept
    assert "012345" not in kept


def test_what_somebody_waits_for_goes_before_all_else(app: Flask, phones: Phones) -> None:
    put("later")
    put("now", kind="entry_code")
    db.session.commit()
    assert sending.deliver_at_once(["now"], NOW) == Delivered(1, 0)
    assert ["012345" in one.text for one in phones.messages()] == [True]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("070-174 06 05", "+46701740605"),
        ("+46 (0)70 174 06 05", "+46701740605"),
        ("0046701740605", "+46701740605"),
        ("٠٧٠١٧٤٠٦٠٥", "+46701740605"),
        ("+49 151 23456789", "+4915123456789"),
    ],
)
def test_a_mobile_number_is_read_however_it_is_written(written: str, number: str) -> None:
    assert sms.number_of(written) == number


@pytest.mark.parametrize(
    "written", ["", "08-123 45 67", "070-1", "070 174 06 05 / 08", "anna", "1"]
)
def test_what_takes_no_text_messages_is_refused(written: str) -> None:
    with pytest.raises(sms.NotANumber):
        sms.number_of(written)


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("å" * 160, 1), ("å" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("ش" * 70, 1),
        ("ش" * 134, 2), ("ش" * 135, 3), ("\U0001f600" * 35, 1), ("\U0001f600" * 36, 2),
    ],
)  # fmt: skip
def test_a_text_is_paid_in_parts(written: str, parts: int) -> None:
    assert sms.segments(written) == parts


def test_every_text_has_room_in_two_parts_in_every_language(app: Flask) -> None:
    kinds = ("entry_link", "case_message", "letter", "news", "payment", "refund", "debtor_number")
    to_sign = {"title": "Avtal om betalning " * 9, "company": "Norrsken Energi AB", "url": URL}
    contents = {
        **{kind: {"url": URL} for kind in kinds}, "entry_code": {"code": "012345"},
        **dict.fromkeys(
            ("sign_invitation", "sign_reminder", "sign_ended", "sign_completed"), to_sign
        ),
    }  # fmt: skip
    longer = {
        (kind, one.code): told
        for kind, content in contents.items()
        for one in locales.offered()
        if sms.segments(
            told := render_sms(kind, content, language=one.code, settings=Settings())
        ) > 2
    }  # fmt: skip
    assert longer == {}


def on_case(case: Case, kind: str = "news", *, mail_to: str | None = None) -> None:
    outbox.put_sms(
        kind, to=ANNA, content={"url": URL}, language="en", key="one", now=NOW,
        creditor_id=case.creditor_id, case_id=case.id, mail_to=mail_to,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("hour", "minute", "sent"), [(7, 59, 0), (8, 0, 1), (20, 59, 1), (21, 0, 0), (2, 0, 0)]
)
def test_a_text_message_that_nobody_waits_for_keeps_to_the_day_of_stockholm(
    app: Flask, phones: Phones, hour: int, minute: int, sent: int
) -> None:
    on_case(a_case(a_creditor()))
    db.session.commit()
    at = (NOW + timedelta(days=1)).replace(hour=hour, minute=minute)
    assert sending.deliver_waiting(at) == Delivered(sent, 0)


def test_a_code_comes_at_night_too(app: Flask, phones: Phones) -> None:
    put(kind="entry_code")
    db.session.commit()
    assert sending.deliver_waiting(NOW.replace(hour=23)) == Delivered(1, 0)


def test_a_text_message_that_the_provider_refuses_goes_by_mail(app: Flask, phones: Phones) -> None:
    on_case(a_case(a_creditor()), mail_to="anna@example.com")
    phones.running.phones.answers.append((200, {"status": "rejected", "reason": "no-such-number"}))
    deliver()
    kept = only_message()
    assert (kept.channel, kept.address, kept.status) == ("email", "anna@example.com", "waiting")


def test_one_without_another_way_has_failed(app: Flask, phones: Phones) -> None:
    on_case(a_case(a_creditor()))
    phones.running.phones.answers.append((422, {}))
    deliver()
    assert (only_message().channel, only_message().status) == ("sms", "failed")
