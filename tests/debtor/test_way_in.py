"""The way in is made once for all who read it in a language, and is each reader's own still."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import a_reminded_case, enter_case


def tokens_of(page: str) -> set[str]:
    return set(re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page))


@pytest.fixture
def readers(app: Flask) -> tuple[FlaskClient, FlaskClient]:
    return app.test_client(), app.test_client()


def read(client: FlaskClient, language: str = "en", path: str = "/") -> str:
    return client.get(path, headers={"Accept-Language": language}).text


def test_each_reader_sends_a_token_of_their_own(readers: tuple[FlaskClient, FlaskClient]) -> None:
    first, second = (tokens_of(read(one)) for one in readers)
    assert len(first) == len(second) == 1
    assert first != second


def test_the_token_of_a_page_that_was_kept_is_taken(
    readers: tuple[FlaskClient, FlaskClient],
) -> None:
    read(readers[0])
    (token,) = tokens_of(read(readers[1]))
    answer = readers[1].post("/", data={"csrf_token": token, "reference": "1", "code": "1"})
    assert answer.status_code == 422


def test_each_reader_reads_it_in_their_language(readers: tuple[FlaskClient, FlaskClient]) -> None:
    assert '<html lang="ar" dir="rtl">' in read(readers[0], "ar")
    assert '<html lang="sv" dir="ltr">' in read(readers[1], "sv")


def test_languages_near_to_the_browsers_are_named_also_where_another_is_read(
    readers: tuple[FlaskClient, FlaskClient],
) -> None:
    for one in readers:
        one.set_cookie("reda_language", "sv")
    assert 'lang="th"' not in menu(read(readers[0], "sv"))
    assert 'lang="th"' in menu(read(readers[1], "th"))


def menu(page: str) -> str:
    return page.partition('<ul class="menu-list">')[2].partition("</ul>")[0]


def test_what_has_just_happened_is_told_once(app: Flask, client: FlaskClient) -> None:
    read(client)
    enter_case(app, client, a_reminded_case())
    (token,) = tokens_of(read(client, path="/overview"))
    client.post("/leave", data={"csrf_token": token}, headers={"Accept-Language": "en"})
    assert "You have left your case" in read(client)
    assert "You have left your case" not in read(client)


def test_a_reference_in_the_address_is_filled_in(client: FlaskClient) -> None:
    read(client)
    assert 'value="123456789"' in read(client, path="/?reference=123456789")
    assert 'value="123456789"' not in read(client)
