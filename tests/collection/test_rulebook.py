"""What people decide is kept, told, undone and restored."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal.collection import importing, policy, rulebook
from portal.collection.models import Event, Rules
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.messages import RedaError
from tests.factories import NOW, TODAY, a_creditor, a_debtor_of, an_invoice_of, rules_of

HOW: dict[str, Any] = {"actor": SYSTEM, "today": TODAY, "now": NOW}


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    creditor = a_creditor()
    rules_of(creditor)
    return creditor


def put(creditor: Creditor, scope: str, *keys: str, **values: object) -> int | None:
    return rulebook.put_many(creditor.id, scope, keys, values, **HOW)


def decided(creditor: Creditor, customer_class: str, **values: object) -> str | None:
    """What becomes of an invoice of a new customer of a class."""
    debtor = a_debtor_of(creditor, customer_class=customer_class, **values)
    invoice = an_invoice_of(creditor, debtor=debtor)
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    db.session.refresh(invoice)
    return invoice.reason


def test_a_whole_class_is_excluded_directly(creditor: Creditor) -> None:
    put(creditor, "class", "Retail", is_excluded=True)
    assert decided(creditor, "Retail") == "excluded"
    assert decided(creditor, "Other") == "overdue"


def test_a_customer_of_an_excluded_class_can_be_collected_from(creditor: Creditor) -> None:
    put(creditor, "class", "Retail", is_excluded=True)
    put(creditor, "customer", "K900", is_excluded=False)
    assert decided(creditor, "Retail", customer_number="K900") == "overdue"


def test_many_customers_are_told_in_one_event(creditor: Creditor) -> None:
    event_id = put(creditor, "customer", "K1", "K2", is_excluded=True, reason="Nya ägare")
    assert [one.key for one in rulebook.told(creditor.id, event_id or 0).changes] == ["K1", "K2"]
    assert db.session.scalar(select(func.count(Event.id))) == 1


def test_saying_the_same_again_changes_and_tells_nothing(creditor: Creditor) -> None:
    put(creditor, "customer", "K1", is_excluded=True)
    assert put(creditor, "customer", "K1", is_excluded=True) is None


def test_rules_hold_through_their_last_day(creditor: Creditor) -> None:
    put(creditor, "customer", "K1", is_excluded=True, ends_on=TODAY)
    assert rulebook.let_end(creditor.id, today=TODAY, now=NOW) == 0
    assert rulebook.let_end(creditor.id, today=TODAY + timedelta(days=1), now=NOW) == 1
    assert not policy.effective(creditor.id, "K1").is_excluded


def test_what_has_ended_is_gone_before_invoices_are_decided_on(creditor: Creditor) -> None:
    put(creditor, "class", "Retail", is_excluded=True, ends_on=TODAY)
    tomorrow = TODAY + timedelta(days=1)
    invoice = an_invoice_of(creditor, debtor=a_debtor_of(creditor, customer_class="Retail"))
    importing.import_waiting(creditor.id, today=tomorrow, now=NOW)
    db.session.refresh(invoice)
    assert invoice.reason == "overdue"


def test_a_customer_that_says_nothing_any_more_has_no_row(creditor: Creditor) -> None:
    put(creditor, "customer", "K1", days_after_due=20)
    put(creditor, "customer", "K1", days_after_due=None)
    assert db.session.scalars(select(Rules.scope)).all() == ["company"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"reminder_days": 7}, "reminder_days"),
        ({"lowest_ore": -1}, "lowest_ore"),
        ({"highest_ore": 5_000, "lowest_ore": 10_000}, "lowest_ore"),
        ({"interest_kind": "agreed"}, "agreed_rate"),
        ({"reminder_text": "x" * 301}, "reminder_text"),
        ({"ends_on": TODAY - timedelta(days=1)}, "ends_on"),
        ({"collects_from": "nobody"}, "collects_from"),
        ({"plan_most_months": 37}, "plan_most_months"),
    ],
)
def test_what_cannot_hold_is_told_at_its_field(
    creditor: Creditor, values: dict[str, object], field: str
) -> None:
    with pytest.raises(RedaError) as error:
        put(creditor, "class", "Retail", **values)
    assert error.value.problem.field == field


_SOME = st.fixed_dictionaries(
    {},
    optional={
        "days_after_due": st.integers(1, 60) | st.none(),
        "is_excluded": st.booleans() | st.none(),
        "lowest_ore": st.integers(0, 9_000) | st.none(),
        "left_out_types": st.lists(st.sampled_from(["invoice", "prepayment"]), unique=True),
        "import_after_on": st.dates(TODAY, TODAY + timedelta(days=9)) | st.none(),
        "reason": st.sampled_from(["", "Ny ägare"]),
    },
)
_CHANGES = st.lists(
    st.tuples(st.sampled_from(["class", "customer"]), st.sampled_from(["A", "B"]), _SOME),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=_CHANGES)
def test_changes_undone_from_the_newest_on_leave_what_was_before(
    creditor: Creditor, changes: list[tuple[str, str, dict[str, object]]]
) -> None:
    before = rows(creditor)
    events = [put(creditor, scope, key, **values) for scope, key, values in changes]
    for event_id in reversed([one for one in events if one is not None]):
        rulebook.undo(creditor.id, event_id, **HOW)
    assert rows(creditor) == before
    db.session.rollback()


def rows(creditor: Creditor) -> dict[tuple[str, str], dict[str, object]]:
    db.session.expire_all()
    found = db.session.execute(select(Rules.scope, Rules.scope_key)).all()
    return {(scope, key): rulebook.own(creditor.id, scope, key) for scope, key in found}
