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


@dataclass(frozen=True)
class Document:
    """How long a kind of document is kept that somebody has had signed, unless they choose else.

    years: None until somebody deletes it. is_least: the law asks for as many; else they may choose
    fewer. after_year: counted from the end of the calendar year, not from the day it ended. rule:
    the statute; empty where they decide. since: from when it holds as written here.
    """

    kind: str
    years: int | None
    is_least: bool
    after_year: bool
    rule: str
    since: date


_LIMITATION = "preskriptionslagen (1981:130) 2 §"
DOCUMENTS: tuple[Document, ...] = (
    # GDPR art. 5.1 e: no longer than somebody needs it, which they know.
    Document("document", None, False, False, "", date(2018, 5, 25)),
    Document("accounts", 7, True, True, "bokföringslagen (1999:1078) 7 kap. 2 §", date(2010, 6, 1)),
    # A loan can be asked for during ten years, and the paper proves it.
    Document("loan", 10, False, False, _LIMITATION, date(1982, 1, 1)),
    Document("debt_acknowledgement", 10, False, False, _LIMITATION, date(1982, 1, 1)),
    # § 5: who promises to pay acknowledges the debt, and the years begin anew.
    Document("payment_plan", 10, False, False, _LIMITATION, date(1982, 1, 1)),
)
# Nobody needs to choose more than this.
MOST_YEARS = 100


def of_document(kind: str) -> Document:
    """What holds for a kind of document; for one that is not listed, what holds for any."""
    return next((one for one in DOCUMENTS if one.kind == kind), DOCUMENTS[0])


def kept_until(kind: str, years: int, ended_on: date) -> date:
    """The last day that a document is kept.

    years: that were chosen. ended_on: the day that it was signed by all, or ended otherwise.
    """
    year = ended_on.year + years
    if of_document(kind).after_year:
        return date(year, 12, 31)
    return date(year, ended_on.month, min(ended_on.day, monthrange(year, ended_on.month)[1]))


# GDPR art. 12.3: within a month of when it was asked.
_ANSWER_MONTHS = 1


def answer_by(asked_on: date) -> date:
    """The last day to answer somebody who asks for a correction."""
    years, month = divmod(asked_on.month - 1 + _ANSWER_MONTHS, 12)
    year, month = asked_on.year + years, month + 1
    return date(year, month, min(asked_on.day, monthrange(year, month)[1]))
