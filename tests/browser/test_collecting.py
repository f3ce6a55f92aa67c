"""A creditor's people upload invoices, look for cases and set the rules, as in a browser."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from portal import clock
from portal.collection.models import Case
from portal.extensions import db
from portal.identity import people
from portal.identity.models import Creditor
from tests.factories import (
    EVA,
    SOFIA,
    a_creditor_that_signed,
    a_person_at,
    a_reminded_case,
    rules_of,
)
from tests.portal_fixtures import Portal, Visitor

HEAD = "Fakturanr;Kundnr;Kundnamn;Adress;Postnr;Ort;Förfallodatum;Summa att få in"


@pytest.fixture
def creditor(portal: Portal) -> Creditor:
    creditor = a_creditor_that_signed()
    rules_of(creditor)
    return creditor


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def eva(portal: Portal, creditor: Creditor, request: pytest.FixtureRequest) -> Visitor:
    """The administrator, signed in; JavaScript on or off."""
    return signed_in(portal, EVA, scripts=request.param)


def signed_in(portal: Portal, number: str, **how: bool) -> Visitor:
    visitor = portal.visitor(**how)
    person = people.by_identity_number(number)
    assert person is not None
    visitor.take_session(portal.app, {"_user_id": person.get_id(), "_fresh": True})
    return visitor


def a_list(folder: Path, *rows: str, name: str = "reskontra.csv") -> Path:
    path = folder / name
    path.write_bytes("\r\n".join((HEAD, *rows)).encode("cp1252"))
    return path


def a_row(number: str, overdue: int, amount: str = "1 250,50") -> str:
    due_on = clock.today() - timedelta(days=overdue)
    return f"{number};K{number};Gunnel Bergström;Ängsvägen 7;831 43;Östersund;{due_on};{amount}"


def upload(visitor: Visitor, creditor: Creditor, path: Path) -> Page:
    page = visitor.go(f"/creditor/{creditor.key}/invoices/upload")
    page.get_by_label("Files").set_input_files(path)
    visitor.press("Upload")
    return page


def test_a_list_is_mapped_looked_at_and_taken_in(
    eva: Visitor, creditor: Creditor, tmp_path: Path
) -> None:
    path = a_list(tmp_path, a_row("1", 20), a_row("2", 3), a_row("3", 20, amount="-5"))
    page = upload(eva, creditor, path)
    page.get_by_label("Amount of the invoice").select_option(value="Summa att få in")
    eva.press("Go on to the preview")
    expect(page.get_by_text("2 invoices can be taken in")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Amount of the invoice")).to_contain_text(["4"])
    eva.press("Take in 2 invoices")
    expect(page.get_by_text("1 case was opened.")).to_be_visible()
    page.goto(f"{eva.address}/creditor/{creditor.key}/cases")
    expect(page.get_by_role("row").filter(has_text="Gunnel Bergström")).to_have_count(1)
    page.goto(f"{eva.address}/creditor/{creditor.key}/invoices")
    expect(page.get_by_text("Days needed by the rules: 7.")).to_be_visible()


def test_the_columns_are_remembered_for_the_next_list(
    eva: Visitor, creditor: Creditor, tmp_path: Path
) -> None:
    page = upload(eva, creditor, a_list(tmp_path, a_row("1", 20)))
    page.get_by_label("Amount of the invoice").select_option(value="Summa att få in")
    eva.press("Go on to the preview")
    page = upload(eva, creditor, a_list(tmp_path, a_row("2", 20), name="december.csv"))
    expect(page.get_by_label("Amount of the invoice")).to_have_value("Summa att få in")


def test_the_same_file_again_changes_nothing(
    eva: Visitor, creditor: Creditor, tmp_path: Path
) -> None:
    path = a_list(tmp_path, a_row("1", 20))
    upload(eva, creditor, path)
    page = upload(eva, creditor, path)
    expect(page.get_by_text("This file was uploaded before.")).to_be_visible()


def test_a_file_that_is_no_list_is_told_at_the_field(
    eva: Visitor, creditor: Creditor, tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    page = upload(eva, creditor, path)
    expect(page.get_by_label("Files")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".error-summary")).to_contain_text("Upload the list as CSV or XLSX")


def test_cases_are_found_while_one_writes_and_the_address_follows(
    portal: Portal, creditor: Creditor
) -> None:
    wanted = a_reminded_case(creditor)
    other = a_reminded_case(creditor)
    eva = signed_in(portal, EVA)
    page = eva.go(f"/creditor/{creditor.key}/cases")
    expect(page.get_by_role("link", name=other.reference)).to_be_visible()
    page.get_by_label("Find").press_sequentially(wanted.reference)
    expect(page.get_by_role("link", name=other.reference)).to_be_hidden()
    assert f"q={wanted.reference}" in page.url
    page.reload()
    expect(page.get_by_role("link", name=wanted.reference)).to_be_visible()


def test_two_who_change_the_rules_at_once_are_told(portal: Portal, creditor: Creditor) -> None:
    a_person_at(creditor, "collector", SOFIA)
    eva, sofia = signed_in(portal, EVA), signed_in(portal, SOFIA)
    for one in (eva, sofia):
        one.go(f"/creditor/{creditor.key}/rules")
        one.press("Change: Which invoices")
    eva.page.get_by_label("Days after the due date").fill("5")
    eva.press("Save the rules")
    expect(eva.page.get_by_text("The rules are saved.")).to_be_visible()
    sofia.page.get_by_label("Days after the due date").fill("6")
    sofia.press("Save the rules")
    expect(sofia.page.locator(".error-summary")).to_contain_text("Somebody else changed the rules")


def test_the_page_can_be_used_by_keyboard_alone(portal: Portal, creditor: Creditor) -> None:
    eva = signed_in(portal, EVA)
    page = eva.go(f"/creditor/{creditor.key}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Upload invoices")).to_be_focused()


def test_at_200_per_cent_nothing_is_cut_off(portal: Portal, creditor: Creditor) -> None:
    case: Case = a_reminded_case(creditor)
    db.session.commit()
    # A window of 1280 pixels at 200 % shows as many as one of 640.
    eva = signed_in(portal, EVA)
    eva.page.set_viewport_size({"width": 640, "height": 400})
    for path in ("", "cases", f"cases/{case.reference}", "rules"):
        eva.go(f"/creditor/{creditor.key}/{path}")
        assert eva.overflow() <= 0, path
