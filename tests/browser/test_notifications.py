"""The bell and the notification centre in a browser: with JavaScript, without, and by keyboard."""

from collections.abc import Callable

import pytest

from portal import clock
from portal.extensions import db
from portal.identity import people
from portal.identity.models import Creditor
from portal.notifications.telling import notify
from tests.factories import EVA, a_creditor_that_signed
from tests.portal_fixtures import Portal, Visitor


@pytest.fixture
def creditor(portal: Portal) -> Creditor:
    return a_creditor_that_signed()


@pytest.fixture
def tell(creditor: Creditor) -> Callable[[str], None]:
    def tell(key: str) -> None:
        notify("dispute", creditor_id=creditor.id, data={"what": key}, key=key, now=clock.now())
        db.session.commit()

    return tell


def eva_at(portal: Portal, **browser: object) -> Visitor:
    eva = people.by_identity_number(EVA)
    assert eva is not None
    visitor = portal.visitor(**browser)
    visitor.take_session(portal.app, {"_user_id": eva.get_id(), "_fresh": True})
    return visitor


def test_the_bell_tells_of_something_new_without_a_reload(
    portal: Portal, creditor: Creditor, tell: Callable[[str], None]
) -> None:
    visitor = eva_at(portal)
    page = visitor.page
    page.clock.install()
    visitor.go(f"/creditor/{creditor.key}/rules")
    page.locator("#bell").focus()
    assert page.locator("#bell .count").count() == 0
    tell("one")
    with page.expect_response("**/notifications/bell*") as answer:
        page.clock.run_for(31_000)
    assert answer.value.status == 200
    page.locator("#bell .count", has_text="1").wait_for()
    assert page.locator("#bell-told").text_content() == "Notifications: 1 unread"
    assert page.evaluate("document.activeElement.id") == "bell"
    with page.expect_response("**/notifications/bell*") as answer:
        page.clock.run_for(31_000)
    assert answer.value.status == 304
    assert page.locator("#bell .count").text_content() == "1"


def test_when_the_portal_does_not_answer_the_bell_is_silent_about_it(
    portal: Portal, creditor: Creditor
) -> None:
    visitor = eva_at(portal)
    page = visitor.page
    page.clock.install()
    visitor.go(f"/creditor/{creditor.key}/rules")
    page.route("**/notifications/bell*", lambda route: route.fulfill(status=500, body="<p>x</p>"))
    with page.expect_response("**/notifications/bell*"):
        page.clock.run_for(31_000)
    page.unroute_all()
    assert page.locator("#problem").text_content() == ""
    assert not page.locator("#no-answer").is_visible()
    # htmx writes it down for those who look at the console.
    visitor.complaints.clear()


def test_one_is_marked_as_read_by_keyboard_and_the_bell_knows(
    portal: Portal, creditor: Creditor, tell: Callable[[str], None]
) -> None:
    tell("one")
    tell("two")
    visitor = eva_at(portal)
    page = visitor.go("/notifications/")
    page.locator("tbody tr button").first.focus()
    page.keyboard.press("Enter")
    page.locator("#bell .count", has_text="1").wait_for()
    assert page.locator("tr.is-unread").count() == 1
    assert page.locator("#bell").count() == 1
    assert page.evaluate("document.activeElement.textContent").startswith("Mark as unread")


def test_without_javascript_everything_works_too(
    portal: Portal, creditor: Creditor, tell: Callable[[str], None]
) -> None:
    tell("one")
    tell("two")
    visitor = eva_at(portal, scripts=False, width=360)
    page = visitor.go(f"/creditor/{creditor.key}/")
    page.locator("#bell").click()
    visitor.press("Mark all as read")
    assert "2 notifications are marked as read." in (page.text_content("#flashes") or "")
    page.get_by_label("Unread only").check()
    visitor.press("Show")
    assert "No notification fits" in (page.text_content("#list") or "")
    visitor.press("Choose what you are told")
    page.locator("#dispute-mail").select_option("weekly")
    visitor.press("Save the choices")
    assert page.locator("#dispute-mail").input_value() == "weekly"


def test_an_address_is_confirmed_by_the_mail_that_comes_to_it(
    portal: Portal, creditor: Creditor
) -> None:
    visitor = eva_at(portal)
    page = visitor.go("/notifications/choices")
    page.get_by_label("Your e-mail address").fill("eva@example.com")
    page.get_by_label("English").check()
    page.locator("form").filter(has=page.locator("#email")).get_by_role("button").click()
    page.get_by_text("We have sent an e-mail to eva@example.com").wait_for()
    portal.run_jobs()
    (mail,) = portal.mailbox.mails("eva@example.com")
    page.goto(mail.links[0])
    page.get_by_text("E-mails go to eva@example.com from now on.").wait_for()
    assert page.locator("#email").input_value() == "eva@example.com"


def test_a_mail_opens_in_the_simulated_mail_program(
    portal: Portal, creditor: Creditor, tell: Callable[[str], None]
) -> None:
    eva = people.by_identity_number(EVA)
    assert eva is not None
    eva.email, eva.language = "eva@example.com", "en"
    db.session.commit()
    tell("one")
    portal.run_jobs()
    portal.run_jobs()
    visitor = eva_at(portal)
    page = visitor.page
    page.goto(f"{portal.mailbox.running.pages.url}/")
    page.get_by_role("link", name="An objection came").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="Open it in Reda").click()
    page.wait_for_url(f"{portal.address}/creditor/{creditor.key}/cases")
