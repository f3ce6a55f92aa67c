"""The work list of payments by bank, on the operator's pages."""

import io

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from portal.collection.models import Case
from portal.extensions import db
from portal.identity import button_presses
from portal.identity.models import ButtonPress
from portal.payments import booking, matching, taking
from portal.payments.models import BankPayment
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor, a_person, sign_in
from tests.payments.bank_files.written import Deposit, Paid, bgmax
from tests.payments.charging import a_statement

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    client = app.test_client()
    erik = a_person("198107212386", given_name="Erik", surname="Wallin", is_operator=True)
    sign_in(app, client, erik)
    return client


def came(*paid: Paid) -> list[int]:
    """Payments that came; answers those that wait."""
    stream = io.BytesIO(bgmax(Deposit(paid, day=TODAY)))
    taking.take(taking.keep(stream, "b"), stream, way="page", by="", today=TODAY, now=NOW)
    matching.match_new(now=NOW, between=db.session.commit)
    db.session.commit()
    return list(db.session.scalars(select(BankPayment.id).where(BankPayment.state == "waiting")))


def page(browser: FlaskClient, path: str) -> BeautifulSoup:
    response = browser.get(path, headers=ENGLISH)
    assert response.status_code == 200
    return BeautifulSoup(response.text, "html.parser")


def post(browser: FlaskClient, at: str, path: str, *, status: int = 200, **values: str) -> str:
    token = page(browser, at).select_one("main input[name=csrf_token]")["value"]
    response = browser.post(
        path, data={"csrf_token": token, **values}, headers=ENGLISH, follow_redirects=True
    )
    assert response.status_code == status
    return BeautifulSoup(response.text, "html.parser").get_text(" ", strip=True)


def a_known_payer() -> tuple[Case, int]:
    case = a_case_whose_reminder_left()
    (payment_id,) = came(Paid(100_000, name=case.debtor.name))
    return case, payment_id


def test_without_payments_the_list_says_so(browser: FlaskClient) -> None:
    assert "No payment waits" in page(browser, "/operations/payments").get_text()


def test_a_case_is_looked_for_on_the_page_of_a_wrong_split_too(browser: FlaskClient) -> None:
    _, payment_id = a_known_payer()
    at = f"/operations/payments/{payment_id}"
    token = page(browser, at).select_one("main input[name=csrf_token]")["value"]
    answer = browser.post(f"{at}/split", data={"csrf_token": token, "case1": "1", "ore1": "1"})
    form = BeautifulSoup(answer.text, "html.parser").select_one("form:has(#q)")
    assert (answer.status_code, form["action"]) == (422, at)


def test_a_case_that_is_closed_is_told_to_be(browser: FlaskClient) -> None:
    case = a_case_whose_reminder_left()
    case.status, case.closed_on = "recalled", TODAY
    db.session.commit()
    (payment_id,) = came(Paid(50_000, case.ocr))
    (row,) = page(browser, f"/operations/payments/{payment_id}").select("main tbody tr")
    told = row.get_text(" ", strip=True)
    assert "The case is closed" in told
    assert "another amount" in told


def test_no_case_is_guessed_for_what_a_payer_took_off(browser: FlaskClient) -> None:
    case = a_case_whose_reminder_left()
    came(Paid(-5_000, case.ocr))
    (row,) = page(browser, "/operations/payments").select("main tbody tr")
    assert case.reference not in row.get_text()


def test_the_list_shows_the_best_guess_and_why(browser: FlaskClient) -> None:
    case, _ = a_known_payer()
    told = page(browser, "/operations/payments").get_text(" ", strip=True)
    assert case.reference in told
    assert "The payer’s name" in told


def test_a_payment_is_booked_by_the_button_that_a_key_presses(browser: FlaskClient) -> None:
    case, payment_id = a_known_payer()
    at = f"/operations/payments/{payment_id}"
    button = page(browser, at).select_one("button[data-key='1']")
    told = post(browser, at, button.find_parent("form")["action"])
    assert "The payment is booked on the case." in told
    assert "No payment waits" in told
    assert [one.amount_ore for one in booking.payments_of(case.id)] == [100_000]


def test_a_second_click_leads_where_the_first_did(browser: FlaskClient) -> None:
    case, payment_id = a_known_payer()
    at = f"/operations/payments/{payment_id}"
    path = f"{at}/give/{case.reference}"
    first = post(browser, at, path)
    assert post(browser, at, path) == first
    assert len(booking.payments_of(case.id)) == 1


def test_one_of_moments_later_says_that_it_is_decided(browser: FlaskClient) -> None:
    case, payment_id = a_known_payer()
    at = f"/operations/payments/{payment_id}"
    path = f"{at}/give/{case.reference}"
    post(browser, at, path)
    db.session.execute(
        update(ButtonPress).values(pressed_at=ButtonPress.pressed_at - button_presses.MOMENTS * 2)
    )
    db.session.commit()
    assert "Somebody has decided on this already" in post(browser, at, path, status=409)


def test_so_does_another_person_s_click(app: Flask, browser: FlaskClient) -> None:
    case, payment_id = a_known_payer()
    at = f"/operations/payments/{payment_id}"
    path = f"{at}/give/{case.reference}"
    post(browser, at, path)
    other = app.test_client()
    sign_in(app, other, a_person("196507182795", is_operator=True))
    assert "Somebody has decided on this already" in post(other, at, path, status=409)


def test_a_decision_is_taken_back_once_by_two_clicks(browser: FlaskClient) -> None:
    case, payment_id = a_known_payer()
    at = f"/operations/payments/{payment_id}"
    post(browser, at, f"{at}/give/{case.reference}")
    first = post(browser, at, f"{at}/undo")
    assert "The decision is taken back." in first
    assert post(browser, at, f"{at}/undo") == first


def test_another_case_is_found_by_its_number(browser: FlaskClient) -> None:
    _, payment_id = a_known_payer()
    other = a_case_whose_reminder_left()
    found = page(browser, f"/operations/payments/{payment_id}?q={other.ocr}")
    assert found.select_one(f"form[action$='/give/{other.reference}']")


def test_parts_that_are_not_exact_keep_what_was_typed(browser: FlaskClient) -> None:
    case, payment_id = a_known_payer()
    at = f"/operations/payments/{payment_id}"
    values = {"case1": case.reference, "ore1": "999,99"}
    response = post(browser, at, f"{at}/split", status=422, **values)
    assert "The parts come to" in response
    assert booking.payments_of(case.id) == []


def test_a_payment_is_split_and_the_decision_taken_back(browser: FlaskClient) -> None:
    case, payment_id = a_known_payer()
    other = a_case_whose_reminder_left()
    at = f"/operations/payments/{payment_id}"
    post(
        browser, at, f"{at}/split", case1=case.reference, ore1="600", case2=other.reference,
        ore2="400,00",
    )  # fmt: skip
    assert [one.amount_ore for one in booking.payments_of(other.id)] == [40_000]
    assert "The payment waits again" in post(browser, at, f"{at}/undo")
    assert booking.payments_of(other.id) == []


@pytest.mark.parametrize("path", ["payments/99", "payments?day=yesterday"])
def test_what_is_not_there_is_not_found(browser: FlaskClient, path: str) -> None:
    assert browser.get(f"/operations/{path}").status_code == 404


def test_a_payment_is_booked_on_a_company_s_monthly_statement(browser: FlaskClient) -> None:
    made = a_statement(a_creditor())
    (payment_id,) = came(Paid(18_75, name="Norrsken Energi AB"))
    at = f"/operations/payments/{payment_id}"
    assert "no monthly statement" in post(browser, at, f"{at}/statement", status=422, statement="7")
    told = post(browser, at, f"{at}/statement", statement=str(made.number))
    assert "The payment is booked on the monthly statement." in told
    assert f"Monthly statement {made.number}" in page(browser, at).get_text(" ", strip=True)
    charged = page(browser, "/operations/charges").get_text(" ", strip=True)
    assert "Paid" in charged
    told = post(browser, at, f"{at}/undo")
    assert "waits again" in told


def test_the_next_in_the_list_comes_after_what_is_decided(browser: FlaskClient) -> None:
    case = a_case_whose_reminder_left()
    paid = [Paid(1_000 * number, name=f"Nr {number}", serial=str(number)) for number in (1, 2, 3)]
    first, second, third = came(*paid)
    at = f"/operations/payments/{second}"
    assert page(browser, at).select_one(f"main a[href='/operations/payments/{third}']")
    told = post(browser, at, f"{at}/give/{case.reference}")
    assert "30.00" in told
    at = f"/operations/payments/{third}"
    assert page(browser, at).select_one(f"main a[href='/operations/payments/{first}']")


def test_the_account_it_came_from_is_written_as_people_write_it(browser: FlaskClient) -> None:
    (payment_id,) = came(Paid(1_000, payer="9912346", name="Ada"))
    told = page(browser, f"/operations/payments/{payment_id}").get_text(" ", strip=True)
    assert "991-2346" in told
