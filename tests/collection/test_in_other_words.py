"""Messages translated by machine: when somebody asks, once, and beside the original."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.collection import cases, correspondence, in_other_words
from portal.collection.models import Case, MessageTranslation
from portal.config import Settings
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor
from simulators.translate import Running, start
from tests.debtor.test_pages import Visitor, a_case_of_today, at_first_case, said
from tests.factories import NOW

CLERK = Actor("person", "Sofia Nyström", role="creditor")


@pytest.fixture
def translator() -> Iterator[Running]:
    running = start()
    yield running
    running.stop()


@pytest.fixture
def settings(settings: Settings, translator: Running) -> Settings:
    return replace(settings, translate_address=translator.url)


@pytest.fixture
def case(app: Flask) -> Case:
    """A case with a message in Swedish."""
    case = a_case_of_today()
    correspondence.write(
        cases.lock(case.id), "Vi ringer.", seen=0, language="sv", actor=CLERK, now=NOW
    )
    db.session.commit()
    return case


def press(client: FlaskClient) -> None:
    visitor = Visitor(client)
    token = visitor.get("/case/messages").select_one("main input[name=csrf_token]")["value"]
    at = at_first_case("/case/messages/translate")
    client.post(at, data={"csrf_token": token}, headers=visitor.headers)


def test_nothing_is_translated_before_somebody_asks(
    client: FlaskClient, case: Case, translator: Running
) -> None:
    Visitor(client).enter(case)
    page = Visitor(client).get("/case/messages")
    assert ("Translate by machine" in said(page), translator.asked) == (True, [])


def test_a_translation_is_shown_beside_the_original_and_marked(
    client: FlaskClient, case: Case, translator: Running
) -> None:
    Visitor(client).enter(case)
    press(client)
    words = said(Visitor(client).get("/case/messages"))
    assert all(
        one in words for one in ("Vi ringer.", "Translated by machine", "[sv→en] Vi ringer.")
    )


def test_what_was_translated_once_is_not_sent_again(
    client: FlaskClient, case: Case, translator: Running
) -> None:
    Visitor(client).enter(case)
    press(client)
    press(client)
    kept = db.session.scalars(select(MessageTranslation)).all()
    assert (len(translator.asked), [one.made_by for one in kept]) == (1, ["127.0.0.1"])


@pytest.mark.parametrize("status", [400, 403, 429, 500])
def test_a_translator_that_fails_leaves_the_original_and_the_page_says_so(
    client: FlaskClient, case: Case, translator: Running, status: int
) -> None:
    translator.failures.append(status)
    Visitor(client).enter(case)
    press(client)
    words = said(Visitor(client).get("/case/messages"))
    assert "The translation did not work now" in words
    assert "Vi ringer." in words


def test_words_in_the_readers_language_are_not_sent(
    app: Flask, case: Case, translator: Running
) -> None:
    correspondence.write(cases.lock(case.id), "Hello", seen=0, language="en", actor=DEBTOR, now=NOW)
    in_other_words.translate(correspondence.of_case(case.id), "en", now=NOW)
    assert [one["q"] for one in translator.asked] == ["Vi ringer."]


@pytest.mark.own_application
def test_without_a_translator_nothing_is_shown_and_nothing_leaves_the_house(
    app: Flask, case: Case, translator: Running
) -> None:
    app.extensions["reda_settings"] = replace(app.extensions["reda_settings"], translate_address="")
    found = correspondence.of_case(case.id)
    assert in_other_words.translate(found, "en", now=NOW)
    assert (in_other_words.shown(found, "en"), translator.asked) == (
        in_other_words.Shown({}, lacking=False), [],
    )  # fmt: skip
