"""A payment plan in writing: every payment, what it costs, and what if one cannot pay."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.collection import lifecycle, plans, states, stops
from portal.collection.models import Case
from portal.delivery import sending
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import Actor
from tests.delivery.conftest import Press
from tests.delivery.contents import a_reminder
from tests.factories import NOW, TODAY, a_reminded_case

CLERK = Actor("person", "Johan Ekdahl", None, "creditor")


def a_plan(count: int = 3, **changed: Any) -> dict[str, Any]:
    instalments = [
        {"due_on": f"{2026 + place // 12}-{place % 12 + 1:02}-28", "ore": 41_849}
        for place in range(count)
    ]
    return a_reminder(
        instalments=instalments, plan_ore=125_548, fee_ore=17_000, total_ore=41_849, parts=[],
        pay_by_on=instalments[0]["due_on"], **changed,
    )  # fmt: skip


@pytest.mark.parametrize(
    "words",
    ["Du betalar 3 gånger, sammanlagt 1 255,48 kr", "planens avgift, 170,00 kr",
     "Första betalningen", "28 mars 2026", "Kan du inte betala en månad?"],
)  # fmt: skip
def test_the_letter_says(press: Press, words: str) -> None:
    assert words in " ".join(press.letter(a_plan(), kind="plan").text(1).split())


@pytest.mark.parametrize("count", [1, 36])
@pytest.mark.parametrize(("language", "pages"), [("sv", 1), ("en", 2), ("ar", 2)])
def test_every_payment_has_room(press: Press, count: int, language: str, pages: int) -> None:
    assert press.letter(a_plan(count), language, kind="plan").pages == pages


def agreed(case: Case) -> Case:
    plans.agree(case, monthly_ore=50_000, first_on=TODAY, actor=CLERK, today=TODAY, now=NOW)
    db.session.commit()
    return case


def letters(case: Case) -> list[tuple[str, str]]:
    rows = db.session.execute(
        select(Message.kind, Message.status).where(Message.case_id == case.id).order_by(Message.id)
    )
    return [(kind, status) for kind, status in rows]


def test_what_was_agreed_on_goes_out_in_writing(app: Flask) -> None:
    case = agreed(a_reminded_case())
    sending.deliver_waiting(NOW)
    assert letters(case) == [("reminder", "withdrawn"), ("plan", "sent")]


def test_a_plan_that_is_ended_before_it_was_sent_is_not_sent(app: Flask) -> None:
    case = a_reminded_case()
    sending.deliver_waiting(NOW)
    lifecycle.end_plan(agreed(case), reason="r", actor=CLERK, today=TODAY, now=NOW)
    db.session.commit()
    assert letters(case) == [("reminder", "sent"), ("plan", "withdrawn")]


def test_a_reminder_that_the_plan_held_back_is_written_anew_after_it(app: Flask) -> None:
    case = agreed(a_reminded_case())
    sending.deliver_waiting(NOW)
    lifecycle.end_plan(case, reason="r", actor=CLERK, today=TODAY, now=NOW)
    stops.end(case, states.HOLD, actor=CLERK, today=TODAY, now=NOW)
    db.session.commit()
    assert letters(case)[-1] == ("reminder", "waiting")
