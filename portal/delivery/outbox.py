"""What is to reach people, written down in the transaction that decides it, and sent afterwards.

A message is sent at least once: when the power fails between handing over and noting it, it is
handed over again. Each channel makes the second time change nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import case, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.database import files, queue, tenancy
from portal.delivery.channels import letter
from portal.delivery.letters import count_pages, render_letter
from portal.delivery.models import Message
from portal.extensions import db, settings
from portal.messages import N_, RedaError

log = structlog.get_logger()
MOST_ATTEMPTS = 5
JOB = "deliver_outbox"


@dataclass(frozen=True)
class Delivered:
    """What one run did. sent: handed over. failed: not now, whether tried again later or not."""

    sent: int
    failed: int


@dataclass(frozen=True)
class SentOrWaiting:
    """A message as pages show it; what it says is in the document.

    status: waiting, sent, failed or withdrawn. failure: why the last attempt failed, for an
    operator. document_sha256: its PDF in the file store, once it is sent.
    """

    id: int
    kind: str
    channel: str
    language: str
    status: str
    attempts: int
    failure: str | None
    document_sha256: str | None
    created_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawn message was about."""

    case_id: int
    kind: str


class NotFailed(RedaError):
    """Only a message that was given up can be replaced by hand."""

    status = 409


def put(
    kind: str,
    *,
    channel: str,
    case_id: int,
    creditor_id: int,
    content: Mapping[str, object],
    secret: str | None,
    language: str,
    key: str,
    now: datetime,
) -> bool:
    """Write a message down in the caller's transaction; it is sent once that has committed.

    content: JSON values, frozen here: what is sent later says what was true now. secret: what only
    the message itself may show. key: the same key puts the same message, once for ever.
    Answers whether it was new.
    """
    put_id = db.session.scalar(
        insert(Message)
        .values(
            kind=kind,
            channel=channel,
            case_id=case_id,
            creditor_id=creditor_id,
            content=dict(content),
            secret=secret,
            language=language,
            idempotency_key=key,
            status="waiting",
            attempts=0,
            created_at=now,
            due_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Message.idempotency_key])
        .returning(Message.id)
    )
    if put_id is None:
        return False
    queue.defer(JOB, once=JOB)
    return True


def deliver_waiting(now: datetime, limit: int = 200) -> Delivered:
    """Send what waits, whose pause after a failure is over, each message in its own transaction.

    limit: most messages tried. This is the one function of the room that commits: were a hundred
    messages in one transaction, the hundredth's failure would undo the note that the others are
    sent, and they would be sent twice. Two runs at once take different messages.
    """
    sent = failed = last_id = 0
    with tenancy.service():
        while sent + failed < limit and (message_id := _take(last_id, now)) is not None:
            last_id = message_id
            if _send(message_id, now):
                sent += 1
            else:
                failed += 1
            db.session.commit()
        db.session.commit()
    return Delivered(sent, failed)


def _take(after_id: int, now: datetime) -> int | None:
    """The next message, locked."""
    return db.session.scalar(
        select(Message.id)
        .where(Message.status == "waiting", Message.id > after_id, Message.due_at <= now)
        .order_by(Message.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _send(message_id: int, now: datetime) -> bool:
    # Whatever is wrong with one message, also that it cannot be decrypted, the others must go.
    try:
        message = db.session.get_one(Message, message_id)
        message.document_sha256 = _CHANNELS[message.channel](message, now)
    except Exception as error:
        db.session.expunge_all()
        _note_failure(message_id, error, now)
        return False
    message.status, message.sent_at, message.failure = "sent", now, None
    return True


def _note_failure(message_id: int, error: Exception, now: datetime) -> None:
    log.warning("message.failed", message_id=message_id, error=type(error).__name__, exc_info=True)
    attempts = Message.attempts + 1
    # 4, 16, 64 and 256 minutes after the failures before them.
    pause = func.make_interval(0, 0, 0, 0, 0, func.power(4, attempts).cast(db.Integer))
    db.session.execute(
        update(Message)
        .where(Message.id == message_id)
        .values(
            attempts=attempts,
            status=case((attempts >= MOST_ATTEMPTS, "failed"), else_="waiting"),
            due_at=literal(now) + pause,
            # The kind of error and not its text, which may quote the letter.
            failure=_reason(error),
        )
    )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__


def _by_letter(message: Message, now: datetime) -> str:
    ours = settings()
    pdf = render_letter(
        message.kind,
        message.content,
        secret=message.secret,
        language=message.language,
        settings=ours,
    )
    sha256 = files.store(pdf)
    letter.hand_over(
        pdf,
        message_id=message.id,
        reference=message.content["reference"],
        pages=count_pages(pdf),
        postcode=message.content["recipient"]["postcode"],
        country=message.content["recipient"]["country"],
        on=clock.day_of(now),
        var=ours.var,
    )
    return sha256


# Each renders, keeps and hands over, and answers the SHA-256 of what was sent.
_CHANNELS: Mapping[str, Callable[[Message, datetime], str]] = {"letter": _by_letter}


def withdraw(message_id: int) -> Withdrawn:
    """Give up for good a message that could not be sent, because another takes its place.

    Raises NotFailed when it was not given up before.
    """
    row = db.session.execute(
        update(Message)
        .where(Message.id == message_id, Message.status == "failed")
        .values(status="withdrawn")
        .returning(Message.case_id, Message.kind)
    ).one_or_none()
    if row is None:
        raise NotFailed(N_("This message is not among those that could not be sent."))
    return Withdrawn(*row)


def withdraw_unsent(case_id: int) -> None:
    """Let nothing more of a case be sent. What is being handed over this moment still goes."""
    db.session.execute(
        update(Message)
        .where(Message.case_id == case_id, Message.status.in_(("waiting", "failed")))
        .values(status="withdrawn")
    )


def messages_of(case_id: int) -> list[SentOrWaiting]:
    """The messages of a case, the newest first."""
    rows = db.session.execute(
        select(*(getattr(Message, name) for name in SentOrWaiting.__dataclass_fields__))
        .where(Message.case_id == case_id)
        .order_by(Message.id.desc())
    )
    return [SentOrWaiting(*row) for row in rows]


def counts() -> dict[str, int]:
    """How many messages stand in each status."""
    rows = db.session.execute(select(Message.status, func.count()).group_by(Message.status))
    return {status: int(count) for status, count in rows}


def given_up(limit: int = 200) -> list[SentOrWaiting]:
    """Messages that were tried in vain as often as they may be, the newest first."""
    rows = db.session.execute(
        select(*(getattr(Message, name) for name in SentOrWaiting.__dataclass_fields__))
        .where(Message.status == "failed")
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return [SentOrWaiting(*row) for row in rows]


def is_newest_withdrawn(case_id: int) -> bool:
    """Whether the newest message of a case was withdrawn before it could be sent."""
    status = db.session.scalar(
        select(Message.status)
        .where(Message.case_id == case_id)
        .order_by(Message.id.desc())
        .limit(1)
    )
    return status == "withdrawn"
