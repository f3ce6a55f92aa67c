"""What becomes of a company's cases when it is closed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, select

from portal.collection import cases, changes
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor


@dataclass(frozen=True)
class OpenCases:
    """How many cases of a company are open, and how many stand in each status."""

    count: int
    by_status: dict[str, int]


def open_cases(creditor_id: int) -> OpenCases:
    """A company's open cases."""
    rows = db.session.execute(
        select(Case.status, func.count())
        .where(Case.creditor_id == creditor_id, Case.closed_on.is_(None))
        .group_by(Case.status)
        .order_by(Case.status)
    )
    found = {status: int(count) for status, count in rows}
    return OpenCases(sum(found.values()), found)


def return_cases(
    *, today: date, now: datetime, limit: int = 100, between: Callable[[], object]
) -> int:
    """Recall the open cases of companies that are closed so; answers how many.

    limit: in one transaction. between: called after each, such as to commit. Doing it again takes
    what is left.
    """
    returned = 0
    while ids := db.session.scalars(_left(limit)).all():
        # Whoever opens a company again waits for these, and these see that it is open. Companies
        # before their cases, each in the order of their ids, as all who lock both do.
        owners = db.session.scalars(_owners(ids)).all()
        for case_id in ids:
            case = cases.lock(case_id)
            owner = next(one for one in owners if one.id == case.creditor_id)
            if case.closed_on is None and owner.closed_cases == "return":
                # The company itself, for it was decided for all of them at once.
                company = Actor("person", case.creditor.name, role="creditor")
                changes.recall(case, reason="", actor=company, today=today, now=now)
                returned += 1
        between()
    return returned


def _owners(case_ids: Sequence[int]) -> Select[Creditor]:
    theirs = select(Case.creditor_id).where(Case.id.in_(case_ids))
    return (
        select(Creditor)
        .where(Creditor.id.in_(theirs))
        .order_by(Creditor.id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )


def _left(limit: int) -> Select[int]:
    return (
        select(Case.id)
        .join(Creditor, Creditor.id == Case.creditor_id)
        .where(
            Creditor.closed_at.is_not(None),
            Creditor.closed_cases == "return",
            Case.closed_on.is_(None),
        )
        .order_by(Case.id)
        .limit(limit)
    )
