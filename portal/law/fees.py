"""What the debtor may be charged for reminders, demands, plans and lateness, and since when.

Source: lag (1981:739) om ersättning för inkassokostnader m.m. as amended by 2013:56 (in force
2013-03-16), and for measures taken before that förordning (1981:1057) as amended by 2003:294 (in
force 2003-07-01). No other measure is charged (§ 5), and no agreement widens this (§ 6).
"""

from dataclasses import dataclass
from datetime import date

from portal.law.errors import LawError
from portal.messages import N_

REMINDER = "reminder"
DEMAND = "demand"
PLAN = "plan"
LATE_PAYMENT = "late_payment"
KINDS = (REMINDER, DEMAND, PLAN, LATE_PAYMENT)


@dataclass(frozen=True)
class FeeRow:
    """The most that one kind of measure may cost while a rule was in force.

    kind: one of KINDS. amount_ore: öre. from_on, to_on: first and last day of the rule, both
    counted; to_on is None while it is in force. statute: where the amount stands.
    """

    kind: str
    amount_ore: int
    statute: str
    from_on: date
    to_on: date | None


@dataclass(frozen=True)
class Charge:
    """A fee put on a claim: kind (one of KINDS), öre, and the statute that allows it."""

    kind: str
    ore: int
    statute: str


_OLD = (date(2003, 7, 1), date(2013, 3, 15))
_NOW = (date(2013, 3, 16), None)

FEES: tuple[FeeRow, ...] = (
    FeeRow(REMINDER, 5_000, "lag (1981:739) § 2, förordning (1981:1057)", *_OLD),
    FeeRow(REMINDER, 6_000, "lag (1981:739) § 2, § 4", *_NOW),
    FeeRow(DEMAND, 16_000, "lag (1981:739) § 3 p. 1, förordning (1981:1057)", *_OLD),
    FeeRow(DEMAND, 18_000, "lag (1981:739) § 3 p. 1, § 4", *_NOW),
    FeeRow(PLAN, 15_000, "lag (1981:739) § 3 p. 2, förordning (1981:1057)", *_OLD),
    FeeRow(PLAN, 17_000, "lag (1981:739) § 3 p. 2, § 4", *_NOW),
    # § 4 a came with 2013:56: there was no such compensation before.
    FeeRow(LATE_PAYMENT, 45_000, "lag (1981:739) § 4 a", *_NOW),
)


def fee(kind: str, on: date) -> FeeRow:
    """The most that a measure taken on a day may cost.

    kind: one of KINDS. on: the day the measure is taken, which decides the rule (2013:56 and
    2003:294, transitional provisions). Raises LawError for another kind and for a day before the
    table begins.
    """
    if kind not in KINDS:
        raise LawError(N_("The law knows no fee of the kind %(kind)s."), kind=kind)
    for row in FEES:
        if row.kind == kind and row.from_on <= on and (row.to_on is None or on <= row.to_on):
            return row
    raise LawError(
        N_("No fee of the kind %(kind)s is known for %(on)s, which is before our table begins."),
        kind=kind,
        on=on.isoformat(),
    )


def reminder_fee(on: date, *, agreed: bool, already_charged: bool) -> Charge | None:
    """The fee for a written reminder sent on a day, or None when none may be charged.

    agreed: whether creditor and debtor agreed on a reminder fee at the latest when the debt arose
    (lag 1981:739 § 2). already_charged: whether the claim has borne a reminder fee before; one per
    claim, as more is not reasonably called for (§ 4). Raises LawError for a day before the table.
    """
    if not agreed or already_charged:
        return None
    row = fee(REMINDER, on)
    return Charge(row.kind, row.amount_ore, row.statute)
