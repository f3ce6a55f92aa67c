"""The letter is shown as one types the name on it and chooses a logo; nothing is saved by that."""

from portal.extensions import db
from portal.identity.models import Creditor
from tests.browser.test_every_page import sign_in
from tests.companies.test_company_card import a_picture
from tests.factories import EVA, a_creditor_that_signed
from tests.portal_fixtures import Portal


def kept(creditor_id: int) -> dict[str, str]:
    db.session.expire_all()
    return db.session.get_one(Creditor, creditor_id).letter


def test_the_letter_changes_as_one_types(portal: Portal) -> None:
    creditor = a_creditor_that_signed()
    creditor_id, visitor = creditor.id, portal.visitor()
    sign_in(portal, visitor, EVA)
    page = visitor.go(f"/creditor/{creditor.key}/company")
    # In place: only the card is exchanged.
    page.locator("#card-letter a", has_text="Change").click()
    page.get_by_label("Name on letters").fill("Norrsken")
    page.wait_for_selector('#letter-preview img[src*="name=Norrsken"]')
    page.get_by_label("Logo", exact=False).first.set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": a_picture()}
    )
    page.wait_for_selector('#letter-preview img[src*="draft="]')
    shown = page.locator("#letter-preview img")
    assert shown.evaluate("img => img.decode().then(() => img.naturalWidth)") == 953
    assert kept(creditor_id) == {}
    page.locator("#card-letter").get_by_role("button", name="Save").click()
    page.wait_for_selector("text=Saved.")
    assert set(kept(creditor_id)) == {"logo", "sender_name"}
    assert visitor.complaints == []
