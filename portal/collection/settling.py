"""Money that came for a case: settled, and the case closed when nothing is left of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, select

from portal import ledger
from portal.collection import cases, policy, states
from portal.collection.models import Case, Event
from portal.collection.moves import close, give_up, interrupt_limitation, move, post, record
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.law.settlement import Settlement, settle
from portal.ledger import Account


@dataclass(frozen=True)
class Settled:
    """What a payment covered, in öre, and what is left to pay on its day."""

    parts: Settlement
    left_ore: int


def settle_payment(
    case: Case,
    *,
    amount_ore: int,
    key: str,
    channel: str,
    value_on: date,
    actor: Actor,
    now: datetime,
) -> Settled | None:
    """Settle money that came for a case, and close the case when nothing is left.

    case: locked by the caller. amount_ore: what came. key: the payment's own, unique for ever.
    value_on: the day the money counts from; interest runs to and including it. A small rest is
    written off, as the creditor's rules say. Money beyond what is owed stands as over-payment, for
    refund. Answers None when the payment is settled already.
    """
    payment_key = f"payment:{key}"
    if ledger.is_posted(payment_key):
        return None
    due = cases.amount_due(case, value_on)
    book_interest(case, due, key=key, now=now)
    parts = settle(
        amount_ore,
        fees_ore=due.fees_ore,
        interest_ore=due.interest_ore,
        principal_ore=due.principal_ore,
    )
    to_creditor = parts.interest_ore + parts.principal_ore
    post(
        case,
        f"payment.{channel}",
        booked_on=value_on,
        key=payment_key,
        lines={
            Account.CLIENT_FUNDS: amount_ore,
            Account.FEES: -parts.fees_ore,
            Account.INTEREST: -parts.interest_ore,
            Account.PRINCIPAL: -parts.principal_ore,
            Account.OVER_PAYMENT: -parts.overpaid_ore,
            Account.CLAIMS: to_creditor,
            Account.OWED_TO_CREDITOR: -to_creditor,
        },
        now=now,
    )
    left_ore = due.total_ore - amount_ore + parts.overpaid_ore
    record(
        case,
        "case.payment_received",
        actor,
        now,
        amount_ore=amount_ore,
        channel=channel,
        value_on=value_on.isoformat(),
        fees_ore=parts.fees_ore,
        interest_ore=parts.interest_ore,
        principal_ore=parts.principal_ore,
        overpaid_ore=parts.overpaid_ore,
        left_ore=left_ore,
        owed={
            "fees_ore": due.fees_ore,
            "interest_ore": due.interest_ore,
            "principal_ore": due.principal_ore,
        },
    )
    if case.status in states.OPEN:
        interrupt_limitation(case, value_on)
        left_ore = close_if_settled(case, left_ore, on=value_on, key=key, now=now)
    return Settled(parts, left_ore)


def newest(case_ids: Sequence[int]) -> int:
    """The event that told of the newest money on some cases, by its id; 0 before any came."""
    newest_of_them = select(func.max(Event.id)).where(Event.case_id.in_(case_ids), _TOLD_OF_MONEY)
    return db.session.scalar(newest_of_them) or 0


_TOLD_OF_MONEY = Event.name.in_(("case.payment_received", "case.paid_directly"))


def newest_sql(case_id: ColumnElement[int]) -> ColumnElement[int]:
    """`newest` of one case, to be asked with other things."""
    of_case = select(func.max(Event.id)).where(Event.case_id == case_id, _TOLD_OF_MONEY)
    return func.coalesce(of_case.scalar_subquery(), 0)


def book_interest(case: Case, due: cases.AmountDue, *, key: str, now: datetime) -> None:
    """Book the interest that has run since it was last booked."""
    post(
        case,
        ledger.INTEREST_ACCRUED,
        # Not further than it was counted: what a missing rate held back can still be added.
        booked_on=due.interest_through_on,
        key=f"interest:{key}",
        lines={Account.INTEREST: due.accrual.ore, Account.CLAIMS: -due.accrual.ore},
        now=now,
    )


def close_if_settled(case: Case, left_ore: int, *, on: date, key: str, now: datetime) -> int:
    """Close a case on which nothing is owed any more, or so little that it is let go.

    Answers what is then left, in öre.
    """
    debtor = case.debtor
    rules = policy.effective(case.creditor_id, debtor.customer_number, debtor.customer_class)
    if left_ore > rules.small_rest_ore:
        return left_ore
    move(case, "pay", SYSTEM)
    give_up(case, "rest.written_off", on=on, fees_to=Account.BAD_DEBT, key=f"rest:{key}", now=now)
    close(case, on=on, now=now)
    record(
        case,
        "case.paid",
        SYSTEM,
        now,
        closed_on=on.isoformat(),
        rest_ore=left_ore,
        terms=rules.chosen("small_rest_ore") if left_ore else {},
    )
    return 0
