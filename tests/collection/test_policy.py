"""The minimal rule: so many days after the due date, and not from before a certain day."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask

from portal.collection.models import Rules
from portal.collection.policy import DEFAULTS, Candidate, Effective, decide, effective, merge
from portal.database import tenancy
from tests.factories import a_creditor, a_reminded_case, rules_of

DUE = date(2023, 1, 1)


def rules(**values: object) -> Effective:
    return Effective({**DEFAULTS, "is_active": True, **values}, {})


def outcome(today: date, *, due_on: date = DUE, currency: str = "SEK", **values: object) -> str:
    invoice = Candidate(due_on, None, 100_00, currency, "invoice", True, False)
    return decide(invoice, rules(**values), today).code


def test_an_invoice_waits_until_its_days_have_passed() -> None:
    assert outcome(DUE + timedelta(days=6), days_after_due=7) == "too early"


def test_an_invoice_is_taken_on_its_day() -> None:
    assert outcome(DUE + timedelta(days=7), days_after_due=7) == "overdue"


@pytest.mark.parametrize(
    ("due_on", "expected"),
    [(date(2022, 12, 31), "before import date"), (date(2023, 1, 1), "overdue")],
)
def test_what_fell_due_before_the_import_date_is_left_out(due_on: date, expected: str) -> None:
    today = date(2023, 3, 1)
    assert outcome(today, due_on=due_on, import_after_on=date(2023, 1, 1)) == expected


def test_nothing_is_taken_while_collection_is_off() -> None:
    assert outcome(DUE + timedelta(days=30), is_active=False) == "paused"


def test_another_currency_is_left_out() -> None:
    assert outcome(DUE + timedelta(days=30), currency="EUR") == "currency"


@pytest.mark.parametrize(
    ("due_on", "expected"), [(date(1981, 12, 31), "too old"), (date(1982, 1, 1), "overdue")]
)
def test_what_is_older_than_the_act_of_limitation_is_left_out(due_on: date, expected: str) -> None:
    assert outcome(DUE, due_on=due_on) == expected


def test_a_customers_rule_beats_the_companys_and_says_so() -> None:
    found = merge(
        {
            "company": Rules(scope="company", days_after_due=5, interest_kind="none"),
            "customer": Rules(scope="customer", days_after_due=20),
        }
    )
    assert (found.days_after_due, found.scopes["days_after_due"]) == (20, "customer")
    assert (found.interest_kind, found.scopes["interest_kind"]) == ("none", "company")
    assert found.scopes["reminder_days"] == "default"


def test_the_agreed_rate_is_kept_exact() -> None:
    found = merge({"company": Rules(scope="company", agreed_rate=Decimal("24.5"))})
    assert found.agreed_rate == Decimal("24.5")


def test_what_is_decided_behind_a_debtors_walls_is_decided_by_the_creditors_rules(
    app: Flask,
) -> None:
    creditor = a_creditor()
    rules_of(creditor, may_plan=False, small_rest_ore=4_700)
    case = a_reminded_case(creditor)
    with tenancy.cases([case.id]):
        found = effective(creditor.id, case.debtor.customer_number, case.debtor.customer_class)
    assert (found.may_plan, found.small_rest_ore) == (False, 4_700)
