"""Cases whose status, payments and refunds do not agree with the books; there are none.

Every night all cases are read, and those found are kept (`keep`). A page looks again at these, and
at those that something was booked on since the books were summed up, which is no later.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TypeVar

from sqlalchemy import TextClause, delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as insert_or_replace

from portal import ledger
from portal.collection import checks
from portal.extensions import db
from portal.payments import booking, refunds
from portal.payments.models import BooksRead, LeftOver

_Found = TypeVar("_Found")
# More than a page tells of.
_MOST_KEPT, _MOST_SHOWN = 1_000, 100
PAYMENTS, STATUS, REFUNDS = "case", "status", "refund"
_KEPT = "select id from reconciled_left where kind = '{}'"
# Those that the night kept, and those whose books may tell something else since.
_OF_PAYMENTS = text(
    f"""
{_KEPT.format(PAYMENTS)}
union
select case_id from ledger_lines
where entry_id > :kept and account = 'client_funds' and case_id is not null
"""
)
_OF_STATUS = text(
    f"""
{_KEPT.format(STATUS)}
union
select case_id from ledger_entries where id > :kept and case_id is not null
"""
)
_OF_REFUNDS = text(
    f"""
{_KEPT.format(REFUNDS)}
union
select case_id from ledger_lines
where entry_id > :kept and account = 'over_payment' and case_id is not null
union
select case_id from refunds
where status not in ('settled', 'failed', 'withdrawn') and case_id is not null
"""
)


def keep(*, now: datetime) -> int:
    """Look at every case, and keep those that differ for the pages of the day.

    Of refunds, those that money is to go back on: one may be withdrawn with nothing booked.
    Answers how many differ.
    """
    unbooked = booking.differences(_MOST_KEPT)
    misclosed = checks.differences(_MOST_KEPT)
    to_go_back = ledger.overpaid_sql()
    found = {
        PAYMENTS: [one.case_id for one in unbooked],
        STATUS: [one.case_id for one in misclosed],
        REFUNDS: db.session.scalars(
            select(to_go_back.c.case_id).where(to_go_back.c.case_id.is_not(None))
        ).all(),
    }
    db.session.execute(delete(LeftOver).where(LeftOver.kind.in_(found)))
    if rows := [{"kind": kind, "id": id_} for kind, ids in found.items() for id_ in ids]:
        db.session.execute(insert(LeftOver), rows)
    db.session.execute(
        insert_or_replace(BooksRead)
        .values(id=1, at=now)
        .on_conflict_do_update(index_elements=["id"], set_={"at": now})
    )
    return len(unbooked) + len(misclosed) + len(refunds.differences(_MOST_KEPT))


def forget() -> None:
    """Let all cases be read until some are kept anew."""
    db.session.execute(delete(LeftOver))
    db.session.execute(delete(BooksRead))


def read_at() -> datetime | None:
    """When all cases were last read and what was found was kept; None when none is kept."""
    return db.session.scalar(select(BooksRead.at))


def payments() -> list[booking.Unbooked]:
    """Cases whose payments, less what was paid back, are not what is booked."""
    return ledger.steadily(payments_since)


def payments_since(kept: int) -> list[booking.Unbooked]:
    """The same. kept: the entry that the books are summed up through."""
    return _some(_OF_PAYMENTS, booking.differences, kept)


def statuses() -> list[checks.Difference]:
    """Closed cases with something left in the books, and open ones with nothing."""
    if read_at() is None:
        return checks.differences()
    return ledger.steadily(lambda kept: _some(_OF_STATUS, checks.differences, kept))


def refunds_due() -> list[refunds.Unbalanced]:
    """Cases where too much was paid and other money goes back."""
    if read_at() is None:
        return refunds.differences()
    return ledger.steadily(lambda kept: _some(_OF_REFUNDS, refunds.differences, kept))


def _some(
    which: TextClause, differences: Callable[[int, Collection[int] | None], list[_Found]], kept: int
) -> list[_Found]:
    if not kept:
        # All are new, and sooner read than named.
        return differences(_MOST_SHOWN, None)
    ids = db.session.scalars(which, {"kept": kept}).all()
    return differences(_MOST_SHOWN, ids) if ids else []
