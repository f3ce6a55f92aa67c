"""A creditor's business customers, and how large each is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select

from portal.collection import changes
from portal.collection.models import Debtor
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, RedaError
from portal.sources.values import SIZES

PAGE_SIZE = 50
_SIZES = {name for name, _ in SIZES}


@dataclass(frozen=True)
class Business:
    """A business customer. size_class: one of `sources.values.SIZES`, or None."""

    id: int
    customer_number: str
    name: str
    customer_class: str | None
    size_class: str | None


@dataclass(frozen=True)
class Page:
    """Some business customers, what the next come after, and how many in all have no size."""

    rows: Sequence[Business]
    after: int | None
    unknown: int


def businesses(
    creditor_id: int, *, only_unknown: bool, search: str = "", after: int | None = None
) -> Page:
    """A creditor's business customers. search: part of a name, or a customer number in full."""
    own = (Debtor.creditor_id == creditor_id, Debtor.kind == "company")
    columns = (Debtor.id, Debtor.customer_number, Debtor.name, Debtor.customer_class,
               Debtor.size_class)  # fmt: skip
    query = select(*columns).where(*own).order_by(Debtor.id).limit(PAGE_SIZE + 1)
    if only_unknown:
        query = query.where(Debtor.size_class.is_(None))
    if wanted := search.strip():
        query = query.where(
            or_(Debtor.name.icontains(wanted, autoescape=True), Debtor.customer_number == wanted)
        )
    if after is not None:
        query = query.where(Debtor.id > after)
    rows = [Business(*row) for row in db.session.execute(query)]
    unknown = db.session.scalar(
        select(func.count(Debtor.id)).where(*own, Debtor.size_class.is_(None))
    )
    more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    return Page(rows, rows[-1].id if more else None, unknown or 0)


def tell_sizes(
    creditor_id: int, sizes: Mapping[int, str | None], *, actor: Actor, now: datetime
) -> int:
    """Keep how large some business customers are; answers how many changed.

    sizes: by the customer's id, one of SIZES or None; of another company's customers nothing is
    kept. Raises RedaError for anything else.
    """
    if not _SIZES.issuperset(one for one in sizes.values() if one is not None):
        raise RedaError(N_("Choose one of the options."))
    found = db.session.scalars(
        select(Debtor)
        .where(
            Debtor.creditor_id == creditor_id, Debtor.kind == "company", Debtor.id.in_(list(sizes))
        )
        .order_by(Debtor.id)
        .with_for_update()
    )
    changed = [
        changes.change_customer(one, {"size_class": sizes[one.id]}, actor=actor, now=now)
        for one in found
    ]
    return sum(1 for one in changed if one)
