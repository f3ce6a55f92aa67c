"""One draft is sent to all of a list, each of whom signs a document of their own."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from portal import locales
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, Problem, RedaError
from portal.signing import drafts, envelopes, events, noting
from portal.signing.envelopes import Invited, NotADraft
from portal.signing.models import Envelope, EnvelopeEvent
from portal.sources.customer_list import plain
from portal.sources.tables import Row, open_table

MOST = 500
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


def send(
    envelope: Envelope,
    listed: Listed,
    *,
    actor: Actor,
    sender_email: str | None,
    today: date,
    now: datetime,
) -> int:
    """Send a copy of a draft to each of a list, who signs it with those who are on the draft.

    The draft stays. Answers how many were sent; 0 when the list has been sent from it before.
    Raises NotADraft, and RedaError for what is lacking.
    """
    if events.lock(envelope).status != envelopes.DRAFT:
        raise NotADraft
    before = select(EnvelopeEvent.id).where(
        EnvelopeEvent.envelope_id == envelope.id,
        EnvelopeEvent.name == "sent_to_list",
        EnvelopeEvent.data.contains({"list_sha256": listed.sha256}),
    )
    if db.session.scalar(before) is not None:
        return 0
    for one in listed.people:
        ending = f" – {one.name}"
        title = envelope.title[: envelopes.LONGEST_TITLE - len(ending)] + ending
        made = drafts.copy(
            envelope, title=title, actor=actor, sender_email=sender_email, today=today, now=now
        )
        made.last_on = envelope.last_on
        envelopes.add_signer(made, one)
        envelopes.send(made, actor=actor, today=today, now=now)
    count = len(listed.people)
    events.record(
        envelope, "sent_to_list", actor=actor.label, now=now, list_sha256=listed.sha256, count=count
    )
    noting.note("sent_to_list", envelope, actor=actor, now=now, count=str(count))
    return count
