"""What waits in the outbox handed over, each message in its own transaction.

A message is sent at least once: when the power fails between handing over and noting it, it is
handed over again. Each channel makes the second time change nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import ColumnElement, case, func, literal, or_, select, update
from sqlalchemy.orm import Session

from portal import clock
from portal.database import files, tenancy
from portal.delivery import mailboxes, outbox, presses
from portal.delivery.channels import letter, mail, mailbox, sms
from portal.delivery.letters import Letter, count_pages, render_letter
from portal.delivery.mails import render_mail
from portal.delivery.models import Message
from portal.delivery.receipts import Arrived, Note
from portal.delivery.texts import render_sms
from portal.extensions import db, settings
from portal.identity import holds, links
from portal.law import channels
from portal.notifications.telling import notify
from portal.payments.references import code_of

log = structlog.get_logger()
MOST_ATTEMPTS = 5
# Text messages that somebody waits for with the telephone in their hand, at whatever hour.
AWAITED_TEXTS = ("entry_code", "entry_link", "debtor_number")
# A mailbox whose operator asks us to wait for so long is given up like one that fails.
_WAITED_FOR = timedelta(days=1)
# Together with a message's id, the key of the lock that says: somebody renders it.
_RENDERING = 0x5EDA << 40


# Whether letters by post about a case are kept back, by its id.
Keeps = Callable[[int], bool]


@dataclass(frozen=True)
class Delivered:
    """What one run did. sent: handed over. failed: not now, whether tried again later or not."""

    sent: int
    failed: int


def deliver_waiting(
    now: datetime, limit: int = 200, *, note: Note | None = None, keeps_back: Keeps | None = None
) -> Delivered:
    """Send what waits, whose pause after a failure is over, each message in its own transaction.

    limit: most messages tried. note: told, in a message's transaction, what became of a letter to a
    digital mailbox. keeps_back: asked of the case of each letter by post; one that is kept back
    fails at once and waits for an operator. Who has a mailbox is asked of all receivers together.
    This is the one function of the room that commits: were a hundred messages in one transaction,
    the hundredth's failure would undo the note that the others are sent, and they would be sent
    twice. Two runs at once take different messages. Where many wait, worker processes render them
    while others are handed over.
    """
    sent = failed = last_id = 0
    with (
        tenancy.service(), _postman() as postman, sms.Gateway(settings()) as gateway,
        mailbox.Operator(settings()) as operator,
        _rendering(
            limit, means := _Means(now, postman, gateway, operator, note, keeps_back)
        ) as claimed,
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
    keeps_back: Keeps | None = None
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
    outbox.go_by(channels.LETTER, _still_waiting(others), means.now, was="waiting")
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
            one = replace(letter_of(message), link=_page_of(message, channels.MAILBOX, means.now))
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
            yield message_id, letter_of(message)
        except Exception:
            # What is wrong with it is noted at its turn.
            db.session.expunge_all()


def letter_of(message: Message) -> Letter:
    return Letter(message.kind, message.content, _code(message), message.language)


def without_address(message_id: int) -> bytes:
    """A letter that was kept back, as it is posted by hand: it tells the name and no address.

    Raises outbox.NotFailed when it is not kept back any more.
    """
    message = db.session.get_one(Message, outbox.kept_back(message_id).id)
    name = message.content["recipient"]["name"]
    nowhere = dict.fromkeys(("address_line", "postcode", "town", "country"), "")
    one = letter_of(message)
    return _rendered(
        replace(one, content={**one.content, "recipient": {"name": name, **nowhere}})
    )  # fmt: skip


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
            outbox.put_sms(to=message.mobile, mail_to=message.address, **told("sms"))
            return
    if message.address:
        # Nor need what it holds for an address be one.
        with suppress(mail.NotAnAddress):
            outbox.put_mail(to=message.address, **told("email"))


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
    other = outbox.next_way(noted.channel, noted.kind, noted.address)
    if other is not None:
        outbox.go_by(other, [message_id], means.now, was="failed")
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
    # Asked when it leaves: it may have waited, or have been on another way, since it was written.
    if means.keeps_back and message.case_id is not None and means.keeps_back(message.case_id):
        raise mail.Refused(outbox.KEPT_BACK)
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
    return _rendered(letter_of(message))


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
    pdf = _rendered(letter_of(message))
    url = _page_of(message, message.channel, now)
    return "letter", {"creditor": message.content["creditor"], "url": url}, files.store(pdf)


def _told(message: Message) -> dict[str, object]:
    """A message's content with what is kept encrypted of it."""
    if message.secret is None:
        return message.content
    return {**message.content, outbox.secret_of(message.kind): message.secret}


# Each renders and hands over, and answers the SHA-256 of the document that it keeps, if it does.
_CHANNELS: Mapping[str, Callable[[Message, _Means], str | None]] = {
    "letter": _by_letter,
    "mailbox": _by_mailbox,
    "email": _by_email,
    "sms": _by_sms,
}
