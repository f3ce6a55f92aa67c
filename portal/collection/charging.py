"""What a reminder or a demand costs the debtor: decided from a few facts, the same for many cases.

One case and a hundred thousand are charged by these same functions (`lifecycle`, `advancing`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from portal.law import fees
from portal.law.fees import Charge, ClaimTerms, Measure
from portal.messages import N_, Problem

REMINDER, DEMAND = "reminder", "demand"


@dataclass(frozen=True)
class Facts:
    """What decides the fees of a case's next letter.

    bears_interest: the claim bears default interest on the day. fee_charged_before: the creditor
    has charged a reminder fee itself. before: charges on the case, oldest first. is_called_for:
    principal is left to ask for. creditor_pays: kinds of fees that the creditor bears itself.
    """

    is_consumer: bool
    reminder_fee_agreed: bool
    bears_interest: bool
    wants_compensation: bool
    fee_charged_before: bool
    before: tuple[Charge, ...]
    is_called_for: bool
    creditor_pays: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Charged:
    """What is charged to the debtor, as JSON values why other fees are not, and to the creditor."""

    charges: Sequence[Charge]
    reasons: Sequence[dict[str, object]]
    to_creditor: Sequence[Charge] = ()


def charge(letter: str, facts: Facts, on: date) -> Charged:
    """What a letter may cost on a day. letter: `reminder` or `demand`."""
    terms = ClaimTerms(
        debtor=fees.CONSUMER if facts.is_consumer else fees.BUSINESS,
        reminder_fee_agreed=facts.reminder_fee_agreed,
        is_creditor_business=True,
        bears_default_interest=facts.bears_interest,
        compensation_wanted=facts.wants_compensation,
    )
    before = list(facts.before)
    if facts.fee_charged_before:
        before.insert(0, Charge(fees.REMINDER, 0, "", 0))
    charges: list[Charge] = []
    to_creditor = []
    reasons = []
    for measure in _measures(letter, on, facts.is_called_for):
        if measure.kind in facts.creditor_pays:
            # That no reminder fee is agreed with the debtor is no matter of the creditor's.
            agreed = replace(terms, reminder_fee_agreed=True)
            own = fees.decide(measure, agreed, [*before, *charges]).charge
            to_creditor += [own] if own is not None else []
            reasons.append(Problem(N_("The creditor bears this fee itself."), {}).as_json())
            continue
        decision = fees.decide(measure, terms, [*before, *charges])
        if decision.charge is not None:
            charges.append(decision.charge)
            continue
        if decision.reason is not None and measure.kind != fees.LATE_PAYMENT:
            reasons.append(decision.reason.as_json())
        if decision.covered_ore:
            row = fees.fee(measure.kind, on)
            charges.append(Charge(row.kind, 0, row.statute, decision.covered_ore))
    return Charged(charges, reasons, to_creditor)


def charge_again(letter: str, facts: Facts, on: date) -> Charged:
    """What a letter may cost that is written anew, for it was withdrawn before it left.

    That one alone: what needs no letter was charged when it was first written.
    """
    found = charge(letter, facts, on)
    return replace(
        found,
        charges=[one for one in found.charges if one.kind == letter],
        to_creditor=[one for one in found.to_creditor if one.kind == letter],
    )


def _measures(letter: str, on: date, is_called_for: bool) -> list[Measure]:
    if letter == REMINDER:
        return [Measure(fees.REMINDER, on, is_sent=True, is_called_for=is_called_for)]
    # Complete: a demand that lacks something is not sent at all.
    demand = Measure(fees.DEMAND, on, is_sent=True, is_complete=True, is_called_for=is_called_for)
    return [Measure(fees.LATE_PAYMENT, on), demand] if is_called_for else [demand]
