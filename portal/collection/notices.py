"""What the letters of a case say, as JSON values: sums in öre, days in ISO form."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from portal.collection import cases, states
from portal.collection.cases import AmountDue
from portal.collection.models import Case
from portal.collection.policy import Effective
from portal.config import Settings
from portal.extensions import settings
from portal.identity.models import Creditor
from portal.law import demand, reminder
from portal.law.fees import DEMAND, LATE_PAYMENT, PLAN, REMINDER, Charge
from portal.law.interest import Period
from portal.messages import Problem

# A fee's part of the letter, and of the law's check of it.
PARTS = {
    REMINDER: "reminder_fee",
    DEMAND: "demand_fee",
    PLAN: "plan_fee",
    LATE_PAYMENT: "late_payment",
}


@dataclass(frozen=True)
class Letter:
    """What a step sends. status_before: of a case that it is sent on. missing: the law's look."""

    kind: str
    status_before: str
    missing: Callable[[Mapping[str, object]], list[Problem]]


LETTERS = {
    states.REMINDER: Letter("reminder", states.IMPORTED, reminder.missing),
    states.DEMAND: Letter("demand", states.REMINDED, demand.missing),
}


def content(
    case: Case,
    kind: str,
    charges: Sequence[Charge],
    *,
    rules: Effective,
    today: date,
    pay_by_on: date,
) -> dict[str, object]:
    """What a reminder or a demand (inkassolagen § 5) says.

    charges: the fees that are owed, each in a part of its own. rules: the creditor's.
    """
    due = cases.amount_due(case, today)
    parts: list[dict[str, object]] = [{"kind": "principal", "ore": due.principal_ore}]
    if due.interest_ore:
        parts.append({"kind": "interest", "ore": due.interest_ore, "periods": _periods(case, due)})
    parts += fee_parts(charges, due.fees_ore)
    debtor, home, invoice = case.debtor, case.debtor.home, case.invoice
    return {
        "creditor": creditor(case.creditor),
        "recipient": {
            "name": debtor.name,
            "address_line": home.address_line,
            "postcode": home.postcode,
            "town": home.town,
            "country": home.country,
        },
        "invoice": {
            "number": invoice.number,
            "issued_on": invoice.issued_on.isoformat() if invoice.issued_on else None,
            "due_on": case.due_on.isoformat(),
            "description": invoice.description or case.creditor.debt_description,
            "amount_ore": invoice.amount_ore,
        },
        "parts": parts,
        "total_ore": due.total_ore,
        "currency": case.currency,
        "reference": case.reference,
        "ocr": case.ocr,
        **common_content(settings(), today),
        **timely_content(kind, pay_by_on, rules, settings()),
    }


def creditor(company: Creditor) -> dict[str, object]:
    """Who asks for the money, and how its letters show it.

    Besides name and organisation_number, if the company has chosen so: sender_name, as customers
    know it; logo, the SHA-256 of a picture; address, on one line.
    """
    return {
        **company.letter,
        "name": company.name,
        "organisation_number": company.organisation_number,
    }


def common_content(ours: Settings, today: date) -> dict[str, object]:
    """What all letters of a day say."""
    return {
        "account": {"kind": "bankgiro", "number": ours.service_bankgiro},
        "written_on": today.isoformat(),
        "web_address": ours.base_url,
    }


def timely_content(
    kind: str, pay_by_on: date, rules: Effective, ours: Settings
) -> dict[str, object]:
    """What letters of a kind that give time to the same day say.

    rules: the creditor's, with its own words and what it does next.
    """
    said: dict[str, object] = {
        "pay_by_on": pay_by_on.isoformat(),
        "creditors_words": rules.text_of(kind),
    }
    if kind == "demand":
        said |= {
            "assignment": None,
            "object_to": f"{ours.service_phone}, {ours.service_email}, {ours.base_url}",
            "object_by_on": pay_by_on.isoformat(),
            "next": "legal" if rules.after_demand == "legal" else "decision",
        }
    return said


def fee_parts(charges: Sequence[Charge], fees_ore: int) -> list[dict[str, object]]:
    """The parts of what is owed that are fees.

    charges: all fees that were charged. fees_ore: what is left of them.
    """
    return [
        {"kind": PARTS[one.kind], "ore": one.ore, "statute": one.statute}
        for one in _owed(charges, fees_ore)
    ]


def _owed(charges: Sequence[Charge], fees_ore: int) -> list[Charge]:
    """What is left of the fees, the newest still owed: a payment covers the oldest first."""
    left, owed = fees_ore, []
    for one in reversed(charges):
        ore = min(one.ore, left)
        left -= ore
        if ore:
            owed.append(Charge(one.kind, ore, one.statute, one.covered_ore))
    return owed[::-1]


def _periods(case: Case, due: AmountDue) -> list[dict[str, object]]:
    return [
        {**period(one), "principal_ore": one.principal_ore}
        for accrual in cases.interest_stated(case, due)
        for one in accrual.periods
    ]


def period(one: Period) -> dict[str, object]:
    """Days that bear interest at one rate."""
    return {
        "from_on": one.from_on.isoformat(),
        "to_on": one.to_on.isoformat(),
        "days": one.days,
        "per_cent": str(one.per_cent),
    }
