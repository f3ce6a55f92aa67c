"""Files that a company keeps with a case: looked at before they are kept, only handed back.

They are the company's own: no debtor sees them. What they are is told by `file_types`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from portal.collection import file_types, history
from portal.collection.file_types import FileRefused
from portal.collection.models import Attachment, Case
from portal.database import files, scanning
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, Problem

MOST_AT_ONCE = 10


@dataclass(frozen=True)
class Refused:
    """A file that was not kept, and why."""

    filename: str
    problem: Problem


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


def find(case_id: int, attachment_id: int) -> Attachment | None:
    """A file of a case that is not taken away."""
    return db.session.scalar(
        select(Attachment).where(
            Attachment.id == attachment_id,
            Attachment.case_id == case_id,
            Attachment.removed_at.is_(None),
        )
    )


def add(case: Case, uploaded: Sequence[tuple[str, bytes]], *, actor: Actor, now: datetime) -> Added:
    """Keep files with a case, each that may be kept; the others are answered with the reason.

    case: locked. uploaded: name and content of each. The same content again changes nothing.
    """
    kept: list[Attachment] = []
    known: list[str] = []
    refused: list[Refused] = []
    there = {one.sha256 for one in of_case(case.id)}
    for place, (given, data) in enumerate(uploaded):
        name = file_types.tidy_name(given)
        try:
            if place >= MOST_AT_ONCE:
                raise FileRefused(
                    N_("At most %(most)s files at a time. Send it once more."), most=MOST_AT_ONCE
                )
            kind, scan = file_types.kind_of(name, data), _scan(data)
        except FileRefused as error:
            refused.append(Refused(name, error.problem))
            continue
        sha256 = files.store(data)
        if sha256 in there:
            known.append(name)
            continue
        there.add(sha256)
        kept.append(_keep(case, name, kind, sha256, len(data), scan, actor, now))
    return Added(kept, known, refused)


def _scan(data: bytes) -> str:
    if not scanning.is_set_up():
        return "not scanned"
    try:
        virus = scanning.virus_in(data)
    except scanning.ScannerSilent as error:
        raise FileRefused(
            N_("The look for viruses does not answer just now. Try again in a while.")
        ) from error
    if virus:
        raise FileRefused(N_("A virus was found in the file: %(virus)s."), virus=virus)
    return "clean"


def _keep(
    case: Case, name: str, kind: str, sha256: str, size: int, scan: str, actor: Actor,
    now: datetime,
) -> Attachment:  # fmt: skip
    kept = Attachment(
        creditor_id=case.creditor_id, case_id=case.id, filename=name, kind=kind, sha256=sha256,
        size=size, scan=scan, actor=actor.label, person_id=actor.person_id, added_at=now,
    )  # fmt: skip
    db.session.add(kept)
    db.session.flush()
    history.record(
        "file.added", creditor_id=case.creditor_id, case_id=case.id, actor=actor, now=now,
        file=kept.id, filename=name, sha256=sha256, size=size,
    )  # fmt: skip
    return kept


def remove(case: Case, attachment_id: int, *, actor: Actor, now: datetime) -> Attachment | None:
    """Take a file away from a case; the history tells that it was there. None when it is not.

    case: locked.
    """
    found = find(case.id, attachment_id)
    if found is None:
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
