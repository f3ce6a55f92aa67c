"""The company's rules: what may be chosen, what is told when it may not, and who was first."""

import pytest
from sqlalchemy import select

from portal.collection import policy
from portal.collection.models import Event, Rules
from portal.extensions import db
from portal.identity.models import Creditor
from tests.creditor.conftest import Desk

GOOD = {
    "is_active": "y", "days_after_due": "5", "import_after_on": "2026-01-01",
    "reminder_fee_agreed": "y", "reminder_days": "12", "interest_kind": "agreed",
    "agreed_rate": "18,5", "version": "1", "demand_after_days": "3", "demand_days": "12",
    "wants_compensation": "y", "decision_after_days": "5", "after_demand": "legal",
    "small_rest_ore": "25,00", "direct_payment": "costs waived",
}  # fmt: skip


def test_rules_are_saved_as_a_whole_and_told_in_the_history(desk: Desk, creditor: Creditor) -> None:
    desk.post("rules", **GOOD)
    rules = policy.effective(creditor.id)
    assert (rules.days_after_due, rules.reminder_days, str(rules.agreed_rate)) == (5, 12, "18.500")
    event = db.session.scalars(select(Event).where(Event.name == "rules.changed")).one()
    assert event.data["changes"][0]["before"]["days_after_due"] == 7
    assert event.data["changes"][0]["after"]["days_after_due"] == 5


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("days_after_due", "0", "between 1 and 365"),
        ("days_after_due", "x", "Write a whole number"),
        ("days_after_due", "", "Fill this in"),
        ("reminder_days", "7", "at least 8 days"),
        ("reminder_days", "400", "at most 365"),
        ("demand_days", "7", "at least 8 days"),
        ("demand_after_days", "0", "between 1 and 365"),
        ("decision_after_days", "366", "between 1 and 365"),
        ("after_demand", "prison", "Choose one of the options"),
        ("small_rest_ore", "-1", "Write 0 or more"),
        ("small_rest_ore", "1000,01", "Choose at most"),
        ("import_after_on", "31/12/2026", "year-month-day"),
        ("interest_kind", "free", "Choose one of the options"),
        ("agreed_rate", "", "above 0 and at most 100"),
        ("agreed_rate", "101", "above 0 and at most 100"),
        ("agreed_rate", "a lot", "Write a rate in per cent"),
    ],
)
def test_what_cannot_hold_is_told_at_its_field_and_nothing_is_saved(
    desk: Desk, creditor: Creditor, field: str, value: str, said: str
) -> None:
    page = desk.post("rules", status=422, **{**GOOD, field: value})
    assert said in page.select_one(f"#{field}-error").get_text()
    assert policy.effective(creditor.id).days_after_due == 7


def test_who_saves_second_is_told_and_can_save_on_purpose(desk: Desk, creditor: Creditor) -> None:
    desk.post("rules", **GOOD)
    page = desk.post("rules", status=409, **{**GOOD, "days_after_due": "6"})
    assert "Somebody else changed the rules" in page.get_text()
    version = page.select_one("input[name=version]")["value"]
    desk.post("rules", **{**GOOD, "days_after_due": "6", "version": version})
    assert policy.effective(creditor.id).days_after_due == 6


def test_saving_the_same_rules_again_changes_nothing(desk: Desk, creditor: Creditor) -> None:
    desk.post("rules", **GOOD)
    desk.post("rules", **{**GOOD, "version": "2"})
    rows = db.session.scalars(select(Rules).where(Rules.creditor_id == creditor.id)).all()
    assert [row.version for row in rows] == [2]


def test_a_company_without_rules_begins_switched_off(desk: Desk, creditor: Creditor) -> None:
    db.session.delete(db.session.scalars(select(Rules)).one())
    db.session.commit()
    assert not desk.get("rules").select_one("#is_active").has_attr("checked")
    desk.post("rules", **{**GOOD, "version": "0"})
    assert policy.effective(creditor.id).is_active


def test_an_agreed_rate_is_forgotten_when_interest_is_the_laws(
    desk: Desk, creditor: Creditor
) -> None:
    desk.post("rules", **{**GOOD, "interest_kind": "statutory"})
    assert policy.effective(creditor.id).agreed_rate is None
