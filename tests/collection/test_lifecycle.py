"""A case from its first day to its last, every öre of it."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from portal import ledger
from portal.collection import cases, changes, history, lifecycle, rates, settling
from portal.collection.models import Case, Event
from portal.delivery import outbox
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import SWISH, SYSTEM, Actor
from portal.ledger import Account
from tests.factories import (
    NOW,
    TODAY,
    a_case,
    a_reminded_case,
    an_invoice_of,
    kronor,
    letters_leave,
)

CREDITOR = Actor("person", role="creditor")


def pay(case: Case, amount: str, *, key: str = "one", on: date = TODAY) -> settling.Settled:
    settled = settling.settle_payment(
        cases.lock(case.id), amount_ore=kronor(amount), key=key, channel="swish", value_on=on,
        actor=SWISH, now=NOW,
    )  # fmt: skip
    db.session.commit()
    assert settled is not None
    return settled


def names_of_events(case: Case) -> list[str]:
    return [event.name for event in reversed(history.of_case(case.id))]


def test_an_imported_invoice_is_a_claim_in_the_books(app: Flask) -> None:
    case = a_case()
    assert ledger.balance(case.id) == ledger.Balance(100_000, 0, 0)
    assert case.next_step == "reminder"


def test_a_case_imported_on_a_saturday_is_reminded_on_monday(app: Flask) -> None:
    case = a_case()
    invoice = an_invoice_of(case.creditor)
    from portal.collection import policy

    saturday = date(2026, 3, 14)
    later = lifecycle.open_case(invoice, policy.Effective(), today=saturday, now=NOW)
    assert later.next_step_on == date(2026, 3, 16)


def test_a_reminder_books_its_fee_and_puts_its_letter_in_the_outbox(app: Flask) -> None:
    case = a_reminded_case()
    message = db.session.scalars(select(Message).where(Message.case_id == case.id)).one()
    assert ledger.balance(case.id).fees_ore == 6_000
    assert message.content["total_ore"] == 100_000 + 6_000 + 548
    assert names_of_events(case) == ["case.imported", "case.reminder_sent"]


def test_a_second_reminder_is_never_charged(app: Flask) -> None:
    case = a_reminded_case()
    lifecycle.send_reminder(case, today=TODAY + timedelta(days=14), now=NOW)
    db.session.commit()
    assert ledger.balance(case.id).fees_ore == 6_000


def test_no_reminder_fee_without_an_agreement(app: Flask) -> None:
    case = a_reminded_case(terms={"reminder_fee_agreed": False})
    assert ledger.balance(case.id).fees_ore == 0


def test_no_reminder_fee_when_the_creditor_has_charged_one(app: Flask) -> None:
    case = a_reminded_case(reminder_fee_charged=True)
    assert ledger.balance(case.id).fees_ore == 0


def test_nothing_advances_on_a_sunday(app: Flask) -> None:
    a_case()
    assert lifecycle.advance(date(2026, 3, 15), NOW).taken == 0


def test_advancing_twice_reminds_once(app: Flask) -> None:
    case = a_case()
    lifecycle.advance(TODAY, NOW)
    db.session.commit()
    assert lifecycle.advance(TODAY, NOW).taken == 0
    count = select(func.count()).select_from(Message).where(Message.case_id == case.id)
    assert db.session.scalar(count) == 1


def test_interest_runs_from_the_day_after_the_due_date(app: Flask) -> None:
    case = a_case()
    # 1 000.00 kr at 2 + 8 per cent, 20 days of 365.
    assert cases.amount_due(case, TODAY).interest_ore == 548


def test_interest_stops_where_no_reference_rate_is_known(app: Flask) -> None:
    case = a_case()
    due = cases.amount_due(case, date(2026, 12, 1))
    through_june = (date(2026, 6, 30) - case.due_on).days
    assert due.interest_ore == round(100_000 * through_june / 10 / 365)
    assert not due.is_interest_known


def test_a_payment_from_before_the_case_leaves_the_interest_of_the_days_before_it(
    app: Flask,
) -> None:
    case = a_case()
    changes.creditor_was_paid(
        case,
        amount_ore=40_000,
        on=TODAY - timedelta(days=5),
        key="B1",
        actor=CREDITOR,
        now=NOW,
    )
    db.session.commit()
    # 1 000.00 kr for 15 days, then 600.00 kr for 5, at 10 per cent.
    assert cases.amount_due(case, TODAY).interest_ore == 411 + 82


def test_a_full_payment_closes_the_case(app: Flask) -> None:
    case = a_reminded_case()
    settled = pay(case, "1065.48")
    assert settled.left_ore == 0
    assert cases.lock(case.id).status == "paid"
    assert names_of_events(case)[-2:] == ["case.payment_received", "case.paid"]


def test_a_part_payment_settles_costs_then_interest_then_principal(app: Flask) -> None:
    case = a_reminded_case()
    settled = pay(case, "500.00")
    assert (settled.parts.fees_ore, settled.parts.interest_ore) == (6_000, 548)
    assert settled.left_ore == 106_548 - 50_000
    assert cases.lock(case.id).status == "reminded"


def test_two_part_payments_bear_interest_on_what_is_left(app: Flask) -> None:
    case = a_reminded_case()
    pay(case, "500.00")
    later = TODAY + timedelta(days=30)
    left = 100_000 - (50_000 - 6_000 - 548)
    assert cases.amount_due(case, later).interest_ore == round(left * 30 / 10 / 365)


def test_too_large_a_payment_stands_as_over_payment(app: Flask) -> None:
    case = a_reminded_case()
    letters_leave()
    pay(case, "1100.00")
    assert ledger.trial_balance()[Account.OVER_PAYMENT] == -(110_000 - 106_548)


def test_money_for_a_closed_case_is_kept_for_refund(app: Flask) -> None:
    case = a_reminded_case()
    pay(case, "1065.48")
    settled = pay(case, "100.00", key="two")
    assert settled.parts.overpaid_ore == 10_000


def test_principal_and_interest_are_owed_to_the_creditor_and_fees_are_not(app: Flask) -> None:
    case = a_reminded_case()
    letters_leave()
    pay(case, "1065.48")
    assert ledger.owed_to(case.creditor_id) == 100_548
    assert ledger.trial_balance()[Account.FEE_INCOME] == -6_000


def test_the_books_sum_to_zero(app: Flask) -> None:
    pay(a_reminded_case(), "1065.48")
    pay(a_reminded_case(), "12.34", key="two")
    assert sum(ledger.trial_balance().values()) == 0


def test_the_database_refuses_an_entry_that_does_not_balance(app: Flask) -> None:
    case = a_case()
    entry = db.session.scalar(
        text(
            "insert into ledger_entries (creditor_id, case_id, kind, booked_on, created_at,"
            " idempotency_key) values (:creditor, :case, 'x', now(), now(), 'x') returning id"
        ),
        {"creditor": case.creditor_id, "case": case.id},
    )
    with pytest.raises(DBAPIError, match="does not balance"):
        db.session.execute(
            text(
                "insert into ledger_lines (entry_id, creditor_id, case_id, booked_on, account,"
                " amount_ore, currency) values (:entry, :creditor, :case, now(), 'fees', 100,"
                " 'SEK'), (:entry, :creditor, :case, now(), 'fee_income', -99, 'SEK')"
            ),
            {"entry": entry, "creditor": case.creditor_id, "case": case.id},
        )


@pytest.mark.parametrize("table", ["ledger_lines", "ledger_entries", "events"])
def test_what_is_written_in_the_books_and_the_history_is_never_changed(
    app: Flask, table: str
) -> None:
    a_case()
    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(f"delete from {table}"))


def test_the_history_says_which_rule_decided(app: Flask) -> None:
    case = a_case()
    event = db.session.scalars(select(Event).where(Event.case_id == case.id)).one()
    assert event.data["days_after_due"] == 7


def test_the_same_payment_settled_again_changes_nothing(app: Flask) -> None:
    case = a_reminded_case()
    pay(case, "600.00")
    again = settling.settle_payment(
        cases.lock(case.id), amount_ore=kronor("600.00"), key="one", channel="swish",
        value_on=TODAY, actor=SWISH, now=NOW,
    )  # fmt: skip
    assert again is None
    assert cases.lock(case.id).status == "reminded"
    assert names_of_events(case).count("case.payment_received") == 1


def test_a_paid_case_is_never_reminded(app: Flask) -> None:
    case = a_case()
    pay(case, "1005.48")
    lifecycle.send_reminder(cases.lock(case.id), today=TODAY, now=NOW)
    db.session.commit()
    assert ledger.balance(case.id).fees_ore == 0
    assert cases.lock(case.id).status == "paid"


def test_a_reminder_states_every_period_of_interest_that_is_left_from_a_payment(
    app: Flask,
) -> None:
    case = a_case()
    # Less than the interest, so that 3.48 kr of what is booked for twenty days is left.
    pay(case, "2.00")
    later = TODAY + timedelta(days=14)
    lifecycle.send_reminder(cases.lock(case.id), today=later, now=NOW)
    db.session.commit()
    content = db.session.scalars(select(Message.content)).one()
    (interest,) = [part for part in content["parts"] if part["kind"] == "interest"]
    assert interest["ore"] == 348 + 384
    # What is booked and what has run since are rounded each by itself, and so they are stated.
    assert [period["days"] for period in interest["periods"]] == [20, 14]


def test_interest_that_is_left_from_a_payment_is_explained(app: Flask) -> None:
    case = a_case()
    pay(case, "2.00")
    parts = cases.explain(case, cases.amount_due(case, TODAY))
    (interest,) = [part for part in parts if part.kind == "interest"]
    assert interest.ore == 348
    assert interest.explanations


def give_up(case: Case) -> int:
    """The case's letter could not be sent; answers its id."""
    message = db.session.scalars(select(Message).where(Message.case_id == case.id)).one()
    message.status = "failed"
    db.session.commit()
    return message.id


def write_again(message_id: int, *, days: int) -> None:
    day = TODAY + timedelta(days=days)
    lifecycle.write_again(message_id, actor=SWISH, today=day, now=NOW + timedelta(days=days))
    db.session.commit()


def test_a_letter_written_again_has_todays_sum_and_a_new_day_to_pay_by(app: Flask) -> None:
    case = a_reminded_case()
    write_again(give_up(case), days=7)
    letter = db.session.scalars(select(Message.content).where(Message.status == "waiting")).one()
    # Seven further days of interest on 1 000.00 kr; the fee is there, and once.
    assert letter["total_ore"] == 100_000 + 6_000 + 740
    assert letter["written_on"] == "2026-03-17"
    assert cases.lock(case.id).pay_by_on == date(2026, 3, 27)
    assert ledger.balance(case.id).fees_ore == 6_000


def test_a_letter_is_written_again_once(app: Flask) -> None:
    message_id = give_up(a_reminded_case())
    write_again(message_id, days=7)
    with pytest.raises(outbox.NotFailed):
        write_again(message_id, days=7)


def test_nothing_is_written_again_of_a_case_that_is_paid(app: Flask) -> None:
    case = a_reminded_case()
    message_id = give_up(case)
    case.status = "paid"
    db.session.commit()
    write_again(message_id, days=7)
    assert db.session.scalars(select(Message.status)).all() == ["withdrawn"]


def test_a_letter_that_waits_when_the_case_is_paid_is_not_sent(app: Flask) -> None:
    case = a_reminded_case()
    pay(case, "1065.48")
    assert db.session.scalars(select(Message.status)).all() == ["withdrawn"]


def test_interest_that_a_missing_rate_held_back_is_counted_once_the_rate_is_known(
    app: Flask,
) -> None:
    case = a_reminded_case()
    paid_on, later = date(2026, 7, 31), date(2026, 8, 31)
    pay(case, "500.00", on=paid_on)
    rates.add(date(2026, 7, 1), Decimal(2), "a test's", actor=SYSTEM, now=NOW)
    db.session.commit()
    july, august = 100_000, ledger.balance(case.id).principal_ore
    exact = (july + august) * 31 / 10 / 365
    assert cases.amount_due(case, later).interest_ore == round(exact)
