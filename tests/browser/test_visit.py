"""On a page left open, the end of the visit is told in time, and pressing a button puts it off."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from portal import clock
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.models import BrowserSession
from tests.factories import a_case_whose_reminder_left, a_creditor_that_signed
from tests.portal_fixtures import Portal

WORDS = "I never got the invoice."
# Until five minutes before the end, and what a timer may be late by.
ALMOST = 25 * 60_000 + 2_000


@pytest.fixture
def case(portal: Portal) -> Case:
    return a_case_whose_reminder_left(a_creditor_that_signed(), terms={"interest_kind": "none"})


@pytest.fixture
def page(portal: Portal, case: Case) -> Page:
    """The page of messages with something written, open since a while."""
    visitor = portal.visitor(width=360)
    visitor.take_session(portal.app, {"debtor_cases": [case.id]})
    visitor.page.clock.install()
    page = visitor.go(f"/case/{case.reference}/messages")
    page.get_by_label("Your message").fill(WORDS)
    return page


def visits_end_in(minutes: int) -> None:
    ends = clock.real_now() + timedelta(minutes=minutes)
    db.session.execute(update(BrowserSession).values(expires_at=ends))
    db.session.commit()


def test_the_end_is_told_in_time_and_put_off(page: Page) -> None:
    visits_end_in(5)
    page.clock.run_for(ALMOST)
    warning = page.get_by_text("Your visit ends soon.")
    expect(warning).to_be_visible()
    expect(page.get_by_role("status").filter(has=warning)).to_have_count(1)
    page.get_by_role("button", name="Stay longer").click()
    expect(warning).to_have_count(0)
    # The one who pressed it goes on from there, and what is written stays.
    assert page.evaluate("document.activeElement.id") == "stay"
    expect(page.get_by_label("Your message")).to_have_value(WORDS)


def test_what_was_written_is_there_after_the_end(page: Page, case: Case) -> None:
    visits_end_in(0)
    page.clock.run_for(ALMOST)
    expect(page.get_by_text("Your visit has ended.")).to_be_visible()
    page.get_by_role("button", name="Send").click()
    page.get_by_label("Code").fill(case.access_code)
    page.get_by_role("button", name="Show my case").click()
    expect(page.get_by_label("Your message")).to_have_value(WORDS)
