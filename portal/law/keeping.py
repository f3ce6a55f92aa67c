"""How long what is held about somebody is kept, on what ground, and when a correction is answered.

Sources: bokföringslagen (1999:1078) 7 kap. 2 § (seven years after the end of the calendar year in
which the accounting year ended, since 2010-06-01); preskriptionslagen (1981:130) § 2, whose years
are those of `limitation`; dataskyddsförordningen (EU 2016/679, GDPR) art. 5.1 e, 6.1, 12.3, 15, 16,
in force 2018-05-25.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from portal.law import limitation
from portal.messages import N_


@dataclass(frozen=True)
class Kept:
    """One kind of what is held.

    name: for machines. years: how many, the longest last; of "accounts" after the end of the
    calendar year in which the accounting year ended, of "case" after the last interruption of
    limitation. rule: the statute, and the ground in the GDPR. since: from when it holds as written
    here. text: how long and why, for whoever it is about.
    """

    name: str
    years: tuple[int, ...]
    rule: str
    since: date
    text: str


KEPT: tuple[Kept, ...] = (
    Kept(
        "accounts",
        (7,),
        "bokföringslagen (1999:1078) 7 kap. 2 §; GDPR art. 6.1 c",
        date(2010, 6, 1),
        N_("Payments and letters are kept for at least seven years after the year they belong to,"
           " as the Accounting Act (bokföringslagen) asks."),
    ),
    Kept(
        "case",
        tuple(sorted(row.years for row in limitation.PERIODS if row.to_on is None)),
        "preskriptionslagen (1981:130) 2 §; GDPR art. 6.1 f",
        date(1982, 1, 1),
        N_("The rest is kept for as long as the debt can be asked for: three years from the last"
           " reminder for what a consumer has bought, otherwise ten."),
    ),
)  # fmt: skip
# GDPR art. 12.3: within a month of when it was asked.
_ANSWER_MONTHS = 1


def answer_by(asked_on: date) -> date:
    """The last day to answer somebody who asks for a correction."""
    years, month = divmod(asked_on.month - 1 + _ANSWER_MONTHS, 12)
    year, month = asked_on.year + years, month + 1
    return date(year, month, min(asked_on.day, monthrange(year, month)[1]))
