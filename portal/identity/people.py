"""Who someone is, and for which companies they may act."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from portal.database import tenancy
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.models import Creditor, Membership, Person

# Letters and digits that are not mistaken for one another when read aloud or from paper.
_KEY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


@dataclass(frozen=True)
class Role:
    """What a person is at a creditor: administrator, collector or viewer.

    is_closed: whether the creditor takes nothing new in.
    """

    creditor_id: int
    creditor_key: str
    creditor_name: str
    role: str
    is_closed: bool = False

    @property
    def may_change(self) -> bool:
        return self.role in ("administrator", "collector")

    @property
    def is_administrator(self) -> bool:
        return self.role == "administrator"


def new_key(length: int = 10) -> str:
    """A random name for something in an address; nothing can be learned from it."""
    return "".join(secrets.choice(_KEY_ALPHABET) for _ in range(length))


def by_identity_number(identity_number: str) -> Person | None:
    """The person with a 12-digit personal identity number, if they may sign in."""
    return db.session.scalar(
        select(Person).where(Person.identity_number_hash == lookup_hash(identity_number))
    )


def by_id(person_id: int) -> Person | None:
    """A person by the id kept in their session; they may see themselves."""
    with tenancy.service():
        return db.session.get(Person, person_id)


def with_roles(
    person_id: int, today: date, *more: ColumnElement[Any]
) -> tuple[Person | None, list[tuple[Any, ...]]]:
    """A person by the id kept in their session, and the companies they act for on a day, by name.

    more: columns asked of each company besides; a row is a Role, then these. One statement, in a
    transaction of its own: the reader's own scope then begins with theirs and needs no second one.
    """
    with tenancy.service(), Session(db.engine, expire_on_commit=False) as reading:
        rows = reading.execute(
            select(
                Person,
                Creditor.id,
                Creditor.key,
                Creditor.name,
                Membership.role,
                Creditor.closed_at.is_not(None),
                *more,
            )
            .outerjoin(
                Membership,
                and_(
                    Membership.person_id == Person.id,
                    or_(Membership.ends_on.is_(None), Membership.ends_on >= today),
                ),
            )
            .outerjoin(Creditor, Creditor.id == Membership.creditor_id)
            .where(Person.id == person_id)
            .order_by(Creditor.name)
        ).all()
    if not rows:
        return None, []
    return rows[0][0], [(Role(*row[1:6]), *row[6:]) for row in rows if row[1] is not None]


def roles_of(person_id: int, today: date) -> list[Role]:
    """The companies that a person acts for on a day, by name."""
    with tenancy.service():
        rows = db.session.execute(
            select(
                Creditor.id,
                Creditor.key,
                Creditor.name,
                Membership.role,
                Creditor.closed_at.is_not(None),
            )
            .join(Membership, Membership.creditor_id == Creditor.id)
            .where(
                Membership.person_id == person_id,
                or_(Membership.ends_on.is_(None), Membership.ends_on >= today),
            )
            .order_by(Creditor.name)
        ).all()
    return [Role(*row) for row in rows]


def add_person(
    identity_number: str, given_name: str, surname: str, *, now: datetime, is_operator: bool = False
) -> Person:
    """Let a person sign in. identity_number: 12 digits."""
    person = Person(
        identity_number=identity_number,
        identity_number_hash=lookup_hash(identity_number),
        given_name=given_name,
        surname=surname,
        is_operator=is_operator,
        created_at=now,
    )
    db.session.add(person)
    db.session.flush()
    return person


def company(creditor_id: int) -> Creditor:
    """A company that may be seen."""
    return db.session.get_one(Creditor, creditor_id)


def creditors(limit: int = 500) -> list[Creditor]:
    """The companies that may be seen, by name."""
    return list(db.session.scalars(select(Creditor).order_by(Creditor.name).limit(limit)))
