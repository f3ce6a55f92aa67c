"""Help that anyone may read: questions, hard words, and what stands where in a letter."""

import io

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from PIL import Image

from portal.collection.models import Case
from portal.debtor.help_texts import LETTERS, WORDS
from portal.locales import words
from tests.debtor.test_pages import Visitor, case

__all__ = ["case"]


def page(client: FlaskClient, path: str, language: str = "en") -> BeautifulSoup:
    answer = client.get(f"{path}?lang={language}", follow_redirects=True)
    assert answer.status_code == 200
    return BeautifulSoup(answer.text, "html.parser")


@pytest.mark.parametrize("kind", sorted(LETTERS))
def test_each_part_that_is_explained_stands_in_the_letter(client: FlaskClient, kind: str) -> None:
    told = [one.get_text() for one in page(client, f"/help/letters/{kind}").select("ol li [lang]")]
    assert sorted(told) == sorted(LETTERS[kind].marks)


@pytest.mark.parametrize("kind", sorted(LETTERS))
def test_an_arrow_points_into_the_page_and_is_short(client: FlaskClient, kind: str) -> None:
    """A long one crosses what stands between, such as the sum."""
    drawing = page(client, f"/help/letters/{kind}").select_one(".letter-picture svg")
    assert drawing is not None
    width = float(drawing.find("image")["width"])  # type: ignore[index, arg-type]
    for arrow in drawing.find_all("line"):
        begin, tip = float(arrow["x1"]), float(arrow["x2"])
        assert 0 < tip < width
        assert abs(tip - begin) < 0.4 * width


def test_the_picture_is_of_a_letter_and_may_be_kept(client: FlaskClient) -> None:
    answer = client.get("/help/letters/reminder.png")
    assert Image.open(io.BytesIO(answer.data)).size[1] > 1_000
    assert answer.headers["Cache-Control"] == "public, max-age=86400"


def test_there_is_no_help_on_a_letter_that_there_is_not(client: FlaskClient) -> None:
    assert client.get("/help/letters/threat").status_code == 404


@pytest.mark.parametrize("language", ["sv", "en", "ar"])
def test_each_hard_word_stands_in_the_readers_language(client: FlaskClient, language: str) -> None:
    found = page(client, "/help/words", language)
    for key in WORDS:
        term = found.select_one(f"#{key} dt")
        assert term is not None
        assert term.get_text().startswith(words(language)[key])


def test_every_page_leads_to_help(client: FlaskClient) -> None:
    links = {one["href"] for one in page(client, "/").select("footer a")}
    assert {"/help", "/help/words", "/accessibility"} <= links


def test_whoever_has_opened_a_case_reads_help_without_leaving_it(client: FlaskClient) -> None:
    Visitor(client).get("/help")
    assert client.get("/help").status_code == 200


def test_a_hard_word_is_explained_on_the_page_where_it_stands(
    client: FlaskClient, case: Case
) -> None:
    Visitor(client).enter(case)
    said = Visitor(client).get("/case/why/interest").select_one(".hard-words")
    assert said is not None
    assert WORDS["referencerate"] in said.get_text()
