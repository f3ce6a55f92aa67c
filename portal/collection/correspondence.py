"""What a debtor and the company write to each other about a case, each in their own language."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, Select, func, select, update

from portal.collection import history, notices, reaching
from portal.collection.models import Case, CaseMessage
from portal.collection.words import written
from portal.delivery import outbox
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor

MOST_WORDS = 2_000
# The largest id that there can be: a page may be sent with any number.
_LAST = 2**63 - 1
# So long what comes after a mail that is not followed yet needs none of its own.
_ONE_MAIL = timedelta(hours=1)
_UNREAD = (CaseMessage.is_from_debtor.is_(False), CaseMessage.read_at.is_(None))
_WAITS = (CaseMessage.is_from_debtor, CaseMessage.answered_at.is_(None))


def of_case(case_id: int) -> list[CaseMessage]:
    """What was written about a case, the oldest first."""
    return list(
        db.session.scalars(
            select(CaseMessage).where(CaseMessage.case_id == case_id).order_by(CaseMessage.id)
        )
    )


def waits(case_id: int) -> bool:
    """Whether something that the debtor wrote waits for an answer."""
    waiting = select(CaseMessage.id).where(CaseMessage.case_id == case_id, *_WAITS)
    return db.session.scalar(waiting.limit(1)) is not None


def unread(case_ids: Collection[int]) -> dict[int, int]:
    """How many messages of the company the debtor has not seen, by case; those without left out."""
    rows = db.session.execute(
        select(CaseMessage.case_id, func.count())
        .where(CaseMessage.case_id.in_(case_ids), *_UNREAD)
        .group_by(CaseMessage.case_id)
    )
    return {case_id: int(count) for case_id, count in rows}


def unread_sql(case_id: ColumnElement[int]) -> ScalarSelect[int]:
    """How many messages of the company the debtor has not seen on one case."""
    seen = select(func.count()).where(CaseMessage.case_id == case_id, *_UNREAD)
    return seen.scalar_subquery()


def read(case_id: int, *, seen: int, now: datetime) -> None:
    """The debtor has seen what the company wrote. seen: the newest message that was shown."""
    db.session.execute(
        update(CaseMessage)
        .where(CaseMessage.case_id == case_id, CaseMessage.id <= min(seen, _LAST), *_UNREAD)
        .values(read_at=now)
    )


def waiting_sql(creditor_id: int) -> Select[datetime]:
    """Since when each unanswered message to a company waits, the oldest first."""
    return (
        select(CaseMessage.said_at)
        .where(CaseMessage.creditor_id == creditor_id, *_WAITS)
        .order_by(CaseMessage.said_at)
    )


def waiting_cases_sql(creditor_id: int) -> Select[int]:
    """The cases of a company with a message that waits for an answer."""
    return select(CaseMessage.case_id).where(CaseMessage.creditor_id == creditor_id, *_WAITS)


def write(
    case: Case, words: str, *, seen: int, language: str, actor: Actor, now: datetime
) -> CaseMessage | None:
    """Write a message; when the company writes, what it had seen is answered.

    case: locked. seen: the id of the newest message that the writer was shown, 0 for none; a page
    that is sent twice says it once, and what came meanwhile goes on waiting. language: of the
    words. The debtor is told, by `reaching.tell`, that the company has written, of several within
    an hour once. Answers None when it was said already. Raises RedaError for no words or too many.
    """
    said, is_from_debtor = written(words, MOST_WORDS), actor.kind == DEBTOR.kind
    if _is_said(case.id, said, seen=seen, is_from_debtor=is_from_debtor):
        return None
    is_told = _is_told(case.id, now)
    message = CaseMessage(
        creditor_id=case.creditor_id, case_id=case.id, is_from_debtor=is_from_debtor,
        actor=actor.label, person_id=actor.person_id, words=said, language=language, said_at=now,
    )  # fmt: skip
    db.session.add(message)
    db.session.flush()
    if not is_from_debtor:
        _answer(case, seen, now)
        if not is_told:
            # Nothing of what is said: others may read a mailbox too.
            reaching.tell(
                case, "case_message", {"creditor": notices.creditor(case.creditor)},
                key=f"case_message:{message.id}", now=now,
            )  # fmt: skip
    name = "case.message_received" if is_from_debtor else "case.message_sent"
    # Not what it says: the history cannot be changed, and the words are kept beside it.
    history.record(
        name, creditor_id=case.creditor_id, case_id=case.id, actor=actor, now=now,
        message=message.id,
    )  # fmt: skip
    return message


def _is_told(case_id: int, now: datetime) -> bool:
    """Whether a message of the last hour tells of what the company wrote and nobody has read."""
    since = now - _ONE_MAIL
    return bool(unread([case_id])) and outbox.times_told(case_id, "case_message", since) > 0


def _is_said(case_id: int, words: str, *, seen: int, is_from_debtor: bool) -> bool:
    same = select(CaseMessage.id).where(
        CaseMessage.case_id == case_id,
        CaseMessage.id > min(seen, _LAST),
        CaseMessage.is_from_debtor.is_(is_from_debtor),
        CaseMessage.words == words,
    )
    return db.session.scalar(same.limit(1)) is not None


def settle(case: Case, *, seen: int, actor: Actor, now: datetime) -> bool:
    """What the debtor wrote needs no answer, as far as it was seen. Answers whether any waited.

    case: locked. seen: as for `write`.
    """
    if not _answer(case, seen, now):
        return False
    history.record(
        "case.message_settled", creditor_id=case.creditor_id, case_id=case.id, actor=actor, now=now
    )
    return True


def _answer(case: Case, seen: int, now: datetime) -> bool:
    answered = db.session.execute(
        update(CaseMessage)
        .where(CaseMessage.case_id == case.id, CaseMessage.id <= min(seen, _LAST), *_WAITS)
        .values(answered_at=now)
    )
    return bool(answered.rowcount)  # type: ignore[attr-defined]
