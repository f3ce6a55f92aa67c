"""Pages that ask for news lead on once, however long the next page takes to come."""

import re
import time

from playwright.sync_api import Page, Request, Route, expect

from portal.extensions import db
from portal.signing import agreements
from tests.factories import (
    EVA,
    a_case_whose_reminder_left,
    a_creditor,
    a_creditor_that_signed,
    a_person,
    a_person_at,
)  # fmt: skip
from tests.portal_fixtures import Portal

# Longer than a page waits between two questions.
_SLOW_SECONDS = 4
_PATIENCE = 20_000


def slow_down(page: Page, address: str) -> list[str]:
    """Let a page come slowly; answers a list of how often it is asked for."""
    asked: list[str] = []

    def hold(route: Route) -> None:
        asked.append(route.request.url)
        time.sleep(_SLOW_SECONDS)
        route.continue_()

    page.route(re.compile(address), hold)
    return asked


def test_who_signs_in_arrives_signed_in_and_unwarned(portal: Portal) -> None:
    a_person(EVA, is_operator=True)
    visitor = portal.visitor()
    page = visitor.go("/sign-in")
    asked = slow_down(page, "/operations/$")
    visitor.press("Sign in with BankID")
    page.wait_for_selector("#order .qr-plate")
    portal.approve_newest(EVA)
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=_PATIENCE)
    expect(page.get_by_text("used or is too old")).to_have_count(0)
    assert len(asked) == 1


def test_who_signs_an_agreement_is_told_so_once(portal: Portal) -> None:
    a_person_at(a_creditor(), "administrator", EVA)
    agreements.publish_all()
    db.session.commit()
    visitor = portal.visitor()
    portal.sign_in(visitor, EVA)
    page = visitor.page
    asked = slow_down(page, "/agreements/[^/]+/next$")
    visitor.press("Read and sign")
    page.get_by_label("I have read the agreement").check()
    visitor.press("Sign with BankID")
    page.wait_for_selector("#order")
    portal.approve_newest(EVA)
    told = page.get_by_text("The agreement is signed")
    expect(told.first).to_be_visible(timeout=_PATIENCE)
    expect(told).to_have_count(1)
    assert len(asked) == 1


def test_who_has_paid_is_led_to_the_receipt_once(portal: Portal) -> None:
    case = a_case_whose_reminder_left(a_creditor_that_signed(), terms={"interest_kind": "none"})
    visitor = portal.visitor()
    page = visitor.go("/")
    page.get_by_label("Reference").fill(case.reference)
    page.get_by_label("Code").fill(case.access_code)
    visitor.press("Show my case")
    asked = slow_down(page, "/receipts/")
    questions: list[str] = []

    def count(request: Request) -> None:
        if asked and "/pay/" in request.url:
            questions.append(request.url)

    page.on("request", count)
    visitor.press("Pay with Swish")
    page.wait_for_selector("#payment .qr-plate")
    payer = portal.visitor().page
    payer.goto(f"{portal.swish.running.payer.url}/")
    payer.locator("main a").first.click()
    payer.get_by_role("button", name="Approve the payment").click()
    thanks = page.get_by_role("heading", name="Thank you. Your payment has come.")
    expect(thanks).to_be_visible(timeout=_PATIENCE)
    assert len(asked) == 1
    assert questions == []
