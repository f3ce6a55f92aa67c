"""The tabs of a case: what happens next, what is owed, letters, books, debtor and invoice."""

import re
from datetime import timedelta

from portal import clock
from portal.collection import cases, plans, postponing, settling, stops
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import DEBTOR, SWISH, SYSTEM
from portal.identity.models import Creditor
from portal.payments import booking
from tests.creditor.conftest import Desk
from tests.factories import NOW, TODAY, a_case, a_debtor_of, a_reminded_case, letters_leave


def text(desk: Desk, case: Case, tab: str = "") -> str:
    return desk.get(f"cases/{case.reference}{tab}").get_text(" ", strip=True)


def pay(case: Case, amount_ore: int) -> None:
    settling.settle_payment(
        cases.lock(case.id), amount_ore=amount_ore, key=f"p{case.id}", channel="swish",
        value_on=TODAY, actor=SWISH, now=NOW,
    )  # fmt: skip
    db.session.commit()


def test_what_happens_next_stands_first(desk: Desk, creditor: Creditor) -> None:
    page = desk.get(f"cases/{a_reminded_case(creditor).reference}")
    assert page.select_one("main h2").get_text() == "What happens next"
    assert "Send a demand on" in page.select_one(".next-step").get_text()


def test_a_case_that_stands_still_tells_why(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    stops.stop(cases.lock(case.id), "hold", "Utreds", actor=SYSTEM, now=NOW)
    db.session.commit()
    told = text(desk, case)
    assert "Nothing is sent: the case stands still. What waits: Send a demand." in told
    assert "On hold : Utreds" in told


def test_an_address_that_lacks_a_part_needs_somebody(desk: Desk, creditor: Creditor) -> None:
    case = a_case(creditor, debtor=a_debtor_of(creditor, address_line=""))
    assert "The address is not complete" in text(desk, case)


def test_the_timeline_is_narrowed_by_kind(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    told = text(desk, case, "?kind=letters")
    assert "A reminder was written" in told
    assert "The invoice became a case" not in told


def test_a_long_timeline_comes_page_by_page(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    letters_leave()
    for number in range(25):
        stops.stop(cases.lock(case.id), "hold", str(number), actor=SYSTEM, now=NOW)
    db.session.commit()
    first = desk.get(f"cases/{case.reference}")
    assert len(first.select(".timeline .event")) == 20
    older = first.select_one("a[rel=next]")["href"].partition("/cases/")[2]
    assert len(desk.get(f"cases/{older}").select(".timeline .event")) == 7


def test_htmx_gets_the_timeline_alone(desk: Desk, creditor: Creditor) -> None:
    path = f"/creditor/{creditor.key}/cases/{a_reminded_case(creditor).reference}"
    answer = desk.client.get(path, headers={"HX-Request": "true"})
    assert answer.text.strip().startswith('<section id="timeline"')


def test_what_a_debtor_did_alone_is_told(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    later_on = postponing.choices(case, today=TODAY)[0].pay_by_on
    postponing.postpone(cases.lock(case.id), later_on, actor=DEBTOR, today=TODAY, now=NOW)
    plans.agree(
        cases.lock(case.id), monthly_ore=50_000, first_on=TODAY + timedelta(days=5), actor=DEBTOR,
        today=TODAY, now=NOW,
    )  # fmt: skip
    plans.move_day(cases.lock(case.id), day=12, actor=DEBTOR, today=TODAY, now=NOW)
    db.session.commit()
    assert "The debtor took more time to pay" in text(desk, case, "?kind=waiting")
    assert "The debtor changed the day of the payment plan" in text(desk, case, "?kind=money")
    assert "More time to pay" in text(desk, case, "/letters")


def test_a_plan_shows_what_has_come_of_each_part(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    plans.agree(
        cases.lock(case.id), monthly_ore=50_000, first_on=TODAY + timedelta(days=20), actor=DEBTOR,
        today=TODAY, now=NOW,
    )  # fmt: skip
    pay(case, 60_000)
    (table,) = [
        one
        for one in desk.get(f"cases/{case.reference}").select("table")
        if "Payment plan" in one.caption.get_text()
    ]
    assert [one.get_text(strip=True) for one in table.select(".status")] == [
        "Paid", "Paid in part", "To come",
    ]  # fmt: skip


def test_letters_tell_how_their_sending_goes(desk: Desk, creditor: Creditor) -> None:
    told = text(desk, a_reminded_case(creditor), "/letters")
    assert "Reminder" in told
    assert "Waits to be sent" in told


def test_what_is_owed_on_another_day(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    told = text(desk, case, f"/money?on={TODAY + timedelta(days=10)}")
    # Ten more days at ten per cent of 1 000 kr.
    assert re.search(r"SEK.8\.22", told)


def test_a_day_that_is_none_asks_for_none(desk: Desk, creditor: Creditor) -> None:
    assert "What is owed, part by part" in text(desk, a_reminded_case(creditor), "/money?on=x")


def test_the_ledger_tells_what_is_then_owed(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    page = desk.get(f"cases/{case.reference}/money")
    cells = [one.get_text(strip=True) for one in page.select('td[data-label="Debtor then owes"]')]
    assert [re.sub(r"\D", "", one) for one in cells if one] == ["100000", "106000"]


def test_a_payment_tells_what_it_covers_as_it_is_counted_now(
    desk: Desk, creditor: Creditor
) -> None:
    case = a_reminded_case(creditor)
    letters_leave("reminder")
    for key, ore, days in (("later", 107_370, 30), ("first", 100_548, -1)):
        booking.receive(
            case.id, amount_ore=ore, currency="SEK", key=f"bankgiro:{key}", channel="bankgiro",
            value_on=TODAY + timedelta(days=days), payer=None, actor=SWISH,
            now=NOW + timedelta(days=40),
        )  # fmt: skip
    db.session.commit()
    page = desk.get(f"cases/{case.reference}/money")
    (table,) = [
        one for one in page.select("table") if one.caption.get_text(strip=True) == "Payments"
    ]
    cells = [one.get_text(strip=True) for one in table.select('td[data-label="Fees"]')]
    assert [re.sub(r"\D", "", one) for one in cells] == ["000", "000"]


def test_other_cases_of_the_customer_are_led_to(desk: Desk, creditor: Creditor) -> None:
    debtor = a_debtor_of(creditor)
    case, other = a_case(creditor, debtor=debtor), a_case(creditor, debtor=debtor)
    assert other.reference in text(desk, case, "/parties")


def test_the_books_of_a_case_are_seen_today(desk: Desk, creditor: Creditor) -> None:
    assert clock.today().strftime("%Y") in text(desk, a_reminded_case(creditor), "/money")
