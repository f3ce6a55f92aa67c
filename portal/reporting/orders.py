"""What a person does with an order of work: ask for it, follow it, stop it, fetch its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update

from portal.collection import history
from portal.database import files, queue
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, RedaError
from portal.reporting.models import (
    CANCELLED,
    DONE,
    FAILED,
    GONE,
    UNDER_WAY,
    WAITING,
    Fetched,
    Order,
)

JOB = "make_ordered"
KEPT = timedelta(days=7)
PAGE_SIZE = 20
# How many orders of a company may wait at once; more would only keep others waiting.
MOST_WAITING = 10
# Together with a creditor's id, the key of the lock that says: an order of theirs is being put.
_PUTTING = 0x0DE5 << 40
# An order whose files are gone tells who asked for what for as long as this.
_TOLD = timedelta(days=400)
# A file stored so lately may belong to a row that is not committed yet.
_UNCOMMITTED = timedelta(hours=1)


class TooMany(RedaError):
    """A company has as many orders waiting as it may."""

    status = 409


class NotThisWay(RedaError):
    """The order has changed, and what was asked for is not possible with it any more."""

    status = 409


@dataclass(frozen=True)
class Page:
    """Some orders, the newest first, how often each was fetched, and what the next come after."""

    rows: Sequence[Order]
    fetched: Mapping[int, int]
    after: int | None


def put(
    creditor_id: int,
    kind: str,
    parameters: Mapping[str, Any],
    *,
    language: str,
    actor: Actor,
    now: datetime,
) -> Order:
    """Ask for a report or an archive; the same asked for again while it is made is the same order.

    kind: `report` or `archive`. parameters: JSON values that its maker reads.
    Raises TooMany.
    """
    # Two clicks at once must find each other's order.
    db.session.execute(select(func.pg_advisory_xact_lock(_PUTTING + creditor_id)))
    under_way = db.session.scalars(
        select(Order).where(Order.creditor_id == creditor_id, Order.status.in_(UNDER_WAY))
    ).all()
    for one in under_way:
        if (one.kind, one.parameters, one.language) == (kind, dict(parameters), language):
            return one
    if len(under_way) >= MOST_WAITING:
        raise TooMany(
            N_("%(most)s orders are being made already. Wait until one is ready, or cancel one."),
            most=MOST_WAITING,
        )
    order = Order(
        creditor_id=creditor_id,
        person_id=actor.person_id,
        person_name=actor.name,
        kind=kind,
        parameters=dict(parameters),
        language=language,
        created_at=now,
        touched_at=now,
    )
    db.session.add(order)
    db.session.flush()
    _record("ordered", order, actor, now, asked=order.parameters)
    queue.defer(JOB, once=JOB)
    return order


def _record(what: str, order: Order, actor: Actor, now: datetime, **data: Any) -> None:
    history.record(
        f"{order.kind}.{what}",
        creditor_id=order.creditor_id,
        actor=actor,
        now=now,
        order=order.id,
        **data,
    )


def find(order_id: int) -> Order | None:
    """An order, as it is now, if it may be seen."""
    return db.session.get(Order, order_id, populate_existing=True)


def page(creditor_id: int, kind: str, after: int | None = None) -> Page:
    """A company's orders of a kind. after: the id of the last one seen."""
    query = (
        select(Order)
        .where(Order.creditor_id == creditor_id, Order.kind == kind)
        .order_by(Order.id.desc())
        .limit(PAGE_SIZE + 1)
    )
    if after is not None:
        query = query.where(Order.id < after)
    rows = db.session.scalars(query).all()
    counts = db.session.execute(
        select(Fetched.order_id, func.count())
        .where(Fetched.order_id.in_([one.id for one in rows]))
        .group_by(Fetched.order_id)
    )
    more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    return Page(rows, {row[0]: int(row[1]) for row in counts}, rows[-1].id if more else None)


def fetched(order: Order) -> list[Fetched]:
    """Who has downloaded the files of an order, the newest first."""
    return list(
        db.session.scalars(
            select(Fetched).where(Fetched.order_id == order.id).order_by(Fetched.id.desc())
        )
    )


def cancel(order: Order, *, actor: Actor, now: datetime) -> None:
    """Stop an order that is not made yet. Raises NotThisWay when it is no longer under way."""
    stopped = db.session.scalar(
        update(Order)
        .where(Order.id == order.id, Order.status.in_(UNDER_WAY))
        .values(status=CANCELLED, finished_at=now)
        .returning(Order.id)
    )
    if stopped is None:
        raise NotThisWay(N_("This is no longer being made. Look at it again."))
    _record("cancelled", order, actor, now)


def again(order: Order, *, language: str, actor: Actor, now: datetime) -> Order:
    """Have the same made once more; what failed or was stopped goes on in its own order.

    Raises TooMany.
    """
    going_on = db.session.scalar(
        update(Order)
        .where(Order.id == order.id, Order.status.in_((FAILED, CANCELLED)))
        .values(
            status=WAITING, failure=None, done=0, total=0, state={}, files=[], touched_at=now,
            finished_at=None, started_at=None, attempt=Order.attempt + 1, tries=0,
        )
        .returning(Order.id)
    )  # fmt: skip
    if going_on is None:
        return put(
            order.creditor_id, order.kind, order.parameters, language=language, actor=actor, now=now
        )
    _record("ordered", order, actor, now, asked=order.parameters)
    queue.defer(JOB, once=JOB)
    return order


def fetch(order: Order, place: int, *, actor: Actor, now: datetime) -> Mapping[str, Any]:
    """One of an order's files, {name, sha256, size}; that it was fetched is written down.

    place: 0 is the first. Raises NotThisWay when it is not there (any more).
    """
    is_over = order.expires_at is not None and order.expires_at <= now
    if order.status != DONE or is_over or not 0 <= place < len(order.files):
        raise NotThisWay(N_("The file is not there. Files are kept for seven days."))
    file = order.files[place]
    db.session.add(
        Fetched(
            order_id=order.id, creditor_id=order.creditor_id, person_id=actor.person_id,
            person_name=actor.name, place=place, fetched_at=now,
        )
    )  # fmt: skip
    _record("downloaded", order, actor, now, file=file["name"], sha256=file["sha256"])
    return file


def forget_old(now: datetime, *, real_now: datetime) -> None:
    """Delete the files of what was made a week ago, and of what was stopped; tidy up after kills.

    Files that something else names stay. real_now: by the machine's clock, which dates files. To be
    called where every tenant's orders are seen.
    """
    orders = db.session.scalars(
        select(Order)
        .where(
            ((Order.status == DONE) & (Order.expires_at <= now))
            | (
                Order.status.in_((FAILED, CANCELLED))
                & (func.jsonb_array_length(Order.files) > 0)
                & (Order.touched_at <= now - _UNCOMMITTED)
            )
        )
        .with_for_update(skip_locked=True)
    ).all()
    hashes = [one["sha256"] for order in orders for one in order.files]
    for order in orders:
        if order.status == DONE:
            order.status = GONE
        else:
            order.files, order.state = [], {}
    db.session.flush()
    if hashes:
        files.remove_unnamed(hashes, unused_since=real_now - _UNCOMMITTED)
    files.forget_partial(real_now - timedelta(days=1))
    old = select(Order.id).where(Order.created_at < now - _TOLD, Order.status.not_in(UNDER_WAY))
    db.session.execute(delete(Fetched).where(Fetched.order_id.in_(old)))
    db.session.execute(delete(Order).where(Order.id.in_(old)))
