"""Who somebody is, what they may do where, and how their identity number is kept."""

import hashlib
from datetime import timedelta

import pytest
from cryptography.fernet import InvalidToken
from flask import Flask
from sqlalchemy.exc import IntegrityError

from portal.database import tenancy
from portal.database.encryption import decrypt, encrypt, lookup_hash
from portal.extensions import db
from portal.identity import people
from portal.identity.models import Creditor, Membership, Person
from tests.factories import EVA, JOHAN, TODAY, a_creditor, a_person, a_person_at


def ends(person: Person, days: int) -> None:
    membership = db.session.query(Membership).filter_by(person_id=person.id).one()
    membership.ends_on = TODAY + timedelta(days=days)
    db.session.commit()


def test_a_person_is_found_by_identity_number(app: Flask) -> None:
    johan = a_person(JOHAN)
    assert people.by_identity_number(JOHAN) is johan


def test_an_unknown_identity_number_is_nobody(app: Flask) -> None:
    a_person(JOHAN)
    assert people.by_identity_number(EVA) is None


def test_a_person_cannot_be_added_twice(app: Flask) -> None:
    a_person(JOHAN)
    with pytest.raises(IntegrityError):
        a_person(JOHAN)


def test_the_identity_number_lies_encrypted_in_the_database(app: Flask) -> None:
    a_person(JOHAN)
    stored = bytes(db.session.scalar(db.text("select identity_number from people")))
    assert JOHAN.encode() not in stored
    assert decrypt(stored) == JOHAN.encode()


def test_the_same_number_is_never_encrypted_alike(app: Flask) -> None:
    assert encrypt(JOHAN.encode()) != encrypt(JOHAN.encode())


def test_a_changed_ciphertext_is_not_read(app: Flask) -> None:
    stored = bytearray(encrypt(JOHAN.encode()))
    stored[20] ^= 1
    with pytest.raises(InvalidToken):
        decrypt(bytes(stored))


def test_the_lookup_hash_tells_nothing_without_its_key(app: Flask) -> None:
    a_person(JOHAN)
    stored = bytes(db.session.scalar(db.text("select identity_number_hash from people")))
    assert stored == lookup_hash(JOHAN)
    assert stored != hashlib.sha256(JOHAN.encode()).digest()


@pytest.mark.parametrize(
    ("role", "may_change", "is_administrator"),
    [("administrator", True, True), ("collector", True, False), ("viewer", False, False)],
)
def test_a_role_tells_what_its_holder_may_do(
    app: Flask, role: str, may_change: bool, is_administrator: bool
) -> None:
    person = a_person_at(a_creditor(), role)
    (found,) = people.roles_of(person.id, TODAY)
    assert (found.may_change, found.is_administrator) == (may_change, is_administrator)


def test_an_invented_role_is_refused_by_the_database(app: Flask) -> None:
    with pytest.raises(IntegrityError):
        a_person_at(a_creditor(), "owner")


def test_companies_come_by_name(app: Flask) -> None:
    for name in ("Östersunds El AB", "Alfta Bredband AB"):
        person = a_person_at(a_creditor(name), "viewer")
    names = [one.creditor_name for one in people.roles_of(person.id, TODAY)]
    assert names == ["Alfta Bredband AB", "Östersunds El AB"]


def test_another_persons_role_is_not_ones_own(app: Flask) -> None:
    a_person_at(a_creditor(), "administrator", JOHAN)
    assert people.roles_of(a_person(EVA).id, TODAY) == []


def test_a_membership_holds_through_its_last_day(app: Flask) -> None:
    person = a_person_at(a_creditor(), "viewer")
    ends(person, 0)
    assert len(people.roles_of(person.id, TODAY)) == 1


def test_a_membership_is_over_on_the_day_after(app: Flask) -> None:
    person = a_person_at(a_creditor(), "viewer")
    ends(person, -1)
    assert people.roles_of(person.id, TODAY) == []


def test_a_person_sees_no_other_person(app: Flask) -> None:
    creditor = a_creditor()
    johan, _ = a_person_at(creditor, "viewer", JOHAN), a_person_at(creditor, "viewer", EVA)
    with tenancy.creditors([creditor.id], johan.id):
        assert db.session.query(Person.id).all() == [(johan.id,)]


def test_ones_own_companies_alone_are_listed(app: Flask) -> None:
    mine = a_creditor("Mitt AB")
    a_creditor("Annat AB")
    with tenancy.creditors([mine.id]):
        assert [one.name for one in people.creditors()] == ["Mitt AB"]


def test_a_persons_companies_are_read_for_the_caller_behind_every_wall(app: Flask) -> None:
    person = a_person_at(a_creditor(), "viewer")
    person_id = person.id
    with tenancy.creditors([]):
        assert len(people.roles_of(person_id, TODAY)) == 1
        assert db.session.query(Creditor.id).all() == []


def test_keys_have_no_letters_that_are_mistaken_for_others() -> None:
    assert not set(people.new_key(2000)) & set("01ilo")
