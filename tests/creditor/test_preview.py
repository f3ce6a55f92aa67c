"""The preview of rules: what is edited and not saved, its sums, lists and files."""

from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook

from portal import clock
from portal.collection import drafts, policy, rulebook
from portal.extensions import db
from portal.identity import people
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from tests.creditor.conftest import Desk
from tests.creditor.test_customers import own_rules
from tests.creditor.test_rules import GOOD
from tests.factories import (
    EVA,
    JOHAN,
    a_debtor_of,
    a_person_at,
    an_invoice_of,
)


def _preview(desk: Desk, **values: str) -> str:
    """Preview the form of the rules, changed; answers where one is led."""
    token = desk.get("rules").select_one("input[name=csrf_token]")["value"]
    response = desk.client.post(
        f"/creditor/{desk.creditor.key}/rules/preview",
        data={"csrf_token": token, **GOOD, **values},
    )
    assert response.status_code == 303, response.text
    return response.location.partition(f"/creditor/{desk.creditor.key}/")[2]


def test_the_page_says_in_a_sentence_what_becomes_a_case(desk: Desk, creditor: Creditor) -> None:
    an_invoice_of(creditor, balance_ore=123_450)
    an_invoice_of(creditor, due_on=clock.today() - timedelta(days=2))
    page = desk.get("rules/preview")
    said = " ".join(page.select_one(".lead").get_text().split())
    assert "Today 1 invoice for 1,234.50" in said.replace("\u00a0", " ").replace("SEK ", "")
    assert "within 30 days 2" in said
    assert page.select_one("svg.day-chart")


def test_what_is_not_saved_is_compared_with_what_holds(desk: Desk, creditor: Creditor) -> None:
    an_invoice_of(creditor, balance_ore=100_00)
    an_invoice_of(creditor, balance_ore=900_00)
    address = _preview(desk, lowest_ore="500")
    page = desk.get(address)
    assert "Not saved yet" in page.get_text()
    assert "Becomes no case, and would" in page.get_text()
    assert "Lowest amount" in page.select_one("section[aria-labelledby=yours]").get_text()
    listed = desk.get(address.replace("preview?", "preview/invoices?") + "&change=lost")
    assert len(listed.select("tbody tr")) == 1
    assert policy.effective(creditor.id).lowest_ore == 0


def test_a_form_with_an_error_comes_back(desk: Desk) -> None:
    page = desk.post("rules/preview", status=422, **{**GOOD, "days_after_due": "0"})
    assert "between 1 and 365" in page.select_one("#days_after_due-error").get_text()


def test_what_was_previewed_can_be_saved_and_is_then_no_draft(
    desk: Desk, creditor: Creditor
) -> None:
    address = _preview(desk, days_after_due="9")
    draft = address.partition("draft=")[2]
    desk.post("rules/preview/save", draft=draft)
    assert policy.effective(creditor.id).days_after_due == 9
    desk.get(address, status=404)


def test_what_somebody_saved_meanwhile_is_not_lost(desk: Desk, creditor: Creditor) -> None:
    draft = _preview(desk, days_after_due="9").partition("draft=")[2]
    values = {**policy.effective(creditor.id).values, "reminder_days": 20}
    rulebook.save(creditor.id, values, 1, actor=SYSTEM, today=clock.today(), now=clock.now())
    db.session.commit()
    page = desk.post("rules/preview/save", draft=draft)
    assert "Somebody else changed the rules" in page.get_text()
    assert policy.effective(creditor.id).days_after_due == 7
    assert page.select_one("input[name=version]")["value"] == "1"


def test_one_comes_back_to_what_is_not_saved(desk: Desk) -> None:
    draft = _preview(desk, days_after_due="9").partition("draft=")[2]
    assert "changes that are not saved" in desk.get("rules").get_text()
    page = desk.get(f"rules?draft={draft}")
    assert page.select_one("input[name=days_after_due]")["value"] == "9"
    assert page.select_one("button[formaction$=preview]")
    desk.post("rules/preview/forget", draft=draft)
    assert "changes that are not saved" not in desk.get("rules").get_text()


def test_anothers_draft_is_not_found(
    desk: Desk, desk_of: Callable[[str], Desk], creditor: Creditor
) -> None:
    address = _preview(desk, days_after_due="9")
    a_person_at(creditor, "administrator", JOHAN)
    desk_of(JOHAN).get(address, status=404)


def test_a_viewer_may_look_and_not_save(desk_of: Callable[[str], Desk], creditor: Creditor) -> None:
    a_person_at(creditor, "viewer", JOHAN)
    viewer = desk_of(JOHAN)
    page = viewer.get("rules/preview")
    assert not page.select("form[method=post][action*=preview]")
    viewer.get("rules/preview/invoices")


def test_collection_that_is_off_is_shown_as_if_it_were_on(desk: Desk, creditor: Creditor) -> None:
    an_invoice_of(creditor)
    values = {**policy.effective(creditor.id).values, "is_active": False}
    rulebook.save(creditor.id, values, 1, actor=SYSTEM, today=clock.today(), now=clock.now())
    db.session.commit()
    assert "Today 1 invoice" in desk.get("rules/preview").select_one(".lead").get_text()
    off = desk.get("rules/preview?as=off")
    assert "Today 0 invoices" in off.select_one(".lead").get_text()
    assert "Collection is not switched on" in off.get_text()


def test_an_invoice_is_explained_with_the_rule_that_decides(desk: Desk, creditor: Creditor) -> None:
    debtor = a_debtor_of(creditor, customer_number="4711", customer_class="Retail")
    invoice = an_invoice_of(creditor, debtor=debtor, due_on=clock.today() - timedelta(days=1))
    rulebook.put_many(
        creditor.id, "class", ["Retail"],
        {"is_excluded": True, "ends_on": clock.today() + timedelta(days=3)},
        actor=SYSTEM, today=clock.today(), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    listed = desk.get("rules/preview/invoices?q=4711")
    assert [row.get_text() for row in listed.select("tbody th a")] == [invoice.number]
    page = desk.get(f"rules/preview/invoices/{invoice.id}")
    rows = [row.get_text(" ", strip=True) for row in page.select("tbody tr")]
    assert len(rows) == 3
    assert "Excluded from collection: Yes (Customer class Retail)" in rows[0]
    assert "Days after the due date: 7 (The company)" in rows[1]
    assert "Becomes a case" in rows[2]


def test_anothers_invoice_is_not_explained(desk: Desk) -> None:
    desk.get("rules/preview/invoices/999999", status=404)


def test_the_list_is_taken_along_as_it_is_shown(desk: Desk, creditor: Creditor) -> None:
    an_invoice_of(creditor, balance_ore=100_00, number="=1+1")
    an_invoice_of(creditor, balance_ore=900_00)
    address = _preview(desk, lowest_ore="500").replace("preview?", "preview/file?kind={}&")
    csv = desk.raw(address.format("csv") + "&code=amount+too+low")
    lines = csv.get_data(as_text=True).splitlines()
    assert len(lines) == 2
    assert "'=1+1" in lines[1]
    assert "Becomes no case, and would" in lines[1]
    book = load_workbook(BytesIO(desk.raw(address.format("xlsx")).data))
    assert book.worksheets[0].max_row == 3


def test_the_pages_follow_each_other(desk: Desk, creditor: Creditor) -> None:
    debtor = a_debtor_of(creditor)
    for _ in range(51):
        an_invoice_of(creditor, debtor=debtor)
    page = desk.get("rules/preview/invoices?code=overdue")
    following = page.select_one("a[rel=next]")["href"].partition(f"{creditor.key}/")[2]
    assert len(page.select("tbody tr")) == 50
    assert len(desk.get(following).select("tbody tr")) == 1


def test_drafts_are_forgotten_after_some_time(desk: Desk, creditor: Creditor) -> None:
    draft = int(_preview(desk).partition("draft=")[2])
    person = people.by_identity_number(EVA)
    drafts.forget_old(clock.now() + timedelta(days=15))
    with pytest.raises(drafts.NotThere):
        drafts.find(creditor.id, person.id, draft)


def test_a_customers_own_rules_are_previewed_from_their_form(
    desk: Desk, creditor: Creditor
) -> None:
    debtor = a_debtor_of(creditor, customer_number="4711")
    an_invoice_of(creditor, debtor=debtor, due_on=clock.today() - timedelta(days=20))
    page = desk.post(
        f"customers/{debtor.id}/rules",
        **{**own_rules(desk, debtor), "days_after_due": "365", "then": "preview"},
    )
    assert "Your changes for customer 4711" in page.get_text()
    assert "Becomes no case, and would" in page.get_text()
    assert rulebook.version(creditor.id, "customer", "4711") == 0
    draft = page.select_one("input[name=draft]")["value"]
    desk.post("rules/preview/save", draft=draft)
    assert rulebook.own(creditor.id, "customer", "4711")["days_after_due"] == 365
