"""How a debtor wants to be reached: kept, confirmed, and held to by letters and mails."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.collection import (
    cases,
    correspondence,
    customers,
    disputes,
    entry_links,
    finding,
    lifecycle,
    needs,
    reaching,
    tellings,
)
from portal.collection.models import Case, Event, OwnContact
from portal.database import tenancy
from portal.delivery import sending
from portal.delivery.models import Message
from portal.delivery.outbox import Reader
from portal.delivery.sending import Delivered
from portal.delivery.texts import render_sms
from portal.extensions import db, settings
from portal.identity.actor import DEBTOR, Actor
from portal.messages import RedaError
from tests.factories import NOW, TODAY, a_case, a_creditor, a_debtor_of

CLERK = Actor("person", "Sofia Nyström", role="creditor")
NOTHING = dict.fromkeys(reaching.FIELDS, "") | {"channel": "letter"}
HOME = {"address_line": "Nya vägen 4", "postcode": "41101", "town": "Göteborg", "country": "SE"}


@pytest.fixture
def case(app: Flask) -> Iterator[Case]:
    creditor = a_creditor()
    case = a_case(creditor, debtor=a_debtor_of(creditor, language="sv", email="ledger@example.com"))
    with tenancy.cases([case.id]):
        yield case


def tell(case: Case, **values: str) -> list[str]:
    """Tell some of it, on the page as it stands."""
    told = case.debtor.told
    kept = {name: (told and getattr(told, name)) or NOTHING[name] for name in reaching.FIELDS}
    changed = reaching.save(
        cases.lock(case.id), kept | values, version=told.version if told else 0, actor=DEBTOR,
        now=NOW,
    )  # fmt: skip
    db.session.commit()
    return changed


def mails(kind: str) -> list[Message]:
    with tenancy.service():
        return list(db.session.scalars(select(Message).where(Message.kind == kind)))


def confirm(case: Case) -> None:
    (mail,) = mails("debtor_address")
    assert mail.secret is not None
    reaching.confirm(mail.secret.rpartition("/")[2], actor=DEBTOR, now=NOW)
    db.session.commit()


def write(case: Case, words: str, minutes: int = 0) -> None:
    """The company writes."""
    with tenancy.service():
        correspondence.write(
            cases.lock(case.id), words, seen=0, language="sv", actor=CLERK,
            now=NOW + timedelta(minutes=minutes),
        )  # fmt: skip
        db.session.commit()


def test_what_is_told_is_an_event_that_names_the_fields_and_not_what_they_say(case: Case) -> None:
    tell(case, phone="070-123 45 67", **HOME)
    event = db.session.scalars(select(Event).where(Event.name == "case.contact_told")).one()
    assert event.data == {
        "fields": ["phone", "address_line", "postcode", "town", "country"],
    }
    assert (case.debtor.told.phone, case.debtor.told.postcode) == ("+46701234567", "411 01")


def test_the_same_told_twice_does_nothing(case: Case) -> None:
    tell(case, phone="070-123 45 67")
    values = NOTHING | {"phone": "070-123 45 67"}
    assert (
        reaching.save(cases.lock(case.id), values, version=0, actor=DEBTOR, now=NOW),
        len(db.session.scalars(select(Event).where(Event.name == "case.contact_told")).all()),
    ) == ([], 1)


def test_a_page_that_is_older_than_what_is_kept_changes_nothing(case: Case) -> None:
    tell(case, phone="070-123 45 67")
    with pytest.raises(RedaError, match="another window"):
        reaching.save(cases.lock(case.id), NOTHING, version=0, actor=DEBTOR, now=NOW)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("email", {"email": "anna at home"}),
        ("email", {"email": "a@b.se\nBcc: c@d.se"}),
        ("email", {"email": "\U0001f600@example.com"}),
        ("phone", {"phone": "070"}),
        ("phone", {"phone": "1" * 60}),
        ("postcode", HOME | {"postcode": "1234"}),
        ("town", HOME | {"town": ""}),
        ("address_line", HOME | {"address_line": "=HYPERLINK(1)"}),
        ("address_line", HOME | {"address_line": "Gatan\u202e 1"}),
        ("channel", {"channel": "pigeon"}),
        ("language", {"language": "xx"}),
    ],
)
def test_what_cannot_be_is_told_at_its_field(
    case: Case, field: str, values: dict[str, str]
) -> None:
    with pytest.raises(RedaError) as refused:
        tell(case, **values)
    assert refused.value.problem.field == field


def test_letters_go_to_the_address_and_in_the_language_that_the_debtor_tells(case: Case) -> None:
    tell(case, language="ar", **HOME)
    with tenancy.service():
        lifecycle.send_reminder(cases.lock(case.id), today=TODAY, now=NOW)
    (letter,) = mails("reminder")
    told = [letter.content["recipient"][name] for name in ("address_line", "postcode", "town")]
    assert (letter.language, told) == ("ar", ["Nya vägen 4", "411 01", "Göteborg"])


def test_many_letters_at_once_go_where_the_debtor_says_too(case: Case) -> None:
    tell(case, language="ar", email="anna@example.com", channel="email", **HOME)
    confirm(case)
    with tenancy.service():
        lifecycle.advance(TODAY, NOW)
    (letter,) = mails("reminder")
    assert (letter.language, letter.channel, letter.address) == ("ar", "letter", "anna@example.com")
    assert letter.content["recipient"]["address_line"] == "Nya vägen 4"


def test_a_demand_goes_by_post_and_an_answer_by_mail_to_who_wants_mails(case: Case) -> None:
    tell(case, email="anna@example.com", channel="email")
    confirm(case)
    with tenancy.service():
        lifecycle.send_reminder(cases.lock(case.id), today=TODAY, now=NOW)
        disputes.object_to(
            cases.lock(case.id), reason="paid", words="w", amount_ore=None, channel="web",
            actor=DEBTOR, today=TODAY, now=NOW,
        )  # fmt: skip
        disputes.answer(
            cases.lock(case.id), disputes.TURNED_DOWN, words="w", actor=CLERK, today=TODAY,
            now=NOW,
        )  # fmt: skip
    (answer,) = mails("dispute_answer")
    assert {one.channel for one in mails("reminder")} == {"letter"}
    assert (answer.channel, answer.address) == ("email", "anna@example.com")


def test_until_an_address_is_confirmed_letters_go_by_post(case: Case) -> None:
    tell(case, email="anna@example.com", channel="email")
    assert reaching.reader(case).channel == "letter"
    confirm(case)
    db.session.refresh(case.debtor)
    assert reaching.reader(case) == Reader("email", "anna@example.com")


def test_a_link_to_an_address_that_was_changed_since_confirms_nothing(case: Case) -> None:
    tell(case, email="anna@example.com")
    tell(case, email="other@example.com")
    link = next(one.secret for one in mails("debtor_address") if one.address == "anna@example.com")
    assert link is not None
    with pytest.raises(reaching.BadLink):
        reaching.confirm(link.rpartition("/")[2], actor=DEBTOR, now=NOW)


def test_what_is_told_holds_for_the_other_cases_at_the_same_creditor(case: Case) -> None:
    with tenancy.service():
        other = a_case(case.creditor, debtor=case.debtor)
    tell(case, language="ar")
    with tenancy.service():
        told_of = db.session.scalars(
            select(Event.case_id).where(Event.name == "case.contact_told")
        ).all()
        assert set(told_of) == {case.id, other.id}
        assert db.session.get_one(Case, other.id).debtor.reads == "ar"


@pytest.mark.parametrize(("told", "lacking"), [({}, 1), (HOME, 0)])
def test_whose_address_the_creditor_does_not_know_may_tell_it(
    app: Flask, told: dict[str, str], lacking: int
) -> None:
    creditor = a_creditor()
    case = a_case(creditor, debtor=a_debtor_of(creditor, address_line="", postcode="", town=""))
    tell(case, **told)
    asked = needs.told_sql(creditor.id, also={}, today=TODAY, now=NOW)
    found = {one.name: one.count for one in needs.read(db.session.scalar(select(asked)))}
    listed = finding.page(creditor.id, finding.Filter(marks=("no address",)), today=TODAY)
    homeless = customers.Filters(kinds=(customers.NO_ADDRESS,))
    customers_listed = customers.page(creditor.id, homeless, TODAY).rows
    assert (found.get(needs.ADDRESSES, 0), listed.count, len(customers_listed)) == (lacking,) * 3


def test_nobody_tells_for_another_debtor(case: Case) -> None:
    with tenancy.service():
        stranger = a_case(a_creditor("Other AB")).debtor
    db.session.add(
        OwnContact(
            debtor_id=stranger.id, creditor_id=stranger.creditor_id, channel="letter", version=0,
            changed_at=NOW,
        )
    )  # fmt: skip
    with pytest.raises(Exception, match="row-level security"):
        db.session.flush()
    db.session.rollback()


def test_the_mail_of_a_message_says_nothing_of_it_and_is_in_the_debtors_language(
    case: Case,
) -> None:
    tell(case, language="ar")
    write(case, "Your invoice 77 is credited.")
    (mail,) = mails("case_message")
    assert (mail.address, mail.language) == ("ledger@example.com", "ar")
    assert set(mail.content) == {"creditor"}


def test_several_messages_within_an_hour_make_one_mail(case: Case) -> None:
    for minutes, words in ((0, "a"), (20, "b"), (59, "c"), (90, "d")):
        write(case, words, minutes)
    assert len(mails("case_message")) == 2


def test_who_has_read_the_last_message_is_told_of_the_next_at_once(case: Case) -> None:
    write(case, "a")
    correspondence.read(case.id, seen=correspondence.of_case(case.id)[-1].id, now=NOW)
    db.session.commit()
    write(case, "b", 5)
    assert len(mails("case_message")) == 2


def test_what_the_debtor_writes_sends_no_mail(case: Case) -> None:
    correspondence.write(cases.lock(case.id), "Hello", seen=0, language="en", actor=DEBTOR, now=NOW)
    assert (mails("case_message"), correspondence.unread([case.id])) == ([], {})


def test_a_ledgers_address_that_is_none_stops_no_message(case: Case) -> None:
    with tenancy.service():
        case.debtor.email = "nobody"
        db.session.commit()
    write(case, "a")
    assert correspondence.unread([case.id]) == {case.id: 1}


def confirm_number(case: Case) -> None:
    asked = mails("debtor_number")[-1]
    assert asked.secret is not None
    reaching.confirm_number(asked.secret.rpartition("/")[2], actor=DEBTOR, now=NOW)
    db.session.commit()
    db.session.refresh(case.debtor)


def by_text(case: Case) -> None:
    """The debtor wants text messages, and has confirmed the number."""
    tell(case, phone="070-174 06 12", channel="sms")
    confirm_number(case)


def test_who_wants_text_messages_is_asked_by_one_whether_the_number_is_right(case: Case) -> None:
    tell(case, phone="070-174 06 12", channel="sms")
    assert reaching.reader(case).channel == "letter"
    confirm_number(case)
    assert reaching.reader(case) == Reader("sms", "ledger@example.com", "+46701740612")


def test_a_number_that_takes_no_text_messages_cannot_be_chosen(case: Case) -> None:
    with pytest.raises(RedaError) as refused:
        tell(case, phone="08-123 45 67", channel="sms")
    assert refused.value.problem.field == "phone"


@pytest.mark.parametrize("days", [0, 7, 8])
def test_a_link_to_a_number_works_for_seven_days_and_for_that_number(case: Case, days: int) -> None:
    tell(case, phone="070-174 06 12", channel="sms")
    (asked,) = mails("debtor_number")
    link, now = (asked.secret or "").rpartition("/")[2], NOW + timedelta(days=days)
    if days > 7:
        with pytest.raises(reaching.BadLink):
            reaching.number_in(link, now=now)
        return
    assert reaching.number_in(link, now=now) == "+46701740612"
    tell(case, phone="070-174 06 05")
    with pytest.raises(reaching.BadLink):
        reaching.number_in(link, now=now)


@pytest.mark.parametrize("link", ["", "1", "1.x", "9" * 40 + ".x", "١.x", "1.\x00"])
def test_a_made_up_link_to_a_number_confirms_nothing(case: Case, link: str) -> None:
    with pytest.raises(reaching.BadLink):
        reaching.number_in(link, now=NOW)


def test_a_number_is_asked_about_five_times_a_day_at_most(case: Case) -> None:
    for last in range(5):
        tell(case, phone=f"070-174 06 1{last}", channel="sms")
    with pytest.raises(RedaError, match="Too many"):
        tell(case, phone="070-174 06 20")


def test_an_address_is_asked_about_five_times_a_day_at_most(case: Case) -> None:
    for last in range(5):
        tell(case, email=f"a{last}@example.com")
    with pytest.raises(RedaError, match="Too many") as refused:
        tell(case, email="b@example.com")
    assert refused.value.problem.field == "email"


def opens(token: str) -> bool:
    link = entry_links.find(token, now=NOW + timedelta(minutes=1))
    return link is not None and link.is_open


def link_to(case: Case, channel: str) -> str:
    return entry_links.make(case, channel, NOW).rpartition("/")[2]


def test_links_that_went_to_an_old_address_open_nothing_once_another_is_told(case: Case) -> None:
    by_mail, by_text = link_to(case, "email"), link_to(case, "sms")
    tell(case, email="anna@example.com")
    assert (opens(by_mail), opens(by_text)) == (False, True)


def test_links_that_went_to_the_old_one_meanwhile_end_when_the_new_one_is_confirmed(
    case: Case,
) -> None:
    tell(case, email="anna@example.com")
    meanwhile = link_to(case, "email")
    confirm(case)
    assert not opens(meanwhile)


def test_links_that_went_to_an_old_number_open_nothing(case: Case) -> None:
    by_text(case)
    old = link_to(case, "sms")
    tell(case, phone="070-174 06 13")
    assert not opens(old)


def test_links_stay_good_when_something_else_is_told(case: Case) -> None:
    links = link_to(case, "email"), link_to(case, "sms")
    tell(case, language="ar", **HOME)
    assert all(map(opens, links))


def test_a_letter_that_waits_is_not_told_of_at_an_old_address(case: Case) -> None:
    tell(case, email="anna@example.com", channel="email")
    confirm(case)
    with tenancy.service():
        lifecycle.send_reminder(cases.lock(case.id), today=TODAY, now=NOW)
    tell(case, email="eva@example.com")
    (letter,) = mails("reminder")
    assert (letter.channel, letter.address) == ("letter", None)


def test_who_chose_text_messages_is_told_by_one_that_opens_the_case_and_names_nobody(
    case: Case,
) -> None:
    by_text(case)
    write(case, "Your invoice 77 is credited.")
    (told,) = mails("case_message")
    assert (told.channel, told.mobile, told.address) == (
        "sms",
        "+46701740612",
        "ledger@example.com",
    )
    assert told.secret is not None
    with tenancy.service():
        link = entry_links.find(told.secret.rpartition("/")[2], now=NOW)
        text = render_sms("case_message", {**told.content, "url": told.secret}, language="en",
                          settings=settings())  # fmt: skip
    assert link is not None
    assert (link.case_id, link.channel) == (case.id, "sms")
    assert case.creditor.name not in text


def test_an_answer_goes_by_text_message_and_a_demand_by_post_with_one_that_tells_of_it(
    case: Case,
) -> None:
    by_text(case)
    with tenancy.service():
        disputes.object_to(
            cases.lock(case.id), reason="paid", words="w", amount_ore=None, channel="web",
            actor=DEBTOR, today=TODAY, now=NOW,
        )  # fmt: skip
        disputes.answer(
            cases.lock(case.id), disputes.TURNED_DOWN, words="w", actor=CLERK, today=TODAY,
            now=NOW,
        )  # fmt: skip
        lifecycle.send_reminder(cases.lock(case.id), today=TODAY, now=NOW)
    (answer,), (reminder,) = mails("dispute_answer"), mails("reminder")
    assert (answer.channel, reminder.channel) == ("sms", "letter")
    assert (answer.mobile, reminder.mobile) == ("+46701740612", "+46701740612")


def test_many_letters_at_once_are_told_by_text_message_to_who_wants_that(case: Case) -> None:
    by_text(case)
    with tenancy.service():
        lifecycle.advance(TODAY, NOW)
    (letter,) = mails("reminder")
    assert (letter.channel, letter.mobile, letter.address) == (
        "letter", "+46701740612", "ledger@example.com",
    )  # fmt: skip


@pytest.mark.parametrize("outcome", [tellings.HOLDS, tellings.GOES_ON])
def test_an_answer_about_a_situation_is_told(case: Case, outcome: str) -> None:
    with tenancy.service():
        about = "bankrupt"
        tellings.tell(
            cases.lock(case.id), about, facts={}, words="", files=[], language="sv", actor=DEBTOR,
            now=NOW,
        )  # fmt: skip
        tellings.answer(
            cases.lock(case.id), about, outcome, words="", actor=CLERK, today=TODAY, now=NOW
        )
    (mail,) = mails("news")
    assert (mail.channel, mail.address, mail.language) == ("email", "ledger@example.com", "sv")


def test_who_has_no_address_gets_a_letter_when_the_case_goes_on(app: Flask) -> None:
    with tenancy.service():
        case = a_case(a_creditor())
        tellings.tell(
            cases.lock(case.id), "bankrupt", facts={}, words="", files=[], language="sv",
            actor=DEBTOR, now=NOW,
        )  # fmt: skip
        tellings.answer(
            cases.lock(case.id), "bankrupt", tellings.GOES_ON, words="w", actor=CLERK, today=TODAY,
            now=NOW,
        )  # fmt: skip
    (letter,) = mails("dispute_answer")
    assert (letter.channel, letter.address, mails("news")) == ("letter", None, [])


def test_an_answer_by_post_is_told_by_mail_where_there_is_an_address(case: Case) -> None:
    with tenancy.service():
        tellings.tell(
            cases.lock(case.id), tellings.WRONG_PERSON, facts={}, words="", files=[],
            language="sv", actor=DEBTOR, now=NOW,
        )  # fmt: skip
        tellings.answer(
            cases.lock(case.id), tellings.WRONG_PERSON, tellings.RIGHT, words="w", actor=CLERK,
            today=TODAY, now=NOW,
        )  # fmt: skip
    (letter,) = mails("dispute_answer")
    assert (letter.channel, letter.address, mails("news")) == ("letter", "ledger@example.com", [])


def test_a_payment_for_several_cases_is_told_by_one_text_message(case: Case) -> None:
    by_text(case)
    with tenancy.service():
        other = a_case(case.creditor, debtor=case.debtor)
        for place, one in enumerate((case, other)):
            reaching.tell(
                one, "payment", {}, key=f"payment:k:{place}", now=NOW, is_of_sums=True,
                text_key="payment:k",
            )  # fmt: skip
    assert len(mails("payment")) == 1


def test_what_no_mail_can_be_sent_to_hinders_no_letter(case: Case) -> None:
    with tenancy.service():
        lifecycle.send_reminder(cases.lock(case.id), today=TODAY, now=NOW)
        (letter,) = mails("reminder")
        letter.address, letter.mobile = "anna or karl", "08-1"
        db.session.commit()
    assert sending.deliver_waiting(NOW) == Delivered(1, 0)
