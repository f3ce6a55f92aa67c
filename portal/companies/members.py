"""Who acts for a company, in which role and until when.

A company always keeps an administrator whose role has no last day, and nobody changes their own
role: what one administrator does to another, the other can be asked about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from portal.collection import history
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Membership, Person
from portal.messages import N_, RedaError

ROLES = ("administrator", "collector", "viewer")


class NotAllowed(RedaError):
    """Somebody tried what only an administrator may."""

    status = 403


@dataclass(frozen=True)
class Member:
    """Somebody's role at a company. ends_on: its last day, or None."""

    id: int
    person_id: int
    name: str
    email: str | None
    role: str
    ends_on: date | None
    is_over: bool


def of_company(creditor_id: int, today: date) -> list[Member]:
    """A company's people, by role and name; those whose role is over come last."""
    # The wall lets a person see themselves alone; of colleagues, only what is named here is told.
    with tenancy.service():
        rows = db.session.execute(
            select(Membership, Person)
            .join(Person, Person.id == Membership.person_id)
            .where(Membership.creditor_id == creditor_id)
        ).all()
    found = [
        Member(
            one.id, one.person_id, person.name, person.email, one.role, one.ends_on,
            _is_over(one, today),
        )
        for one, person in rows
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.is_over, ROLES.index(one.role), one.name))


def _is_over(membership: Membership, today: date) -> bool:
    return membership.ends_on is not None and membership.ends_on < today


def administrators(creditor_id: int, today: date) -> list[Member]:
    """Those who may change who acts for a company, on a day."""
    return [
        one
        for one in of_company(creditor_id, today)
        if one.role == "administrator" and not one.is_over
    ]


def find(creditor_id: int, member_id: int, today: date) -> Member | None:
    """One of a company's people."""
    return next((one for one in of_company(creditor_id, today) if one.id == member_id), None)


def change(
    creditor_id: int,
    member_id: int,
    *,
    role: str,
    ends_on: date | None,
    actor: Actor,
    today: date,
    now: datetime,
) -> bool:
    """Give one of a company's people another role or last day. Answers whether anything changed.

    Raises RedaError for one's own role, for the last administrator, for a day that has been, and
    NotAllowed when the actor is no administrator (any more).
    """
    one = _locked(creditor_id, member_id, actor, today)
    check_role(role, ends_on, today, before=one.ends_on)
    before = {"role": one.role, "ends_on": _iso(one.ends_on)}
    after = {"role": role, "ends_on": _iso(ends_on)}
    if before == after:
        return False
    one.role, one.ends_on = role, ends_on
    _require_lasting_administrator(creditor_id)
    _tell("member.role_changed", one, actor, now, before=before, after=after)
    return True


def remove(creditor_id: int, member_id: int, *, actor: Actor, today: date, now: datetime) -> str:
    """Let somebody act for a company no more, from now on. Answers who it was.

    Raises as `change`.
    """
    one = _locked(creditor_id, member_id, actor, today)
    name = _tell("member.removed", one, actor, now, role=one.role)
    db.session.delete(one)
    db.session.flush()
    _require_lasting_administrator(creditor_id)
    return name


def check_role(role: str, ends_on: date | None, today: date, before: date | None = None) -> None:
    """Whether a role with a last day can be given. Raises RedaError at the field.

    before: the last day that it has already, which may be one that has been.
    """
    if role not in ROLES:
        raise RedaError(N_("Choose one of the options."), field="role")
    if ends_on is not None and ends_on < today and ends_on != before:
        raise RedaError(N_("Choose a last day that is still to come."), field="ends_on")


def require_administrator(members: Sequence[Membership], actor: Actor, today: date) -> None:
    """Raises NotAllowed unless the actor is an administrator among these on a day."""
    own = next((one for one in members if one.person_id == actor.person_id), None)
    if own is None or own.role != "administrator" or _is_over(own, today):
        raise NotAllowed(N_("Only an administrator of the company can do this."))


def locked(creditor_id: int) -> list[Membership]:
    """All roles at a company, kept from changing until the transaction ends."""
    return list(
        db.session.scalars(
            select(Membership)
            .where(Membership.creditor_id == creditor_id)
            .order_by(Membership.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def _locked(creditor_id: int, member_id: int, actor: Actor, today: date) -> Membership:
    # All of them, so that two administrators who remove each other at once do it in turn.
    everyone = locked(creditor_id)
    require_administrator(everyone, actor, today)
    one = next((one for one in everyone if one.id == member_id), None)
    if one is None:
        raise RedaError(N_("This person does not act for the company any more."))
    if one.person_id == actor.person_id:
        raise RedaError(
            N_("You cannot change your own role. Ask another administrator of the company.")
        )
    return one


def _require_lasting_administrator(creditor_id: int) -> None:
    db.session.flush()
    lasting = select(Membership.id).where(
        Membership.creditor_id == creditor_id,
        Membership.role == "administrator",
        Membership.ends_on.is_(None),
    )
    if db.session.scalar(lasting.limit(1)) is None:
        raise RedaError(
            N_(
                "The company needs an administrator whose role has no last day. Give somebody else"
                " that role first."
            )
        )


def _tell(event: str, one: Membership, actor: Actor, now: datetime, **data: Any) -> str:
    with tenancy.service():
        name = db.session.get_one(Person, one.person_id).name
    history.record(
        event, creditor_id=one.creditor_id, actor=actor, now=now, person=one.person_id, who=name,
        **data,
    )  # fmt: skip
    return name


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
