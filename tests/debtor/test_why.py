"""Why a sum is owed: entry by entry, day by day, to the öre that the case asks for."""

import gzip
import re
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock, locales
from portal.collection import cases, disputes, lifecycle, notes
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor
from portal.law.interest import NONE
from tests.debtor.test_pages import (
    Visitor,
    a_case_of_today,
    at_first_case,
    case,
    inside,
    pay,
    said,
    sent_letter,
)
from tests.factories import a_creditor, enter_case, letters_leave

__all__ = ["case", "inside"]
CLERK = Actor("person", "Johan Ekdahl", None, "creditor")


def ore(text: str) -> int:
    """Öre of an amount as an English page tells it."""
    found = re.search(r"(-?)SEK\s*([\d,]+)\.(\d\d)", text.replace("\u00a0", " "))
    assert found
    amount = int(found[2].replace(",", "")) * 100 + int(found[3])
    return -amount if found[1] else amount


def rows(page: BeautifulSoup) -> list[str]:
    return [said(one) for one in page.select(".sum-parts > li")]


@pytest.mark.parametrize("part", ["principal", "interest", "fees"])
@pytest.mark.parametrize("paid", [0, 4_000, 6_200, 60_000])
def test_the_rows_of_a_part_add_up_to_what_the_case_asks_for(
    inside: Visitor, case: Case, part: str, paid: int
) -> None:
    if paid:
        pay(case, paid)
    due = cases.amount_due(case, clock.today())
    page = inside.get(f"/case/why/{part}")
    owed = {"principal": due.principal_ore, "interest": due.interest_ore, "fees": due.fees_ore}
    assert ore(said(page.select_one(".sum"))) == owed[part]
    *parts, total = [ore(said(one)) for one in page.select(".sum-parts .money")]
    assert sum(parts) == total == owed[part]


def test_each_day_ends_with_the_interest_that_is_asked_for(inside: Visitor, case: Case) -> None:
    page = inside.get("/case/why/interest?each=1")
    days = page.select("ul[aria-labelledby^=each] > li")
    due = cases.amount_due(case, clock.today())
    assert len(days) == due.accrual.periods[0].days
    if len(due.accrual.periods) == 1:
        assert ore(said(days[-1])) == due.interest_ore


@pytest.mark.parametrize("each", ["0", "99", "-1", "x", "9" * 40])
def test_a_period_that_is_not_there_shows_no_days(inside: Visitor, each: str) -> None:
    assert inside.get(f"/case/why/interest?each={each}").select_one("#each") is None


def test_what_is_owed_on_a_day_ahead_is_told(inside: Visitor, case: Case) -> None:
    on = clock.today() + timedelta(days=1)
    page = inside.get(f"/case/why/interest?on={on}")
    then = cases.owed_on(case, on)
    assert [ore(said(one)) for one in page.select("dl.summary .money")] == [
        then.principal_ore, then.interest_ore, then.fees_ore, then.total_ore
    ]  # fmt: skip


@pytest.mark.parametrize("on", ["", "i morgon", "2020-01-01", "2999-01-01", "2026-02-30", "😀"])
def test_a_day_that_cannot_be_told_is_kindly_refused(inside: Visitor, on: str) -> None:
    response = inside.client.get(
        inside_path(inside, "/case/why/interest"), query_string={"on": on}, headers=inside.headers
    )
    page = BeautifulSoup(response.text, "html.parser")
    assert response.status_code == 422
    assert page.select_one("#error-summary")
    assert page.select_one("input[name=on]")["value"] == on


def inside_path(visitor: Visitor, path: str) -> str:
    return visitor.raw(path).request.path


def test_interest_tells_its_days_rate_and_rule(inside: Visitor) -> None:
    (row, *_) = rows(inside.get("/case/why/interest"))
    for told in ("Days counted: 20", "the reference rate of the central bank",
                 "räntelagen (1975:635) § 6", "See each day"):  # fmt: skip
        assert told in row


def test_a_case_without_interest_has_nothing_to_tell(app: Flask, client: FlaskClient) -> None:
    case = a_case_of_today(terms={"interest_kind": NONE})
    enter_case(app, client, case)
    assert "Nothing to show." in said(Visitor(client).get("/case/why/interest"))


def test_a_fee_leads_to_the_letter_that_it_was_for(inside: Visitor, case: Case) -> None:
    letter = sent_letter(case)
    letter.created_at = clock.now()
    db.session.commit()
    link = inside.get("/case/why/fees").find("a", string="See the letter")
    assert link["href"].endswith(f"/letters/{letter.id}.pdf")


def test_the_principal_tells_the_invoice_and_what_was_paid(inside: Visitor, case: Case) -> None:
    pay(case, 60_000)
    page = inside.get("/case/why/principal")
    assert "Your payment" in said(page)
    assert "El februari" in said(page)


def test_a_part_that_there_is_not_is_not_found(inside: Visitor) -> None:
    inside.get("/case/why/everything", status=404)


def test_the_history_tells_what_happened_and_what_comes(inside: Visitor, case: Case) -> None:
    letters_leave()
    pay(case, 60_000)
    disputes.object_to(
        cases.lock(case.id), reason="amount", words="Secret", amount_ore=None, channel="web",
        actor=DEBTOR, today=clock.today(), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    told = [said(one) for one in inside.get("/case/history").select(".event-title")]
    assert told == [
        "Norrsken Energi AB sent us the unpaid invoice", "Reminder sent", "You paid SEK 600.00",
        "You objected",
    ]  # fmt: skip


def test_a_fee_that_fell_was_taken_back_by_us_who_charged_it(inside: Visitor, case: Case) -> None:
    disputes.object_to(
        cases.lock(case.id), reason="amount", words="För mycket", amount_ore=None, channel="web",
        actor=DEBTOR, today=clock.today(), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    told = [said(one) for one in inside.get("/case/history").select(".event-title")]
    assert "Reda Inkasso AB took back SEK 60.00" in told


@pytest.mark.parametrize("part", ["principal", "interest", "fees"])
def test_a_claim_that_was_never_owed_adds_up_to_nothing(
    inside: Visitor, case: Case, part: str
) -> None:
    letters_leave()
    pay(case, 60_000)
    disputes.object_to(
        cases.lock(case.id), reason="not mine", words="Inte min", amount_ore=None, channel="web",
        actor=DEBTOR, today=clock.today(), now=clock.now(),
    )  # fmt: skip
    disputes.answer(
        cases.lock(case.id), disputes.UPHELD, words="Du har rätt", is_paid_back=True, actor=CLERK,
        today=clock.today(), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    *parts, total = [
        ore(said(one)) for one in inside.get(f"/case/why/{part}").select(".sum-parts .money")
    ]
    assert sum(parts) == total == 0
    assert "goes back the same way that it was paid" in said(inside.get("/case"))


def test_the_history_tells_the_steps_that_may_come(inside: Visitor) -> None:
    upcoming = inside.get("/case/history").select(".event.is-upcoming")
    assert len(upcoming) == 2
    assert all("at the earliest" in said(one) for one in upcoming)


def test_the_history_tells_nothing_of_the_companys_own(inside: Visitor, case: Case) -> None:
    notes.write(case, "Very secret", mentions=[], readers=[], actor=CLERK, now=clock.now())
    lifecycle.send_demand(cases.lock(case.id), today=clock.today(), now=clock.now())
    db.session.commit()
    page = inside.get("/case/history")
    assert "secret" not in said(page)
    assert "Demand (inkassokrav) sent" in said(page)


def test_a_letter_tells_how_it_came(inside: Visitor, case: Case) -> None:
    sent_letter(case)
    assert "(PDF) · By post" in said(inside.get("/case"))


def test_the_case_weighs_little_in_every_language(inside: Visitor, case: Case) -> None:
    """Its page, style and scripts as they travel; a phone on a slow net opens it too."""
    for language in locales.offered():
        page = inside.raw(f"{at_first_case('/case')}?lang={language.code}")
        assert page.status_code == 200
        linked = BeautifulSoup(page.text, "html.parser").select("script[src], link[rel=stylesheet]")
        files = [inside.client.get(str(one.get("src") or one["href"])).data for one in linked]
        assert sum(len(gzip.compress(body)) for body in [page.data, *files]) <= 60_000


def test_an_invoice_tells_who_sent_it_to_whom(app: Flask, client: FlaskClient) -> None:
    case = a_case_of_today(creditor=a_creditor("Fjällbäcks Tandvård AB"))
    enter_case(app, client, case)
    labels = [said(one) for one in Visitor(client).get("/case/invoice").select("dl.summary dt")]
    assert labels[0] == "From"
    assert "To" in labels
