"""One template answers a browser with its page and htmx with the block that it swaps."""

import re

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from jinja2 import meta
from werkzeug.test import TestResponse

from portal.config import ROOT
from portal.debtor.forms import EnterForm
from portal.web.rendering import go, render

pytestmark = pytest.mark.own_application
HTMX = {"HX-Request": "true"}
BOOSTED = {**HTMX, "HX-Boosted": "true"}


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    @app.get("/dev/page")
    def page() -> TestResponse:
        return render("debtor/start.html", block="title", form=EnterForm())

    @app.get("/dev/whole")
    def whole() -> TestResponse:
        return render("errors/404.html", status=404, reference="1", layout="layouts/quiet.html")

    @app.route("/dev/go", methods=["GET", "POST"])
    def going() -> TestResponse:
        return go("/case")

    @app.get("/dev/foot")
    def foot() -> str:
        return render_template_string("{{ kept_piece('layouts/_foot.html') }}")

    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


@pytest.mark.parametrize("headers", [{}, BOOSTED], ids=["browser", "boosted"])
def test_a_browser_gets_the_whole_page(client: FlaskClient, headers: dict[str, str]) -> None:
    assert "<html" in client.get("/dev/page", headers=headers).text


def test_htmx_gets_the_block_alone(client: FlaskClient) -> None:
    assert client.get("/dev/page?lang=en", headers=HTMX).text == "See and pay your case"


def test_htmx_gets_the_page_where_it_has_no_block(client: FlaskClient) -> None:
    assert "<html" in client.get("/dev/whole", headers=HTMX).text


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["browser", "htmx"])
def test_a_cache_is_told_that_the_two_differ(client: FlaskClient, headers: dict[str, str]) -> None:
    assert "HX-Request" in client.get("/dev/whole", headers=headers).vary


def test_the_status_is_the_one_given(client: FlaskClient) -> None:
    assert client.get("/dev/whole").status_code == 404


@pytest.mark.parametrize("headers", [{}, BOOSTED], ids=["browser", "boosted"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_browser_is_sent_on_with_a_redirect_that_it_gets(
    client: FlaskClient, headers: dict[str, str], method: str
) -> None:
    response = client.open("/dev/go", method=method, headers=headers)
    assert (response.status_code, response.headers["Location"]) == (303, "/case")


def test_htmx_is_sent_on_by_a_header_since_it_follows_redirects_itself(
    client: FlaskClient,
) -> None:
    response = client.post("/dev/go", headers=HTMX)
    assert (response.status_code, response.headers["HX-Redirect"]) == (204, "/case")
    assert "Location" not in response.headers


def test_a_piece_that_is_kept_for_a_language_knows_nobody(app: Flask) -> None:
    environment = app.jinja_env
    sources = [path.read_text() for path in (ROOT / "templates").rglob("*.html")]
    names = {name for one in sources for name in re.findall(r'kept_piece\("([^"]+)"\)', one)}
    assert names
    for name in names:
        source = (ROOT / "templates" / name).read_text()
        named = meta.find_undeclared_variables(environment.parse(source))
        assert named <= {"_", "url_for", "service"}, name
        assert not list(meta.find_referenced_templates(environment.parse(source)))


def test_each_language_has_a_piece_of_its_own(client: FlaskClient) -> None:
    for language, text in (("sv", "Prata med oss"), ("en", "Talk to us"), ("sv", "Prata med oss")):
        assert text in client.get(f"/dev/foot?lang={language}").text
