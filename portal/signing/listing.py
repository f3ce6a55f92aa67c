"""A company's envelopes in a list: how each stands at a glance, filtered, sorted, page by page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_

from portal.extensions import db
from portal.signing.envelopes import APPROVES, COMPLETED, DECLINED, DRAFT, EXPIRED, OPEN, SIGNS
from portal.signing.envelopes import WITHDRAWN as _WITHDRAWN
from portal.signing.models import OF_THE_SERVICE, Envelope, Signer

PAGE_SIZE = 50
STATUSES = (DRAFT, OPEN, COMPLETED, DECLINED, _WITHDRAWN, EXPIRED)
NEWEST = "-created"
_SORTS: dict[str, ColumnElement[Any]] = {
    "created": Envelope.id.expression,
    "title": func.lower(Envelope.title),
    "last": Envelope.last_on.expression,
}
SORTS = tuple(_SORTS)
MOST_NAMED = 3


@dataclass(frozen=True)
class Wanted:
    """Which envelopes. statuses: none for all. text: in a title, or of somebody whom it concerns.

    sort: of SORTS, with a minus in front when it descends.
    """

    text: str = ""
    statuses: Sequence[str] = ()
    sort: str = NEWEST

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.statuses)


@dataclass(frozen=True)
class Row:
    """An envelope at a glance. signed: how many of `of` have. waited_for: whose turn it is."""

    id: int
    key: str
    title: str
    kind: str
    version: int
    status: str
    sender_name: str
    created_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    last_on: date
    sealed_at: datetime | None
    signed: int
    of: int
    waited_for: Sequence[str]


@dataclass(frozen=True)
class Page:
    """Some rows. after: the last one's id, None at the end."""

    rows: Sequence[Row]
    after: int | None


def page(creditor_id: int, wanted: Wanted, after: int | None = None, size: int = PAGE_SIZE) -> Page:
    """A company's envelopes. after: the last one's id of the page before."""
    by, is_down = _way(wanted.sort)
    place = tuple_(by, Envelope.id)
    query = _rows(creditor_id, wanted)
    if after is not None:
        last = (
            select(by, Envelope.id)
            .where(Envelope.creditor_id == creditor_id, Envelope.id == after)
            .scalar_subquery()
        )
        query = query.where(place < last if is_down else place > last)
    order = (by.desc(), Envelope.id.desc()) if is_down else (by, Envelope.id)
    found = [
        Row(**row) for row in db.session.execute(query.order_by(*order).limit(size + 1)).mappings()
    ]
    return Page(found[:size], found[size - 1].id if len(found) > size else None)


def every(creditor_id: int, wanted: Wanted) -> Iterator[Row]:
    """All of them, in order."""
    after = None
    while True:
        found = page(creditor_id, wanted, after, size=500)
        yield from found.rows
        after = found.after
        if after is None:
            return


def counts(creditor_id: int) -> dict[str, int]:
    """How many a company has by their status."""
    query = (
        select(Envelope.status, func.count())
        .where(Envelope.creditor_id == creditor_id, Envelope.kind.not_in(OF_THE_SERVICE))
        .group_by(Envelope.status)
    )
    return {row.status: row[1] for row in db.session.execute(query)}


def _way(sort: str) -> tuple[ColumnElement[Any], bool]:
    by = _SORTS.get(sort.removeprefix("-"))
    return (_SORTS["created"], True) if by is None else (by, sort.startswith("-"))


def _rows(creditor_id: int, wanted: Wanted) -> Select[Any]:
    must = and_(
        Signer.envelope_id == Envelope.id,
        Signer.role.in_((SIGNS, APPROVES)),
        Signer.status != "handed_over",
    )
    counted = select(func.count()).where(must).correlate(Envelope)
    turn = (
        select(Signer.name)
        .where(must, Signer.status == "invited")
        .order_by(Signer.step, Signer.id)
        .limit(MOST_NAMED + 1)
        .correlate(Envelope)
    )
    columns = [getattr(Envelope, name) for name in _OWN]
    query = select(
        *columns,
        counted.where(Signer.status == "signed").scalar_subquery().label("signed"),
        counted.scalar_subquery().label("of"),
        func.array(turn.scalar_subquery()).label("waited_for"),
    ).where(Envelope.creditor_id == creditor_id, Envelope.kind.not_in(OF_THE_SERVICE))
    if wanted.statuses:
        query = query.where(Envelope.status.in_(wanted.statuses))
    if text := wanted.text.strip():
        query = query.where(
            or_(
                Envelope.title.icontains(text, autoescape=True),
                select(1)
                .where(
                    Signer.envelope_id == Envelope.id,
                    or_(
                        Signer.name.icontains(text, autoescape=True),
                        Signer.email.icontains(text, autoescape=True),
                    ),
                )
                .exists(),
            )
        )
    return query


_OWN = ("id", "key", "title", "kind", "version", "status", "sender_name", "created_at", "sent_at",
        "ended_at", "last_on", "sealed_at")  # fmt: skip
