"""A company's people: nobody changes their own role, and an administrator is always left."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.collection import history
from portal.companies import members
from portal.extensions import db
from portal.identity.models import Creditor, Membership, Person
from portal.messages import RedaError
from tests.companies.conftest import acting
from tests.factories import NOW, TODAY, a_creditor, a_person_at


def at(company: Creditor, person: Person) -> Membership:
    return db.session.scalars(
        select(Membership).where(
            Membership.creditor_id == company.id, Membership.person_id == person.id
        )
    ).one()


def change(company: Creditor, by: Person, of: Membership, role: str, ends_on=None) -> bool:
    return members.change(
        company.id, of.id, role=role, ends_on=ends_on, actor=acting(by), today=TODAY, now=NOW
    )


def remove(company: Creditor, by: Person, of: Membership) -> str:
    return members.remove(company.id, of.id, actor=acting(by), today=TODAY, now=NOW)


def test_an_administrator_gives_a_colleague_another_role(
    company: Creditor, eva: Person, sofia: Person
) -> None:
    one = at(company, sofia)
    assert change(company, eva, one, "viewer", TODAY + timedelta(days=30))
    assert (one.role, one.ends_on) == ("viewer", TODAY + timedelta(days=30))


def test_the_change_is_in_the_history(company: Creditor, eva: Person, sofia: Person) -> None:
    change(company, eva, at(company, sofia), "viewer")
    told = history.of_creditor(company.id, about=["member"])[0]
    assert (told.name, told.data["who"]) == ("member.role_changed", sofia.name)


def test_the_same_role_again_changes_nothing(company: Creditor, eva: Person, sofia: Person) -> None:
    assert not change(company, eva, at(company, sofia), "collector")
    assert history.of_creditor(company.id, about=["member"]) == []


def test_nobody_changes_their_own_role(company: Creditor, eva: Person, johan: Person) -> None:
    with pytest.raises(RedaError, match="own role"):
        change(company, eva, at(company, eva), "viewer")


def test_nobody_removes_themselves(company: Creditor, eva: Person, johan: Person) -> None:
    with pytest.raises(RedaError, match="own role"):
        remove(company, eva, at(company, eva))


@pytest.mark.parametrize("role", ["collector", "viewer"])
def test_only_an_administrator_changes_roles(
    company: Creditor, eva: Person, sofia: Person, role: str
) -> None:
    at(company, sofia).role = role
    with pytest.raises(members.NotAllowed):
        change(company, sofia, at(company, eva), "viewer")


def test_an_administrator_whose_role_is_over_changes_nothing(
    company: Creditor, johan: Person, sofia: Person
) -> None:
    at(company, johan).ends_on = TODAY - timedelta(days=1)
    with pytest.raises(members.NotAllowed):
        change(company, johan, at(company, sofia), "viewer")


class TestTheLastAdministrator:
    """Johan is an administrator until a day; Eva is the one who stays."""

    @pytest.fixture(autouse=True)
    def _johan_leaves(self, company: Creditor, johan: Person) -> None:
        at(company, johan).ends_on = TODAY + timedelta(days=5)
        db.session.commit()

    def test_is_not_removed(self, company: Creditor, eva: Person, johan: Person) -> None:
        with pytest.raises(RedaError, match="needs an administrator"):
            remove(company, johan, at(company, eva))

    def test_is_not_given_another_role(self, company: Creditor, eva: Person, johan: Person) -> None:
        with pytest.raises(RedaError, match="needs an administrator"):
            change(company, johan, at(company, eva), "viewer")

    def test_is_not_given_a_last_day(self, company: Creditor, eva: Person, johan: Person) -> None:
        with pytest.raises(RedaError, match="needs an administrator"):
            change(company, johan, at(company, eva), "administrator", TODAY + timedelta(days=9))


def test_who_is_removed_acts_for_the_company_no_more(
    company: Creditor, eva: Person, sofia: Person
) -> None:
    remove(company, eva, at(company, sofia))
    assert [one.person_id for one in members.of_company(company.id, TODAY)] == [eva.id]


def test_who_was_removed_meanwhile_is_told(company: Creditor, eva: Person, sofia: Person) -> None:
    one = at(company, sofia)
    remove(company, eva, one)
    with pytest.raises(RedaError, match="any more"):
        members.remove(company.id, one.id, actor=acting(eva), today=TODAY, now=NOW)


def test_another_companys_people_cannot_be_changed(company: Creditor, eva: Person) -> None:
    other = a_creditor("Fjällbäcks Tandvård AB")
    stranger = at(other, a_person_at(other, "viewer"))
    with pytest.raises(RedaError):
        remove(company, eva, stranger)


def test_a_last_day_that_has_been_is_refused(company: Creditor, eva: Person, sofia: Person) -> None:
    with pytest.raises(RedaError) as refused:
        change(company, eva, at(company, sofia), "viewer", TODAY - timedelta(days=1))
    assert refused.value.problem.field == "ends_on"
