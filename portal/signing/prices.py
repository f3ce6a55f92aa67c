"""What signatures cost a company: five are free, the rest by the price list of the day.

A signature is paid for when it counts, never for who was invited. What was counted keeps its price
(`usage`), so that a new row here changes no month that has been.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

FREE = 5
# What a company has signed for itself. The service's own agreement and approvals cost nothing.
CHARGED = (
    "document",
    "accounts",
    "loan",
    "payment_plan",
    "debt_acknowledgement",
    "power_of_attorney",
)


@dataclass(frozen=True)
class Price:
    """Öre for a signature from a day on, without value added tax."""

    from_on: date
    ore: int


PRICES: Sequence[Price] = (Price(date(2026, 1, 1), 1_500),)


def of(number: int, on: date, prices: Sequence[Price] = PRICES) -> int:
    """Öre for a company's signature. number: which of its charged ones it is, from 1.

    Before the first price, signatures cost nothing.
    """
    if number <= FREE:
        return 0
    return next((one.ore for one in reversed(prices) if one.from_on <= on), 0)
