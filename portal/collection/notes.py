"""Notes that a company's people write about a case, for one another; no debtor sees them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.collection import history
from portal.collection.models import Case, Note, NoteVersion
from portal.collection.words import written
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, RedaError
from portal.notifications.telling import notify

# How long who wrote a note may change it or take it away.
CHANGED_FOR = timedelta(hours=24)
MOST_WORDS = 5_000


@dataclass(frozen=True)
class Reader:
    """Somebody of the company who can be mentioned."""

    person_id: int
    name: str


class NotYours(RedaError):
    """A note is changed by who wrote it, and for a day."""

    status = 403


def of_case(case_id: int) -> list[Note]:
    """The notes of a case with their earlier wordings, the newest first."""
    return list(
        db.session.scalars(
            select(Note)
            .where(Note.case_id == case_id)
            .order_by(Note.id.desc())
            .options(selectinload(Note.versions))
        )
    )


def is_changeable(note: Note, person_id: int | None, now: datetime) -> bool:
    """Whether somebody may change a note or take it away."""
    is_own = person_id is not None and note.person_id == person_id
    return is_own and note.removed_at is None and now - note.written_at < CHANGED_FOR


def write(
    case: Case,
    words: str,
    *,
    mentions: Iterable[int],
    readers: Sequence[Reader],
    actor: Actor,
    now: datetime,
) -> Note:
    """Write a note. mentions: people chosen; who is named in the words as @Name is told as well.

    readers: the company's people. Raises RedaError for no words or too many.
    """
    said = written(words, MOST_WORDS)
    note = Note(
        creditor_id=case.creditor_id, case_id=case.id, person_id=actor.person_id,
        actor=actor.label, words=said, mentions=_mentioned(said, mentions, readers),
        written_at=now,
    )  # fmt: skip
    db.session.add(note)
    db.session.flush()
    _tell("note.written", note, actor, now)
    _call(case, note, note.mentions, actor, now)
    return note


def change(
    case: Case,
    note_id: int,
    words: str,
    *,
    mentions: Iterable[int],
    readers: Sequence[Reader],
    actor: Actor,
    now: datetime,
) -> Note:
    """Change one's own note; the earlier wording is kept. Who is mentioned now first is told.

    Raises NotYours for another's note or after a day, RedaError for no words or too many.
    """
    note, said = _own(case, note_id, actor, now), written(words, MOST_WORDS)
    mentioned = _mentioned(said, mentions, readers)
    if (said, mentioned) == (note.words, note.mentions):
        return note
    _keep(note, now)
    new = [one for one in mentioned if one not in note.mentions]
    note.words, note.mentions, note.changed_at = said, mentioned, now
    db.session.flush()
    _tell("note.changed", note, actor, now)
    _call(case, note, new, actor, now)
    return note


def remove(case: Case, note_id: int, *, actor: Actor, now: datetime) -> Note:
    """Take one's own note away; that there was one is still told, and its wording kept.

    Raises NotYours for another's note or after a day.
    """
    note = _own(case, note_id, actor, now)
    _keep(note, now)
    note.words, note.mentions, note.removed_at = "", [], now
    db.session.flush()
    _tell("note.removed", note, actor, now)
    return note


def _own(case: Case, note_id: int, actor: Actor, now: datetime) -> Note:
    note = db.session.scalar(
        select(Note).where(Note.id == note_id, Note.case_id == case.id).with_for_update()
    )
    if note is None or not is_changeable(note, actor.person_id, now):
        raise NotYours(
            N_("A note can be changed by who wrote it, within a day. Write a new one instead.")
        )
    return note


def _mentioned(words: str, chosen: Iterable[int], readers: Sequence[Reader]) -> list[int]:
    known = {one.person_id for one in readers}
    named = {one.person_id for one in readers if f"@{one.name}".casefold() in words.casefold()}
    return sorted((set(chosen) & known) | named)


def _keep(note: Note, now: datetime) -> None:
    db.session.add(
        NoteVersion(
            note_id=note.id, creditor_id=note.creditor_id, case_id=note.case_id, words=note.words,
            kept_at=now,
        )
    )  # fmt: skip


def _tell(name: str, note: Note, actor: Actor, now: datetime) -> None:
    # Not what it says: the history cannot be changed, and the words are kept beside it.
    history.record(
        name, creditor_id=note.creditor_id, case_id=note.case_id, actor=actor, now=now,
        note=note.id,
    )  # fmt: skip


def _call(case: Case, note: Note, people: Collection[int], actor: Actor, now: datetime) -> None:
    """Tell people that they are mentioned, each once for a note."""
    if people:
        notify(
            "mention",
            creditor_id=note.creditor_id,
            data={"reference": case.reference, "by": actor.name},
            key=f"mention:{note.id}",
            now=now,
            to=people,
            actor_person_id=actor.person_id,
        )
