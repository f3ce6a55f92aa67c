"""What a clerk does with a case: its effect is shown first, and then exactly that is done."""

from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, select, update

from portal import clock, ledger
from portal.collection import cases, disputes, effects, lifecycle, plans, states, stops
from portal.collection.models import Case, Event, Rules
from portal.extensions import db
from portal.identity.actor import SWISH, Actor
from portal.identity.models import Creditor
from portal.payments import booking
from portal.signing import plan_signing
from tests.creditor.conftest import Desk
from tests.factories import NOW, SOFIA, TODAY, a_person_at, a_reminded_case, letters_leave

CLERK = Actor("person", "Johan Ekdahl", None, "creditor")
HOLD = {"kind": "hold", "until_on": "2030-01-10", "reason": "Utreds"}


def address(case: Case, act: str) -> str:
    return f"cases/{case.reference}/acts/{act}"


def look(desk: Desk, case: Case, act: str, **said: object) -> BeautifulSoup:
    return desk.post(address(case, act), step="look", **said)


def seen(page: BeautifulSoup) -> str:
    return page.select_one("input[name=seen]")["value"]


def do(desk: Desk, case: Case, act: str, **said: object) -> BeautifulSoup:
    shown = look(desk, case, act, **said)
    return desk.post(address(case, act), step="do", seen=seen(shown), **said)


def row(page: BeautifulSoup, label: str) -> list[str]:
    (found,) = [one for one in page.select("tbody tr") if one.th.get_text(strip=True) == label]
    return [one.get_text(" ", strip=True) for one in found.select("td")]


def events(case: Case) -> int:
    return db.session.scalar(select(func.count(Event.id)).where(Event.case_id == case.id)) or 0


def test_looking_changes_nothing(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    before = events(case)
    look(desk, case, "hold", **HOLD)
    assert (events(case), cases.lock(case.id).is_stopped) == (before, False)


def test_the_effect_tells_before_and_after(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    page = look(desk, case, "hold", **HOLD)
    assert row(page, "Stands still") == ["No", "On hold, until 10 January 2030"]
    assert "Reminder that waits is withdrawn" in page.get_text()


def test_what_was_shown_is_done(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    page = do(desk, case, "hold", **HOLD)
    assert "The case stands still." in page.select_one("#flashes").get_text()
    (stop,) = effects.standing(cases.lock(case.id), clock.today()).stops
    assert stop[0] == states.HOLD


def test_pressing_twice_does_it_once(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    said = {"amount": "100", "on": "2026-03-10", "number": ""}
    token = seen(look(desk, case, "pay-directly", **said))
    for _ in range(2):
        page = desk.post(address(case, "pay-directly"), step="do", seen=token, **said)
    assert "done already" in page.select_one("#flashes").get_text()
    assert ledger.balance(case.id).principal_ore == 90_000


def test_a_case_that_changed_meanwhile_is_shown_anew(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    token = seen(look(desk, case, "hold", **HOLD))
    stops.stop(cases.lock(case.id), states.BANKRUPT, "", actor=CLERK, now=NOW)
    db.session.commit()
    page = desk.post(address(case, "hold"), step="do", seen=token, status=409, **HOLD)
    assert "has changed since this was shown" in page.get_text()
    assert seen(page) not in ("", token)
    assert [kind for kind, _ in effects.standing(cases.lock(case.id), clock.today()).stops] == [
        states.BANKRUPT
    ]


def test_what_was_written_differently_is_shown_anew(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    said = {"amount": "100", "on": "2026-03-10", "number": "K1"}
    token = seen(look(desk, case, "credit", **said))
    desk.post(
        address(case, "credit"), step="do", seen=token, status=409, **{**said, "amount": "900"}
    )
    assert ledger.balance(case.id).principal_ore == 100_000


@pytest.mark.parametrize("on", ["i går", "2026-02-30", "😀"])
def test_what_is_no_date_is_kindly_refused(desk: Desk, creditor: Creditor, on: str) -> None:
    said = {"amount": "100", "on": on, "number": "K1"}
    page = desk.post(address(a_reminded_case(creditor), "credit"), step="look", status=422, **said)
    assert "Write a date as year-month-day" in page.get_text()


def test_nothing_is_done_that_was_not_shown(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    desk.post(address(case, "hold"), step="do", seen="", **HOLD)
    assert not cases.lock(case.id).is_stopped


def test_the_same_credit_note_is_booked_once(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    said = {"amount": "100", "on": "2026-03-10", "number": "K1"}
    do(desk, case, "credit", **said)
    page = desk.post(address(case, "credit"), step="look", status=422, **said)
    assert "booked on the case already" in page.get_text()
    assert ledger.balance(case.id).principal_ore == 90_000


def test_crediting_all_of_it_closes_the_case(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    page = look(desk, case, "credit", amount="1000", on="2026-03-10", number="K1")
    assert row(page, "Status") == ["Reminded", "Credited"]
    assert "Reda gives up its fees" in page.get_text()
    do(desk, case, "credit", amount="1000", on="2026-03-10", number="K1")
    assert cases.lock(case.id).status == states.CREDITED


def test_the_same_payment_is_registered_once(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    said = {"amount": "100", "on": "2026-03-10", "number": ""}
    do(desk, case, "pay-directly", **said)
    page = desk.post(address(case, "pay-directly"), step="look", status=422, **said)
    assert "registered already" in page.get_text()


def test_a_day_to_come_is_refused_at_its_field(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    page = desk.post(address(case, "pay-directly"), step="look", status=422, amount="100",
                     on="2100-01-01", number="")  # fmt: skip
    assert "still to come" in page.select_one("#on-error").get_text()


def test_a_recall_closes_the_case_and_says_that_it_is_for_good(
    desk: Desk, creditor: Creditor
) -> None:
    case = a_reminded_case(creditor)
    assert "cannot be undone" in look(desk, case, "recall", reason="Fel kund").get_text()
    do(desk, case, "recall", reason="Fel kund")
    assert cases.lock(case.id).status == states.RECALLED


def test_a_hold_is_taken_off_again(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    do(desk, case, "hold", **HOLD)
    page = look(desk, case, "resume", kind="hold")
    assert row(page, "Stands still")[1] == "No"
    assert "Reminder is written and sent" in page.get_text()
    do(desk, case, "resume", kind="hold")
    assert not cases.lock(case.id).is_stopped


PLAN = {"way": "months", "amount": "", "months": "4", "first_on": "2030-01-31"}


def test_a_plan_shows_every_payment_before_it_is_agreed_on(desk: Desk, creditor: Creditor) -> None:
    page = look(desk, a_reminded_case(creditor), "plan", **PLAN)
    (table,) = [one for one in page.select("table") if "Every payment" in one.caption.get_text()]
    assert len(table.select("tbody tr")) == 4
    assert "To pay in all" in page.get_text()
    assert row(page, "Payment plan")[1].startswith("Payments: 4")


def test_a_plan_by_amount_needs_the_amount(desk: Desk, creditor: Creditor) -> None:
    said = {**PLAN, "way": "amount"}
    page = desk.post(address(a_reminded_case(creditor), "plan"), step="look", status=422, **said)
    assert page.select_one("#amount-error")


def test_a_plan_that_takes_too_long_is_refused(desk: Desk, creditor: Creditor) -> None:
    said = {**PLAN, "way": "amount", "amount": "1"}
    page = desk.post(address(a_reminded_case(creditor), "plan"), step="look", status=422, **said)
    assert "more than 36 months" in page.select_one("#amount-error").get_text()


def test_a_plan_is_agreed_on_and_ended_again(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    do(desk, case, "plan", **PLAN)
    assert plans.running(case.id) is not None
    page = do(desk, case, "end-plan", reason="Har betalat på annat sätt")
    assert "The payment plan was ended" in page.get_text()
    assert plans.running(case.id) is None
    assert not cases.lock(case.id).is_stopped


DETAILS = {
    "name": "Ahmad Al-Khatib", "address_line": "Nygatan 2", "postcode": "111 22",
    "town": "Stockholm", "country": "SE", "email": "", "phone": "070-1", "language": "ar",
    "customer_class": "",
}  # fmt: skip


def test_a_changed_address_is_shown_before_and_after(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    page = look(desk, case, "details", **DETAILS)
    assert row(page, "Street address") == ["Storgatan 1", "Nygatan 2"]
    do(desk, case, "details", **DETAILS)
    assert cases.get(case.id).debtor.address_line == "Nygatan 2"


def test_details_as_they_are_change_nothing(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    do(desk, case, "details", **DETAILS)
    page = desk.post(address(case, "details"), step="look", status=422, **DETAILS)
    assert "Nothing would change" in page.get_text()


def test_an_address_for_mail_is_looked_at(desk: Desk, creditor: Creditor) -> None:
    said = {**DETAILS, "email": "nowhere"}
    page = desk.post(address(a_reminded_case(creditor), "details"), step="look", status=422, **said)
    assert page.select_one("#email-error")


def test_a_new_due_date_lets_the_fee_fall(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    page = look(desk, case, "due-date", due_on="2026-03-31")
    assert row(page, "Fees")[1] == "SEK\xa00.00"
    do(desk, case, "due-date", due_on="2026-03-31")
    assert ledger.balance(case.id).fees_ore == 0


def a_demanded_case(creditor: Creditor, status: str = states.DEMANDED) -> Case:
    case = a_reminded_case(creditor)
    lifecycle.send_demand(case, today=TODAY, now=NOW)
    case.status = status
    db.session.commit()
    return case


@pytest.mark.parametrize(
    ("act", "said", "status"),
    [
        ("legal", {}, states.LEGAL), ("watch", {}, states.SURVEILLANCE),
        ("write-off", {"reason": "För liten"}, states.WRITTEN_OFF),
    ],
)  # fmt: skip
def test_a_demanded_case_goes_on_as_it_is_told(
    desk: Desk, creditor: Creditor, act: str, said: dict[str, str], status: str
) -> None:
    case = a_demanded_case(creditor)
    do(desk, case, act, **said)
    assert cases.lock(case.id).status == status


def test_an_act_that_asks_nothing_shows_its_effect_at_once(desk: Desk, creditor: Creditor) -> None:
    page = desk.get(address(a_demanded_case(creditor), "watch"))
    assert row(page, "Status") == ["Demanded", "Watched over"]


def test_a_case_that_stands_still_goes_to_no_court(desk: Desk, creditor: Creditor) -> None:
    case = a_demanded_case(creditor)
    do(desk, case, "hold", **HOLD)
    assert "stands still" in desk.get(address(case, "legal"), status=409).get_text()


def test_who_decides_sees_the_ways_on_compared(desk: Desk, creditor: Creditor) -> None:
    case = a_demanded_case(creditor, states.DECIDING)
    page = desk.get(address(case, "decide"))
    compared = page.select_one("table").get_text(" ", strip=True)
    assert "At the Enforcement Authority" in compared
    assert "Written off" in compared
    do(desk, case, "decide", option="surveillance")
    assert cases.lock(case.id).status == states.SURVEILLANCE


OBJECTION = {"reason": "paid", "words": "Jag betalade i maj", "part": "all", "amount": "",
             "channel": "phone"}  # fmt: skip


def test_an_objection_is_registered_and_answered(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    page = do(desk, case, "object", **OBJECTION)
    assert "Jag betalade i maj" in page.get_text()
    said = {"answer": "partly", "amount": "400", "words": "Vi fann en betalning."}
    shown = look(desk, case, "answer", **said)
    assert row(shown, "The invoice")[1] == "SEK\xa0600.00"
    assert "Answer to an objection is written and sent" in shown.get_text()
    page = do(desk, case, "answer", **said)
    assert "The debtor was right in part" in page.get_text()
    assert ledger.balance(case.id).principal_ore == 60_000


def test_what_the_debtor_was_asked_and_replied_is_shown(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    do(desk, case, "object", **OBJECTION)
    do(desk, case, "answer", answer="ask", amount="", words="Vilken dag?")
    page = do(desk, case, "reply", words="Den 4 maj")
    assert [one.get_text() for one in page.select(".said")] == [
        "Jag betalade i maj", "Vilken dag?", "Den 4 maj",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["ask", "turned down"])
def test_an_answer_is_known_to_be_in_the_language_of_who_writes_it(
    desk: Desk, creditor: Creditor, kind: str
) -> None:
    case = a_reminded_case(creditor)
    do(desk, case, "object", **OBJECTION)
    do(desk, case, "answer", answer=kind, amount="", words="Which day?")
    (dispute,) = disputes.of_case(case.id)
    assert [one.language for one in dispute.turns] == [None, "en"]


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("object", {**OBJECTION, "part": "part"}),
        ("answer", {"answer": "partly", "amount": "", "words": "x"}),
    ],
)
def test_a_part_needs_its_amount(
    desk: Desk, creditor: Creditor, act: str, said: dict[str, str]
) -> None:
    case = a_reminded_case(creditor)
    if act == "answer":
        do(desk, case, "object", **OBJECTION)
    page = desk.post(address(case, act), step="look", status=422, **said)
    assert page.select_one("#amount-error")


def test_only_what_is_possible_is_offered(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)

    def acts() -> set[str]:
        page = desk.get(f"cases/{case.reference}")
        return {one["href"].rpartition("/")[2] for one in page.select(".acts a")}

    assert {"hold", "credit", "recall"} <= acts()
    assert "resume" not in acts()
    do(desk, case, "recall", reason="Fel kund")
    assert acts() == set()


def test_an_act_that_is_not_possible_is_refused_with_words(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    page = desk.get(address(case, "resume"), status=409)
    assert "cannot be done with the case as it is now" in page.get_text()


def test_an_act_that_is_none_is_not_there(desk: Desk, creditor: Creditor) -> None:
    desk.get(address(a_reminded_case(creditor), "explode"), status=404)


@pytest.fixture
def viewer(creditor: Creditor, desk_of: Callable[[str], Desk]) -> Desk:
    a_person_at(creditor, "viewer", SOFIA)
    return desk_of(SOFIA)


def test_a_viewer_is_offered_nothing(viewer: Desk, creditor: Creditor) -> None:
    page = viewer.get(f"cases/{a_reminded_case(creditor).reference}")
    assert page.select(".acts a") == []


class TestPlanThatIsSigned:
    @pytest.fixture
    def case(self, creditor: Creditor) -> Case:
        db.session.execute(update(Rules).values(plan_sign_over_ore=50_000))
        case = a_reminded_case(creditor)
        case.debtor.identity_number, case.debtor.email = SOFIA, "sofia@debtor.example"
        db.session.commit()
        return case

    def test_it_is_sent_to_the_debtor(self, desk: Desk, case: Case) -> None:
        page = look(desk, case, "plan", **PLAN)
        assert "The debtor signs this plan" in page.get_text()
        do(desk, case, "plan", **PLAN)
        assert plans.running(case.id) is None
        waits = plan_signing.pending(case.id, clock.today())
        assert waits is not None
        assert waits.sender_name

    def test_why_it_cannot_be_is_told(self, desk: Desk, case: Case) -> None:
        case.debtor.identity_number = None
        db.session.commit()
        page = desk.post(address(case, "plan"), step="look", status=422, **PLAN)
        assert "identity number is missing" in page.get_text()


def an_objection_after_a_part_was_paid(creditor: Creditor) -> Case:
    case = a_reminded_case(creditor)
    letters_leave()
    booking.receive(
        case.id, amount_ore=30_000, currency="SEK", key=f"bankgiro:{case.id}", channel="bankgiro",
        value_on=TODAY, payer=None, actor=SWISH, now=NOW,
    )  # fmt: skip
    disputes.object_to(
        cases.lock(case.id), reason="not mine", words="Inte min", amount_ore=None, channel="phone",
        actor=CLERK, today=clock.today(), now=NOW,
    )  # fmt: skip
    db.session.commit()
    return case


def test_who_takes_back_all_says_what_becomes_of_what_was_paid(
    desk: Desk, creditor: Creditor
) -> None:
    case = an_objection_after_a_part_was_paid(creditor)
    said = {"answer": "upheld", "amount": "", "words": "Du har rätt"}
    page = desk.post(address(case, "answer"), status=422, step="look", **said)
    assert "234.52" in page.get_text()
    assert "Choose one of the options." in page.select_one("#paid-error").get_text()


@pytest.mark.parametrize(("paid", "back"), [("stays", "65.48"), ("back", "300.00")])
def test_what_goes_back_is_shown_before_and_told_after(
    desk: Desk, creditor: Creditor, paid: str, back: str
) -> None:
    case = an_objection_after_a_part_was_paid(creditor)
    said = {"answer": "upheld", "amount": "", "words": "Du har rätt", "paid": paid}
    told = f"SEK {back} that was paid goes back to who paid it."
    assert told in look(desk, case, "answer", **said).get_text().replace("\xa0", " ")
    do(desk, case, "answer", **said)
    page = desk.get(f"cases/{case.reference}")
    assert told in page.get_text().replace("\xa0", " ")


def test_nothing_is_asked_of_what_was_paid_when_nothing_was(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    do(desk, case, "object", reason="paid", words="Betalt", part="all", amount="", channel="phone")
    assert desk.get(address(case, "answer")).select("[name=paid]") == []
