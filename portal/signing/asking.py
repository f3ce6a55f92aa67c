"""Companies are told that a new version of the agreement waits for them, and told again in time."""

from datetime import date, datetime, timedelta

from sqlalchemy import select

from portal.extensions import db
from portal.identity.models import Creditor
from portal.notifications import telling
from portal.signing import agreements

# Days before the last one on which a company that has not signed is told again.
_AGAIN = (14, 3)


def ask(*, today: date, now: datetime) -> int:
    """Tell each company's administrators of the version that they are asked about, each time once.

    When it is published, fourteen and three days before its last day, and when that day is over.
    Answers how many people were told.
    """
    if not agreements.versions():
        return 0
    state = agreements.state_sql(Creditor.id.expression).label("state")
    waiting = (agreements.ASKED, agreements.OVERDUE, agreements.TOLD)
    companies = db.session.execute(select(Creditor.id, state).where(state.in_(waiting))).all()
    told = 0
    for company in companies:
        for key in _keys(company.state, today):
            told += telling.notify("agreement", creditor_id=company.id, data={}, key=key, now=now)
    return told


def _keys(state: str, today: date) -> list[str]:
    """What of the version is told by now; each key is told once."""
    version = agreements.current_version().number
    keys = [f"agreement:{version}"]
    last = agreements.newest_material().accept_by_on
    if state == agreements.TOLD or last is None:
        return keys
    if state == agreements.OVERDUE:
        return [*keys, f"agreement:{version}:over"]
    reached = [days for days in _AGAIN if today >= last - timedelta(days=days)]
    # Of those that have been reached, only the last: a worker that was down tells once.
    return [*keys, *(f"agreement:{version}:{days}" for days in reached[-1:])]
