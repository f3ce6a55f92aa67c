"""What a debtor and a company write to each other."""

import pytest
from flask import Flask
from sqlalchemy import select

from portal.collection import cases, correspondence
from portal.collection.models import Case, CaseMessage, Event
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor
from portal.messages import RedaError
from tests.factories import NOW, a_creditor, a_reminded_case

CLERK = Actor("person", "Sofia Nyström", role="creditor")


@pytest.fixture
def case(app: Flask) -> Case:
    return a_reminded_case()


def seen(case: Case) -> int:
    """The newest message that a page of the case shows now."""
    return max([0, *(one.id for one in correspondence.of_case(case.id))])


def write(
    case: Case, words: str, actor: Actor = DEBTOR, language: str = "ar", seen_id: int | None = None
) -> CaseMessage | None:
    said = correspondence.write(
        cases.lock(case.id), words, seen=seen(case) if seen_id is None else seen_id,
        language=language, actor=actor, now=NOW,
    )  # fmt: skip
    db.session.commit()
    return said


def events(case: Case) -> list[str]:
    names = db.session.scalars(
        select(Event.name).where(Event.case_id == case.id).order_by(Event.id)
    )
    return [one for one in names if "message" in one]


def test_a_message_is_kept_as_it_was_written_with_its_language(case: Case) -> None:
    write(case, " لم أستلم الفاتورة ")
    (one,) = correspondence.of_case(case.id)
    assert (one.words, one.language, one.is_from_debtor) == ("لم أستلم الفاتورة", "ar", True)
    assert events(case) == ["case.message_received"]


def test_a_message_waits_until_the_company_answers(case: Case) -> None:
    write(case, "Hello?")
    assert correspondence.waits(case.id)
    write(case, "Good day!", CLERK, "sv")
    assert not correspondence.waits(case.id)


def test_a_message_may_need_no_answer(case: Case) -> None:
    write(case, "Thank you!")
    assert correspondence.settle(cases.lock(case.id), seen=seen(case), actor=CLERK, now=NOW)
    assert not correspondence.waits(case.id)
    assert not correspondence.settle(cases.lock(case.id), seen=seen(case), actor=CLERK, now=NOW)


def test_a_page_sent_twice_says_it_once(case: Case) -> None:
    write(case, "Hello?", seen_id=0)
    assert write(case, "Hello?", seen_id=0) is None
    assert len(correspondence.of_case(case.id)) == 1


def test_the_same_words_once_more_from_the_page_that_shows_them_are_a_new_message(
    case: Case,
) -> None:
    write(case, "Hello?")
    correspondence.settle(cases.lock(case.id), seen=seen(case), actor=CLERK, now=NOW)
    assert write(case, "Hello?") is not None
    assert correspondence.waits(case.id)


@pytest.mark.parametrize("is_written", [True, False])
def test_what_came_while_somebody_answered_goes_on_waiting(case: Case, is_written: bool) -> None:
    write(case, "Hello?")
    shown = seen(case)
    write(case, "And another thing.")
    if is_written:
        write(case, "Good day!", CLERK, "sv", seen_id=shown)
    else:
        correspondence.settle(cases.lock(case.id), seen=shown, actor=CLERK, now=NOW)
    answered = [one.answered_at for one in correspondence.of_case(case.id) if one.is_from_debtor]
    assert answered == [NOW, None]


@pytest.mark.parametrize("words", [" ", "x" * 2_001])
def test_nothing_and_too_much_are_refused(case: Case, words: str) -> None:
    with pytest.raises(RedaError):
        write(case, words)


def test_what_waits_is_among_what_needs_somebody(case: Case) -> None:
    write(case, "Hello?")
    waiting = correspondence.waiting_sql(case.creditor_id)
    assert db.session.scalars(waiting).all() == [NOW]


def test_another_debtor_and_another_company_see_nothing_of_it(case: Case) -> None:
    write(case, "Hello?")
    other = a_reminded_case(a_creditor("Fjällbäcks Tandvård AB"))
    case_id, walls = case.id, (tenancy.cases([other.id]), tenancy.creditors([other.creditor_id]))
    for wall in walls:
        with wall:
            assert correspondence.of_case(case_id) == []
