"""The reference rates: the law's table and what an operator has added to it."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal.collection.models import ReferenceRate
from portal.database.together import Part
from portal.extensions import db
from portal.identity.actor import Actor
from portal.law.interest import REFERENCE_RATES, RateTable
from portal.messages import N_, RedaError


def table() -> RateTable:
    """All known reference rates."""
    return _checked(tuple((on, per_cent) for on, per_cent in db.session.execute(_ADDED)))


_ADDED = select(ReferenceRate.from_on, ReferenceRate.per_cent).order_by(ReferenceRate.from_on)


@lru_cache(maxsize=8)
def _checked(added: tuple[tuple[date, Decimal], ...]) -> RateTable:
    return RateTable(REFERENCE_RATES, added=added)


# `table`, to be asked with other things.
TABLE = Part(_ADDED, lambda rows: _checked(tuple((on, per_cent) for on, per_cent in rows)))


def added() -> list[ReferenceRate]:
    """The rates that operators have added, newest first."""
    return list(db.session.scalars(select(ReferenceRate).order_by(ReferenceRate.from_on.desc())))


def add(from_on: date, per_cent: Decimal, source: str, *, actor: Actor, now: datetime) -> None:
    """Add a half-year's reference rate (räntelagen § 9).

    from_on: 1 January or 1 July. per_cent: as Riksbanken publishes it. source: where it was read.
    Raises RedaError for another date, a rate that nobody could mean, or one already there.
    """
    if (from_on.month, from_on.day) not in ((1, 1), (7, 1)):
        raise RedaError(
            N_("A reference rate holds from 1 January or 1 July. Choose one of them."),
            field="from_on",
        )
    if not Decimal(-5) <= per_cent <= Decimal(25) or per_cent % Decimal("0.5"):
        raise RedaError(
            N_("A reference rate is a number of whole or half per cent. Check it at Riksbanken."),
            field="per_cent",
        )
    if not source.strip():
        raise RedaError(N_("Say where you read the rate, such as the decision's number."),
                        field="source")  # fmt: skip
    taken = from_on in {row[0] for row in _known()}
    inserted = not taken and db.session.scalar(
        insert(ReferenceRate)
        .values(
            from_on=from_on,
            per_cent=per_cent,
            source=source.strip(),
            person_id=actor.person_id,
            created_at=now,
        )
        .on_conflict_do_nothing()
        .returning(ReferenceRate.from_on)
    )
    if not inserted:
        raise RedaError(
            N_("There is a rate for that half-year already. A published rate is never changed."),
            field="from_on",
        )


def _known() -> list[tuple[date, Decimal]]:
    return [(row.from_on, row.per_cent) for row in REFERENCE_RATES]
