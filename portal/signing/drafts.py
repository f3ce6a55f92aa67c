"""Drafts are made of uploads: files added, joined and arranged, copied, and thrown away.

Each verb locks the draft, and raises NotADraft (`envelopes`) for what was sent meanwhile.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, func, select

from portal.collection.file_types import FileRefused, tidy_name
from portal.database import files
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.people import new_key
from portal.messages import N_, Problem, RedaError
from portal.signing import envelopes, events, noting, pdfs
from portal.signing.envelopes import NotADraft
from portal.signing.models import Envelope, EnvelopeFile, SendingList, Signer
from portal.sources import values as read

DOCUMENT, ATTACHMENT = "document", "attachment"
MOST_STEPS = 20
LONGEST_NAME = 100
_COPIED = ("role", "name", "media_type", "sha256", "size", "pages", "original_sha256",
           "original_name", "has_signatures")  # fmt: skip
_COPIED_OF_SIGNER = ("step", "role", "name", "email", "phone", "identity_number", "identity_hash",
                     "for_company", "language", "may_hand_over")  # fmt: skip


class ChangedMeanwhile(RedaError):
    """Somebody has changed the draft since the page was opened."""

    status = 409

    def __init__(self) -> None:
        super().__init__(N_("The document was changed meanwhile. Look at it as it is now."))


@dataclass(frozen=True)
class Refused:
    """A file that was not taken, and why."""

    name: str
    problem: Problem


@dataclass(frozen=True)
class Added:
    """What became of uploads. known: names of those that are in it already."""

    kept: Sequence[EnvelopeFile]
    known: Sequence[str]
    refused: Sequence[Refused]


def add(envelope: Envelope, uploads: Sequence[tuple[str, bytes]], role: str) -> Added:
    """Put uploads into a draft, each that is taken; the others are answered with the reason.

    uploads: name and content of each. role: `document` or `attachment`. The same content twice is
    there once.
    """
    if events.lock(envelope).status != envelopes.DRAFT:
        raise NotADraft
    take = pdfs.take_document if role == DOCUMENT else pdfs.take_attachment
    kept: list[EnvelopeFile] = []
    known: list[str] = []
    refused: list[Refused] = []
    there = {
        sha256
        for one in envelopes.files_of(envelope, role)
        for sha256 in (one.sha256, one.original_sha256)
    }
    for given, data in uploads:
        name = tidy_name(given)
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in there:
            known.append(name)
            continue
        try:
            kept.append(envelopes.add_file(envelope, take(given, data)))
            there.add(sha256)
        except RedaError as error:
            refused.append(Refused(name, error.problem))
    return Added(kept, known, refused)


def title_from(name: str) -> str:
    """What a draft is called at first: as its first file is."""
    return tidy_name(name).rpartition(".")[0].replace("_", " ").strip()[: envelopes.LONGEST_TITLE]


def find_file(envelope: Envelope, key: str) -> EnvelopeFile | None:
    """A file of an envelope."""
    return next((one for one in envelopes.files_of(envelope) if one.key == key), None)


def find_signer(envelope: Envelope, key: str) -> Signer | None:
    """Somebody whom an envelope concerns."""
    return next((one for one in envelopes.signers_of(envelope) if one.key == key), None)


def move(envelope: Envelope, file: EnvelopeFile, place: int) -> None:
    """Put a file at another place among those of its role. place: from 0."""
    keys = [one.key for one in envelopes.files_of(envelope, file.role) if one.key != file.key]
    keys.insert(max(place, 0), file.key)
    others = [one.key for one in envelopes.files_of(envelope) if one.role != file.role]
    envelopes.arrange_files(envelope, [*keys, *others] if file.role == DOCUMENT else others + keys)


def join(envelope: Envelope, name: str) -> EnvelopeFile | None:
    """Make one document of all, in their order; those with signatures in them stay as they are.

    name: of the document. None when there are not two to join. Raises FileRefused when it would
    have too many pages.
    """
    if events.lock(envelope).status != envelopes.DRAFT:
        raise NotADraft
    parts = [one for one in envelopes.files_of(envelope, DOCUMENT) if not one.has_signatures]
    if len(parts) < 2:
        return None
    made = pdfs.put_together(
        name, [(files.read(one.sha256), range(1, (one.pages or 0) + 1)) for one in parts]
    )
    place = parts[0].position
    for one in parts:
        envelopes.remove_file(envelope, one)
    joined = envelopes.add_file(envelope, made)
    order = [one.key for one in envelopes.files_of(envelope) if one.position < place]
    rest = [one.key for one in envelopes.files_of(envelope) if one.position > place]
    envelopes.arrange_files(envelope, [*order, joined.key, *(k for k in rest if k != joined.key)])
    return joined


def arrange_pages(
    envelope: Envelope, file: EnvelopeFile, pages: Sequence[int], *, seen_sha256: str
) -> None:
    """Keep some of a document's pages, in an order. pages: from 1. seen_sha256: of what was shown.

    Raises ChangedMeanwhile, and RedaError when no page is left or it cannot be changed.
    """
    if events.lock(envelope).status != envelopes.DRAFT:
        raise NotADraft
    if file.has_signatures:
        raise FileRefused(
            N_("There are signatures in it, which would not hold if its pages were changed.")
        )
    whole = range(1, (file.pages or 0) + 1)
    if file.sha256 != seen_sha256:
        raise ChangedMeanwhile
    require_pages(pages)
    if not set(pages) <= set(whole):
        raise ChangedMeanwhile
    if list(pages) == list(whole):
        return
    made = pdfs.put_together(file.name, [(files.read(file.sha256), pages)])
    file.sha256, file.size, file.pages = files.store(made.data), len(made.data), made.pages
    db.session.flush()


def require_pages(pages: Sequence[int]) -> None:
    """Raises RedaError when no page is left."""
    if not pages:
        raise RedaError(
            N_("Keep at least one page. A whole document can be taken away instead."),
            field="pages",
        )


_RUN = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?", re.ASCII)


def read_pages(text: str, most: int) -> list[int]:
    """Pages as people and addresses tell them, such as `1-3, 7`. most: the last page there is.

    Raises RedaError at `pages` when it is none, or names one that is not there.
    """
    found: list[int] = []
    for part in text.replace("–", "-").replace(" ", "").split(",")[: 2 * pdfs.MOST_PAGES]:
        run = _RUN.fullmatch(part)
        first, last = (int(run[1]), int(run[2] or run[1])) if run else (0, 0)
        if not (1 <= first <= most and 1 <= last <= most) or len(found) > 2 * pdfs.MOST_PAGES:
            raise RedaError(
                N_("Write pages from 1 to %(most)s, such as 2 or 3-5."), field="pages", most=most
            )
        found += range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return found


def write_pages(pages: Sequence[int]) -> str:
    """Pages as an address tells them, the shortest way."""
    runs: list[list[int]] = []
    for one in pages:
        if runs and one == runs[-1][-1] + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def moved(pages: Sequence[int], start: int, end: int) -> tuple[list[int], int]:
    """The pages with the one at a place at another, places from 0; and where it is now, from 1."""
    left = list(pages)
    if not 0 <= start < len(left):
        return left, 0
    to = min(max(end, 0), len(left) - 1)
    left.insert(to, left.pop(start))
    return left, to + 1


def invited(told: Mapping[str, str | None], *, today: date) -> envelopes.Invited:
    """Somebody as a form or a row of a list tells them, by the fields of `envelopes.Invited`.

    Raises RedaError at the field that is wrong.
    """
    name = _at("name", told, lambda text: read.plain_text(text, LONGEST_NAME))
    if not name:
        raise RedaError(N_("Write the name."), field="name")
    number = _at("identity_number", told, lambda text: _person_number(text, today))
    if (told.get("identity_number") or "").strip() and len(number) != 12:
        raise RedaError(
            N_("Write a personal identity number, such as 19800101-1234: a company signs by a"
               " person."),
            field="identity_number",
        )  # fmt: skip
    company = _at("for_company", told, lambda text: read.plain_text(text, 120))
    email, phone = envelopes.addresses(
        (told.get("email") or "").strip() or None, (told.get("phone") or "").strip() or None
    )
    return envelopes.Invited(
        name,
        email=email,
        phone=phone,
        identity_number=number or None,
        role=told.get("role") or envelopes.SIGNS,
        step=int(told.get("step") or 1),
        for_company=company,
        language=told.get("language") or "sv",
        may_hand_over=bool(told.get("may_hand_over")),
    )


def _person_number(text: str, today: date) -> str:
    # What else a list of invoices would be told of a number that is too short does not fit here.
    is_whole = sum(one.isdigit() for one in text) in (10, 12)
    return read.identity_number(text, today=today) if is_whole else ""


def _at(field: str, told: Mapping[str, str | None], understood: Callable[[str], str]) -> str:
    text = (told.get(field) or "").strip()
    try:
        return understood(text) if text else ""
    except RedaError as error:
        raise RedaError(error.problem.message, field=field, **error.problem.values) from error


def discard(envelope: Envelope, *, actor: Actor, now: datetime) -> None:
    """Throw a draft away, with all that is in it. Raises NotADraft."""
    if events.lock(envelope).status != envelopes.DRAFT:
        raise NotADraft
    noting.note("discarded", envelope, actor=actor, now=now)
    # Nobody may remove an event otherwise (migration 0042).
    db.session.execute(select(func.reda_forget_log_of_draft(envelope.id)))
    for table in (EnvelopeFile, Signer, SendingList):
        db.session.execute(delete(table).where(table.envelope_id == envelope.id))
    db.session.delete(envelope)
    db.session.flush()


def copy(
    envelope: Envelope,
    *,
    title: str | None = None,
    version: int = 1,
    actor: Actor,
    sender_email: str | None,
    today: date,
    now: datetime,
) -> Envelope:
    """A new draft with the files of an envelope, its settings and its people."""
    days = (envelope.last_on - envelope.created_at.date()).days
    made = envelopes.draft(
        envelope.creditor_id,
        title=title or envelope.title,
        last_on=today + timedelta(days=max(days, 1) if days < 365 else envelopes.DAYS_OPEN),
        actor=actor,
        sender_email=sender_email,
        now=now,
        kind=envelope.kind,
        case_id=envelope.case_id,
        message=envelope.message,
        language=envelope.language,
        folder=envelope.folder,
        in_order=envelope.in_order,
        remind_days=envelope.remind_days,
        version=version,
        template_key=envelope.template_key,
        template_version=envelope.template_version,
    )
    for one in envelopes.files_of(envelope):
        _put(EnvelopeFile, made, one, _COPIED, position=one.position)
    for signer in envelopes.signers_of(envelope):
        if signer.status != "handed_over":
            _put(Signer, made, signer, _COPIED_OF_SIGNER)
    db.session.flush()
    return made


def _put(
    table: type[EnvelopeFile] | type[Signer],
    made: Envelope,
    source: EnvelopeFile | Signer,
    names: Sequence[str],
    **values: int,
) -> None:
    copied = {name: getattr(source, name) for name in names}
    db.session.add(
        table(
            key=new_key(12), creditor_id=made.creditor_id, envelope_id=made.id, **copied, **values
        )
    )


def renew(
    envelope: Envelope,
    reason: str,
    *,
    actor: Actor,
    sender_email: str | None,
    today: date,
    now: datetime,
) -> Envelope:
    """Make a new version of what was sent, to be changed and sent anew; an open one is withdrawn.

    reason: what those who were invited to the old one read. Raises RedaError for a draft.
    """
    if events.lock(envelope).status == envelopes.DRAFT:
        raise RedaError(N_("It has not been sent yet. Change it as it is."))
    if envelope.status == envelopes.OPEN:
        envelopes.withdraw(envelope, reason, actor=actor, now=now)
    return copy(
        envelope, version=envelope.version + 1, actor=actor, sender_email=sender_email,
        today=today, now=now,
    )  # fmt: skip
