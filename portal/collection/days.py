"""Which days the clock has run, and which it has still to run."""

from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from portal.collection.models import Day
from portal.extensions import db
from portal.messages import N_, RedaError

# Whoever was away for longer than this should look at what happened before letters go out.
MOST_AT_ONCE = 62


class ClockWentBack(RedaError):
    """A day that lies before one that has been run cannot be run any more."""

    status = 409


def last_run() -> date | None:
    """The newest day that was run to its end."""
    return db.session.scalar(select(func.max(Day.day)).where(Day.ended_at.is_not(None)))


def to_run(until: date) -> list[date]:
    """The days to run up to and including one, the earliest first; that one again if it was run.

    Raises ClockWentBack for a day before the newest that was run, RedaError when more than 62 days
    were missed.
    """
    last = last_run()
    if last is None or last == until:
        return [until]
    if until < last:
        raise ClockWentBack(
            N_("%(last_on)s has been run already; %(day_on)s lies before it."),
            last_on=last.isoformat(),
            day_on=until.isoformat(),
        )
    missed = (until - last).days
    if missed > MOST_AT_ONCE:
        raise RedaError(
            N_("%(days)s days were missed. Run them in parts, and look at each part."), days=missed
        )
    return [last + timedelta(days=one) for one in range(1, missed + 1)]


def begin(day: date, now: datetime) -> None:
    """Note that a day is being run; the first beginning stays."""
    db.session.execute(
        insert(Day).values(day=day, began_at=now, result={}).on_conflict_do_nothing()
    )


def finish(day: date, now: datetime, **counts: int) -> None:
    """Note that a day was run to its end, and what it did; a second run's counts are added."""
    found = db.session.get_one(Day, day, with_for_update=True)
    found.ended_at = now
    before = found.result
    found.result = {name: before.get(name, 0) + count for name, count in counts.items()}


def newest(limit: int = 14) -> list[Day]:
    """The newest days, for an operator."""
    return list(db.session.scalars(select(Day).order_by(Day.day.desc()).limit(limit)))
