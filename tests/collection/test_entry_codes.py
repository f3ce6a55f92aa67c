"""A code is sent to where the case's debtor is known to be, and tells a stranger nothing."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.collection import entry_codes
from portal.collection.access import EntryLocked
from portal.collection.models import Case, EntryCode, OwnContact
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity import attempts
from tests.factories import NOW, a_creditor, a_debtor_of, a_reminded_case

HERS, ANOTHERS = "her browser", "another browser"
ADDRESS = "192.0.2.1"
NO_CASE = "999999999"


@pytest.fixture
def case(app: Flask) -> Case:
    creditor = a_creditor()
    debtor = a_debtor_of(creditor, email="ahmad@example.com", phone="+46701740605")
    return a_reminded_case(creditor, debtor=debtor)


def ask(reference: str, channel: str = "sms", browser: str = HERS, now: datetime = NOW) -> str:
    """Ask for a code, and have the job done; answers the code, empty when none was sent."""
    entry_codes.ask(reference, channel, browser=browser, language="en", now=now)
    newest = db.session.scalars(select(EntryCode.id).order_by(EntryCode.id.desc())).first()
    assert newest
    key = entry_codes.send(newest, now=now)
    db.session.commit()
    if key is None:
        return ""
    message = db.session.scalars(select(Message).where(Message.idempotency_key == key)).one()
    return message.secret or ""


def enter(code: str, browser: str = HERS, now: datetime = NOW) -> tuple[int, str]:
    return entry_codes.enter(code, browser=browser, address=ADDRESS, now=now)


def wrong(code: str) -> str:
    return f"{(int(code or '0') + 1) % 10**6:06}"


def messages() -> list[Message]:
    return list(
        db.session.scalars(select(Message).where(Message.kind == "entry_code").order_by(Message.id))
    )


@pytest.mark.parametrize(
    ("channel", "address"), [("sms", "+46701740605"), ("email", "ahmad@example.com")]
)
def test_a_code_goes_to_where_the_case_can_be_written_to(
    case: Case, channel: str, address: str
) -> None:
    code = ask(case.reference, channel)
    assert enter(code) == (case.id, case.reference)
    (message,) = messages()
    # About no case, so that neither the company nor whoever is in sees it.
    to = message.address or message.mobile
    assert (message.channel, to, message.case_id) == (channel, address, None)


def test_a_code_has_six_digits_and_is_kept_nowhere(case: Case) -> None:
    code = ask(case.reference)
    assert len(code) == 6
    assert code.isdecimal()
    assert code.encode() not in (db.session.scalars(select(EntryCode)).one().code_hash or b"")


def test_a_code_is_taken_however_it_is_typed(case: Case) -> None:
    code = ask(f" {case.reference[:3]} {case.reference[3:]}")
    assert enter(f"{code[:3]} {code[3:]}")[0] == case.id


@pytest.mark.parametrize("reference", [NO_CASE, "x", "\U0001f600"])
def test_for_no_case_a_question_is_kept_and_nothing_sent(app: Flask, reference: str) -> None:
    assert ask(reference) == ""
    assert messages() == []
    with pytest.raises(entry_codes.CodeRefused):
        enter("000000")


@pytest.mark.parametrize("phone", [None, "+468123456", "08-1"])
def test_a_case_that_cannot_be_written_to_so_is_like_none(case: Case, phone: str | None) -> None:
    case.debtor.phone = phone
    assert ask(case.reference) == ""


def test_a_code_works_in_the_browser_that_asked_for_it_alone(case: Case) -> None:
    code = ask(case.reference)
    with pytest.raises(entry_codes.CodeEnded):
        enter(code, ANOTHERS)
    assert enter(code)[0] == case.id


def test_a_code_works_once(case: Case) -> None:
    code = ask(case.reference)
    enter(code)
    with pytest.raises(entry_codes.CodeEnded):
        enter(code)


@pytest.mark.parametrize(("after", "works"), [(-1, True), (0, False)])
def test_a_code_works_for_ten_minutes(case: Case, after: int, works: bool) -> None:
    code = ask(case.reference)
    now = NOW + timedelta(minutes=10, seconds=after)
    if works:
        assert enter(code, now=now)[0] == case.id
    else:
        with pytest.raises(entry_codes.CodeEnded):
            enter(code, now=now)


def test_after_five_wrong_tries_the_right_code_opens_nothing(case: Case) -> None:
    code = ask(case.reference)
    for _ in range(4):
        with pytest.raises(entry_codes.CodeRefused):
            enter(wrong(code))
    with pytest.raises(entry_codes.CodeEnded):
        enter(wrong(code))
    with pytest.raises(entry_codes.CodeEnded):
        enter(code)


def test_who_guesses_on_with_new_codes_is_locked_out(case: Case) -> None:
    code = ask(case.reference)
    for _ in range(5):
        with pytest.raises((entry_codes.CodeRefused, entry_codes.CodeEnded)):
            enter(wrong(code))
    later = NOW + timedelta(seconds=59)
    db.session.execute(EntryCode.__table__.update().values(asked_at=NOW - timedelta(minutes=1)))
    again = ask(case.reference, browser=ANOTHERS, now=later)
    with pytest.raises(EntryLocked):
        enter(again, ANOTHERS, now=later)


def test_guesses_at_codes_leave_the_letter_as_it_is(case: Case) -> None:
    code = ask(case.reference)
    for _ in range(5):
        with pytest.raises((entry_codes.CodeRefused, entry_codes.CodeEnded)):
            enter(wrong(code))
    assert attempts.locked_until([f"case:{case.reference}"], NOW) is None


@pytest.mark.parametrize("is_there", [True, False])
def test_a_minute_passes_before_a_new_code(case: Case, is_there: bool) -> None:
    reference = case.reference if is_there else NO_CASE
    ask(reference)
    with pytest.raises(entry_codes.AskedOften, match="Wait a minute"):
        ask(reference, "email", ANOTHERS, NOW + timedelta(seconds=59))
    ask(reference, now=NOW + timedelta(seconds=60))


@pytest.mark.parametrize("is_there", [True, False])
def test_codes_are_sent_five_an_hour_and_ten_a_day(case: Case, is_there: bool) -> None:
    reference = case.reference if is_there else NO_CASE
    for hour in range(2):
        for minute in range(5):
            ask(reference, now=NOW + timedelta(hours=hour, minutes=minute))
        with pytest.raises(entry_codes.AskedOften):
            ask(reference, now=NOW + timedelta(hours=hour, minutes=5))
    with pytest.raises(entry_codes.AskedOften):
        ask(reference, now=NOW + timedelta(hours=23))
    ask(reference, now=NOW + timedelta(hours=24, minutes=1))


def test_the_newest_code_is_the_one_that_works(case: Case) -> None:
    first = ask(case.reference)
    second = ask(case.reference, now=NOW + timedelta(minutes=1))
    if first != second:
        with pytest.raises(entry_codes.CodeRefused):
            enter(first, now=NOW + timedelta(minutes=1))
    assert enter(second, now=NOW + timedelta(minutes=1))[0] == case.id


def test_the_job_done_twice_sends_once(case: Case) -> None:
    ask(case.reference)
    (asked,) = db.session.scalars(select(EntryCode.id))
    assert entry_codes.send(asked, now=NOW) is None
    assert len(messages()) == 1


def test_a_job_that_comes_too_late_sends_nothing(case: Case) -> None:
    entry_codes.ask(case.reference, "sms", browser=HERS, language="en", now=NOW)
    (asked,) = db.session.scalars(select(EntryCode.id))
    assert entry_codes.send(asked, now=NOW + timedelta(minutes=10)) is None


def test_questions_are_forgotten_after_a_day(case: Case) -> None:
    ask(case.reference)
    entry_codes.forget_old(NOW + timedelta(days=1, seconds=1))
    assert db.session.scalars(select(EntryCode)).all() == []


@pytest.mark.parametrize(("is_confirmed", "to"), [(True, "own"), (False, "ahmad")])
def test_a_code_goes_to_the_debtors_own_address_once_it_is_confirmed(
    case: Case, is_confirmed: bool, to: str
) -> None:
    own = OwnContact(
        debtor_id=case.debtor_id, creditor_id=case.creditor_id, email="own@example.com",
        phone="+46701740612", changed_at=NOW, email_confirmed_at=NOW if is_confirmed else None,
        phone_confirmed_at=NOW if is_confirmed else None,
    )  # fmt: skip
    db.session.add(own)
    db.session.commit()
    db.session.expire_all()
    ask(case.reference, "email")
    ask(case.reference, "sms", now=NOW + timedelta(minutes=1))
    number = "+46701740612" if is_confirmed else "+46701740605"
    assert [one.address or one.mobile for one in messages()] == [f"{to}@example.com", number]
