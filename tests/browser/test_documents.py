"""Documents in the making: pages dragged to another place, a template with its preview."""

from datetime import timedelta

from playwright.sync_api import expect

from portal import clock
from portal.identity import people
from portal.signing import envelopes
from tests.factories import EVA, a_creditor_that_signed
from tests.portal_fixtures import Portal
from tests.signing import pdf_files
from tests.signing.envelopes import NewFile, a_draft


def test_a_page_that_is_dragged_to_the_front_comes_first(portal: Portal) -> None:
    creditor = a_creditor_that_signed()
    file = NewFile("Avtal.pdf", pdf_files.with_pages(3), "application/pdf", 3)
    draft = a_draft(creditor, files=(file,), last_on=clock.today() + timedelta(days=9))
    eva, visitor = people.by_identity_number(EVA), portal.visitor()
    assert eva is not None
    visitor.take_session(portal.app, {"_user_id": eva.get_id(), "_fresh": True})
    (kept,) = envelopes.files_of(draft)
    page = visitor.go(
        f"/creditor/{creditor.key}/documents/{draft.key}/files/{kept.key}/pages?lang=en"
    )
    page.locator("#page-3 img").drag_to(page.locator("#page-1 img"))
    expect(page.locator("#page-1")).to_contain_text("Page 3")
    assert visitor.complaints == []


def test_the_preview_of_a_template_renews_itself_while_it_is_written(portal: Portal) -> None:
    creditor = a_creditor_that_signed()
    eva, visitor = people.by_identity_number(EVA), portal.visitor()
    assert eva is not None
    visitor.take_session(portal.app, {"_user_id": eva.get_id(), "_fresh": True})
    page = visitor.go(f"/creditor/{creditor.key}/documents/templates/new?lang=en")
    page.get_by_label("Text", exact=True).press_sequentially("# Hej\n\n**Du** ")
    page.get_by_text("Fields that fill in themselves").click()
    page.get_by_role("button", name="Insert Customer's name").click()
    expect(page.locator("#preview h2")).to_have_text("Hej")
    expect(page.locator("#preview .paper")).to_contain_text("Du Kim Ek")
    assert visitor.complaints == []
