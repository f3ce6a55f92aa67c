"""What the demo tells of itself when it is started once more."""

from dataclasses import asdict

from flask import Flask

from portal import clock
from portal.collection import access, attachments, disputes, notes, plans, settling
from portal.extensions import db
from portal.identity.actor import SWISH, SYSTEM
from simulators.people import people
from tests.factories import NOW, TODAY, a_creditor, a_reminded_case, rules_of
from tools import seed_second
from tools.seed import demo_cases, seed_work


def test_cases_that_can_be_paid_are_named_before_those_that_are_paid(app: Flask) -> None:
    creditor = a_creditor()
    paid, one, other = (
        a_reminded_case(creditor, terms={"interest_kind": "none"}) for _ in range(3)
    )
    settling.settle_payment(
        paid, amount_ore=106_000, key="x", channel="swish", value_on=TODAY, actor=SWISH, now=NOW
    )
    db.session.commit()
    assert [case.id for case in demo_cases()] == [one.id, other.id]


def test_the_demo_has_an_objection_a_note_a_file_and_a_plan_once(app: Flask) -> None:
    creditor = a_creditor()
    objected, planned = (a_reminded_case(creditor, number=one) for one in ("10403", "10405"))
    for _ in range(2):
        seed_work(creditor)
    assert len(disputes.of_case(objected.id)) == 1
    assert len(notes.of_case(objected.id)) == len(attachments.of_case(objected.id)) == 1
    assert plans.running(planned.id) is not None


def test_the_demos_second_creditor_has_a_case_of_ahmad_and_one_that_marek_sees(app: Flask) -> None:
    creditor = a_creditor("Sävar Fiber AB")
    rules_of(creditor)
    known = {one.personal_number: asdict(one) for one in people()}
    seed_second.live(creditor, known, SYSTEM)
    for number in (seed_second.AHMAD, seed_second.MAREK):
        assert len(access.of_person(number, today=clock.today())) == 1
