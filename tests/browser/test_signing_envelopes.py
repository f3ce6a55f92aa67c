"""Somebody who was sent a document signs it on a phone."""

from playwright.sync_api import expect

from portal.database import tenancy
from portal.extensions import db
from portal.signing.envelopes import NewFile
from tests.factories import EVA, a_creditor
from tests.portal_fixtures import Portal, Visitor
from tests.signing.ceremonies import link, names_of, sent
from tests.signing.envelopes import a_file, invited


def holds(visitor: Visitor) -> None:
    """What every page must be on a phone."""
    assert visitor.barriers() == []
    assert visitor.overflow() <= 0


def by_bankid(portal: Portal, visitor: Visitor, button: str) -> None:
    visitor.press(button)
    visitor.page.wait_for_selector("#order")
    portal.approve_newest(EVA)
    visitor.page.wait_for_url("**/sign/*")


def test_from_the_link_to_the_thanks(portal: Portal) -> None:
    files = [a_file("Ett mycket långt namn på ett avtal som inte får plats på en rad.pdf"),
             NewFile("Pris.txt", b"1", "text/plain", None)]  # fmt: skip
    who = invited("Eva Berg", identity_number=EVA, may_hand_over=True)
    envelope = sent(a_creditor("Norrsken Energi AB"), signers=[who], files=files, message="Hej!")
    visitor = portal.visitor(width=360)
    page = visitor.go(f"{link(envelope)}?lang=sv")
    holds(visitor)
    by_bankid(portal, visitor, "Legitimera dig med BankID")
    picture = page.locator(".sheets img").first
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("naturalWidth", 1240)
    holds(visitor)
    page.get_by_label("Jag har läst dokumenten.").check()
    by_bankid(portal, visitor, "Skriv under med BankID")
    expect(page.get_by_text("Tack. Du har skrivit under.")).to_be_visible()
    holds(visitor)
    with tenancy.service():
        told = names_of(envelope)
        db.session.commit()
    assert [one for one in told if one in ("identified", "page_shown", "signed", "completed")] == [
        "identified", "page_shown", "signed", "completed",
    ]  # fmt: skip
    assert visitor.complaints == []
