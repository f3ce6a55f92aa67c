"""Refunds on the operator's pages: looked at, decided, approved by another, and tried again."""

import io

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from werkzeug.test import TestResponse

from portal.extensions import db
from portal.identity.models import Person
from portal.payments import deciding, matching, refunds, taking
from portal.payments.models import BankPayment, Refund
from tests.factories import EVA, JOHAN, NOW, TODAY, a_case_whose_reminder_left, a_person, sign_in
from tests.payments.bank_files.written import Deposit, Paid, bgmax
from tests.payments.going_back import ERIK, the_refund
from tests.signing.pages import Browser

PATH = "/operations/refunds"


@pytest.fixture
def operators(app: Flask) -> tuple[Person, Person]:
    return a_person(EVA, is_operator=True), a_person(JOHAN, is_operator=True)


def a_desk(app: Flask, person: Person) -> Browser:
    client = app.test_client()
    sign_in(app, client, person)
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return Browser(client)


@pytest.fixture
def desk(app: Flask, operators: tuple[Person, Person]) -> Browser:
    return a_desk(app, operators[0])


@pytest.fixture
def other_desk(app: Flask, operators: tuple[Person, Person]) -> Browser:
    return a_desk(app, operators[1])


def came(paid: Paid) -> BankPayment:
    stream = io.BytesIO(bgmax(Deposit([paid], day=TODAY)))
    taking.take(taking.keep(stream, "b"), stream, way="page", by="", today=TODAY, now=NOW)
    matching.match_new(now=NOW, between=db.session.commit)
    db.session.commit()
    return db.session.query(BankPayment).one()


@pytest.fixture
def refund(app: Flask) -> Refund:
    """Of money by bank that a case did not owe, whose payer's bankgiro is told."""
    case = a_case_whose_reminder_left()
    came(Paid(200_000, case.ocr, payer="9912346", name="Kalles Plåt AB"))
    return the_refund()


def words(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ", strip=True).replace("\xa0", " ").split())


def test_the_account_that_the_bank_told_is_written_as_people_write_it(
    desk: Browser, refund: Refund
) -> None:
    assert "as the bank told 991-2346" in words(desk.page(f"{PATH}/{refund.id}"))


def confirm(desk: Browser, page: BeautifulSoup, **written: str) -> TestResponse:
    return desk.press(page, "Confirm the account", **{"kind": "bankgiro", **written})


def at(refund: Refund) -> str:
    return f"{PATH}/{refund.id}"


def test_without_refunds_the_page_says_so(desk: Browser) -> None:
    assert "No refund waits" in words(desk.page(PATH))


def test_the_list_tells_whom_how_much_and_where(desk: Browser, refund: Refund) -> None:
    told = words(desk.page(PATH))
    for one in ("Kalles Plåt AB", "934.52", "991-2346", "To decide"):
        assert one in told


def test_the_account_that_the_bank_told_needs_one_person(desk: Browser, refund: Refund) -> None:
    confirm(desk, desk.page(at(refund)))
    db.session.expire_all()
    assert (refund.status, refund.account_kind) == ("waiting", "bankgiro")


def test_a_reason_is_optional_only_where_the_bank_told_an_account(
    desk: Browser, refund: Refund
) -> None:
    label = "main label[for=reason]"
    assert "optional" in words(desk.page(at(refund)).select_one(label))
    db.session.get_one(BankPayment, refund.payment_id).payer_account = None
    db.session.commit()
    assert "optional" not in words(desk.page(at(refund)).select_one(label))


def test_another_account_needs_a_reason(desk: Browser, refund: Refund) -> None:
    answer = confirm(desk, desk.page(at(refund)), account="378-3511")
    assert answer.status_code == 422
    assert "not the account that the bank told" in answer.text
    assert "378-3511" in answer.text


@pytest.mark.parametrize(
    ("kind", "account"),
    [("bankgiro", ""), ("bankgiro", "💸"), ("iban", "SE12"), ("plusgiro", "1"), ("x", "50501055")],
)
def test_what_is_no_account_is_refused(
    desk: Browser, refund: Refund, kind: str, account: str
) -> None:
    answer = confirm(desk, desk.page(at(refund)), kind=kind, account=account, reason="r")
    assert answer.status_code == 422


def test_another_account_is_approved_by_another_person(
    desk: Browser, other_desk: Browser, refund: Refund
) -> None:
    confirm(desk, desk.page(at(refund)), account="378-3511", reason="Ringde dem")
    assert "Another operator must approve it" in words(desk.page(at(refund)))
    other_desk.press(other_desk.page(at(refund)), "Approve the account")
    db.session.expire_all()
    assert (refund.status, refund.payer_account) == ("waiting", "3783511")


def test_who_wrote_the_account_does_not_approve_it(app: Flask, refund: Refund) -> None:
    refunds.confirm(refund.id, "bankgiro", "378-3511", "r", actor=ERIK, now=NOW)
    with pytest.raises(Exception, match="Another operator"):
        refunds.approve(refund.id, actor=ERIK, now=NOW)


def test_an_account_that_is_not_approved_is_written_anew(
    desk: Browser, other_desk: Browser, refund: Refund
) -> None:
    confirm(desk, desk.page(at(refund)), account="378-3511", reason="r")
    other_desk.press(other_desk.page(at(refund)), "Do not approve it")
    db.session.expire_all()
    assert refund.status == "to confirm"


def test_a_second_click_leads_where_the_first_did(desk: Browser, refund: Refund) -> None:
    page = desk.page(at(refund))
    first = confirm(desk, page)
    assert confirm(desk, page).text == first.text


def test_a_second_click_with_another_account_says_that_it_is_decided(
    desk: Browser, refund: Refund
) -> None:
    page = desk.page(at(refund))
    confirm(desk, page)
    assert confirm(desk, page, account="378-3511", reason="r").status_code == 409


def test_what_failed_is_tried_again_to_an_account(desk: Browser, refund: Refund) -> None:
    refund.status, refund.reason = "rejected", "AC04 Kontot är avslutat"
    refund.payer_account, refund.account_kind = "9912346", "bankgiro"
    db.session.commit()
    page = desk.page(at(refund))
    assert "The account is closed. (AC04 Kontot är avslutat)" in words(page)
    desk.press(page, "Pay it back to an account")
    again = the_refund()
    assert (again.id > refund.id, again.status) == (True, "to confirm")


def test_a_payment_whose_refund_is_sent_is_not_taken_back(app: Flask, refund: Refund) -> None:
    refund.status, refund.payer_account, refund.account_kind = "released", "9912346", "bankgiro"
    db.session.commit()
    with pytest.raises(Exception, match="sent back"):
        deciding.undo(refund.payment_id, actor=ERIK, today=TODAY, now=NOW)


def test_what_is_not_there_is_not_found(desk: Browser) -> None:
    assert desk.get(f"{PATH}/99").status_code == 404


def test_it_is_put_together_with_the_payouts(desk: Browser, refund: Refund) -> None:
    confirm(desk, desk.page(at(refund)))
    page = desk.page("/operations/payouts")
    answer = desk.press(page, "Put together for approval", refund=refund.key)
    told = words(desk.page(answer.location))
    for one in ("Betala tillbaka", "Återbetalning till Kalles Plåt AB", "991-2346"):
        assert one in told
