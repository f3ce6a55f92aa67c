"""The page of the switch: what is missing, what happens next, on, off and held."""

from collections.abc import Callable

from sqlalchemy import select

from portal import clock
from portal.collection import policy
from portal.collection.models import Case
from portal.companies.models import PayoutAccount
from portal.extensions import db
from portal.identity import holds
from portal.identity.models import Creditor
from tests.creditor.conftest import Desk
from tests.factories import JOHAN, a_case, a_person_at, an_invoice_of


def _account(creditor: Creditor) -> None:
    db.session.add(
        PayoutAccount(
            key="a", creditor_id=creditor.id, kind="bankgiro", number="50501055",
            holder=creditor.name, is_used=True, added_at=clock.now(),
        )
    )  # fmt: skip
    db.session.commit()


def _off(desk: Desk) -> None:
    desk.post("switch/off")


def test_what_happens_is_told_before_it_is_switched_on(desk: Desk, creditor: Creditor) -> None:
    _off(desk)
    _account(creditor)
    an_invoice_of(creditor)
    page = desk.get("switch")
    text = " ".join(page.get_text().split())
    assert "1 invoice for" in text
    assert "1 reminder is written" in text
    assert not db.session.scalars(select(Case)).all()
    desk.post("switch/on")
    assert policy.effective(creditor.id).is_active


def test_it_is_not_switched_on_without_an_account_to_pay_out_to(
    desk: Desk, creditor: Creditor
) -> None:
    _off(desk)
    page = desk.get("switch")
    assert "Missing, needed first" in page.get_text()
    assert not page.select("form[action$='switch/on']")
    desk.post("switch/on", status=422)
    assert not policy.effective(creditor.id).is_active


def test_a_pause_says_what_goes_on(desk: Desk, creditor: Creditor) -> None:
    a_case(creditor)
    assert "1 open case goes on" in desk.get("switch").get_text()
    page = desk.post("switch/off")
    assert "Collection is paused" in page.get_text()
    assert "Paused since" in page.get_text()
    assert not policy.effective(creditor.id).is_active


def test_everything_is_held_and_let_go_on(desk: Desk, creditor: Creditor) -> None:
    a_case(creditor)
    page = desk.post("switch/hold", reason="Wrong file")
    assert "1 open case stands still" in page.get_text()
    assert "Wrong file" in page.get_text()
    assert holds.current(creditor.id)
    assert "Everything was held" in desk.get("rules/history").get_text()
    assert "No case moves and no letter leaves" in desk.get("cases").get_text()
    page = desk.post("switch/go-on")
    assert "Hold everything" in page.get_text()
    assert holds.current(creditor.id) is None


def test_a_reason_too_long_is_told(desk: Desk, creditor: Creditor) -> None:
    page = desk.post("switch/hold", status=422, reason="x" * 301)
    assert "at most 300 characters" in page.get_text()
    assert holds.current(creditor.id) is None


def test_a_viewer_sees_how_it_stands_and_no_button(
    desk_of: Callable[[str], Desk], creditor: Creditor
) -> None:
    a_person_at(creditor, "viewer", JOHAN)
    page = desk_of(JOHAN).get("switch")
    assert "Collection is on" in page.get_text()
    assert not page.select("main form")
