"""Money that is told of after later money was booked: what that paid of what was then not owed.

A payment covers what was owed on its own day, whichever day it is given to its case. What was
booked after that day and would not have been, had the payment been known, is not owed: interest on
what it covers, and, when it covers all that was owed, the fees of later. What of it is unpaid falls
(`crossing`); what later payments have paid of it goes back to who made those.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import structlog

from portal import clock, ledger
from portal.collection import cases, counting, crossing, policy, states
from portal.collection.models import Case
from portal.collection.moves import post
from portal.database import tenancy
from portal.law.settlement import settle
from portal.ledger import Account
from portal.payments import commission, refunds

log = structlog.get_logger()


@dataclass(frozen=True)
class NeverDue:
    """What was booked of a case after a day and was never due, paid or not, in öre."""

    interest_ore: int
    fees_ore: int


def never_due(case: Case, ore: int, on: date) -> NeverDue:
    """What is booked and would not have been, had money been known that came on a day.

    ore: of that money, beside what is booked. Of a case that was given up nothing is: who paid it
    has all of a later payment back.
    """
    if case.status not in (*states.OPEN, states.PAID):
        return NeverDue(0, 0)
    books = ledger.of_case(case.id)
    through_on = max(books.interest_booked_through() or on, on)
    if through_on == on and not crossing.fees_after(books, on):
        return NeverDue(0, 0)
    money = sorted([*ledger.money_of(case.id), ledger.Money(on, ore)], key=lambda one: one.on)
    right = _in_order(case, books, money, through_on)
    return NeverDue(
        max(0, ledger.interest_booked(case.id) - right.interest_ore),
        max(0, _standing_ore(books) - right.fees_ore),
    )


def _standing_ore(books: ledger.CaseBooks) -> int:
    return sum(one.ore for one in crossing.fees_after(books, date.min))


@dataclass(frozen=True)
class _InOrder:
    """What is due of interest, through a day, and of fees, paid or not, in öre.

    fees_on: the day of the last of them.
    """

    interest_ore: int
    fees_ore: int
    fees_on: date | None


def _in_order(
    case: Case, books: ledger.CaseBooks, money: Sequence[ledger.Money], through_on: date
) -> _InOrder:
    """Count all money of a case in the order of its days, as if each had been known on its own.

    Once it has paid all that was owed by a day, nothing runs and no letter is called for.
    """
    charged, told = ledger.fees_called_for(case.id), _without_payments(books)
    rules = policy.of_debtor(case.debtor)
    # Interest is rounded at each payment, and a case is not kept for what that leaves, nor for a
    # small rest.
    least_ore = max(len(money), rules.small_rest_ore)
    from_on, interest_ore, unpaid_ore, fees_paid_ore = None, 0, 0, 0
    for one in money:
        ran = cases.interest_between(case, from_on, one.on, books=told)
        by_then = min(one.on, through_on)
        interest_ore += cases.interest_between(case, from_on, by_then, books=told).ore
        from_on = one.on
        fees_ore = sum(fee.ore for fee in charged if fee.booked_on <= one.on)
        # The claim is owed also before it came to us.
        claim = told.balance(max(one.on, told.lines[0].booked_on))
        parts = settle(
            one.ore, fees_ore=max(0, fees_ore - fees_paid_ore),
            # What of it was paid to the creditor directly is below zero.
            interest_ore=max(0, unpaid_ore + ran.ore + claim.interest_ore),
            principal_ore=max(0, claim.principal_ore),
        )  # fmt: skip
        unpaid_ore += ran.ore - parts.interest_ore
        fees_paid_ore += parts.fees_ore
        left_ore = (
            max(0, fees_ore - fees_paid_ore) + max(0, unpaid_ore + claim.interest_ore)
            + max(0, claim.principal_ore) - parts.principal_ore
        )  # fmt: skip
        if left_ore <= least_ore:
            return _in_order_of(interest_ore, [fee for fee in charged if fee.booked_on <= one.on])
        covered = ledger.CaseLine(Account.PRINCIPAL, -parts.principal_ore, one.on, "")
        told = ledger.CaseBooks([*told.lines, covered])
    rest = cases.interest_between(case, from_on, through_on, books=told)
    return _in_order_of(interest_ore + rest.ore, charged)


def _in_order_of(interest_ore: int, fees: Sequence[ledger.CaseLine]) -> _InOrder:
    fees_on = max((one.booked_on for one in fees), default=None)
    return _InOrder(interest_ore, sum(one.ore for one in fees), fees_on)


def _without_payments(books: ledger.CaseBooks) -> ledger.CaseBooks:
    """What changes the claim but money to us: it, credit notes, and what the creditor was paid."""
    return ledger.CaseBooks(
        [
            one
            for one in books.lines
            if one.kind == "payment.direct"
            or (
                one.account == Account.PRINCIPAL
                and not one.kind.startswith("payment.")
                and one.kind != ledger.INTEREST_WAIVED
            )
        ]
    )


def give_back(case: Case, paid: NeverDue, *, after: date, key: str, now: datetime) -> int:
    """Let what payments of after a day have paid go back; answers how much does, in öre.

    case: locked. paid: of what was never due. key: of the payment that shows it.
    """
    back_ore = 0
    # What goes back, and what of a company's we stand in for, is the service's.
    with tenancy.service():
        for account, most_ore in (
            (Account.FEES, paid.fees_ore), (Account.INTEREST, paid.interest_ore),
        ):  # fmt: skip
            left_ore = most_ore
            for payment in ledger.paid_of(case.id, account):
                ore = min(left_ore, payment.ore)
                if ore <= 0 or payment.booked_on <= after:
                    continue
                if refunds.can_owe_more(payment.key.removeprefix("payment:")):
                    _give_back_of(case, account, payment, ore, f"{_cause(key)}/{account}", now)
                    left_ore -= ore
            back_ore += max(0, most_ore) - max(0, left_ore)
            if left_ore > 0:
                log.warning("late_money.not_given_back", case=case.reference, ore=left_ore)
        if back_ore:
            ledger.cover(
                case.creditor_id, case.currency, on=clock.day_of(now), key=f"late money:{key}",
                now=now,
            )  # fmt: skip
    return back_ore


def _cause(key: str) -> str:
    # The key of what was counted anew ends with its payment's, after the third colon.
    return key.replace(":", "/")


def _give_back_of(
    case: Case, account: Account, payment: ledger.PaidOf, ore: int, cause: str, now: datetime
) -> None:
    on, key = payment.booked_on, f"counted anew:{cause}:{payment.key}"
    if account == Account.FEES:
        post(
            case, "fee.waived", booked_on=on, key=f"waived:{key}",
            lines={Account.FEES: -ore, Account.FEE_INCOME: ore}, now=now,
        )  # fmt: skip
        counting.count_anew(case, payment, ore, key, now)
        return
    post(
        case, ledger.INTEREST_WAIVED, booked_on=on, key=f"waived:{key}",
        lines={Account.INTEREST: -ore, Account.CLAIMS: ore}, now=now,
    )  # fmt: skip
    counting.count_as_too_much(case, payment.key, on, {account: ore}, key, now)


def keep(case: Case, *, key: str, now: datetime) -> None:
    """Keep what was to go back, now that the payment that showed it is taken back.

    What is sent, or being sent, has gone. case: locked. key: as of `give_back`.
    """
    with tenancy.service():
        for one in ledger.counted_for(case.id, f"{_cause(key)}/"):
            payment_key = one.key.split(":", 2)[2]
            # Of later money that is taken back itself nothing goes back already.
            if not one.is_taken_back:
                reference = payment_key.removeprefix("payment:")
                if one.overpaid_ore and not refunds.owe_less(reference, one.overpaid_ore, now=now):
                    continue
                counting.take_back(one.key, now)
                commission.follow(case.id, payment_key, as_key=f"taken back:{one.key}", now=now)
            is_fee = f"/{Account.FEES}:" in one.key
            ledger.take_back(
                f"waived:{one.key}", kind="fee.taken_back" if is_fee else ledger.INTEREST_WAIVED,
                as_key=f"taken back:waived:{one.key}", now=now, instead={},
            )  # fmt: skip


def charge_again(case: Case, *, key: str, now: datetime) -> None:
    """Let unpaid fees that fell be owed again, as far as money that stands did not pay all before.

    case: locked. key: of what was just booked back.
    """
    if case.status not in (*states.OPEN, states.PAID):
        return
    books = ledger.of_case(case.id)
    right = _in_order(case, books, ledger.money_of(case.id), books.lines[-1].booked_on)
    ore = right.fees_ore - _standing_ore(books)
    # More than is right is owed when a fee of which a part was owed again is booked back whole.
    ore = max(ore, -books.balance().fees_ore)
    kind, on = "fee.taken_back" if ore > 0 else "fee.waived", right.fees_on or clock.day_of(now)
    post(
        case, kind, booked_on=on, key=f"{ledger.FEES_IN_ORDER}{key}",
        lines={Account.FEES: ore, Account.FEE_INCOME: -ore}, now=now,
    )  # fmt: skip
