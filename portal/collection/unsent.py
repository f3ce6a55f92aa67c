"""Letters that are withdrawn before they left, and the fees that fall with them.

A fee is for a letter that is sent (lag 1981:739 §§ 2–3), so it is owed only while its letter waits
or has left. It falls in the transaction that withdraws the letter, and is charged when the letter
is written anew. Late-payment compensation (§ 4 a) needs no letter, and stays.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, datetime

from portal import clock, ledger
from portal.collection import counting
from portal.collection.cases import AmountDue
from portal.collection.models import Case
from portal.collection.moves import post, record
from portal.database import tenancy
from portal.delivery import outbox
from portal.delivery.outbox import Withdrawn
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.law import fees
from portal.law.settlement import settle
from portal.ledger import Account

EVENT = "case.fee_fell"
_FEES = {"reminder": fees.REMINDER, "demand": fees.DEMAND, outbox.PLAN: fees.PLAN}
KINDS = tuple(_FEES)


def withdraw(case: Case, *, now: datetime, but: Collection[str] = ()) -> bool:
    """Let nothing more of a case be sent but answers, and kinds that are named; fees fall.

    case: locked. Answers whether a fee fell.
    """
    return fall(case, outbox.withdraw_unsent(case.id, but=but), now=now)


def fall(case: Case, letters: Iterable[Withdrawn], *, now: datetime) -> bool:
    """Give up the fees of letters that were just withdrawn, where nothing of the same has left.

    What is paid of them covers what else is owed, as if it had from the payment's own day; what is
    then too much goes back. case: locked. Answers whether a fee fell.
    """
    fell_ore = 0
    for one in letters:
        if (kind := _FEES.get(one.kind)) and not _keeps_fee(case, one):
            fell_ore += _fall(case, one, kind, now)
    if fell_ore:
        record(case, EVENT, SYSTEM, now, amount_ore=fell_ore)
    return fell_ore > 0


def would_be_due(case: Case, due: AmountDue, kinds: Collection[str] = outbox.STEPS) -> AmountDue:
    """What would be due on a day if letters of some kinds that wait were withdrawn."""
    fell_ore = sum(
        _standing(case).get(_FEES[one.kind], 0)
        for one in outbox.not_left(case.id, kinds)
        if not _keeps_fee(case, one)
    )
    if not fell_ore:
        return due
    left_ore = due.fees_ore - fell_ore
    parts = settle(
        max(0, -left_ore), fees_ore=0, interest_ore=due.interest_ore,
        principal_ore=due.principal_ore,
    )  # fmt: skip
    return replace(
        due, fees_ore=max(0, left_ore), interest_ore=due.interest_ore - parts.interest_ore,
        principal_ore=due.principal_ore - parts.principal_ore,
    )  # fmt: skip


def _keeps_fee(case: Case, letter: Withdrawn) -> bool:
    """Whether what stands of a letter's kind of fee stays: it has left, or it is another plan's."""
    # A plan's letter is written once more when its day is moved.
    of = 2 if letter.kind == outbox.PLAN else 1
    begins = ":".join(letter.key.split(":")[:of])
    if letter.kind == outbox.PLAN and not ledger.is_posted(f"fee:{begins}"):
        return True
    return outbox.has_left(case.id, letter.kind, begins)


def _standing(case: Case) -> dict[str, int]:
    """What stands of the newest fee of each kind, in öre. What was given up is the newest."""
    left_ore = ledger.fees_charged(case.id)
    standing = {}
    for one in case.charges:
        standing[one["kind"]] = min(one["ore"], left_ore)
        left_ore -= standing[one["kind"]]
    return standing


def _fall(case: Case, letter: Withdrawn, kind: str, now: datetime) -> int:
    fell_ore = _standing(case).get(kind, 0)
    places = [place for place, one in enumerate(case.charges) if one["kind"] == kind]
    if not places:
        return 0
    # Not charged, it can be charged when the letter is written anew.
    case.charges = [one for place, one in enumerate(case.charges) if place != places[-1]]
    db.session.flush()
    on = clock.day_of(now)
    post(
        case, "fee.waived", booked_on=on, key=f"fee unsent:{letter.id}",
        lines={Account.FEES: -fell_ore, Account.FEE_INCOME: fell_ore}, now=now,
    )  # fmt: skip
    over_ore = -ledger.balance(case.id).fees_ore
    if over_ore > 0:
        # Prices of commission, and what goes back, are the service's.
        with tenancy.service():
            _count_anew(case, letter, over_ore, on, now)
    return fell_ore


def _count_anew(case: Case, letter: Withdrawn, over_ore: int, on: date, now: datetime) -> None:
    """Let what was paid of a fee that fell cover what else is owed."""
    for payment in ledger.paid_of(case.id, Account.FEES):
        ore = min(over_ore, payment.ore)
        if ore:
            counting.count_anew(case, payment, ore, f"counted anew:{letter.id}:{payment.key}", now)
            over_ore -= ore
    # We may have taken the fee out already.
    ledger.cover(case.creditor_id, case.currency, on=on, key=f"fee unsent:{letter.id}", now=now)
