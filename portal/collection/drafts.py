"""Rules that somebody edits and has not saved: kept for that person alone, for some days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from portal.collection import rulebook
from portal.collection.deciding import Key
from portal.collection.models import RuleDraft
from portal.collection.policy import as_json
from portal.extensions import db
from portal.messages import N_, RedaError

KEPT = timedelta(days=14)


class NotThere(RedaError):
    """There is no such draft of this person's, or it was too old and is forgotten."""

    status = 404


@dataclass(frozen=True)
class Draft:
    """A row of the rules, edited.

    values, version: as `rulebook.save` takes them. base: the newest change when they were read.
    """

    id: int
    scope: str
    key: str
    values: Mapping[str, Any]
    version: int
    base: int
    changed_at: datetime

    @property
    def edited(self) -> dict[Key, Mapping[str, Any]]:
        """As a preview takes it."""
        return {(self.scope, self.key): self.values}


def keep(
    creditor_id: int,
    person_id: int,
    values: Mapping[str, Any],
    version: int,
    base: int = 0,
    *,
    scope: str = "company",
    key: str = "",
    now: datetime,
) -> int:
    """Keep what a person has edited in place of what they had edited of that row; answers its id.

    values, version, base: as a Draft tells them; what they say is not yet checked.
    """
    told = {name: as_json(value) for name, value in values.items()}
    changed = {"values": told, "version": version, "base": base, "changed_at": now}
    kept: int = db.session.scalars(
        insert(RuleDraft)
        .values(
            creditor_id=creditor_id, person_id=person_id, scope=scope, scope_key=key, **changed
        )
        .on_conflict_do_update(
            index_elements=[
                RuleDraft.creditor_id, RuleDraft.person_id, RuleDraft.scope, RuleDraft.scope_key,
            ],
            set_=changed,
        )
        .returning(RuleDraft.id)
    ).one()  # fmt: skip
    return kept


def find(creditor_id: int, person_id: int, draft_id: int) -> Draft:
    """A person's draft. Raises NotThere."""
    row = db.session.scalar(select(RuleDraft).where(*_is(creditor_id, person_id, draft_id)))
    if row is None:
        raise NotThere(N_("These changes are not kept any more. Edit the rules again."))
    return _read(row)


def of_company(creditor_id: int, person_id: int) -> Draft | None:
    """What a person has edited of the company's own rules and not saved."""
    row = db.session.scalar(
        select(RuleDraft).where(
            RuleDraft.creditor_id == creditor_id,
            RuleDraft.person_id == person_id,
            RuleDraft.scope == "company",
        )
    )
    return None if row is None else _read(row)


def _read(row: RuleDraft) -> Draft:
    values = rulebook.as_values(row.values)
    return Draft(row.id, row.scope, row.scope_key, values, row.version, row.base, row.changed_at)


def forget(creditor_id: int, person_id: int, draft_id: int) -> None:
    """Throw a draft away."""
    db.session.execute(delete(RuleDraft).where(*_is(creditor_id, person_id, draft_id)))


def _is(creditor_id: int, person_id: int, draft_id: int) -> tuple[Any, ...]:
    return (
        RuleDraft.creditor_id == creditor_id,
        RuleDraft.person_id == person_id,
        RuleDraft.id == draft_id,
    )


def forget_old(now: datetime) -> None:
    """Throw away everybody's that nobody has touched for long."""
    db.session.execute(delete(RuleDraft).where(RuleDraft.changed_at < now - KEPT))
