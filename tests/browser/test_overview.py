"""The overview of a company that has lived: read by axe-core with all unfolded, and arranged."""

import random

import pytest

from portal import clock
from portal.extensions import db
from portal.identity import people
from portal.identity.models import Creditor
from tests.collection.lives import a_life
from tests.factories import EVA, a_creditor_that_signed, rules_of
from tests.portal_fixtures import Portal, Visitor


@pytest.fixture
def creditor(portal: Portal) -> Creditor:
    creditor = a_creditor_that_signed()
    rules_of(creditor)
    dice = random.Random(5)
    for _ in range(60):
        a_life(creditor, dice, clock.today())
    db.session.commit()
    return creditor


def at_the_overview(portal: Portal, creditor: Creditor, **window: object) -> Visitor:
    visitor = portal.visitor(**window)  # type: ignore[arg-type]
    person = people.by_identity_number(EVA)
    assert person is not None
    visitor.take_session(portal.app, {"_user_id": person.get_id(), "_fresh": True})
    visitor.go(f"/creditor/{creditor.key}/?arrange=1")
    return visitor


def titles(visitor: Visitor) -> list[str]:
    return visitor.page.locator(".overview > section > h2").all_inner_texts()


def test_charts_and_their_numbers_can_be_read(portal: Portal, creditor: Creditor) -> None:
    for width, dark in ((360, False), (1280, True)):
        visitor = at_the_overview(portal, creditor, width=width, dark=dark)
        visitor.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert visitor.page.locator("figure.chart svg[role=img]").count() >= 5
        assert visitor.barriers() == []
        assert visitor.overflow() <= 0
        assert visitor.complaints == []


def test_cards_are_arranged_by_keyboard(portal: Portal, creditor: Creditor) -> None:
    visitor = at_the_overview(portal, creditor)
    before = titles(visitor)
    visitor.page.locator("#down-needs").focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_selector("section:first-child#card-owed")
    # The same button can be pressed once more at once.
    assert visitor.page.evaluate("document.activeElement.id") == "down-needs"
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_selector("section:nth-child(2)#card-money")
    visitor.page.locator("#show-money").focus()
    visitor.page.keyboard.press("Space")
    visitor.page.wait_for_selector("#card-money", state="detached")
    visitor.go(f"/creditor/{creditor.key}/")
    assert titles(visitor) == [before[1], before[0], *before[3:]]
    assert visitor.complaints == []


def test_what_has_just_arrived_obeys_at_once(portal: Portal, creditor: Creditor) -> None:
    visitor = at_the_overview(portal, creditor)
    # A press in the same moment as the new cards stand there, before anything else happens.
    visitor.page.evaluate(
        """new MutationObserver((_, observer) => {
            if (!document.querySelector("section:first-child#card-owed")) return
            observer.disconnect()
            document.getElementById("show-money").click()
        }).observe(document.getElementById("main"), {childList: true, subtree: true})"""
    )
    visitor.page.locator("#down-needs").click()
    visitor.page.wait_for_selector("#card-money", state="detached")
    assert visitor.complaints == []


def test_cards_are_arranged_without_scripts(portal: Portal, creditor: Creditor) -> None:
    visitor = at_the_overview(portal, creditor, scripts=False)
    before = titles(visitor)
    visitor.page.locator("#size-owed").select_option("wide")
    visitor.page.locator("#show-needs").uncheck()
    with visitor.page.expect_navigation():
        visitor.press("Save")
    assert titles(visitor) == before[1:]
    with visitor.page.expect_navigation():
        visitor.page.locator("#up-ageing").click()
    assert titles(visitor)[:2] == [before[1], before[3]]
    assert "is-wide" in (visitor.page.locator("#card-owed").get_attribute("class") or "")
    with visitor.page.expect_navigation():
        visitor.press("As it was at first")
    assert titles(visitor) == before
