"""What every letter that states a claim must say, be it a reminder or a demand.

Source: inkassolagen (1974:182) § 5, which asks it of demands: the creditor, the basis of the claim,
each part apart, how the interest was computed, how to pay, a reasonable time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TypeGuard

from portal.law.errors import LawError
from portal.law.fees import DEMAND, LATE_PAYMENT, PLAN, REMINDER, fee
from portal.law.interest import DAYS_OF_YEAR
from portal.messages import N_, Problem

# The parts of a claim that are costs, and the fee that each of them is.
COSTS: Mapping[str, str] = {
    "reminder_fee": REMINDER,
    "demand_fee": DEMAND,
    "plan_fee": PLAN,
    "late_payment": LATE_PAYMENT,
}


@dataclass(frozen=True)
class DaysRow:
    """The fewest days from writing to paying while a rule held; to_on is None while it does."""

    days: int
    source: str
    from_on: date
    to_on: date | None


@dataclass(frozen=True)
class Rules:
    """What is asked of one kind of letter: the costs it may state, and the time it must give."""

    costs: Sequence[str]
    least_days: Sequence[DaysRow]


def least_days(rows: Sequence[DaysRow], on: date) -> int:
    """The fewest days that a letter written on a day must give, from writing to paying.

    Raises LawError for a day before the table begins.
    """
    for row in rows:
        if row.from_on <= on and (row.to_on is None or on <= row.to_on):
            return row.days
    raise LawError(
        N_("No shortest time to pay is known for a letter written on %(on)s."),
        on=on.isoformat(),
    )


def missing(content: Mapping[str, object], rules: Rules) -> list[Problem]:
    """What a letter lacks or states wrongly; empty when all that is asked of it is there.

    content: the letter as JSON values, sums in whole öre, days in ISO form:
    `creditor` {name}, `invoice` {number, due_on}, `parts` (one `principal`, at most one `interest`
    with its `periods` {from_on, to_on, days, principal_ore, per_cent} and at most one of each cost
    that the rules allow, with its statute and, if it was charged before the letter was written,
    `charged_on`; each part with `ore`), `total_ore`, `currency`, `account` {kind, number}, `ocr`,
    `written_on`, `pay_by_on`.
    Each Problem's field is the path of what is wrong, such as `invoice.due_on`. Never raises for
    what is missing or of the wrong type.
    """
    return [*_said(content), *_parts(content, rules), *_times(content, rules)]


def _said(content: Mapping[str, object]) -> Iterator[Problem]:
    for path, message in (
        ("creditor.name", N_("The letter does not name the creditor.")),
        ("invoice.number", N_("The letter does not say which invoice it is about.")),
        ("currency", N_("The letter does not say in which currency it is.")),
        ("account.kind", N_("The letter does not say what kind of account to pay to.")),
        ("account.number", N_("The letter does not say which account to pay to.")),
        ("ocr", N_("The letter does not say which reference (OCR) to pay with.")),
    ):
        if not text(at(content, path)):
            yield Problem(message, field=path)


def _parts(content: Mapping[str, object], rules: Rules) -> Iterator[Problem]:
    listed = content.get("parts")
    parts = [part for part in listed if isinstance(part, Mapping)] if _is_list(listed) else []
    kinds = [text(part.get("kind")) for part in parts]
    known = {"principal", "interest", *rules.costs}
    if not _is_list(listed) or len(parts) != len(listed) or not set(kinds) <= known:
        yield Problem(N_("The letter has a part that is no part of a claim."), field="parts")
    if "principal" not in kinds:
        yield Problem(N_("The letter does not state the principal."), field="parts")
    if len(set(kinds)) != len(kinds):
        yield Problem(N_("The letter states a part twice."), field="parts")
    written_on = day(content.get("written_on"))
    for place, part in enumerate(parts):
        yield from _part(part, f"parts.{place}", written_on)
    sums = {kind: _ore(part.get("ore")) or 0 for kind, part in zip(kinds, parts, strict=True)}
    if "late_payment" in sums and written_on is not None:
        yield from _together(sums, written_on)
    if _ore(content.get("total_ore")) != sum(_ore(part.get("ore")) or 0 for part in parts):
        yield Problem(N_("The total is not the sum of the parts."), field="total_ore")
    elif not content.get("total_ore"):
        yield Problem(N_("The letter asks for nothing."), field="total_ore")


def _part(part: Mapping[str, object], path: str, written_on: date | None) -> Iterator[Problem]:
    ore, kind = _ore(part.get("ore")), text(part.get("kind"))
    # All of the principal may be paid, and is then stated as nothing; other parts are left out.
    if ore is None or ore < 0 or (ore == 0 and kind != "principal"):
        yield Problem(N_("A part of the claim is not stated in whole öre."), field=f"{path}.ore")
        return
    if kind == "interest":
        yield from _interest(part, ore, path)
    if kind in COSTS:
        charged_on = day(part.get("charged_on")) or written_on
        yield from _cost(part, COSTS[kind], ore, path, charged_on)


def _interest(part: Mapping[str, object], ore: int, path: str) -> Iterator[Problem]:
    periods = part.get("periods")
    if not _is_list(periods) or not periods:
        yield Problem(
            N_("The letter does not say how the interest was computed."), field=f"{path}.periods"
        )
        return
    computed = [_computed(period) for period in periods]
    for place, one in enumerate(computed):
        if one is None:
            yield Problem(
                N_("A period of interest lacks its days, its rate or its principal."),
                field=f"{path}.periods.{place}",
            )
    known = [one for one in computed if one is not None]
    # Interest booked at several payments was rounded at each: half an öre for each period at most.
    # Less than the periods come to is right: a part of it may be paid.
    if len(known) == len(computed) and ore > sum(known) + Fraction(len(known), 2):
        yield Problem(
            N_("The interest is more than the periods stated come to."), field=f"{path}.ore"
        )


def _computed(period: object) -> Fraction | None:
    if not isinstance(period, Mapping):
        return None
    from_on, to_on = day(period.get("from_on")), day(period.get("to_on"))
    days, principal_ore = _ore(period.get("days")), _ore(period.get("principal_ore"))
    per_cent = _per_cent(period.get("per_cent"))
    if from_on is None or to_on is None or principal_ore is None or per_cent is None:
        return None
    if days is None or days != (to_on - from_on).days + 1 or days <= 0 or principal_ore <= 0:
        return None
    return Fraction(per_cent) * principal_ore * days / (100 * DAYS_OF_YEAR)


def _cost(
    part: Mapping[str, object], kind: str, ore: int, path: str, charged_on: date | None
) -> Iterator[Problem]:
    if not text(part.get("statute")):
        yield Problem(
            N_("The letter does not say which rule allows the fee."), field=f"{path}.statute"
        )
    if charged_on is None:
        return
    try:
        most_ore = fee(kind, charged_on).amount_ore
    except LawError as error:
        yield Problem(error.problem.message, error.problem.values, field=f"{path}.ore")
        return
    if ore > most_ore:
        yield Problem(
            N_("A fee is more than the law allows, %(most_ore)s."),
            {"most_ore": most_ore},
            field=f"{path}.ore",
        )


def _together(sums: Mapping[str, int], on: date) -> Iterator[Problem]:
    """Compensation takes the place of the other costs (lag 1981:739 § 4 a)."""
    stated = [kind for kind in COSTS if kind in sums]
    try:
        caps = {kind: fee(COSTS[kind], on).amount_ore for kind in stated}
    except LawError:
        return
    compensation_ore = caps.pop("late_payment")
    most_ore = max(compensation_ore, sum(caps.values()))
    if sum(sums[kind] for kind in stated) > most_ore:
        yield Problem(
            N_(
                "The fees and the compensation for late payment are together more than the law "
                "allows, %(most_ore)s."
            ),
            {"most_ore": most_ore},
            field="parts",
        )


def _times(content: Mapping[str, object], rules: Rules) -> Iterator[Problem]:
    due_on = day(at(content, "invoice.due_on"))
    written_on = day(content.get("written_on"))
    if due_on is None:
        yield Problem(N_("The letter does not say when the claim was due."), field="invoice.due_on")
    if written_on is None:
        yield Problem(N_("The letter does not say when it was written."), field="written_on")
        return
    if due_on is not None and written_on <= due_on:
        yield Problem(N_("The claim is not yet late, so no letter is sent."), field="written_on")
    pay_by_on = day(content.get("pay_by_on"))
    if pay_by_on is None:
        yield Problem(N_("The letter does not say when to pay."), field="pay_by_on")
        return
    try:
        least = least_days(rules.least_days, written_on)
    except LawError as error:
        yield Problem(error.problem.message, error.problem.values, field="written_on")
        return
    if (pay_by_on - written_on).days < least:
        yield Problem(
            N_("The letter gives too short a time to pay. Days at least: %(days)s."),
            {"days": least},
            field="pay_by_on",
        )


def at(content: Mapping[str, object], path: str) -> object:
    """The value at a path such as `invoice.due_on`, or None."""
    value: object = content
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def text(value: object) -> str:
    """A text without blanks around it; empty for what is no text."""
    return value.strip() if isinstance(value, str) else ""


def day(value: object) -> date | None:
    """A day in ISO form, or None."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)


def _ore(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _per_cent(value: object) -> Decimal | None:
    try:
        per_cent = Decimal(value) if isinstance(value, str | int | Decimal) else None
    except InvalidOperation:
        return None
    return per_cent if per_cent is not None and per_cent.is_finite() and per_cent >= 0 else None
