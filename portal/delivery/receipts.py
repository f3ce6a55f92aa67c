"""What became of a message about a case, as its provider tells."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from portal.database import tenancy
from portal.delivery import outbox
from portal.delivery.channels import mail, sms
from portal.delivery.models import Message
from portal.extensions import db, settings
from portal.law import channels

# So long a provider may still tell what became of a text message, and from when it is asked.
_WITHIN, _AFTER = timedelta(days=3), timedelta(hours=1)


@dataclass(frozen=True)
class Arrived:
    """What became of a message about a case. now_by: what it goes on by, if by anything.

    channel: what it went by: a text message, or to a digital mailbox.
    """

    case_id: int
    creditor_id: int
    kind: str
    channel: str
    is_delivered: bool
    now_by: str | None


Note = Callable[[Arrived, datetime], None]


def unanswered(now: datetime, limit: int = 2_000) -> list[str]:
    """Text messages whose provider has not told what became of them, by its names for them."""
    names = db.session.scalars(
        select(Message.channel_id)
        .where(
            Message.channel_id.is_not(None),
            Message.receipt.is_(None),
            Message.sent_at.between(now - _WITHIN, now - _AFTER),
        )
        .order_by(Message.id)
        .limit(limit)
    )
    return [name for name in names if name is not None]


def ask_what_became_of(name: str, *, now: datetime) -> Arrived | None:
    """Ask the provider about a text message and note its answer, once; one that did not arrive goes
    on by the next way.

    name: the provider's for it. Answers what is new about a case, if anything is. Raises
    sms.NotNow when the provider cannot be asked.
    """
    with tenancy.service():
        message = db.session.scalar(
            select(Message)
            .where(Message.channel_id == name)
            .order_by(Message.id.desc())
            .limit(1)
            .with_for_update()
        )
        if message is None or message.receipt is not None:
            return None
        with sms.Gateway(settings()) as gateway, suppress(mail.Refused):
            message.receipt = gateway.status(name)
        if message.receipt is None:
            return None
        is_delivered, other = message.receipt == sms.DELIVERED, None
        db.session.flush()
        if not is_delivered:
            other = outbox.next_way(message.channel, message.kind, message.address)
            message.failure = "SMS: not delivered"
            db.session.flush()
            if other is not None:
                outbox.go_by(other, [message.id], now, was="sent")
                db.session.expire(message)
        if message.case_id is None or message.creditor_id is None:
            return None
        return Arrived(
            message.case_id, message.creditor_id, message.kind, channels.SMS, is_delivered, other
        )


def is_known(name: str) -> bool:
    """Whether a text message of ours has this name at its provider."""
    with tenancy.service():
        found = db.session.scalar(select(Message.id).where(Message.channel_id == name).limit(1))
        return found is not None
