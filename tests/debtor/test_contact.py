"""The page where debtors say how they want to be reached, and what comes of it."""

import io
import zipfile

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal import clock
from portal.collection import (
    cases,
    correspondence,
    lifecycle,
    reaching,
    states,
    stops,
    tellings,
)
from portal.collection.models import Case, OwnContact
from portal.config import Settings
from portal.database import tenancy
from portal.delivery import outbox, sending
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor
from tests.debtor.test_pages import Visitor, at_first_case, case, said
from tests.factories import NOW, TODAY, a_case, a_debtor_of, session_cookie
from tests.mail_fixtures import Mailbox
from tests.mailbox_fixtures import Boxes
from tests.sms_fixtures import Phones

__all__ = ["case"]
CLERK = Actor("person", "Sofia Nyström", role="creditor")


@pytest.fixture
def settings(settings: Settings, mailbox: Mailbox, phones: Phones, boxes: Boxes) -> Settings:
    return boxes.settings(phones.settings(mailbox.settings(settings)))


def save(client: FlaskClient, *, status: int = 200, **values: str) -> BeautifulSoup:
    """Change some of the form as it stands, and send it."""
    visitor = Visitor(client)
    form = visitor.get("/case/contact").select_one("main form.stack")
    kept = {one["name"]: one.get("value", "") for one in form.select("input")
            if one.get("type") != "radio"}  # fmt: skip
    kept["channel"] = form.select_one("input[type=radio][checked]")["value"]
    kept |= {
        one["name"]: one.select_one("option[selected]")["value"] for one in form.select("select")
    }
    answer = client.post(
        at_first_case("/case/contact"), data=kept | values, headers=visitor.headers,
        follow_redirects=True,
    )  # fmt: skip
    assert answer.status_code == status
    return BeautifulSoup(answer.text, "html.parser")


def told() -> OwnContact:
    with tenancy.service():
        db.session.expire_all()
        return db.session.scalars(select(OwnContact)).one()


def test_what_is_written_is_kept_and_shown_beside_what_the_creditor_told(
    client: FlaskClient, case: Case
) -> None:
    Visitor(client).enter(case)
    page = save(
        client, address_line="Nya vägen 4", postcode="41101", town="Göteborg", phone="070 123 45 67"
    )
    assert "Storgatan 1" in said(page)
    assert page.select_one("#address_line")["value"] == "Nya vägen 4"
    assert (told().phone, told().postcode) == ("+46701234567", "411 01")


def test_numbers_in_the_readers_own_digits_are_understood(client: FlaskClient, case: Case) -> None:
    Visitor(client).enter(case)
    save(
        client, address_line="Nya vägen 4", postcode="۴۱۱۰۱", town="Göteborg", phone="۰۷۰ ۱۲۳ ۴۵ ۶۷"
    )
    assert (told().phone, told().postcode) == ("+46701234567", "411 01")


def test_what_is_wrong_is_told_at_its_field_and_stays_typed(
    client: FlaskClient, case: Case
) -> None:
    Visitor(client).enter(case)
    page = save(client, status=422, postcode="1234", address_line="Nya vägen 4", town="Göteborg")
    assert "five digits" in said(page.select_one("#postcode-error"))
    assert page.select_one("#postcode")["value"] == "1234"


def test_an_address_is_confirmed_by_the_link_in_its_mail_and_not_by_looking_at_it(
    client: FlaskClient, case: Case, mailbox: Mailbox
) -> None:
    Visitor(client).enter(case)
    save(client, email="anna@example.com", channel="email")
    sending.deliver_waiting(NOW.replace(year=2099))
    (mail,) = mailbox.mails("anna@example.com")
    path = mail.links[0].removeprefix("http://localhost")
    anybody = Visitor(client)
    page = anybody.get(path)
    assert told().email_confirmed_at is None
    client.post(path, data={"csrf_token": page.select_one("main input[name=csrf_token]")["value"]})
    assert told().email_confirmed_at is not None


def test_a_made_up_link_confirms_nothing(client: FlaskClient, case: Case) -> None:
    page = Visitor(client).get("/address/made-up", status=400)
    assert "does not hold any more" in said(page)


def test_a_language_chosen_for_the_page_is_kept_only_when_the_debtor_says_so(
    client: FlaskClient, case: Case
) -> None:
    visitor = Visitor(client, "sv")
    visitor.enter(case)
    page = visitor.get(at_first_case("/case") + "?lang=ar")
    assert db.session.scalars(select(OwnContact)).all() == []
    form = page.select_one("form[action$='/language']")
    client.post(form["action"], data={one["name"]: one["value"] for one in form.select("input")})
    assert told().language == "ar"
    assert (
        visitor.get(at_first_case("/case") + "?lang=ar").select_one("form[action$='/language']")
        is None
    )


def test_pages_open_in_the_kept_language_where_nothing_else_was_chosen(
    client: FlaskClient, case: Case
) -> None:
    reaching.write_in(cases.lock(case.id), "ar", actor=DEBTOR, now=NOW)
    db.session.commit()
    visitor = Visitor(client, "sv")
    assert visitor.enter(case).html["lang"] == "ar"
    assert visitor.get(at_first_case("/case") + "?lang=en").html["lang"] == "en"
    assert visitor.get("/case").html["lang"] == "en"


def test_a_new_message_is_marked_until_it_is_read(client: FlaskClient, case: Case) -> None:
    correspondence.write(
        cases.lock(case.id), "Vi ringer.", seen=0, language="sv", actor=CLERK, now=NOW
    )
    db.session.commit()
    visitor = Visitor(client)
    visitor.enter(case)

    def is_new(path: str) -> bool:
        return visitor.get(path).find(class_="status", string="New") is not None

    assert [is_new(one) for one in ("/case", "/case/messages", "/case", "/case/messages")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_a_letter_by_mail_lies_on_the_page_and_goes_by_post_when_the_mail_cannot_be_delivered(
    app: Flask, case: Case, mailbox: Mailbox
) -> None:
    (reminder,) = db.session.scalars(select(Message)).all()
    content, reminder.status = reminder.content, "sent"
    outbox.put(
        "dispute_answer", case_id=case.id, creditor_id=case.creditor_id, secret=None,
        content={**content, "answer": "turned down", "words": "w", "objected_on": "2026-01-01",
                 "credited_ore": 0, "is_closed": False},
        language="en", key="k", now=NOW, to=outbox.Reader("email", "anna@example.com"),
    )  # fmt: skip
    db.session.commit()
    mailbox.running.box.answers.append("550 5.1.1 nobody here")
    later = NOW.replace(year=2099)
    sending.deliver_waiting(later, 1)
    letter = db.session.scalars(select(Message).where(Message.kind == "dispute_answer")).one()
    assert (letter.channel, letter.status) == ("letter", "waiting")
    sending.deliver_waiting(later)
    db.session.refresh(letter)
    assert (letter.status, letter.document_sha256 is not None) == ("sent", True)


def deliver_by_day() -> None:
    sending.deliver_waiting(NOW.replace(year=2099, hour=12))


def confirm_number(client: FlaskClient, phones: Phones) -> None:
    """Choose text messages, and follow the link in the one that comes."""
    save(client, phone="070-174 06 12", channel="sms")
    deliver_by_day()
    path = phones.messages("+46701740612")[0].links[0].removeprefix("http://localhost")
    anybody = Visitor(client)
    page = anybody.get(path)
    client.post(path, data={"csrf_token": page.select_one("main input[name=csrf_token]")["value"]})


def test_who_chose_text_messages_comes_in_by_the_link_in_one(
    client: FlaskClient, case: Case, phones: Phones
) -> None:
    Visitor(client).enter(case)
    confirm_number(client, phones)
    assert told().phone_confirmed_at is not None
    with tenancy.service():
        correspondence.write(
            cases.lock(case.id), "Vi ringer.", seen=0, language="sv", actor=CLERK, now=clock.now()
        )
        db.session.commit()
    deliver_by_day()
    text = phones.messages("+46701740612")[-1]
    assert case.creditor.name not in text.text
    path = text.links[0].removeprefix("http://localhost")
    stranger = client.application.test_client()
    page = Visitor(stranger).get(f"{path}?lang=en")
    form = page.select_one("main form")
    values = {one["name"]: one["value"] for one in form.select("input[name]")}
    answer = stranger.post(path, data=values, follow_redirects=True)
    assert answer.request.path == at_first_case("/case")


def test_a_page_says_that_the_number_is_not_confirmed_yet(client: FlaskClient, case: Case) -> None:
    Visitor(client).enter(case)
    page = save(client, phone="070-174 06 12", channel="sms")
    assert "Your mobile number is not confirmed yet" in said(page)


def test_a_number_that_takes_no_text_messages_is_told_at_its_field(
    client: FlaskClient, case: Case
) -> None:
    Visitor(client).enter(case)
    page = save(client, status=422, phone="08-123 45 67", channel="sms")
    assert "mobile number" in said(page.select_one("#phone-error"))


def test_a_made_up_link_to_a_number_confirms_nothing(client: FlaskClient, case: Case) -> None:
    page = Visitor(client).get("/number/1.made-up", status=400)
    assert "does not hold any more" in said(page)


def test_a_mail_that_tells_of_a_letter_opens_the_case(
    client: FlaskClient, case: Case, mailbox: Mailbox
) -> None:
    (reminder,) = db.session.scalars(select(Message)).all()
    reminder.address = "anna@example.com"
    db.session.commit()
    deliver_by_day()
    deliver_by_day()
    (mail,) = mailbox.mails("anna@example.com")
    path = mail.links[0].removeprefix("http://localhost")
    page = Visitor(client).get(f"{path}?lang=en")
    assert page.select_one("main form input[name=browser]") is not None


def test_an_answer_to_what_was_told_is_marked_as_new(client: FlaskClient, case: Case) -> None:
    with tenancy.service():
        tellings.tell(
            cases.lock(case.id), tellings.PAID, facts={}, words="", files=[], language="sv",
            actor=DEBTOR, now=clock.now(),
        )  # fmt: skip
        tellings.answer(
            cases.lock(case.id), tellings.PAID, tellings.NOT_COME, words="w", actor=CLERK,
            today=clock.today(), now=clock.now(),
        )  # fmt: skip
        db.session.commit()
    visitor = Visitor(client)
    visitor.enter(case)
    link = visitor.get("/case").select_one("a[href$='/paid']")
    assert "New" in said(link.parent)


NEW = {
    "email": "anna@example.com", "phone": "070-174 06 12", "address_line": "Nya vägen 4",
    "postcode": "41101", "town": "Göteborg",
}  # fmt: skip
SECRETS = ("anna@example.com", "740612", "Nya vägen", "411 01", "Göteborg")


@pytest.fixture
def ex(client: FlaskClient, case: Case) -> FlaskClient:
    """The browser of who has the old letter, once its debtor has told where they are now."""
    Visitor(client).enter(case)
    save(client, **NEW)
    other = client.application.test_client()
    Visitor(other).enter(case)
    return other


@pytest.mark.parametrize("path", ["/case/contact", "/case/data", "/case/data.json"])
def test_who_has_an_old_letter_does_not_see_where_the_debtor_is_now(
    ex: FlaskClient, path: str
) -> None:
    shown = Visitor(ex).raw(path).text
    assert [one for one in SECRETS if one in shown] == []


def test_who_told_it_sees_it_in_that_visit(client: FlaskClient, ex: FlaskClient) -> None:
    assert "Nya vägen 4" in Visitor(client).raw("/case/contact").text


def test_what_is_hidden_stays_when_something_else_is_saved(ex: FlaskClient) -> None:
    save(ex, language="ar")
    own = told()
    assert (own.language, own.email, own.phone, own.postcode, own.town, own.country) == (
        "ar", "anna@example.com", "+46701740612", "411 01", "Göteborg", "SE",
    )  # fmt: skip
    assert "Nya vägen" not in Visitor(ex).raw("/case/contact").text


def test_what_is_hidden_can_be_written_anew(ex: FlaskClient) -> None:
    save(ex, phone="070-174 06 13")
    assert (told().phone, told().email) == ("+46701740613", "anna@example.com")


def test_who_comes_in_by_what_was_sent_there_sees_it(client: FlaskClient, ex: FlaskClient) -> None:
    with client.session_transaction() as session:
        opened = session["debtor_cases"]
    other = client.application.test_client()
    other.set_cookie(*session_cookie(client.application, {"debtor_cases": opened}))
    assert "Nya vägen 4" in Visitor(other).raw("/case/contact").text


AHMAD = "197101019052"
HOME = {"address_line": "Nya vägen 4", "postcode": "41101", "town": "Göteborg", "country": "SE"}


@pytest.fixture
def owner(case: Case, client: FlaskClient, boxes: Boxes) -> Case:
    """A case whose debtor has a digital mailbox, opened."""
    boxes.give(AHMAD)
    with tenancy.service():
        found = db.session.get_one(Case, case.id)
        found.debtor.identity_number = AHMAD
        db.session.commit()
    Visitor(client).enter(case)
    return case


def ways(client: FlaskClient) -> dict[str, bool]:
    """The channels that the page offers, and whether each is chosen."""
    page = Visitor(client).get("/case/contact")
    return {one["value"]: one.has_attr("checked") for one in page.select("input[name=channel]")}


def channel_of_next(case: Case) -> str:
    """By what the next letter goes."""
    with tenancy.service():
        db.session.expire_all()
        return reaching.reader(db.session.get_one(Case, case.id)).channel


def test_who_has_a_mailbox_sees_that_letters_go_there(client: FlaskClient, owner: Case) -> None:
    assert ways(client) == {"letter": False, "mailbox": True, "email": False, "sms": False}
    assert channel_of_next(owner) == "mailbox"


def test_who_has_no_mailbox_is_offered_none_and_cannot_choose_it(
    client: FlaskClient, owner: Case, boxes: Boxes
) -> None:
    boxes.close(AHMAD)
    assert ways(client) == {"letter": True, "email": False, "sms": False}
    save(client, status=422, channel="mailbox")


def test_who_wants_post_gets_post(client: FlaskClient, owner: Case) -> None:
    save(client, channel="letter")
    assert (told().channel, channel_of_next(owner)) == ("letter", "letter")
    save(client, channel="mailbox")
    assert (told().channel, channel_of_next(owner)) == ("mailbox", "mailbox")


def test_telling_something_else_chooses_nothing(client: FlaskClient, owner: Case) -> None:
    save(client, phone="070-123 45 67")
    assert (told().channel, channel_of_next(owner)) == (None, "mailbox")


def test_who_tells_where_letters_go_gets_them_there(client: FlaskClient, owner: Case) -> None:
    save(client, address_line="Hos gode mannen 1", postcode="41101", town="Göteborg")
    assert channel_of_next(owner) == "letter"


def test_a_company_that_wants_post_sends_none_to_mailboxes(
    client: FlaskClient, owner: Case
) -> None:
    with tenancy.service():
        db.session.get_one(Case, owner.id).creditor.by_mailbox = False
        db.session.commit()
    assert (channel_of_next(owner), "mailbox" in ways(client)) == ("letter", False)


@pytest.mark.parametrize(
    ("kind", "chosen", "goes_by"),
    [
        (states.MINOR, "mailbox", "letter"),
        (states.DECEASED, None, "letter"),
        (states.REPRESENTED, None, "letter"),
        (states.PROTECTED, None, "letter"),
        (states.PROTECTED, "mailbox", "mailbox"),
        (states.DISPUTE, None, "mailbox"),
    ],
)
def test_whose_letters_are_for_somebody_else_gets_none_there(
    client: FlaskClient, owner: Case, kind: str, chosen: str | None, goes_by: str
) -> None:
    if chosen:
        save(client, channel="letter")
        save(client, channel=chosen)
    with tenancy.service():
        stops.stop(cases.lock(owner.id), kind, "", actor=CLERK, now=NOW)
        db.session.commit()
    assert channel_of_next(owner) == goes_by


def test_thousands_at_once_go_by_the_same_way_as_one(owner: Case) -> None:
    told_by: list[dict[str, str]] = [
        {}, {"channel": "letter"}, {"channel": "mailbox"}, {"channel": "email"}, HOME,
        HOME | {"channel": "mailbox"},
    ]  # fmt: skip
    with tenancy.service():
        creditor, many = db.session.get_one(Case, owner.id).creditor, []
        for values in told_by:
            debtor = a_debtor_of(creditor, identity_number=AHMAD, email="a@example.com")
            own = OwnContact(
                debtor_id=debtor.id, creditor_id=creditor.id, changed_at=NOW, version=1, **values
            )
            db.session.add(own)
            many.append(a_case(creditor, debtor=debtor).id)
        one_by_one = [reaching.reader(db.session.get_one(Case, one)) for one in many]
        lifecycle.advance(TODAY, NOW)
        found = select(Message.channel, Message.mailbox).where(Message.case_id.in_(many))
        rows = db.session.execute(found.order_by(Message.case_id)).all()
    assert [row.channel for row in rows] == [
        "mailbox", "letter", "mailbox", "letter", "letter", "mailbox",
    ]  # fmt: skip
    assert [row.mailbox for row in rows] == [one.mailbox for one in one_by_one]


WHERE = ("contact", "data", "data.json", "data.zip", "letters/1.pdf", "invoice/file")


DOTS = "The dots stand for what you told us before."


def test_dots_say_why_they_are_there_and_how_to_see_behind_them(app: Flask, case: Case) -> None:
    first = app.test_client()
    Visitor(first).enter(case)
    save(first, phone="070 123 45 67")
    assert DOTS not in said(Visitor(first).get("/case/contact"))
    second = Visitor(app.test_client())
    second.enter(case)
    page = second.get("/case/contact")
    assert DOTS in said(page)
    contact = f"/case/{case.reference}/contact"
    assert page.select_one("main a[href^='/identify']")["href"].endswith(f"&back={contact}")


def test_who_has_told_no_place_is_told_of_no_dots(app: Flask, case: Case) -> None:
    first, second = app.test_client(), Visitor(app.test_client())
    Visitor(first).enter(case)
    save(first, language="en")
    second.enter(case)
    assert DOTS not in said(second.get("/case/contact"))


def protect(case: Case) -> None:
    with tenancy.service():
        stops.stop(cases.lock(case.id), states.PROTECTED, "", actor=CLERK, now=clock.now())
        db.session.commit()


@pytest.mark.parametrize("page", WHERE)
def test_an_old_letter_does_not_tell_where_somebody_protected_is(
    client: FlaskClient, case: Case, page: str
) -> None:
    protect(case)
    Visitor(client).enter(case)
    response = Visitor(client).raw(f"/case/{page}")
    back = f"&back=/case/{case.reference}/{page}" if page in ("contact", "data") else ""
    assert response.headers["Location"] == f"/identify?reference={case.reference}{back}"


def test_what_is_held_of_all_cases_does_not_either(client: FlaskClient, case: Case) -> None:
    protect(case)
    Visitor(client).enter(case)
    assert zipfile.ZipFile(io.BytesIO(Visitor(client).raw("/data.zip").data)).namelist() == []
