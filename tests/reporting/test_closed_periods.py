"""What is reported of a closed month stays, and what comes late is in the next report."""

from datetime import date

from flask import Flask

from portal.reporting import remittance
from portal.reporting.tables import all_rows
from tests.factories import a_case_whose_reminder_left, a_creditor
from tests.payments.bank_money import paid_by_bank
from tests.payments.closing_periods import close


def rows(creditor_id: int, first: date, last: date) -> list[int]:
    chosen = {"from": first.isoformat(), "to": last.isoformat(), "currency": "SEK"}
    (table,) = remittance.build(creditor_id, chosen).tables
    # What each payment comes to for the company, the opening balance left out.
    return [int(row[-2]) for row in all_rows(table)[1:]]


def test_a_late_payment_is_in_the_next_months_statement(app: Flask) -> None:
    creditor = a_creditor()
    case = a_case_whose_reminder_left(creditor)
    february = (date(2026, 2, 1), date(2026, 2, 28))
    paid_by_bank(case, 100_00, date(2026, 2, 26))
    before = rows(creditor.id, *february)
    close(february[1])
    paid_by_bank(case, 200_00, date(2026, 2, 27))
    assert rows(creditor.id, *february) == before
    assert rows(creditor.id, date(2026, 3, 1), date(2026, 3, 31)) == [200_00]
