"""The company's rules: what may be chosen, what is told when it may not, and who was first."""

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import select

from portal.collection import policy, rulebook
from portal.collection.models import Event, Rules
from portal.extensions import db
from portal.identity.models import Creditor
from tests.creditor.conftest import Desk
from tests.factories import SOFIA, a_person_at, an_invoice_of, sign_in

GOOD = {
    "days_after_due": "5", "import_after_on": "2026-01-01",
    "collects_from": "everyone", "lowest_ore": "100", "highest_ore": "0",
    "left_out_types": ["interest invoice"], "already_reminded": "without fee",
    "reminder_fee_agreed": "y", "reminder_days": "12", "reminder_text": "",
    "interest_kind": "agreed", "agreed_rate": "18,5", "demand_after_days": "3",
    "demand_days": "12", "demand_text": "", "wants_compensation": "y", "decision_after_days": "5",
    "after_demand": "legal", "small_rest_ore": "25,00", "direct_payment": "costs waived",
    "reminder_fee_by": "debtor",
    "demand_fee_by": "debtor", "plan_fee_by": "debtor", "may_plan": "y", "plan_most_months": "12",
    "plan_least_ore": "200", "plan_first_days": "30",
    "plan_sign_over_ore": "0", "may_postpone": "y", "postpone_days": "14",
    "postpone_times": "1", "version": "1", "base": "0",
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


def version(page: BeautifulSoup) -> dict[str, str]:
    """What a page carries along so that a change by somebody else is seen."""
    return {name: page.select_one(f"input[name={name}]")["value"] for name in ("version", "base")}


def test_who_saves_second_is_told_and_can_save_on_purpose(desk: Desk, creditor: Creditor) -> None:
    desk.post("rules", **GOOD)
    page = desk.post("rules", status=409, **{**GOOD, "days_after_due": "6"})
    assert "Somebody else changed the rules" in page.get_text()
    assert "has chosen “5” meanwhile" in page.select_one("#days_after_due-error").get_text()
    desk.post("rules", **{**GOOD, "days_after_due": "6", **version(page)})
    assert policy.effective(creditor.id).days_after_due == 6


def test_what_another_changed_meanwhile_is_kept_where_one_changed_nothing(
    desk: Desk, creditor: Creditor
) -> None:
    desk.post("rules", **GOOD)
    mine = version(desk.get("rules"))
    desk.post("rules", **{**GOOD, **mine, "reminder_days": "20"})
    page = desk.post("rules", status=409, **{**GOOD, **mine, "demand_days": "30"})
    saved = {one["name"]: one.get("value") for one in page.select("#rules input[type=hidden]")}
    assert (saved["reminder_days"], saved["demand_days"]) == ("20", "30")


def test_the_pencil_opens_one_card_and_keeps_what_was_written_in_another(desk: Desk) -> None:
    page = desk.post("rules/edit", **{**GOOD, "days_after_due": "9", "card": "amounts"})
    assert page.select_one("#lowest_ore")["value"] == "100"
    assert page.select_one("#days_after_due") is None
    assert page.select_one("input[name=days_after_due]")["value"] == "9"
    assert "not saved; now: 7" in page.get_text()


def test_with_htmx_the_pencil_answers_the_cards_alone(desk: Desk) -> None:
    token = desk.get("rules").select_one("input[name=csrf_token]")["value"]
    response = desk.client.post(
        f"/creditor/{desk.creditor.key}/rules/edit",
        data={**GOOD, "card": "general", "csrf_token": token},
        headers={"HX-Request": "true", "Accept-Language": "en"},
    )
    page = BeautifulSoup(response.text, "html.parser")
    assert page.select_one("html") is None
    assert "Five to seven days" in page.select_one("#days_after_due-hint").get_text()


def test_what_is_wrong_in_a_closed_card_opens_it(desk: Desk) -> None:
    page = desk.post("rules", status=422, **{**GOOD, "postpone_days": "900"})
    assert page.select_one("#postpone_days")["aria-invalid"] == "true"


def test_a_viewer_sees_the_rules_and_no_pencil(desk: Desk, creditor: Creditor, app: Flask) -> None:
    viewer = a_person_at(creditor, "viewer", SOFIA)
    client = app.test_client()
    sign_in(app, client, viewer)
    page = Desk(client, creditor).get("rules")
    assert page.select_one(".setting-card")
    assert page.select("#rules button") == []


def test_a_type_that_only_this_ledger_has_can_be_left_out(desk: Desk, creditor: Creditor) -> None:
    an_invoice_of(creditor, type="Serviceavtal")
    desk.post("rules", **{**GOOD, "left_out_types": ["Serviceavtal"]})
    assert policy.effective(creditor.id).left_out_types == ["Serviceavtal"]


def test_a_change_is_told_from_what_to_what_and_undone_with_one_click(
    desk: Desk, creditor: Creditor
) -> None:
    desk.post("rules", **GOOD)
    page = desk.get("rules/history")
    told = page.select_one(".changes").get_text(" ", strip=True)
    assert "Days after the due date Before: 7 After: 5" in told
    address = page.select_one(".changes form")["action"].rpartition("/rules/")[2]
    page = desk.post(f"rules/{address}")
    assert "The change is undone." in page.get_text()
    assert policy.effective(creditor.id).days_after_due == 7


def test_an_older_change_is_not_undone_over_a_newer_one(desk: Desk, creditor: Creditor) -> None:
    desk.post("rules", **GOOD)
    desk.post("rules", **{**GOOD, "days_after_due": "6", "version": "2"})
    first = rulebook.changes(creditor.id)[-1].id
    page = desk.post(f"rules/history/{first}/undo")
    assert "changed again since" in page.get_text()
    assert policy.effective(creditor.id).days_after_due == 6


def test_the_rules_of_old_are_compared_and_restored(desk: Desk, creditor: Creditor) -> None:
    desk.post("rules", **GOOD)
    desk.post("rules", **{**GOOD, "days_after_due": "6", "version": "2"})
    first = rulebook.changes(creditor.id)[-1].id
    row = desk.get(f"rules/history/{first}").select_one("table tbody tr")
    assert [one.get_text(strip=True) for one in row.select("th, td")] == [
        "Days after the due date", "5", "6",
    ]  # fmt: skip
    desk.post(f"rules/history/{first}/restore", version="3")
    assert policy.effective(creditor.id).days_after_due == 5


def test_saving_the_same_rules_again_changes_nothing(desk: Desk, creditor: Creditor) -> None:
    desk.post("rules", **GOOD)
    desk.post("rules", **{**GOOD, "version": "2"})
    rows = db.session.scalars(select(Rules).where(Rules.creditor_id == creditor.id)).all()
    assert [row.version for row in rows] == [2]


def test_saving_the_rules_of_a_company_without_any_switches_nothing_on(
    desk: Desk, creditor: Creditor
) -> None:
    db.session.delete(db.session.scalars(select(Rules)).one())
    db.session.commit()
    assert "Off" in desk.get("rules").select_one("#card-switch").parent.get_text()
    desk.post("rules", **{**GOOD, "version": "0"})
    assert not policy.effective(creditor.id).is_active


def test_an_agreed_rate_is_forgotten_when_interest_is_the_laws(
    desk: Desk, creditor: Creditor
) -> None:
    desk.post("rules", **{**GOOD, "interest_kind": "statutory"})
    assert policy.effective(creditor.id).agreed_rate is None
