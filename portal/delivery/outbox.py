"""What is to reach people, written down in the transaction that decides it, and sent afterwards.

A message is sent at least once: when the power fails between handing over and noting it, it is
handed over again. Each channel makes the second time change nothing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import (
    ColumnElement,
    Select,
    TextClause,
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
from sqlalchemy.orm import Session

from portal import clock
from portal.database import files, queue, tenancy
from portal.database.together import Part
from portal.delivery import mailboxes, presses
from portal.delivery.channels import letter, mail, mailbox, sms
from portal.delivery.letters import (
    MOST_IN_BATCH,
    Batch,
    Letter,
    count_pages,
    render_batch,
    render_letter,
)
from portal.delivery.mails import render_mail
from portal.delivery.models import Message
from portal.delivery.texts import render_sms
from portal.extensions import db, settings
from portal.identity import holds, links
from portal.law import channels
from portal.messages import N_, RedaError
from portal.notifications.telling import notify
from portal.payments.references import code_of

log = structlog.get_logger()
MOST_ATTEMPTS = 5
# The letters that steps write; one that a stop held back is written anew when the case goes on.
STEPS = ("reminder", "demand")
# What they told of stands in the history; letters are kept with their case.
MAILS_KEPT = timedelta(days=180)
# What asks for nothing: it goes out whatever happens to the case meanwhile.
ANSWERS = (
    "dispute_answer", "case_message", "news", "payment", "letter", "debtor_address",
    "debtor_number",
)  # fmt: skip
# Letters that are still true when they are tried again later.
LASTING = (*ANSWERS, "plan", "more_time")
# What goes to an address of its own, and is true whenever it comes.
ADDRESSED = ("email", "sms")
# Letters that are told of by e-mail also to who gets them by post, for somebody waits for them.
AWAITED_LETTERS = ("dispute_answer", "more_time")
# Text messages that somebody waits for with the telephone in their hand, at whatever hour.
AWAITED_TEXTS = ("entry_code", "entry_link", "debtor_number")
# So long a provider may still tell what became of a text message, and from when it is asked.
_RECEIPT_WITHIN, _RECEIPT_AFTER = timedelta(days=3), timedelta(hours=1)
JOB = "deliver_outbox"
# A mailbox whose operator asks us to wait for so long is given up like one that fails.
_WAITED_FOR = timedelta(days=1)
# Together with a message's id, the key of the lock that says: somebody renders it.
_RENDERING = 0x5EDA << 40


@dataclass(frozen=True)
class Delivered:
    """What one run did. sent: handed over. failed: not now, whether tried again later or not."""

    sent: int
    failed: int


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


@dataclass(frozen=True)
class ToTryAgain:
    """Messages that failed and have attempts left. since: when the oldest was written."""

    count: int
    since: datetime | None


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawn letter was about."""

    case_id: int
    kind: str


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

    At night it waits for the morning, unless it is of AWAITED_TEXTS.

    kind: a template of `templates/sms/`. to: one mobile number, as somebody wrote it. mail_to: the
    address that it goes to as an e-mail when it does not arrive. All else as in `put_mail`. Answers
    whether it was new. Raises sms.NotANumber.
    """
    return _put_to(
        kind, channel="sms", address=mail_to, mobile=sms.number_of(to), content=content,
        language=language, key=key, now=now, creditor_id=creditor_id, case_id=case_id,
    )  # fmt: skip


def _secret_of(kind: str) -> str:
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
        secret = said.pop(_secret_of(self.kind), None)
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


def deliver_waiting(now: datetime, limit: int = 200, *, note: Note | None = None) -> Delivered:
    """Send what waits, whose pause after a failure is over, each message in its own transaction.

    limit: most messages tried. note: told, in a message's transaction, what became of a letter to a
    digital mailbox. Who has one is asked of all receivers together. This is the one function of
    the room that commits: were a hundred messages in one transaction, the hundredth's failure
    would undo the note that the others are sent, and they would be sent twice. Two runs at once
    take different messages. Where many wait, worker processes render them while others are
    handed over.
    """
    sent = failed = last_id = 0
    with (
        tenancy.service(), _postman() as postman, sms.Gateway(settings()) as gateway,
        mailbox.Operator(settings()) as operator,
        _rendering(limit, means := _Means(now, postman, gateway, operator, note)) as claimed,
    ):  # fmt: skip
        while sent + failed < limit:
            message_id = _take(last_id, now, claimed)
            if message_id is None:
                break
            last_id = message_id
            if _send(message_id, means):
                sent += 1
            else:
                failed += 1
            db.session.commit()
        db.session.commit()
    return Delivered(sent, failed)


def deliver_at_once(keys: Sequence[str], now: datetime) -> Delivered:
    """Send what somebody waits for with the telephone in their hand, before all that waits.

    keys: idempotency keys of e-mails and text messages. Commits as `deliver_waiting` does.
    """
    sent = failed = last_id = 0
    with tenancy.service(), _postman() as postman, sms.Gateway(settings()) as gateway:
        wanted = select(Message.id).where(Message.idempotency_key.in_(keys)).order_by(Message.id)
        claimed = list(db.session.scalars(wanted))
        while (message_id := _take(last_id, now, claimed)) is not None:
            last_id = message_id
            if _send(message_id, _Means(now, postman, gateway)):
                sent += 1
            else:
                failed += 1
            db.session.commit()
        db.session.commit()
    return Delivered(sent, failed)


@dataclass(frozen=True)
class _Means:
    """What a channel sends with. rendered: letters rendered before their turn, by message."""

    now: datetime
    postman: mail.Postman
    gateway: sms.Gateway
    operator: mailbox.Operator | None = None
    note: Note | None = None
    rendered: dict[int, Future[bytes]] = field(default_factory=dict)


def _postman() -> mail.Postman:
    return mail.Postman(settings())


@contextmanager
def _rendering(limit: int, means: _Means) -> Iterator[list[int] | None]:
    """Have many letters rendered by worker processes for as long as the block lasts.

    Answers the messages to keep to, None for any; the letters are in means.
    """
    with ExitStack() as stack:
        # What is claimed is claimed until this transaction ends, however it does. It locks no row:
        # each message is locked when it is handed over, and who renders in vain sends nothing.
        claims = stack.enter_context(Session(db.engine))
        claimed = _claim(claims, means.now, limit)
        boxed = _matched([id for id, way in claimed.items() if way == channels.MAILBOX], means)
        letters = [id for id, way in claimed.items() if way in (channels.LETTER, channels.MAILBOX)]
        if len(letters) + len(boxed) < presses.FEW:
            _prepare(boxed, None, means)
            yield None
            return
        running = stack.enter_context(presses.running())
        _prepare(boxed, running, means)
        means.rendered.update((id, running.render(one)) for id, one in _letters(letters))
        yield list(claimed)


def _matched(message_ids: Sequence[int], means: _Means) -> list[int]:
    """Those of the letters to digital mailboxes whose receivers have one; others go by post.

    The receivers are asked about together. Commits.
    """
    if not message_ids:
        return []
    numbers = mailboxes.receivers(message_ids, clock.day_of(means.now))
    try:
        found = means.operator.match(set(numbers.values())) if means.operator and numbers else set()
    except mail.NotNow as error:
        for message_id in _still_waiting(list(numbers)):
            _note_failure(message_id, error, means)
        found, message_ids = set(), [id for id in message_ids if id not in numbers]
    except mail.Refused as error:
        log.warning("mailbox.refused", reason=error.reason)
        found = set()
    boxed = [id for id in message_ids if numbers.get(id) in found]
    others = [id for id in message_ids if id not in boxed]
    _go_by(channels.LETTER, _still_waiting(others), means.now, was="waiting")
    db.session.commit()
    return boxed


def _still_waiting(message_ids: Sequence[int]) -> Sequence[int]:
    """Those of some letters that are to go to mailboxes still, locked.

    While the operator was asked, others may have been sent or withdrawn; and those that somebody
    else has in hand are theirs.
    """
    still = (
        select(Message.id)
        .where(Message.id.in_(message_ids), mailboxes.WAITS)
        .order_by(Message.id)
        .with_for_update(skip_locked=True)
    )
    return db.session.scalars(still).all()


def _prepare(message_ids: Sequence[int], running: presses.Presses | None, means: _Means) -> None:
    """Keep what is to be handed over to digital mailboxes, before it is; each is committed.

    The operator knows the same once more by its bytes alone, so they are not to be made anew.
    """
    lacking = select(Message.id).where(
        Message.id.in_(message_ids), Message.mailbox_sha256.is_(None)
    )
    making: dict[int, Callable[[], bytes]] = {}
    for message_id in db.session.scalars(lacking.order_by(Message.id)).all():
        with _noting_failure(message_id, means):
            message = db.session.get_one(Message, message_id)
            one = replace(_letter(message), link=_page_of(message, channels.MAILBOX, means.now))
            making[message_id] = running.render(one).result if running else partial(_rendered, one)
    db.session.commit()
    for message_id, make in making.items():
        with _noting_failure(message_id, means):
            kept = files.store(make())
            db.session.execute(
                update(Message)
                .where(Message.id == message_id, mailboxes.WAITS)
                .values(mailbox_sha256=kept)
            )
        db.session.commit()


def _claim(claims: Session, now: datetime, limit: int) -> dict[int, str]:
    """The channel of each message that is ours in this run."""
    waiting = (
        select(Message.id, Message.channel)
        .where(Message.status == "waiting", Message.due_at <= now, _may_go(now))
        .order_by(Message.id)
        .limit(2 * limit)
        .subquery()
    )
    claim = func.pg_try_advisory_xact_lock(waiting.c.id + _RENDERING)
    rows = claims.execute(select(waiting.c.id, waiting.c.channel).where(claim).limit(limit))
    return {id: channel for id, channel in rows}  # noqa: C416 - a row is no pair to mypy


def _may_go(now: datetime) -> ColumnElement[bool]:
    """Not about a case of a company that stands still as a whole, and no disturbance at night."""
    goes = or_(Message.case_id.is_(None), Message.creditor_id.not_in(holds.held()))
    if channels.may_text_at(now.astimezone(clock.STOCKHOLM).time()):
        return goes
    return goes & or_(Message.channel != "sms", Message.kind.in_(AWAITED_TEXTS))


def _letters(message_ids: Sequence[int]) -> Iterator[tuple[int, Letter]]:
    for message_id in message_ids:
        try:
            message = db.session.get_one(Message, message_id)
            yield message_id, _letter(message)
        except Exception:
            # What is wrong with it is noted at its turn.
            db.session.expunge_all()


def _letter(message: Message) -> Letter:
    return Letter(message.kind, message.content, _code(message), message.language)


def _code(message: Message) -> str:
    return message.secret or code_of(message.content["ocr"])


def _take(after_id: int, now: datetime, claimed: list[int] | None) -> int | None:
    """The next message, locked. claimed: those to keep to, None for any."""
    # Until it is handed over, its company cannot be told to stand still.
    holds.keep_still()
    among = [_may_go(now), *([] if claimed is None else [Message.id.in_(claimed)])]
    is_made = or_(Message.channel != channels.MAILBOX, Message.mailbox_sha256.is_not(None))
    return db.session.scalar(
        select(Message.id)
        .where(
            Message.status == "waiting", Message.id > after_id, Message.due_at <= now, is_made,
            *among,
        )
        .order_by(Message.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )  # fmt: skip


@contextmanager
def _noting_failure(message_id: int, means: _Means) -> Iterator[None]:
    # Whatever is wrong with one message, also that it cannot be decrypted, the others must go.
    try:
        yield
    except Exception as error:
        db.session.expunge_all()
        _note_failure(message_id, error, means)


def _send(message_id: int, means: _Means) -> bool:
    with _noting_failure(message_id, means):
        # As it is now that it is locked: while others were rendered, it may have changed its way.
        message = db.session.get_one(Message, message_id, populate_existing=True)
        message.document_sha256 = _CHANNELS[message.channel](message, means)
        message.status, message.sent_at, message.failure = "sent", means.now, None
        if message.channel == channels.LETTER:
            _tell_of_posted(message, means.now)
        elif message.channel == channels.MAILBOX:
            _note_arrival(means, message, None)
        return True
    return False


def _note_arrival(means: _Means, message: Any, now_by: str | None) -> None:
    """Tell who wants to know what became of a letter to a digital mailbox. message: or a row."""
    if means.note:
        means.note(
            Arrived(
                message.case_id, message.creditor_id, message.kind, channels.MAILBOX,
                is_delivered=now_by is None, now_by=now_by,
            ),
            means.now,
        )  # fmt: skip


def _tell_of_posted(message: Message, now: datetime) -> None:
    """Tell a reader who wants messages that a letter is on its way by post."""

    def told(channel: str) -> dict[str, Any]:
        content = {"creditor": message.content["creditor"], "url": _page_of(message, channel, now)}
        return {
            "kind": "letter", "content": content, "language": message.language,
            "key": f"letter:{message.id}", "now": now, "creditor_id": message.creditor_id,
            "case_id": message.case_id,
        }  # fmt: skip

    if message.mobile:
        # The creditor's ledger may hold another number by now, or none that takes text messages.
        with suppress(sms.NotANumber):
            put_sms(to=message.mobile, mail_to=message.address, **told("sms"))
            return
    if message.address:
        # Nor need what it holds for an address be one.
        with suppress(mail.NotAnAddress):
            put_mail(to=message.address, **told("email"))


def _note_failure(message_id: int, error: Exception, means: _Means) -> None:
    log.warning("message.failed", message_id=message_id, error=type(error).__name__, exc_info=True)
    if isinstance(error, mail.NotNow) and error.after and _waits(message_id, error, means.now):
        return
    attempts = Message.attempts + 1
    most = 1 if isinstance(error, mail.Refused) else MOST_ATTEMPTS
    # 4, 16, 64 and 256 minutes after the failures before them.
    pause = func.make_interval(0, 0, 0, 0, 0, func.power(4, attempts).cast(db.Integer))
    noted = db.session.execute(
        update(Message)
        # One that was sent or withdrawn meanwhile stays so.
        .where(Message.id == message_id, Message.status == "waiting")
        .values(
            attempts=attempts,
            status=case((attempts >= most, "failed"), else_="waiting"),
            due_at=literal(means.now) + pause,
            # The kind of error and not its text, which may quote the letter.
            failure=_reason(error),
        )
        # Not the row: what it holds may be what is wrong.
        .returning(
            Message.status, Message.channel, Message.kind, Message.address, Message.creditor_id,
            Message.case_id, Message.content["reference"].astext.label("reference"),
        )
    ).one_or_none()  # fmt: skip
    if noted is None or noted.status != "failed":
        return
    other = _next_way(noted.channel, noted.kind, noted.address)
    if other is not None:
        _go_by(other, [message_id], means.now, was="failed")
        if noted.channel == channels.MAILBOX:
            _note_arrival(means, noted, other)
    elif noted.channel == "letter":
        _tell_of(noted.creditor_id, noted.reference, means.now)


def _waits(message_id: int, error: mail.NotNow, now: datetime) -> bool:
    """Let all that goes to mailboxes wait as long as their operator asks us to.

    Answers whether this message does: not for ever.
    """
    assert error.after is not None
    until = now + error.after
    waiting = (
        select(Message.id)
        .where(mailboxes.WAITS, Message.due_at < until, Message.created_at > now - _WAITED_FOR)
        .order_by(Message.id)
        .with_for_update(skip_locked=True)
    )
    found = db.session.scalars(waiting).all()
    db.session.execute(
        update(Message).where(Message.id.in_(found)).values(due_at=until, failure=_reason(error))
    )
    return message_id in found


def _page_of(message: Message, channel: str, now: datetime) -> str:
    """The address of a link that opens the case of a letter."""
    assert message.case_id is not None
    assert message.creditor_id is not None
    return links.make(
        case_id=message.case_id, creditor_id=message.creditor_id, channel=channel,
        language=message.language, now=now, key=f"{channel}:{message.id}",
    )  # fmt: skip


def _next_way(channel: str, kind: str, address: str | None) -> str | None:
    """By what a message goes on that cannot be delivered; None when it ends there."""
    if channel == channels.SMS and address:
        return channels.EMAIL
    must_arrive = kind in channels.MAY_GO_BY
    return channels.LETTER if channel != channels.LETTER and must_arrive else None


def _go_by(channel: str, message_ids: Sequence[int], now: datetime, *, was: str) -> None:
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


def _tell_of(creditor_id: int, reference: str | None, now: datetime) -> None:
    """Let a company know of a letter that was given up; of several in an hour together."""
    notify(
        "letter_failed",
        creditor_id=creditor_id,
        data={} if reference is None else {"reference": reference},
        key=f"letters:{now:%Y%m%d%H}",
        now=now,
        is_failed=True,
        adds=True,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, presses.NotRendered | mail.Refused | mail.NotNow):
        return error.reason
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__


def _by_letter(message: Message, means: _Means) -> str:
    pdf = _pdf(message, means)
    sha256 = files.store(pdf)
    letter.hand_over(
        pdf,
        message_id=message.id,
        reference=message.content["reference"],
        pages=count_pages(pdf),
        postcode=message.content["recipient"]["postcode"],
        country=message.content["recipient"]["country"],
        on=clock.day_of(means.now),
        var=settings().var,
    )
    return sha256


def _pdf(message: Message, means: _Means) -> bytes:
    if message.id in means.rendered:
        return means.rendered[message.id].result()
    return _rendered(_letter(message))


def _rendered(one: Letter) -> bytes:
    return render_letter(
        one.kind, one.content, secret=one.secret, language=one.language, settings=settings(),
        link=one.link,
    )  # fmt: skip


def _by_mailbox(message: Message, means: _Means) -> str:
    """Hand over what was kept for it, and keep the letter as it would go by post."""
    assert means.operator is not None
    sha256 = files.store(_pdf(message, means))
    message.channel_id = means.operator.hand_over(mailboxes.content_of(message))
    message.receipt, message.mailbox = mailbox.DELIVERED, None
    return sha256


def _by_email(message: Message, means: _Means) -> str | None:
    kind, content, sha256 = _said(message, means.now)
    made = render_mail(
        kind,
        content,
        to=message.address or "",
        language=message.language,
        key=message.idempotency_key,
        settings=settings(),
    )
    attached = [
        (one["name"], files.read(one["sha256"])) for one in message.content.get("attachments", ())
    ]
    means.postman.hand_over(replace(made, attachments=attached), now=means.now)
    return sha256


def _by_sms(message: Message, means: _Means) -> str | None:
    kind, content, sha256 = _said(message, means.now)
    text = render_sms(kind, content, language=message.language, settings=settings())
    number = sms.number_of(message.mobile or "")
    message.channel_id = means.gateway.hand_over(sms.Sms(number, text, message.idempotency_key))
    return sha256


def _said(message: Message, now: datetime) -> tuple[str, Mapping[str, Any], str | None]:
    """What a message says by e-mail or text message: its kind, content, and document if it has one.

    Of a letter it says where that lies, and no more.
    """
    if message.kind not in channels.MAY_GO_BY:
        return message.kind, _told(message), None
    pdf = _rendered(_letter(message))
    url = _page_of(message, message.channel, now)
    return "letter", {"creditor": message.content["creditor"], "url": url}, files.store(pdf)


def _told(message: Message) -> dict[str, object]:
    """A message's content with what is kept encrypted of it."""
    if message.secret is None:
        return message.content
    return {**message.content, _secret_of(message.kind): message.secret}


# Each renders and hands over, and answers the SHA-256 of the document that it keeps, if it does.
_CHANNELS: Mapping[str, Callable[[Message, _Means], str | None]] = {
    "letter": _by_letter,
    "mailbox": _by_mailbox,
    "email": _by_email,
    "sms": _by_sms,
}


def unanswered(now: datetime, limit: int = 2_000) -> list[str]:
    """Text messages whose provider has not told what became of them, by its names for them."""
    names = db.session.scalars(
        select(Message.channel_id)
        .where(
            Message.channel_id.is_not(None),
            Message.receipt.is_(None),
            Message.sent_at.between(now - _RECEIPT_WITHIN, now - _RECEIPT_AFTER),
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
            other = _next_way(message.channel, message.kind, message.address)
            message.failure = "SMS: not delivered"
            db.session.flush()
            if other is not None:
                _go_by(other, [message.id], now, was="sent")
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


def write_batches() -> int:
    """Join the letters of each day that lie in no batch yet, where the settings ask for it.

    Letters that are handed over and not yet noted as sent wait for the next time. Answers how many
    batches were written.
    """
    ours = settings()
    if ours.letter_batch != "on":
        return 0
    written = 0
    with tenancy.service():
        for folder in letter.days(ours.var):
            with letter.batching(folder) as is_ours:
                if is_ours:
                    written += _write_batches(folder)
    return written


def _write_batches(folder: Path) -> int:
    lines = letter.unbatched(folder)
    ids = [letter.message_id_of(line) for line in lines]
    sent = set(db.session.scalars(select(Message.id).where(Message.id.in_(ids), _IS_SENT)))
    ready = [line for line in lines if letter.message_id_of(line) in sent]
    chunks = [ready[start : start + MOST_IN_BATCH] for start in range(0, len(ready), MOST_IN_BATCH)]
    for chunk in chunks:
        joined = [
            _letter(db.session.get_one(Message, letter.message_id_of(line))) for line in chunk
        ]
        made = _joined(joined)
        letter.hand_over_batch(made.pdf, chunk, made.pages, folder=folder)
    return len(chunks)


_IS_SENT = Message.status == "sent"


def _joined(joined: Sequence[Letter]) -> Batch:
    if len(joined) < presses.FEW:
        return render_batch(joined, settings=settings())
    with presses.running() as running:
        return running.render_batch(joined).result()


def withdraw(message_id: int) -> Withdrawn:
    """Give up for good a letter that could not be sent, because another takes its place.

    Raises NotFailed when it was not given up before.
    """
    row = db.session.execute(
        update(Message)
        .where(Message.id == message_id, Message.status == "failed", Message.channel == "letter")
        .values(status="withdrawn")
        .returning(Message.case_id, Message.kind)
    ).one_or_none()
    if row is None:
        raise NotFailed(N_("This message is not among those that could not be sent."))
    case_id, kind = row
    # The database has no letter without a case.
    assert case_id is not None
    return Withdrawn(case_id, kind)


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


def withdraw_unsent(*case_ids: int) -> None:
    """Let nothing more of some cases be sent but answers.

    What is being handed over this moment still goes.
    """
    db.session.execute(
        update(Message)
        .where(
            Message.case_id.in_(case_ids),
            Message.status.in_(("waiting", "failed")),
            Message.kind.not_in(ANSWERS),
        )
        .values(status="withdrawn")
    )


def post_instead(case_ids: Collection[int], now: datetime) -> None:
    """Let letters of some cases that wait to go to a digital mailbox go by post.

    What is being handed over this moment still goes there.
    """
    waiting = select(Message.id).where(Message.case_id.in_(case_ids), mailboxes.WAITS)
    found = db.session.scalars(waiting.order_by(Message.id).with_for_update()).all()
    _go_by(channels.LETTER, found, now, was="waiting")


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


def withdraw_letters_before(creditor_id: int, instant: datetime) -> int:
    """Give up reminders and demands written before an instant that have not left; how many."""
    withdrawn = db.session.scalars(
        update(Message)
        .where(
            Message.creditor_id == creditor_id,
            Message.kind.in_(("reminder", "demand")),
            Message.status.in_(("waiting", "failed")),
            Message.created_at < instant,
        )
        .values(status="withdrawn")
        .returning(Message.id)
    )
    return len(withdrawn.all())


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
