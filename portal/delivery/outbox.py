"""What is to reach people, written down in the transaction that decides it.

`sending` hands it over afterwards, and `receipts` knows what became of it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    TextClause,
    and_,
    bindparam,
    case,
    column,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from portal.database import queue, tenancy
from portal.database.together import Part
from portal.delivery import mailboxes
from portal.delivery.channels import mail, sms
from portal.delivery.models import Message
from portal.extensions import db
from portal.law import channels
from portal.messages import N_, RedaError

# The letters that steps write; one that a stop held back is written anew when the case goes on.
STEPS = ("reminder", "demand")
# What they told of stands in the history; letters are kept with their case.
MAILS_KEPT = timedelta(days=180)
# What asks for nothing: it goes out whatever happens to the case meanwhile.
ANSWERS = (
    "dispute_answer", "case_message", "news", "payment", "refund", "letter", "debtor_address",
    "debtor_number",
)  # fmt: skip
PLAN = "plan"
# Letters that are still true when they are tried again later.
LASTING = (*ANSWERS, PLAN, "more_time")
# What goes to an address of its own, and is true whenever it comes.
ADDRESSED = ("email", "sms")
# Letters that are told of by e-mail also to who gets them by post, for somebody waits for them.
AWAITED_LETTERS = ("dispute_answer", "more_time")
JOB = "deliver_outbox"
# Why a letter failed that is not posted to an address: its reader has a protected identity.
KEPT_BACK = "protected identity"


@dataclass(frozen=True)
class SentOrWaiting:
    """A message as pages show it; what it says is in the document.

    case_id: of a letter always; None of an e-mail that is about no case. status: waiting, sent,
    failed or withdrawn. failure: why the last attempt failed, for an operator. document_sha256: a
    letter's PDF in the file store, once it is sent. receipt: delivered or failed, of a text message
    or a letter to a digital mailbox, when its provider has told of it.
    """

    id: int
    case_id: int | None
    kind: str
    channel: str
    language: str
    status: str
    attempts: int
    failure: str | None
    document_sha256: str | None
    created_at: datetime
    sent_at: datetime | None
    receipt: str | None


@dataclass(frozen=True)
class Reader:
    """Where somebody is reached. channel: what they want letters by, one of `law.channels`.

    mail, mobile: an address and a number that are surely theirs; the number of who wants text
    messages alone. mailbox: the identity or organisation number whose digital mailbox letters may
    go to, if there is one.
    """

    channel: str = channels.LETTER
    mail: str | None = None
    mobile: str | None = None
    mailbox: str | None = None


@dataclass(frozen=True)
class ToTryAgain:
    """Messages that failed and have attempts left. since: when the oldest was written."""

    count: int
    since: datetime | None


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawn letter was about. key: as it was put."""

    case_id: int
    kind: str
    id: int
    key: str


_OF_WITHDRAWN = (Message.case_id, Message.kind, Message.id, Message.idempotency_key)


def _withdrawn_row(case_id: int | None, kind: str, id: int, key: str) -> Withdrawn:
    # The database has no letter without a case.
    assert case_id is not None
    return Withdrawn(case_id, kind, id, key)


class NotFailed(RedaError):
    """Only a message that was given up can be replaced by hand."""

    status = 409


def put(
    kind: str,
    *,
    case_id: int,
    creditor_id: int,
    content: Mapping[str, object],
    secret: str | None,
    language: str,
    key: str,
    now: datetime,
    to: Reader = Reader(),
) -> bool:
    """Write a letter down in the caller's transaction; it is sent once that has committed.

    to: where its reader is reached. Who wants text messages or e-mails is told by one, where the
    law lets it, that the letter is to be read on the page of the case; it goes by e-mail when the
    text message does not arrive, and by post when the e-mail does not either. What the law wants by
    post goes by post, and a message tells of it when it has. To a digital mailbox goes the letter
    itself, and by post where there is none or it is not taken there.
    content: JSON values, frozen here: what is sent later says what was true now. secret: the code
    that only the message itself may show, where it is not the one of its OCR number. key: the same
    key puts the same message, once for ever.
    Answers whether it was new.
    """
    way = channels.way(kind, to.channel)
    put_id = db.session.scalar(
        insert(Message)
        .values(
            kind=kind,
            channel=way,
            address=to.mail if _tells(kind, to) else None,
            mobile=to.mobile if to.channel == channels.SMS else None,
            mailbox=to.mailbox if way == channels.MAILBOX else None,
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


def _tells(kind: str, to: Reader) -> bool:
    return to.channel in (channels.EMAIL, channels.SMS) or kind in AWAITED_LETTERS


def put_mail(
    kind: str,
    *,
    to: str,
    content: Mapping[str, object],
    language: str,
    key: str,
    now: datetime,
    creditor_id: int | None,
    case_id: int | None = None,
) -> bool:
    """Write an e-mail down in the caller's transaction; it is sent once that has committed.

    kind: a template of `templates/emails/`. to: one address, as somebody wrote it. content: JSON
    values, frozen here; its `url` may open something, and is kept encrypted; its `attachments` are
    the name and sha256 of PDFs in the file store. language: the reader's. key: as in `put`.
    creditor_id, case_id: whom and what it is about, if anybody; a mail about no case is seen by the
    service alone.
    Answers whether it was new. Raises mail.NotAnAddress.
    """
    return _put_to(
        kind, channel="email", address=mail.address_of(to), mobile=None, content=content,
        language=language, key=key, now=now, creditor_id=creditor_id, case_id=case_id,
    )  # fmt: skip


def put_sms(
    kind: str,
    *,
    to: str,
    content: Mapping[str, object],
    language: str,
    key: str,
    now: datetime,
    creditor_id: int | None,
    case_id: int | None = None,
    mail_to: str | None = None,
) -> bool:
    """Write a text message down in the caller's transaction; it is sent once that has committed.

    At night it waits for the morning, unless it is one of `sending.AWAITED_TEXTS`.

    kind: a template of `templates/sms/`. to: one mobile number, as somebody wrote it. mail_to: the
    address that it goes to as an e-mail when it does not arrive. All else as in `put_mail`. Answers
    whether it was new. Raises sms.NotANumber.
    """
    return _put_to(
        kind, channel="sms", address=mail_to, mobile=sms.number_of(to), content=content,
        language=language, key=key, now=now, creditor_id=creditor_id, case_id=case_id,
    )  # fmt: skip


def secret_of(kind: str) -> str:
    """The value of a message's content that opens something, and is kept encrypted."""
    return "code" if kind == "entry_code" else "url"


def _put_to(
    kind: str,
    *,
    channel: str,
    address: str | None,
    mobile: str | None,
    content: Mapping[str, object],
    language: str,
    key: str,
    now: datetime,
    creditor_id: int | None,
    case_id: int | None,
) -> bool:
    row = Addressed(
        kind, channel, address, mobile, content, language, key, creditor_id, case_id
    ).row(now)  # fmt: skip
    # Nobody but the service sees a message about no case, not even who has it written.
    with tenancy.service():
        put_id = db.session.scalar(
            insert(Message)
            .values(row)
            .on_conflict_do_nothing(index_elements=[Message.idempotency_key])
            .returning(Message.id)
        )
    if put_id is None:
        return False
    queue.defer(JOB, once=JOB)
    return True


@dataclass(frozen=True)
class Addressed:
    """An e-mail or a text message to be written down, as `put_mail` and `put_sms` tell.

    channel: `email` or `sms`. address, mobile: as `mail.address_of` and `sms.number_of` read them;
    beside a mobile number, the address that a text message goes on to.
    """

    kind: str
    channel: str
    address: str | None
    mobile: str | None
    content: Mapping[str, object]
    language: str
    key: str
    creditor_id: int | None
    case_id: int | None

    def row(self, now: datetime) -> dict[str, object]:
        """What is written down of it."""
        said = dict(self.content)
        secret = said.pop(secret_of(self.kind), None)
        return {
            "kind": self.kind, "channel": self.channel, "address": self.address,
            "mobile": self.mobile, "case_id": self.case_id, "creditor_id": self.creditor_id,
            "content": said, "secret": None if secret is None else str(secret),
            "language": self.language, "idempotency_key": self.key, "status": "waiting",
            "attempts": 0, "created_at": now, "due_at": now,
        }  # fmt: skip


def put_addressed(some: Sequence[Addressed], *, now: datetime) -> None:
    """Write e-mails and text messages down; one whose key is there is left out."""
    if not some:
        return
    with tenancy.service():
        db.session.execute(
            insert(Message).on_conflict_do_nothing(index_elements=[Message.idempotency_key]),
            [one.row(now) for one in some],
        )
    queue.defer(JOB, once=JOB)


def put_many(rows: TextClause, *, now: datetime) -> None:
    """Write a message down for each row of a query; one whose key is there is left out.

    rows: columns kind, channel, address, mobile, mailbox and secret (as they lie encrypted),
    case_id, creditor_id, content, language and key, as `put` tells them.
    """
    names = [
        "kind", "channel", "address", "mobile", "mailbox", "case_id", "creditor_id", "content",
        "secret", "language", "key",
    ]  # fmt: skip
    source = rows.columns(*map(column, names)).subquery()
    db.session.execute(
        insert(Message)
        .from_select(
            [*names[:-1], "idempotency_key", "status", "attempts", "created_at", "due_at"],
            select(
                *(source.c[name] for name in names), literal("waiting"), literal(0), literal(now),
                literal(now),
            ),
        )
        .on_conflict_do_nothing(index_elements=[Message.idempotency_key])
    )  # fmt: skip
    queue.defer(JOB, once=JOB)


def next_way(channel: str, kind: str, address: str | None) -> str | None:
    """By what a message goes on that cannot be delivered; None when it ends there."""
    if channel == channels.SMS and address:
        return channels.EMAIL
    must_arrive = kind in channels.MAY_GO_BY
    return channels.LETTER if channel != channels.LETTER and must_arrive else None


def go_by(channel: str, message_ids: Sequence[int], now: datetime, *, was: str) -> None:
    """Let messages go out by another channel. was: their status; one that has another stays so."""
    if not message_ids:
        return
    gone: dict[str, object] = {"mobile": None, "mailbox": None}
    if channel == channels.LETTER:
        # Of a letter to a mailbox it is where one tells of it, and is so of the same by post.
        gone["address"] = case((Message.channel == channels.MAILBOX, Message.address), else_=None)
    db.session.execute(
        update(Message)
        .where(Message.id.in_(message_ids), Message.status == was)
        .values(channel=channel, status="waiting", attempts=0, due_at=now, sent_at=None,
                channel_id=None, receipt=None, **gone)
    )  # fmt: skip
    queue.defer(JOB, once=JOB)


def withdraw(message_id: int) -> Withdrawn:
    """Give up for good a letter that could not be sent, because another takes its place.

    Raises NotFailed when it was not given up before.
    """
    return _failed(
        update(Message)
        .where(_is_failed_letter(message_id))
        .values(status="withdrawn")
        .returning(*_OF_WITHDRAWN)
    )


def failed_letter(message_id: int) -> Withdrawn:
    """What `withdraw` would give up. Raises NotFailed as it does."""
    return _failed(select(*_OF_WITHDRAWN).where(_is_failed_letter(message_id)))


def _is_failed_letter(message_id: int) -> ColumnElement[bool]:
    return and_(Message.id == message_id, Message.status == "failed", Message.channel == "letter")


def _failed(asked: Executable) -> Withdrawn:
    row = db.session.execute(asked).one_or_none()
    if row is None:
        raise NotFailed(N_("This message is not among those that could not be sent."))
    return _withdrawn_row(*row)


def kept_back(message_id: int) -> SentOrWaiting:
    """A letter that is not posted to an address. Raises NotFailed when there is no such."""
    row = db.session.execute(
        select(*(getattr(Message, name) for name in SentOrWaiting.__dataclass_fields__)).where(
            Message.id == message_id, Message.status == "failed", Message.failure == KEPT_BACK
        )
    ).one_or_none()
    if row is None:
        raise NotFailed(N_("This message is not among those that could not be sent."))
    return SentOrWaiting(*row)


def posted_by_hand(message_id: int, sha256: str, now: datetime) -> None:
    """A letter that was kept back has been posted by a person. sha256: of what they posted.

    Raises NotFailed when somebody has noted it before.
    """
    done = db.session.scalar(
        update(Message)
        .where(Message.id == kept_back(message_id).id, Message.status == "failed")
        .values(status="sent", sent_at=now, failure=None, document_sha256=sha256)
        .returning(Message.id)
    )
    if done is None:
        raise NotFailed(N_("This message is not among those that could not be sent."))


def try_again(message_id: int, now: datetime) -> bool:
    """Let a message that lasts and was given up be tried from the beginning, as it was written.

    Answers whether it is of ADDRESSED or of LASTING; of another letter nothing is done, since its
    days have passed.
    Raises NotFailed when it was not given up before.
    """
    status = db.session.scalar(
        select(Message.status).where(
            Message.id == message_id,
            or_(Message.channel.in_(ADDRESSED), Message.kind.in_(LASTING)),
        )
    )
    if status is None:
        return False
    tried = db.session.execute(
        update(Message)
        .where(Message.id == message_id, Message.status == "failed")
        .values(status="waiting", attempts=0, due_at=now)
        .returning(Message.id)
    ).one_or_none()
    if tried is None:
        raise NotFailed(N_("This message is not among those that could not be sent."))
    queue.defer(JOB, once=JOB)
    return True


def forget_old_mails(now: datetime) -> None:
    """Delete messages about no case that were sent, or given up, longer ago than they are kept."""
    db.session.execute(
        delete(Message).where(
            Message.channel.in_(ADDRESSED),
            Message.case_id.is_(None),
            Message.status != "waiting",
            Message.created_at < now - MAILS_KEPT,
        )
    )


def withdraw_unsent(*case_ids: int, but: Collection[str] = ()) -> list[Withdrawn]:
    """Let nothing more of some cases be sent but answers, and kinds that are named; which were not.

    What is being handed over this moment still goes. What the letters cost is the caller's
    (`collection.unsent`).
    """
    rows = db.session.execute(
        update(Message)
        .where(
            Message.case_id.in_(case_ids),
            _NOT_LEFT,
            Message.kind.not_in((*ANSWERS, *but)),
        )
        .values(status="withdrawn")
        .returning(*_OF_WITHDRAWN)
    )
    return sorted((_withdrawn_row(*row) for row in rows), key=lambda one: one.id)


_NOT_LEFT = Message.status.in_(("waiting", "failed"))


def not_left(case_id: int, kinds: Collection[str]) -> list[Withdrawn]:
    """Letters of a case that `withdraw_unsent` would withdraw, the oldest first; of which kinds."""
    rows = db.session.execute(
        select(*_OF_WITHDRAWN)
        .where(Message.case_id == case_id, _NOT_LEFT, Message.kind.in_(kinds))
        .order_by(Message.id)
    )
    return [_withdrawn_row(*row) for row in rows]


def written(case_id: int, kinds: Collection[str]) -> list[datetime]:
    """When letters of a case were written that were not withdrawn; of which kinds."""
    return list(
        db.session.scalars(
            select(Message.created_at).where(
                Message.case_id == case_id,
                Message.kind.in_(kinds),
                Message.status != "withdrawn",
            )
        )
    )


def has_left(case_id: int, kind: str, key: str) -> bool:
    """Whether a letter of a case has been handed over. key: how its key begins, up to a colon."""
    left = select(Message.id).where(
        Message.case_id == case_id,
        Message.kind == kind,
        Message.status == "sent",
        or_(
            Message.idempotency_key == key,
            Message.idempotency_key.startswith(f"{key}:", autoescape=True),
        ),
    )
    return db.session.scalar(left.limit(1)) is not None


def post_instead(case_ids: Collection[int], now: datetime) -> None:
    """Let letters of some cases that wait to go to a digital mailbox go by post.

    What is being handed over this moment still goes there.
    """
    waiting = select(Message.id).where(Message.case_id.in_(case_ids), mailboxes.WAITS)
    found = db.session.scalars(waiting.order_by(Message.id).with_for_update()).all()
    go_by(channels.LETTER, found, now, was="waiting")


def leave_out(case_ids: Collection[int], to: str, now: datetime) -> None:
    """Let letters of some cases that have not left yet not be told of at an old address or number.

    to: the address or number. What was to be read there alone goes by post.
    """
    waiting = (Message.case_id.in_(case_ids), Message.status == "waiting",
               Message.kind.in_(channels.MAY_GO_BY))  # fmt: skip
    there = ((Message.channel == channels.EMAIL) & (Message.address == to)) | (
        (Message.channel == channels.SMS) & (Message.mobile == to)
    )
    found = db.session.scalars(
        select(Message.id).where(*waiting, there).order_by(Message.id).with_for_update()
    ).all()
    go_by(channels.LETTER, found, now, was="waiting")
    for place in (Message.address, Message.mobile):
        db.session.execute(update(Message).where(*waiting, place == to).values({place: None}))


def withdraw_addressed(kinds: Sequence[str], about: str) -> set[str]:
    """Let e-mails and text messages that have not left yet not leave; answers of which kinds.

    about: how their keys go on after the kind and a colon, up to the next one.
    """
    keys = [
        Message.idempotency_key.startswith(f"{kind}:{about}:", autoescape=True) for kind in kinds
    ]
    # Nobody but the service sees a message about no case.
    with tenancy.service():
        withdrawn = db.session.scalars(
            update(Message)
            .where(Message.status == "waiting", Message.channel.in_(ADDRESSED), or_(*keys))
            .values(status="withdrawn")
            .returning(Message.kind)
        )
        return set(withdrawn)


def count_waiting(creditor_id: int) -> int:
    """How many letters about a company's cases are to leave."""
    waiting = select(func.count()).where(
        Message.creditor_id == creditor_id,
        Message.case_id.is_not(None),
        Message.status == "waiting",
    )
    return db.session.scalar(waiting) or 0


def _letters_before(creditor_id: int, instant: datetime) -> ColumnElement[bool]:
    return and_(
        Message.creditor_id == creditor_id,
        Message.kind.in_(STEPS),
        _NOT_LEFT,
        Message.created_at < instant,
    )


def cases_with_letters_before(creditor_id: int, instant: datetime) -> list[int]:
    """Cases with letters that `withdraw_letters_before` would give up, by their ids."""
    theirs = select(Message.case_id).where(_letters_before(creditor_id, instant))
    return sorted({one for one in db.session.scalars(theirs) if one is not None})


def withdraw_letters_before(creditor_id: int, instant: datetime) -> list[Withdrawn]:
    """Give up reminders and demands written before an instant that have not left; which."""
    rows = db.session.execute(
        update(Message)
        .where(_letters_before(creditor_id, instant))
        .values(status="withdrawn")
        .returning(*_OF_WITHDRAWN)
    )
    return sorted((_withdrawn_row(*row) for row in rows), key=lambda one: (one.case_id, one.id))


def newest_withdrawn(creditor_id: int) -> list[int]:
    """A company's cases whose newest letter was withdrawn."""
    return _withdrawn(Message.creditor_id == creditor_id)


def withdrawn_among(case_ids: Collection[int]) -> set[int]:
    """Those of some cases whose newest letter was withdrawn."""
    return set(_withdrawn(Message.case_id.in_(case_ids)))


def is_newest_withdrawn(case_id: int) -> bool:
    """Whether the newest letter of a case's steps was withdrawn before it could be sent."""
    return bool(_withdrawn(Message.case_id == case_id))


def _withdrawn(among: ColumnElement[bool]) -> list[int]:
    letters = among & Message.kind.in_(STEPS)
    newest = select(func.max(Message.id)).where(letters).group_by(Message.case_id)
    rows = db.session.scalars(
        select(Message.case_id).where(Message.id.in_(newest), Message.status == "withdrawn")
    )
    return [case_id for case_id in rows if case_id is not None]


def messages_of(case_id: int) -> list[SentOrWaiting]:
    """The messages of a case, the newest first."""
    rows = db.session.execute(_OF_CASE, {"case_id": case_id})
    return [SentOrWaiting(*row) for row in rows]


_OF_CASE = (
    select(*(getattr(Message, name) for name in SentOrWaiting.__dataclass_fields__))
    .where(Message.case_id == bindparam("case_id"))
    .order_by(Message.id.desc())
)
# `messages_of`, to be asked with other things. Binds case_id.
MESSAGES = Part(_OF_CASE, lambda rows: [SentOrWaiting(*row) for row in rows])


def times_told(case_id: int, kind: str, since: datetime) -> int:
    """How many messages of a kind were written about a case since an instant."""
    told = select(func.count()).where(
        Message.case_id == case_id, Message.kind == kind, Message.created_at > since
    )
    return db.session.scalar(told) or 0


def counts() -> dict[str, int]:
    """How many messages stand in each status."""
    rows = db.session.execute(select(Message.status, func.count()).group_by(Message.status))
    return {status: int(count) for status, count in rows}


def to_try_again() -> ToTryAgain:
    """How many messages have failed so far and wait for another attempt, and since when."""
    row = db.session.execute(
        select(func.count(), func.min(Message.created_at)).where(
            Message.status == "waiting", Message.attempts > 0
        )
    ).one()
    return ToTryAgain(*row)


def given_up(limit: int = 200) -> list[SentOrWaiting]:
    """Messages that were tried in vain as often as they may be, the newest first."""
    rows = db.session.execute(
        select(*(getattr(Message, name) for name in SentOrWaiting.__dataclass_fields__))
        .where(Message.status == "failed")
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return [SentOrWaiting(*row) for row in rows]


def given_up_sql(creditor_id: int) -> Select[datetime]:
    """When each message of a creditor was written that was tried in vain, the oldest first."""
    return (
        select(Message.created_at)
        .where(Message.creditor_id == creditor_id, Message.status == "failed")
        .order_by(Message.created_at)
    )


def given_up_cases_sql(creditor_id: int) -> Select[int | None]:
    """The cases of a creditor of which a message was tried in vain."""
    return select(Message.case_id).where(
        Message.creditor_id == creditor_id, Message.status == "failed"
    )
