"""A company's envelopes in a list: how each stands at a glance, filtered, sorted, page by page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, and_, cast, func, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from portal.extensions import db
from portal.signing.envelopes import APPROVES, COMPLETED, DECLINED, DRAFT, EXPIRED, OPEN, SIGNS
from portal.signing.envelopes import WITHDRAWN as _WITHDRAWN
from portal.signing.models import OF_THE_SERVICE, Envelope, EnvelopeFile, Signer

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
    """Which envelopes; what is empty leaves none out.

    text: words, each in the title, in a file's name, or of somebody whom it concerns. person: part
    of the name or address of who signs or has sent it. folder: None for any, empty for those in
    none. made_from, made_to: the days that it may have been made on. deleted_by: it is deleted on
    that day or before. sort: of SORTS, with a minus in front when it descends.
    """

    text: str = ""
    statuses: Sequence[str] = ()
    kinds: Sequence[str] = ()
    person: str = ""
    folder: str | None = None
    made_from: date | None = None
    made_to: date | None = None
    deleted_by: date | None = None
    sort: str = NEWEST

    @property
    def is_narrowed(self) -> bool:
        return replace(self, sort=NEWEST) != Wanted()


@dataclass(frozen=True)
class Row:
    """An envelope at a glance. signed: how many of `of` have. waited_for: whose turn it is."""

    id: int
    key: str
    title: str
    folder: str
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


def kinds(creditor_id: int) -> list[str]:
    """The kinds that a company has envelopes of."""
    query = select(Envelope.kind).where(
        Envelope.creditor_id == creditor_id, Envelope.kind.not_in(OF_THE_SERVICE)
    )
    return sorted(db.session.scalars(query.distinct()))


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
    return query.where(*_narrowed(wanted))


def _narrowed(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    for word in wanted.text.split():
        yield or_(
            _holds(Envelope.title, word),
            _exists(Signer, or_(_holds(Signer.name, word), _holds(Signer.email, word))),
            _exists(EnvelopeFile, _holds(EnvelopeFile.name, word)),
        )
    if person := wanted.person.strip():
        yield or_(
            _holds(Envelope.sender_name, person),
            _exists(Signer, or_(_holds(Signer.name, person), _holds(Signer.email, person))),
        )
    if wanted.kinds:
        yield Envelope.kind.in_(wanted.kinds)
    if wanted.folder is not None:
        yield Envelope.folder == wanted.folder
    made_on = cast(func.timezone("Europe/Stockholm", Envelope.created_at), Date)
    if wanted.made_from:
        yield made_on >= wanted.made_from
    if wanted.made_to:
        yield made_on <= wanted.made_to
    if wanted.deleted_by:
        yield Envelope.keep_until_on < wanted.deleted_by
        yield Envelope.hold_reason.is_(None)


def _holds(column: InstrumentedAttribute[Any], text: str) -> ColumnElement[bool]:
    return column.icontains(text, autoescape=True)


def _exists(
    table: type[Signer] | type[EnvelopeFile], condition: ColumnElement[bool]
) -> ColumnElement[bool]:
    return select(1).where(table.envelope_id == Envelope.id, condition).exists()


_OWN = ("id", "key", "title", "folder", "kind", "version", "status", "sender_name", "created_at",
        "sent_at", "ended_at", "last_on", "sealed_at")  # fmt: skip
