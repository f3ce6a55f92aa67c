"""Money that is told of after later money was booked: what that paid of what was then not owed.

A payment covers what was owed on its own day, whichever day it is given to its case. What was
booked after that day and would not have been, had the payment been known, is not owed: interest on
what it covers, and, when it covers all that was owed, the fees of later. What of it is unpaid falls
(`crossing`); what later payments have paid of it goes back to who made those.
"""

from dataclasses import dataclass
from datetime import date, datetime

import structlog

from portal import clock, ledger
from portal.collection import cases, crossing, states, unsent
from portal.collection.models import Case
from portal.collection.moves import post
from portal.database import tenancy
from portal.law.settlement import Settlement, settle
from portal.ledger import Account
from portal.payments import commission, refunds

log = structlog.get_logger()


@dataclass(frozen=True)
class NeverDue:
    """What was booked of a case after a day and was never due, paid or not, in öre."""

    interest_ore: int
    fees_ore: int


def never_due(case: Case, ore: int, on: date) -> NeverDue:
    """What was booked after a day, and would not have been, had money been known that came on it.

    Of a case that was given up nothing is: who paid it has all of a later payment back.
    """
    if case.status not in (*states.OPEN, states.PAID):
        return NeverDue(0, 0)
    books = ledger.of_case(case.id)
    stood = _stood(case, books, on)
    # What came by that day and was too much covers together with this what none covers alone.
    ore += ledger.overpaid_by(case.id, on)
    parts = settle(
        ore, fees_ore=max(0, stood.fees_ore), interest_ore=max(0, stood.interest_ore),
        principal_ore=max(0, stood.principal_ore),
    )  # fmt: skip
    never_ore = _never_ran(case, books, parts, ore, on)
    if ore < stood.total_ore:
        return NeverDue(never_ore, 0)
    fees_ore = sum(one.ore for one in crossing.fees_after(books, on))
    return NeverDue(never_ore, max(0, fees_ore))


def _never_ran(case: Case, books: ledger.CaseBooks, parts: Settlement, ore: int, on: date) -> int:
    through_on = books.interest_booked_through()
    if through_on is None or through_on <= on:
        return 0
    still = cases.interest_between(case, on, through_on, also=_covered(case, books, parts, ore, on))
    ran = cases.interest_between(case, on, through_on)
    # Some of it may have been given up for another late payment.
    until = cases.interest_between(case, None, on)
    stands_ore = ledger.interest_booked(case.id) - until.ore
    return max(0, min(ran.ore, stands_ore) - still.ore)


def _stood(case: Case, books: ledger.CaseBooks, on: date) -> ledger.Balance:
    """What was owed on a day, as its debtor was told it then."""
    booked = books.balance(on)
    ran = cases.interest_between(case, books.interest_booked_through(on), on)
    # The claim is owed also before it came to us.
    claim = books.balance(max(on, books.lines[0].booked_on))
    return ledger.Balance(claim.principal_ore, booked.interest_ore + ran.ore, booked.fees_ore)


def _covered(
    case: Case, books: ledger.CaseBooks, parts: Settlement, ore: int, on: date
) -> list[ledger.CaseLine]:
    """What money that came on a day changes of the principal, on it and when later money comes.

    What it covers of fees and interest, and what then does not run, later money need not cover, and
    so covers principal once fees and interest are paid.
    """
    lowered_ore = parts.principal_ore
    covered = [ledger.CaseLine(Account.PRINCIPAL, -lowered_ore, on, "")]
    days = {one.booked_on for one in books.lines if one.kind.startswith("payment.")}
    for day in sorted(one for one in days if one > on):
        ran = cases.interest_between(case, on, day)
        spared_ore = ran.ore - cases.interest_between(case, on, day, also=covered).ore
        was = books.balance(day)
        left_ore = max(0, was.total_ore - ore - spared_ore)
        more_ore = max(0, was.principal_ore - lowered_ore - left_ore)
        covered.append(ledger.CaseLine(Account.PRINCIPAL, -more_ore, day, ""))
        lowered_ore += more_ore
    return covered


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
        unsent.count_anew(case, payment, ore, key, now)
        return
    post(
        case, ledger.INTEREST_WAIVED, booked_on=on, key=f"waived:{key}",
        lines={Account.INTEREST: -ore, Account.CLAIMS: ore}, now=now,
    )  # fmt: skip
    post(
        case, ledger.COUNTED_ANEW, booked_on=on, key=key,
        lines={
            Account.INTEREST: ore, Account.CLAIMS: -ore,
            Account.OWED_TO_CREDITOR: ore, Account.OVER_PAYMENT: -ore,
        },
        now=now,
    )  # fmt: skip
    commission.follow(case.id, payment.key, as_key=key, now=now)
    refunds.owe_more(payment.key.removeprefix("payment:"), ore, now=now)


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
                unsent.take_back_counted(one.key, now)
                commission.follow(case.id, payment_key, as_key=f"taken back:{one.key}", now=now)
            is_fee = f"/{Account.FEES}:" in one.key
            ledger.take_back(
                f"waived:{one.key}", kind="fee.taken_back" if is_fee else ledger.INTEREST_WAIVED,
                as_key=f"taken back:waived:{one.key}", now=now, instead={},
            )  # fmt: skip
