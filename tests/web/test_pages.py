from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import Markup

from portal.web import pages


def test_a_changed_query_keeps_the_rest_of_the_address(app: Flask) -> None:
    with app.test_request_context("/dev/components?q=a+b&sort=due&after=9"):
        assert pages.here(sort="-due", after=None) == "/dev/components?q=a+b&sort=-due"
        assert pages.here(q=None, sort=None, after=None) == "/dev/components"


def test_an_address_never_leads_to_another_host(app: Flask) -> None:
    with app.test_request_context("/", environ_overrides={"PATH_INFO": "//evil.example/path"}):
        assert pages.here(lang="sv") == "/evil.example/path?lang=sv"


def test_an_asset_is_kept_for_a_year_and_changes_its_address(client: FlaskClient) -> None:
    with client.application.test_request_context():
        address = pages.asset("css/reda.css")
        assert address == pages.asset("css/reda.css")
        assert address.partition("?v=")[2] != pages.asset("js/reda.js").partition("?v=")[2]
        with pytest.raises(FileNotFoundError):
            pages.asset("css/none.css")
    response = client.get(address)
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_cells_are_labelled_by_their_columns(app: Flask) -> None:
    columns = ["Name", pages.heading("Sum", numeric=True), pages.heading("Act", hidden=True)]
    row = pages.cells('<th scope="row">A</th><td class="x">1</td><td>Open</td>', columns)
    soup = BeautifulSoup(row, "html.parser")
    name, amount, act = soup.tr.find_all(["th", "td"])
    assert (name["data-label"], name["role"]) == ("Name", "rowheader")
    assert (amount["data-label"], amount["class"]) == ("Sum", ["number", "x"])
    assert "data-label" not in act.attrs


def test_a_heading_cannot_break_out_of_its_attribute() -> None:
    row = pages.cells("<td>1</td>", ['"><script>'])
    assert isinstance(row, Markup)
    assert BeautifulSoup(row, "html.parser").td["data-label"] == '"><script>'


def test_a_row_of_its_own_keeps_its_attributes() -> None:
    row = pages.cells('<tr id="case-1"><td>1</td></tr>', ["Case"])
    soup = BeautifulSoup(row, "html.parser")
    assert len(soup.find_all("tr")) == 1
    assert (soup.tr["id"], soup.tr["role"]) == ("case-1", "row")


def test_sorting_once_more_turns_the_list_round(app: Flask) -> None:
    due = pages.heading("Due", sort="due")
    with app.test_request_context("/c?sort=due&after=3"):
        assert (due.direction, due.url) == ("ascending", "/c?sort=-due")
    with app.test_request_context("/c?sort=-due"):
        assert (due.direction, due.url) == ("descending", "/c?sort=due")
    with app.test_request_context("/c?sort=name"):
        assert (due.direction, due.url) == (None, "/c?sort=due")


def test_the_language_picker_stays_on_the_page(page: Callable[..., BeautifulSoup]) -> None:
    links = page("/dev/debtor?q=1&lang=en").select(".languages a[hreflang]")
    assert {"/dev/debtor?q=1&lang=sv", "/dev/debtor?q=1&lang=ar"} <= {one["href"] for one in links}
    current = [one for one in links if one.get("aria-current")]
    assert [one["lang"] for one in current] == ["en"]
    assert all(one["hreflang"] == one["lang"] for one in links)


def test_the_page_is_written_in_the_direction_of_its_language(
    page: Callable[..., BeautifulSoup],
) -> None:
    html = page("/dev/debtor?lang=ar").html
    assert (html["lang"], html["dir"]) == ("ar", "rtl")
