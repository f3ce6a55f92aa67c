"""Commission on money that comes for cases under long-term surveillance."""

import math
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal import ledger
from portal.collection import cases, changes, lifecycle
from portal.collection.models import Case
from portal.collection.receiving import Received
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.ledger import Account
from portal.messages import RedaError
from portal.payments import booking, commission, refunds, statements
from portal.payments.models import Commission, CommissionPrice
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor, rules_of
from tests.payments.charging import (
    FIRST,
    OPERATOR,
    a_price,
    a_watched_case,
    all_owed,
    give_back,
    pay,
)

CREDITOR = Actor("person", "Clara", None, "creditor")


def charged(case: Case) -> list[tuple[int, int, int, int]]:
    """Base, basis points, commission and tax of each commission on a case."""
    rows = db.session.scalars(
        select(Commission).where(Commission.case_id == case.id).order_by(Commission.id)
    )
    return [(one.base_ore, one.basis_points, one.ore, one.vat_ore) for one in rows]


def in_the_books(case: Case) -> dict[str, int]:
    """What of the case stands on the accounts of what is charged."""
    rows = db.session.execute(
        text(
            "select account, sum(amount_ore) from ledger_lines where case_id = :id and account in"
            " ('owed_by_creditor', 'commission_income', 'vat_owed') group by account"
        ),
        {"id": case.id},
    )
    return {account: int(ore) for account, ore in rows}


def test_commission_is_charged_of_principal_and_interest_and_not_of_fees(app: Flask) -> None:
    a_price("25")
    case = a_watched_case()
    pay(case, 100_000)
    # 60 kronor are the reminder's fee, which is the service's already.
    assert charged(case) == [(94_000, 2_500, 23_500, 5_875)]
    assert in_the_books(case) == {
        "owed_by_creditor": 29_375, "commission_income": -23_500, "vat_owed": -5_875,
    }  # fmt: skip


def test_half_an_ore_is_rounded_up_payment_by_payment(app: Flask) -> None:
    a_price("12.5")
    case = a_watched_case()
    pay(case, 6_000 + 100)
    pay(case, 3)
    # 12.5 and 0.375 öre of commission; 3.25 öre of tax. What rounds to nothing is not charged.
    assert charged(case) == [(100, 1_250, 13, 3)]


def test_nothing_is_charged_without_a_price(app: Flask) -> None:
    case = a_watched_case()
    pay(case, 100_000)
    assert charged(case) == []


def test_nothing_is_charged_of_a_case_that_is_not_watched(app: Flask) -> None:
    a_price()
    case = a_case_whose_reminder_left()
    pay(case, 100_000)
    assert charged(case) == []


def test_the_day_of_the_money_decides_and_not_the_day_it_is_booked(app: Flask) -> None:
    a_price()
    case = a_watched_case(at=NOW + timedelta(days=5))
    pay(case, 10_000, on=TODAY + timedelta(days=4), now=NOW + timedelta(days=9))
    assert charged(case) == []
    pay(case, 10_000, on=TODAY + timedelta(days=5), now=NOW + timedelta(days=9))
    assert [row[0] for row in charged(case)] == [10_000]


def test_a_case_that_has_left_surveillance_is_charged_for_its_days_there(app: Flask) -> None:
    a_price()
    case = a_watched_case()
    case.pay_by_on = None
    left = NOW + timedelta(days=10)
    lifecycle.take_to_law(case, actor=SYSTEM, today=left.date(), now=left)
    db.session.commit()
    pay(case, 20_000, on=TODAY + timedelta(days=10), now=left + timedelta(days=2))
    assert charged(case) == []
    pay(case, 20_000, on=TODAY + timedelta(days=9), now=left + timedelta(days=2))
    assert len(charged(case)) == 1


def test_a_companys_own_price_goes_before_the_services_and_ends_with_its_day(app: Flask) -> None:
    creditor = a_creditor()
    a_price("25")
    a_price("10", creditor)
    a_price(None, creditor, TODAY + timedelta(days=10))
    case = a_watched_case(creditor)
    pay(case, 10_000)
    pay(case, 10_000, on=TODAY + timedelta(days=10), now=NOW + timedelta(days=10))
    assert [row[1] for row in charged(case)] == [1_000, 2_500]
    told = commission.of_company(creditor.id, TODAY)
    assert [(one.from_on, one.per_cent) for one in told] == [
        (FIRST, Decimal(10)), (TODAY + timedelta(days=10), Decimal(25)),
    ]  # fmt: skip


def test_a_new_price_changes_nothing_that_has_been(app: Flask) -> None:
    a_price("25")
    a_price("40", from_on=TODAY + timedelta(days=1))
    case = a_watched_case()
    pay(case, 10_000, on=TODAY, now=NOW + timedelta(days=3))
    assert [row[1] for row in charged(case)] == [2_500]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"from_on": TODAY}, "from_on"),
        ({"from_on": TODAY - timedelta(days=1)}, "from_on"),
        ({"from_on": TODAY + timedelta(days=29)}, "from_on"),
        ({"per_cent": Decimal("50.01")}, "per_cent"),
        ({"per_cent": Decimal("12.345")}, "per_cent"),
        ({"per_cent": None}, "per_cent"),
        ({"note": "å" * 201}, "note"),
    ],
)
def test_a_price_that_cannot_be_is_refused_at_its_field(
    app: Flask, values: dict[str, object], field: str
) -> None:
    asked: dict[str, object] = {
        "from_on": TODAY + timedelta(days=30), "per_cent": Decimal(20), "note": "", **values,
    }  # fmt: skip
    with pytest.raises(RedaError) as refused:
        commission.add_price(None, actor=OPERATOR, today=TODAY, now=NOW, **asked)  # type: ignore[arg-type]
    assert refused.value.problem.field == field


def test_a_lower_price_holds_from_tomorrow(app: Flask) -> None:
    a_price("25")
    tomorrow = TODAY + timedelta(days=1)
    commission.add_price(
        None, from_on=tomorrow, per_cent=Decimal(20), note="", actor=OPERATOR, today=TODAY, now=NOW
    )
    assert commission.prices()[0].from_on == tomorrow


def test_a_higher_price_that_a_company_has_agreed_on_holds_from_tomorrow(app: Flask) -> None:
    creditor = a_creditor()
    commission.add_price(
        creditor.id, from_on=TODAY + timedelta(days=1), per_cent=Decimal(40), note="Avtal 7",
        actor=OPERATOR, today=TODAY, now=NOW,
    )  # fmt: skip
    assert len(commission.prices()) == 1


def test_a_price_to_come_is_replaced_by_another_from_its_day(app: Flask) -> None:
    day = TODAY + timedelta(days=1)
    for per_cent in ("25", "25", "20"):
        a_price(per_cent, from_on=day)
    listed = [(one.per_cent, one.is_replaced) for one in commission.prices()]
    assert listed == [(Decimal(20), False), (Decimal(25), True)]
    case = a_watched_case()
    pay(case, 10_000, on=day, now=NOW + timedelta(days=2))
    assert [row[1] for row in charged(case)] == [2_000]


def test_the_database_lets_no_price_and_no_commission_be_changed(app: Flask) -> None:
    a_price("25")
    pay(a_watched_case(), 10_000)
    for statement in (
        "update commission_prices set basis_points = 1",
        "delete from commission_prices",
        "update commissions set ore = 1",
        "delete from commissions",
    ):
        with pytest.raises(DBAPIError):
            db.session.execute(text(statement))
        db.session.rollback()


def test_a_payment_that_is_taken_back_takes_its_commission_back_once(app: Flask) -> None:
    a_price("25")
    case = a_watched_case()
    key = pay(case, 100_000)
    give_back(key)
    give_back(key)
    assert [row[2] for row in charged(case)] == [23_500, -23_500]
    assert set(in_the_books(case).values()) == {0}


def test_a_payment_that_is_told_of_twice_is_charged_once(app: Flask) -> None:
    a_price("25")
    case = a_watched_case()
    key = pay(case, 10_000)
    assert commission.charge([f"payment:{key}"], now=NOW) == 0
    assert len(charged(case)) == 1


def test_money_that_the_creditor_got_is_charged_too(app: Flask) -> None:
    a_price("25")
    case = a_watched_case()
    with tenancy.creditors([case.creditor_id]):
        changes.creditor_was_paid(
            cases.lock(case.id), amount_ore=50_000, on=TODAY, key="1", actor=CREDITOR, now=NOW
        )
        db.session.commit()
    assert charged(case) == [(50_000, 2_500, 12_500, 3_125)]
    assert db.session.scalars(select(Commission.is_direct)).one()
    assert ledger.owed_by(case.creditor_id) == 15_625


def test_what_is_over_paid_is_charged_of_nothing(app: Flask) -> None:
    a_price("25")
    case = a_watched_case()
    pay(case, 500_000)
    base = 100_000 + charged(case)[0][0] - 100_000
    assert base < 110_000
    pay(case, 10_000)
    assert len(charged(case)) == 1


def test_a_bank_file_is_charged_as_payment_by_payment(app: Flask) -> None:
    a_price("25")
    one, other = a_creditor(), a_creditor()
    alone, together = [], []
    for creditor, found in ((one, alone), (other, together)):
        found += [a_watched_case(creditor), a_case_whose_reminder_left(creditor)]
        found += [a_watched_case(creditor, at=NOW + timedelta(days=1))]
    sums = [50_000, 30_000, 200_000]
    for case, ore in zip(alone, sums, strict=True):
        pay(case, ore)
    received = [
        Received(case.id, ore, f"bankgiro:many:{case.id}", "bankgiro", TODAY)
        for case, ore in zip(together, sums, strict=True)
    ]
    for _ in range(2):
        booking.receive_many(received, actor=Actor("bank"), now=NOW)
        db.session.commit()
    assert [charged(case) for case in together] == [charged(case) for case in alone]
    assert [in_the_books(case) for case in together] == [in_the_books(case) for case in alone]
    assert [len(charged(case)) for case in together] == [1, 0, 0]


def test_the_debtor_sees_nothing_of_it(app: Flask) -> None:
    a_price("25")
    case = a_watched_case()
    pay(case, 10_000)
    with tenancy.cases([case.id]):
        assert db.session.scalars(select(Commission.id)).all() == []
        assert db.session.scalars(select(CommissionPrice.id)).all() == []


def test_a_company_sees_what_it_pays_and_no_other_companys_price(app: Flask) -> None:
    one, other = a_creditor(), a_creditor()
    a_price("25")
    a_price("10", other)
    with tenancy.creditors([one.id]):
        assert [row.per_cent for row in commission.of_company(one.id, TODAY)] == [Decimal(25)]
        assert commission.prices() == []


def test_accounts_of_what_is_charged_are_credits(app: Flask) -> None:
    a_price("25")
    pay(a_watched_case(), 100_000)
    books = ledger.trial_balance()
    assert books[Account.COMMISSION_INCOME] < 0
    assert books[Account.VAT_OWED] < 0
    assert sum(books.values()) == 0


def kept_of(case: Case, key: str) -> int:
    """What of a payment the creditor keeps, read from the books alone."""
    return sum(
        int(ore)
        for ore in db.session.scalars(
            text(
                "select -sum(l.amount_ore) from ledger_lines l"
                " join ledger_entries e on e.id = l.entry_id"
                " where l.case_id = :id and l.account = 'owed_to_creditor'"
                " and e.idempotency_key ~ ('(^|:)' || :key || '$')"
            ),
            {"id": case.id, "key": key},
        )
        if ore is not None
    )


def stands_of(case: Case, key: str) -> tuple[int, int]:
    """Commission and tax that stand of a payment."""
    rows = db.session.scalars(
        select(Commission).where(
            Commission.case_id == case.id, Commission.payment_key.endswith(key)
        )
    ).all()
    return sum(one.ore for one in rows), sum(one.vat_ore for one in rows)


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def test_interest_that_goes_back_takes_its_commission_back(app: Flask) -> None:
    a_price("25")
    case = a_watched_case()
    later = pay(case, all_owed(case, TODAY + timedelta(days=30)), on=TODAY + timedelta(days=30))
    kept = kept_of(case, later)
    pay(case, 50_000)
    lowered = charged(case)[-2:]
    back = kept - kept_of(case, later)
    assert back > 0
    assert [row[0] for row in lowered if row[2] < 0] == [-back]
    assert stands_of(case, later)[0] == half_up(Fraction(kept_of(case, later), 4))


def test_what_is_undone_brings_the_commission_back(app: Flask) -> None:
    a_price("25")
    case = a_watched_case()
    later = pay(case, all_owed(case, TODAY + timedelta(days=30)), on=TODAY + timedelta(days=30))
    before = stands_of(case, later)
    for _ in range(2):
        undone(pay(case, 50_000))
        assert stands_of(case, later) == before


def undone(key: str) -> None:
    """As an operator undoes a payment."""
    payment = booking.take_back(key, by_bank=False, on=TODAY, actor=OPERATOR, now=NOW)
    if payment is not None:
        for refund in refunds.of_booked([payment.id]):
            refunds.withdraw(refund, actor=SYSTEM, now=NOW)
    db.session.commit()


paid_in_any_order = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 60), st.integers(100, 120_000)),
        # One of those before is undone.
        st.integers(0, 4),
    ),
    min_size=2, max_size=6,
)  # fmt: skip


@given(done=paid_in_any_order, points=st.integers(1, 5_000))
@example(done=[(30, 107_370), (0, 50_548), 1, (5, 70_000)], points=1_234)
@example(done=[(40, 60_000), (60, 60_000), (0, 50_000), (10, 9_000), 2, 0], points=2_500)
@examples(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_commission_is_always_that_on_what_the_creditor_keeps(
    app: Flask, done: list[tuple[int, int] | int], points: int
) -> None:
    creditor = a_creditor()
    rules_of(creditor, small_rest_ore=0)
    a_price(str(Decimal(points) / 100), creditor)
    case, keys = a_watched_case(creditor), list[str]()
    for one in done:
        if isinstance(one, tuple):
            keys.append(pay(case, one[1], on=TODAY + timedelta(days=one[0])))
        elif one < len(keys):
            undone(keys[one])
        for key in keys:
            ore, tax = stands_of(case, key)
            assert ore == half_up(Fraction(kept_of(case, key) * points, 10_000))
            assert tax == half_up(Fraction(ore, 4))
    charged_ore = sum(row[2] for row in charged(case))
    assert -in_the_books(case).get("commission_income", 0) == charged_ore
    with tenancy.service():
        assert all(one.agrees for one in statements.against_the_books())
        assert sum(ledger.trial_balance().values()) == 0
        assert not refunds.differences()
