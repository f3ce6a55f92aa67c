"""What a demand (*inkassokrav*) must state, and the time it must give.

Source: inkassolagen (1974:182) § 5. Only a demand formed so carries its fee (lag 1981:739 § 3 p. 1)
and opens the way to legal action, once it has reached the debtor and its time has run out (§ 6).
That paying the collector discharges the debt follows from § 9 and need not be stated.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from portal.law import statement
from portal.law.errors import LawError
from portal.law.statement import DaysRow, Rules, at, day, text
from portal.messages import N_, Problem

ASSIGNED = "assigned"
PLEDGED = "pledged"

# The supervisor's word for what § 5 calls a reasonable time: not less than eight days from the day
# a demand is sent; longer when the letter is expected to be slow, which is the sender's to add.
LEAST_DAYS_DEMAND: tuple[DaysRow, ...] = (
    DaysRow(8, "god inkassosed, inkassolagen (1974:182) § 5", date(1975, 6, 5), None),
)

_RULES = Rules(costs=tuple(statement.COSTS), least_days=LEAST_DAYS_DEMAND)


def least_days_demand(on: date) -> int:
    """The fewest days that a demand sent by post on a day must give to pay or object.

    Raises LawError for a day before the table begins.
    """
    return statement.least_days(LEAST_DAYS_DEMAND, on)


def missing(content: Mapping[str, object]) -> list[Problem]:
    """What a demand lacks or states wrongly; empty when it is formed as § 5 says.

    content: as `statement.missing` says, with every cost in a part of its own (`reminder_fee`,
    `demand_fee`, `plan_fee`, `late_payment`), and besides: `invoice.description` (what the claim is
    for), `assignment` (None, or {kind: `assigned` or `pledged`, by: who had the claim before}),
    `object_to` (where to object) and `object_by_on`.
    """
    return [
        *statement.missing(content, _RULES),
        *_ground(content),
        *_assignment(content),
        *_objection(content),
    ]


def _ground(content: Mapping[str, object]) -> Iterator[Problem]:
    if not text(at(content, "invoice.description")):
        yield Problem(
            N_("The letter does not say what the claim is for."), field="invoice.description"
        )


def _assignment(content: Mapping[str, object]) -> Iterator[Problem]:
    if "assignment" not in content:
        yield Problem(
            N_("It is not told whether the claim was assigned or pledged."), field="assignment"
        )
    assignment = content.get("assignment")
    if assignment is None:
        return
    if text(at(content, "assignment.kind")) not in (ASSIGNED, PLEDGED):
        yield Problem(
            N_("The letter does not say clearly that the claim was assigned or pledged."),
            field="assignment.kind",
        )
    if not text(at(content, "assignment.by")):
        yield Problem(
            N_("The letter does not say who had the claim before it was assigned or pledged."),
            field="assignment.by",
        )


def _objection(content: Mapping[str, object]) -> Iterator[Problem]:
    if not text(content.get("object_to")):
        yield Problem(N_("The letter does not say where to object."), field="object_to")
    object_by_on = day(content.get("object_by_on"))
    if object_by_on is None:
        yield Problem(N_("The letter does not say by when to object."), field="object_by_on")
        return
    written_on = day(content.get("written_on"))
    try:
        least = least_days_demand(written_on) if written_on is not None else None
    except LawError:
        return
    if written_on is not None and least is not None and (object_by_on - written_on).days < least:
        yield Problem(
            N_("The letter gives too short a time to object. Days at least: %(days)s."),
            {"days": least},
            field="object_by_on",
        )
