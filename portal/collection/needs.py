"""What waits for a person of the creditor: how many, and since when, found by index as it is now.

Each is one line of `_needs`; what is counted stops at MOST, so that a heap of ten thousand takes no
longer than one of a thousand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    ScalarSelect,
    Select,
    String,
    cast,
    func,
    literal,
    select,
)

from portal.collection import correspondence, reaching, states, tellings
from portal.collection.models import Case, Debtor, Plan, Stop, Upload
from portal.delivery import outbox

MOST = 1_000
# A plan that was not kept, or a file with bad rows, is news for so long.
_NEWS = timedelta(days=30)
DISPUTES, DECISIONS, UNDELIVERED = "disputes", "decisions", "undelivered"
ADDRESSES, PLANS, ROWS, FILES, REVIEWS = "addresses", "plans", "rows", "files", "reviews"
APPROVALS, MESSAGES, TELLINGS = "approvals", "messages", "tellings"
# In the order that they are told in; the last one is for a person of ours.
ORDER = (
    APPROVALS, DISPUTES, TELLINGS, MESSAGES, DECISIONS, PLANS, UNDELIVERED, ADDRESSES, ROWS, FILES,
    REVIEWS,
)  # fmt: skip


@dataclass(frozen=True)
class Need:
    """Something that waits. name: one of ORDER. count: how many, MOST or more when `is_more`.

    since: when the oldest began to wait.
    """

    name: str
    count: int
    since: datetime
    is_more: bool


def told_sql(
    creditor_id: int, *, also: Mapping[str, Select[datetime]], today: date, now: datetime
) -> ScalarSelect[Any]:
    """What waits for a creditor's people now, for a statement that asks for more besides.

    also: what other rooms know of, by its name in ORDER: since when each waits, the oldest first.
    """
    parts = [
        *_needs(creditor_id, today, now),
        *(_counted(name, since) for name, since in also.items()),
    ]
    every = parts[0].union_all(*parts[1:]).subquery()
    found = select(
        every.c[0].label("name"), every.c[1].label("count"), every.c[2].label("since")
    ).subquery()
    return select(func.jsonb_agg(func.to_jsonb(found.table_valued()))).scalar_subquery()


def read(told: Sequence[Mapping[str, Any]]) -> list[Need]:
    """What `told_sql` answered, without what does not wait, in the order of ORDER."""
    found = [
        Need(
            one["name"],
            min(one["count"], MOST),
            datetime.fromisoformat(one["since"]),
            one["count"] > MOST,
        )
        for one in told
        if one["count"]
    ]
    return sorted(found, key=lambda need: ORDER.index(need.name))


def _needs(creditor_id: int, today: date, now: datetime) -> Sequence[Select[*tuple[Any, ...]]]:
    def stops(kind: str) -> Select[datetime]:
        return (
            select(Stop.began_at)
            .where(Stop.creditor_id == creditor_id, Stop.kind == kind, Stop.ended_at.is_(None))
            .order_by(Stop.began_at)
        )

    deciding = (
        select(_morning(Case.pay_by_on.expression))
        .where(Case.creditor_id == creditor_id, Case.status == states.DECIDING)
        .order_by(Case.pay_by_on)
    )
    broken = (
        select(_morning(Plan.ended_on.expression))
        .join(Case, Case.id == Plan.case_id)
        .where(
            Plan.creditor_id == creditor_id,
            Plan.status == "broken",
            Plan.ended_on >= today - _NEWS,
            Case.closed_on.is_(None),
        )
        .order_by(Plan.ended_on)
    )
    addresses = (
        select(Case.opened_at)
        .join(Debtor, Debtor.id == Case.debtor_id)
        .where(
            Debtor.creditor_id == creditor_id,
            reaching.has_no_address(),
            Case.closed_on.is_(None),
        )
    )
    problems = Upload.result["problem_count"].as_integer()
    uploads = select(
        literal(ROWS, String), func.coalesce(func.sum(problems), 0), func.min(Upload.imported_at)
    ).where(
        Upload.creditor_id == creditor_id,
        Upload.imported_at >= now - _NEWS,
        problems > 0,
    )
    files = (
        select(Upload.created_at)
        .where(Upload.creditor_id == creditor_id, Upload.status != "imported")
        .order_by(Upload.created_at)
    )
    return (
        _counted(DISPUTES, stops(states.DISPUTE)),
        _counted(TELLINGS, tellings.waiting_sql(creditor_id)),
        _counted(MESSAGES, correspondence.waiting_sql(creditor_id)),
        _counted(DECISIONS, deciding),
        _counted(PLANS, broken),
        _counted(UNDELIVERED, outbox.given_up_sql(creditor_id)),
        _counted(ADDRESSES, addresses),
        uploads,
        _counted(FILES, files),
        _counted(REVIEWS, stops(states.REVIEW)),
    )


def _counted(name: str, since: Select[datetime]) -> Select[str, int, datetime]:
    some = since.limit(MOST + 1).subquery()
    return select(literal(name, String), func.count(), func.min(some.c[0])).select_from(some)


def _morning(day: ColumnElement[date | None]) -> ColumnElement[datetime]:
    """The instant that a day begins with in Sweden."""
    return func.timezone("Europe/Stockholm", cast(day, DateTime(timezone=False)))
