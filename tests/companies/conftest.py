"""A company with two administrators, a collector and a viewer."""

import pytest
from flask import Flask

from portal.identity import people
from portal.identity.actor import Actor
from portal.identity.models import Creditor, Person
from tests.factories import EVA, JOHAN, SOFIA, a_creditor_that_signed, a_person_at


def acting(person: Person) -> Actor:
    """A person, as the doors name them."""
    return Actor("person", person.name, person.id, "creditor")


@pytest.fixture
def company(app: Flask) -> Creditor:
    """Norrsken, whose agreement Eva has signed."""
    return a_creditor_that_signed()


@pytest.fixture
def eva(company: Creditor) -> Person:
    found = people.by_identity_number(EVA)
    assert found is not None
    return found


@pytest.fixture
def johan(company: Creditor) -> Person:
    """Another administrator."""
    return a_person_at(company, "administrator", JOHAN)


@pytest.fixture
def sofia(company: Creditor) -> Person:
    """A collector."""
    return a_person_at(company, "collector", SOFIA)
