"""A debtor pays by card on the provider's page, and comes back to the receipt."""

import pytest
from playwright.sync_api import Page, expect

from portal.collection.models import Case
from portal.config import Settings
from tests.browser.test_paying import enter
from tests.factories import a_case_whose_reminder_left, a_creditor_that_signed
from tests.online_fixtures import Online
from tests.portal_fixtures import Portal


@pytest.fixture
def settings(portal_settings: Settings, online: Online) -> Settings:
    return online.settings(portal_settings)


@pytest.fixture
def case(portal: Portal) -> Case:
    return a_case_whose_reminder_left(a_creditor_that_signed(), terms={"interest_kind": "none"})


def to_the_provider(portal: Portal, case: Case, *, scripts: bool) -> Page:
    """On the provider's page, after choosing to pay by card."""
    debtor = portal.visitor(width=360, scripts=scripts)
    page = enter(debtor, case)
    page.get_by_role("link", name="Pay a part, or in another way").click()
    page.get_by_label("Card").check()
    debtor.press("Next")
    page.get_by_role("link", name="Go on to the payment page").click()
    return page


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_who_pays_by_card_comes_back_to_the_receipt(
    portal: Portal, case: Case, scripts: bool
) -> None:
    page = to_the_provider(portal, case, scripts=scripts)
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Thank you. Your payment has come.")).to_be_visible()
    expect(page.get_by_text("Everything is paid")).to_be_visible()


def test_who_declines_comes_back_and_can_try_again(portal: Portal, case: Case) -> None:
    page = to_the_provider(portal, case, scripts=True)
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_text("It was declined. Nothing has been paid.")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("link", name="Go on to the payment page")).to_be_visible()


def test_who_pays_several_cases_by_card_comes_back_to_their_receipts(
    portal: Portal, case: Case
) -> None:
    some = [case.id, a_case_whose_reminder_left(case.creditor).id]
    debtor = portal.visitor(width=360, scripts=False)
    debtor.take_session(portal.app, {"debtor_cases": some})
    page = debtor.go("/pay")
    page.get_by_label("Card").check()
    debtor.press("Next")
    page.get_by_role("link", name="Go on to the payment page").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", name="Thank you. Your payment has come.")).to_be_visible()
    expect(page.get_by_role("link", name="Receipt for")).to_have_count(2)
    page.get_by_role("link", name="Receipt for").first.click()
    expect(page.get_by_text("Card", exact=True)).to_be_visible()
