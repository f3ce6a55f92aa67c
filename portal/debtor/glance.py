"""What the page of a case tells now and then, asked at once: what is not there costs no query."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, select

from portal.collection import correspondence, settling
from portal.extensions import db
from portal.payments import booking


@dataclass(frozen=True)
class Glance:
    """What there is of a case. newest_money: as `settling.newest` tells. unread: messages.

    is_in_doubt, is_paid_on: whether `booking.in_doubt` and `booking.payments_of` find anything.
    """

    newest_money: int
    unread: int
    is_in_doubt: bool
    is_paid_on: bool


_CASE = bindparam("case_id", type_=BigInteger)
_AT_ONCE = select(
    settling.newest_sql(_CASE),
    correspondence.unread_sql(_CASE),
    booking.is_in_doubt_sql(_CASE),
    booking.is_paid_on_sql(_CASE),
)


def at(case_id: int) -> Glance:
    """What there is of a case now."""
    return Glance(*db.session.execute(_AT_ONCE, {"case_id": case_id}).one())
