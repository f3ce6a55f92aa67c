"""What was booked of a case after a payment's own day, set right once the payment is known."""

from dataclasses import dataclass
from datetime import date, datetime

from portal import ledger
from portal.collection import cases
from portal.collection.models import Case
from portal.collection.moves import post
from portal.ledger import Account


@dataclass(frozen=True)
class Late:
    """What was booked after a payment's own day, and may not have been, had it been known.

    ran_ore: interest that ran after it, to and including interest_through_on (None: none did);
    interest_ore: what of it is unpaid.
    fees_ore: for letters that crossed the money, the last on fees_on.
    """

    ran_ore: int
    interest_ore: int
    interest_through_on: date | None
    fees_ore: int
    fees_on: date


def waive_late_fees(case: Case, late: Late, *, key: str, now: datetime) -> None:
    """Give up fees for letters that crossed a payment."""
    if not late.fees_ore:
        return
    post(
        case, "fee.waived", booked_on=late.fees_on, key=f"fee waived:{key}",
        lines={Account.FEES: -late.fees_ore, Account.FEE_INCOME: late.fees_ore}, now=now,
    )  # fmt: skip


def ran_late(case: Case, due: cases.AmountDue) -> Late:
    """What was booked of an open case after the day that something is due on."""
    books = ledger.of_case(case.id)
    through_on = books.interest_booked_through()
    if case.closed_on is not None or through_on is None or through_on <= due.on:
        through_on, ran_ore, interest_ore = None, 0, 0
    else:
        # Some of it may have been given up for another payment that was told of late.
        stands_ore = (
            ledger.interest_booked(case.id) - cases.interest_between(case, None, due.on).ore
        )
        ran_ore = min(cases.interest_between(case, due.on, through_on).ore, max(0, stands_ore))
        interest_ore = min(due.interest_ore, ran_ore)
    charged = fees_after(books, due.on)
    fees_ore = max(0, min(due.fees_ore, sum(one.ore for one in charged)))
    return Late(
        ran_ore,
        interest_ore,
        through_on,
        0 if case.closed_on is not None else fees_ore,
        max((one.booked_on for one in charged), default=due.on),
    )


def fees_after(books: ledger.CaseBooks, on: date) -> list[ledger.CaseLine]:
    """What was charged of fees after a day, and given up; a payment that was taken back is none."""
    return [
        one
        for one in books.lines
        if one.account == Account.FEES
        and one.booked_on > on
        and not one.kind.startswith("payment.")
    ]


def lower_interest(
    case: Case, late: Late, value_on: date, *, key: str, now: datetime, never_ore: int | None = None
) -> int:
    """Give up interest that ran after a payment's own day on what it had covered; answers how much.

    late: as `ran_late` told it before the payment was booked. never_ore: what of it was never due,
    if that is known, of a payment that does not cover all.
    """
    through_on = late.interest_through_on
    if through_on is None:
        return 0
    left = ledger.balance(case.id)
    if left.principal_ore and never_ore is not None:
        over_ore = never_ore
    else:
        still = left.principal_ore and cases.interest_between(case, value_on, through_on).ore
        over_ore = max(0, late.ran_ore - still)
    waived_ore = min(left.interest_ore, over_ore)
    # Interest that later money has paid and that did not run pays the claim.
    to_claim_ore = min(left.principal_ore, over_ore - waived_ore)
    post(
        case, ledger.INTEREST_WAIVED, booked_on=through_on, key=f"interest waived:{key}",
        lines={
            Account.INTEREST: -waived_ore, Account.PRINCIPAL: -to_claim_ore,
            Account.CLAIMS: waived_ore + to_claim_ore,
        },
        now=now,
    )  # fmt: skip
    return waived_ore + to_claim_ore


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
