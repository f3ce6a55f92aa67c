"""Limitation (*preskription*): when a claim may no longer be made.

Source: preskriptionslagen (1981:130) §§ 2 and 5–8, in force 1982-01-01. The last day of a period is
the one with the same number in its month, or the month's last day: lag (1930:173) § 1. That a last
day on a holiday moves to the next weekday (§ 2 there) is not applied: confirm; to leave it out is
kinder to the debtor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta

from portal.law.errors import LawError
from portal.messages import N_, Problem

# § 5 p. 1: the debtor promises to pay, pays some of it, or acknowledges it in another way.
ACKNOWLEDGED = "acknowledged"
# § 5 p. 2: a written demand or reminder reaches the debtor.
REMINDED = "reminded"
# § 5 p. 3: the creditor brings an action or invokes the claim against the debtor in court, at the
# Enforcement Authority, in arbitration, bankruptcy or reconstruction.
LEGAL_ACTION = "legal_action"
KINDS = (ACKNOWLEDGED, REMINDED, LEGAL_ACTION)

WARNING_DAYS = 180

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class PeriodRow:
    """The years until limitation, of claims that arose while a rule held; to_on None: it does."""

    years: int
    is_consumer: bool
    statute: str
    from_on: date
    to_on: date | None


PERIODS: tuple[PeriodRow, ...] = (
    PeriodRow(10, False, "preskriptionslagen (1981:130) § 2", date(1982, 1, 1), None),
    PeriodRow(3, True, "preskriptionslagen (1981:130) § 2 andra stycket", date(1982, 1, 1), None),
)


@dataclass(frozen=True)
class Interruption:
    """What makes a new period run.

    kind: one of KINDS. on: the day it happened; of a reminder or demand, the day it reached the
    debtor; of legal action, the day it was brought. ended_on: of legal action, the day of the
    judgment or decision, or that it ended otherwise (§ 7); None while it goes on. is_told: of legal
    action, False when it ended without the debtor having been told of it.
    """

    kind: str
    on: date
    ended_on: date | None = None
    is_told: bool = True


@dataclass(frozen=True)
class Limitation:
    """When a claim is limited.

    runs_from_on: the day that the period is counted from. limited_on: the first day on which the
    claim is limited; None while legal action goes on, for then no period runs. warn_on: when an
    operator is warned. problems: interruptions that did nothing, each with field
    `interruptions.<place>`.
    """

    row: PeriodRow
    runs_from_on: date
    limited_on: date | None
    warn_on: date | None
    problems: tuple[Problem, ...] = ()

    def is_limited(self, on: date) -> bool:
        """Whether the claim is limited on a day; then it is closed and never demanded (§ 8)."""
        return self.limited_on is not None and on >= self.limited_on


# No claim that arose before is known to the act; those of the older one are limited long ago.
KNOWN_FROM = min(row.from_on for row in PERIODS)


def period(arose_on: date, *, is_consumer: bool) -> PeriodRow:
    """The rule for a claim that arose on a day. Raises LawError for a day before the act."""
    for row in PERIODS:
        if (
            row.is_consumer == is_consumer
            and row.from_on <= arose_on
            and (row.to_on is None or arose_on <= row.to_on)
        ):
            return row
    raise LawError(
        N_("No time of limitation is known for a claim that arose on %(on)s. Check the date."),
        on=arose_on.isoformat(),
    )


def reckon(
    arose_on: date, *, is_consumer: bool, interruptions: Sequence[Interruption] = ()
) -> Limitation:
    """When a claim is limited, and what of its history made it so.

    arose_on: the day the claim arose, which is earlier than the day it is due; when in doubt, the
    earlier day. is_consumer: a business's claim on a consumer for goods, services or the like,
    mainly for private use, that rests on no negotiable promissory note (§ 2).
    An interruption before the claim arose, or after it was limited, does nothing and is told; so
    is legal action that the debtor never was told of (§ 7; the year that it may add is a person's
    to decide). Raises LawError for another kind, for an end before its beginning or on what is no
    legal action, and for a day outside the table.
    """
    row = period(arose_on, is_consumer=is_consumer)
    runs_from_on, last_on, goes_on = arose_on, _last_day(arose_on, row.years), False
    problems = []
    for place, one in sorted(enumerate(interruptions), key=lambda pair: pair[1].on):
        _check(one)
        field = f"interruptions.{place}"
        if one.on < arose_on:
            told = N_(
                "What happened on %(on)s came before the claim arose, and interrupts nothing."
            )
        elif one.on > last_on and not goes_on:
            told = N_(
                "What happened on %(on)s came after the claim was limited, and has no effect."
            )
        elif not one.is_told:
            told = N_(
                "The legal action of %(on)s ended without the debtor being told of it, and "
                "interrupts nothing. It may have added a year: let a lawyer decide."
            )
        else:
            goes_on = goes_on or (one.kind == LEGAL_ACTION and one.ended_on is None)
            runs_from_on = max(runs_from_on, one.ended_on or one.on)
            last_on = max(last_on, _last_day(runs_from_on, row.years))
            continue
        problems.append(Problem(told, {"on": one.on.isoformat()}, field))
    limited_on = None if goes_on else last_on + _DAY
    return Limitation(
        row,
        runs_from_on,
        limited_on,
        limited_on - timedelta(days=WARNING_DAYS) if limited_on else None,
        tuple(problems),
    )


def limited_on(
    arose_on: date, *, is_consumer: bool, interruptions: Sequence[Interruption] = ()
) -> date | None:
    """The first day on which a claim is limited, as `reckon` finds it."""
    return reckon(arose_on, is_consumer=is_consumer, interruptions=interruptions).limited_on


def _check(one: Interruption) -> None:
    if one.kind not in KINDS:
        raise LawError(N_("%(kind)s does not interrupt limitation."), kind=one.kind)
    if one.kind != LEGAL_ACTION and (one.ended_on is not None or not one.is_told):
        raise LawError(N_("Only legal action goes on and ends; the rest happens on its day."))
    if one.ended_on is not None and one.ended_on < one.on:
        raise LawError(N_("Legal action cannot end before it begins."))


def _last_day(from_on: date, years: int) -> date:
    year = from_on.year + years
    if year >= MAXYEAR:
        raise LawError(N_("%(on)s is too far ahead. Check the date."), on=from_on.isoformat())
    try:
        return from_on.replace(year=year)
    except ValueError:  # 29 February: the month's last day
        return date(year, 2, 28)
