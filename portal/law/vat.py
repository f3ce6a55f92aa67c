"""Value added tax (mervärdesskatt) on what the service is paid for.

Source: mervärdesskattelagen (2023:200) 9 kap. 2 §, in force 2023-07-01: 25 per cent of the taxable
amount; before that, mervärdesskattelagen (1994:200) 7 kap. 1 §, with the same rate.
"""

from dataclasses import dataclass
from datetime import date

from portal.law.errors import LawError


@dataclass(frozen=True)
class Rate:
    """A rate, in per cent of the sum without the tax, from a day on."""

    from_on: date
    per_cent: int
    statute: str


RATES = (
    Rate(date(1994, 7, 1), 25, "mervärdesskattelagen (1994:200) 7 kap. 1 §"),
    Rate(date(2023, 7, 1), 25, "mervärdesskattelagen (2023:200) 9 kap. 2 §"),
)


def rate(on: date) -> Rate:
    """The rate for what is supplied on a day. Raises LawError for a day before the first."""
    for one in reversed(RATES):
        if one.from_on <= on:
            return one
    raise LawError(f"no rate of value added tax is known for {on}")


def on_top(ore: int, on: date) -> int:
    """The tax on a sum without it, in öre; half an öre is rounded up."""
    return (ore * rate(on).per_cent + 50) // 100
