"""The reader's language: as chosen now, as chosen before, as the browser asks, or Swedish."""

import gzip

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal import locales

DEBTOR, STAFF = "/", "/sign-in"


def language(client: FlaskClient, address: str = DEBTOR, asked: str = "") -> str:
    """The language of a page; asked: the browser's Accept-Language."""
    page = BeautifulSoup(
        client.get(address, headers={"Accept-Language": asked}).text, "html.parser"
    )
    return str(page.html["lang"])


def offered(client: FlaskClient, address: str) -> set[str]:
    page = BeautifulSoup(client.get(address).text, "html.parser")
    return {str(link["hreflang"]) for link in page.select("a[hreflang]")}


def remembered(client: FlaskClient) -> str | None:
    cookie = client.get_cookie("reda_language")
    return cookie.value if cookie else None


def test_who_asks_for_nothing_reads_swedish(client: FlaskClient) -> None:
    assert language(client) == "sv"


@pytest.mark.parametrize("code", ["sv", "en", "ar"])
def test_a_language_is_chosen_in_the_address(client: FlaskClient, code: str) -> None:
    assert language(client, f"/?lang={code}", asked="sv") == code


def test_a_choice_holds_on_the_next_page(client: FlaskClient) -> None:
    client.get("/?lang=en")
    assert language(client) == "en"


def test_a_new_choice_beats_the_one_before(client: FlaskClient) -> None:
    client.set_cookie("reda_language", "en")
    assert language(client, "/?lang=ar") == "ar"


def test_a_choice_beats_what_the_browser_asks_for(client: FlaskClient) -> None:
    client.set_cookie("reda_language", "en")
    assert language(client, asked="ar") == "en"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("en", "en"),
        ("en-GB,en;q=0.8", "en"),
        ("ar-SY", "ar"),
        ("sv;q=0.5, ar;q=0.9", "ar"),
        ("eu, en;q=0.3", "en"),
        ("eu", "sv"),
        ("*", "sv"),
        ("eu, *;q=0.5", "sv"),
        (";;;", "sv"),
    ],
)
def test_a_browser_asks_for_its_language(client: FlaskClient, asked: str, code: str) -> None:
    assert language(client, asked=asked) == code


def test_a_page_that_nobody_chose_a_language_on_remembers_none(client: FlaskClient) -> None:
    language(client, asked="en")
    assert remembered(client) is None


@pytest.mark.parametrize("unknown", ["xx", "", "sv-SE", "../sv", "EN"])
def test_an_unknown_language_falls_back(client: FlaskClient, unknown: str) -> None:
    assert language(client, f"/?lang={unknown}", asked="en") == "en"


def test_an_unknown_language_is_not_remembered(client: FlaskClient) -> None:
    client.get("/?lang=xx")
    assert remembered(client) is None


def test_a_cookie_that_says_nothing_known_falls_back(client: FlaskClient) -> None:
    client.set_cookie("reda_language", "xx")
    assert language(client, asked="en") == "en"


def test_debtors_pages_are_offered_in_every_language(client: FlaskClient) -> None:
    assert offered(client, "/languages") >= {one.tag for one in locales.offered()}


def test_staff_pages_are_not_offered_in_arabic(client: FlaskClient) -> None:
    assert offered(client, STAFF) == {"sv", "en"}


def test_a_staff_page_asked_for_in_arabic_falls_back(client: FlaskClient) -> None:
    assert language(client, f"{STAFF}?lang=ar", asked="en") == "en"


def test_a_staff_page_asked_for_in_arabic_is_english_where_the_browser_tells_nothing(
    client: FlaskClient,
) -> None:
    assert language(client, f"{STAFF}?lang=ar") == "en"


def test_who_reads_arabic_still_does_after_a_staff_page(client: FlaskClient) -> None:
    client.get("/?lang=ar")
    client.get(f"{STAFF}?lang=ar")
    assert language(client) == "ar"


@pytest.mark.parametrize(("code", "direction"), [("sv", "ltr"), ("en", "ltr"), ("ar", "rtl")])
def test_a_page_runs_in_its_languages_direction(
    client: FlaskClient, code: str, direction: str
) -> None:
    page = BeautifulSoup(client.get(f"/?lang={code}").text, "html.parser")
    assert page.html["dir"] == direction


def test_a_language_that_is_not_there_is_told_kindly(client: FlaskClient) -> None:
    page = client.get("/?lang=xx", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert "We do not have that language yet." in page.text


def test_a_language_that_is_there_needs_no_word(client: FlaskClient) -> None:
    assert "We do not have that language yet." not in client.get("/?lang=en").text


@pytest.mark.parametrize(("code", "told"), [("sv", 0), ("en", 0), ("ar", 1)])
def test_a_page_translated_by_machine_says_so(client: FlaskClient, code: str, told: int) -> None:
    page = BeautifulSoup(client.get(f"/?lang={code}").text, "html.parser")
    assert len(page.select(".by-machine")) == told


def test_all_languages_lead_back_to_the_page_one_came_from(client: FlaskClient) -> None:
    page = BeautifulSoup(client.get("/languages?back=/?reference=1%26lang=ar").text, "html.parser")
    links = {str(one["hreflang"]): str(one["href"]) for one in page.select("main a[hreflang]")}
    assert links["en"] == "/?reference=1&lang=en"
    assert set(links) == {one.tag for one in locales.offered()}


def test_all_languages_lead_nowhere_else(client: FlaskClient) -> None:
    page = BeautifulSoup(client.get("/languages?back=//evil.example/").text, "html.parser")
    assert {str(one["href"])[:2] for one in page.select("main a[hreflang]")} == {"/?"}


def test_the_way_in_tells_machines_its_other_languages(client: FlaskClient) -> None:
    page = BeautifulSoup(client.get("/").text, "html.parser")
    told = {str(one["hreflang"]) for one in page.select("link[rel=alternate]")}
    assert told == {one.tag for one in locales.offered()}


@pytest.mark.parametrize("code", [one.code for one in locales.offered()])
def test_the_way_in_weighs_little_in_every_language(client: FlaskClient, code: str) -> None:
    page = client.get(f"/?lang={code}")
    assert page.status_code == 200
    linked = BeautifulSoup(page.text, "html.parser").select("script[src], link[rel=stylesheet]")
    files = [client.get(str(one.get("src") or one["href"])).data for one in linked]
    travels = sum(len(gzip.compress(body)) for body in [page.data, *files])
    assert travels <= 30_000
