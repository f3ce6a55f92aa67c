"""Somebody with many companies changes to another by keyboard alone."""

from portal.extensions import db
from portal.identity.models import Creditor
from tests.browser.test_every_page import sign_in
from tests.factories import EVA, a_creditor_that_signed, rules_of
from tests.portal_fixtures import Portal, Visitor


def test_a_company_is_found_by_keyboard(portal: Portal) -> None:
    companies = [a_creditor_that_signed(f"Bolag {number} AB") for number in range(9)]
    companies.append(a_creditor_that_signed("Östersunds Buss AB"))
    for one in companies:
        rules_of(one)
    db.session.commit()
    _find(portal, portal.visitor(), companies[0].key)


def _find(portal: Portal, visitor: Visitor, key: str) -> None:
    sign_in(portal, visitor, EVA)
    visitor.go(f"/creditor/{key}/cases")
    page = visitor.page
    page.locator(".switcher > summary").press("Enter")
    page.wait_for_selector(".switcher #companies.company-list")
    page.keyboard.type("buss")
    page.wait_for_selector(".switcher #companies li:only-child")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/creditor/{_key('Östersunds Buss AB')}/cases")


def _key(name: str) -> str:
    return db.session.query(Creditor.key).filter(Creditor.name == name).scalar()
