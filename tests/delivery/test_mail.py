"""An e-mail is put, frozen, written in its reader's language and handed to a real SMTP server."""

import smtplib
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.config import Settings
from portal.database import tenancy
from portal.delivery import outbox, sending
from portal.delivery.channels import mail
from portal.delivery.mails import render_mail
from portal.delivery.models import Message
from portal.delivery.sending import Delivered
from portal.extensions import db
from portal.identity.models import Creditor
from simulators.certificates import Certificates
from tests.factories import NOW, a_creditor, a_reminded_case
from tests.mail_fixtures import PASSWORD, USER, Mailbox

ANNA = "anna@example.com"
INVITATION = {
    "company": "Norrsken Energi AB",
    "role": "collector",
    "inviter": "Eva Sandberg",
    "url": "https://reda.example/invitations/hemlig",
    "until_on": "2026-03-24",
}


@pytest.fixture
def settings(settings: Settings, mailbox: Mailbox) -> Settings:
    return mailbox.settings(settings)


def put(
    key: str = "one",
    *,
    to: str = ANNA,
    language: str = "en",
    creditor: Creditor | None = None,
    **content: object,
) -> bool:
    return outbox.put_mail(
        "invitation", to=to, content=INVITATION | content, language=language, key=key, now=NOW,
        creditor_id=creditor and creditor.id,
    )  # fmt: skip


def a_mail(key: str = "one", **values: str) -> mail.Mail:
    given = {"to": ANNA, "subject": "Hej", "text": "Hej!", "html": "<p>Hej!</p>", "language": "sv"}
    return mail.Mail(**{**given, "key": key, **values})


def deliver(minutes: int = 0) -> Delivered:
    db.session.commit()
    return sending.deliver_waiting(NOW + timedelta(minutes=minutes))


def only_message() -> Message:
    db.session.expire_all()
    return db.session.scalars(select(Message).where(Message.channel == "email")).one()


def test_a_mail_is_delivered_as_text_and_html(app: Flask, mailbox: Mailbox) -> None:
    put()
    assert deliver() == Delivered(1, 0)
    (came,) = mailbox.mails()
    assert came.recipients == (ANNA,)
    assert came.subject == "Eva Sandberg invites you to Norrsken Energi AB in Reda"
    assert came.links == [INVITATION["url"]]
    assert f'href="{INVITATION["url"]}"' in came.html
    assert "Case handler" in came.text
    assert "24 March 2026" in came.html


def test_a_mail_is_written_in_its_readers_language(app: Flask, mailbox: Mailbox) -> None:
    put(language="sv")
    deliver()
    (came,) = mailbox.mails()
    assert came.subject == "Eva Sandberg bjuder in dig till Norrsken Energi AB i Reda"
    assert came.message["Content-Language"] == "sv"
    assert 'lang="sv"' in came.html


def test_a_mail_in_a_language_that_we_lack_is_in_swedish(app: Flask, mailbox: Mailbox) -> None:
    put(language="fi")
    deliver()
    assert "bjuder in" in mailbox.mails()[0].subject


def test_a_mail_is_put_once_per_key(app: Flask, mailbox: Mailbox) -> None:
    assert [put(), put(company="Another")] == [True, False]
    deliver()
    assert ["Norrsken" in one.subject for one in mailbox.mails()] == [True]


def test_a_mail_is_sent_once_though_delivered_twice(app: Flask, mailbox: Mailbox) -> None:
    put()
    assert [deliver(), deliver(1)] == [Delivered(1, 0), Delivered(0, 0)]
    assert len(mailbox.mails()) == 1


def test_a_mail_that_was_handed_over_and_not_noted_is_known_for_the_same(
    app: Flask, mailbox: Mailbox
) -> None:
    put()
    deliver()
    # As if the power had failed before the note was kept.
    only_message().status = "waiting"
    deliver(1)
    put("another")
    deliver(2)
    first, again, other = (one.message["Message-ID"] for one in mailbox.mails())
    assert first == again != other


def test_nothing_of_what_opens_an_account_lies_readable_in_the_database(app: Flask) -> None:
    put()
    db.session.commit()
    assert "hemlig" not in db.session.scalar(text("select messages::text from messages"))


def test_a_mail_is_kept_for_half_a_year_and_a_letter_for_ever(app: Flask) -> None:
    a_reminded_case()
    for key, days, status in (("new", 170, "sent"), ("old", 190, "sent"), ("late", 190, "waiting")):
        put(key)
        message = db.session.scalars(select(Message).where(Message.idempotency_key == key)).one()
        message.status, message.created_at = status, NOW - timedelta(days=days)
    outbox.forget_old_mails(NOW + timedelta(minutes=1))
    kept = db.session.scalars(select(Message.idempotency_key).where(Message.channel == "email"))
    assert set(kept) == {"new", "late"}
    outbox.forget_old_mails(NOW + timedelta(days=4000))
    assert sorted(db.session.scalars(select(Message.channel))) == ["email", "letter"]


def test_letters_and_mails_go_in_one_run(app: Flask, mailbox: Mailbox) -> None:
    for number in range(9):
        a_reminded_case()
        put(str(number))
    assert deliver() == Delivered(18, 0)
    assert len(mailbox.mails()) == 9


def test_a_mail_of_a_company_is_not_the_companys_to_read(app: Flask) -> None:
    creditor = a_creditor()
    put(creditor=creditor)
    db.session.commit()
    with tenancy.creditors([creditor.id], person_id=1):
        assert db.session.scalars(select(Message)).all() == []


def test_somebody_of_a_company_can_have_a_mail_sent(app: Flask, mailbox: Mailbox) -> None:
    creditor = a_creditor()
    with tenancy.creditors([creditor.id], person_id=1):
        assert put(creditor=creditor)
        db.session.commit()
    assert deliver() == Delivered(1, 0)


@pytest.mark.parametrize("creditor_id", [None, 10**9])
def test_a_letter_is_always_of_a_case_and_a_mail_of_a_company_that_there_is(
    app: Flask, creditor_id: int | None
) -> None:
    channel = "letter" if creditor_id is None else "email"
    values = {
        "kind": "invitation", "channel": channel, "creditor_id": creditor_id, "content": {},
        "language": "sv", "idempotency_key": "x", "created_at": NOW, "due_at": NOW,
        "address": ANNA if channel == "email" else None,
    }  # fmt: skip
    db.session.add(Message(**values))
    with pytest.raises(Exception, match=r"ck_messages_channel|of another case or creditor"):
        db.session.flush()


def test_a_server_that_says_later_is_asked_later(app: Flask, mailbox: Mailbox) -> None:
    mailbox.running.box.answers.append("450 4.2.0 anna@example.com is full")
    put()
    assert deliver() == Delivered(0, 1)
    message = only_message()
    assert (message.status, message.failure) == ("waiting", "SMTP 450")
    assert deliver(4) == Delivered(1, 0)


def test_an_address_that_the_server_does_not_know_is_not_tried_again(
    app: Flask, mailbox: Mailbox
) -> None:
    mailbox.running.box.answers.append("550 5.1.1 nobody here")
    put()
    put("other", to="eva@example.com")
    assert deliver() == Delivered(1, 1)
    refused = db.session.scalars(select(Message).where(Message.address == ANNA)).one()
    assert (refused.status, refused.failure) == ("failed", "SMTP 550")


def test_an_operator_can_have_a_mail_that_was_given_up_sent(app: Flask, mailbox: Mailbox) -> None:
    mailbox.running.box.answers.append("550 5.1.1 nobody here")
    put()
    deliver()
    assert outbox.try_again(only_message().id, NOW)
    assert deliver() == Delivered(1, 0)
    with pytest.raises(outbox.NotFailed):
        outbox.try_again(only_message().id, NOW)


def test_a_letter_is_not_sent_again_as_a_mail_is(app: Flask) -> None:
    a_reminded_case()
    letter = db.session.scalars(select(Message.id)).one()
    assert not outbox.try_again(letter, NOW)


def test_a_server_that_is_down_is_asked_once_a_run_and_letters_go_all_the_same(
    app: Flask, mailbox: Mailbox
) -> None:
    mailbox.running.smtp.stop()
    put()
    a_reminded_case()
    put("two")
    assert deliver() == Delivered(1, 2)
    failures = db.session.scalars(select(Message.failure).where(Message.channel == "email"))
    assert set(failures) == {"ConnectionRefusedError: Connection refused"}


def test_a_mail_to_an_address_of_another_alphabet_names_its_domain_in_ascii(app: Flask) -> None:
    put(to=" Anna.Berg@Östersund.example ")
    assert only_message().address == "Anna.Berg@xn--stersund-m4a.example"


@pytest.mark.parametrize(
    "address",
    [
        "", "anna", "anna@", "@example.com", "anna@example", "anna @example.com",
        "anna@example.com\nBcc: eva@example.com", "anna@example.com, eva@example.com",
        "Anna <anna@example.com>", "anna@-example.com", "anna..b@example.com", "ånna@example.com",
        "a" * 65 + "@example.com", "anna@" + "a" * 64 + ".com", "anna@exam\u2028ple.com",
    ],
)  # fmt: skip
def test_what_is_no_single_address_is_refused(address: str) -> None:
    with pytest.raises(mail.NotAnAddress):
        mail.address_of(address)


@pytest.mark.parametrize("sign", ["\n", "\r\n", "\r", "\x0b", "\u2028", "\x85"])
def test_a_name_with_a_line_break_writes_no_header_of_its_own(
    app: Flask, mailbox: Mailbox, sign: str
) -> None:
    put(inviter=f"Eva{sign}Bcc: eva@example.com")
    deliver()
    (came,) = mailbox.mails()
    assert came.message["Bcc"] is None
    assert came.recipients == (ANNA,)
    assert came.subject.startswith("Eva Bcc: eva@example.com invites")


def test_a_name_cannot_write_html(app: Flask, mailbox: Mailbox) -> None:
    put(inviter="<script>x</script>")
    deliver()
    assert "<script>" not in mailbox.mails()[0].html


def test_a_mail_says_that_a_machine_wrote_it(mailbox: Mailbox) -> None:
    with mailbox.postman() as postman:
        postman.hand_over(a_mail(), now=NOW)
    (came,) = mailbox.mails()
    assert came.message["Auto-Submitted"] == "auto-generated"
    assert came.message["List-Unsubscribe"] is None
    assert came.message["Date"].datetime == NOW.replace(microsecond=0)
    assert came.sender == Settings().smtp_from
    assert came.message["Reply-To"] == Settings().service_email


def test_who_may_stop_such_mails_is_told_where_in_the_header_too(mailbox: Mailbox) -> None:
    stop = "https://reda.example/stop/1"
    with mailbox.postman() as postman:
        postman.hand_over(mail.Mail(**{**a_mail().__dict__, "unsubscribe_url": stop,
                                       "is_one_click": True}), now=NOW)  # fmt: skip
    (came,) = mailbox.mails()
    assert came.message["List-Unsubscribe"] == f"<{stop}>"
    assert came.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_many_mails_go_over_one_connection(mailbox: Mailbox) -> None:
    with mailbox.postman() as postman:
        for number in range(3):
            postman.hand_over(a_mail(str(number)), now=NOW)
    assert len(mailbox.mails()) == 3


def test_a_long_subject_is_cut(mailbox: Mailbox) -> None:
    with mailbox.postman() as postman:
        postman.hand_over(a_mail(subject="å" * 300), now=NOW)
    assert len(mailbox.mails()[0].subject) == 200


@pytest.fixture
def strict(
    strict_mailbox: Mailbox, simulator_certificates: Certificates
) -> Callable[..., mail.Postman]:
    """Who hands mails over to a server that wants TLS and a password."""

    def strict(**others: str) -> mail.Postman:
        given = {"smtp_security": "starttls", "smtp_user": USER, "smtp_password": PASSWORD,
                 "smtp_ca": str(simulator_certificates.tls_ca)}  # fmt: skip
        return strict_mailbox.postman(**{**given, **others})

    return strict


def test_mails_go_over_tls_and_under_our_name(
    strict: Callable[..., mail.Postman], strict_mailbox: Mailbox
) -> None:
    with strict() as postman:
        postman.hand_over(a_mail(), now=NOW)
    (came,) = strict_mailbox.mails()
    assert (came.is_encrypted, came.user) == (True, USER)


def test_a_wrong_password_sends_nothing_and_is_told_without_it(
    strict: Callable[..., mail.Postman], strict_mailbox: Mailbox
) -> None:
    with strict(smtp_password="wrong") as postman, pytest.raises(mail.NotNow) as told:
        postman.hand_over(a_mail(), now=NOW)
    assert told.value.reason == "SMTPAuthenticationError: SMTP 535"
    assert strict_mailbox.mails() == []


def test_a_server_whose_certificate_is_not_trusted_gets_no_mail(
    strict: Callable[..., mail.Postman], strict_mailbox: Mailbox
) -> None:
    with strict(smtp_ca="") as postman, pytest.raises(OSError, match="certificate"):
        postman.hand_over(a_mail(), now=NOW)
    assert strict_mailbox.mails() == []


def test_a_server_without_tls_gets_no_mail_when_we_want_it(mailbox: Mailbox) -> None:
    refused = pytest.raises(smtplib.SMTPNotSupportedError)
    with mailbox.postman(smtp_security="starttls") as postman, refused:
        postman.hand_over(a_mail(), now=NOW)
    assert mailbox.mails() == []


DIGEST = {
    "company": "Norrsken Energi AB", "period": "week", "count": 3, "left": 1,
    "centre_url": "https://reda.example/n", "choices_url": "https://reda.example/c",
    "groups": [{"name": "Cases", "items": [
        {"title": "An objection came", "text": "Case 1", "failed": False, "url": "https://a.example"},
        {"title": "A letter <b>", "text": "", "failed": True, "url": "https://b.example"},
    ]}],
}  # fmt: skip
NOTIFICATION = {
    "company": "Norrsken Energi AB", "title": "An objection came", "text": "Case 1",
    "failed": False, "url": "https://reda.example/n", "choices_url": "https://reda.example/c",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "content", "subject", "lines"),
    [
        (
            "digest", DIGEST, "3 things happened at Norrsken Energi AB",
            ["- An objection came: Case 1", "- A letter <b> (failed)", "And 1 more."],
        ),
        (
            "notification", NOTIFICATION, "An objection came – Norrsken Energi AB",
            ["An objection came", "Case 1", "https://reda.example/n"],
        ),
    ],
)  # fmt: skip
def test_notifications_are_told_in_text_and_html(
    app: Flask, kind: str, content: dict[str, object], subject: str, lines: list[str]
) -> None:
    made = render_mail(kind, content, to=ANNA, language="en", key="k", settings=Settings())
    assert made.subject == subject
    assert set(lines) <= set(made.text.split("\n"))
    assert "\n\n\n" not in made.text
    assert "<b>" not in made.html
    assert "https://reda.example/c" in made.html


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ({"channel": "card"}, "Paid with: Card"),
        ({"channel": "swish"}, "Paid with: Swish"),
        ({}, ""),
    ],
)
def test_the_mail_about_a_payment_says_by_which_way_it_came(
    app: Flask, channel: dict[str, str], words: str
) -> None:
    content = {
        "amount_ore": 30_000, "currency": "SEK", "paid_on": "2026-11-29", "left_ore": 0,
        "receipt_number": "2026-0000001", "creditor": "Ljusglimt AB", "reference": "123456789",
        "url": "https://reda.example/l/x", **channel,
    }  # fmt: skip
    made = render_mail("payment", content, to=ANNA, language="en", key="k", settings=Settings())
    assert [one for one in made.text.split("\n") if "Paid with" in one] == [words] * bool(words)
    assert ("Paid with" in made.html) == bool(words)
