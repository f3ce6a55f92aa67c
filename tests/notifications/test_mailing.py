"""What is due goes out by e-mail: one each, or one digest for a person and company."""

from datetime import datetime, time, timedelta

import pytest
from flask import Flask

from portal.config import Settings
from portal.creditor.notices import MailSpeaker
from portal.delivery import sending
from portal.extensions import db
from portal.identity.models import Membership
from portal.notifications import addressing, choosing, mailing
from portal.notifications.choosing import Times
from portal.notifications.telling import notify
from simulators.mail.box import Received
from tests.factories import EVA, NOW, TODAY, a_creditor, a_person_at
from tests.mail_fixtures import Mailbox
from tests.notifications.conftest import Office

EIGHT = Times(daily_at=time(8), weekly_on=5, weekly_at=time(8))
# NOW is a Tuesday, half past nine.
TOMORROW = NOW.replace(hour=8, minute=0) + timedelta(days=1)
FRIDAY = NOW.replace(hour=8, minute=0) + timedelta(days=3)


@pytest.fixture
def settings(settings: Settings, mailbox: Mailbox) -> Settings:
    return mailbox.settings(settings)


def tell(office: Office, key: str = "one", kind: str = "dispute", **values: object) -> None:
    data = {"reference": "123456789", "invoice": "F1", "debtor": "Ahmad Al-Khatib"}
    told = {"data": data, "to": [office.eva.id], **values}
    notify(kind, creditor_id=office.creditor.id, key=key, now=NOW, **told)
    db.session.commit()


@pytest.fixture
def post(app: Flask, mailbox: Mailbox, office: Office):
    def post(now: datetime = NOW) -> list[Received]:
        """The mails that come to Eva at an instant."""
        mailbox.running.box.empty()
        mailing.send_due(MailSpeaker(), now=now, between=db.session.commit)
        sending.deliver_waiting(now)
        return mailbox.mails("person0@example.com")

    return post


def test_what_is_told_at_once_is_mailed_at_once_and_once(office: Office, post) -> None:
    tell(office)
    (mail,) = post()
    assert mail.subject == "En invändning kom in – Norrsken Energi AB"
    assert "Ärende 123456789, faktura F1" in mail.text
    assert post() == []
    assert office.told()[0].mailed_at == NOW


def test_no_debtor_is_named_in_a_mail(office: Office, post) -> None:
    tell(office)
    (mail,) = post()
    assert "Ahmad" not in mail.message.as_string()


def test_a_mail_is_in_its_readers_language(office: Office, post) -> None:
    addressing.write_in(office.eva.id, "en")
    tell(office)
    (mail,) = post()
    assert mail.subject == "An objection came – Norrsken Energi AB"


def test_a_mail_leads_to_what_it_is_about_and_to_the_choices(office: Office, post) -> None:
    tell(office)
    (mail,) = post()
    id = office.told()[0].id
    key = office.creditor.key
    assert mail.links == [
        f"http://localhost/notifications/{id}",
        f"http://localhost/notifications/choices?company={key}",
    ]
    assert (
        mail.message["List-Unsubscribe"].strip().startswith("<http://localhost/notifications/stop/")
    )


def test_many_at_once_come_in_one_mail(office: Office, post) -> None:
    for number in range(mailing.MOST_SINGLE + 1):
        tell(office, str(number))
    (mail,) = post()
    assert mail.subject == "4 saker har hänt hos Norrsken Energi AB"


def test_a_digest_comes_at_its_time_with_all_that_is_due(office: Office, post) -> None:
    office.choose("dispute", mail="daily", times=EIGHT)
    office.choose("decision", mail="daily")
    tell(office, "one")
    tell(office, "two", "decision")
    assert post() == []
    assert post(TOMORROW - timedelta(minutes=1)) == []
    (mail,) = post(TOMORROW)
    assert mail.subject == "2 saker har hänt hos Norrsken Energi AB"
    assert "en gång om dagen" in mail.text
    assert post(TOMORROW) == []


def test_a_week_comes_together_and_says_so(office: Office, post) -> None:
    office.choose("dispute", mail="weekly", times=EIGHT)
    tell(office)
    assert post(TOMORROW) == []
    (mail,) = post(FRIDAY)
    assert "en gång i veckan" in mail.text


def test_what_is_daily_and_what_is_weekly_come_in_one_mail_when_both_are_due(
    office: Office, post
) -> None:
    office.choose("dispute", mail="weekly", times=EIGHT)
    office.choose("decision", mail="daily")
    tell(office, "one")
    tell(office, "two", "decision")
    (mail,) = post(FRIDAY)
    assert mail.subject.startswith("2 saker")


def test_when_nothing_has_happened_no_digest_comes(office: Office, post) -> None:
    office.choose("dispute", mail="daily", times=EIGHT)
    assert post(TOMORROW) == []


def test_what_was_read_meanwhile_is_not_mailed(office: Office, post) -> None:
    office.choose("dispute", mail="daily", times=EIGHT)
    tell(office)
    office.told()[0].read_at = NOW
    db.session.commit()
    assert post(TOMORROW) == []
    assert post(FRIDAY) == []


def test_a_digest_of_very_many_tells_the_first_and_how_many_more(office: Office, post) -> None:
    office.choose("dispute", mail="daily", times=EIGHT)
    for number in range(mailing.MOST_OF_A_KIND + 5):
        tell(office, str(number))
    (mail,) = post(TOMORROW)
    assert mail.subject.startswith("15 saker")
    assert "Och 5 till." in mail.text
    assert mail.text.count("En invändning kom in") == mailing.MOST_OF_A_KIND


def test_each_company_has_a_mail_of_its_own(office: Office, post) -> None:
    other = a_creditor("Fjällbäcks Tandvård AB")
    a_person_at(other, "administrator", EVA)
    office.choose("dispute", mail="daily", times=EIGHT)
    tell(office)
    notify("dispute", creditor_id=other.id, data={}, key="x", now=NOW)
    db.session.commit()
    subjects = {mail.subject for mail in (*post(), *post(TOMORROW))}
    assert subjects == {
        "En invändning kom in – Fjällbäcks Tandvård AB",
        "1 sak har hänt hos Norrsken Energi AB",
    }


def test_who_has_left_the_company_gets_no_mail_of_it(office: Office, post) -> None:
    tell(office)
    membership = db.session.query(Membership).filter_by(person_id=office.eva.id).one()
    membership.ends_on = TODAY - timedelta(days=1)
    db.session.commit()
    assert post() == []
    assert office.told()[0].mail_at is None


@pytest.mark.parametrize("address", [None, "no address"])
def test_who_has_no_address_gets_no_mail_and_keeps_nobody_waiting(
    office: Office, post, mailbox: Mailbox, address: str | None
) -> None:
    office.eva.email = address
    db.session.commit()
    tell(office)
    tell(office, "for sofia", to=[office.sofia.id])
    assert post() == []
    assert len(mailbox.mails("person1@example.com")) == 1
    assert post() == []


def test_a_failure_is_told_as_one(office: Office, post) -> None:
    office.choose("upload", mail="at once")
    data = {"filename": "a.csv", "problems": 2, "upload": 1}
    tell(office, "up", "upload", data=data, is_failed=True)
    (mail,) = post()
    assert mail.subject == "a.csv lästes in, utom 2 rader – Norrsken Energi AB"


def test_stopped_mails_stop(office: Office, post) -> None:
    choosing.stop_mails(office.eva.id, office.creditor.id, "administrator", now=NOW)
    tell(office)
    assert post() == []
