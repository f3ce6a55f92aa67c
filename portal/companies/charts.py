"""Which accounts of its own books a company's vouchers use: BAS's, unless it has chosen others.

BAS is the chart of accounts that most companies in Sweden use (bas.se, BAS 2026).
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from portal.collection import history
from portal.companies.models import BookingChart
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, RedaError

_ACCOUNT = re.compile(r"[1-9]\d{3}", re.ASCII)


@dataclass(frozen=True)
class Chart:
    """An account of four digits for each thing that a payout is made of.

    bank: that payouts come to. receivables: what customers owe. interest: late interest that they
    have paid. other: what else came. costs: fees and commission, without VAT. vat: on those.
    """

    bank: str = "1930"
    receivables: str = "1510"
    interest: str = "8313"
    other: str = "3990"
    costs: str = "6062"
    vat: str = "2641"


BAS = Chart()
# What BAS calls them, in the language of the books.
BAS_NAMES: Mapping[str, str] = {
    "1930": "Företagskonto/checkkonto/affärskonto",
    "1510": "Kundfordringar",
    "8313": "Ränteintäkter från kortfristiga fordringar",
    "3990": "Övriga ersättningar, bidrag och intäkter",
    "6062": "Inkasso och KFM-avgifter",
    "2641": "Debiterad ingående moms",
}
PARTS = tuple(one.name for one in fields(Chart))


def of_company(creditor_id: int) -> Chart:
    """The accounts that a company's vouchers use."""
    row = db.session.get(BookingChart, creditor_id)
    return BAS if row is None else Chart(**{name: getattr(row, name) for name in PARTS})


def choose(creditor_id: int, chosen: Chart, *, actor: Actor, now: datetime) -> None:
    """Let a company choose its accounts. Raises RedaError at the field that is no account."""
    told = {name: number.strip() for name, number in asdict(chosen).items()}
    for name, number in told.items():
        if not _ACCOUNT.fullmatch(number):
            raise RedaError(N_("Write the four digits of an account, such as 1930."), field=name)
    if Chart(**told) == of_company(creditor_id):
        return
    db.session.merge(BookingChart(creditor_id=creditor_id, **told))
    history.record("company.chart_changed", creditor_id=creditor_id, actor=actor, now=now, **told)
    db.session.flush()
