"""Whether the books and the cases agree: what the nightly check looks for."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select

from portal import ledger
from portal.collection import states
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.models import Creditor

CLOSED_OWES, OPEN_OWES_NOTHING = "closed case owes", "open case owes nothing"


@dataclass(frozen=True)
class Difference:
    """A case that the books do not agree with. what: one of the two above. ore: what is booked."""

    case_id: int
    what: str
    creditor_name: str
    reference: str
    ore: int


def differences(limit: int = 100, among: Collection[int] | None = None) -> list[Difference]:
    """Closed cases with something left in the books, and open ones with nothing.

    among: ids of the cases looked at; default all.
    """
    totals = ledger.case_totals_sql(among=among)
    some = [] if among is None else [Case.id == func.any(list(among))]
    rows = db.session.execute(
        select(Case.id, Case.closed_on, Creditor.name, Case.reference, totals.c.owed_ore)
        .join(totals, totals.c.case_id == Case.id)
        .join(Creditor, Creditor.id == Case.creditor_id)
        .where(
            or_(
                and_(Case.status.in_(states.CLOSED), totals.c.owed_ore != 0),
                and_(Case.status.in_(states.OPEN), totals.c.owed_ore == 0),
            ),
            *some,
        )
        .order_by(Case.id)
        .limit(limit)
    )
    return [
        Difference(id_, CLOSED_OWES if closed_on else OPEN_OWES_NOTHING, name, reference, int(ore))
        for id_, closed_on, name, reference, ore in rows
    ]
