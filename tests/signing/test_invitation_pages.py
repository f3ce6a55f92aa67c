"""The invited person opens the link, lets BankID tell who they are, and accepts."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal import clock
from portal.companies import invitations
from portal.companies.models import Invitation
from portal.extensions import db
from portal.identity import people
from portal.identity.actor import Actor
from portal.identity.models import Creditor, Membership, Person
from tests.bankid_fixtures import Phone
from tests.factories import EVA, SOFIA
from tests.signing.pages import Browser, later, order_ref, words


@pytest.fixture
def link(app: Flask, creditor: Creditor, eva: Person) -> str:
    """The way in that the e-mail has."""
    links: list[str] = []

    def address(token: str) -> str:
        links.append(f"/invitations/{token}")
        return links[-1]

    invitations.invite(
        creditor.id, email="sofia@norrsken.example", given_name="Sofia", role="collector",
        ends_on=None, language="sv", address=address, actor=Actor("person", eva.name, eva.id),
        today=clock.today(), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    return links[0]


def identify(browser: Browser, phone: Phone, link: str, number: str = SOFIA) -> None:
    page = browser.page(f"{link}?lang=en")
    order = browser.press(page, "Identify with BankID").headers["Location"]
    phone.approve(order_ref(phone), number)
    later()
    browser.page(order)


def test_who_is_not_identified_is_told_who_invites(browser: Browser, link: str) -> None:
    page = browser.page(f"{link}?lang=en")
    assert "invites you to act for Norrsken Energi AB" in words(page)
    assert "Case handler" not in words(page)


def test_identified_one_sees_what_one_accepts(browser: Browser, phone: Phone, link: str) -> None:
    identify(browser, phone, link)
    told = words(browser.page(link))
    assert "Sofia Nyström" in told
    assert "Case handler" in told


def test_identified_nobody_is_signed_in_or_kept(browser: Browser, phone: Phone, link: str) -> None:
    identify(browser, phone, link)
    assert browser.get("/agreements").status_code == 303
    assert people.by_identity_number(SOFIA) is None


def test_who_accepts_is_a_member_and_signed_in(
    browser: Browser, phone: Phone, link: str, creditor: Creditor
) -> None:
    identify(browser, phone, link)
    answer = browser.press(browser.page(link), "Accept")
    assert answer.location == f"/creditor/{creditor.key}/"
    person = people.by_identity_number(SOFIA)
    assert person is not None
    own = db.session.scalars(select(Membership).where(Membership.person_id == person.id)).one()
    assert (own.creditor_id, own.role) == (creditor.id, "collector")
    assert browser.get("/agreements").status_code == 200


def test_pressing_twice_is_told(browser: Browser, phone: Phone, link: str, app: Flask) -> None:
    identify(browser, phone, link)
    page = browser.page(link)
    browser.press(page, "Accept")
    other = Browser(app.test_client())
    assert "has been used" in words(other.page(f"{link}?lang=en", 410))


def test_who_accepted_comes_in_by_the_same_link_while_signed_in(
    browser: Browser, phone: Phone, link: str, creditor: Creditor
) -> None:
    identify(browser, phone, link)
    browser.press(browser.page(link), "Accept")
    assert browser.get(link).location == f"/creditor/{creditor.key}/"


def test_without_identification_nothing_is_accepted(
    browser: Browser, link: str, app: Flask
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    assert browser.client.post(f"{link}/accept").location == link
    assert db.session.scalars(select(Invitation.accepted_at)).one() is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"withdrawn_at": True}, "was withdrawn"),
        ({"expires_at": True}, "has expired"),
    ],
)
def test_a_link_that_opens_nothing_says_why(
    browser: Browser, link: str, change: dict[str, bool], told: str
) -> None:
    invitation = db.session.scalars(select(Invitation)).one()
    for name in change:
        setattr(invitation, name, clock.now() - timedelta(seconds=1))
    db.session.commit()
    assert told in words(browser.page(f"{link}?lang=en", 410))


def test_a_link_of_nobodys_is_told(browser: Browser) -> None:
    assert "opens nothing" in words(browser.page("/invitations/none?lang=en", 404))


def test_who_is_a_member_already_is_told(
    browser: Browser, phone: Phone, link: str, eva: Person
) -> None:
    identify(browser, phone, link, EVA)
    page = browser.press(browser.page(link), "Accept")
    assert "You act for this company already" in page.text
