"""What a debtor reads of what is held about them, and gets as a file."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal import clock
from portal.collection import (
    cases,
    disputes,
    effects,
    entry_codes,
    entry_links,
    lifecycle,
    needs,
    plans,
    states,
    stops,
    tellings,
)
from portal.collection.models import Case, EntryCode, Telling
from portal.database import files
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity import links
from portal.identity.actor import DEBTOR, Actor
from portal.law.keeping import KEPT
from portal.signing import envelopes, plan_signing
from portal.signing.models import EnvelopeSignature
from tests.debtor.test_pages import Visitor, at_first_case, case, said
from tests.factories import (
    EVA,
    JOHAN,
    SOFIA,
    a_person_at,
    a_reminded_case,
    a_signed_agreement,
    session_cookie,
    sign_in,
)

__all__ = ["case"]
CLERK = Actor("person", "Sofia Nyström", role="creditor")
SEALED = b"%PDF-1.7 sealed"
WRONG = {"what": "address", "words": "Storgatan 11 sedan i maj"}


def ask(client: FlaskClient, *, status: int = 200, **values: str) -> BeautifulSoup:
    path, headers = at_first_case("/case/data"), {"Accept-Language": "en"}
    opened = BeautifulSoup(client.get(path, headers=headers).text, "html.parser")
    token = opened.select_one("main input[name=csrf_token]")["value"]
    response = client.post(path, data={"csrf_token": token, **values}, headers=headers,
                           follow_redirects=True)  # fmt: skip
    assert response.status_code == status
    return BeautifulSoup(response.text, "html.parser")


def answer(case: Case, outcome: str, words: str) -> None:
    tellings.answer(cases.lock(case.id), tellings.CORRECTION, outcome, words=words, actor=CLERK,
                    today=clock.today(), now=clock.now())  # fmt: skip
    db.session.commit()


def test_the_page_tells_what_the_creditor_told(client: FlaskClient, case: Case) -> None:
    Visitor(client).enter(case)
    words = said(Visitor(client).get("/case/data"))
    assert all(one in words for one in ("Storgatan 1", case.invoice.number, case.reference))


def test_what_was_withdrawn_before_it_left_is_not_told_as_sent(
    client: FlaskClient, case: Case
) -> None:
    stops.stop(cases.lock(case.id), states.HOLD, "", actor=CLERK, now=clock.now())
    db.session.commit()
    Visitor(client).enter(case)
    assert "What has been sent to you" not in said(Visitor(client).get("/case/data"))


def test_the_file_holds_it_all_but_the_identity_number(client: FlaskClient, case: Case) -> None:
    case.debtor.identity_number = "196104032898"
    db.session.commit()
    Visitor(client).enter(case)
    text = Visitor(client).raw("/case/data.json").text
    told = json.loads(text)
    assert (told["name"], told["reference"]) == (case.debtor.name, case.reference)
    assert "196104032898" not in text


def test_the_archive_holds_the_letters_too(client: FlaskClient, case: Case) -> None:
    letter = db.session.scalars(db.select(Message)).one()
    letter.document_sha256 = files.store(b"%PDF-1.7")
    db.session.commit()
    Visitor(client).enter(case)
    with zipfile.ZipFile(io.BytesIO(Visitor(client).raw("/case/data.zip").data)) as archive:
        names = [f"{case.reference}/{one}" for one in ("data.json", f"reminder-{letter.id}.pdf")]
        assert archive.namelist() == names


def test_the_archive_holds_what_was_objected_and_the_files_that_were_sent(
    client: FlaskClient, case: Case
) -> None:
    disputes.tell(
        cases.lock(case.id), reason=disputes.OTHER, words="Cykeln kom aldrig", amount_ore=None,
        files=[("kvitto.txt", b"Betalt")], language="sv", actor=DEBTOR, today=clock.today(),
        now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    Visitor(client).enter(case)
    with zipfile.ZipFile(io.BytesIO(Visitor(client).raw("/case/data.zip").data)) as archive:
        told = json.loads(archive.read(f"{case.reference}/data.json"))
        (sent,) = [one for one in archive.namelist() if one.endswith("-kvitto.txt")]
        assert archive.read(sent) == b"Betalt"
    assert told["objections"][0]["said"][0]["words"] == "Cykeln kom aldrig"
    assert [one["name"] for one in told["files"]] == ["kvitto.txt"]


def test_the_file_holds_the_payment_plan(client: FlaskClient, case: Case) -> None:
    plan = plans.agree(
        cases.lock(case.id), monthly_ore=60_000, first_on=clock.today(), actor=CLERK,
        today=clock.today(), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    Visitor(client).enter(case)
    told = json.loads(Visitor(client).raw("/case/data.json").text)["plans"]
    assert [one["amount_ore"] for one in told[0]["payments"]] == [
        one.amount_ore for one in plan.instalments
    ]


def test_anybody_reads_how_data_are_used(client: FlaskClient) -> None:
    assert "bokföringslagen" in said(Visitor(client).get("/privacy"))


def test_all_cases_of_the_visit_are_one_file(client: FlaskClient, case: Case) -> None:
    other = a_reminded_case()
    db.session.commit()
    with client.session_transaction() as session:
        session["debtor_cases"] = [case.id, other.id]
    content = client.get("/data.zip").data
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = {one.split("/")[0] for one in archive.namelist()}
    assert found == {case.reference, other.reference}


def test_the_page_of_one_case_leads_to_that_of_another(client: FlaskClient, case: Case) -> None:
    other = a_reminded_case()
    db.session.commit()
    with client.session_transaction() as session:
        session["debtor_cases"] = [case.id, other.id]
    page = client.get(f"/case/{case.reference}/data").text
    assert f"/case/{other.reference}/data" in page


@pytest.mark.parametrize("path", ["/privacy", "/case/data"])
def test_the_statutes_of_what_is_kept_stand_on_the_page(
    client: FlaskClient, case: Case, path: str
) -> None:
    Visitor(client).enter(case)
    words = said(Visitor(client).get(path))
    assert all(one.rule in words for one in KEPT)


def test_a_correction_waits_for_the_creditor_and_stops_nothing(
    client: FlaskClient, case: Case
) -> None:
    Visitor(client).enter(case)
    page = ask(client, **WRONG)
    asked = needs.told_sql(case.creditor_id, also={}, today=clock.today(), now=clock.now())
    found = {one.name: one.count for one in needs.read(db.session.scalar(select(asked)))}
    assert "Storgatan 11 sedan i maj" in said(page)
    assert (found[needs.TELLINGS], cases.lock(case.id).is_stopped) == (1, False)


def test_sent_twice_it_is_asked_once(client: FlaskClient, case: Case) -> None:
    Visitor(client).enter(case)
    path = at_first_case("/case/data")
    opened = BeautifulSoup(client.get(path).text, "html.parser")
    token = opened.select_one("main input[name=csrf_token]")["value"]
    for _ in range(2):
        client.post(path, data={"csrf_token": token, **WRONG})
    assert len(db.session.scalars(select(Telling)).all()) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"what": ""}, "Fill this in"),
        ({"what": "x"}, "Choose one of the options"),
        ({"words": ""}, "Fill this in"),
        ({"words": "   "}, "Fill this in"),
        ({"words": "x" * 2001}, "Characters allowed"),
    ],
)
def test_what_is_wrong_in_the_form_is_told(
    client: FlaskClient, case: Case, wrong: dict[str, str], told: str
) -> None:
    Visitor(client).enter(case)
    page = ask(client, status=422, **{**WRONG, **wrong})
    assert told in said(page)
    assert tellings.waiting(case.id) == []


@pytest.mark.parametrize(
    ("outcome", "told"),
    [(tellings.CORRECTED, "It is corrected"), (tellings.STANDS, "it is right as it is")],
)
def test_the_answer_stands_on_the_page(
    client: FlaskClient, case: Case, outcome: str, told: str
) -> None:
    Visitor(client).enter(case)
    ask(client, **WRONG)
    before = (case.status, case.next_step, case.next_step_on, case.pay_by_on)
    answer(case, outcome, "Vi har tittat i folkbokföringen")
    words = said(Visitor(client).get("/case/data"))
    assert told in words
    assert "Vi har tittat i folkbokföringen" in words
    locked = cases.lock(case.id)
    assert before == (locked.status, locked.next_step, locked.next_step_on, locked.pay_by_on)


def test_what_is_held_of_a_closed_case_is_corrected_too(client: FlaskClient, case: Case) -> None:
    Visitor(client).enter(case)
    ask(client, **WRONG)
    lifecycle.write_off(cases.lock(case.id), actor=CLERK, today=clock.today(), now=clock.now())
    db.session.commit()
    answer(case, tellings.CORRECTED, "")
    ask(client, what="sum", words="Jag betalade 200")
    assert [one.facts["what"] for one in tellings.waiting(case.id)] == ["sum"]
    assert "answer about a correction" in effects.can(cases.lock(case.id), states.CREDITOR)


def test_the_creditor_answers_after_its_effect_was_seen(
    app: Flask, client: FlaskClient, case: Case
) -> None:
    Visitor(client).enter(case)
    ask(client, **WRONG)
    clerk = a_person_at(case.creditor, "collector", SOFIA)
    a_signed_agreement(case.creditor, clerk)
    staff = app.test_client()
    sign_in(app, staff, clerk)
    with app.test_request_context():
        address = app.url_for("creditor.prepare_act", key=case.creditor.key,
                              reference=case.reference, act="check-held")  # fmt: skip
        shown = app.url_for("creditor.show_case", key=case.creditor.key, reference=case.reference)
    assert address in staff.get(shown).text
    values = {"outcome": "stands", "words": "Adressen är den folkbokförda."}
    page = BeautifulSoup(staff.get(address).text, "html.parser")
    for step in ("look", "do"):
        hidden = {one: page.select_one(f"main input[name={one}]").get("value", "")
                  for one in ("csrf_token", "seen")}  # fmt: skip
        response = staff.post(address, data={**hidden, "step": step, **values})
        page = BeautifulSoup(response.text, "html.parser")
    assert response.status_code == 303
    assert tellings.waiting(case.id) == []
    # Read aloud as it was written.
    answered = Visitor(client).get("/case/data").find(string=values["words"]).parent
    assert answered["lang"] == "sv"


def a_signed_plan(case: Case, number: str = EVA) -> None:
    """A plan that was offered and that somebody has signed, sealed."""
    case.debtor.identity_number = EVA
    envelope = plan_signing.offer(
        cases.lock(case.id), monthly_ore=60_000, first_on=clock.today() + timedelta(days=20),
        actor=DEBTOR, today=clock.today(), now=clock.now(),
    )  # fmt: skip
    (signer,), (file,) = envelopes.signers_of(envelope), envelopes.files_of(envelope)
    proof = files.store(b"<xml/>")
    db.session.add(
        EnvelopeSignature(
            creditor_id=case.creditor_id, envelope_id=envelope.id, signer_id=signer.id,
            order_ref="order", name="Eva Berg", identity_number=number, xml_sha256=proof,
            ocsp_sha256=proof, started_ip="192.0.2.7", device="Firefox", signed_at=clock.now(),
            verified_at=clock.now(),
        )
    )  # fmt: skip
    file.sealed_sha256 = files.store(SEALED)
    db.session.commit()


def all_files(client: FlaskClient) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(client.get("/data.zip").data)) as archive:
        return [archive.read(one) for one in archive.namelist()]


def come_in_by_bankid(app: Flask, client: FlaskClient, case: Case) -> None:
    own = {"debtor_cases": [case.id], "debtor_own_cases": [case.id]}
    client.set_cookie(*session_cookie(app, own))


def test_who_has_shown_who_they_are_gets_the_plan_that_they_have_signed(
    app: Flask, client: FlaskClient, case: Case
) -> None:
    a_signed_plan(case)
    come_in_by_bankid(app, client, case)
    assert SEALED in all_files(client)


def test_a_letter_s_code_gives_no_signed_plan_but_tells_of_it(
    client: FlaskClient, case: Case
) -> None:
    a_signed_plan(case)
    Visitor(client).enter(case)
    assert SEALED not in all_files(client)
    text = Visitor(client).raw("/case/data.json").text
    (told,) = json.loads(text)["agreements"]
    assert case.invoice.number in told["title"]
    assert EVA not in text


def test_a_plan_that_somebody_else_has_signed_is_not_given(
    app: Flask, client: FlaskClient, case: Case
) -> None:
    a_signed_plan(case, JOHAN)
    come_in_by_bankid(app, client, case)
    assert SEALED not in all_files(client)


def test_the_file_tells_which_links_and_codes_have_opened_the_case(
    client: FlaskClient, case: Case
) -> None:
    other = a_reminded_case()
    now = clock.now()
    used = entry_links.make(case, "email", now).rpartition("/")[2]
    for one, channel in ((case, "sms"), (other, "email")):
        entry_links.make(one, channel, now)
    entry_links.open_case(used, browser="b", now=now)
    # What is ended before its time was used by nobody.
    links.end([case.id], "sms", now=now)
    db.session.commit()
    Visitor(client).enter(case)
    told = json.loads(Visitor(client).raw("/case/data.json").text)["ways_in"]
    assert [(one["way"], one["channel"], one["used_at"] is not None) for one in told] == [
        ("link", "email", True), ("link", "sms", False)
    ]  # fmt: skip


def test_the_file_tells_which_codes_were_sent(client: FlaskClient, case: Case) -> None:
    case.debtor.email = "eva@debtor.example"
    entry_codes.ask(case.reference, "email", browser="b", language="sv", now=clock.now())
    (asked,) = db.session.scalars(select(EntryCode))
    entry_codes.send(asked.id, now=clock.now())
    db.session.commit()
    Visitor(client).enter(case)
    (told,) = json.loads(Visitor(client).raw("/case/data.json").text)["ways_in"]
    assert (told["way"], told["channel"], told["used_at"]) == ("code", "email", None)
