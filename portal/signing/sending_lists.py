"""One draft is sent to all of a list, each of whom signs a document of their own."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import select

from portal import locales
from portal.database import queue
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.people import new_key
from portal.messages import N_, Problem, RedaError
from portal.signing import drafts, envelopes, events, noting
from portal.signing.envelopes import Invited, NotADraft
from portal.signing.models import Envelope, SendingList
from portal.sources.customer_list import plain
from portal.sources.tables import Row, open_table

MOST = 500
# So many are sent to at once, while their person waits.
FEW = 10
JOB = "send_lists"
_NAMES: Mapping[str, str] = {
    heading: field
    for field, headings in {
        "name": "name namn",
        "email": "email epost epostadress mail mejl",
        "phone": "phone mobile mobilenumber mobil mobilnummer telefon telefonnummer",
        "identity_number": "identitynumber personalidentitynumber personnummer",
        "for_company": "company forcompany företag bolag",
        "language": "language språk",
    }.items()
    for heading in headings.split()
}


@dataclass(frozen=True)
class Listed:
    """Who is on a list, and what is wrong with its other lines. sha256: of the list."""

    people: Sequence[Invited]
    problems: Sequence[Problem]
    sha256: str


def read(data: bytes, filename: str, *, today: date) -> Listed:
    """The people of a CSV or XLSX file, one a line. Raises RedaError at `list` when it is none."""
    try:
        table = open_table(data, filename, least_columns=1)
    except RedaError as error:
        told = error.problem
        raise RedaError(told.message, field="list", **told.values) from error
    places: dict[str, int] = {}
    for place, heading in enumerate(table.columns):
        if field := _NAMES.get(plain(heading)):
            places.setdefault(field, place)
    if "name" not in places or not {"email", "phone"} & set(places):
        raise RedaError(
            N_("The list needs a column headed Name, and one headed E-mail or Mobile number."),
            field="list",
        )
    if len(table.rows) > MOST:
        raise RedaError(
            N_("There are %(count)s people; at most %(most)s are taken at a time. Divide the"
               " list."),
            field="list", count=len(table.rows), most=MOST,
        )  # fmt: skip
    return _understood(table.rows, places, hashlib.sha256(data).hexdigest(), today)


def _understood(rows: Sequence[Row], places: Mapping[str, int], sha256: str, today: date) -> Listed:
    people: list[Invited] = []
    problems: list[Problem] = []
    lines: dict[tuple[str | None, ...], int] = {}
    for row in rows:
        try:
            if row.problem is not None:
                problems.append(row.problem)
                continue
            one = _person({field: row.cells[place] for field, place in places.items()}, today)
        except RedaError as error:
            told = error.problem
            problems.append(Problem(told.message, told.values, told.field, row.line))
            continue
        same = (one.name, one.email, one.phone)
        if same in lines:
            values = {"number": one.name, "line": lines[same]}
            text = N_("%(number)s is on line %(line)s already; that line counts.")
            problems.append(Problem(text, values, "name", row.line))
            continue
        lines[same] = row.line
        people.append(one)
    return Listed(people, problems, sha256)


def _person(told: Mapping[str, str], today: date) -> Invited:
    language = told.get("language", "").strip() or "sv"
    known = locales.find(language)
    if known is None or not locales.is_offered(known.code):
        raise RedaError(
            N_("“%(text)s” is not a language code. Write one like sv or en, or leave it empty."),
            field="language",
            text=language[:20],
        )
    return drafts.invited({**told, "language": known.code}, today=today)


def begin(
    envelope: Envelope,
    listed: Listed,
    *,
    actor: Actor,
    sender_email: str | None,
    today: date,
    now: datetime,
) -> SendingList:
    """Have a copy of a draft sent to each of a list, who signs it with those who are on the draft.

    The draft stays. The first few are sent at once, the others by a job. The same list again is the
    same one, which goes on where it ended if not all were sent to. Raises NotADraft, and RedaError
    for what is lacking.
    """
    if events.lock(envelope).status != envelopes.DRAFT:
        raise NotADraft
    sending = db.session.scalar(
        select(SendingList)
        .where(SendingList.envelope_id == envelope.id, SendingList.sha256 == listed.sha256)
        .with_for_update()
    )
    if sending is not None and (sending.ended_at is None or sending.done == sending.total):
        return sending
    seen = envelopes.state_of(envelope)
    if sending is None:
        sending = SendingList(
            key=new_key(12), creditor_id=envelope.creditor_id, envelope_id=envelope.id,
            sha256=listed.sha256, total=len(listed.people), done=0,
        )  # fmt: skip
    sending.person_id, sending.person_name = actor.person_id, actor.name
    sending.sender_email, sending.seen = sender_email, seen
    sending.people = json.dumps([asdict(one) for one in listed.people])
    sending.begun_at, sending.ended_at, sending.failure = now, None, None
    db.session.add(sending)
    db.session.flush()
    go_on(sending, today=today, now=now)
    if sending.ended_at is None:
        queue.defer(JOB, once=JOB)
    return sending


def of(envelope: Envelope) -> list[SendingList]:
    """The lists that a draft is sent to, or was, the newest first."""
    return list(
        db.session.scalars(
            select(SendingList)
            .where(SendingList.envelope_id == envelope.id)
            .order_by(SendingList.id.desc())
        )
    )


def find(envelope: Envelope, key: str) -> SendingList | None:
    """A list of a draft, as it is now."""
    return db.session.scalar(
        select(SendingList)
        .where(SendingList.envelope_id == envelope.id, SendingList.key == key)
        .execution_options(populate_existing=True)
    )


def waiting() -> list[int]:
    """Lists that are not all sent to, the oldest first. To be called where all are seen."""
    return list(
        db.session.scalars(
            select(SendingList.id).where(SendingList.ended_at.is_(None)).order_by(SendingList.id)
        )
    )


def go_on(sending: SendingList, *, today: date, now: datetime) -> bool:
    """Send to the next few of a list; answers whether there are more.

    Raises NotADraft and ChangedMeanwhile when the draft is not what it was, and RedaError for what
    is lacking.
    """
    envelope = events.lock(db.session.get_one(Envelope, sending.envelope_id))
    db.session.refresh(sending, with_for_update=True)
    if sending.ended_at is not None:
        return False
    if envelope.status != envelopes.DRAFT:
        raise NotADraft
    if envelopes.state_of(envelope) != sending.seen:
        raise drafts.ChangedMeanwhile
    actor = Actor("person", sending.person_name, sending.person_id, "creditor")
    people = [Invited(**one) for one in json.loads(sending.people or "[]")]
    for one in people[sending.done :][:FEW]:
        _send(envelope, one, actor, sending.sender_email, today, now)
        sending.done += 1
    if sending.done == sending.total:
        sending.ended_at, sending.people = now, None
        count = sending.total
        events.record(
            envelope, "sent_to_list", actor=actor.label, now=now, list_sha256=sending.sha256,
            count=count,
        )  # fmt: skip
        noting.note("sent_to_list", envelope, actor=actor, now=now, count=str(count))
    db.session.flush()
    return sending.ended_at is None


def _send(
    envelope: Envelope,
    one: Invited,
    actor: Actor,
    sender_email: str | None,
    today: date,
    now: datetime,
) -> None:
    ending = f" – {one.name}"
    title = envelope.title[: envelopes.LONGEST_TITLE - len(ending)] + ending
    made = drafts.copy(
        envelope, title=title, actor=actor, sender_email=sender_email, today=today, now=now
    )
    made.last_on = envelope.last_on
    envelopes.add_signer(made, one)
    envelopes.send(made, actor=actor, today=today, now=now)


def stop(sending: SendingList, *, now: datetime, failure: Problem | None = None) -> None:
    """Send to no more of a list; those who were sent to keep what they got.

    failure: what went wrong; None when somebody stops it.
    """
    db.session.refresh(sending, with_for_update=True)
    if sending.ended_at is not None:
        return
    sending.ended_at, sending.people = now, None
    sending.failure = failure.as_json() if failure else None
    if failure:
        envelope = db.session.get_one(Envelope, sending.envelope_id)
        noting.note("list_failed", envelope, now=now, done=str(sending.done))
    db.session.flush()
