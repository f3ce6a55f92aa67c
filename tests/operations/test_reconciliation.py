"""The operator's pages of reconciliation: days, a period, its rows, and closing a month."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from portal import clock
from portal.extensions import db
from portal.identity.models import Creditor
from portal.payments import closing, reconciling
from portal.payments.models import BankBalance, ClosedPeriod, OwnShareOrder, PayoutBatch
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor, a_person, sign_in
from tests.payments.bank_money import match, paid_by_bank, told
from tests.payments.paying_out import an_account, collect, propose, settle
from tests.signing.pages import Browser

PATH = "/operations/reconciliation"
DAY = f"{PATH}/period?first={TODAY}&last={TODAY}"


@pytest.fixture
def desk(app: Flask) -> Browser:
    client = app.test_client()
    erik = a_person("198107212386", given_name="Erik", surname="Wallin", is_operator=True)
    sign_in(app, client, erik)
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return Browser(client)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    creditor = a_creditor()
    an_account(creditor)
    return creditor


def words(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ", strip=True).replace("\xa0", " ").split())


def test_days_are_listed_with_what_was_found(desk: Browser, creditor: Creditor) -> None:
    yesterday = clock.today() - timedelta(days=1)
    reconciling.keep_day(yesterday, now=NOW)
    db.session.commit()
    shown = words(desk.page(f"{PATH}?month={yesterday:%Y-%m}"))
    assert "Agrees" in shown


def test_statements_that_do_not_follow_on_each_other_are_shown(
    desk: Browser, creditor: Creditor
) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(creditor), 500_25)
    for day, ore in ((TODAY - timedelta(days=1), 100_00), (TODAY, 234_56)):
        db.session.add(
            BankBalance(
                file_id=row.file_id, account=row.account, currency="SEK", opened_on=day,
                opening_ore=ore, closed_on=day, closing_ore=ore,
            )
        )  # fmt: skip
    db.session.commit()
    shown = words(desk.page(DAY))
    assert "Statements that do not follow on each other" in shown
    assert "1 thing is not explained" in shown


def test_a_day_opens_to_its_sums_and_their_rows(desk: Browser, creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_25)
    page = desk.page(DAY)
    assert "Bank, books and cases agree" in words(page)
    links = [one["href"] for one in page.select("td a") if "side=books" in one["href"]]
    rows = desk.page(links[0])
    assert "500.25" in words(rows)
    entry = desk.page(rows.select_one("tbody th a")["href"])
    assert "Payment by bankgiro" in words(entry)
    assert "The payment by bank" in words(entry)


def test_what_is_not_explained_is_told_on_the_day_and_the_status(
    desk: Browser, creditor: Creditor
) -> None:
    told(-1_000, kind="debit", words="Avgift")
    match()
    reconciling.keep_day(TODAY, now=NOW)
    db.session.commit()
    assert "1 thing is not explained" in words(desk.page(DAY))
    assert "do not agree" in words(desk.page("/operations/"))


def test_a_payment_that_waits_is_shown_with_who_paid(desk: Browser, creditor: Creditor) -> None:
    told(50_000, name="Anna Berg", serial="8812")
    match()
    assert "Anna Berg" in words(desk.page(DAY))


def test_a_payout_that_differs_is_shown_with_its_company(desk: Browser, creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_25)
    (payout,) = propose(creditor)
    settle(payout)
    link = desk.page(DAY).select_one(f"a[href$='/payouts/{payout.key}']")
    assert link.get_text(strip=True) == "Payout, Norrsken Energi AB"


def test_a_day_is_a_file_for_a_spreadsheet(desk: Browser, creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_25)
    answer = desk.client.get(f"{PATH}/period.csv?first={TODAY}&last={TODAY}")
    assert answer.mimetype == "text/csv"
    assert "500,25;500,25;500,25" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        ("igår", "2026-03-10", "“igår” is not a date"),
        ("", "2026-03-10", "“” is not a date"),
        ("2026-03-10", "2026-02-30", "“2026-02-30” is not a date"),
        ("2026-03-10", "2026-03-09", "before the first one"),
        ("2020-01-01", "2026-01-01", "at most 400 days"),
    ],
)
def test_wrong_days_are_told_at_the_field_with_what_was_typed(
    desk: Browser, first: str, last: str, told: str
) -> None:
    answer = desk.client.get(f"{PATH}/period", query_string={"first": first, "last": last})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert told in page
    assert f'value="{first}"' in page
    assert f'value="{last}"' in page


@pytest.mark.parametrize("path", ["period.csv", "rows"])
def test_of_wrong_days_there_are_no_rows(desk: Browser, path: str) -> None:
    assert desk.client.get(f"{PATH}/{path}?first=x&last=y").status_code == 404


def test_a_sum_from_swish_is_noted_on_the_payment(desk: Browser, app: Flask) -> None:
    row = told(50_000)
    match()
    address = f"/operations/payments/{row.id}"
    page = desk.page(address)
    for _ in range(2):
        desk.press(page, "Note it", way="swish")
    assert "decided on this already" not in words(desk.page(address))
    assert "Money by Swish that is booked already" in words(desk.page(address))
    desk.press(desk.page(address), "Take back what was noted")
    db.session.expire_all()
    assert row.state == "waiting"


def test_a_month_is_put_together_with_reasons(desk: Browser, creditor: Creditor) -> None:
    a_case_whose_reminder_left(creditor)
    told(-1_000, kind="debit", words="Avgift", on=TODAY)
    match()
    for _ in range(12):
        days = closing.next_period(clock.today())
        assert days is not None
        if days[0] <= TODAY <= days[1]:
            break
    page = desk.page(f"{PATH}/close")
    (field,) = page.select("textarea")
    wrong = desk.press(page, "Put together for approval")
    assert wrong.status_code == 422
    desk.press(page, "Put together for approval", **{field["name"]: "Vår egen kostnad"})
    period = db.session.query(ClosedPeriod).one()
    shown = words(desk.page(f"/operations/periods/{period.key}"))
    assert "Vår egen kostnad" in shown
    assert "Another operator must approve it" in shown
    answer = desk.client.get(f"/operations/periods/{period.key}/file")
    assert answer.data.startswith(b"%PDF")
    desk.press(desk.page(f"/operations/periods/{period.key}"), "Leave it open")
    shown = words(desk.page(f"/operations/periods/{period.key}"))
    assert "It was not closed. Erik Wallin left it open" in shown
    assert "Left open" in words(desk.page(PATH))


def test_our_share_that_the_bank_refused_is_listed_with_its_reason(
    desk: Browser, creditor: Creditor
) -> None:
    batch = PayoutBatch(key="b", made_by="", made_at=NOW, text="# Ta ut", rows=[],
                        status="released", execute_on=TODAY)  # fmt: skip
    db.session.add(batch)
    db.session.flush()
    db.session.add(
        OwnShareOrder(
            key="o", batch_id=batch.id, on=TODAY, currency="SEK", amount_ore=60_00, shares=[],
            account="9912346", status="rejected", reason="AC04", released_on=TODAY, ended_on=TODAY,
        )
    )  # fmt: skip
    db.session.commit()
    shown = words(desk.page(PATH))
    assert "991-2346" in shown
    assert "Refused by the bank" in shown
    assert "The account is closed. ( AC04 )" in shown


def test_who_took_back_what_was_noted_is_told_on_the_payment(desk: Browser) -> None:
    row = told(50_000, state="waiting")
    at = f"/operations/payments/{row.id}"
    desk.press(desk.page(at), "Note it", way="swish")
    desk.press(desk.page(at), "Take back what was noted")
    shown = words(desk.page(at))
    assert "Taken back by Erik Wallin" in shown
    assert "Note it" in shown


@pytest.mark.parametrize(
    "asked", ["?month=9999-12", "?month=0001-01", "/period?first=9999-12-31&last=9999-12-31"]
)
def test_days_at_the_end_of_time_are_no_fault_of_ours(desk: Browser, asked: str) -> None:
    assert desk.client.get(f"{PATH}{asked}").status_code < 500
