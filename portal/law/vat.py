"""Value added tax (mervärdesskatt) on what the service is paid for.

Source: mervärdesskattelagen (2023:200) 9 kap. 2 §, in force 2023-07-01: 25 per cent of the taxable
amount; before that, mervärdesskattelagen (1994:200) 7 kap. 1 §, with the same rate.

What is taxed. Collecting debts is expressly no exempt financial service (directive 2006/112/EC art.
135.1 d; Skatteverket, Rättslig vägledning, on bank and financing services), so what a company is
charged for it bears tax: commission, and fees that it bears itself instead of its debtor. The
prices are told without it.

In kronor. An invoice in another currency states the tax in kronor as well, where the seller keeps
its books in kronor: mervärdesskattelagen (2023:200) 17 kap. 29 § first paragraph, with directive
2006/112/EC art. 230 (Skatteverket, Rättslig vägledning 2024.6; before 2023-07-01,
mervärdesskattelagen 1994:200 11 kap. 11 §). The whole tax is enough, not each rate's; the rate of
exchange is Nasdaq's mean rate or the European Central Bank's, of the day that the tax becomes
chargeable, or the last one before it where none was published (17 kap. 29 § second paragraph and
8 kap. 21–23 §§; Skatteverket 2013-02-27, dnr 131 148844-13/111, and Rättslig vägledning 2023.16).
What is charged month by month counts as supplied when the month ends (directive art. 64.1; we could
not read which paragraph of the act says so), so it is the rate of the month's last day. Open: that
a credit of an earlier month is reckoned by its own month's rate.

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
from decimal import ROUND_HALF_UP, Decimal

from portal.law import calendar
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


def exchange_day(last_on: date) -> date:
    """The day whose rate of exchange holds for what is charged of a month, by its last day."""
    return calendar.banking_day_on_or_before(last_on)


def in_kronor(ore: int, rate: Decimal) -> int:
    """A tax in öre, of one in hundredths of another currency; half an öre is rounded up.

    rate: kronor for one of the other currency.
    """
    return int((ore * rate).quantize(Decimal(1), ROUND_HALF_UP))
