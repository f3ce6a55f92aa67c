"""Signing in with BankID as somebody at a keyboard does, while the code changes each second."""

from playwright.sync_api import Page, expect

from tests.factories import EVA
from tests.portal_fixtures import Portal


def an_order(portal: Portal) -> Page:
    visitor = portal.visitor()
    page = visitor.go("/sign-in")
    visitor.press("Sign in with BankID")
    page.wait_for_selector("#order .qr-plate")
    return page


def wait_for_another_code(page: Page) -> None:
    code = page.locator("#order-code svg")
    before = code.inner_html()
    expect(code).not_to_have_js_property("innerHTML", before)


def test_the_code_changes_and_the_focus_stays(portal: Portal) -> None:
    page = an_order(portal)
    cancel = page.get_by_role("button", name="Cancel")
    cancel.focus()
    for _ in range(3):
        wait_for_another_code(page)
    expect(cancel).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You have cancelled.")).to_be_visible()


def test_the_code_goes_and_the_message_changes_when_it_is_scanned(portal: Portal) -> None:
    page = an_order(portal)
    order = portal.phone.simulator.orders.waiting()[-1]
    portal.phone.control(f"orders/{order.ref}/open", personalNumber=EVA)
    expect(page.get_by_role("status").last).to_contain_text("Enter your security code")
    expect(page.locator("#order .qr-plate")).to_have_count(0)


def test_an_order_that_is_cancelled_in_the_app_offers_a_new_start(portal: Portal) -> None:
    page = an_order(portal)
    order = portal.phone.simulator.orders.waiting()[-1]
    portal.phone.control(f"orders/{order.ref}/cancel")
    expect(page.get_by_role("link", name="Start again")).to_be_visible()
    expect(page.get_by_role("status").last).to_contain_text("Action cancelled")
