"""A company's client money is summed up from its own lines alone."""

from flask import Flask
from sqlalchemy import text

from portal import ledger
from portal.extensions import db
from portal.ledger.client_money import _CLIENT_MONEY
from tests.factories import a_case_whose_reminder_left as a_reminded_case
from tests.factories import a_creditor
from tests.payments.bank_money import paid_by_bank


def test_client_money_is_what_came_and_is_not_ordered(app: Flask) -> None:
    creditor = a_creditor()
    paid_by_bank(a_reminded_case(creditor), 500_00)
    paid_by_bank(a_reminded_case(a_creditor("Aspen AB")), 300_00)
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
