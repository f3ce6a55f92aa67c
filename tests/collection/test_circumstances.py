"""What one case tells of its debtor holds for letters of their other cases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal.collection import (
    cases,
    changes,
    importing,
    lifecycle,
    moves,
    plans,
    reaching,
    states,
    stops,
    tellings,
)
from portal.collection.models import Case, Debtor, OwnContact
from portal.config import Settings
from portal.database import tenancy
from portal.database.encryption import lookup_hash
from portal.delivery import sending
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor
from portal.identity.models import Creditor
from tests.factories import (
    NOW,
    TODAY,
    a_case,
    a_creditor,
    a_debtor_of,
    a_reminded_case,
    an_invoice_of,
    rules_of,
)
from tests.mailbox_fixtures import Boxes
from tests.waiting import until_somebody_waits

CLERK = Actor("person", "Sofia Nyström", role="creditor")
AHMAD, ZAHRA = "197101019052", "197109049275"
HOME = {"address_line": "Nya vägen 4", "postcode": "41101", "town": "Göteborg", "country": "SE"}


@pytest.fixture
def settings(settings: Settings, boxes: Boxes) -> Settings:
    return boxes.settings(settings)


def a_customer(creditor: Creditor, number: str = AHMAD, **told: object) -> Debtor:
    """A customer of a company with an identity number; told: in their own words."""
    debtor = a_debtor_of(creditor, identity_number=number, identity_number_hash=lookup_hash(number))
    if told:
        own = OwnContact(
            debtor_id=debtor.id, creditor_id=creditor.id, changed_at=NOW, version=1, **told
        )
        db.session.add(own)
    return debtor


def mark(case: Case, kind: str) -> Case:
    """Let a case stand still for what has become known."""
    stops.stop(cases.lock(case.id), kind, "", actor=CLERK, now=NOW)
    db.session.commit()
    return case


def end(case: Case, kind: str) -> Case:
    """Let it hold no more."""
    stops.end(cases.lock(case.id), kind, actor=CLERK, today=TODAY, now=NOW)
    db.session.commit()
    return case


def recall(case: Case) -> Case:
    """Close a case."""
    locked = cases.lock(case.id)
    changes.recall(locked, reason="", actor=CLERK, today=TODAY, now=NOW + timedelta(hours=1))
    db.session.commit()
    return case


def beside(creditor: Creditor, kind: str, **told: object) -> Debtor:
    """A customer with another case that tells of a circumstance."""
    debtor = a_customer(creditor, **told)
    mark(a_case(creditor, debtor=debtor), kind)
    return debtor


def as_another_customer(creditor: Creditor) -> Debtor:
    """Somebody who is a customer of the same company twice."""
    beside(creditor, states.PROTECTED)
    return a_customer(creditor)


def with_another_company(creditor: Creditor) -> Debtor:
    beside(a_creditor(), states.DECEASED)
    return a_customer(creditor)


def as_somebody_else(creditor: Creditor) -> Debtor:
    beside(creditor, states.DECEASED)
    return a_customer(creditor, ZAHRA)


def no_longer(creditor: Creditor) -> Debtor:
    debtor = a_customer(creditor)
    end(mark(a_case(creditor, debtor=debtor), states.BANKRUPT), states.BANKRUPT)
    return debtor


def on_a_closed_case(creditor: Creditor) -> Debtor:
    debtor = a_customer(creditor)
    recall(mark(a_case(creditor, debtor=debtor), states.DECEASED))
    return debtor


def ended_before_the_case(creditor: Creditor) -> Debtor:
    debtor = a_customer(creditor)
    case = mark(a_case(creditor, debtor=debtor), states.BANKRUPT)
    end(case, states.BANKRUPT)
    later = TODAY + timedelta(days=3)
    changes.recall(
        cases.lock(case.id), reason="", actor=CLERK, today=later, now=NOW + timedelta(days=3)
    )
    db.session.commit()
    return debtor


def without_a_hash(creditor: Creditor) -> Debtor:
    debtor = beside(creditor, states.DECEASED)
    debtor.identity_number_hash = None
    return debtor


def marked(kind: str, **told: object) -> Callable[[Creditor], Debtor]:
    return lambda creditor: beside(creditor, kind, **told)


KNOWN: dict[str, tuple[Callable[[Creditor], Debtor], str]] = {
    **{kind: (marked(kind), "letter") for kind in states.CIRCUMSTANCES},
    "deceased, and the mailbox was chosen": (
        marked(states.DECEASED, channel="mailbox"), "letter"),
    "protected, and the mailbox was chosen": (
        marked(states.PROTECTED, channel="mailbox", **HOME), "mailbox"),
    "protected, and another address told": (marked(states.PROTECTED, **HOME), "letter"),
    "an objection": (marked(states.DISPUTE), "mailbox"),
    "as another customer": (as_another_customer, "letter"),
    "without a hash of the number": (without_a_hash, "letter"),
    "with another company": (with_another_company, "mailbox"),
    "somebody else": (as_somebody_else, "mailbox"),
    "no longer": (no_longer, "mailbox"),
    "on a case that was closed since": (on_a_closed_case, "letter"),
    "ended before the case was": (ended_before_the_case, "mailbox"),
}  # fmt: skip


def stops_of(case_id: int) -> list[str]:
    """The kinds of what a case stands still for."""
    return [one.kind for one in moves.open_stops(case_id)]


def let_go_on(case_id: int) -> None:
    """Somebody has looked, and lets a case go on."""
    for kind in stops_of(case_id):
        end(cases.lock(case_id), kind)


def next_cases() -> dict[str, int]:
    """Of each thing known, a case of the same debtor that comes afterwards; of its own company."""
    found = {}
    for name, (make, _) in KNOWN.items():
        creditor = a_creditor()
        found[name] = a_case(creditor, debtor=make(creditor)).id
    return found


@pytest.mark.parametrize("kind", states.CIRCUMSTANCES)
def test_what_is_known_of_a_person_stops_all_their_cases(app: Flask, kind: str) -> None:
    creditor = a_creditor()
    one = a_case(creditor, debtor=a_customer(creditor))
    others = [a_reminded_case(creditor, debtor=one.debtor).id,
              a_reminded_case(creditor, debtor=a_customer(creditor)).id]  # fmt: skip
    mark(one, kind)
    lifecycle.advance(TODAY + timedelta(days=60), NOW + timedelta(days=60))
    assert [(stops_of(other), cases.lock(other).status) for other in others] == [
        ([kind], states.REMINDED)
    ] * 2


def test_a_debtor_who_is_in_one_case_alone_stops_the_others_too(app: Flask) -> None:
    creditor = a_creditor()
    one = a_case(creditor, debtor=a_customer(creditor))
    other = a_case(creditor, debtor=one.debtor).id
    with tenancy.cases([one.id]):
        tell(one, states.BANKRUPT)
        db.session.commit()
    assert stops_of(other) == [states.BANKRUPT]


def tell(case: Case, kind: str) -> None:
    facts = tellings.situation_facts(since=None, contact="", today=TODAY)
    tellings.tell(
        cases.lock(case.id), kind, facts=facts, words="", files=[], language="sv", actor=DEBTOR,
        now=NOW,
    )  # fmt: skip


def test_what_was_told_and_does_not_hold_stops_no_case_any_more(app: Flask) -> None:
    creditor = a_creditor()
    one = a_case(creditor, debtor=a_customer(creditor))
    other, own = (a_case(creditor, debtor=one.debtor) for _ in range(2))
    tell(one, states.BANKRUPT)
    tell(own, states.BANKRUPT)
    tellings.answer(
        cases.lock(one.id), states.BANKRUPT, tellings.GOES_ON, words="Nej", actor=CLERK,
        today=TODAY, now=NOW,
    )  # fmt: skip
    assert (stops_of(other.id), stops_of(own.id)) == ([], [states.BANKRUPT])


def test_other_people_and_other_companies_go_on(app: Flask) -> None:
    creditor = a_creditor()
    mark(a_case(creditor, debtor=a_customer(creditor)), states.DECEASED)
    elsewhere = a_creditor()
    others = [a_case(creditor, debtor=a_customer(creditor, ZAHRA)).id,
              a_case(elsewhere, debtor=a_customer(elsewhere)).id]  # fmt: skip
    assert [stops_of(one) for one in others] == [[], []]


def test_a_new_case_stands_still_for_what_is_known_until_somebody_has_looked(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    debtor = beside(creditor, states.DECEASED)
    waiting = [an_invoice_of(creditor, debtor=one).id for one in (debtor, a_debtor_of(creditor))]
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    db.session.commit()
    opened = [
        db.session.scalars(select(Case).where(Case.invoice_id == one)).one() for one in waiting
    ]
    assert [stops_of(one.id) for one in opened] == [[states.DECEASED], []]
    let_go_on(opened[0].id)
    lifecycle.advance(TODAY, NOW)
    assert {cases.lock(one.id).status for one in opened} == {states.REMINDED}


def test_letters_go_to_no_mailbox_when_another_case_tells_why(app: Flask) -> None:
    one_by_one = {
        name: reaching.reader(db.session.get_one(Case, one)).channel
        for name, one in next_cases().items()
    }
    assert one_by_one == {name: goes_by for name, (_, goes_by) in KNOWN.items()}


def test_thousands_at_once_keep_to_what_other_cases_tell_as_one_does(app: Flask) -> None:
    some = next_cases()
    one_by_one = {
        name: reaching.reader(db.session.get_one(Case, one)).mailbox for name, one in some.items()
    }
    for one in some.values():
        let_go_on(one)
    lifecycle.advance(TODAY, NOW)
    found = select(Message.case_id, Message.mailbox).where(Message.case_id.in_(some.values()))
    together = {row.case_id: row.mailbox for row in db.session.execute(found)}
    assert {name: together[one] for name, one in some.items()} == one_by_one


def test_a_debtor_who_sees_one_case_alone_is_known_by_the_others(app: Flask) -> None:
    creditor = a_creditor()
    case_id = a_case(creditor, debtor=beside(creditor, states.REPRESENTED)).id
    db.session.expire_all()
    with tenancy.cases([case_id]):
        assert reaching.reader(db.session.get_one(Case, case_id)).channel == "letter"


def test_what_waits_for_a_mailbox_goes_by_post_and_nobody_is_asked(
    app: Flask, boxes: Boxes
) -> None:
    boxes.give(AHMAD, ZAHRA)
    creditor = a_creditor()
    waiting = a_case(creditor, debtor=a_customer(creditor))
    plans.agree(
        cases.lock(waiting.id), monthly_ore=60_000, first_on=TODAY, actor=CLERK, today=TODAY,
        now=NOW,
    )  # fmt: skip
    a_reminded_case(creditor, debtor=a_customer(creditor, ZAHRA))
    mark(a_case(creditor, debtor=waiting.debtor), states.PROTECTED)
    sending.deliver_waiting(NOW)
    rows = db.session.scalars(select(Message).order_by(Message.id)).all()
    assert [(row.channel, row.status, row.mailbox) for row in rows] == [
        ("letter", "sent", None), ("mailbox", "sent", None),
    ]  # fmt: skip
    assert boxes.matched == [1]


def test_two_cases_of_a_person_that_are_told_of_at_once_do_not_wait_for_each_other(
    app: Flask,
) -> None:
    creditor = a_creditor()
    customer = a_customer(creditor)
    first, second = (a_case(creditor, debtor=customer) for _ in range(2))
    second_id = second.id

    def tell_of_second() -> str:
        with app.app_context(), tenancy.service():
            stops.lock_together(db.session.get_one(Case, second_id))
            mark(cases.lock(second_id), states.DECEASED)
            return cases.lock(second_id).status

    stops.lock_together(first)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(tell_of_second)
        until_somebody_waits()
        mark(first, states.BANKRUPT)
        assert other.result(timeout=20) == "imported"
    for case in (first, second):
        kinds = {one.kind for one in moves.open_stops(case.id)}
        assert kinds == {states.BANKRUPT, states.DECEASED}
