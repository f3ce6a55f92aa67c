"""The service's monthly statement: every charge on one statement, and both agree with the books."""

from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from portal import clock, jobs, ledger
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.models import Creditor
from portal.ledger import Account
from portal.payments import payouts, statements
from portal.payments.models import (
    Commission,
    Payout,
    ServiceStatement,
    ServiceStatementLine,
)
from portal.payments.statements import COMMISSION, FEES, SIGNATURES
from portal.signing.models import SignatureUse
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor
from tests.payments.charging import (
    a_price,
    a_rate,
    a_watched_case,
    all_owed,
    give_back,
    pay,
)
from tests.payments.paying_out import an_account, collect, owe, propose

# The month after that of all that happens here.
APRIL = date(2026, 4, 1)
THEN = datetime.combine(APRIL, datetime.min.time(), clock.STOCKHOLM) + timedelta(hours=5)


def make(creditor: Creditor, today: date = APRIL, now: datetime = THEN) -> list[ServiceStatement]:
    made = statements.make_due(creditor.id, today=today, now=now)
    db.session.commit()
    return made


def sign(creditor: Creditor, number: int, on: date = TODAY, price_ore: int = 1_500) -> None:
    """A signature that was counted."""
    db.session.add(
        SignatureUse(
            creditor_id=creditor.id, number=number, signer_key=f"{creditor.id}:{number}",
            envelope_key="envelope", kind="document", counted_on=on, price_ore=price_ore,
        )
    )  # fmt: skip
    db.session.commit()


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    a_price("25")
    return a_creditor()


def test_a_month_has_commission_fees_and_signatures_with_their_tax(creditor: Creditor) -> None:
    case = a_watched_case(creditor)
    pay(case, 100_000)
    owe(case, 180_00)
    sign(creditor, 5, price_ore=0)
    sign(creditor, 6)
    sign(creditor, 7)
    (made,) = make(creditor)
    sums = statements.sums_of(made.key)
    assert sums.sections == {COMMISSION: 23_500, FEES: 18_000, SIGNATURES: 3_000}
    assert (made.net_ore, made.vat_ore, made.total_ore) == (44_500, 11_125, 55_625)
    assert made.fees_ore == 6_000
    assert (made.first_on, made.last_on) == (date(2026, 3, 1), date(2026, 3, 31))
    assert ledger.owed_by(creditor.id) == 55_625
    assert all(one.agrees for one in statements.against_the_books())


def test_what_waits_says_beforehand_what_the_statement_comes_to(creditor: Creditor) -> None:
    case = a_watched_case(creditor)
    pay(case, 77_777)
    owe(case, 60_00)
    sign(creditor, 6)
    (so_far,) = statements.so_far(creditor.id, today=TODAY)
    (made,) = make(creditor)
    assert so_far.sums == statements.sums_of(made.key)
    assert so_far.fees_ore == made.fees_ore
    assert statements.so_far(creditor.id, today=APRIL) == []


def test_a_statement_is_made_once(creditor: Creditor) -> None:
    pay(a_watched_case(creditor), 100_000)
    assert len(make(creditor)) == 1
    assert make(creditor) == []
    assert make(creditor, date(2026, 4, 30)) == []


def test_the_job_makes_every_companys_and_again_makes_none(app: Flask, creditor: Creditor) -> None:
    pay(a_watched_case(creditor), 100_000)
    pay(a_watched_case(a_creditor()), 100_000)
    for _ in range(2):
        jobs.make_statements()
    assert db.session.scalars(
        select(ServiceStatement.number).order_by(ServiceStatement.number)
    ).all() == [1, 2]


def test_a_month_without_anything_has_no_statement_and_takes_no_number(
    creditor: Creditor,
) -> None:
    case = a_watched_case(creditor)
    pay(case, 100_000)
    make(creditor, date(2026, 6, 1))
    pay(case, 1_000, on=date(2026, 6, 2), now=THEN)
    make(creditor, date(2026, 7, 1))
    found = statements.of_company(creditor.id)
    assert [(one.number, one.last_on) for one in found] == [
        (2, date(2026, 6, 30)), (1, date(2026, 3, 31)),
    ]  # fmt: skip


def test_numbers_have_no_gaps_when_one_is_given_up(creditor: Creditor) -> None:
    other = a_creditor()
    for one in (creditor, other):
        pay(a_watched_case(one), 100_000)
    statements.make_due(creditor.id, today=APRIL, now=THEN)
    db.session.rollback()
    assert [one.number for one in (*make(other), *make(creditor))] == [1, 2]


def test_what_is_booked_late_comes_on_the_next_statement_with_its_own_day(
    creditor: Creditor,
) -> None:
    case = a_watched_case(creditor)
    pay(case, 20_000)
    make(creditor)
    pay(case, 10_000, on=TODAY, now=THEN)
    (late,) = make(creditor, date(2026, 5, 1))
    (line,) = statements.lines(late.key)
    assert (line.on_day, line.base_ore) == (TODAY, 10_000)


def test_what_is_taken_back_names_the_statement_that_had_it(creditor: Creditor) -> None:
    case = a_watched_case(creditor)
    key = pay(case, 100_000)
    (first,) = make(creditor)
    give_back(key, on=date(2026, 4, 10), now=THEN)
    (second,) = make(creditor, date(2026, 5, 1))
    (line,) = statements.lines(second.key)
    assert (line.of_number, line.amount_ore) == (first.number, -first.total_ore)
    assert second.fees_ore == -6_000
    assert ledger.owed_by(creditor.id) == 0


def test_commission_that_is_lowered_names_the_statement_that_had_it(creditor: Creditor) -> None:
    case = a_watched_case(creditor)
    on = TODAY + timedelta(days=20)
    pay(case, all_owed(case, on), on=on)
    (first,) = make(creditor)
    pay(case, 50_000, now=THEN)
    (second,) = make(creditor, date(2026, 5, 1))
    (lowered,) = statements.lines(second.key)
    assert (lowered.kind, lowered.of_number) == (ledger.COMMISSION_TAKEN_BACK, first.number)
    assert (lowered.base_ore, lowered.net_ore, lowered.vat_ore) == (-238, -59, -15)
    assert (second.total_ore, second.fees_ore) == (-74, 0)
    assert all(one.agrees for one in statements.against_the_books())


def test_what_is_lowered_comes_out_with_the_next_payout(creditor: Creditor) -> None:
    an_account(creditor)
    case = a_watched_case(creditor)
    on = TODAY + timedelta(days=20)
    pay(case, all_owed(case, on), on=on)
    (first,) = propose(creditor)
    payouts.post_released(first, today=TODAY, now=NOW)
    first.status = payouts.RELEASED
    db.session.commit()
    pay(case, 50_000, now=THEN)
    collect(a_case_whose_reminder_left(creditor), 44_000)
    (second,) = propose(creditor)
    assert second.amount_ore == 44_000 - 238 + 59 + 15


def test_what_was_frozen_never_changes(creditor: Creditor) -> None:
    pay(a_watched_case(creditor), 100_000)
    (made,) = make(creditor)
    creditor.name, creditor.town = "Another name AB", "Luleå"
    db.session.commit()
    assert made.content["buyer"]["company"] == "Norrsken Energi AB"
    for statement in (
        "update service_statements set total_ore = 1, net_ore = 1, vat_ore = 0",
        "delete from service_statements",
        "update service_statement_lines set net_ore = 1",
        "delete from service_statement_lines",
    ):
        with pytest.raises(DBAPIError):
            db.session.execute(text(statement))
        db.session.rollback()


def test_an_invoice_says_what_the_law_asks(creditor: Creditor) -> None:
    pay(a_watched_case(creditor), 100_000)
    (made,) = make(creditor)
    seller, buyer = made.content["seller"], made.content["buyer"]
    assert seller["vat_number"] == f"SE{seller['organisation_number']}01"
    assert seller["name"]
    assert seller["address"]
    assert buyer["address_line"] == creditor.address_line
    assert buyer["organisation_number"] == creditor.organisation_number


def test_it_tells_in_which_payout_it_was_set_off_and_what_is_left(creditor: Creditor) -> None:
    an_account(creditor)
    case = a_watched_case(creditor)
    pay(case, 100_000)
    (payout,) = propose(creditor)
    sign(creditor, 6)
    (made,) = make(creditor)
    assert statements.set_off(made.key) == []
    payouts.post_released(payout, today=APRIL, now=THEN)
    payout.status, payout.released_on = "released", APRIL
    db.session.commit()
    (told,) = statements.set_off(made.key)
    assert (told.payout.key, told.ore) == (payout.key, 29_375)
    assert made.total_ore - told.ore == 1_875
    assert statements.set_off_many([made.key]) == {made.key: 29_375}


def test_a_signature_counted_behind_the_next_months_waits_and_is_not_lost(
    creditor: Creditor,
) -> None:
    sign(creditor, 6)
    sign(creditor, 7, on=APRIL)
    sign(creditor, 8, on=date(2026, 3, 31))
    make(creditor)
    make(creditor, date(2026, 5, 1))
    quantities = select(func.sum(ServiceStatementLine.quantity))
    assert db.session.scalar(quantities) == 3


def test_each_currency_has_a_statement_of_its_own(creditor: Creditor) -> None:
    pay(a_watched_case(creditor), 50_000)
    pay(a_watched_case(creditor, currency="EUR"), 50_000)
    a_rate()
    assert {one.currency for one in make(creditor)} == {"SEK", "EUR"}


_MOVES = st.lists(
    st.tuples(
        st.sampled_from(["pay", "pay", "owe", "sign", "back", "make", "propose", "release"]),
        st.integers(1, 5_000_000),
    ),
    max_size=16,
)


@given(moves=_MOVES)
@hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_statements_books_and_what_is_set_off_agree_to_the_ore(
    app: Flask, moves: list[tuple[str, int]]
) -> None:
    if not db.session.scalar(text("select count(*) from commission_prices")):
        a_price("13.37")
    creditor = a_creditor()
    cases = [a_watched_case(creditor, amount_ore=10_000_000), a_case_whose_reminder_left(creditor)]
    keys: list[str] = []
    for number, (move, ore) in enumerate(moves):
        _go_on(creditor, cases[number % 2], keys, move, ore, number)
        _hold_to_the_books(creditor)


def _go_on(
    creditor: Creditor, case: Case, keys: list[str], move: str, ore: int, number: int
) -> None:
    month = 4 + number
    today = date(2026 + (month - 1) // 12, (month - 1) % 12 + 1, 1)
    if move == "pay":
        keys.append(pay(case, ore))
    elif move == "owe":
        owe(case, ore)
    elif move == "sign":
        sign(creditor, 100 + number)
    elif move == "back" and keys:
        give_back(keys[ore % len(keys)])
    elif move == "make":
        make(creditor, today)
    elif move == "propose":
        propose(creditor)
    elif move == "release":
        # What was taken back meanwhile is in no payout that is released.
        propose(creditor)
        for payout in db.session.scalars(
            select(Payout).where(Payout.creditor_id == creditor.id, Payout.status == "proposed")
        ):
            payouts.post_released(payout, today=TODAY, now=NOW)
            payout.status, payout.released_on = "released", TODAY
        db.session.commit()


def _hold_to_the_books(creditor: Creditor) -> None:
    made = statements.of_company(creditor.id)
    for one in made:
        assert sum(line.amount_ore for line in statements.lines(one.key)) == one.total_ore
        assert statements.sums_of(one.key).total_ore == one.total_ore
    waits = sum(one.sums.total_ore for one in statements.so_far(creditor.id, today=date.max))
    unbooked = waits - _waiting_in_the_books(creditor)
    set_off = sum(statements.set_off_many([one.key for one in made]).values())
    released = _set_off_before_a_statement(creditor)
    charged = sum(one.total_ore for one in made) + waits - unbooked
    assert ledger.owed_by(creditor.id) == charged - set_off - released
    of_cases = select(func.sum(Commission.ore)).where(Commission.creditor_id == creditor.id)
    assert _account(creditor, Account.COMMISSION_INCOME) == -(db.session.scalar(of_cases) or 0)
    assert all(one.agrees for one in statements.against_the_books())


def _waiting_in_the_books(creditor: Creditor) -> int:
    """What is booked and on no statement, without the tax that comes with the statement."""
    told = statements.waiting(creditor.id, "SEK", today=date.max, limit=1_000)
    return sum(line.amount_ore for line in told)


def _set_off_before_a_statement(creditor: Creditor) -> int:
    told = db.session.scalar(
        text(
            "select -coalesce(sum(l.amount_ore), 0) from payout_lines l"
            " join payouts p on p.id = l.payout_id"
            " where l.creditor_id = :id and l.account = 'owed_by_creditor'"
            " and p.status in ('released', 'offset') and not exists"
            " (select from service_statement_lines s where s.line_id = l.line_id)"
        ),
        {"id": creditor.id},
    )
    return int(told or 0)


def _account(creditor: Creditor, account: Account) -> int:
    told = db.session.scalar(
        text("select sum(amount_ore) from ledger_lines where creditor_id = :id and account = :it"),
        {"id": creditor.id, "it": account.value},
    )
    return int(told or 0)
