"""At which step the report of steps tells what came."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from portal.collection import cases, plans, settling
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import DEBTOR, SYSTEM, Actor
from portal.payments import booking
from portal.reporting import steps
from tests.factories import NOW, TODAY, a_case_whose_reminder_left
from tests.payments.paying_out import owe

DAY = timedelta(days=1)
CREDITOR = Actor("person", "Eva", role="creditor")


def end(case: Case) -> None:
    plans.call_off(case, reason="", actor=CREDITOR, today=TODAY, now=NOW + DAY)


def break_off(case: Case) -> None:
    plans.break_off(case, actor=SYSTEM, today=TODAY, now=NOW + DAY)


def keep(case: Case) -> None:
    pass


@pytest.mark.parametrize(
    ("became", "step"),
    [(keep, "Payment plan"), (break_off, "Reminder"), (end, "Reminder")],
)
def test_what_comes_is_told_at_the_plan_for_as_long_as_it_runs(
    app: Flask, became: Callable[[Case], None], step: str
) -> None:
    case = a_case_whose_reminder_left()
    plans.agree(
        cases.lock(case.id), monthly_ore=50_000, first_on=TODAY + 20 * DAY, actor=DEBTOR,
        today=TODAY, now=NOW,
    )  # fmt: skip
    became(cases.lock(case.id))
    settling.settle_payment(
        case, amount_ore=10_000, key="one", channel="bankgiro", value_on=TODAY, actor=SYSTEM,
        now=NOW + 2 * DAY,
    )  # fmt: skip
    db.session.commit()
    report = steps.build(
        case.creditor_id, {"from": str(TODAY), "to": str(TODAY + DAY), "currency": "SEK"}
    )
    received = [one.label for one in steps.COLUMNS].index("Received")
    rows = list(report.tables[0].read())
    assert [row[1].message for row in rows if row[received]] == [step]  # type: ignore[union-attr]


def test_a_fee_that_went_back_since_it_was_paid_late_counts_as_given_up(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    for key, ore, day in (("second", 120_000, 30), ("first", 100_548, 0)):
        booking.receive(
            case.id, amount_ore=ore, currency="SEK", key=f"bankgiro:{key}", channel="bankgiro",
            value_on=TODAY + (day - 1) * DAY, payer=None, actor=SYSTEM, now=NOW + 40 * DAY,
        )  # fmt: skip
    db.session.commit()
    report = steps.build(
        case.creditor_id,
        {"from": str(TODAY - DAY), "to": str(TODAY + 40 * DAY), "currency": "SEK"},
    )
    columns = [one.label for one in steps.COLUMNS]
    rows = list(report.tables[0].read())
    told = {
        name: sum(row[columns.index(name)] for row in rows)  # type: ignore[misc]
        for name in ("Fees charged", "Fees paid", "Fees given up")
    }
    assert told == {"Fees charged": 60_00, "Fees paid": 0, "Fees given up": 60_00}


def test_fees_that_the_company_bears_are_told_at_their_step(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    owe(case, 60_00)
    report = steps.build(
        case.creditor_id, {"from": str(TODAY), "to": str(TODAY), "currency": "SEK"}
    )
    borne = [one.label for one in steps.COLUMNS].index("Fees that you bear")
    rows = list(report.tables[0].read())
    assert [(row[1].message, row[borne]) for row in rows if row[borne]] == [("Reminder", 60_00)]  # type: ignore[union-attr]


def test_a_fee_that_late_money_shows_was_never_due_is_told_as_paid_by_none(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    for key, ore, on in (("later", 107_370, TODAY + 30 * DAY), ("first", 100_548, TODAY - DAY)):
        booking.receive(
            case.id, amount_ore=ore, currency="SEK", key=f"bankgiro:{key}", channel="bankgiro",
            value_on=on, payer=None, actor=SYSTEM, now=NOW + 40 * DAY,
        )  # fmt: skip
    db.session.commit()
    report = steps.build(
        case.creditor_id,
        {"from": str(TODAY), "to": str(TODAY + 40 * DAY), "currency": "SEK"},
    )
    paid = [one.label for one in steps.COLUMNS].index("Fees paid")
    assert not any(row[paid] for row in report.tables[0].read())
