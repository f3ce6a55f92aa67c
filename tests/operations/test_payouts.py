"""Payouts on the operator's pages: looked at, held, put together and handed to the bank."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from structlog.testing import capture_logs

from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.payments import own_share, payouts, releasing
from portal.payments.models import Payout, PayoutBatch
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor, a_person, sign_in
from tests.payments.bank_money import paid_by_bank
from tests.payments.paying_out import an_account, collect, propose, refuse, release, settle
from tests.signing.pages import Browser

PATH = "/operations/payouts"


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


@pytest.fixture
def payout(creditor: Creditor) -> Payout:
    collect(a_case_whose_reminder_left(creditor), 500_25)
    (payout,) = propose(creditor)
    return payout


def words(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ", strip=True).replace("\xa0", " ").split())


def test_without_proposals_the_page_says_so(desk: Browser) -> None:
    assert "No payout is proposed" in words(desk.page(PATH))


def test_what_is_owed_is_proposed_at_once(desk: Browser, creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_25)
    page = desk.page(PATH)
    desk.press(page, "Propose now")
    shown = words(desk.page(PATH))
    assert "1 proposal is new or changed." in shown
    assert "Norrsken Energi AB" in shown
    assert "500.25" in shown


def test_a_proposal_opens_to_its_cases(desk: Browser, payout: Payout) -> None:
    page = desk.page(PATH)
    (line,) = payouts.lines(payout)
    assert line.case_id is not None
    assert "500.25" in words(page.select_one("td details ul"))


def test_the_list_is_sorted_by_amount(desk: Browser, payout: Payout) -> None:
    other = a_creditor("Aspen AB")
    collect(a_case_whose_reminder_left(other), 900_00)
    propose(other)
    names = [one.get_text() for one in desk.page(f"{PATH}?sort=amount").select("tbody th a")]
    assert names == ["Norrsken Energi AB", "Aspen AB"]


def test_several_are_held_and_let_go_on(desk: Browser, payout: Payout) -> None:
    desk.press(desk.page(PATH), "Hold", payout=payout.key)
    db.session.expire_all()
    assert payout.status == "held"
    desk.press(desk.page(PATH), "Let go on", payout=payout.key)
    db.session.expire_all()
    assert payout.status == "proposed"


def test_nothing_marked_is_told(desk: Browser, payout: Payout) -> None:
    desk.press(desk.page(PATH), "Hold", leave_out=("payout",))
    assert "Choose at least one payout." in words(desk.page(PATH))


def test_what_was_put_together_in_another_tab_is_told(desk: Browser, payout: Payout) -> None:
    page = desk.page(PATH)
    releasing.put_together([payout.key], actor=SYSTEM, now=NOW)
    db.session.commit()
    desk.press(page, "Hold", payout=payout.key)
    assert "cannot be changed" in words(desk.page(PATH))


def test_what_is_put_together_waits_for_two(desk: Browser, payout: Payout) -> None:
    answer = desk.press(desk.page(PATH), "Put together for approval", payout=payout.key)
    page = words(desk.page(answer.location))
    assert "Betala ut redovisningsmedel" in page
    assert "Nobody has approved it yet." in page
    assert "Approved by 0 of 2" in words(desk.page(PATH))


def test_what_is_put_together_twice_is_one_batch(desk: Browser, payout: Payout) -> None:
    page = desk.page(PATH)
    first, second = (
        desk.press(page, "Put together for approval", payout=payout.key) for _ in range(2)
    )
    assert "/payout-batches/" in first.location
    assert second.location == first.location


def test_what_is_put_together_is_taken_apart(desk: Browser, payout: Payout) -> None:
    answer = desk.press(desk.page(PATH), "Put together for approval", payout=payout.key)
    desk.press(desk.page(answer.location), "Take it apart")
    assert "nothing was paid" in words(desk.page(answer.location))
    assert len(payouts.proposals()) == 1


def test_a_note_and_an_account_are_kept(desk: Browser, payout: Payout, creditor: Creditor) -> None:
    second = an_account(creditor, "9912346", is_used=False)
    address = f"{PATH}/{payout.key}"
    desk.press(desk.page(address), "Save", note="Ring först ☎", account=second.key)
    db.session.expire_all()
    assert (payout.note, payout.account_key) == ("Ring först ☎", second.key)
    assert "Ring först ☎" in words(desk.page(PATH))


def test_a_note_that_is_too_long_stays_on_the_page(desk: Browser, payout: Payout) -> None:
    answer = desk.press(desk.page(f"{PATH}/{payout.key}"), "Save", note="a" * 501)
    assert answer.status_code == 422
    assert "a" * 501 in answer.text


def test_each_row_of_a_payout_says_what_it_is(desk: Browser, payout: Payout) -> None:
    (row,) = desk.page(f"{PATH}/{payout.key}").select("main tbody tr")
    assert "Payment by Swish" in words(row)


def test_the_file_is_there_only_when_it_is_approved(desk: Browser, payout: Payout) -> None:
    batch = releasing.put_together([payout.key], actor=SYSTEM, now=NOW)
    db.session.commit()
    assert desk.get(f"/operations/payout-batches/{batch.key}/file").status_code == 404


@pytest.mark.parametrize("path", [f"{PATH}/none", "/operations/payout-batches/none"])
def test_what_is_not_there_is_not_found(desk: Browser, path: str) -> None:
    assert desk.get(path).status_code == 404


def test_a_report_that_is_none_is_told_at_the_field(desk: Browser) -> None:
    page = desk.page(PATH)
    token = page.select_one("main input[name=csrf_token]")["value"]
    answer = desk.client.post(
        f"{PATH}/report", data={"csrf_token": token, "file": (BytesIO(b"x"), "a.xml")}
    )
    assert answer.status_code == 422
    assert "no whole XML" in answer.text


def test_a_payout_that_is_done_keeps_its_account(desk: Browser, payout: Payout) -> None:
    payout.status, payout.released_on = "released", TODAY
    db.session.commit()
    assert desk.page(f"{PATH}/{payout.key}").select("input[type=radio]") == []


def test_a_payout_leads_to_the_statement_that_the_company_reads(
    desk: Browser, payout: Payout
) -> None:
    release(payout)
    link = desk.page(f"{PATH}/{payout.key}").select_one("main a[href$='/statement']")
    page = words(desk.page(link["href"]))
    assert "500.25" in page
    assert "Payment by Swish" in page


@pytest.mark.parametrize("extension", ["pdf", "xlsx", "csv", "si"])
def test_operators_fetch_the_statement_in_every_form(
    desk: Browser, payout: Payout, extension: str
) -> None:
    settle(payout)
    answer = desk.get(f"{PATH}/{payout.key}/statement.{extension}")
    assert answer.status_code == 200
    assert answer.data


def test_a_proposal_has_no_statement(desk: Browser, payout: Payout) -> None:
    assert desk.get(f"{PATH}/{payout.key}/statement").status_code == 404


def test_why_the_bank_refused_is_told_in_words(desk: Browser, payout: Payout) -> None:
    refuse(payout, "AC04 Kontot avslutat")
    assert "The account is closed." in words(desk.page(f"{PATH}/{payout.key}"))


@pytest.fixture
def our_share(app: Flask, creditor: Creditor) -> PayoutBatch:
    """Our share of what came, put together to be taken out."""
    ours = app.extensions["reda_settings"]
    app.extensions["reda_settings"] = replace(ours, own_account="9912346")
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    batch = releasing.put_own_share_together(on=TODAY, currency="SEK", actor=SYSTEM, now=NOW)
    db.session.commit()
    return batch


def test_where_our_share_stands_is_told_where_it_was_approved(
    desk: Browser, our_share: PayoutBatch
) -> None:
    order = own_share.of_batch(our_share)
    assert order is not None
    own_share.release(order, today=TODAY, now=NOW)
    own_share.reject(order, "AC04", on=TODAY + timedelta(days=1), now=NOW)
    our_share.status, our_share.execute_on = releasing.RELEASED, TODAY
    db.session.commit()
    shown = words(desk.page(f"/operations/payout-batches/{our_share.key}"))
    for one in ("991-2346", "60.00", "Refused by the bank", "The account is closed. ( AC04 )"):
        assert one in shown


def test_our_share_that_is_taken_apart_is_no_payout(desk: Browser, our_share: PayoutBatch) -> None:
    releasing.withdraw(our_share.key, now=NOW)
    db.session.commit()
    shown = words(desk.page(f"/operations/payout-batches/{our_share.key}"))
    assert "Our share can be taken out again." in shown


@pytest.mark.parametrize(
    "address",
    [
        "/operations/payments/99999999999999999999",
        "/operations/payments?day=2026-03-01&after=99999999999999999999",
        "/operations/refunds/99999999999999999999",
    ],
)
def test_a_number_that_no_row_can_have_is_not_found(desk: Browser, address: str) -> None:
    assert desk.client.get(address).status_code == 404


def test_the_log_of_what_is_refused_has_no_words_of_a_persons(desk: Browser) -> None:
    number = "19810721238699999999"
    with capture_logs() as logs:
        assert desk.client.get(f"/operations/payments/{number}").status_code == 404
    (told,) = [one for one in logs if one["event"] == "data.refused"]
    assert number not in str(told)


def test_a_note_with_a_sign_that_no_text_holds_is_refused(desk: Browser, payout: Payout) -> None:
    page = desk.page(f"{PATH}/{payout.key}")
    token = page.select_one("main input[name=csrf_token]")["value"]
    answer = desk.client.post(f"{PATH}/{payout.key}", data={"csrf_token": token, "note": "a\0b"})
    assert answer.status_code == 400
