"""What a written reminder must state to carry its fee.

Source: lag (1981:739) § 2 asks for a written reminder of the claim. What inkassolagen (1974:182)
§ 5 asks of a demand (creditor, basis of the claim, each part apart, how the interest was computed,
how to pay, a reasonable time) we ask of a reminder already: the debtor can check it, and a fee for
a letter that explains nothing is hardly reasonably called for (lag 1981:739 § 4).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TypeGuard

from portal.law.errors import LawError
from portal.law.fees import REMINDER, fee
from portal.law.interest import DAYS_OF_YEAR
from portal.messages import N_, Problem

_PARTS = ("principal", "interest", "reminder_fee")


@dataclass(frozen=True)
class DaysRow:
    """The fewest days from writing to paying while a rule held; to_on is None while it does."""

    days: int
    source: str
    from_on: date
    to_on: date | None


# Confirm: no statute says how long a reminder must give. This is the supervisor's floor for a
# demand (Datainspektionen's general advice on inkassolagen: 8 days from sending, and at least 4
# banking days from when it may be thought received), which we do not go below in a reminder either.
LEAST_DAYS_REMINDER: tuple[DaysRow, ...] = (
    DaysRow(8, "god inkassosed, inkassolagen (1974:182) § 5", date(1975, 6, 5), None),
)


def least_days_reminder(on: date) -> int:
    """The fewest days that a reminder written on a day must give, from writing to paying.

    Raises LawError for a day before the table begins.
    """
    for row in LEAST_DAYS_REMINDER:
        if row.from_on <= on and (row.to_on is None or on <= row.to_on):
            return row.days
    raise LawError(
        N_("No shortest time to pay is known for a reminder written on %(on)s."),
        on=on.isoformat(),
    )


def missing(content: Mapping[str, object]) -> list[Problem]:
    """What a reminder lacks or states wrongly; empty when it may be sent.

    content: the reminder as JSON values, sums in whole öre, days in ISO form:
    `creditor` {name}, `invoice` {number, due_on}, `parts` (one `principal`, at most one `interest`
    with its `periods` {from_on, to_on, days, principal_ore, per_cent} and at most one
    `reminder_fee` with its statute; each with `ore`), `total_ore`, `currency`, `account` {kind,
    number}, `ocr`, `written_on`, `pay_by_on`.
    Each Problem's field is the path of what is wrong, such as `invoice.due_on`. Never raises for
    what is missing or of the wrong type.
    """
    return [
        *_said(content),
        *_parts(content),
        *_times(content),
    ]


def _said(content: Mapping[str, object]) -> Iterator[Problem]:
    for path, message in (
        ("creditor.name", N_("The reminder does not name the creditor.")),
        ("invoice.number", N_("The reminder does not say which invoice it is about.")),
        ("currency", N_("The reminder does not say in which currency it is.")),
        ("account.kind", N_("The reminder does not say what kind of account to pay to.")),
        ("account.number", N_("The reminder does not say which account to pay to.")),
        ("ocr", N_("The reminder does not say which reference (OCR) to pay with.")),
    ):
        if not _text(_at(content, path)):
            yield Problem(message, field=path)


def _parts(content: Mapping[str, object]) -> Iterator[Problem]:
    listed = content.get("parts")
    parts = [part for part in listed if isinstance(part, Mapping)] if _is_list(listed) else []
    kinds = [_text(part.get("kind")) for part in parts]
    if not _is_list(listed) or len(parts) != len(listed) or not set(kinds) <= set(_PARTS):
        yield Problem(N_("The reminder has a part that is no part of a claim."), field="parts")
    if "principal" not in kinds:
        yield Problem(N_("The reminder does not state the principal."), field="parts")
    if len(set(kinds)) != len(kinds):
        yield Problem(N_("The reminder states a part twice."), field="parts")
    for place, part in enumerate(parts):
        yield from _part(part, f"parts.{place}", _day(content.get("written_on")))
    sums = [_ore(part.get("ore")) for part in parts]
    if _ore(content.get("total_ore")) != sum(ore or 0 for ore in sums):
        yield Problem(N_("The total is not the sum of the parts."), field="total_ore")


def _part(part: Mapping[str, object], path: str, written_on: date | None) -> Iterator[Problem]:
    ore = _ore(part.get("ore"))
    if ore is None or ore <= 0:
        yield Problem(N_("A part of the claim is not stated in whole öre."), field=f"{path}.ore")
        return
    if part.get("kind") == "interest":
        yield from _interest(part, ore, path)
    if part.get("kind") == "reminder_fee":
        yield from _fee(part, ore, path, written_on)


def _interest(part: Mapping[str, object], ore: int, path: str) -> Iterator[Problem]:
    periods = part.get("periods")
    if not _is_list(periods) or not periods:
        yield Problem(
            N_("The reminder does not say how the interest was computed."), field=f"{path}.periods"
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
    from_on, to_on = _day(period.get("from_on")), _day(period.get("to_on"))
    days, principal_ore = _ore(period.get("days")), _ore(period.get("principal_ore"))
    per_cent = _per_cent(period.get("per_cent"))
    if from_on is None or to_on is None or principal_ore is None or per_cent is None:
        return None
    if days is None or days != (to_on - from_on).days + 1 or days <= 0 or principal_ore <= 0:
        return None
    return Fraction(per_cent) * principal_ore * days / (100 * DAYS_OF_YEAR)


def _fee(
    part: Mapping[str, object], ore: int, path: str, written_on: date | None
) -> Iterator[Problem]:
    if not _text(part.get("statute")):
        yield Problem(
            N_("The reminder does not say which rule allows the fee."), field=f"{path}.statute"
        )
    if written_on is None:
        return
    try:
        most_ore = fee(REMINDER, written_on).amount_ore
    except LawError as error:
        yield Problem(error.problem.message, error.problem.values, field=f"{path}.ore")
        return
    if ore > most_ore:
        yield Problem(
            N_("The reminder fee is more than the law allows, %(most_ore)s."),
            {"most_ore": most_ore},
            field=f"{path}.ore",
        )


def _times(content: Mapping[str, object]) -> Iterator[Problem]:
    due_on = _day(_at(content, "invoice.due_on"))
    written_on = _day(content.get("written_on"))
    pay_by_on = _day(content.get("pay_by_on"))
    if due_on is None:
        yield Problem(
            N_("The reminder does not say when the claim was due."), field="invoice.due_on"
        )
    if written_on is None:
        yield Problem(N_("The reminder does not say when it was written."), field="written_on")
        return
    if due_on is not None and written_on <= due_on:
        yield Problem(N_("The claim is not yet late, so no reminder is sent."), field="written_on")
    if pay_by_on is None:
        yield Problem(N_("The reminder does not say when to pay."), field="pay_by_on")
        return
    try:
        least = least_days_reminder(written_on)
    except LawError as error:
        yield Problem(error.problem.message, error.problem.values, field="written_on")
        return
    if (pay_by_on - written_on).days < least:
        yield Problem(
            N_("The reminder gives less than %(days)s days to pay."),
            {"days": least},
            field="pay_by_on",
        )


def _at(content: Mapping[str, object], path: str) -> object:
    value: object = content
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _ore(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _per_cent(value: object) -> Decimal | None:
    try:
        per_cent = Decimal(value) if isinstance(value, str | int | Decimal) else None
    except InvalidOperation:
        return None
    return per_cent if per_cent is not None and per_cent.is_finite() and per_cent >= 0 else None
