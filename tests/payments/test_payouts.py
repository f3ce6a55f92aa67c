"""What a company is owed is paid out once, to the öre."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from portal import jobs, ledger
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.ledger import Account
from portal.messages import RedaError
from portal.payments import payouts, releasing
from portal.payments.models import Payout, PayoutLine
from portal.payments.payouts import Schedule
from portal.reporting import statements
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor
from tests.payments.paying_out import an_account, collect, owe, propose, release, settle
from tests.waiting import until_somebody_waits


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor()


def test_what_is_owed_becomes_a_proposal_to_the_account_in_use(creditor: Creditor) -> None:
    an_account(creditor)
    case = a_case_whose_reminder_left(creditor)
    collect(case, 500_00)
    collect(case, 250_50)
    (payout,) = propose(creditor)
    assert (payout.amount_ore, payout.status) == (750_50, "proposed")
    assert payout.account_number == "5050-1055"
    assert sum(one.amount_ore for one in payouts.lines(payout)) == 750_50


def test_a_second_run_changes_nothing(creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_00)
    (first,) = propose(creditor)
    assert propose(creditor) == []
    assert db.session.scalars(select(Payout)).all() == [first]


def test_what_comes_meanwhile_is_added_to_the_proposal(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    collect(case, 500_00)
    (first,) = propose(creditor)
    collect(case, 1)
    (again,) = propose(creditor)
    assert (again.id, again.amount_ore) == (first.id, 500_01)


def test_less_than_the_lowest_amount_waits(creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 99_99)
    assert propose(creditor) == []


def test_fees_that_the_company_bears_are_taken_off(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    collect(case, 500_00)
    owe(case, 120_00)
    (payout,) = propose(creditor)
    assert (payout.collected_ore, payout.set_off_ore) == (500_00, 120_00)
    assert payout.amount_ore == 380_00


def test_what_comes_to_zero_is_set_off_without_a_payment(creditor: Creditor) -> None:
    case, other = a_case_whose_reminder_left(creditor), a_case_whose_reminder_left(creditor)
    collect(case, 120_00)
    owe(other, 120_00)
    (payout,) = propose(creditor)
    assert (payout.status, payout.released_on) == ("offset", TODAY)
    assert (ledger.owed_to(creditor.id), ledger.owed_by(creditor.id)) == (0, 0)
    assert ledger.trial_balance()[Account.PAYOUT_IN_TRANSIT] == 0


def test_money_that_came_and_went_becomes_no_payout(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    collect(case, 120_00)
    collect(case, -120_00)
    assert propose(creditor) == []
    collect(case, 300_00)
    (payout,) = propose(creditor)
    assert (payout.status, payout.amount_ore) == ("proposed", 300_00)
    collect(case, -300_00)
    assert propose(creditor) == []
    assert db.session.scalars(select(Payout)).all() == []


def test_below_zero_nothing_is_paid_and_all_waits(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    collect(case, 100_00)
    owe(case, 300_00)
    assert propose(creditor) == []
    collect(case, 700_00)
    (payout,) = propose(creditor)
    assert payout.amount_ore == 500_00


def test_a_proposal_that_falls_below_zero_is_taken_apart(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    collect(case, 200_00)
    propose(creditor)
    owe(case, 300_00)
    assert propose(creditor) == []
    assert db.session.scalars(select(Payout)).all() == []


def test_a_held_proposal_stays_held_when_more_comes(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    collect(case, 200_00)
    (payout,) = propose(creditor)
    payouts.hold(payout.key, is_held=True)
    collect(case, 100_00)
    (again,) = propose(creditor)
    assert (again.status, again.amount_ore) == ("held", 300_00)


def test_two_runs_at_once_make_one_proposal(app: Flask, creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_00)
    creditor_id = creditor.id
    db.session.commit()

    def run(_: int) -> None:
        with app.app_context(), tenancy.service():
            payouts.propose(creditor_id, today=TODAY, now=NOW)
            db.session.commit()
            db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert db.session.scalar(select(func.sum(Payout.amount_ore))) == 500_00
    assert db.session.scalar(select(func.sum(PayoutLine.amount_ore))) == 500_00


_MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("collect"), st.integers(1, 10_000_000)),
        st.tuples(st.just("reverse"), st.integers(1, 10_000_000)),
        st.tuples(st.just("owe"), st.integers(1, 1_000_000)),
        st.tuples(st.sampled_from(["propose", "release", "settle", "reject"]), st.just(0)),
    ),
    max_size=14,
)


@given(moves=_MOVES)
@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_krona_is_in_one_payout_or_still_owed(
    app: Flask, moves: list[tuple[str, int]]
) -> None:
    creditor = a_creditor()
    cases = [a_case_whose_reminder_left(creditor), a_case_whose_reminder_left(creditor)]
    for number, (move, ore) in enumerate(moves):
        case = cases[number % 2]
        if move == "collect":
            collect(case, ore)
        elif move == "reverse":
            collect(case, -ore)
        elif move == "owe":
            owe(case, ore)
        elif move == "propose":
            propose(creditor)
        else:
            _go_on(creditor, move)
        _hold_to_the_books(creditor)


def _go_on(creditor: Creditor, move: str) -> None:
    wanted = "proposed" if move == "release" else "released"
    found = db.session.scalars(
        select(Payout).where(Payout.creditor_id == creditor.id, Payout.status == wanted)
    ).first()
    if found is None:
        return
    if move == "release":
        # What was taken back meanwhile is in no payout that is released (`releasing` refuses it).
        if ledger.owed_to(creditor.id) < found.collected_ore:
            return
        payouts.post_released(found, today=TODAY, now=NOW)
        found.status, found.released_on = "released", TODAY
    elif move == "settle":
        payouts.settle(found, on=TODAY, actor=SYSTEM, now=NOW)
    else:
        payouts.reject(found, "AC01", on=TODAY, actor=SYSTEM, now=NOW)
    db.session.commit()


def _hold_to_the_books(creditor: Creditor) -> None:
    rows = db.session.scalars(select(Payout).where(Payout.creditor_id == creditor.id)).all()
    for one in rows:
        assert sum(line.amount_ore for line in payouts.lines(one)) == one.amount_ore
        assert sum(part.total_ore for part in statements.parts(one)) == one.amount_ore
        assert sum(share.ore for share in statements.shares(one)) == one.amount_ore
    waiting = sum(one.amount_ore for one in rows if one.status in ("proposed", "held"))
    line = ledger.to_settle_sql(creditor.id)
    free = db.session.scalar(
        select(func.coalesce(func.sum(line.c.amount_ore), 0)).where(
            line.c.line_id.not_in(select(PayoutLine.line_id))
        )
    )
    balance = ledger.owed_to(creditor.id) - ledger.owed_by(creditor.id)
    assert balance == waiting + int(free or 0)
    in_transit = sum(one.amount_ore for one in rows if one.status == "released")
    assert -_account(creditor, Account.PAYOUT_IN_TRANSIT) == in_transit


def _account(creditor: Creditor, account: Account) -> int:
    told = db.session.scalar(
        text("select sum(amount_ore) from ledger_lines where creditor_id = :id and account = :it"),
        {"id": creditor.id, "it": account.value},
    )
    return int(told or 0)


def test_a_rejected_payout_is_owed_again_case_by_case(creditor: Creditor) -> None:
    case, other = a_case_whose_reminder_left(creditor), a_case_whose_reminder_left(creditor)
    collect(case, 500_00)
    collect(other, 300_00)
    propose(creditor)
    _go_on(creditor, "release")
    assert ledger.owed_to(creditor.id) == 0
    _go_on(creditor, "reject")
    assert (ledger.owed_to(creditor.id, case.id), ledger.owed_to(creditor.id, other.id)) == (
        500_00, 300_00,
    )  # fmt: skip
    (again,) = propose(creditor)
    assert again.amount_ore == 800_00


def test_what_is_settled_leaves_the_client_funds_once(creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_00)
    (payout,) = propose(creditor)
    _go_on(creditor, "release")
    assert payouts.settle(payout, on=TODAY, actor=SYSTEM, now=NOW)
    assert not payouts.settle(payout, on=TODAY, actor=SYSTEM, now=NOW)
    assert not payouts.reject(payout, "late", on=TODAY, actor=SYSTEM, now=NOW)
    assert _account(creditor, Account.CLIENT_FUNDS) == 0


def test_the_database_keeps_the_lines_of_what_is_ordered(creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_00)
    propose(creditor)
    _go_on(creditor, "release")
    with pytest.raises(DBAPIError, match="keeps its lines"):
        db.session.execute(text("delete from payout_lines"))
    db.session.rollback()


def test_a_company_that_nothing_can_be_proposed_for_holds_up_no_other(
    creditor: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = a_creditor("Aspen AB")
    for one in (creditor, other):
        collect(a_case_whose_reminder_left(one), 500_00)
    propose_for = payouts.propose

    def propose_or_fail(creditor_id: int, **days: Any) -> list[Payout]:
        if creditor_id == creditor.id:
            raise RedaError("It fails.")
        return propose_for(creditor_id, **days)

    monkeypatch.setattr(payouts, "propose", propose_or_fail)
    monkeypatch.setattr(payouts, "due", lambda today: [creditor.id, other.id])
    with pytest.raises(RedaError):
        jobs.propose_payouts()
    assert [one.creditor_id for one, _ in payouts.proposals()] == [other.id]


def test_what_is_taken_apart_while_more_is_proposed_is_one_proposal(
    app: Flask, creditor: Creditor
) -> None:
    an_account(creditor)
    collect(a_case_whose_reminder_left(creditor), 500_00)
    (first,) = propose(creditor)
    batch = releasing.put_together([first.key], actor=SYSTEM, now=NOW)
    db.session.commit()
    key = batch.key
    collect(a_case_whose_reminder_left(creditor), 200_00)

    def run() -> None:
        with app.app_context(), tenancy.service():
            releasing.withdraw(key, now=NOW)
            db.session.commit()
            db.session.remove()

    payouts.propose(creditor.id, today=TODAY, now=NOW)
    other = Thread(target=run)
    other.start()
    until_somebody_waits(other.is_alive)
    db.session.commit()
    other.join()
    db.session.expire_all()
    assert [one.amount_ore for one, _ in payouts.proposals()] == [700_00]


def test_only_an_account_of_the_company_is_paid_to(creditor: Creditor) -> None:
    an_account(creditor)
    other = an_account(a_creditor(), "9912346")
    collect(a_case_whose_reminder_left(creditor), 500_00)
    (payout,) = propose(creditor)
    with pytest.raises(RedaError):
        payouts.change_account(payout.key, other.key)


def test_the_account_that_an_operator_chose_stays(creditor: Creditor) -> None:
    an_account(creditor)
    second = an_account(creditor, "9912346", is_used=False)
    case = a_case_whose_reminder_left(creditor)
    collect(case, 500_00)
    (payout,) = propose(creditor)
    payouts.change_account(payout.key, second.key)
    collect(case, 1)
    (again,) = propose(creditor)
    assert again.account_key == second.key


def test_a_company_sees_its_own_payouts_alone(creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_00)
    propose(creditor)
    other = a_creditor()
    with tenancy.creditors([other.id]):
        assert db.session.scalars(select(Payout)).all() == []
        assert db.session.scalars(select(PayoutLine)).all() == []


MONDAY = date(2026, 3, 9)


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        (Schedule("day"), [0, 1, 2, 3, 4]),
        (Schedule("week", 3), [2]),
        (Schedule("week", 5), [4]),
    ],
)
def test_a_schedule_is_due_on_its_banking_days(schedule: Schedule, days: list[int]) -> None:
    found = [n for n in range(7) if schedule.is_due(MONDAY + timedelta(days=n))]
    assert found == days


def test_a_weekday_that_is_a_holiday_is_the_next_banking_day() -> None:
    # Epiphany 2026 is a Tuesday.
    tuesday = Schedule("week", 2)
    assert not tuesday.is_due(date(2026, 1, 6))
    assert tuesday.is_due(date(2026, 1, 7))


def test_the_next_day_of_a_schedule_is_after_today() -> None:
    assert Schedule("day").next_after(date(2026, 3, 13)) == date(2026, 3, 16)
    assert Schedule("week", 3).next_after(date(2026, 3, 11)) == date(2026, 3, 18)


def test_a_case_tells_its_payouts(creditor: Creditor) -> None:
    case, other = a_case_whose_reminder_left(creditor), a_case_whose_reminder_left(creditor)
    collect(case, 500_00)
    collect(other, 300_00)
    (payout,) = propose(creditor)
    assert payouts.of_case(case.id) == []
    release(payout)
    assert payouts.of_case(case.id) == [(payout, 500_00)]


def test_payouts_are_told_page_by_page(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    made = []
    for _ in range(3):
        collect(case, 500_00)
        made += [settle(one) for one in propose(creditor)]
    first = payouts.of_company(creditor.id, limit=2)
    assert [*first, *payouts.of_company(creditor.id, first[-1])] == made[::-1]


def test_a_schedule_is_kept_and_told_in_the_history(creditor: Creditor) -> None:
    chosen = Schedule("week", 2, 5_000_00)
    payouts.choose_schedule(creditor.id, chosen, actor=SYSTEM, now=NOW)
    assert payouts.schedule_of(creditor.id) == chosen


@pytest.mark.parametrize("chosen", [Schedule("year"), Schedule("week", 6), Schedule("day", 1, -1)])
def test_a_schedule_that_makes_no_sense_is_refused(creditor: Creditor, chosen: Schedule) -> None:
    with pytest.raises(RedaError):
        payouts.choose_schedule(creditor.id, chosen, actor=SYSTEM, now=NOW)
