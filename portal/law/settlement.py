"""What a payment covers first.

Source: general principle after handelsbalken ch. 9 § 5 and practice (confirm): costs, then accrued
interest, then principal, the oldest first within each. The creditor may choose what is kinder to
the debtor: principal first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

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


@dataclass(frozen=True)
class Owed:
    """One sum among several of the same part: the day it is owed since, and öre."""

    on: date
    ore: int


def oldest_first(ore: int, owed: Sequence[Owed]) -> tuple[int, ...]:
    """How much of each sum is covered, the oldest first; in the order that they were given.

    ore: what covers them, such as the interest_ore of a Settlement. Also for a payment that names
    none of a debtor's claims: then owed is what is due on each. Of the same day, the first given.
    Raises LawError for a negative sum, and for more than is owed.
    """
    if ore < 0 or any(one.ore < 0 for one in owed):
        raise LawError(N_("A payment and what it settles cannot be negative."))
    if ore > sum(one.ore for one in owed):
        raise LawError(N_("More cannot be covered than is owed."))
    left, covered = ore, [0] * len(owed)
    for place, one in sorted(enumerate(owed), key=lambda pair: pair[1].on):
        covered[place] = min(left, one.ore)
        left -= covered[place]
    return tuple(covered)
