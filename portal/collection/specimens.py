"""What letters about an invented invoice say: for whoever wants to see one before it is sent.

The sums are reckoned as those of a real case, so that a specimen never shows what a letter could
not say. Its reference and code open nothing.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from portal.collection import notices, rates
from portal.collection.policy import Effective
from portal.extensions import settings
from portal.law.calendar import banking_day_on_or_after
from portal.law.errors import LawError
from portal.law.fees import DEMAND, PLAN, REMINDER, fee
from portal.law.interest import Movement, Terms, accrue

_PRINCIPAL_ORE = 124_900
_OVERDUE = timedelta(days=24)
_INSTALMENTS = 3
# A company that a reader takes for no company of theirs.
_COMPANY = {"name": "Exempelbolaget AB", "organisation_number": "5560000001"}
# The fees that each kind of letter asks for.
_FEES = {
    "reminder": (REMINDER,),
    "demand": (REMINDER, DEMAND),
    "plan": (REMINDER, DEMAND, PLAN),
    "dispute_answer": (REMINDER,),
    "more_time": (REMINDER,),
}
NO_CODE = "XXXXXX"


def reminder(
    creditor: Mapping[str, Any], description: str, rules: Effective, *, today: date
) -> dict[str, Any]:
    """What a reminder of an invented invoice says.

    creditor: as `notices.creditor` tells it; description: what the claim is for; rules: the
    creditor's.
    """
    return _letter("reminder", creditor, description, rules, today)


def letter(kind: str, *, today: date) -> dict[str, Any]:
    """What a letter of a kind says, from an invented company.

    kind: `reminder`, `demand`, `plan`, `dispute_answer` or `more_time`. Raises KeyError for
    another.
    """
    content = _letter(kind, _COMPANY, "Exempel på en vara", Effective(), today)
    if kind == "plan":
        content |= _plan(content, today)
    elif kind == "dispute_answer":
        content |= {
            "answer": "turned down",
            "words": "Här står varför företaget anser att kravet stämmer.",
            "objected_on": (today - timedelta(days=7)).isoformat(),
            "credited_ore": 0,
            "is_closed": False,
        }
    return content


def _letter(
    kind: str, creditor: Mapping[str, Any], description: str, rules: Effective, today: date
) -> dict[str, Any]:
    due_on = today - _OVERDUE
    pay_by_on = banking_day_on_or_after(today + timedelta(days=10))
    parts: list[dict[str, Any]] = [{"kind": "principal", "ore": _PRINCIPAL_ORE}]
    parts += _interest(due_on, today)
    for one in _FEES[kind]:
        charged = fee(one, today)
        parts.append(
            {
                "kind": notices.PARTS[one],
                "ore": charged.amount_ore,
                "statute": charged.statute,
            }
        )
    return {
        "creditor": dict(creditor),
        "recipient": {
            "name": "Exempel Exempelsson", "address_line": "Exempelgatan 1", "postcode": "11122",
            "town": "Stockholm", "country": "SE",
        },
        "invoice": {
            "number": "10401", "issued_on": (due_on - timedelta(days=30)).isoformat(),
            "due_on": due_on.isoformat(), "amount_ore": _PRINCIPAL_ORE,
            "description": description,
        },
        "parts": parts,
        "total_ore": sum(one["ore"] for one in parts),
        "currency": "SEK",
        "reference": "000000000",
        "ocr": "000000000000",
        **notices.common_content(settings(), today),
        **notices.timely_content(
            "demand" if kind == "demand" else "reminder", pay_by_on, rules, settings()
        ),
    }  # fmt: skip


def _interest(due_on: date, today: date) -> list[dict[str, Any]]:
    try:
        run = accrue(
            [Movement(due_on, _PRINCIPAL_ORE)], due_on=due_on, until=today,
            terms=Terms("statutory", None), rates=rates.table(),
        )  # fmt: skip
    except LawError:
        return []
    periods = [{**notices.period(one), "principal_ore": _PRINCIPAL_ORE} for one in run.periods]
    return [{"kind": "interest", "ore": run.ore, "periods": periods}] if run.ore else []


def _plan(content: Mapping[str, Any], today: date) -> dict[str, Any]:
    total = content["total_ore"]
    part = total // _INSTALMENTS
    sums = [part] * (_INSTALMENTS - 1) + [total - part * (_INSTALMENTS - 1)]
    days = [banking_day_on_or_after(today + timedelta(days=30 * n)) for n in range(1, 4)]
    return {
        "instalments": [
            {"due_on": on.isoformat(), "ore": ore} for on, ore in zip(days, sums, strict=True)
        ],
        "plan_ore": total,
        "fee_ore": fee(PLAN, today).amount_ore,
        "total_ore": sums[0],
        "pay_by_on": days[0].isoformat(),
        "parts": [],
    }
