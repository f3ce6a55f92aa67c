"""What happened, told once in the transaction that did it."""

from datetime import datetime

from sqlalchemy import select

from portal.collection.models import Event
from portal.extensions import db
from portal.identity.actor import Actor


def record(
    name: str,
    *,
    creditor_id: int,
    case_id: int | None = None,
    actor: Actor,
    now: datetime,
    **data: object,
) -> None:
    """Add an event. name: past tense, as in `case.reminder_sent`. data: JSON values."""
    db.session.add(
        Event(
            creditor_id=creditor_id,
            case_id=case_id,
            name=name,
            occurred_at=now,
            actor=actor.label,
            actor_person_id=actor.person_id,
            data=data,
        )
    )


def of_case(case_id: int) -> list[Event]:
    """A case's events, newest first."""
    return list(
        db.session.scalars(select(Event).where(Event.case_id == case_id).order_by(Event.id.desc()))
    )
