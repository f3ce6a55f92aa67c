"""Value added tax (mervärdesskatt) on what the service is paid for.

Source: mervärdesskattelagen (2023:200) 9 kap. 2 §, in force 2023-07-01: 25 per cent of the taxable
amount; before that, mervärdesskattelagen (1994:200) 7 kap. 1 §, with the same rate.

What is taxed. Collecting debts is expressly no exempt financial service (directive 2006/112/EC art.
135.1 d; Skatteverket, Rättslig vägledning, on bank and financing services), so what a company is
charged for it bears tax: commission, and fees that it bears itself instead of its debtor. The
prices are told without it.

Open (confirm with Skatteverket before the service is invoiced for real): the fees of lag (1981:739)
that debtors pay and the service keeps. To the debtor they are of the nature of damages and no
supply (RSV 1991-09-30, dnr 23105-91/D37, by Handledning för mervärdesskatt 2005, SKV 553;
Skatterättsnämnden 2005-06-16, on a part that the collector hands on to its client). Collectors are
known to charge the tax on them to their client, never to the debtor. We found no position of
Skatteverket's on whether they are, to the collector, payment by a third party for its service to
the client, nor on whether the tax then is in them or on top. No tax is reckoned on them here.
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
