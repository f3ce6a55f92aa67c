"""A link in a message opens one case, once, for fourteen days."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.collection import entry_links
from portal.collection.models import Case
from portal.database import tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.models import EntryLink
from tests.factories import NOW, a_creditor, a_debtor_of, a_reminded_case

HERS, ANOTHERS = "her browser", "another browser"


@pytest.fixture
def case(app: Flask) -> Case:
    creditor = a_creditor()
    return a_reminded_case(creditor, debtor=a_debtor_of(creditor, email="ahmad@example.com"))


def token_of(case: Case, channel: str = "email") -> str:
    url = entry_links.make(case, channel, NOW)
    db.session.commit()
    return url.rpartition("/")[2]


def test_a_link_is_an_address_of_ours_that_is_all_letters_and_digits(case: Case) -> None:
    before, _, token = entry_links.make(case, "sms", NOW).rpartition("/")
    assert before == "http://localhost/l"
    assert token.isascii()
    assert token.isalnum()
    assert 62 ** len(token) > 2**128


def test_what_stands_in_a_link_is_kept_nowhere(case: Case) -> None:
    token = token_of(case)
    (kept,) = db.session.scalars(select(EntryLink))
    assert token.encode() not in kept.token_hash


def test_looking_at_a_link_does_not_use_it_up(case: Case) -> None:
    token = token_of(case)
    for _ in range(2):
        link = entry_links.find(token, now=NOW)
        assert link
        assert link.is_open
    assert entry_links.open_case(token, browser=HERS, now=NOW).case_id == case.id


def test_a_link_opens_its_case_once(case: Case) -> None:
    token = token_of(case)
    entry_links.open_case(token, browser=HERS, now=NOW)
    with pytest.raises(entry_links.LinkEnded):
        entry_links.open_case(token, browser=ANOTHERS, now=NOW)


def test_pressing_twice_is_one_press(case: Case) -> None:
    token = token_of(case)
    entry_links.open_case(token, browser=HERS, now=NOW)
    again = entry_links.open_case(token, browser=HERS, now=NOW + timedelta(seconds=1))
    assert again.case_id == case.id


def test_after_a_while_the_same_browser_finds_the_link_used(case: Case) -> None:
    token = token_of(case)
    entry_links.open_case(token, browser=HERS, now=NOW)
    with pytest.raises(entry_links.LinkEnded):
        entry_links.open_case(token, browser=HERS, now=NOW + timedelta(minutes=2))


@pytest.mark.parametrize(("after", "is_open"), [(-1, True), (0, False)])
def test_a_link_ends_after_fourteen_days(case: Case, after: int, is_open: bool) -> None:
    token = token_of(case)
    link = entry_links.find(token, now=NOW + timedelta(days=14, seconds=after))
    assert link
    assert link.is_open is is_open


def test_a_made_up_link_opens_nothing(case: Case) -> None:
    token_of(case)
    assert entry_links.find("a" * 24, now=NOW) is None
    with pytest.raises(entry_links.LinkEnded):
        entry_links.open_case("a" * 24, browser=HERS, now=NOW)


def test_a_link_is_made_by_whoever_writes_the_message_and_seen_by_the_service(case: Case) -> None:
    for scope in (tenancy.cases([case.id]), tenancy.creditors([case.creditor_id])):
        with scope:
            entry_links.make(case, "email", NOW)
            assert db.session.scalars(select(EntryLink)).all() == []
    assert len(db.session.scalars(select(EntryLink)).all()) == 2


def test_a_new_link_goes_to_where_the_case_can_be_written_to_now(case: Case) -> None:
    token = token_of(case)
    case.debtor.email = "moved@example.com"
    for _ in range(2):
        assert entry_links.renew(token, language="ar", now=NOW)
    db.session.commit()
    (mail,) = db.session.scalars(select(Message).where(Message.kind == "entry_link"))
    assert (mail.address, mail.language) == ("moved@example.com", "ar")
    assert mail.secret
    new = mail.secret.rpartition("/")[2]
    assert entry_links.open_case(new, browser=HERS, now=NOW).case_id == case.id


@pytest.mark.parametrize(
    ("known", "channel"),
    [({}, "email"), ({"email": None, "phone": "070-174 06 05"}, "sms"), ({"email": None}, None)],
)
def test_a_link_of_a_digital_letter_is_renewed_by_what_else_there_is(
    case: Case, known: dict[str, str | None], channel: str | None
) -> None:
    token = token_of(case, "mailbox")
    for name, value in known.items():
        setattr(case.debtor, name, value)
    link = entry_links.find(token, now=NOW)
    assert link
    is_sent = entry_links.renew(token, language="sv", now=NOW)
    sent = db.session.scalars(select(Message.channel).where(Message.kind == "entry_link")).all()
    assert (link.may_renew, is_sent, sent) == (
        channel is not None, channel is not None, [channel] if channel else [],
    )  # fmt: skip


def test_without_an_address_no_new_link_is_sent(case: Case) -> None:
    token = token_of(case)
    case.debtor.email = None
    assert not entry_links.renew(token, language="sv", now=NOW)


def test_a_link_is_known_for_half_a_year_and_then_forgotten(case: Case) -> None:
    token = token_of(case)
    entry_links.forget_old(NOW + timedelta(days=193))
    assert entry_links.find(token, now=NOW)
    entry_links.forget_old(NOW + timedelta(days=195))
    assert entry_links.find(token, now=NOW) is None
