"""The pages of what one administrator proposes and another approves."""

from collections.abc import Callable

from bs4 import BeautifulSoup
from sqlalchemy import select

from portal.extensions import db
from portal.signing.models import Approval
from tests.creditor.conftest import Desk
from tests.factories import JOHAN, SOFIA, a_case, a_person_at


def words(page: BeautifulSoup) -> str:
    return page.get_text(" ", strip=True)


def propose(desk: Desk, **values: object) -> BeautifulSoup:
    told = {"kind": "bankgiro", "number": "5050-1055", "holder": "Norrsken", "currency": ""}
    return desk.post("company/accounts/new", **(told | values))


def the_key() -> str:
    return db.session.scalars(select(Approval.key)).one()


def test_an_account_is_proposed_and_waits(desk: Desk) -> None:
    page = propose(desk)
    assert "Nothing changes before another administrator approves" in words(page)
    assert "5050-1055" in words(page)
    assert "waits for another administrator" in words(desk.get("company"))


def test_one_alone_is_told_how_to_invite_another(desk: Desk) -> None:
    link = propose(desk).find("a", string="Invite another administrator")
    assert link["href"].endswith("/people#invite")


def test_who_proposed_it_has_no_button_to_approve(desk: Desk) -> None:
    buttons = [words(one) for one in propose(desk).select("main button")]
    assert "Approve with BankID" not in buttons
    assert "Take it back" in buttons


def test_the_other_administrator_has_both_buttons(
    desk: Desk, desk_of: Callable[[str], Desk]
) -> None:
    a_person_at(desk.creditor, "administrator", JOHAN)
    propose(desk)
    page = desk_of(JOHAN).get(f"approvals/{the_key()}")
    buttons = [words(one) for one in page.select("main button")]
    assert buttons[0] == "Approve with BankID"
    assert "Turn it down" in buttons


def test_a_case_handler_sees_it_without_buttons(desk: Desk, desk_of: Callable[[str], Desk]) -> None:
    a_person_at(desk.creditor, "collector", SOFIA)
    propose(desk)
    assert desk_of(SOFIA).get(f"approvals/{the_key()}").select("main form") == []


def test_turned_down_without_a_reason_asks_for_one(
    desk: Desk, desk_of: Callable[[str], Desk]
) -> None:
    a_person_at(desk.creditor, "administrator", JOHAN)
    propose(desk)
    page = desk_of(JOHAN).post(f"approvals/{the_key()}/refuse", status=422, reason="")
    assert "Write why" in words(page)


def test_turned_down_the_reason_is_told(desk: Desk, desk_of: Callable[[str], Desk]) -> None:
    a_person_at(desk.creditor, "administrator", JOHAN)
    propose(desk)
    page = desk_of(JOHAN).post(f"approvals/{the_key()}/refuse", reason="Fel konto")
    assert "Fel konto" in words(page)
    assert "Turned down" in words(desk.get("approvals"))


def test_a_wrong_number_is_told_at_its_field(desk: Desk) -> None:
    page = desk.post(
        "company/accounts/new", status=422, kind="bankgiro", number="5050-1056", holder="N",
        currency="",
    )  # fmt: skip
    assert page.select_one("#number-error") is not None


def test_closing_tells_what_becomes_of_open_cases(desk: Desk) -> None:
    a_case(desk.creditor)
    page = desk.get("company/close")
    assert "The reminder is sent on its day" in words(page)
    assert "Stäng företaget" in words(desk.post("company/close", cases="finish"))
