"""What a debtor and the company write to each other about a case, each in their own language."""

from datetime import datetime

from sqlalchemy import Select, select, update

from portal.collection import history
from portal.collection.models import Case, CaseMessage
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor
from portal.messages import N_, RedaError

MOST_WORDS = 2_000


def of_case(case_id: int) -> list[CaseMessage]:
    """What was written about a case, the oldest first."""
    return list(
        db.session.scalars(
            select(CaseMessage).where(CaseMessage.case_id == case_id).order_by(CaseMessage.id)
        )
    )


def waits(case_id: int) -> bool:
    """Whether something that the debtor wrote waits for an answer."""
    waiting = _waiting().where(CaseMessage.case_id == case_id)
    return db.session.scalar(waiting.limit(1)) is not None


def waiting_sql(creditor_id: int) -> Select[datetime]:
    """Since when each unanswered message to a company waits, the oldest first."""
    return _waiting().where(CaseMessage.creditor_id == creditor_id).order_by(CaseMessage.said_at)


def waiting_cases_sql(creditor_id: int) -> Select[int]:
    """The cases of a company with a message that waits for an answer."""
    waiting = (CaseMessage.is_from_debtor, CaseMessage.answered_at.is_(None))
    return select(CaseMessage.case_id).where(CaseMessage.creditor_id == creditor_id, *waiting)


def _waiting() -> Select[datetime]:
    return select(CaseMessage.said_at).where(
        CaseMessage.is_from_debtor, CaseMessage.answered_at.is_(None)
    )


def write(
    case: Case, words: str, *, language: str, actor: Actor, now: datetime
) -> CaseMessage | None:
    """Write a message; what waited for an answer is answered when the company writes.

    case: locked. language: of the words. Answers None when the writer's newest message says the
    same, which is a page sent twice. Raises RedaError for no words or too many.
    """
    said, is_from_debtor = _words(words), actor.kind == DEBTOR.kind
    newest = db.session.scalar(
        select(CaseMessage)
        .where(CaseMessage.case_id == case.id)
        .order_by(CaseMessage.id.desc())
        .limit(1)
    )
    if newest and (newest.words, newest.is_from_debtor) == (said, is_from_debtor):
        return None
    message = CaseMessage(
        creditor_id=case.creditor_id, case_id=case.id, is_from_debtor=is_from_debtor,
        actor=actor.label, person_id=actor.person_id, words=said, language=language, said_at=now,
    )  # fmt: skip
    db.session.add(message)
    db.session.flush()
    if not is_from_debtor:
        _answer(case, now)
    name = "case.message_received" if is_from_debtor else "case.message_sent"
    # Not what it says: the history cannot be changed, and the words are kept beside it.
    history.record(
        name, creditor_id=case.creditor_id, case_id=case.id, actor=actor, now=now,
        message=message.id,
    )  # fmt: skip
    return message


def settle(case: Case, *, actor: Actor, now: datetime) -> bool:
    """What the debtor wrote needs no answer. case: locked. Answers whether anything waited."""
    if not _answer(case, now):
        return False
    history.record(
        "case.message_settled", creditor_id=case.creditor_id, case_id=case.id, actor=actor, now=now
    )
    return True


def _answer(case: Case, now: datetime) -> bool:
    answered = db.session.execute(
        update(CaseMessage)
        .where(
            CaseMessage.case_id == case.id,
            CaseMessage.is_from_debtor,
            CaseMessage.answered_at.is_(None),
        )
        .values(answered_at=now)
    )
    return bool(answered.rowcount)  # type: ignore[attr-defined]


def _words(words: str) -> str:
    said = words.strip()
    if not said:
        raise RedaError(N_("Fill this in."), field="words")
    if len(said) > MOST_WORDS:
        raise RedaError(
            N_("Too long. Write at most %(most)s characters."), field="words", most=MOST_WORDS
        )
    return said
