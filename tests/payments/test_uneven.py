"""A page tells of every case that does not agree with the books, and reads few of them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal import jobs, ledger
from portal.collection import checks
from portal.collection.models import Case
from portal.extensions import db
from portal.ledger import Account
from portal.payments import booking, clearing, refunds, uneven
from portal.payments.models import Refund
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor
from tests.payments.bank_money import cleared, paid_by_bank


@pytest.fixture
def case(app: Flask) -> Case:
    """One that paid too much and that agrees with the books, as the night saw it."""
    case = a_case_whose_reminder_left(a_creditor())
    paid_by_bank(case, 200_000)
    cleared()
    return case


def told() -> tuple[int, int, int]:
    """How many a page tells of; the same as of all cases."""
    found = uneven.payments(), uneven.statuses(), uneven.refunds_due()
    assert found == (booking.differences(), checks.differences(), refunds.differences())
    return len(found[0]), len(found[1]), len(found[2])


def booked(case: Case, **ore: int) -> None:
    ledger.post(
        creditor_id=case.creditor_id, case_id=case.id, kind="wrong", booked_on=TODAY,
        key=f"wrong:{ore}", currency="SEK", now=NOW,
        lines={Account(name): amount for name, amount in ore.items()},
    )  # fmt: skip


def pays_what_nobody_booked(case: Case) -> None:
    booked(case, client_funds=500, owed_to_creditor=-500)


def owes_after_it_is_closed(case: Case) -> None:
    booked(case, principal=700, claims=-700)


def is_to_get_back_what_nobody_sends(case: Case) -> None:
    booked(case, over_payment=-900, bad_debt=900)


def is_forgotten(case: Case) -> None:
    """Nothing is booked when its refund is withdrawn."""
    db.session.scalars(select(Refund)).one().status = "withdrawn"


WRONG = [
    (pays_what_nobody_booked, (1, 0, 0)),
    (owes_after_it_is_closed, (0, 1, 0)),
    (is_to_get_back_what_nobody_sends, (0, 0, 1)),
    (is_forgotten, (0, 0, 1)),
]


@pytest.mark.parametrize(("wrong", "found"), WRONG)
def test_what_goes_wrong_by_day_is_told_at_once_and_still_after_the_night(
    case: Case, wrong: Callable[[Case], None], found: tuple[int, int, int]
) -> None:
    assert told() == (0, 0, 0)
    wrong(case)
    db.session.commit()
    assert told() == found
    cleared()
    assert told() == found


def test_what_is_mended_is_no_longer_told(case: Case) -> None:
    owes_after_it_is_closed(case)
    cleared()
    booked(case, principal=-700, claims=700)
    db.session.commit()
    assert told() == (0, 0, 0)


def test_before_the_first_night_all_cases_are_looked_at(app: Flask) -> None:
    case = a_case_whose_reminder_left(a_creditor())
    case.status, case.closed_on = "paid", TODAY
    db.session.commit()
    assert uneven.read_at() is None
    assert told() == (0, 1, 0)


def test_what_only_the_night_can_find_is_told_in_the_morning(case: Case) -> None:
    other = a_case_whose_reminder_left(case.creditor)
    cleared()
    other.status, other.closed_on = "paid", TODAY
    db.session.commit()
    with pytest.raises(jobs.BooksDiffer):
        jobs.check_books()
    db.session.rollback()
    assert told() == (0, 1, 0)


def test_it_is_told_when_all_cases_were_looked_at(case: Case) -> None:
    later = NOW + timedelta(hours=3)
    clearing.clear(clearing.newest_entry(), now=later)
    db.session.commit()
    assert uneven.read_at() == later


def test_sums_that_were_wrong_let_all_cases_be_looked_at(case: Case) -> None:
    clearing.forget()
    db.session.commit()
    assert uneven.read_at() is None
    assert told() == (0, 0, 0)
