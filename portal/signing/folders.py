"""Folders that a company keeps its envelopes in: each is there as long as something is in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update

from portal.extensions import db
from portal.messages import N_, RedaError
from portal.signing.models import OF_THE_SERVICE, Envelope
from portal.sources import values

LONGEST_NAME = 60
MOST_AT_ONCE = 500


@dataclass(frozen=True)
class Folder:
    """A folder, and how many envelopes are in it."""

    name: str
    count: int


def of(creditor_id: int) -> list[Folder]:
    """A company's folders by their names."""
    rows = db.session.execute(
        select(Envelope.folder, func.count())
        .where(Envelope.creditor_id == creditor_id, Envelope.folder != "")
        .group_by(Envelope.folder)
        .order_by(func.lower(Envelope.folder), Envelope.folder)
    )
    return [Folder(name, int(count)) for name, count in rows]


def named(creditor_id: int, text: str) -> str:
    """What a folder is called; as one is already that differs in case alone.

    Raises RedaError at `folder` when it cannot be called so.
    """
    try:
        name = values.plain_text(" ".join(text.split()), LONGEST_NAME)
    except RedaError as error:
        raise RedaError(error.problem.message, field="folder", **error.problem.values) from error
    known = {one.name.casefold(): one.name for one in of(creditor_id)}
    return known.get(name.casefold(), name)


def move(creditor_id: int, keys: Sequence[str], text: str) -> int:
    """Put envelopes of a company into a folder; an empty name takes them out of theirs.

    keys: theirs; those of others move nothing. Answers how many. Raises RedaError at `folder`, also
    when none or too many are chosen.
    """
    if not keys:
        raise RedaError(N_("Choose at least one document first."), field="folder")
    if len(keys) > MOST_AT_ONCE:
        raise RedaError(
            N_("Choose at most %(most)s documents at a time."), field="folder", most=MOST_AT_ONCE
        )
    name = named(creditor_id, text)
    moved = db.session.scalars(
        update(Envelope)
        .where(
            Envelope.creditor_id == creditor_id,
            Envelope.key.in_(keys),
            Envelope.kind.not_in(OF_THE_SERVICE),
        )
        .values(folder=name)
        .returning(Envelope.id)
    )
    return len(moved.all())


def rename(creditor_id: int, before: str, text: str) -> str:
    """Call a folder something else; called as another, they become one. Answers its name.

    Raises RedaError at `folder`.
    """
    if not text.strip():
        raise RedaError(N_("Write what the folder is called."), field="folder")
    name = named(creditor_id, text)
    if name.casefold() == before.casefold():
        name = values.plain_text(" ".join(text.split()), LONGEST_NAME)
    db.session.execute(
        update(Envelope)
        .where(Envelope.creditor_id == creditor_id, Envelope.folder == before)
        .values(folder=name)
    )
    return name
