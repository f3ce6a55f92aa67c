"""Pages that are found kept tell what they would if they were made anew, and tell nobody else."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, text, update

from portal import clock
from portal.collection import (
    cases,
    changes,
    correspondence,
    holding,
    lifecycle,
    plans,
    stops,
)
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor
from portal.identity.models import Creditor
from portal.web import keeping
from tests.debtor.test_pages import Visitor, a_case_of_today, pay, sent_letter
from tests.debtor.test_visit import end_visits, ends, visits_end_in
from tests.factories import a_creditor, session_cookie

CLERK = Actor("person", "Eva", role="creditor")
PAGES = ["/case/{}", "/overview", "/case/{}/why/interest"]
# The token of the forms; how long until the page asks for the visit, and until when for money; and
# what names an element.
OF_THE_MOMENT = re.compile(
    r'(?<=name="csrf_token" value=")[^"]+|(?<=X-CSRFToken": ")[^"]+'
    r"|(?<=delay:)\d+|(?<=until=)\d+|(?<=-)[0-9a-f]{8}(?=\b)"
)


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_of_today()


@pytest.fixture
def clock_file(app: Flask, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "clock"
    clock.follow(file)
    yield file
    clock.follow(None)


@pytest.fixture
def made(app: Flask) -> Iterator[list[str]]:
    """What was asked to make a page; of one that is found kept, nothing."""
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.engine, "before_cursor_execute", note)


def come_in(app: Flask, client: FlaskClient, *some: Case) -> Visitor:
    """Somebody whose session holds all that it will: who comes in gets the token of their forms."""
    client.set_cookie(*session_cookie(app, {"debtor_cases": [case.id for case in some]}))
    Visitor(client).get("/overview")
    return Visitor(client)


def told(visitor: Visitor, path: str) -> str:
    answer = visitor.client.get(path, headers=visitor.headers)
    assert answer.status_code == 200
    return OF_THE_MOMENT.sub("", answer.text)


def status(visitor: Visitor, path: str) -> int:
    return visitor.client.get(path, headers=visitor.headers).status_code


def made_anew(app: Flask, visitor: Visitor, paths: list[str]) -> list[str]:
    keeping.init_app(app)
    return [told(visitor, path) for path in paths]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_found_kept_while_nothing_changes(
    app: Flask, client: FlaskClient, case: Case, made: list[str], page: str
) -> None:
    visitor, path = come_in(app, client, case), page.format(case.reference)
    first = told(visitor, path)
    made.clear()
    assert told(visitor, path) == first
    assert made == []


def _due_later(case: Case) -> None:
    changes.change_due_date(
        cases.lock(case.id), case.due_on + timedelta(days=3), actor=CLERK,
        today=clock.today(), now=clock.now(),
    )  # fmt: skip


def _pay(case: Case) -> None:
    pay(case, 10_000)


def _pay_all(case: Case) -> None:
    pay(case)


def _pay_too_much(case: Case) -> None:
    pay(case, 500_000)


def _write(case: Case) -> None:
    correspondence.write(
        cases.lock(case.id), "Vi ringer.", seen=0, language="sv", actor=CLERK, now=clock.now()
    )


def _letter(case: Case) -> None:
    sent_letter(case)


def _plan(case: Case) -> None:
    first_on = clock.today() + timedelta(days=20)
    plans.agree(
        cases.lock(case.id), monthly_ore=50_000, first_on=first_on, actor=DEBTOR,
        today=clock.today(), now=clock.now(),
    )  # fmt: skip


def _stop(case: Case) -> None:
    stops.stop(cases.lock(case.id), "dispute", "Fel", actor=DEBTOR, now=clock.now())


def _hold(case: Case) -> None:
    holding.hold_everything(case.creditor_id, "Secret", actor=CLERK, now=clock.now())


def _rename(case: Case) -> None:
    db.session.execute(update(Creditor).values(name="Fjällbäcks Tandvård AB"))


def _demand(case: Case) -> None:
    lifecycle.send_demand(cases.lock(case.id), today=clock.today(), now=clock.now())


def _rate(case: Case) -> None:
    db.session.execute(text("update reference_rates set per_cent = 3"))


def _customer(case: Case) -> None:
    case.debtor.kind, case.debtor.name = "company", "Lindens Bygg AB"


def _recall(case: Case) -> None:
    changes.recall(
        cases.lock(case.id), reason="", actor=CLERK, today=clock.today(), now=clock.now()
    )


CHANGES = [_due_later, _pay, _pay_all, _pay_too_much, _write, _letter, _plan, _stop, _hold, _rename,
           _demand, _rate, _customer, _recall]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__.strip("_"))
def test_a_page_found_after_a_change_is_the_one_that_would_be_made(
    app: Flask, client: FlaskClient, case: Case, change: Callable[[Case], None]
) -> None:
    other = a_case_of_today(creditor=a_creditor("Lindens Cykel AB"))
    visitor = come_in(app, client, case, other)
    paths = [page.format(case.reference) for page in PAGES]
    before = [told(visitor, path) for path in paths]
    change(case)
    db.session.commit()
    found = [told(visitor, path) for path in paths]
    assert found == made_anew(app, visitor, paths)
    assert found[0] != before[0]


def test_the_next_day_has_its_own_pages(
    app: Flask, client: FlaskClient, case: Case, clock_file: Path
) -> None:
    visitor, paths = come_in(app, client, case), [page.format(case.reference) for page in PAGES]
    before = [told(visitor, path) for path in paths]
    clock_file.write_text("86400")
    found = [told(visitor, path) for path in paths]
    assert found == made_anew(app, visitor, paths)
    # A day's interest more.
    assert not set(found) & set(before)


@pytest.mark.parametrize("page", PAGES)
def test_each_language_has_its_own_pages(
    app: Flask, client: FlaskClient, case: Case, page: str
) -> None:
    come_in(app, client, case)
    path = page.format(case.reference)
    for language, direction in (("sv", "ltr"), ("ar", "rtl"), ("sv", "ltr"), ("ar", "rtl")):
        found = told(Visitor(client, language), path)
        assert f'<html lang="{language}" dir="{direction}">' in found


def test_a_language_that_is_chosen_is_the_next_pages_too(
    app: Flask, client: FlaskClient, case: Case
) -> None:
    visitor, path = come_in(app, client, case), f"/case/{case.reference}"
    told(visitor, path)
    told(visitor, f"{path}?lang=ar")
    assert '<html lang="ar" dir="rtl">' in told(visitor, path)


def test_who_has_identified_is_not_asked_to_as_on_the_page_before(
    app: Flask, client: FlaskClient, case: Case
) -> None:
    visitor, path = come_in(app, client, case), f"/case/{case.reference}"
    asks = "See all your cases with BankID"
    assert asks in told(visitor, path)
    own = {"debtor_cases": [case.id], "debtor_own_cases": [case.id]}
    client.set_cookie(*session_cookie(app, own))
    assert [asks in told(visitor, path) for _ in range(2)] == [False, False]


def test_what_has_just_happened_is_told_once(app: Flask, client: FlaskClient, case: Case) -> None:
    visitor, path = come_in(app, client, case), f"/case/{case.reference}"
    before = told(visitor, path)
    with client.session_transaction() as session:
        session["_flashes"] = [("good", "It is sent.")]
    assert ["It is sent." in told(visitor, path) for _ in range(3)] == [True, False, False]
    assert told(visitor, path) == before


def test_the_end_of_the_visit_is_told_as_it_is_now(
    app: Flask, client: FlaskClient, case: Case
) -> None:
    visitor, path = come_in(app, client, case), f"/case/{case.reference}"
    told(visitor, path)
    first, again = (visitor.get(path).select_one("#visit") for _ in range(2))
    assert first.p.text == again.p.text
    seconds = [int(one.div["hx-trigger"].partition("delay:")[2][:-1]) for one in (first, again)]
    assert 1495 < seconds[1] <= seconds[0] <= 1500
    # A visit that would end soon is made longer by asking for the page.
    visits_end_in(7)
    assert visitor.get(path).select_one("#visit").p.text.startswith("If you do nothing")
    assert ends() - clock.real_now() > timedelta(minutes=29)


def test_nobody_finds_the_page_that_is_kept_for_another(app: Flask, case: Case) -> None:
    other = a_case_of_today(creditor=a_creditor("Lindens Cykel AB"))
    visitors = [come_in(app, app.test_client(), one) for one in (case, other)]
    for _ in range(3):
        for visitor, own, others in zip(visitors, (case, other), (other, case), strict=True):
            for page in PAGES:
                found = told(visitor, page.format(own.reference))
                assert own.reference in found
                assert others.creditor.name not in found
                assert others.reference not in found
            for page in PAGES[::2]:
                assert status(visitor, page.format(others.reference)) == 404


def test_a_page_that_is_kept_is_shown_to_nobody_when_the_visit_has_ended(
    app: Flask, client: FlaskClient, case: Case
) -> None:
    visitor = come_in(app, client, case)
    paths = [page.format(case.reference) for page in PAGES]
    for path in paths:
        told(visitor, path)
    end_visits()
    for path in paths:
        answer = client.get(path)
        assert (answer.status_code, answer.location) == (303, "/")


def test_a_session_that_loses_a_case_loses_the_page_that_is_kept(
    app: Flask, client: FlaskClient, case: Case
) -> None:
    other = a_case_of_today(creditor=a_creditor("Lindens Cykel AB"))
    visitor = come_in(app, client, case, other)
    assert [status(visitor, f"/case/{case.reference}") for _ in range(2)] == [200, 200]
    with client.session_transaction() as session:
        session["debtor_cases"] = [other.id]
    assert status(visitor, f"/case/{case.reference}") == 404
    assert case.reference not in told(visitor, "/overview")


def test_no_cache_of_a_browser_keeps_a_page_that_was_found(
    app: Flask, client: FlaskClient, case: Case
) -> None:
    visitor = come_in(app, client, case)
    for _ in range(2):
        answer = visitor.client.get(f"/case/{case.reference}")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert {"HX-Request", "Cookie"} <= set(answer.vary)
