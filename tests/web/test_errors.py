from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal.messages import RedaError


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 422, 429, 500])
def test_an_error_says_what_to_do_and_gives_a_number(
    page: Callable[..., BeautifulSoup], status: int
) -> None:
    soup = page(f"/dev/errors/{status}?lang=en", status=status)
    assert soup.h1.get_text() in soup.title.get_text()
    assert len(soup.select("main > p")) == 4
    assert len(soup.main.strong.get_text()) >= 6
    assert "Traceback" not in soup.get_text()


@pytest.mark.parametrize("status", [400, 413, 429])
def test_an_error_leads_back_to_the_page_that_was_come_from(
    page: Callable[..., BeautifulSoup], status: int
) -> None:
    before = "http://localhost/case?lang=en"
    soup = page(f"/dev/errors/{status}?lang=en", status=status, Referer=before)
    assert soup.main.find("a", string="Back to the page you came from")["href"] == before


@pytest.mark.parametrize(
    "before", ["", "https://evil.example/", "http://localhost/dev/errors/429?lang=en"]
)
def test_an_error_leads_to_the_first_page_where_no_page_of_ours_was_come_from(
    page: Callable[..., BeautifulSoup], before: str
) -> None:
    soup = page("/dev/errors/429?lang=en", status=429, **({"Referer": before} if before else {}))
    assert soup.main.find("a", string="To the first page")["href"] == "/"


def test_an_error_without_a_page_of_its_own_gets_the_nearest(
    page: Callable[..., BeautifulSoup],
) -> None:
    assert "could not read" in page("/dev/errors/415?lang=en", status=415).h1.get_text()
    assert "our side" in page("/dev/errors/503?lang=en", status=503).h1.get_text()


def test_htmx_gets_the_message_alone(client: FlaskClient) -> None:
    response = client.get("/dev/errors/404?lang=en", headers={"HX-Request": "true"})
    soup = BeautifulSoup(response.text, "html.parser")
    assert not soup.find("html")
    assert "cannot find" in soup.select_one(".notice-title").get_text()
    assert response.headers["HX-Retarget"] == "#problem"


@pytest.fixture
def failing(app: Flask) -> FlaskClient:
    def fail(kind: str) -> str:
        if kind == "refused":
            raise RedaError("At most %(days)s days.", days=30)
        raise ZeroDivisionError("secret detail")

    app.add_url_rule("/dev/fail/<kind>", "fail", fail)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client()


@pytest.mark.own_application
def test_what_a_room_refuses_is_told_in_its_words(failing: FlaskClient) -> None:
    response = failing.get("/dev/fail/refused?lang=en")
    assert response.status_code == 422
    assert "At most 30 days." in response.text


@pytest.mark.own_application
def test_a_fault_of_ours_shows_nothing_of_the_inside(failing: FlaskClient) -> None:
    response = failing.get("/dev/fail/crash?lang=en")
    assert response.status_code == 500
    assert "secret detail" not in response.text
    assert "ZeroDivisionError" not in response.text


@pytest.mark.parametrize("address", ["/l/a%00b", "/sign/%00", "/?reference=1%002"])
def test_nothing_is_at_an_address_that_no_text_can_hold(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("/operations/payments/7/split?q=Anna&lang=en", "/operations/payments/7?q=Anna&lang=en"),
        ("/operations/payments/7/give/123456789", "/operations/payments/7"),
        ("/operations/refunds/8/account", "/operations/refunds/8"),
    ],
)
def test_where_a_form_alone_leads_to_the_page_above_is_shown(
    client: FlaskClient, asked: str, shown: str
) -> None:
    response = client.get(asked)
    assert (response.status_code, response.location) == (303, shown)


def test_without_a_page_above_it_is_told_that_it_cannot_be_used_so(client: FlaskClient) -> None:
    assert client.get("/sign-out").status_code == 405
