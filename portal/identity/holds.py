"""Companies that stand still as a whole: nothing is done for them and nothing sent.

Whoever does or sends something asks `keep_still` first, in its transaction, and then only touches
companies that are not among `held`. A hold is begun when all of those have ended: once it is seen,
nothing by the clock comes to light any more. `collection.holding` begins and ends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    any_,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from portal.database.together import Part
from portal.extensions import db
from portal.identity.models import CompanyHold

# Names the lock that those who act share, and whoever begins a hold has alone.
_LOCK = 0x7265_6861
# For statements of SQL: the companies that stand still.
HELD_SQL = "(select creditor_id from company_holds where ended_at is null)"


def keep_still() -> None:
    """Let no hold begin before this transaction ends; many may ask for it at once."""
    db.session.execute(select(func.pg_advisory_xact_lock_shared(_LOCK)))


def held() -> Select[Any]:
    """The companies that stand still."""
    return select(CompanyHold.creditor_id).where(CompanyHold.ended_at.is_(None))


def is_held_sql(creditor_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether the creditor of an outer query stands still."""
    open_hold = (CompanyHold.creditor_id == creditor_id) & CompanyHold.ended_at.is_(None)
    return select(CompanyHold.id).where(open_hold).exists()


@dataclass(frozen=True)
class Standing:
    """Of some companies: those that stand still, and those whose held letters are to be written."""

    held: frozenset[int]
    letters_left: frozenset[int]


def _standing(rows: Sequence[Sequence[Any]]) -> Standing:
    held = frozenset(creditor_id for creditor_id, is_on in rows if is_on)
    return Standing(held, frozenset(creditor_id for creditor_id, _ in rows) - held)


# How some companies stand, of those that may be seen, asked with other things. Binds creditor_ids.
STANDING = Part(
    select(CompanyHold.creditor_id, CompanyHold.ended_at.is_(None)).where(
        CompanyHold.creditor_id == any_(bindparam("creditor_ids", type_=ARRAY(BigInteger))),
        CompanyHold.ended_at.is_(None) | CompanyHold.letters_left,
    ),
    _standing,
)


def current(creditor_id: int) -> CompanyHold | None:
    """The hold that a company is under."""
    return db.session.scalar(
        select(CompanyHold).where(
            CompanyHold.creditor_id == creditor_id, CompanyHold.ended_at.is_(None)
        )
    )


def begin(creditor_id: int, reason: str, *, by: str, now: datetime) -> bool:
    """Let a company stand still once what is being done has been done. Answers whether it is new.

    by: who, as the history tells it.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    begun = db.session.scalar(
        insert(CompanyHold)
        .values(
            creditor_id=creditor_id, reason=reason, began_at=now, began_by=by, letters_left=False
        )
        .on_conflict_do_nothing(
            index_elements=[CompanyHold.creditor_id], index_where=CompanyHold.ended_at.is_(None)
        )
        .returning(CompanyHold.id)
    )
    return begun is not None


def end(creditor_id: int, *, letters_left: bool, now: datetime) -> datetime | None:
    """Let a company go on; answers since when it had stood still, None when it had not.

    letters_left: letters that it held back are still to be written anew.
    """
    return db.session.scalar(
        update(CompanyHold)
        .where(CompanyHold.creditor_id == creditor_id, CompanyHold.ended_at.is_(None))
        .values(ended_at=now, letters_left=letters_left)
        .returning(CompanyHold.began_at)
    )


def with_letters_left() -> list[int]:
    """The companies that go on, and whose letters are still to be written anew."""
    rows = db.session.scalars(
        select(CompanyHold.creditor_id)
        .where(CompanyHold.letters_left, CompanyHold.creditor_id.not_in(held()))
        .distinct()
        .order_by(CompanyHold.creditor_id)
    )
    return list(rows)


def letters_done(creditor_id: int) -> None:
    """None of a company's letters is left to be written anew."""
    db.session.execute(
        update(CompanyHold)
        .where(CompanyHold.creditor_id == creditor_id, CompanyHold.letters_left)
        .values(letters_left=False)
    )
