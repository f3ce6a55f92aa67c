"""What the letters of a case say, as JSON values: sums in öre, days in ISO form."""

from collections.abc import Sequence
from datetime import date

from portal.collection import cases
from portal.collection.cases import AmountDue
from portal.collection.models import Case
from portal.extensions import settings
from portal.law.fees import DEMAND, LATE_PAYMENT, PLAN, REMINDER, Charge

# A fee's part of the letter, and of the law's check of it.
PARTS = {
    REMINDER: "reminder_fee",
    DEMAND: "demand_fee",
    PLAN: "plan_fee",
    LATE_PAYMENT: "late_payment",
}


def content(
    case: Case, charges: Sequence[Charge], *, today: date, pay_by_on: date
) -> dict[str, object]:
    """What a reminder and a demand say alike.

    charges: the fees that are owed, each in a part of its own.
    """
    due = cases.amount_due(case, today)
    parts: list[dict[str, object]] = [{"kind": "principal", "ore": due.principal_ore}]
    if due.interest_ore:
        parts.append({"kind": "interest", "ore": due.interest_ore, "periods": _periods(case, due)})
    parts += [
        {"kind": PARTS[one.kind], "ore": one.ore, "statute": one.statute}
        for one in _owed(charges, due.fees_ore)
    ]
    ours, debtor, invoice = settings(), case.debtor, case.invoice
    return {
        "creditor": {
            "name": case.creditor.name,
            "organisation_number": case.creditor.organisation_number,
        },
        "recipient": {
            "name": debtor.name,
            "address_line": debtor.address_line,
            "postcode": debtor.postcode,
            "town": debtor.town,
            "country": debtor.country,
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
        "account": {"kind": "bankgiro", "number": ours.service_bankgiro},
        "written_on": today.isoformat(),
        "pay_by_on": pay_by_on.isoformat(),
        "web_address": ours.base_url,
    }


def demand_content(
    case: Case, charges: Sequence[Charge], *, today: date, pay_by_on: date, after_demand: str
) -> dict[str, object]:
    """What a demand says (inkassolagen § 5). after_demand: what the creditor's rules do next."""
    ours = settings()
    return {
        **content(case, charges, today=today, pay_by_on=pay_by_on),
        "assignment": None,
        "object_to": f"{ours.service_phone}, {ours.service_email}, {ours.base_url}",
        "object_by_on": pay_by_on.isoformat(),
        "next": "legal" if after_demand == "legal" else "decision",
    }


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
        {
            "from_on": period.from_on.isoformat(),
            "to_on": period.to_on.isoformat(),
            "days": period.days,
            "principal_ore": period.principal_ore,
            "per_cent": str(period.per_cent),
        }
        for period in cases.interest_stated(case, due).periods
    ]
