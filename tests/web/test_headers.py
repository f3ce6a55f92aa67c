"""What each answer allows a browser to do with it."""

import dataclasses

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.web.pages import asset

PAGE, STATIC = "/", "/static/css/reda.css"
# One of each kind of answer: a page, a file, an error, a machine's, a redirect.
ANSWERS = [PAGE, STATIC, "/nowhere", "/health", "/overview"]
HOST_COOKIE = "__Host-reda_session"


@pytest.fixture(params=[False, True], ids=["http", "https"])
def is_secure(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def settings(settings: Settings, is_secure: bool) -> Settings:
    base_url = "https://reda.example" if is_secure else "http://reda.example"
    return dataclasses.replace(settings, base_url=base_url)


@pytest.fixture
def client(app: Flask, settings: Settings) -> FlaskClient:
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = settings.base_url.partition(":")[0]
    return client


def policy(response: TestResponse) -> dict[str, str]:
    """The content security policy, by directive."""
    parts = response.headers["Content-Security-Policy"].split("; ")
    return {name: value for name, _, value in (part.partition(" ") for part in parts)}


def cookie(response: TestResponse, name: str) -> set[str]:
    """The flags of a cookie that is set."""
    (line,) = [one for one in response.headers.getlist("Set-Cookie") if one.startswith(f"{name}=")]
    return {part.strip() for part in line.split(";")[1:]}


@pytest.mark.parametrize("address", ANSWERS)
def test_nothing_unsafe_is_allowed_in_a_page(client: FlaskClient, address: str) -> None:
    assert "unsafe-" not in client.get(address).headers["Content-Security-Policy"]


@pytest.mark.parametrize("address", ANSWERS)
def test_everything_in_a_page_is_ours(client: FlaskClient, address: str) -> None:
    assert set(policy(client.get(address)).values()) == {"'self'", "'none'"}


@pytest.mark.parametrize("directive", ["default-src", "base-uri", "frame-ancestors"])
def test_what_a_page_does_not_need_is_forbidden(client: FlaskClient, directive: str) -> None:
    assert policy(client.get(PAGE))[directive] == "'none'"


def test_a_form_is_sent_to_us_alone(client: FlaskClient) -> None:
    assert policy(client.get(PAGE))["form-action"] == "'self'"


@pytest.mark.parametrize("address", ANSWERS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ],
)
def test_every_answer_has_the_header(
    client: FlaskClient, address: str, name: str, value: str
) -> None:
    assert client.get(address).headers[name] == value


@pytest.mark.parametrize("address", ANSWERS)
def test_only_a_site_over_tls_promises_to_stay_there(
    client: FlaskClient, address: str, is_secure: bool
) -> None:
    assert ("Strict-Transport-Security" in client.get(address).headers) is is_secure


def test_the_promise_of_tls_lasts_a_year_at_least(client: FlaskClient, is_secure: bool) -> None:
    promise = client.get(PAGE).headers.get("Strict-Transport-Security", "max-age=31536000")
    _, options = parse_options_header(f"promise; {promise}")
    assert int(options["max-age"]) >= 31_536_000


@pytest.mark.parametrize("address", [one for one in ANSWERS if one != STATIC])
def test_no_cache_keeps_a_page(client: FlaskClient, address: str) -> None:
    assert client.get(address).headers["Cache-Control"] == "no-store"


@pytest.mark.own_application
def test_a_fault_of_ours_is_kept_by_no_cache_either(app: Flask, client: FlaskClient) -> None:
    app.add_url_rule("/dev/breaks", "breaks", lambda: 1 / 0)
    response = client.get("/dev/breaks")
    assert (response.status_code, response.headers["Cache-Control"]) == (500, "no-store")


def test_a_file_with_its_version_is_kept_for_good(app: Flask, client: FlaskClient) -> None:
    with app.test_request_context():
        address = asset("css/reda.css")
    kept = client.get(address).cache_control
    assert (kept.public, kept.immutable, kept.max_age) == (True, True, 31_536_000)


def test_a_file_without_a_version_is_asked_for_again(client: FlaskClient) -> None:
    response = client.get(STATIC)
    assert "immutable" not in response.headers["Cache-Control"]
    again = client.get(STATIC, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_a_file_that_is_missing_is_not_missing_for_good(client: FlaskClient) -> None:
    response = client.get("/static/css/new.css?v=1")
    assert response.status_code == 404
    assert "immutable" not in response.headers.get("Cache-Control", "")


def test_the_session_is_out_of_reach_of_scripts_and_of_other_sites(
    app: Flask, client: FlaskClient, is_secure: bool
) -> None:
    name = HOST_COOKIE if is_secure else "reda_session"
    flags = cookie(client.get(PAGE), name)
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= flags
    assert ("Secure" in flags) is is_secure


def test_the_session_belongs_to_one_host(client: FlaskClient, is_secure: bool) -> None:
    name = HOST_COOKIE if is_secure else "reda_session"
    assert not any(flag.startswith("Domain") for flag in cookie(client.get(PAGE), name))


def test_the_session_ends_with_the_browser(client: FlaskClient, is_secure: bool) -> None:
    name = HOST_COOKIE if is_secure else "reda_session"
    flags = cookie(client.get(PAGE), name)
    assert not any(flag.startswith(("Expires", "Max-Age")) for flag in flags)


def test_the_cookie_of_the_language_is_guarded_like_the_session(
    client: FlaskClient, is_secure: bool
) -> None:
    flags = cookie(client.get("/?lang=en"), "reda_language")
    assert {"HttpOnly", "SameSite=Lax"} <= flags
    assert ("Secure" in flags) is is_secure
