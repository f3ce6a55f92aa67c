"""What rules would do, held day by day against the rule for one invoice."""

import random
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.collection import deciding, policy, previewing
from portal.collection.models import Debtor, Invoice, Rules
from portal.collection.previewing import Asked, Fate, Wanted
from portal.extensions import db
from portal.identity.models import Creditor
from tests.collection.twins import some_invoices, some_rules
from tests.factories import NOW, TODAY, a_creditor, a_debtor_of, an_invoice_of, rules_of

KEYS = [
    ("company", ""), ("class", "A"), ("class", "B"),
    *(("customer", f"K{number}") for number in range(4)), ("customer", "nobody"),
]  # fmt: skip
ENDS = st.none() | st.integers(-2, 40).map(lambda days: TODAY + timedelta(days=days))
ROW = st.fixed_dictionaries(
    {
        "is_active": st.sampled_from([None, True, True, False]),
        "days_after_due": st.none() | st.integers(1, 60),
        "import_after_on": st.none() | st.just(TODAY - timedelta(days=20)),
        "is_excluded": st.sampled_from([None, None, False, True]),
        "collects_from": st.none() | st.sampled_from(policy.COLLECTS_FROM),
        "lowest_ore": st.none() | st.sampled_from([0, 5_000]),
        "highest_ore": st.none() | st.sampled_from([0, 500_000]),
        "left_out_types": st.none() | st.sampled_from([[], ["prepayment"]]),
        "already_reminded": st.none() | st.sampled_from(policy.ALREADY_REMINDED),
        "reminder_fee_agreed": st.none() | st.booleans(),
        "ends_on": ENDS,
    }
)
SHEET = st.dictionaries(st.sampled_from(KEYS), ROW, max_size=len(KEYS))
INVOICE = st.fixed_dictionaries(
    {
        "customer": st.integers(0, 5),
        "overdue_days": st.integers(-50, 70),
        "balance_ore": st.sampled_from([1_000, 100_000, 900_000]),
        "currency": st.sampled_from(["SEK", "SEK", "SEK", "EUR"]),
        "type": st.sampled_from(["invoice", "prepayment"]),
        "reminder_fee_charged": st.booleans(),
        "is_old": st.sampled_from([False, False, False, False, True]),
    }
)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    """With six customers of several classes and kinds."""
    creditor = a_creditor()
    for number in range(6):
        a_debtor_of(
            creditor, customer_number=f"K{number}", customer_class=[None, "A", "B"][number % 3],
            kind=["person", "company"][number % 2],
        )  # fmt: skip
    db.session.commit()
    return creditor


def _write(creditor: Creditor, rows: Mapping[deciding.Key, Any], invoices: list[Any]) -> None:
    # What the example before wrote.
    db.session.rollback()
    debtors = {one.customer_number: one.id for one in db.session.scalars(select(Debtor))}
    for (scope, key), values in rows.items():
        db.session.add(
            Rules(creditor_id=creditor.id, scope=scope, scope_key=key, changed_at=NOW, **values)
        )
    for place, one in enumerate(invoices):
        values = {**one, "debtor_id": debtors[f"K{one['customer']}"], "number": f"F{place}"}
        due_on = TODAY - timedelta(days=values.pop("overdue_days"))
        issued_on = date(1981, 12, 31) if values.pop("is_old") else due_on - timedelta(days=30)
        del values["customer"]
        db.session.add(
            Invoice(
                creditor_id=creditor.id, due_on=due_on, issued_on=issued_on, amount_ore=900_000,
                description="El", decision="waiting", created_at=NOW, **values,
            )
        )  # fmt: skip
    db.session.flush()


def _day_by_day(invoice: Invoice, rows: Mapping[deciding.Key, Any]) -> Fate:
    """What `policy.decide` says, asked anew on each day with the rows that still hold."""
    debtor = invoice.debtor
    keys = [
        ("company", ""), ("class", debtor.customer_class or ""),
        ("customer", debtor.customer_number),
    ]  # fmt: skip
    for days in range(previewing.DAYS_AHEAD + 1):
        today = TODAY + timedelta(days=days)
        held = {
            key[0]: Rules(**rows[key])
            for key in keys
            if key in rows and (rows[key]["ends_on"] is None or rows[key]["ends_on"] >= today)
        }
        rules = policy.merge(held)
        decision = policy.decide(policy.Candidate.of(invoice), rules, today)
        setting = policy.DECIDED_BY.get(decision.code)
        fate = Fate(
            today if decision.code == "overdue" else None,
            decision.code,
            setting,
            policy.as_json(rules.values[setting]) if setting else None,
            rules.scopes[setting] if setting else None,
        )
        if fate.first_on is not None:
            break
    return fate


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    saved=SHEET, edited=SHEET, invoices=st.lists(INVOICE, min_size=1, max_size=12),
    is_edited=st.booleans(), assumes_on=st.booleans(),
)  # fmt: skip
def test_each_invoice_fares_as_the_rule_for_one_says_on_each_day(
    creditor: Creditor,
    saved: dict[Any, Any],
    edited: dict[Any, Any],
    invoices: list[Any],
    is_edited: bool,
    assumes_on: bool,
) -> None:
    _write(creditor, saved, invoices)
    edited = edited if is_edited else {}
    asked = Asked(creditor.id, TODAY, edited, assumes_on)
    sides = [{**saved, **edited}, saved]
    if assumes_on:
        nothing = {"ends_on": None}
        sides = [
            {**one, ("company", ""): {**one.get(("company", ""), nothing), "is_active": True}}
            for one in sides
        ]
    alone = {
        one.id: tuple(_day_by_day(one, rows) for rows in sides)
        for one in db.session.scalars(select(Invoice))
    }
    lines = previewing.page(asked, Wanted()).lines
    together = {one.id: (one.fate, one.before) for one in lines}
    explained = {
        id: (_last(found.spells), _last(found.spells_before))
        for id in alone
        if (found := previewing.explain(asked, id))
    }
    counted = {
        (one.first_on, one.code, one.first_on_before, one.code_before): 0
        for one in previewing.preview(asked).groups
    }
    assert together == alone
    assert explained == alone
    assert set(counted) == {
        (new.first_on, new.code, old.first_on, old.code) for new, old in alone.values()
    }


def _last(spells: Any) -> Fate:
    return spells[-1].fate


def test_what_is_counted_is_what_is_listed(app: Flask) -> None:
    creditor = a_creditor()
    some_rules(creditor, random.Random(5))
    some_invoices(creditor, random.Random(5), 600)
    edited = {("company", ""): {**policy.DEFAULTS, "is_active": True, "lowest_ore": 5_000_00}}
    asked = Asked(creditor.id, TODAY, edited)
    found = previewing.preview(asked)
    assert found.every.count == 600
    assert set(found.changes) >= {previewing.GAINED, previewing.LOST, previewing.OTHER_REASON}
    for change, counted in found.changes.items():
        lines = list(previewing.every(asked, Wanted(change=change)))
        assert (len(lines), sum(line.balance_ore for line in lines)) == (
            counted.count, sum(counted.ore.values()),
        )  # fmt: skip
    for code, (counted, _) in found.reasons.items():
        assert sum(1 for _ in previewing.every(asked, Wanted(code=code))) == counted.count


def test_pages_follow_each_other_without_a_gap(app: Flask) -> None:
    creditor = a_creditor()
    some_rules(creditor, random.Random(5))
    some_invoices(creditor, random.Random(5), 130)
    asked, after, pages = Asked(creditor.id, TODAY), None, []
    while not pages or after is not None:
        page = previewing.page(asked, Wanted(), after=after)
        pages.append(page.lines)
        after = page.after
    assert [len(one) for one in pages] == [50, 50, 30]
    assert [line for one in pages for line in one] == list(previewing.every(asked, Wanted()))


def test_reminders_are_written_on_banking_days(creditor: Creditor) -> None:
    rules_of(creditor, days_after_due=7)
    saturday = date(2026, 3, 14)
    an_invoice_of(creditor, due_on=saturday - timedelta(days=7))
    an_invoice_of(creditor, due_on=saturday - timedelta(days=7), reminder_fee_charged=True)
    found = previewing.preview(Asked(creditor.id, TODAY))
    assert found.days[saturday].count == 2
    assert [(day, one.count, one.with_fee) for day, one in found.reminders.items()] == [
        (date(2026, 3, 16), 2, 1)
    ]


def test_a_preview_changes_nothing(creditor: Creditor) -> None:
    rules_of(creditor, is_active=False)
    invoice = an_invoice_of(creditor)
    asked = Asked(creditor.id, TODAY, {("company", ""): {"is_active": True}})
    assert previewing.preview(asked).taken_today.count == 1
    db.session.commit()
    db.session.refresh(invoice)
    assert (invoice.decision, invoice.reason) == ("waiting", None)
    assert not policy.effective(creditor.id).is_active


def test_an_invoice_is_found_by_its_number_and_by_its_customers(creditor: Creditor) -> None:
    rules_of(creditor)
    debtor = a_debtor_of(creditor, customer_number="4711")
    one, two = (an_invoice_of(creditor, debtor=debtor, number=number) for number in ("A1", "A2"))
    an_invoice_of(creditor)
    asked = Asked(creditor.id, TODAY)
    assert [line.id for line in previewing.page(asked, Wanted(of="A2")).lines] == [two.id]
    found = previewing.page(asked, Wanted(of="4711")).lines
    assert [line.id for line in found] == [one.id, two.id]


def test_anothers_invoice_is_not_explained(creditor: Creditor) -> None:
    theirs = an_invoice_of(a_creditor())
    assert previewing.explain(Asked(creditor.id, TODAY), theirs.id) is None
