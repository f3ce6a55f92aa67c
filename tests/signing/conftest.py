"""An application whose BankID is the simulator, and a company with an agreement to sign."""

import pytest
from flask import Flask

from portal.config import Settings
from portal.identity.models import Creditor, Person
from portal.signing.models import Document
from simulators.bankid.running import Simulator
from tests.bankid_fixtures import Phone, pointed_at
from tests.factories import EVA, a_creditor, a_person, a_person_at
from tests.signing.documents import a_document_of, a_version
from tests.signing.pages import PHONE, Browser


@pytest.fixture
def settings(settings: Settings, bankid_simulator: Simulator) -> Settings:
    return pointed_at(settings, bankid_simulator)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    a_version()
    return a_creditor("Norrsken Energi AB")


@pytest.fixture
def eva(creditor: Creditor) -> Person:
    return a_person_at(creditor, "administrator", EVA)


@pytest.fixture
def document(creditor: Creditor) -> Document:
    return a_document_of(creditor)


@pytest.fixture
def operator(app: Flask) -> Person:
    """Eva as one of our own staff, who has a front page of their own."""
    return a_person(EVA, is_operator=True)


@pytest.fixture
def browser(app: Flask, phone: Phone) -> Browser:
    return Browser(app.test_client())


@pytest.fixture
def handset(app: Flask, phone: Phone) -> Browser:
    """A browser on the phone that BankID is on."""
    return Browser(app.test_client(), PHONE)
