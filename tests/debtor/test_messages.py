"""Writing to the creditor from the page of the case, and reading the answer there."""

from flask.testing import FlaskClient

from portal import clock
from portal.collection import cases, correspondence
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import Actor
from tests.debtor.test_pages import Visitor, at_first_case, case, said

__all__ = ["case"]


def send(client: FlaskClient, words: str) -> tuple[int, str]:
    visitor = Visitor(client)
    page = visitor.get("/case/messages")
    token = page.select_one("main input[name=csrf_token]")["value"]
    answer = client.post(
        at_first_case("/case/messages"), data={"csrf_token": token, "words": words},
        headers=visitor.headers, follow_redirects=True,
    )  # fmt: skip
    return answer.status_code, answer.text


def test_a_message_is_written_and_answered_on_the_same_page(
    client: FlaskClient, case: Case
) -> None:
    Visitor(client).enter(case)
    status, _ = send(client, "I never got the invoice.\U0001f600")
    assert status == 200
    clerk = Actor("person", "Sofia Nyström", role="creditor")
    correspondence.write(
        cases.lock(case.id),
        "Vi skickar den igen.",
        seen=0,
        language="sv",
        actor=clerk,
        now=clock.now(),
    )
    db.session.commit()
    page = Visitor(client).get("/case/messages")
    assert "I never got the invoice.\U0001f600" in said(page)
    answer = page.find("p", string="Vi skickar den igen.")
    assert (answer["lang"], answer["dir"]) == ("sv", "auto")


def test_what_was_typed_is_not_lost_when_it_is_too_long(client: FlaskClient, case: Case) -> None:
    Visitor(client).enter(case)
    words = "x" * 2_001
    status, text = send(client, words)
    assert (status, words in text) == (422, True)
