"""What reports tell of single invoices and cases."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask

from portal.collection import cases, changes
from portal.extensions import db
from portal.reporting.tables import said
from tests.factories import NOW, TODAY, a_case, a_case_whose_reminder_left, a_creditor, a_debtor_of
from tests.reporting.conftest import paid
from tests.reporting.test_reports import CREDITOR, behaviour, english, steps_of, tables

__all__ = ["english"]


def test_a_case_that_is_paid_after_its_reminder_is_closed_at_the_reminder(app: Flask) -> None:
    creditor = a_creditor()
    case = a_case_whose_reminder_left(creditor)
    paid(case, cases.amount_due(case, TODAY).total_ore)
    _, told = steps_of(creditor)
    row = told["2026-03", "Reminder"]
    assert (row["Closed as paid"], row["Claims closed as paid"]) == (1, case.principal_ore)
    assert (row["Fees charged"], row["Fees paid"]) == (6_000, 6_000)


@pytest.mark.parametrize(
    ("size", "group"),
    [("0-9", "0–9 employees"), ("250+", "250 employees or more"),
     (None, "Businesses of unknown size")],
)  # fmt: skip
def test_a_business_stands_in_its_group_and_as_unknown_when_nobody_told(
    app: Flask, size: str | None, group: str
) -> None:
    creditor = a_creditor()
    debtor = a_debtor_of(creditor, kind="company", size_class=size)
    paid(a_case_whose_reminder_left(creditor, debtor=debtor), 200_000)
    (_, rows), *_ = behaviour(creditor)
    assert [said(row[1]) for row in rows] == [group]


def test_averages_are_days_of_all_invoices_divided_by_their_number(app: Flask) -> None:
    creditor = a_creditor()
    for days in (30, 10, 20):
        due_on = TODAY - timedelta(days=20)
        case = a_case_whose_reminder_left(
            creditor, due_on=due_on, issued_on=due_on - timedelta(days=days)
        )
        paid(case, 200_000, key=str(days))
    (_, ((_, _, count, _, agreed, actual, late, share, *_),)), *_ = behaviour(creditor)
    assert (count, agreed, actual, late, share) == (
        3, Decimal("20.0"), Decimal("40.0"), 3, Decimal("100.0"),
    )  # fmt: skip


def test_an_invoice_paid_to_the_creditor_directly_counts_and_one_credited_does_not(
    app: Flask,
) -> None:
    creditor = a_creditor()
    direct, credited = a_case(creditor), a_case(creditor)
    changes.creditor_was_paid(
        direct, amount_ore=100_000, on=TODAY, key="1", actor=CREDITOR, now=NOW
    )
    changes.credit(credited, amount_ore=100_000, on=TODAY, key="2", actor=CREDITOR, now=NOW)
    db.session.commit()
    (_, ((_, _, count, *_),)), *_ = behaviour(creditor)
    assert count == 1


def test_an_invoice_without_a_date_is_counted_but_in_no_average(app: Flask) -> None:
    creditor = a_creditor()
    paid(a_case_whose_reminder_left(creditor, issued_on=None), 200_000)
    (_, ((_, _, count, _, agreed, actual, *_, undated),)), *_ = behaviour(creditor)
    assert (count, agreed, actual, undated) == (1, None, None, 1)


def test_what_is_not_paid_stands_beside_what_is(app: Flask) -> None:
    creditor = a_creditor()
    a_case(creditor)
    *_, (_, ((group, count, ore, _),)) = behaviour(creditor)
    assert (said(group), count, ore) == ("Consumers", 1, 100_000)


def test_a_case_of_another_currency_is_told_in_that_one(app: Flask) -> None:
    creditor = a_creditor()
    case = a_case(creditor)
    case.currency = "EUR"
    db.session.commit()
    assert tables(creditor, "open-claims")[0][1] == []
    assert len(tables(creditor, "open-claims", currency="eur")[0][1]) == 1
