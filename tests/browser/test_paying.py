"""A debtor pays with Swish: with and without JavaScript, and when it does not go through."""

import re

import pytest
from playwright.sync_api import Page, expect

from portal.collection import settling
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import SWISH, SYSTEM
from portal.payments import booking
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor_that_signed
from tests.portal_fixtures import Portal, Visitor


@pytest.fixture
def case(portal: Portal) -> Case:
    """A case whose sum stands still, since no interest is asked for."""
    return a_case_whose_reminder_left(a_creditor_that_signed(), terms={"interest_kind": "none"})


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether the debtor's browser has JavaScript."""
    return bool(request.param)


@pytest.fixture
def debtor(portal: Portal, scripts: bool) -> Visitor:
    """The debtor on a phone."""
    return portal.visitor(width=360, scripts=scripts)


def enter(debtor: Visitor, case: Case) -> Page:
    page = debtor.go("/")
    page.get_by_label("Reference").fill(case.reference)
    page.get_by_label("Code").fill(case.access_code.lower())
    debtor.press("Show my case")
    page.wait_for_url("**/case/*")
    return page


def payer_s_page(portal: Portal, debtor: Visitor) -> Page:
    """Swish on another device: the newest request, as the simulator lists it."""
    phone = portal.visitor(width=360)
    phone.page.goto(f"{portal.swish.running.payer.url}/")
    phone.page.locator("main a").first.click()
    return phone.page


def look_again(debtor: Visitor, scripts: bool) -> None:
    """What somebody does whose page does not change by itself soon."""
    while not scripts and debtor.page.get_by_role("link", name="Refresh").count():
        debtor.press("Refresh")


def test_a_debtor_enters_sees_the_sum_and_pays(
    portal: Portal, case: Case, debtor: Visitor, scripts: bool
) -> None:
    page = enter(debtor, case)
    expect(page.locator(".sum")).to_have_text(re.compile("kr\\W?1,060.00|SEK\\W?1,060.00"))
    debtor.press("Pay with Swish")
    expect(page.locator("#payment .qr-plate")).to_be_visible()
    payer_s_page(portal, debtor).get_by_role("button", name="Approve the payment").click()
    look_again(debtor, scripts)
    expect(page.get_by_role("heading", name="Thank you. Your payment has come.")).to_be_visible()
    expect(page.get_by_text("Everything is paid")).to_be_visible()


def test_the_open_page_shows_by_itself_that_the_payment_came(portal: Portal, case: Case) -> None:
    debtor = portal.visitor()
    page = enter(debtor, case)
    debtor.press("Pay with Swish")
    page.wait_for_selector("#payment")
    address = page.url
    payer_s_page(portal, debtor).get_by_role("button", name="Approve the payment").click()
    page.wait_for_url("**/case/*/receipts/*")
    assert page.url != address


def test_the_open_page_of_several_cases_shows_by_itself_that_the_payment_came(
    portal: Portal, case: Case
) -> None:
    some = [case.id, a_case_whose_reminder_left(case.creditor).id]
    debtor = portal.visitor(width=360)
    debtor.take_session(portal.app, {"debtor_cases": some})
    page = debtor.go("/overview")
    page.get_by_role("link", name="Pay", exact=True).click()
    first = page.get_by_role("checkbox").first
    first.uncheck()
    expect(page.locator("#sum")).not_to_have_text(re.compile("2,"))
    first.check()
    expect(page.locator("#sum")).to_have_text(re.compile("2,"))
    debtor.press("Next")
    expect(page.locator("#payment .qr-plate")).to_be_visible()
    payer_s_page(portal, debtor).get_by_role("button", name="Approve the payment").click()
    page.wait_for_url("**/pay/*/receipts")
    expect(page.get_by_role("link", name=re.compile("Receipt for"))).to_have_count(2)
    # Back to the page of the payment: it leads on to the receipts, and nothing is paid again.
    page.go_back()
    page.wait_for_url("**/pay/*/receipts")
    assert [len(booking.payments_of(one)) for one in some] == [1, 1]


def test_a_declined_payment_is_told_and_can_be_tried_again(
    portal: Portal, case: Case, debtor: Visitor, scripts: bool
) -> None:
    page = enter(debtor, case)
    debtor.press("Pay with Swish")
    expect(page.locator("#payment .qr-plate")).to_be_visible()
    payer_s_page(portal, debtor).get_by_role("button", name="Decline", exact=True).click()
    look_again(debtor, scripts)
    expect(page.get_by_role("alert")).to_contain_text("The payment was not made")
    debtor.press("Try again")
    expect(page.locator("#payment .qr-plate")).to_be_visible()


def test_a_page_that_asks_for_news_keeps_the_focus_where_it_was(portal: Portal, case: Case) -> None:
    page = enter(debtor := portal.visitor(), case)
    debtor.press("Pay with Swish")
    stop = page.get_by_role("button", name="Stop the payment")
    stop.focus()
    for _ in range(2):
        with page.expect_response("**/case/*/pay/*"):
            pass
    expect(stop).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The payment is stopped. Nothing has been paid.")).to_be_visible()


def test_a_page_that_asks_by_itself_says_once_that_nothing_answers(
    portal: Portal, case: Case
) -> None:
    page = enter(debtor := portal.visitor(), case)
    debtor.press("Pay with Swish")
    page.wait_for_selector("#payment .qr-plate")
    page.evaluate("""said = 0; new MutationObserver(() => said++).observe(
        document.getElementById("no-answer"), {attributeFilter: ["hidden"]})""")
    page.route("**/case/*/pay/*", lambda route: route.abort())
    for _ in range(2):
        page.wait_for_event("requestfailed")
    expect(page.get_by_role("alert")).to_contain_text("No answer right now")
    assert page.evaluate("said") == 1
    page.unroute("**/case/*/pay/*")
    expect(page.locator("#no-answer")).to_be_hidden()
    # htmx writes it down for those who look at the console.
    debtor.complaints.clear()


def test_a_payer_who_is_too_slow_is_told(portal: Portal, case: Case) -> None:
    debtor = portal.visitor()
    page = enter(debtor, case)
    debtor.press("Pay with Swish")
    page.wait_for_selector("#payment .qr-plate")
    payer = payer_s_page(portal, debtor)
    payer.get_by_role("button", name=re.compile("TM01")).click()
    expect(page.get_by_text("The payment was not made")).to_be_visible()


def test_a_phone_is_led_to_the_app_and_back(portal: Portal, case: Case) -> None:
    debtor = portal.visitor(width=360, touch=True)
    page = enter(debtor, case)
    debtor.press("Pay with Swish")
    page.get_by_role("link", name="Open Swish on this phone").click()
    page.get_by_role("button", name="Approve the payment").click()
    expect(page.get_by_role("heading", name="Thank you. Your payment has come.")).to_be_visible()


def test_a_stopped_payment_takes_nothing(portal: Portal, case: Case, debtor: Visitor) -> None:
    page = enter(debtor, case)
    debtor.press("Pay with Swish")
    expect(page.locator("#payment .qr-plate")).to_be_visible()
    debtor.press("Stop the payment")
    page.wait_for_url("**/case/*")
    expect(page.get_by_text("The payment is stopped. Nothing has been paid.")).to_be_visible()


def test_a_case_that_is_paid_meanwhile_has_nothing_to_pay(portal: Portal, case: Case) -> None:
    debtor = portal.visitor()
    page = enter(debtor, case)
    settling.settle_payment(
        case, amount_ore=106_000, key="x", channel="swish", value_on=TODAY, actor=SWISH, now=NOW
    )
    db.session.commit()
    debtor.press("Pay with Swish")
    expect(page.get_by_text("This case is paid.")).to_be_visible()


def test_wrong_guesses_lock_the_door_and_say_so(portal: Portal, case: Case) -> None:
    page = portal.visitor().go("/")
    for _ in range(6):
        page.get_by_label("Reference").fill(case.reference)
        page.get_by_label("Code").fill("WRONG1")
        page.get_by_role("button", name="Show my case").click()
        page.wait_for_load_state()
    expect(page.get_by_role("alert").first).to_contain_text("Too many attempts")


def test_the_language_picker_turns_the_page_round(portal: Portal, case: Case) -> None:
    debtor = portal.visitor(width=360)
    page = enter(debtor, case)
    page.locator("details.languages summary").click()
    page.get_by_role("link", name="العربية").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("html")).to_have_attribute("lang", "ar")


def test_leaving_closes_the_case_on_this_device(portal: Portal, case: Case) -> None:
    debtor = portal.visitor()
    page = enter(debtor, case)
    debtor.press("Leave")
    page.wait_for_url(f"{portal.address}/")
    page.goto(f"{portal.address}/overview")
    expect(page.get_by_label("Reference")).to_be_visible()


def test_a_debtor_s_page_travels_in_less_than_60_kb(portal: Portal, case: Case) -> None:
    debtor = portal.visitor()
    page = enter(debtor, case)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.reload(wait_until="networkidle")
    assert len(received) >= 4
    assert sum(received) < 60_000


def come_by_bank(case: Case) -> None:
    booking.receive(
        case.id, amount_ore=50_000, currency="SEK", key="bankgiro:1", channel="bankgiro",
        value_on=TODAY, payer=None, actor=SYSTEM, now=NOW,
    )  # fmt: skip
    db.session.commit()


def test_money_that_comes_by_bank_is_told_on_the_open_page(portal: Portal, case: Case) -> None:
    page = enter(portal.visitor(), case)
    come_by_bank(case)
    told = page.locator("#news").get_by_text("Thank you. Your payment has come.")
    expect(told).to_be_visible(timeout=20_000)
    expect(page.locator("#main .sum").first).to_have_text(re.compile("560.00"))


def test_the_overview_is_shown_anew_and_the_focus_stays(portal: Portal, case: Case) -> None:
    debtor = portal.visitor()
    enter(debtor, case)
    page = debtor.go("/overview")
    link = page.get_by_role("link", name="See and pay your case")
    link.focus()
    come_by_bank(case)
    expect(page.locator("#main .sum").first).to_have_text(re.compile("560.00"), timeout=20_000)
    expect(link).to_be_focused()
