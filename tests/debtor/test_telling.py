"""Paid already, wrong person, a protected situation: told on the web, stopped, answered."""

import io
from datetime import date, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal import clock
from portal.collection import attachments, cases, lifecycle, needs, states, tellings
from portal.collection.models import Case, Telling
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import Actor
from portal.law.situations import SITUATIONS
from tests.debtor.test_pages import Visitor, at_first_case, case, said
from tests.factories import SOFIA, a_person_at, a_signed_agreement, sign_in

__all__ = ["case"]
CLERK = Actor("person", "Sofia Nyström", role="creditor")
YESTERDAY = clock.today() - timedelta(days=1)
PAID = {"on": YESTERDAY.isoformat(), "amount": "500", "way": "creditor", "words": "Med kvitto"}
PAGES = [
    ("paid", PAID, states.SAID_PAID),
    ("wrong-person", {"why": "name"}, states.WRONG_PERSON),
    *(("situation", {"role": one}, one) for one in tellings.SITUATIONS),
]


@pytest.fixture
def debtor(client: FlaskClient, case: Case) -> FlaskClient:
    Visitor(client).enter(case)
    return client


def send(
    client: FlaskClient, page: str, *, status: int = 200,
    files: list[tuple[str, bytes]] | None = None, **values: str,
) -> BeautifulSoup:  # fmt: skip
    path, headers = at_first_case(f"/case/{page}"), {"Accept-Language": "en"}
    opened = BeautifulSoup(client.get(path, headers=headers).text, "html.parser")
    data: dict[str, Any] = {
        "csrf_token": opened.select_one("main input[name=csrf_token]")["value"],
        "files": [(io.BytesIO(content), name) for name, content in files or []],
        **values,
    }
    response = client.post(path, data=data, headers=headers, follow_redirects=True,
                           content_type="multipart/form-data")  # fmt: skip
    assert response.status_code == status
    return BeautifulSoup(response.text, "html.parser")


def the_telling() -> Telling:
    return db.session.scalars(select(Telling)).one()


def answer(case: Case, stop: str, outcome: str, **values: Any) -> Telling:
    told = {"words": "Vi har tittat", "actor": CLERK, "today": clock.today(), "now": clock.now()}
    found = tellings.answer(cases.lock(case.id), stop, outcome, **{**told, **values})
    db.session.commit()
    return found


@pytest.mark.parametrize("language", ["sv", None])
def test_an_answer_has_the_language_that_it_was_written_in(
    debtor: FlaskClient, case: Case, language: str | None
) -> None:
    send(debtor, "wrong-person", why="name")
    answer(case, states.WRONG_PERSON, tellings.RIGHT, language=language)
    answered = Visitor(debtor).get("/case/wrong-person").find(string="Vi har tittat").parent
    assert answered.get("lang") == language


@pytest.mark.parametrize(("page", "told", "stop"), PAGES)
def test_it_stops_the_case_and_stands_on_the_page(
    debtor: FlaskClient, case: Case, page: str, told: dict[str, str], stop: str
) -> None:
    shown = send(debtor, page, **told)
    assert "Your case stands still" in said(shown)
    assert (the_telling().stop, cases.lock(case.id).is_stopped) == (stop, True)


@pytest.mark.parametrize(("page", "told", "stop"), PAGES)
def test_nothing_more_happens_however_long_it_waits(
    debtor: FlaskClient, case: Case, page: str, told: dict[str, str], stop: str
) -> None:
    send(debtor, page, **told)
    later = timedelta(days=90)
    lifecycle.advance(clock.today() + later, clock.now() + later)
    assert cases.lock(case.id).status == states.REMINDED


@pytest.mark.parametrize(("page", "told", "stop"), PAGES)
def test_each_stop_has_its_statute(page: str, told: dict[str, str], stop: str) -> None:
    assert "(19" in SITUATIONS[stop].rule or "(20" in SITUATIONS[stop].rule


def test_sending_twice_tells_it_once(debtor: FlaskClient, case: Case) -> None:
    path = at_first_case("/case/paid")
    opened = BeautifulSoup(debtor.get(path).text, "html.parser")
    token = opened.select_one("main input[name=csrf_token]")["value"]
    for _ in range(2):
        debtor.post(path, data={"csrf_token": token, **PAID})
    assert the_telling().facts["amount_ore"] == 50_000


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"on": (clock.today() + timedelta(days=1)).isoformat()}, "cannot be a day to come"),
        ({"on": "0001-01-01"}, "cannot be a day to come"),
        ({"on": "x"}, "Write a date"),
        ({"amount": "0"}, "above zero"),
        ({"amount": "99999999999999"}, "above zero"),
        ({"amount": ""}, "Fill this in"),
        ({"way": "x"}, "Choose one of the options"),
        ({"words": "x" * 2001}, "Characters allowed"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_typed_is_lost(
    debtor: FlaskClient, case: Case, wrong: dict[str, str], told: str
) -> None:
    values = {**PAID, **wrong}
    page = send(debtor, "paid", status=422, **values)
    assert told in said(page)
    assert page.select_one("textarea").text.strip() == values["words"]
    assert not cases.lock(case.id).is_stopped


def test_a_proof_is_kept_and_more_can_be_added(debtor: FlaskClient, case: Case) -> None:
    send(debtor, "paid", files=[("kvitto.txt", b"1")], **PAID)
    page = send(debtor, "paid", files=[("mer.txt", b"2"), ("a.exe", b"MZ")],
                more=str(the_telling().id))  # fmt: skip
    assert "a.exe was not kept" in said(page)
    names = [one.filename for one in attachments.told_with(case.id)[the_telling().id]]
    assert names == ["kvitto.txt", "mer.txt"]


def test_files_are_not_added_to_what_another_told(debtor: FlaskClient, case: Case) -> None:
    send(debtor, "paid", **PAID)
    send(debtor, "paid", status=404, files=[("mer.txt", b"2")], more=str(the_telling().id + 1))


def test_it_waits_for_the_creditor(debtor: FlaskClient, case: Case) -> None:
    send(debtor, "wrong-person", why="unknown")
    asked = needs.told_sql(case.creditor_id, also={}, today=clock.today(), now=clock.now())
    found = {one.name: one.count for one in needs.read(db.session.scalar(select(asked)))}
    assert found[needs.TELLINGS] == 1


def test_money_that_has_come_is_registered_and_the_case_goes_on(
    debtor: FlaskClient, case: Case
) -> None:
    send(debtor, "paid", **PAID)
    before = cases.amount_due(case, clock.today()).principal_ore
    answer(case, tellings.PAID, tellings.CAME, amount_ore=50_000, on=YESTERDAY)
    locked = cases.lock(case.id)
    assert cases.amount_due(locked, clock.today()).principal_ore == before - 50_000
    assert not locked.is_stopped
    assert "Your payment is found" in said(Visitor(debtor).get("/case/paid"))


def test_money_that_has_not_come_is_told_in_a_letter_with_time_to_pay(
    debtor: FlaskClient, case: Case
) -> None:
    send(debtor, "paid", **PAID)
    answer(case, tellings.PAID, tellings.NOT_COME)
    kinds = db.session.scalars(select(Message.kind).where(Message.status == "waiting")).all()
    assert "dispute_answer" in kinds
    pay_by_on = cases.lock(case.id).pay_by_on or date.min
    assert pay_by_on >= clock.today() + timedelta(days=10)
    assert "Vi har tittat" in said(Visitor(debtor).get("/case/paid"))


def test_the_wrong_person_is_asked_for_nothing_more(debtor: FlaskClient, case: Case) -> None:
    send(debtor, "wrong-person", why="address")
    answer(case, tellings.WRONG_PERSON, tellings.WRONG, words="")
    assert cases.lock(case.id).status == states.RECALLED
    assert "nothing more is asked of you" in said(Visitor(debtor).get("/case/wrong-person"))


def test_a_situation_that_holds_goes_on_stopping_the_case(debtor: FlaskClient, case: Case) -> None:
    send(debtor, "situation", role=states.RESTRUCTURING, contact="Rådgivare Ek, 070-1")
    answer(case, states.RESTRUCTURING, tellings.HOLDS, words="")
    assert cases.lock(case.id).is_stopped
    assert tellings.waiting(case.id) == []


@pytest.mark.parametrize(
    ("role", "is_invited"),
    [
        (states.RESTRUCTURING, False), (states.BANKRUPT, False), (states.MINOR, False),
        (states.DECEASED, False), (states.REPRESENTED, True),
    ],
)  # fmt: skip
def test_whose_debt_is_settled_elsewhere_is_not_invited_to_pay(
    debtor: FlaskClient, role: str, is_invited: bool
) -> None:
    send(debtor, "situation", role=role)
    page = Visitor(debtor).get("/case")
    assert bool(page.find("button", string="Pay with Swish")) == is_invited
    assert page.find("a", string="Pay a part, or in another way")


def test_who_opens_the_case_of_somebody_dead_reads_that_the_estate_pays(
    debtor: FlaskClient,
) -> None:
    send(debtor, "situation", role=states.DECEASED)
    assert "the heirs do not pay with their own money" in said(Visitor(debtor).get("/case"))


def test_one_of_two_situations_does_not_let_the_case_go_on(debtor: FlaskClient, case: Case) -> None:
    send(debtor, "situation", role=states.RESTRUCTURING)
    send(debtor, "wrong-person", why="name")
    answer(case, tellings.WRONG_PERSON, tellings.RIGHT)
    assert cases.lock(case.id).is_stopped


def test_what_closes_the_case_lets_what_waits_lapse(debtor: FlaskClient, case: Case) -> None:
    send(debtor, "paid", **PAID)
    lifecycle.write_off(cases.lock(case.id), actor=CLERK, today=clock.today(), now=clock.now())
    db.session.commit()
    assert the_telling().outcome == tellings.LAPSED


def test_a_closed_case_takes_nothing_more(debtor: FlaskClient, case: Case) -> None:
    lifecycle.write_off(cases.lock(case.id), actor=CLERK, today=clock.today(), now=clock.now())
    db.session.commit()
    assert not Visitor(debtor).get("/case/paid").select("main textarea")


def test_help_without_cost_is_one_click_away(debtor: FlaskClient) -> None:
    page = Visitor(debtor).get("/case/cannot-pay")
    assert page.find("a", href="https://www.hallakonsument.se/")


class TestCreditor:
    """What the company sees and does."""

    @pytest.fixture
    def staff(self, app: Flask, case: Case) -> FlaskClient:
        clerk = a_person_at(case.creditor, "collector", SOFIA)
        a_signed_agreement(case.creditor, clerk)
        client = app.test_client()
        sign_in(app, client, clerk)
        return client

    def address(self, app: Flask, case: Case, endpoint: str = "show_case", **more: str) -> str:
        with app.test_request_context():
            return app.url_for(
                f"creditor.{endpoint}", key=case.creditor.key, reference=case.reference, **more
            )

    def post(
        self, staff: FlaskClient, address: str, page: BeautifulSoup, step: str,
        values: dict[str, str],
    ) -> TestResponse:  # fmt: skip
        hidden = {one: page.select_one(f"main input[name={one}]").get("value", "")
                  for one in ("csrf_token", "seen")}  # fmt: skip
        return staff.post(address, data={**hidden, "step": step, **values})

    def test_it_stands_on_the_case_with_its_file(
        self, app: Flask, staff: FlaskClient, debtor: FlaskClient, case: Case
    ) -> None:
        send(debtor, "paid", files=[("kvitto.txt", b"1")], **PAID)
        page = BeautifulSoup(staff.get(self.address(app, case)).text, "html.parser")
        assert "Med kvitto" in said(page)
        assert staff.get(page.find("a", string="kvitto.txt")["href"]).data == b"1"

    @pytest.mark.parametrize(
        ("page", "told", "act", "values"),
        [
            ("paid", PAID, "check-paid", {"outcome": "came", "amount": "500",
             "on": YESTERDAY.isoformat()}),
            ("wrong-person", {"why": "name"}, "check-person",
             {"outcome": "right", "words": "Rätt"}),
            ("situation", {"role": states.MINOR}, "check-situation",
             {"which": states.MINOR, "outcome": "holds"}),
        ],
    )  # fmt: skip
    def test_it_is_answered_after_its_effect_was_seen(
        self, app: Flask, staff: FlaskClient, debtor: FlaskClient, case: Case, page: str,
        told: dict[str, str], act: str, values: dict[str, str],
    ) -> None:  # fmt: skip
        send(debtor, page, **told)
        address = self.address(app, case, "prepare_act", act=act)
        opened = BeautifulSoup(staff.get(address).text, "html.parser")
        looked = BeautifulSoup(
            self.post(staff, address, opened, "look", values).text, "html.parser"
        )
        response = self.post(staff, address, looked, "do", values)
        assert response.status_code == 303
        assert tellings.waiting(case.id) == []

    def test_what_waits_is_not_let_go_on_by_hand(
        self, app: Flask, staff: FlaskClient, debtor: FlaskClient, case: Case
    ) -> None:
        send(debtor, "situation", role=states.BANKRUPT)
        assert staff.get(self.address(app, case, "prepare_act", act="resume")).status_code == 409
