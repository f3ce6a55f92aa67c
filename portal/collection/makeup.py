"""What each sum of a case is made up of, entry by entry, to the öre.

Principal and fees are what the books say. Interest is what was booked, less what came of it, and
what has run since.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from portal import clock, ledger
from portal.collection import cases
from portal.collection.cases import AmountDue
from portal.collection.models import Case
from portal.delivery import outbox
from portal.law import fees
from portal.law.explanation import Explanation, explain_interest
from portal.law.interest import Accrual, Terms
from portal.ledger import Account

PRINCIPAL, INTEREST, FEES = "principal", "interest", "fees"
# Kind of the row of interest that is not booked yet.
RUNNING = "interest.running"
_ACCOUNTS = {PRINCIPAL: Account.PRINCIPAL, INTEREST: Account.INTEREST, FEES: Account.FEES}
_FEE = "fee."
# Whose letter a fee was for, where it is not its own.
_LETTERS = {fees.LATE_PAYMENT: "demand"}


@dataclass(frozen=True)
class Row:
    """A change of a sum on its value date, in öre, and what is left after it.

    kind: of the entry in the books, or RUNNING. explanations: of a fee its reason; of interest its
    periods, in the order of `accrual`'s. letter_id: the letter that a fee was for, once it is sent.
    """

    on: date
    kind: str
    ore: int
    left_ore: int
    explanations: Sequence[Explanation] = ()
    accrual: Accrual | None = None
    letter_id: int | None = None


def of(case: Case, part: str, due: AmountDue) -> list[Row]:
    """The rows of one part of what is due, the oldest first; they add up to it.

    part: PRINCIPAL, INTEREST or FEES.
    """
    account = _ACCOUNTS[part]
    changes = [
        (entry.booked_on, entry.kind, ore)
        for entry in ledger.entries(case.id)
        for of_account, ore in entry.lines
        if of_account == account
    ]
    if part == INTEREST:
        return list(_interest(case, changes, due))
    return list(_booked(case, changes))


def daily_ore(case: Case, due: AmountDue) -> int:
    """What the day after adds to the interest, in öre."""
    return cases.owed_on(case, due.on + timedelta(days=1)).interest_ore - due.interest_ore


def _booked(case: Case, changes: Iterable[tuple[date, str, int]]) -> Iterable[Row]:
    letters = None
    left_ore = 0
    for on, kind, ore in changes:
        left_ore += ore
        if not kind.startswith(_FEE) or ore < 0:
            yield Row(on, kind, ore, left_ore)
            continue
        fee = kind.removeprefix(_FEE)
        letters = outbox.messages_of(case.id) if letters is None else letters
        why = cases.explain_fee_booked(case, fee, ore, on)
        letter_id = next(
            (
                one.id
                for one in letters
                if one.kind == _LETTERS.get(fee, fee)
                and one.document_sha256
                and clock.day_of(one.created_at) == on
            ),
            None,
        )
        yield Row(on, kind, ore, left_ore, (why,) if why else (), letter_id=letter_id)


def _interest(
    case: Case, changes: Iterable[tuple[date, str, int]], due: AmountDue
) -> Iterable[Row]:
    terms = Terms(case.interest_kind, case.agreed_rate)
    left_ore, through_on = 0, None
    for on, kind, ore in changes:
        left_ore += ore
        accrual = None
        if kind == ledger.INTEREST_ACCRUED:
            as_right = cases.interest_between(case, through_on, on)
            # What was booked before a part was found never to have been owed counted it in.
            as_told = cases.interest_between(case, through_on, on, known_by=date.min)
            accrual = as_right if as_right.ore == ore else as_told
            through_on = on
        # What was told or paid later for days before makes it another sum now; the books hold.
        if accrual is None or accrual.ore != ore:
            yield Row(on, kind, ore, left_ore)
        else:
            yield Row(on, kind, ore, left_ore, explain_interest(accrual, terms), accrual)
    if due.accrual.periods:
        left_ore += due.accrual.ore
        why = explain_interest(due.accrual, terms)
        yield Row(due.interest_through_on, RUNNING, due.accrual.ore, left_ore, why, due.accrual)
