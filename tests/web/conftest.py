"""A page parsed, and a piece of template shown."""

from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from flask import Flask, render_template_string
from flask.testing import FlaskClient


@pytest.fixture
def page(client: FlaskClient) -> Callable[..., BeautifulSoup]:
    """Fetch an address and parse what comes; the status must be the one expected."""

    def fetch(address: str, *, status: int = 200, **headers: str) -> BeautifulSoup:
        response = client.get(address, headers={k.replace("_", "-"): headers[k] for k in headers})
        assert response.status_code == status
        return BeautifulSoup(response.text, "html.parser")

    return fetch


@pytest.fixture
def shown(app: Flask) -> Callable[..., BeautifulSoup]:
    """What a piece of template says, in a language."""

    def render(source: str, *, lang: str = "en", **values: object) -> BeautifulSoup:
        with app.test_request_context(f"/?lang={lang}"):
            return BeautifulSoup(render_template_string(source, **values), "html.parser")

    return render
