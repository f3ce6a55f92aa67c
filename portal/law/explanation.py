"""Each sum of a claim, and the day it is limited, in plain words, with the rule for it.

The texts are English and marked for translation; a door translates them and formats the values by
the end of their names: `_ore` is money in whole öre, `_on` a day, `per_cent` a rate in per cent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from portal.law.errors import LawError
from portal.law.fees import (
    AGENT,
    DEMAND,
    ENFORCEMENT,
    FEES,
    LATE_PAYMENT,
    PAYMENT_ORDER,
    PLAN,
    REMINDER,
    Charge,
    FeeRow,
)
from portal.law.interest import (
    AGREED,
    STATUTORY_ADDITION,
    Accrual,
    Period,
    Terms,
    shares,
)
from portal.law.limitation import Limitation
from portal.messages import N_


@dataclass(frozen=True)
class Explanation:
    """One sum of a claim, or its limitation.

    what: text in plain words, with %(name)s places. values: what goes in them, as the module says.
    ore: the sum, 0 for a limitation. from_on, to_on: the first and last day that it is for, both
    counted, or None. rule: the statute as it is cited, or None when the sum rests on the agreement
    alone.
    """

    what: str
    values: Mapping[str, object]
    ore: int
    from_on: date | None
    to_on: date | None
    rule: str | None


def explain_principal(ore: int, *, creditor: str, invoice_number: str, due_on: date) -> Explanation:
    """What is left of the claim itself.

    ore: what is left, öre. creditor: its name. Raises LawError when the sum is negative.
    """
    if ore < 0:
        raise LawError(N_("A claim cannot be negative."))
    return Explanation(
        N_(
            "What is left to pay of invoice %(invoice_number)s from %(creditor)s, "
            "which was due on %(due_on)s."
        ),
        {"invoice_number": invoice_number, "creditor": creditor, "due_on": due_on},
        ore,
        None,
        None,
        None,
    )


def explain_interest(accrual: Accrual, terms: Terms) -> tuple[Explanation, ...]:
    """The interest, one explanation for each period, whose sums add up to the accrual's.

    terms: the ones that the accrual was computed with. The periods' sums are rounded together, so
    that one may differ by an öre from the same period rounded alone.
    """
    return tuple(
        _explain_period(period, ore, terms)
        for period, ore in zip(accrual.periods, shares(accrual), strict=True)
    )


def _explain_period(period: Period, ore: int, terms: Terms) -> Explanation:
    values: dict[str, object] = {
        "per_cent": period.per_cent,
        "principal_ore": period.principal_ore,
        "days": period.days,
        "from_on": period.from_on,
        "to_on": period.to_on,
    }
    if terms.kind == AGREED and period.per_cent == terms.agreed_per_cent:
        what = N_(
            "Late interest at the rate you agreed on, %(per_cent)s a year on %(principal_ore)s, "
            "from %(from_on)s to %(to_on)s. Days counted: %(days)s."
        )
    else:
        values["reference_per_cent"] = period.per_cent - STATUTORY_ADDITION
        values["addition_points"] = STATUTORY_ADDITION
        what = N_(
            "Late interest at %(per_cent)s a year on %(principal_ore)s, from %(from_on)s to "
            "%(to_on)s. Days counted: %(days)s. The law sets the rate: the reference rate of the "
            "central bank, %(reference_per_cent)s, and %(addition_points)s percentage points on "
            "top."
        )
    rule = "räntelagen (1975:635) § 7" if terms.kind == AGREED else "räntelagen (1975:635) § 6"
    return Explanation(what, values, ore, period.from_on, period.to_on, rule)


_FEE_TEXTS = {
    REMINDER: N_("Reminder fee. Your agreement allows it, and the law caps it at %(most_ore)s."),
    DEMAND: N_("Fee for the written demand. The law allows it, and caps it at %(most_ore)s."),
    PLAN: N_(
        "Fee for the payment plan that you agreed on. The law allows it, and caps it at "
        "%(most_ore)s."
    ),
    LATE_PAYMENT: N_(
        "Compensation for late payment between businesses, or from a public body. "
        "The law sets it at %(most_ore)s."
    ),
    PAYMENT_ORDER: N_(
        "Fee that the Enforcement Authority takes for an application for a payment order. The law "
        "sets it at %(most_ore)s."
    ),
    AGENT: N_(
        "Cost of the work of applying to the Enforcement Authority for a payment order. "
        "The law allows it, and caps it at %(most_ore)s."
    ),
    ENFORCEMENT: N_(
        "Basic fee that the Enforcement Authority takes for enforcing the debt. The law sets it at "
        "%(most_ore)s."
    ),
}
# What of a fee exceeds the compensation for late payment, and what of that exceeds fees.
_REST_TEXTS = {
    REMINDER: N_(
        "Reminder fee. The law caps it at %(most_ore)s, and the compensation for late payment "
        "takes the place of %(covered_ore)s of it."
    ),
    DEMAND: N_(
        "Fee for the written demand. The law caps it at %(most_ore)s, and the compensation for "
        "late payment takes the place of %(covered_ore)s of it."
    ),
    PLAN: N_(
        "Fee for the payment plan that you agreed on. The law caps it at %(most_ore)s, and the "
        "compensation for late payment takes the place of %(covered_ore)s of it."
    ),
    LATE_PAYMENT: N_(
        "Compensation for late payment between businesses, or from a public body. "
        "The law sets it at %(most_ore)s, of which %(covered_ore)s was charged already as fees."
    ),
}
_REMINDER_OF_CREDITOR = N_(
    "Reminder fee. Your agreement with %(creditor)s allows it, and the law caps it at %(most_ore)s."
)


def explain_fee(
    charge: Charge, *, creditor: str | None = None, on: date | None = None
) -> Explanation:
    """A fee, with the most that the law allows for it, or what of it exceeds the compensation.

    creditor: its name, when the text may say it. on: the day the measure was taken, when known.
    Raises LawError for a charge that no rule in the table allows: another kind or statute, a sum
    that is not positive, or one over the cap.
    """
    row = _row(charge)
    if (
        row is None
        or charge.covered_ore < 0
        or not 0 < charge.ore <= row.amount_ore - charge.covered_ore
        or (charge.covered_ore and charge.kind not in _REST_TEXTS)
    ):
        raise LawError(
            N_("No rule allows the fee %(kind)s of %(ore)s öre by %(statute)s."),
            kind=charge.kind,
            ore=charge.ore,
            statute=charge.statute,
        )
    what, values = _FEE_TEXTS[charge.kind], {"most_ore": row.amount_ore}
    if charge.covered_ore:
        values["covered_ore"] = charge.covered_ore
        rule = row.statute if charge.kind == LATE_PAYMENT else f"{row.statute}, § 4 a"
        return Explanation(_REST_TEXTS[charge.kind], values, charge.ore, on, on, rule)
    if charge.kind == REMINDER and creditor is not None:
        return Explanation(
            _REMINDER_OF_CREDITOR, {**values, "creditor": creditor}, charge.ore, on, on, row.statute
        )
    return Explanation(what, values, charge.ore, on, on, row.statute)


def _row(charge: Charge) -> FeeRow | None:
    for row in FEES:
        if (row.kind, row.statute) == (charge.kind, charge.statute):
            return row
    return None


def explain_limitation(limitation: Limitation) -> Explanation:
    """When the claim is limited, from which day that is counted, or why it is not counted yet."""
    row, last_on = limitation.row, None
    values: dict[str, object] = {"years": row.years, "runs_from_on": limitation.runs_from_on}
    if limitation.limited_on is None:
        what = N_(
            "The claim is not limited while legal action goes on. When it has ended, a new time "
            "runs. Years counted: %(years)s."
        )
    else:
        last_on = limitation.limited_on - timedelta(days=1)
        values["limited_on"] = limitation.limited_on
        what = N_(
            "The claim is limited on %(limited_on)s and may not be demanded from then on, unless "
            "the limitation is interrupted before. Counted from %(runs_from_on)s. Years counted: "
            "%(years)s."
        )
    return Explanation(what, values, 0, limitation.runs_from_on, last_on, row.statute)
