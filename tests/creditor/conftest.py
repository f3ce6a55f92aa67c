"""A creditor's administrator at a browser without JavaScript."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.identity import people
from portal.identity.models import Creditor
from tests.factories import EVA, a_creditor_that_signed, rules_of, sign_in


@dataclass
class Desk:
    """Somebody signed in at a company's pages; addresses are below the company's own."""

    client: FlaskClient
    creditor: Creditor

    def _address(self, path: str) -> str:
        return f"/creditor/{self.creditor.key}/{path}"

    def get(self, path: str, *, status: int = 200) -> BeautifulSoup:
        """A page in English, parsed."""
        response = self.client.get(self._address(path), headers={"Accept-Language": "en"})
        assert response.status_code == status
        return BeautifulSoup(response.text, "html.parser")

    def raw(self, path: str) -> TestResponse:
        """An answer as it comes."""
        return self.client.get(self._address(path), headers={"Accept-Language": "en"})

    def get_on(self, path: str) -> BeautifulSoup:
        """The page that an address leads on to."""
        response = self.client.get(
            self._address(path), headers={"Accept-Language": "en"}, follow_redirects=True
        )
        return BeautifulSoup(response.text, "html.parser")

    def post(self, path: str, *, status: int = 200, **values: object) -> BeautifulSoup:
        """What comes of sending a form, at the end of the way that it leads."""
        response = self.try_post(path, **values)
        assert response.status_code == status, response.text
        return BeautifulSoup(response.text, "html.parser")

    def try_post(self, path: str, **values: object) -> TestResponse:
        """The same, whatever comes of it."""
        token = self.get("rules").select_one("input[name=csrf_token]")["value"]
        return self.client.post(
            self._address(path),
            data={"csrf_token": token, **values},
            headers={"Accept-Language": "en"},
            follow_redirects=True,
        )


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    """A company that has signed, with its rules switched on."""
    creditor = a_creditor_that_signed()
    rules_of(creditor)
    return creditor


@pytest.fixture
def desk(app: Flask, creditor: Creditor) -> Desk:
    """Eva, its administrator."""
    return _desk(app, creditor, EVA)


@pytest.fixture
def desk_of(app: Flask, creditor: Creditor) -> Callable[[str], Desk]:
    """Somebody else of the company."""
    return lambda number: _desk(app, creditor, number)


def _desk(app: Flask, creditor: Creditor, number: str) -> Desk:
    client, person = app.test_client(), people.by_identity_number(number)
    assert person is not None
    sign_in(app, client, person)
    return Desk(client, creditor)
