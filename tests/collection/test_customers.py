"""What holds for a customer, who says so, and that every change can be undone."""

import random
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from portal.collection import customers, importing, policy, rulebook
from portal.collection.customers import Filters
from portal.collection.models import Invoice, Rules
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from tests.collection.twins import some_invoices
from tests.factories import NOW, TODAY, a_case, a_creditor, a_debtor_of, an_invoice_of, rules_of

EVA = Actor("person", "Eva")
BY: dict[str, Any] = {"actor": EVA, "today": TODAY, "now": NOW}
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "is_excluded": st.booleans(),
    "days_after_due": st.integers(1, 30),
    "collects_from": st.sampled_from(policy.COLLECTS_FROM),
    "lowest_ore": st.integers(0, 5_000),
    "highest_ore": st.integers(10_000, 9_000_000),
    "left_out_types": st.sampled_from([[], ["prepayment"], ["invoice"]]),
    "already_reminded": st.sampled_from(policy.ALREADY_REMINDED),
    "reminder_days": st.integers(12, 30),
    "demand_days": st.integers(12, 30),
    "may_plan": st.booleans(),
    "reminder_fee_by": st.sampled_from(policy.FEE_BY),
    "reminder_text": st.sampled_from(["", "Hej!"]),
}
ROWS = st.fixed_dictionaries({}, optional=_VALUES)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor()


def numbers_of(creditor: Creditor, **filters: Any) -> list[str]:
    found = customers.page(creditor.id, Filters(sort="number", **filters), TODAY)
    return [one.number for one in found.rows]


def holds(creditor: Creditor) -> list[tuple[object, object]]:
    """All that holds for a customer of the class, one of none, and one that has not come."""
    return [
        (found.values, found.scopes)
        for found in (
            policy.effective(creditor.id, "K1", "A"),
            policy.effective(creditor.id, "K2", None),
            policy.effective(creditor.id, "nobody", "A"),
        )
    ]


def put(creditor: Creditor, scope: str, key: str, values: dict[str, Any]) -> int | None:
    event_id = rulebook.put_many(creditor.id, scope, [key], values, **BY)
    db.session.commit()
    return event_id


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(company=ROWS, of_class=ROWS, own=ROWS, seed=st.integers(0, 1000))
def test_what_the_page_tells_is_what_holds_and_what_the_import_decides_by(
    app: Flask,
    company: dict[str, Any],
    of_class: dict[str, Any],
    own: dict[str, Any],
    seed: int,
) -> None:
    creditor = a_creditor()
    rows = {"company": company, "class": of_class, "customer": own}
    for scope, key in (("company", ""), ("class", "A"), ("customer", "K1")):
        db.session.add(
            Rules(creditor_id=creditor.id, scope=scope, scope_key=key, changed_at=NOW,
                  **{"is_active": True, **rows[scope]} if scope == "company" else rows[scope])
        )  # fmt: skip
    db.session.commit()
    said = customers.said(creditor.id, number="K1", customer_class="A")
    merged = policy.effective(creditor.id, "K1", "A")
    assert {one.name: one.value for one in said.settings} == merged.values
    assert {one.name: one.scope for one in said.settings} == merged.scopes
    for one in said.settings:
        assert [(layer.scope, layer.value) for layer in one.layers if layer.wins] == [
            (one.scope, one.value)
        ]
    some_invoices(creditor, random.Random(seed), 60)
    alone = {
        invoice.id: policy.decide(
            policy.Candidate.of(invoice),
            policy.effective(
                creditor.id, invoice.debtor.customer_number, invoice.debtor.customer_class
            ),
            TODAY,
        ).code
        for invoice in db.session.scalars(select(Invoice).where(Invoice.creditor_id == creditor.id))
    }
    db.session.expire_all()
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    rows_now = db.session.execute(
        select(Invoice.id, Invoice.reason).where(Invoice.creditor_id == creditor.id)
    )
    assert {row.id: row.reason for row in rows_now} == alone


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(
    st.tuples(
        st.sampled_from([("class", "A"), ("customer", "K1"), ("customer", "K2")]),
        ROWS,
        st.sampled_from([None, TODAY, TODAY + timedelta(days=9)]),
    ),
    min_size=1, max_size=5,
))  # fmt: skip
def test_undoing_changes_one_by_one_brings_back_what_held_before_each(
    creditor: Creditor, changes: list[tuple[tuple[str, str], dict[str, Any], Any]]
) -> None:
    db.session.execute(delete(Rules).where(Rules.creditor_id == creditor.id))
    db.session.commit()
    done = []
    for (scope, key), values, ends_on in changes:
        before = (holds(creditor), rulebook.own(creditor.id, scope, key))
        said = {**dict.fromkeys(_VALUES), **values, "ends_on": ends_on}
        done.append((before, scope, key, put(creditor, scope, key, said)))
    for before, scope, key, event_id in reversed(done):
        if event_id is not None:
            rulebook.undo(creditor.id, event_id, **BY)
            db.session.commit()
        assert (holds(creditor), rulebook.own(creditor.id, scope, key)) == before


def test_an_undone_removal_has_its_last_day_and_reason_again(creditor: Creditor) -> None:
    until = TODAY + timedelta(days=30)
    put(creditor, "customer", "K1", {"is_excluded": True, "ends_on": until, "reason": "Moving"})
    removed = put(creditor, "customer", "K1", {"is_excluded": None})
    assert removed is not None
    assert rulebook.own(creditor.id, "customer", "K1")["reason"] == ""
    rulebook.undo(creditor.id, removed, **BY)
    own = rulebook.own(creditor.id, "customer", "K1")
    assert (own["is_excluded"], own["ends_on"], own["reason"]) == (True, until, "Moving")


def test_a_reason_alone_is_no_rule_and_no_change(creditor: Creditor) -> None:
    assert put(creditor, "customer", "K1", {"reason": "Nice people"}) is None


def test_who_is_included_again_stays_so_although_the_class_is_excluded(
    creditor: Creditor,
) -> None:
    rules_of(creditor)
    a_debtor_of(creditor, customer_number="K1", customer_class="A")
    a_debtor_of(creditor, customer_number="K2", customer_class="A")
    a_debtor_of(creditor, customer_number="K3")
    put(creditor, "class", "A", {"is_excluded": True})
    customers.include(creditor.id, "customer", ["K1"], **BY)
    assert numbers_of(creditor, kinds=["excluded"]) == ["K2"]
    assert not policy.effective(creditor.id, "K1", "A").is_excluded


def test_who_is_included_again_needs_no_rule_when_nothing_wider_excludes(
    creditor: Creditor,
) -> None:
    put(creditor, "customer", "K1", {"is_excluded": True})
    customers.include(creditor.id, "customer", ["K1"], **BY)
    assert rulebook.version(creditor.id, "customer", "K1") == 0


@pytest.mark.parametrize("company", [None, False, True])
@pytest.mark.parametrize("of_class", [None, False, True])
@pytest.mark.parametrize("own", [None, False, True])
def test_the_filter_of_the_excluded_finds_whom_the_rules_exclude(
    creditor: Creditor, company: bool | None, of_class: bool | None, own: bool | None
) -> None:
    rules_of(creditor, is_excluded=company)
    for scope, key, said in (("class", "A", of_class), ("customer", "K1", own)):
        put(creditor, scope, key, {"is_excluded": said})
    a_debtor_of(creditor, customer_number="K1", customer_class="A")
    a_debtor_of(creditor, customer_number="K2", customer_class="A")
    a_debtor_of(creditor, customer_number="K3")
    excluded = [
        number
        for number, name in (("K1", "A"), ("K2", "A"), ("K3", None))
        if policy.effective(creditor.id, number, name).is_excluded
    ]
    assert numbers_of(creditor, kinds=["excluded"]) == excluded
    marked = customers.page(creditor.id, Filters(sort="number"), TODAY).rows
    assert [one.number for one in marked if one.excluded_by] == excluded
    found = customers.find_class(creditor.id, "A")
    assert found is not None
    assert found.excluded == len([one for one in excluded if one != "K3"])


def test_each_filter_finds_its_own(creditor: Creditor) -> None:
    a_case(creditor, debtor=a_debtor_of(creditor, customer_number="K1"))
    a_debtor_of(creditor, customer_number="K2", postcode="")
    a_debtor_of(creditor, customer_number="K3", customer_class="A")
    put(creditor, "customer", "K3", {"days_after_due": 20})
    a_debtor_of(creditor, customer_number="K4")
    soon = {"is_excluded": True, "ends_on": TODAY + customers.ENDS_SOON}
    put(creditor, "customer", "K4", soon)
    assert numbers_of(creditor, kinds=["open"]) == ["K1"]
    assert numbers_of(creditor, kinds=["no address"]) == ["K2"]
    assert numbers_of(creditor, kinds=["own"]) == ["K3", "K4"]
    assert numbers_of(creditor, kinds=["ending"]) == ["K4"]
    assert numbers_of(creditor, customer_class="A") == ["K3"]
    assert numbers_of(creditor, customer_class="") == ["K1", "K2", "K4"]
    assert numbers_of(creditor, kinds=["own", "ending"], search="K3") == []


@pytest.mark.parametrize("sort", ["name", "-name", "number", "-number", "class", "-class"])
def test_pages_follow_each_other_without_gap_or_repeat(creditor: Creditor, sort: str) -> None:
    for number in range(7):
        a_debtor_of(
            creditor, customer_number=f"K{number}", name=f"Kund {number % 2}",
            customer_class=None if number % 3 else "A",
        )  # fmt: skip
    db.session.commit()
    filters, after, seen = Filters(sort=sort), None, []
    while True:
        page = customers.page(creditor.id, filters, TODAY, after, size=2)
        seen += [one.number for one in page.rows]
        if (after := page.after) is None:
            break
    whole = customers.page(creditor.id, filters, TODAY)
    assert seen == [one.number for one in whole.rows]
    assert len(seen) == 7


def test_what_waits_and_what_is_open_is_counted_for_an_exclusion(creditor: Creditor) -> None:
    customer = a_debtor_of(creditor, customer_number="K1")
    a_case(creditor, debtor=customer)
    an_invoice_of(creditor, debtor=customer)
    an_invoice_of(creditor)
    touched = customers.touched(creditor.id, ["K1"])
    assert (touched.waiting, touched.waiting_ore, touched.open_cases) == (1, 100_000, 1)


def test_rules_for_a_number_that_nobody_has_wait_for_the_customer(creditor: Creditor) -> None:
    put(creditor, "customer", "K9", {"is_excluded": True})
    rows, after = customers.expected(creditor.id)
    assert ([one.number for one in rows], after) == (["K9"], None)
    a_debtor_of(creditor, customer_number="K9")
    assert customers.count_expected(creditor.id) == 0
    assert policy.effective(creditor.id, "K9").is_excluded
