"""The books: each entry once, balanced, never changed, and read back as it was written."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, NoResultFound

from portal import ledger
from portal.collection.models import Case
from portal.database import server, tenancy
from portal.extensions import db
from portal.ledger import INTEREST_ACCRUED, Account, Balance
from tests.factories import NOW, TODAY, a_case, a_creditor


def post(
    case: Case,
    lines: Mapping[Account, int],
    *,
    key: str = "one",
    on: date = TODAY,
    kind: str = "test",
) -> bool:
    written = ledger.post(
        creditor_id=case.creditor_id, case_id=case.id, kind=kind, booked_on=on, key=key,
        lines=lines, currency="SEK", now=NOW,
    )  # fmt: skip
    db.session.commit()
    return written


def a_fee(ore: int) -> Mapping[Account, int]:
    return {Account.FEES: ore, Account.FEE_INCOME: -ore}


def a_payment(principal_ore: int) -> Mapping[Account, int]:
    """A payment of principal alone."""
    return {
        Account.CLIENT_FUNDS: principal_ore,
        Account.PRINCIPAL: -principal_ore,
        Account.CLAIMS: principal_ore,
        Account.OWED_TO_CREDITOR: -principal_ore,
    }


def test_an_entry_with_a_key_is_written_once(app: Flask) -> None:
    case = a_case()
    assert [post(case, a_fee(100)), post(case, a_fee(100))] == [True, False]
    assert ledger.balance(case.id).fees_ore == 100


def test_a_repeated_key_writes_nothing_of_another_entry_either(app: Flask) -> None:
    case, other = a_case(), a_case()
    post(case, a_fee(100))
    assert not post(other, a_fee(999))
    assert ledger.balance(other.id).fees_ore == 0


def test_a_key_is_written_once_when_several_write_at_once(app: Flask) -> None:
    case = a_case()
    case_id, creditor_id = case.id, case.creditor_id
    db.session.commit()

    def write(_: int) -> bool:
        with app.app_context(), tenancy.service():
            written = ledger.post(
                creditor_id=creditor_id, case_id=case_id, kind="test", booked_on=TODAY, key="one",
                lines=a_fee(100), currency="SEK", now=NOW,
            )  # fmt: skip
            db.session.commit()
            return written

    with ThreadPoolExecutor(6) as pool:
        written = list(pool.map(write, range(6)))
    assert sorted(written) == [False] * 5 + [True]
    assert ledger.balance(case_id).fees_ore == 100


def test_a_key_rolled_back_can_be_written_again(app: Flask) -> None:
    case = a_case()
    ledger.post(
        creditor_id=case.creditor_id, case_id=case.id, kind="test", booked_on=TODAY, key="one",
        lines=a_fee(100), currency="SEK", now=NOW,
    )  # fmt: skip
    db.session.rollback()
    assert not ledger.is_posted("one")
    assert post(case, a_fee(100))
    assert ledger.is_posted("one")


@pytest.mark.parametrize(
    "lines",
    [{Account.FEES: 100, Account.FEE_INCOME: -99}, {Account.FEES: 0}, {}, {Account.FEES: 100}],
)
def test_an_entry_that_does_not_balance_is_not_written(
    app: Flask, lines: Mapping[Account, int]
) -> None:
    case = a_case()
    with pytest.raises(ValueError, match="does not balance"):
        post(case, lines)
    assert not ledger.is_posted("one")


def test_lines_of_nothing_are_left_out(app: Flask) -> None:
    case = a_case()
    post(case, {**a_fee(100), Account.OVER_PAYMENT: 0})
    entry = ledger.entries(case.id)[-1]
    assert entry.lines == ((Account.FEES, 100), (Account.FEE_INCOME, -100))


def test_a_balance_on_a_day_holds_what_was_booked_to_its_end(app: Flask) -> None:
    case = a_case()
    post(case, a_fee(100), on=TODAY + timedelta(days=1))
    assert ledger.balance(case.id, TODAY) == Balance(100_000, 0, 0)
    assert ledger.balance(case.id, TODAY + timedelta(days=1)) == Balance(100_000, 0, 100)


def test_a_balance_after_an_entry_lacks_what_was_written_later(app: Flask) -> None:
    case = a_case()
    post(case, a_payment(40_000), key="first")
    post(case, a_payment(10_000), key="second")
    assert ledger.balance_after("first") == Balance(60_000, 0, 0)
    assert ledger.balance_after("second") == ledger.balance(case.id)


def test_a_balance_after_an_entry_that_is_not_there_is_an_error(app: Flask) -> None:
    with pytest.raises(NoResultFound):
        ledger.balance_after("nothing")


def test_a_balance_is_of_one_case_alone(app: Flask) -> None:
    case, other = a_case(), a_case()
    post(other, a_fee(100))
    assert ledger.balance(case.id) == Balance(100_000, 0, 0)


def test_movements_of_the_principal_come_as_they_were_booked_the_claim_first(app: Flask) -> None:
    case = a_case()
    late, before = TODAY + timedelta(days=9), TODAY - timedelta(days=3)
    post(case, a_payment(20_000), key="late", on=late)
    post(case, a_payment(10_000), key="before", on=before)
    assert [(one.on, one.ore) for one in ledger.of_case(case.id).principal_movements()] == [
        (TODAY, 100_000),
        (late, -20_000),
        (before, -10_000),
    ]


def test_interest_is_booked_through_the_day_of_its_last_entry(app: Flask) -> None:
    case = a_case()
    assert ledger.of_case(case.id).interest_booked_through() is None
    for days in (5, 2):
        on = TODAY + timedelta(days=days)
        lines = {Account.INTEREST: 10, Account.CLAIMS: -10}
        post(case, lines, key=f"{days}", on=on, kind=INTEREST_ACCRUED)
    assert ledger.of_case(case.id).interest_booked_through() == TODAY + timedelta(days=5)


def test_what_is_owed_to_a_creditor_is_told_in_all_and_by_case(app: Flask) -> None:
    creditor = a_creditor()
    case, other = a_case(creditor), a_case(creditor)
    post(case, a_payment(100), key="one")
    post(other, a_payment(50), key="two")
    post(a_case(), a_payment(999), key="another creditor's")
    assert ledger.owed_to(creditor.id) == 150
    assert ledger.owed_to(creditor.id, case.id) == 100


def test_what_makes_up_the_sum_owed_comes_newest_first_and_in_pages(app: Flask) -> None:
    case = a_case()
    for ore in (1, 2, 3):
        post(case, a_payment(ore), key=f"{ore}")
    page = ledger.owed_rows(case.creditor_id, limit=2)
    rest = ledger.owed_rows(case.creditor_id, after=page[-1].entry_id)
    assert [row.ore for row in page] == [3, 2]
    assert [row.ore for row in rest] == [1]


def test_an_account_of_one_creditor_shows_nothing_of_another(app: Flask) -> None:
    case = a_case()
    a_case()
    with tenancy.creditors([case.creditor_id]):
        assert ledger.trial_balance() == {Account.PRINCIPAL: 100_000, Account.CLAIMS: -100_000}


@pytest.mark.parametrize("table", ["ledger_lines", "ledger_entries", "payments"])
def test_nothing_in_the_books_can_be_changed(app: Flask, table: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(f"update {table} set case_id = null"))


@pytest.mark.parametrize("table", ["ledger_lines", "ledger_entries"])
def test_the_books_cannot_be_emptied(app: Flask, table: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(f"truncate {table} cascade"))


@pytest.mark.parametrize("table", ["ledger_lines", "ledger_entries"])
def test_not_even_the_database_s_owner_changes_the_books_by_mistake(
    app: Flask, database_urls: server.Urls, table: str
) -> None:
    a_case()
    url = database_urls.owner.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as owner:
        for change in (f"delete from {table}", f"update {table} set creditor_id = creditor_id"):
            with pytest.raises(psycopg.Error, match="only ever added to"):
                owner.execute(change)


def test_the_database_refuses_an_entry_without_lines(app: Flask) -> None:
    case = a_case()
    db.session.execute(
        text(
            "insert into ledger_entries (creditor_id, case_id, kind, booked_on, created_at,"
            " idempotency_key) values (:creditor, :case, 'x', now(), now(), 'x')"
        ),
        {"creditor": case.creditor_id, "case": case.id},
    )
    with pytest.raises(DBAPIError, match="has no lines"):
        db.session.commit()


def test_the_database_refuses_a_line_added_later(app: Flask) -> None:
    case = a_case()
    with pytest.raises(DBAPIError, match="does not balance"):
        db.session.execute(
            text(
                "insert into ledger_lines (entry_id, creditor_id, case_id, booked_on, account,"
                " amount_ore, currency) select id, creditor_id, case_id, booked_on, 'fees', 100,"
                " 'SEK' from ledger_entries where case_id = :case"
            ),
            {"case": case.id},
        )


@pytest.mark.parametrize(
    ("column", "value"),
    [("entry_id", "-1"), ("creditor_id", "creditor_id + 1"), ("case_id", "null"),
     ("booked_on", "booked_on + 1")],
)  # fmt: skip
def test_the_database_refuses_lines_that_are_not_their_entry_s(
    app: Flask, column: str, value: str
) -> None:
    case = a_case()
    values = {name: name for name in ("entry_id", "creditor_id", "case_id", "booked_on")}
    values[column] = value
    with pytest.raises(DBAPIError, match="not the one that its lines tell of"):
        db.session.execute(
            text(
                "insert into ledger_lines (entry_id, creditor_id, case_id, booked_on, account,"
                f" amount_ore, currency) select {', '.join(values.values())}, account,"
                " amount_ore, currency from ledger_lines where case_id = :case"
            ),
            {"case": case.id},
        )
