"""What was paid of a claim that was never owed, found out later: it goes back to who paid it.

A fee is for a claim that is owed (lag 1981:739 § 1, inkassolagen § 5), and so is interest. When the
creditor says that the claim was not, what was paid to us of both goes back; of the principal, only
when the creditor says so of what was paid too. What was paid to the creditor is the creditor's to
pay back.
"""

from datetime import date, datetime

import structlog

from portal import clock, ledger
from portal.collection import counting
from portal.collection.models import Case
from portal.collection.moves import post
from portal.database import tenancy
from portal.ledger import Account
from portal.payments import refunds

log = structlog.get_logger()
# As what each is given up, and where that stands.
_GIVEN_UP = {
    Account.FEES: ("fee.waived", Account.FEE_INCOME),
    Account.INTEREST: (ledger.INTEREST_WAIVED, Account.CLAIMS),
    Account.PRINCIPAL: ("claim.credited", Account.CLAIMS),
}


def principal_paid(case_id: int) -> int:
    """What payments to us cover of a case's principal, in öre."""
    return sum(one.ore for one in ledger.paid_of(case_id, Account.PRINCIPAL))


def is_all_unpaid(case_id: int) -> bool:
    """Whether nobody has paid anything of a case's principal, to us or to the creditor."""
    lines = ledger.of_case(case_id).lines
    return not sum(
        one.ore
        for one in lines
        if one.account == Account.PRINCIPAL and one.kind.startswith("payment.")
    )


def give_back(case: Case, *, with_principal: bool, key: str, now: datetime) -> int:
    """Let what was paid of a case go back to who paid it; answers how much does, in öre.

    case: locked, with nothing left to pay. with_principal: what was paid of the principal too, by
    the creditor's word. key: names what shows that it was never owed; without a colon.
    """
    accounts = [Account.FEES, Account.INTEREST]
    accounts += [Account.PRINCIPAL] if with_principal else []
    paid: dict[tuple[str, date], dict[Account, int]] = {}
    for account in accounts:
        for one in ledger.paid_of(case.id, account):
            paid.setdefault((one.key, one.booked_on), {})[account] = one.ore
    back_ore = 0
    # What goes back, and what of a company's we stand in for, is the service's.
    with tenancy.service():
        for (payment_key, on), parts in sorted(paid.items()):
            if refunds.can_owe_more(payment_key.removeprefix("payment:")):
                _give_back_of(
                    case, payment_key, on, parts, f"counted anew:{key}:{payment_key}", now
                )
                back_ore += sum(parts.values())
            else:
                log.warning("never_owed.not_given_back", case=case.reference, payment=payment_key)
        if back_ore:
            ledger.cover(
                case.creditor_id, case.currency, on=clock.day_of(now), key=f"never owed:{key}",
                now=now,
            )  # fmt: skip
    return back_ore


def _give_back_of(
    case: Case, payment_key: str, on: date, parts: dict[Account, int], key: str, now: datetime
) -> None:
    for account, ore in parts.items():
        kind, against = _GIVEN_UP[account]
        post(
            case, kind, booked_on=on, key=f"waived:{account}:{key}",
            lines={account: -ore, against: ore}, now=now,
        )  # fmt: skip
    counting.count_as_too_much(case, payment_key, on, parts, key, now)
