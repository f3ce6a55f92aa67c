"""Letters on their way to digital mailboxes: whose they are, what is handed over and kept.

`sending` hands them over; `channels.mailbox` is the operator.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from cryptography.fernet import InvalidToken
from sqlalchemy import select, update

from portal.database import files
from portal.delivery.channels import mailbox
from portal.delivery.letters import is_payable, subject
from portal.delivery.models import Message
from portal.extensions import db, settings
from portal.law.channels import MAILBOX

# Of a message in a query: it is to go to a mailbox.
WAITS = (Message.channel == MAILBOX) & (Message.status == "waiting")
# What was handed over is kept until so long after.
_KEPT, _MOST_FORGOTTEN = timedelta(days=2), 5_000


def receivers(message_ids: Sequence[int], today: date) -> dict[int, str]:
    """The number whose mailbox each letter is for, of those that it may be asked about."""
    if not settings().has_mailbox:
        return {}
    found = {}
    for message_id in message_ids:
        # One that cannot be decrypted goes by post.
        with suppress(InvalidToken):
            wanted = select(Message.mailbox).where(Message.id == message_id)
            number = db.session.scalar(wanted)
            if number and mailbox.may_have_one(number, today):
                found[message_id] = number
    return found


def content_of(message: Message) -> mailbox.Content:
    """What is handed over: the letter as it was kept for it, and what it asks to be paid."""
    assert message.mailbox is not None
    assert message.mailbox_sha256 is not None
    return mailbox.Content(
        to=message.mailbox,
        kind=message.kind,
        subject=subject(message.kind, message.language),
        pdf=files.read(message.mailbox_sha256),
        made_at=message.created_at,
        payment=_payment(message.content),
    )


def _payment(content: dict[str, Any]) -> mailbox.Payment | None:
    """What a letter asks to be paid, where a mailbox can pay it."""
    # At least a krona, says the operator.
    if not is_payable(content) or content["total_ore"] < 100:
        return None
    return mailbox.Payment(
        kind=content["account"]["kind"],
        account=content["account"]["number"],
        reference=content["ocr"],
        amount=Decimal(content["total_ore"]) / 100,
        due_on=date.fromisoformat(content["pay_by_on"]),
    )


def forget_handed_over(now: datetime, *, real_now: datetime) -> int:
    """Remove what was handed over to digital mailboxes some days ago, each with a link of its own.

    real_now: by the machine's clock, which dates files. Answers how many were removed. To be called
    where every tenant's messages are seen, and again while there are any.
    """
    old = (
        select(Message.id, Message.mailbox_sha256)
        .where(
            Message.mailbox_sha256.is_not(None),
            Message.status != "waiting",
            Message.created_at < now - _KEPT,
        )
        .limit(_MOST_FORGOTTEN)
        .with_for_update(skip_locked=True)
    )
    rows = db.session.execute(old).all()
    ids, hashes = [row.id for row in rows], [row.mailbox_sha256 for row in rows]
    db.session.execute(update(Message).where(Message.id.in_(ids)).values(mailbox_sha256=None))
    if hashes:
        files.remove_unnamed(hashes, unused_since=real_now - _KEPT)
    return len(hashes)
