"""What a payment covers first.

Source: general principle after handelsbalken ch. 9 § 5 and practice (confirm): costs, then accrued
interest, then principal. The creditor may choose what is kinder to the debtor: principal first.
"""

from dataclasses import dataclass

from portal.law.errors import LawError
from portal.messages import N_

COSTS_FIRST = "costs first"
PRINCIPAL_FIRST = "principal first"

_ORDERS = {
    COSTS_FIRST: ("fees_ore", "interest_ore", "principal_ore"),
    PRINCIPAL_FIRST: ("principal_ore", "interest_ore", "fees_ore"),
}


@dataclass(frozen=True)
class Settlement:
    """How much of a payment went to each part, in öre; the four sum to the payment."""

    fees_ore: int
    interest_ore: int
    principal_ore: int
    overpaid_ore: int


def settle(
    payment_ore: int,
    *,
    fees_ore: int,
    interest_ore: int,
    principal_ore: int,
    order: str = COSTS_FIRST,
) -> Settlement:
    """Divide a payment over what is owed.

    payment_ore: what was paid. fees_ore, interest_ore, principal_ore: what is owed of each; all in
    öre, 0 or more. order: `costs first` (costs, interest, principal) or `principal first`
    (principal, interest, costs). What is left over is overpaid.
    Raises LawError for a negative sum or an unknown order.
    """
    owed = {"fees_ore": fees_ore, "interest_ore": interest_ore, "principal_ore": principal_ore}
    if payment_ore < 0 or min(owed.values()) < 0:
        raise LawError(N_("A payment and what it settles cannot be negative."))
    if order not in _ORDERS:
        raise LawError(N_("%(order)s is no order of settlement."), order=order)
    left, covered = payment_ore, {}
    for part in _ORDERS[order]:
        covered[part] = min(left, owed[part])
        left -= covered[part]
    return Settlement(overpaid_ore=left, **covered)
