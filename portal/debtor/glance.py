"""What the page of a case tells, read in one statement, and what else it tells now and then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, bindparam, select

from portal import ledger
from portal.collection import cases, coming, correspondence, rates, settling, tellings
from portal.collection.models import Case
from portal.database.together import Part, Together
from portal.delivery import outbox
from portal.payments import booking


@dataclass(frozen=True)
class Now:
    """What there is of a case: what is not there costs no query.

    unread: messages. is_in_doubt, is_paid_on, is_answered: whether `booking.in_doubt`,
    `booking.payments_of` and `tellings.answered_since` find anything.
    """

    unread: int
    is_in_doubt: bool
    is_paid_on: bool
    is_answered: bool


@dataclass(frozen=True)
class Glance:
    """All that is told of a case. newest_money: as `settling.newest` tells."""

    known: cases.Known
    newest_money: int
    coming: coming.Told
    now: Now
    messages: Sequence[outbox.SentOrWaiting]


_CASE = bindparam("case_id", type_=BigInteger)
_NOW = Part(
    select(
        correspondence.unread_sql(_CASE),
        booking.is_in_doubt_sql(_CASE),
        booking.is_paid_on_sql(_CASE),
        tellings.is_answered_sql(_CASE, bindparam("since", type_=DateTime(timezone=True))),
    ),
    lambda rows: Now(*rows[0]),
)
_ASKED = Together(
    ledger.BOOKS, rates.TABLE, settling.NEWEST, _NOW, outbox.MESSAGES, *coming.PARTS
)  # fmt: skip


def at(case: Case, *, answered_since: datetime) -> Glance:
    """What there is of a case now."""
    books, table, newest, now, messages, *told = _ASKED.ask(
        {
            **coming.asked_of([case]),
            "case_id": case.id,
            "case_ids": [case.id],
            "since": answered_since,
        }
    )
    known = cases.Known(books.get(case.id, ledger.NO_BOOKS), table)
    return Glance(known, newest, coming.Told(*told), now, messages)
