"""The cards of a company's page, each saved as a whole by whoever has seen it as it is.

A card's version counts how often it was saved. Who saves says which version was read; when another
was saved meanwhile, nothing is lost unseen.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal.collection import history
from portal.companies.models import CompanyCard
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, RedaError

DESCRIPTION, LETTER, CONTACTS, ACCOUNTS = "description", "letter", "contacts", "accounts"


class ChangedMeanwhile(RedaError):
    """Somebody else saved the card after it was read."""

    status = 409


def versions(creditor_id: int) -> dict[str, int]:
    """How often each card of a company was saved; one that is not there never was."""
    rows = db.session.execute(
        select(CompanyCard.card, CompanyCard.version).where(CompanyCard.creditor_id == creditor_id)
    )
    return {row.card: row.version for row in rows}


def claim(creditor_id: int, card: str, version: int, *, actor: Actor, now: datetime) -> None:
    """Take a card for saving, locked until the transaction ends, and count it as saved.

    version: as `versions` told when the card was read. Raises ChangedMeanwhile.
    """
    db.session.execute(
        insert(CompanyCard)
        .values(creditor_id=creditor_id, card=card, version=0, changed_at=now, changed_by="")
        .on_conflict_do_nothing()
    )
    row = db.session.scalars(
        select(CompanyCard)
        .where(CompanyCard.creditor_id == creditor_id, CompanyCard.card == card)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if row.version != version:
        raise ChangedMeanwhile(
            N_(
                "%(who)s changed this meanwhile. What is kept now stands above; save again to put"
                " yours in its place."
            ),
            who=row.changed_by,
        )
    row.version, row.changed_at, row.changed_by = version + 1, now, actor.name


def tell(
    creditor_id: int,
    card: str,
    before: Mapping[str, object],
    after: Mapping[str, object],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Tell the history what a card said before and says now."""
    history.record(
        "company.changed",
        creditor_id=creditor_id,
        actor=actor,
        now=now,
        card=card,
        before={name: value for name, value in before.items() if after.get(name) != value},
        after={name: value for name, value in after.items() if before.get(name) != value},
    )
