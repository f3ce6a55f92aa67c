"""Objecting on the page of the case: it stops at once, and question and answer stand there."""

import io
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select

from portal import clock
from portal.collection import attachments, cases, disputes, states
from portal.collection.models import Attachment, Case, Dispute, DisputeTurn
from portal.extensions import db
from portal.identity.actor import Actor
from tests.debtor.test_pages import Visitor, at_first_case, case, said
from tests.factories import SOFIA, a_case, a_person_at, a_signed_agreement, enter_case, sign_in

__all__ = ["case"]
CLERK = Actor("person", "Sofia Nyström", role="creditor")
WORDS = "Cykeln kom aldrig.\U0001f6b2"


@pytest.fixture
def debtor(client: FlaskClient, case: Case) -> FlaskClient:
    Visitor(client).enter(case)
    return client


def a_photo(megabytes: float = 0) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(made, "JPEG")
    # What comes after the end of a JPEG is not looked at by anybody.
    return made.getvalue() + b"\0" * int(megabytes * 1024 * 1024)


def send(
    client: FlaskClient, *, status: int = 200, files: list[tuple[str, bytes]] | None = None,
    language: str = "en", **values: str,
) -> BeautifulSoup:  # fmt: skip
    """What comes of sending the form of the page."""
    path = at_first_case("/case/object")
    headers = {"Accept-Language": language}
    page = BeautifulSoup(client.get(path, headers=headers).text, "html.parser")
    data: dict[str, Any] = {
        "csrf_token": page.select_one("main input[name=csrf_token]")["value"],
        "files": [(io.BytesIO(content), name) for name, content in files or []],
        **values,
    }
    response = client.post(path, data=data, headers=headers, follow_redirects=True,
                           content_type="multipart/form-data")  # fmt: skip
    assert response.status_code == status
    return BeautifulSoup(response.text, "html.parser")


def objects(client: FlaskClient, **values: Any) -> BeautifulSoup:
    told = {"reason": "not received", "part": "all", "words": WORDS, **values}
    return send(client, **told)


def the_dispute() -> Dispute:
    return db.session.scalars(select(Dispute)).one()


def count_turns() -> int:
    return db.session.scalar(select(func.count(DisputeTurn.id))) or 0


def test_an_objection_stops_the_case_at_once(debtor: FlaskClient, case: Case) -> None:
    page = objects(debtor)
    assert "Your case stands still" in said(page)
    assert cases.lock(case.id).is_stopped


def test_it_is_told_when_an_answer_is_to_be_expected(debtor: FlaskClient) -> None:
    page = objects(debtor, language="sv")
    day = disputes.expected_on(the_dispute())
    assert day >= clock.today() + disputes.ANSWER_WITHIN
    assert f"{day.day} " in said(page)


def test_the_words_are_kept_with_their_language(debtor: FlaskClient) -> None:
    objects(debtor, language="ar")
    turn = the_dispute().turns[0]
    assert (turn.words, turn.language) == (WORDS, "ar")


def test_what_no_database_can_keep_is_left_out_of_the_words(debtor: FlaskClient) -> None:
    objects(debtor, words="a\x00b\r\nc\x07")
    assert the_dispute().turns[0].words == "ab\nc"


def test_a_part_can_be_objected_to(debtor: FlaskClient, case: Case) -> None:
    page = objects(debtor, part="part", amount="400,50")
    left_ore = cases.amount_due(case, clock.today()).total_ore - 40_050
    assert the_dispute().amount_ore == 40_050
    assert f"{left_ore // 100 % 1000}" in said(page)


def test_the_rest_is_proposed_where_one_pays(debtor: FlaskClient, case: Case) -> None:
    objects(debtor, part="part", amount="400,50")
    left_ore = cases.amount_due(case, clock.today()).total_ore - 40_050
    amount = Visitor(debtor, "sv").get("/case/pay").select_one("input[name=amount]")["value"]
    assert amount.replace(",", "") == str(left_ore)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"reason": ""}, "Fill this in"),
        ({"reason": "x"}, "Choose one of the options"),
        ({"words": " "}, "Fill this in"),
        ({"words": "x" * 2001}, "Characters allowed"),
        ({"part": "part"}, "Fill this in"),
        ({"part": "part", "amount": "0"}, "above zero"),
        ({"part": "part", "amount": "9999999"}, "not more than"),
        ({"part": "part", "amount": "many"}, "such as"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_typed_is_lost(
    debtor: FlaskClient, case: Case, wrong: dict[str, str], told: str
) -> None:
    page = objects(debtor, status=422, **wrong)
    assert told in said(page)
    assert wrong.get("words", WORDS).strip() in page.select_one("textarea").text
    assert not cases.lock(case.id).is_stopped


def test_sending_twice_says_it_once(debtor: FlaskClient) -> None:
    photo = [("photo.jpg", a_photo())]
    objects(debtor, files=photo)
    objects(debtor, files=photo)
    assert count_turns() == 1
    assert db.session.scalar(select(func.count(Attachment.id))) == 1


def test_objecting_again_adds_to_the_objection_that_waits(debtor: FlaskClient) -> None:
    objects(debtor)
    page = objects(debtor, words="Jag har ringt två gånger.")
    assert [turn.kind for turn in the_dispute().turns] == ["objected", "replied"]
    assert "Jag har ringt två gånger." in said(page)


def test_a_question_is_replied_to_on_the_same_page(debtor: FlaskClient, case: Case) -> None:
    objects(debtor)
    disputes.ask(cases.lock(case.id), words="Vilken dag?", actor=CLERK, today=clock.today(),
                 now=clock.now())  # fmt: skip
    db.session.commit()
    assert "Vilken dag?" in said(Visitor(debtor).get("/case/object"))
    # The same words once more are an answer to a question.
    send(debtor, words=WORDS)
    assert [turn.kind for turn in the_dispute().turns] == ["objected", "asked", "replied"]


def test_a_file_alone_may_be_added_later(debtor: FlaskClient) -> None:
    objects(debtor)
    page = send(debtor, words="", files=[("kvitto.jpg", a_photo())])
    turn = the_dispute().turns[-1]
    assert (turn.kind, turn.words) == ("replied", "")
    assert "kvitto.jpg" in said(page)


def test_the_answer_stands_on_the_page(debtor: FlaskClient, case: Case) -> None:
    objects(debtor)
    disputes.answer(
        cases.lock(case.id), disputes.TURNED_DOWN, words="Den kom den 3 mars.", actor=CLERK,
        today=clock.today(), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    page = Visitor(debtor).get("/case/object")
    assert "finds that the claim is right" in said(page)
    assert "Den kom den 3 mars." in said(page)


def test_a_reply_to_what_was_answered_meanwhile_is_not_lost(
    debtor: FlaskClient, case: Case
) -> None:
    objects(debtor)
    disputes.answer(
        cases.lock(case.id), disputes.TURNED_DOWN, words="Nej.", actor=CLERK,
        today=clock.today(), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    page = send(debtor, status=422, words="En sak till")
    assert page.select_one("textarea").text.strip() == "En sak till"
    assert page.select("input[name=reason]")


def test_a_closed_case_has_nothing_to_object_to(debtor: FlaskClient, case: Case) -> None:
    locked = cases.lock(case.id)
    locked.status, locked.closed_on = states.RECALLED, clock.today()
    db.session.commit()
    page = Visitor(debtor).get("/case/object")
    assert not page.select("main textarea")


class TestFiles:
    """What may be sent along, and what becomes of it."""

    def test_both_sides_can_fetch_what_was_sent(
        self, app: Flask, debtor: FlaskClient, case: Case
    ) -> None:
        photo = a_photo()
        page = objects(debtor, files=[("cykel.jpg", photo)])
        link = page.find("a", string="cykel.jpg")["href"]
        response = debtor.get(link)
        assert response.data == photo
        assert response.headers["Content-Disposition"].startswith("attachment")
        clerk = a_person_at(case.creditor, "collector", SOFIA)
        a_signed_agreement(case.creditor, clerk)
        staff = app.test_client()
        sign_in(app, staff, clerk)
        with app.test_request_context():
            address = app.url_for(
                "creditor.show_case", key=case.creditor.key, reference=case.reference
            )
        at = BeautifulSoup(staff.get(address).text, "html.parser")
        assert staff.get(at.find("a", string="cykel.jpg")["href"]).data == photo

    def test_the_creditor_does_not_take_it_away(self, debtor: FlaskClient, case: Case) -> None:
        objects(debtor, files=[("cykel.jpg", a_photo())])
        kept = attachments.of_case(case.id)[0]
        assert (
            attachments.remove(cases.lock(case.id), kept.id, actor=CLERK, now=clock.now()) is None
        )

    def test_a_debtor_cannot_fetch_the_companys_own_files(
        self, debtor: FlaskClient, case: Case
    ) -> None:
        (own,) = attachments.add(case, [("a.txt", b"a")], actor=CLERK, now=clock.now()).kept
        db.session.commit()
        assert debtor.get(at_first_case(f"/case/files/{own.id}")).status_code == 404

    @pytest.mark.parametrize(
        ("name", "content"),
        [("faktura.pdf", b"MZ\x90\x00" + b"\0" * 100), ("a.exe", b"MZ"), ("b.pdf", b"")],
    )
    def test_a_program_is_refused_kindly_and_the_objection_stands(
        self, debtor: FlaskClient, name: str, content: bytes
    ) -> None:
        page = objects(debtor, files=[(name, content), ("cykel.jpg", a_photo())])
        assert f"{name} was not kept" in said(page)
        assert [one.filename for one in attachments.of_case(the_dispute().case_id)] == ["cykel.jpg"]

    def test_a_large_photo_is_taken(self, debtor: FlaskClient) -> None:
        objects(debtor, files=[("stor.jpg", a_photo(9.9))])
        assert [one.filename for one in attachments.of_case(the_dispute().case_id)] == ["stor.jpg"]

    def test_a_photo_of_a_hundred_megabytes_is_refused_and_the_words_are_kept(
        self, debtor: FlaskClient
    ) -> None:
        page = objects(debtor, files=[("enorm.jpg", a_photo(100))])
        assert "enorm.jpg was not kept: it is larger than 10 MB" in said(page)
        assert the_dispute().turns[0].words == WORDS

    def test_an_eleventh_file_is_told_of(self, debtor: FlaskClient) -> None:
        page = objects(debtor, files=[(f"{n}.txt", str(n).encode()) for n in range(11)])
        assert len(attachments.of_case(the_dispute().case_id)) == 10
        assert "10.txt was not kept" in said(page)

    def test_the_limits_are_told_before(self, debtor: FlaskClient) -> None:
        told = said(Visitor(debtor).get("/case/object"))
        assert "At most 10 files, 10 MB each" in told

    def test_files_refused_without_words_say_nothing(self, debtor: FlaskClient) -> None:
        objects(debtor)
        send(debtor, words="", files=[("a.exe", b"MZ")])
        assert count_turns() == 1

    def test_another_case_of_the_same_company_does_not_see_it(
        self, app: Flask, debtor: FlaskClient, case: Case
    ) -> None:
        objects(debtor, files=[("cykel.jpg", a_photo())])
        kept = attachments.of_case(case.id)[0]
        other = a_case(case.creditor, due_on=clock.today() - timedelta(days=30))
        stranger = app.test_client()
        enter_case(app, stranger, other)
        for reference in (case.reference, other.reference):
            response = stranger.get(f"/case/{reference}/files/{kept.id}")
            assert response.status_code == 404


def test_how_many_files_and_how_large_has_the_digits_of_the_language(
    client: FlaskClient, case: Case
) -> None:
    Visitor(client).enter(case)
    page = Visitor(client, "fa").get("/case/object")
    assert "۱۰" in said(page.select_one("#files-hint"))
