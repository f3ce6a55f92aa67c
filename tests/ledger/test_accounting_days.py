"""Entries have an accounting day; a closed period takes none, and interest counts by value date."""

from datetime import date, timedelta

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal import ledger
from portal.collection.models import Case
from portal.database import server
from portal.extensions import db
from portal.identity.actor import BANK
from portal.ledger import Account
from portal.ledger.models import Entry, Line
from portal.payments import booking
from tests.factories import NOW, TODAY, a_case, a_case_whose_reminder_left, a_creditor
from tests.payments.closing_periods import close

IN_FEBRUARY = date(2026, 2, 27)
CLOSED_THROUGH = date(2026, 2, 28)
FIRST_OPEN = date(2026, 3, 1)


def post(case: Case, on: date, key: str = "one") -> None:
    ledger.post(
        creditor_id=case.creditor_id, case_id=case.id, kind="test", booked_on=on, key=key,
        lines={Account.FEES: 100, Account.FEE_INCOME: -100}, currency="SEK", now=NOW,
    )  # fmt: skip
    db.session.commit()


def days_of(key: str = "one") -> tuple[date, date, set[date]]:
    entry = db.session.scalars(select(Entry).where(Entry.idempotency_key == key)).one()
    lines = db.session.scalars(select(Line.posted_on).where(Line.entry_id == entry.id))
    return entry.booked_on, entry.posted_on, set(lines)


def test_the_accounting_day_is_the_value_date(app: Flask) -> None:
    post(a_case(), IN_FEBRUARY)
    assert days_of() == (IN_FEBRUARY, IN_FEBRUARY, {IN_FEBRUARY})


def test_what_counts_from_a_closed_period_is_posted_on_the_first_open_day(app: Flask) -> None:
    case = a_case()
    close(CLOSED_THROUGH)
    post(case, IN_FEBRUARY)
    assert days_of() == (IN_FEBRUARY, FIRST_OPEN, {FIRST_OPEN})


def test_an_open_day_stays_as_it_is_when_another_period_is_closed(app: Flask) -> None:
    case = a_case()
    close(CLOSED_THROUGH)
    post(case, TODAY)
    assert days_of() == (TODAY, TODAY, {TODAY})


@pytest.mark.parametrize("table", ["ledger_entries", "ledger_lines"])
def test_the_database_refuses_a_direct_row_in_a_closed_period(app: Flask, table: str) -> None:
    case = a_case()
    close(CLOSED_THROUGH)
    columns = {
        "ledger_entries": "kind, created_at, idempotency_key",
        "ledger_lines": "entry_id, account, amount_ore, currency",
    }[table]
    values = {"ledger_entries": "'x', now(), 'x'", "ledger_lines": "1, 'fees', 1, 'SEK'"}[table]
    with pytest.raises(DBAPIError, match=r"in a period that is closed|does not balance"):
        db.session.execute(
            text(
                f"insert into {table} (creditor_id, case_id, booked_on, posted_on, {columns})"
                f" values (:creditor, :case, :on, :on, {values})"
            ),
            {"creditor": case.creditor_id, "case": case.id, "on": IN_FEBRUARY},
        )


def test_the_database_refuses_another_accounting_day(app: Flask) -> None:
    case = a_case()
    with pytest.raises(DBAPIError, match="not its accounting day"):
        db.session.execute(
            text(
                "insert into ledger_entries (creditor_id, case_id, kind, booked_on, posted_on,"
                " created_at, idempotency_key) values (:creditor, :case, 'x', :on,"
                " cast(:on as date) + 1, now(), 'x')"
            ),
            {"creditor": case.creditor_id, "case": case.id, "on": TODAY},
        )


def test_a_closed_period_cannot_be_opened_again(app: Flask) -> None:
    period = close(CLOSED_THROUGH)
    for change in ("update closed_periods set status = 'withdrawn', approved_by_id = null,"
                   " evidence = null", "delete from closed_periods"):  # fmt: skip
        with pytest.raises(DBAPIError):
            db.session.execute(text(change))
        db.session.rollback()
    db.session.refresh(period)
    assert period.status == "closed"


def test_periods_follow_each_other(app: Flask) -> None:
    close(CLOSED_THROUGH)
    with pytest.raises(DBAPIError, match="does not follow"):
        close(date(2026, 4, 30), first_on=date(2026, 4, 1))


def receive(case: Case, key: str, value_on: date, ore: int = 50_000) -> None:
    booking.receive(
        case.id, amount_ore=ore, currency="SEK", key=key, channel="bankgiro", value_on=value_on,
        payer=None, actor=BANK, now=NOW,
    )  # fmt: skip
    db.session.commit()


def test_a_late_payment_into_a_closed_period_bears_interest_to_its_value_date(app: Flask) -> None:
    due_on = date(2026, 1, 20)
    creditor = a_creditor()
    late, other = (a_case_whose_reminder_left(creditor, due_on=due_on) for _ in range(2))
    receive(other, "other", IN_FEBRUARY)
    close(CLOSED_THROUGH)
    receive(late, "late", IN_FEBRUARY)
    assert days_of("payment:late")[:2] == (IN_FEBRUARY, FIRST_OPEN)
    found = [ledger.balance(one.id, TODAY) for one in (late, other)]
    assert found[0] == found[1]
    assert ledger.interest_booked(late.id) == ledger.interest_booked(other.id) > 0


@given(days=st.lists(st.integers(0, 80), min_size=1, max_size=4), through=st.sampled_from([0, 1]))
@hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_nothing_is_taken_back_before_it_was_posted(
    app: Flask, days: list[int], through: int
) -> None:
    case = a_case()
    booked = [f"{case.id}:{place}" for place in range(len(days))]
    for key, day in zip(booked, days, strict=True):
        post(case, date(2026, 1, 1) + timedelta(days=day), key)
    if through and not db.session.scalar(text("select reda_open_from()")):
        close(CLOSED_THROUGH)
    for key in booked:
        ledger.take_back(key, kind="test", as_key=f"back:{key}", now=NOW, instead={})
        db.session.commit()
        assert days_of(f"back:{key}")[1] >= days_of(key)[1]
        assert days_of(f"back:{key}")[0] == days_of(key)[0]


def test_nobody_closes_a_period_while_somebody_posts(
    app: Flask, database_urls: server.Urls
) -> None:
    case = a_case()
    ledger.post(
        creditor_id=case.creditor_id, case_id=case.id, kind="test", booked_on=TODAY, key="one",
        lines={Account.FEES: 100, Account.FEE_INCOME: -100}, currency="SEK", now=NOW,
    )  # fmt: skip
    url = database_urls.owner.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as other:
        other.execute("set lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute(
                "insert into closed_periods (key, first_on, last_on, status, made_by, made_by_id,"
                " made_at, text, reasons, figures, figures_sha256, report_sha256)"
                " values ('x', '2026-02-01', '2026-02-28', 'closed', '', 1, now(), '', '[]', '{}',"
                " '', '')"
            )
