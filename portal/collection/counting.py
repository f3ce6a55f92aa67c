"""Payments counted anew: what one covers of what then fell covers what else is owed, or goes back.

From the payment's own day, in an entry of its own, so that the payment's stays as its receipt says.
"""

from collections.abc import Mapping
from datetime import date, datetime

from portal import ledger
from portal.collection import cases, crossing
from portal.collection.models import Case
from portal.collection.moves import post
from portal.law.settlement import settle
from portal.ledger import Account
from portal.payments import commission, refunds


def count_anew(case: Case, payment: ledger.PaidOf, ore: int, key: str, now: datetime) -> None:
    """Let what a payment covers of a fee that fell cover what else is owed, or go back.

    ore: of it. key: of the entry, which ends with the payment's.
    """
    due = cases.amount_due(case, payment.booked_on)
    crossing.book_interest(case, due, key=key, now=now)
    late = crossing.ran_late(case, due)
    parts = settle(
        ore, fees_ore=0, interest_ore=due.interest_ore - late.interest_ore,
        principal_ore=due.principal_ore,
    )  # fmt: skip
    to_creditor = parts.interest_ore + parts.principal_ore
    post(
        case, ledger.COUNTED_ANEW, booked_on=payment.booked_on, key=key,
        lines={
            Account.FEES: ore,
            Account.INTEREST: -parts.interest_ore,
            Account.PRINCIPAL: -parts.principal_ore,
            Account.OVER_PAYMENT: -parts.overpaid_ore,
            Account.CLAIMS: to_creditor,
            Account.OWED_TO_CREDITOR: -to_creditor,
        },
        now=now,
    )  # fmt: skip
    commission.follow(case.id, payment.key, as_key=key, now=now)
    crossing.lower_interest(case, late, payment.booked_on, key=key, now=now)
    if parts.overpaid_ore:
        refunds.owe_more(payment.key.removeprefix("payment:"), parts.overpaid_ore, now=now)


def count_as_too_much(
    case: Case, payment_key: str, on: date, parts: Mapping[Account, int], key: str, now: datetime
) -> None:
    """Let what a payment covers of some parts, which are given up, go back.

    parts: in öre, of what a debtor owes. on: the payment's value date. key: of the entry, which
    ends with the payment's.
    """
    back_ore = sum(parts.values())
    creditors_ore = back_ore - parts.get(Account.FEES, 0)
    post(
        case, ledger.COUNTED_ANEW, booked_on=on, key=key,
        lines={
            **parts, Account.CLAIMS: -creditors_ore, Account.OWED_TO_CREDITOR: creditors_ore,
            Account.OVER_PAYMENT: -back_ore,
        },
        now=now,
    )  # fmt: skip
    commission.follow(case.id, payment_key, as_key=key, now=now)
    refunds.owe_more(payment_key.removeprefix("payment:"), back_ore, now=now)


def take_back(key: str, now: datetime) -> None:
    """Book back an entry that counted a payment anew. key: of the entry."""
    ledger.take_back(
        key, kind="payment.taken_back", as_key=f"taken back:{key}", now=now, instead={}
    )
