"""What a written reminder must state to carry its fee.

Source: lag (1981:739) § 2 asks for a written reminder of the claim. What inkassolagen (1974:182)
§ 5 asks of a demand (`statement`) we ask of a reminder already: the debtor can check it, and a fee
for a letter that explains nothing is hardly reasonably called for (lag 1981:739 § 4).
"""

from collections.abc import Mapping
from datetime import date

from portal.law import statement
from portal.law.statement import DaysRow, Rules
from portal.messages import Problem

# Confirm: no statute says how long a reminder must give. This is the supervisor's floor for a
# demand, which we do not go below in a reminder either.
LEAST_DAYS_REMINDER: tuple[DaysRow, ...] = (
    DaysRow(8, "god inkassosed, inkassolagen (1974:182) § 5", date(1975, 6, 5), None),
)

# A plan that was not kept leaves its fee on the claim, and the reminder that follows states it.
_RULES = Rules(costs=("reminder_fee", "plan_fee", "late_payment"), least_days=LEAST_DAYS_REMINDER)


def least_days_reminder(on: date) -> int:
    """The fewest days that a reminder written on a day must give, from writing to paying.

    Raises LawError for a day before the table begins.
    """
    return statement.least_days(LEAST_DAYS_REMINDER, on)


def missing(content: Mapping[str, object]) -> list[Problem]:
    """What a reminder lacks or states wrongly; empty when it may be sent.

    content: as `statement.missing` says, with at most a `reminder_fee`, a `plan_fee` and a
    `late_payment` for costs.
    """
    return statement.missing(content, _RULES)
