"""Files of a case: looked at before they are kept, only handed back.

Those that a company keeps are its own: no debtor sees them. Those that a debtor sends with an
objection both see, and neither takes away. What they are is told by `file_types`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from portal.collection import file_types, history
from portal.collection.file_types import FileRefused
from portal.collection.models import Attachment, Case
from portal.database import files
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor
from portal.messages import N_, Problem

MOST_AT_ONCE = 10
# Of what one debtor sends in a case, so that nobody fills the store.
MOST_OF_DEBTOR = 40
# The largest id that there can be: an address may name any number.
_LAST = 2**63 - 1


class TooMany(FileRefused):
    """More files than are taken at a time, or of a debtor."""


@dataclass(frozen=True)
class Refused:
    """A file that was not kept, and why."""

    filename: str
    error: FileRefused

    @property
    def problem(self) -> Problem:
        return self.error.problem


@dataclass(frozen=True)
class Added:
    """What became of files. known: names of those that the case has already."""

    kept: Sequence[Attachment]
    known: Sequence[str]
    refused: Sequence[Refused]


def of_case(case_id: int) -> list[Attachment]:
    """The files of a case, the newest first; those taken away are not among them."""
    return list(
        db.session.scalars(
            select(Attachment)
            .where(Attachment.case_id == case_id, Attachment.removed_at.is_(None))
            .order_by(Attachment.id.desc())
        )
    )


def sent_with(case_id: int) -> dict[int, list[Attachment]]:
    """What a debtor has sent, in its order, by the id of the turn of the objection it came with."""
    found: dict[int, list[Attachment]] = {}
    for one in reversed(of_case(case_id)):
        if one.turn_id is not None:
            found.setdefault(one.turn_id, []).append(one)
    return found


def told_with(case_id: int) -> dict[int, list[Attachment]]:
    """What a debtor has sent, in its order, by the id of what was told with it."""
    found: dict[int, list[Attachment]] = {}
    for one in reversed(of_case(case_id)):
        if one.telling_id is not None:
            found.setdefault(one.telling_id, []).append(one)
    return found


def find(case_id: int, attachment_id: int) -> Attachment | None:
    """A file of a case that is not taken away."""
    return db.session.scalar(
        select(Attachment).where(
            Attachment.id == min(attachment_id, _LAST),
            Attachment.case_id == case_id,
            Attachment.removed_at.is_(None),
        )
    )


def add(case: Case, uploaded: Sequence[tuple[str, bytes]], *, actor: Actor, now: datetime) -> Added:
    """Keep files with a case, each that may be kept; the others are answered with the reason.

    case: locked. uploaded: name and content of each. The same content from the same side again
    changes nothing.
    """
    is_from_debtor = actor.kind == DEBTOR.kind
    kept: list[Attachment] = []
    known: list[str] = []
    refused: list[Refused] = []
    there = {one.sha256 for one in of_case(case.id) if one.is_from_debtor == is_from_debtor}
    for place, (given, data) in enumerate(uploaded):
        name = file_types.tidy_name(given)
        try:
            if place >= MOST_AT_ONCE:
                raise TooMany(
                    N_("At most %(most)s files at a time. Send it once more."), most=MOST_AT_ONCE
                )
            if is_from_debtor and len(there) >= MOST_OF_DEBTOR:
                raise TooMany(
                    N_("At most %(most)s files are taken in a case."), most=MOST_OF_DEBTOR
                )
            kind, scan = file_types.kind_of(name, data), file_types.scan(data)
            name, kind, data = file_types.readable(name, kind, data)
        except FileRefused as error:
            refused.append(Refused(name, error))
            continue
        sha256 = files.store(data)
        if sha256 in there:
            known.append(name)
            continue
        there.add(sha256)
        one = Attachment(
            creditor_id=case.creditor_id, case_id=case.id, filename=name, kind=kind, sha256=sha256,
            size=len(data), scan=scan, is_from_debtor=is_from_debtor, actor=actor.label,
            person_id=actor.person_id, added_at=now,
        )  # fmt: skip
        kept.append(one)
        _keep(one, actor, now)
    return Added(kept, known, refused)


def _keep(one: Attachment, actor: Actor, now: datetime) -> None:
    db.session.add(one)
    db.session.flush()
    # What begins with `file.` no debtor sees.
    name = "case.file_received" if one.is_from_debtor else "file.added"
    history.record(
        name, creditor_id=one.creditor_id, case_id=one.case_id, actor=actor, now=now, file=one.id,
        filename=one.filename, sha256=one.sha256, size=one.size,
    )  # fmt: skip


def remove(case: Case, attachment_id: int, *, actor: Actor, now: datetime) -> Attachment | None:
    """Take a file away from a case; the history tells that it was there. None when it is not, or
    when the debtor has sent it.

    case: locked.
    """
    found = find(case.id, attachment_id)
    if found is None or found.is_from_debtor:
        return None
    found.removed_at, found.removed_by = now, actor.label
    db.session.flush()
    history.record(
        "file.removed", creditor_id=case.creditor_id, case_id=case.id, actor=actor, now=now,
        file=found.id, filename=found.filename,
    )  # fmt: skip
    return found


def read(attachment: Attachment) -> bytes:
    """A file's content. Raises files.FileDamaged when it is not what was kept."""
    return files.read(attachment.sha256)
