"""A page parsed, and a browser before a real server."""

import threading
from collections.abc import Callable, Iterator

import pytest
from bs4 import BeautifulSoup
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import make_server

_FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
    " --disable-sync --no-first-run"
)


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


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the application answers over real HTTP."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=_FLAGS.split()
        )
        yield chromium
        chromium.close()
