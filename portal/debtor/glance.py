"""What the page of a case tells now and then, asked at once: what is not there costs no query."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, bindparam, select

from portal.collection import correspondence, settling, tellings
from portal.extensions import db
from portal.payments import booking


@dataclass(frozen=True)
class Glance:
    """What there is of a case. newest_money: as `settling.newest` tells. unread: messages.

    is_in_doubt, is_paid_on, is_answered: whether `booking.in_doubt`, `booking.payments_of` and
    `tellings.answered_since` find anything.
    """

    newest_money: int
    unread: int
    is_in_doubt: bool
    is_paid_on: bool
    is_answered: bool


_CASE = bindparam("case_id", type_=BigInteger)
_AT_ONCE = select(
    settling.newest_sql(_CASE),
    correspondence.unread_sql(_CASE),
    booking.is_in_doubt_sql(_CASE),
    booking.is_paid_on_sql(_CASE),
    tellings.is_answered_sql(_CASE, bindparam("since", type_=DateTime(timezone=True))),
)


def at(case_id: int, *, answered_since: datetime) -> Glance:
    """What there is of a case now."""
    asked = {"case_id": case_id, "since": answered_since}
    return Glance(*db.session.execute(_AT_ONCE, asked).one())
