"""The customers' pages: found, excluded, given rules of their own, and all of it undone."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import select

from portal import clock
from portal.collection import policy, rulebook
from portal.collection.models import Debtor
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from tests.creditor.conftest import Desk
from tests.factories import (
    NOW,
    SOFIA,
    TODAY,
    a_case,
    a_debtor_of,
    a_person_at,
    an_invoice_of,
)

PERSON = "198203182384"


@pytest.fixture
def customer(creditor: Creditor) -> Debtor:
    customer = a_debtor_of(
        creditor, customer_number="K1", customer_class="Retail", name="Ella Hedlund",
        identity_number=PERSON, identity_number_hash=lookup_hash(PERSON),
    )  # fmt: skip
    an_invoice_of(creditor, debtor=customer)
    db.session.commit()
    return customer


def page_of(customer: Debtor) -> str:
    return f"customers/{customer.id}"


def is_excluded(customer: Debtor) -> bool:
    db.session.expire_all()
    return policy.effective(
        customer.creditor_id, customer.customer_number, customer.customer_class
    ).is_excluded


def test_a_customer_is_found_by_a_part_of_the_name(desk: Desk, customer: Debtor) -> None:
    a_debtor_of(desk.creditor, name="Nils Berg")
    db.session.commit()
    page = desk.get("customers?q=hedl")
    assert [one.get_text() for one in page.select("#list tbody th")] == ["Ella Hedlund"]
    assert "1 customer is found" in page.get_text()


def test_a_personal_identity_number_leads_to_its_customer_and_stands_in_no_address(
    desk: Desk, customer: Debtor
) -> None:
    token = desk.get("rules").select_one("input[name=csrf_token]")["value"]
    response = desk.client.post(
        f"/creditor/{desk.creditor.key}/customers/find",
        data={"csrf_token": token, "q": "820318-2384"},
    )
    assert response.location.endswith(f"/customers/{customer.id}")


def test_an_unknown_personal_identity_number_is_told_and_not_repeated(desk: Desk) -> None:
    page = desk.post("customers/find", q="19650718-2795")
    assert "No customer has this personal identity number" in page.get_text()
    assert "2795" not in page.get_text()
    assert not page.select_one("#q").get("value")


def test_another_search_becomes_an_address_to_keep(desk: Desk, customer: Debtor) -> None:
    token = desk.get("rules").select_one("input[name=csrf_token]")["value"]
    response = desk.client.post(
        f"/creditor/{desk.creditor.key}/customers/find",
        data={"csrf_token": token, "q": "Hedlund", "only": ["own", "open"], "class": "Retail"},
    )
    assert response.location.endswith("/customers?q=Hedlund&class=Retail&only=own&only=open")


def test_a_viewer_may_look_for_a_customer(
    desk: Desk, creditor: Creditor, customer: Debtor, desk_of: Callable[[str], Desk]
) -> None:
    a_person_at(creditor, "viewer", SOFIA)
    page = desk_of(SOFIA).post("customers/find", q=PERSON)
    assert page.select_one("h1").get_text() == "Ella Hedlund"
    assert page.select("main form") == []


def test_a_customer_is_excluded_and_the_exclusion_undone(desk: Desk, customer: Debtor) -> None:
    until = clock.today() + timedelta(days=30)
    page = desk.post(f"{page_of(customer)}/exclude", ends_on=until, reason="Agreed by phone")
    assert is_excluded(customer)
    assert "The rules exclude the customer" in page.get_text()
    assert "Agreed by phone" in page.get_text()
    act = page.select_one("form.notice-act")
    undo = act["action"].partition(f"{desk.creditor.key}/")[2]
    back = act.select_one("input[name=back]")["value"]
    again = desk.post(undo, back=back)
    assert not is_excluded(customer)
    assert again.select_one("h1").get_text() == "Ella Hedlund"
    assert "It was so already" in desk.post(undo, back=back).get_text()


def test_a_last_day_that_is_over_is_told_at_its_field(desk: Desk, customer: Debtor) -> None:
    page = desk.post(
        f"{page_of(customer)}/exclude", status=422, ends_on=clock.today() - timedelta(days=1)
    )
    assert "cannot be in the past" in page.select_one("#ends_on-error").get_text()
    assert page.select_one("details.dialog").has_attr("open")
    assert not is_excluded(customer)


def test_what_an_exclusion_leaves_alone_is_told_before_it(desk: Desk, customer: Debtor) -> None:
    a_case(desk.creditor, debtor=customer)
    said = desk.get(page_of(customer)).select_one("details.dialog").get_text()
    assert "1 invoice that waits becomes no case" in said
    assert "1 open case goes on" in said


def test_who_is_excluded_by_the_class_can_be_collected_from_all_the_same(
    desk: Desk, customer: Debtor
) -> None:
    desk.post("classes/exclude?class=Retail", reason="Sold")
    assert is_excluded(customer)
    assert "Excluded by its class" in desk.get(page_of(customer)).get_text()
    desk.post(f"{page_of(customer)}/include")
    assert not is_excluded(customer)
    page = desk.get("classes/one?class=Retail")
    assert "Collected all the same" in page.get_text()


def test_a_change_that_was_changed_again_is_not_undone_over_it(
    desk: Desk, customer: Debtor
) -> None:
    first = desk.post(f"{page_of(customer)}/exclude", reason="First")
    undo = first.select_one("form.notice-act")["action"].partition(f"{desk.creditor.key}/")[2]
    desk.post(f"{page_of(customer)}/exclude", reason="Second")
    page = desk.post(undo)
    assert "has been changed again since" in page.get_text()
    assert is_excluded(customer)


def test_undoing_leads_back_to_the_companys_own_pages_only(desk: Desk, customer: Debtor) -> None:
    page = desk.post(f"{page_of(customer)}/exclude")
    act = page.select_one("form.notice-act")["action"]
    token = page.select_one("input[name=csrf_token]")["value"]
    data = {"csrf_token": token, "back": "//elsewhere.example/"}
    assert desk.client.post(act, data=data).location.endswith("/rules/history")


def own_rules(desk: Desk, customer: Debtor) -> dict[str, object]:
    """The form as it comes, filled in as it is."""
    form = desk.get(f"{page_of(customer)}/rules").select_one("main form")
    values: dict[str, object] = {}
    for one in form.select("input, select, textarea"):
        if one.get("type") == "checkbox" and not one.has_attr("checked"):
            continue
        if one.name == "select":
            chosen = one.select_one("option[selected]")
            values[one["name"]] = chosen["value"] if chosen else ""
        elif one["name"] != "csrf_token":
            values[one["name"]] = one.get_text() if one.name == "textarea" else one.get("value", "")
    return values


def test_the_form_of_own_rules_sent_as_it_came_changes_nothing(
    desk: Desk, customer: Debtor
) -> None:
    rulebook.put_many(
        desk.creditor.id, "customer", ["K1"],
        {"days_after_due": 20, "left_out_types": [], "may_plan": False, "lowest_ore": 12_350,
         "reason": "Big", "collects_from": "consumers", "reminder_text": "Hej"},
        actor=SYSTEM, today=TODAY, now=NOW,
    )  # fmt: skip
    db.session.commit()
    page = desk.post(f"{page_of(customer)}/rules", **own_rules(desk, customer))
    assert "It was so already" in page.get_text()


def test_own_rules_beat_the_classes_and_the_table_says_so(desk: Desk, customer: Debtor) -> None:
    rulebook.put_many(
        desk.creditor.id, "class", ["Retail"], {"days_after_due": 14},
        actor=SYSTEM, today=TODAY, now=NOW,
    )  # fmt: skip
    db.session.commit()
    said = {**own_rules(desk, customer), "days_after_due": "20", "wants_compensation": "yes"}
    page = desk.post(f"{page_of(customer)}/rules", **said)
    row = next(
        one for one in page.select("#effective tr") if "Days after the due date" in one.get_text()
    )
    cells = [" ".join(one.get_text().split()) for one in row.select("td")]
    assert cells[:2] == ["20", "Customer"]
    assert [" ".join(one.get_text().split()) for one in row.select("s")] == [
        "Does not hold: Company: 7", "Does not hold: Class: 14",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("days_after_due", "0", "between 1 and 365"),
        ("days_after_due", "soon", "whole number"),
        ("reminder_days", "3", "at least"),
        ("collects_from", "cats", "Choose one of the options"),
        ("lowest_ore", "-5", "Write 0 or more"),
        ("ends_on", "2020-01-01", "cannot be in the past"),
        ("reason", "x" * 301, "Too long"),
    ],
)
def test_what_cannot_hold_is_told_at_its_field(
    desk: Desk, customer: Debtor, field: str, value: str, said: str
) -> None:
    sent = {**own_rules(desk, customer), "wants_compensation": "yes", field: value}
    page = desk.post(f"{page_of(customer)}/rules", status=422, **sent)
    assert said in page.select_one(f"#{field}-error").get_text()
    assert rulebook.version(desk.creditor.id, "customer", "K1") == 0


def test_a_last_day_needs_a_rule_that_it_ends(desk: Desk, customer: Debtor) -> None:
    sent = {**own_rules(desk, customer), "ends_on": str(clock.today())}
    page = desk.post(f"{page_of(customer)}/rules", status=422, **sent)
    assert "at least one rule" in page.select_one("#ends_on-error").get_text()


def test_who_saves_second_is_told_and_can_save_on_purpose(desk: Desk, customer: Debtor) -> None:
    mine = {**own_rules(desk, customer), "days_after_due": "20"}
    desk.post(f"{page_of(customer)}/exclude")
    page = desk.post(f"{page_of(customer)}/rules", status=409, **mine)
    assert "Somebody else changed the rules" in page.get_text()
    mine["version"] = page.select_one("input[name=version]")["value"]
    desk.post(f"{page_of(customer)}/rules", **mine)
    assert policy.effective(desk.creditor.id, "K1").days_after_due == 20


def test_removed_rules_can_be_had_back_from_the_list_of_changes(
    desk: Desk, customer: Debtor
) -> None:
    desk.post(f"{page_of(customer)}/rules", **{**own_rules(desk, customer), "reminder_days": "21"})
    page = desk.post(f"{page_of(customer)}/rules/remove")
    assert policy.effective(desk.creditor.id, "K1").reminder_days == 10
    newest = page.select_one(".changes form")["action"].partition(f"{desk.creditor.key}/")[2]
    desk.post(newest)
    db.session.expire_all()
    assert policy.effective(desk.creditor.id, "K1").reminder_days == 21


def test_the_classes_tell_how_many_they_have_and_leave_out(desk: Desk, customer: Debtor) -> None:
    a_debtor_of(desk.creditor, customer_class="Retail")
    a_debtor_of(desk.creditor, customer_class="Public")
    db.session.commit()
    desk.post(f"{page_of(customer)}/exclude")
    rows = [
        [" ".join(cell.get_text().split()) for cell in row.select("th, td")][:4]
        for row in desk.get("classes").select("tbody tr")
    ]
    assert rows == [["Public", "1", "0", "–"], ["Retail", "2", "1", "–"]]


def test_a_class_gets_rules_of_its_own(desk: Desk, customer: Debtor) -> None:
    desk.get("classes/rules?class=Retail")
    desk.post("classes/rules?class=Retail", days_after_due="12", version="0")
    assert policy.effective(desk.creditor.id, "K1", "Retail").days_after_due == 12
    desk.get("classes/one?class=Nowhere", status=404)


def test_the_list_is_taken_along_as_it_is_shown(desk: Desk, customer: Debtor) -> None:
    a_debtor_of(desk.creditor, name="=cmd()", customer_number="+46")
    db.session.commit()
    desk.post(f"{page_of(customer)}/exclude", reason="Moving")
    text = desk.raw("customers.csv").data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert [row[:2] for row in rows[1:]] == [["'+46", "'=cmd()"], ["K1", "Ella Hedlund"]]
    narrowed = desk.raw("customers.xlsx?only=excluded").data
    sheet = openpyxl.load_workbook(io.BytesIO(narrowed)).active
    assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [
        ["K1", "Ella Hedlund", "Retail", "Person", "Customer", "Yes", None, "Moving", 0, 1, "Yes"]
    ]


def test_rules_that_wait_for_a_customer_are_shown_and_removed(desk: Desk) -> None:
    rulebook.put_many(
        desk.creditor.id, "customer", ["K9", "K8"], {"is_excluded": True},
        actor=SYSTEM, today=TODAY, now=NOW,
    )  # fmt: skip
    db.session.commit()
    assert "2 customer numbers have rules but no customer yet" in desk.get("customers").get_text()
    page = desk.get("customers/expected")
    mark = page.select("input[name=rules]")[0]["value"]
    page = desk.post("customers/expected/remove", rules=mark)
    assert [one.get_text() for one in page.select("tbody th")] == ["K9"]


def test_the_import_is_told_of_each_change(desk: Desk, customer: Debtor) -> None:
    desk.post(f"{page_of(customer)}/exclude")
    waiting = db.session.execute(
        select(db.text("count(*) from procrastinate_jobs where status = 'todo'"))
    ).scalar()
    assert waiting == 1
