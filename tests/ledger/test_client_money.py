"""A company's client money is summed up from its own lines alone."""

import pytest
from flask import Flask
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from portal import ledger
from portal.extensions import db
from portal.identity.models import Creditor
from portal.ledger import Account
from portal.ledger.client_money import _CLIENT_MONEY
from portal.ledger.models import Line
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor
from tests.payments.bank_money import cleared, paid_by_bank


def test_client_money_is_what_came_and_is_not_ordered(app: Flask) -> None:
    creditor = a_creditor()
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    paid_by_bank(a_case_whose_reminder_left(a_creditor("Aspen AB")), 300_00)
    assert ledger.client_money(creditor.id, "SEK") == 500_00


def test_client_money_is_looked_up_in_its_own_index(app: Flask) -> None:
    creditor = a_creditor()
    db.session.execute(text("set local enable_seqscan = off"))
    db.session.execute(text("set local enable_bitmapscan = off"))
    plan = db.session.scalars(
        text(f"explain {_CLIENT_MONEY.text}"),
        {"creditor_id": creditor.id, "currency": "SEK"},
    ).all()
    assert "Index Only Scan using ix_ledger_lines_client_money" in "\n".join(plan)


def pay_out(creditor: Creditor, ore: int) -> None:
    ledger.post(
        creditor_id=creditor.id, case_id=None, kind=ledger.PAYOUT_SETTLED, booked_on=TODAY,
        key=f"payout:{ore}:settled", currency="SEK", now=NOW,
        lines={Account.OWED_TO_CREDITOR: ore, Account.CLIENT_FUNDS: -ore},
    )  # fmt: skip


@pytest.mark.parametrize("is_summed", [False, True])
def test_no_more_than_is_there_can_be_paid_out(app: Flask, is_summed: bool) -> None:
    creditor = a_creditor()
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    if is_summed:
        cleared()
    paid_by_bank(a_case_whose_reminder_left(creditor), 100_00)
    pay_out(creditor, 600_00)
    db.session.commit()
    pay_out(creditor, 1)
    with pytest.raises(DBAPIError, match="client money"):
        db.session.commit()


def test_what_is_summed_up_takes_no_more_lines(app: Flask) -> None:
    creditor = a_creditor()
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    cleared()
    line = db.session.scalars(select(Line).where(Line.account == Account.CLIENT_FUNDS)).one()
    same = {
        "entry_id": line.entry_id, "creditor_id": line.creditor_id, "case_id": line.case_id,
        "booked_on": line.booked_on, "posted_on": line.posted_on, "currency": "SEK",
    }  # fmt: skip
    db.session.execute(
        insert(Line).values(
            [
                {**same, "account": "client_funds", "amount_ore": -100},
                {**same, "account": "owed_to_creditor", "amount_ore": 100},
            ]
        )
    )
    with pytest.raises(DBAPIError, match="summed up"):
        db.session.commit()


@pytest.mark.parametrize("table", ["ledger_sums", "ledger_kept", "ledger_totals"])
def test_only_the_database_writes_what_its_check_reads(app: Flask, table: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(f"delete from {table}"))


def test_sums_are_kept_through_no_entry_that_was_not_asked_for(app: Flask) -> None:
    paid_by_bank(a_case_whose_reminder_left(a_creditor()), 500_00)
    newest = ledger.newest_entry()
    with pytest.raises(DBAPIError, match="not asked for"):
        ledger.keep_sums(newest + 1)


def test_what_is_paid_out_while_sums_are_kept_is_seen(app: Flask) -> None:
    creditor = a_creditor()
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    newest = ledger.newest_entry()
    db.session.commit()
    # Another one pays out and has not ended; what it takes comes after what is summed up.
    with db.engine.connect() as other:
        other.execute(text("select set_config('reda.scope', 'service', true)"))
        other.execute(
            text(
                "with e as (insert into ledger_entries (creditor_id, kind, booked_on, created_at,"
                " idempotency_key) values (:id, 'payout.settled', :on, :now, 'payout:x:settled')"
                " returning id, posted_on) insert into ledger_lines (entry_id, creditor_id,"
                " booked_on, posted_on, account, amount_ore, currency)"
                " select e.id, :id, :on, e.posted_on, l.account, l.ore, 'SEK' from e, (values"
                " ('client_funds', -40000), ('owed_to_creditor', 40000)) l(account, ore)"
            ),
            {"id": creditor.id, "on": TODAY, "now": NOW},
        )
        ledger.keep_sums(newest)
        db.session.commit()
        other.commit()
    assert ledger.client_money(creditor.id, "SEK") == 100_00
    pay_out(creditor, 100_01)
    with pytest.raises(DBAPIError, match="client money"):
        db.session.commit()
    db.session.rollback()
    assert ledger.are_sums_right()
