"""An invitation opens once, for fourteen days, to whom BankID tells who they are."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from portal.companies import invitations, members
from portal.companies.invitations import CannotAccept, Identified
from portal.companies.models import Invitation
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity import people
from portal.identity.models import Creditor, Membership, Person
from portal.messages import RedaError
from tests.companies.conftest import acting
from tests.factories import JOHAN, NOW, TODAY, a_person_at

INGRID = Identified("198508202382", "Ingrid", "Falk")


@pytest.fixture
def links() -> list[str]:
    """The tokens of the links that were mailed, oldest first."""
    return []


@pytest.fixture
def invite(company: Creditor, eva: Person, links: list[str]):
    def invited(email: str = "ingrid@norrsken.example", **values: object) -> Invitation:
        return invitations.invite(
            company.id,
            **{
                "email": email, "given_name": "Ingrid", "role": "collector", "ends_on": None,
                "language": "sv", "address": remembered(links), "actor": acting(eva),
                "today": TODAY, "now": NOW, **values,
            },
        )  # fmt: skip

    return invited


def remembered(links: list[str]):
    def address(token: str) -> str:
        links.append(token)
        return f"http://localhost/invitations/{token}"

    return address


def accept(token: str, who: Identified = INGRID, later: timedelta = timedelta()) -> Person:
    person_id = invitations.accept(token, who, today=TODAY, now=NOW + later)
    return db.session.get_one(Person, person_id)


def send_again(company: Creditor, eva: Person, key: str, links: list[str]) -> Invitation:
    return invitations.send_again(
        company.id, key, language="sv", address=remembered(links), actor=acting(eva),
        today=TODAY, now=NOW,
    )  # fmt: skip


def test_who_accepts_becomes_a_member(invite, company: Creditor, links: list[str]) -> None:
    invite(ends_on=TODAY + timedelta(days=90))
    person = accept(links[0])
    own = db.session.scalars(select(Membership).where(Membership.person_id == person.id)).one()
    assert (own.creditor_id, own.role, own.ends_on) == (
        company.id, "collector", TODAY + timedelta(days=90),
    )  # fmt: skip


def test_the_person_is_who_bankid_told(invite, links: list[str]) -> None:
    invite()
    accept(links[0])
    found = people.by_identity_number(INGRID.identity_number)
    assert found is not None
    assert (found.name, found.email) == ("Ingrid Falk", "ingrid@norrsken.example")


def test_the_link_is_mailed_and_kept_only_as_a_hash(invite, links: list[str]) -> None:
    invite()
    mail = db.session.scalars(select(Message).where(Message.kind == "invitation")).one()
    assert mail.address == "ingrid@norrsken.example"
    written = db.session.execute(text("select i::text from invitations i")).scalar_one()
    assert links[0] not in written
    assert links[0] not in str(mail.content)


def test_a_link_works_once(invite, links: list[str]) -> None:
    invite()
    accept(links[0])
    with pytest.raises(CannotAccept, match="has been used"):
        accept(links[0], Identified("196104032898", "Johan", "Ekdahl"))


def test_a_link_expires(invite, links: list[str]) -> None:
    invite()
    with pytest.raises(CannotAccept, match="expired"):
        accept(links[0], later=invitations.VALID)


def test_a_withdrawn_invitation_opens_nothing(
    invite, company: Creditor, eva: Person, links: list[str]
) -> None:
    one = invite()
    invitations.withdraw(company.id, one.key, actor=acting(eva), today=TODAY, now=NOW)
    with pytest.raises(CannotAccept, match="withdrawn"):
        accept(links[0])


def test_sent_again_only_the_new_link_opens(
    invite, company: Creditor, eva: Person, links: list[str]
) -> None:
    one = invite()
    send_again(company, eva, one.key, links)
    with pytest.raises(CannotAccept, match="newer"):
        accept(links[0])
    assert accept(links[1]).name == "Ingrid Falk"


def test_it_is_not_sent_for_ever(invite, company: Creditor, eva: Person, links: list[str]) -> None:
    one = invite()
    for _ in range(invitations.MOST_SENT - 1):
        send_again(company, eva, one.key, links)
    with pytest.raises(RedaError, match="5 times"):
        send_again(company, eva, one.key, links)


def test_a_link_that_we_did_not_sign_opens_nothing(invite, links: list[str]) -> None:
    invite()
    assert invitations.open_link(links[0][:-1] + "x", now=NOW) is None


def test_only_an_administrator_invites(invite, sofia: Person) -> None:
    with pytest.raises(members.NotAllowed):
        invite(actor=acting(sofia))


def test_nobody_is_invited_twice_at_once(invite) -> None:
    invite()
    with pytest.raises(RedaError, match="waits already"):
        invite("INGRID@norrsken.example")


def test_an_address_that_is_none_is_told_at_its_field(invite) -> None:
    with pytest.raises(RedaError) as refused:
        invite("ingrid")
    assert refused.value.problem.field == "email"


def test_who_acts_for_the_company_already_keeps_the_role(
    invite, sofia: Person, links: list[str]
) -> None:
    invite(role="administrator")
    with pytest.raises(RedaError, match="already"):
        accept(links[0], Identified(sofia.identity_number, "Sofia", "Nyström"))


def test_whose_role_was_over_comes_back(
    invite, company: Creditor, sofia: Person, links: list[str]
) -> None:
    own = db.session.scalars(select(Membership).where(Membership.person_id == sofia.id)).one()
    own.ends_on = TODAY - timedelta(days=1)
    invite(role="viewer")
    accept(links[0], Identified(sofia.identity_number, "Sofia", "Nyström"))
    assert (own.role, own.ends_on) == ("viewer", None)


def test_who_bankid_told_is_forgotten_after_a_while(app) -> None:
    sealed = invitations.remember(
        {"user": {"personalNumber": "198508202382", "givenName": "Ingrid", "surname": "Falk"}},
        now=NOW,
    )
    assert invitations.identified(sealed, now=NOW + timedelta(minutes=14)) == INGRID
    assert invitations.identified(sealed, now=NOW + timedelta(minutes=15)) is None


def test_whose_inviter_is_an_administrator_no_more_is_let_in_by_a_colleague_alone(
    invite, company: Creditor, eva: Person, links: list[str]
) -> None:
    sent = invite()
    own = db.session.scalars(select(Membership).where(Membership.person_id == eva.id)).one()
    own.ends_on = TODAY - timedelta(days=1)
    colleague = a_person_at(company, "administrator", JOHAN)
    with pytest.raises(CannotAccept):
        accept(links[0])
    send_again(company, colleague, sent.key, links)
    assert accept(links[1]).name == "Ingrid Falk"
