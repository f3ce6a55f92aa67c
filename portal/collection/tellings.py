"""What a debtor tells that must be looked into: paid already, not me, my situation.

Each stops the case at once and until a person of the company has answered; `law.situations` says by
which statute. One waits per stop; telling it again while it waits changes what was told. What is
wrong among what is held about somebody is told alike, of a closed case too, and stops nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, select

from portal.collection import attachments, changes, disputes, reaching, states, stops
from portal.collection.attachments import Added
from portal.collection.models import Case, Telling
from portal.collection.moves import move, open_stops, record
from portal.collection.words import written
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, RedaError

PAID, WRONG_PERSON, CORRECTION = states.SAID_PAID, states.WRONG_PERSON, states.CORRECTION
# A debtor's situation, in the order that it is asked in.
SITUATIONS = (
    states.RESTRUCTURING, states.BANKRUPT, states.REPRESENTED, states.DECEASED, states.MINOR,
)  # fmt: skip
# How somebody paid, why it is the wrong person, and what is wrong among what is held.
WAYS = ("creditor", "us", "other")
WHY = ("unknown", "address", "name")
WHAT = ("name", "address", "invoice", "sum", "other")
# What a company answers.
CAME, NOT_COME = "came", "not come"
WRONG, RIGHT = "wrong", "right"
HOLDS, GOES_ON = "holds", "goes on"
CORRECTED, STANDS = "corrected", "stands"
OUTCOMES: Mapping[str, tuple[str, ...]] = {
    PAID: (CAME, NOT_COME),
    WRONG_PERSON: (WRONG, RIGHT),
    **dict.fromkeys(SITUATIONS, (HOLDS, GOES_ON)),
    CORRECTION: (CORRECTED, STANDS),
}
LAPSED = "lapsed"
MOST_WORDS, MOST_CONTACT, MOST_ORE = 2_000, 200, 100_000_000_00
_EARLIEST = date(1990, 1, 1)


def of_case(case_id: int, *kinds: str) -> list[Telling]:
    """What was told in a case, the newest first. kinds: stops that it put on; all when none."""
    wanted = select(Telling).where(Telling.case_id == case_id).order_by(Telling.id.desc())
    return list(db.session.scalars(wanted.where(Telling.stop.in_(kinds)) if kinds else wanted))


def answered_since(case_id: int, since: datetime) -> set[str]:
    """The kinds of what was told in a case that were answered since an instant."""
    return set(db.session.scalars(_answered(case_id, since)))


def is_answered_sql(
    case_id: ColumnElement[int], since: ColumnElement[datetime]
) -> ColumnElement[bool]:
    """Whether `answered_since` finds any."""
    return _answered(case_id, since).exists()


def _answered(
    case_id: int | ColumnElement[int], since: datetime | ColumnElement[datetime]
) -> Select[str]:
    return select(Telling.stop).where(
        Telling.case_id == case_id, Telling.settled_at > since, Telling.outcome != LAPSED
    )


def waiting(case_id: int) -> list[Telling]:
    """What was told in a case and waits for an answer, the oldest first."""
    return [one for one in reversed(of_case(case_id)) if one.settled_at is None]


def waiting_sql(creditor_id: int) -> Select[datetime]:
    """Since when each thing told to a company waits for its answer, the oldest first."""
    return (
        select(Telling.told_at)
        .where(Telling.creditor_id == creditor_id, Telling.settled_at.is_(None))
        .order_by(Telling.told_at)
    )


def waiting_cases_sql(creditor_id: int) -> Select[int]:
    """The cases of a company with something told that waits for an answer."""
    return select(Telling.case_id).where(
        Telling.creditor_id == creditor_id, Telling.settled_at.is_(None)
    )


def paid_facts(
    *, on: date | None, amount_ore: int | None, way: str, today: date
) -> dict[str, object]:
    """What is told of a payment. Raises RedaError at `on`, `amount` or `way` for what cannot be."""
    if on is None or not _EARLIEST <= on <= today:
        raise RedaError(N_("Write the day you paid. It cannot be a day to come."), field="on")
    if amount_ore is None or not 0 < amount_ore <= MOST_ORE:
        raise RedaError(N_("Write an amount above zero."), field="amount")
    _one_of(WAYS, way, "way")
    return {"on": on.isoformat(), "amount_ore": amount_ore, "way": way}


def wrong_person_facts(*, why: str) -> dict[str, object]:
    """Why it is the wrong person. Raises RedaError at `why`."""
    _one_of(WHY, why, "why")
    return {"why": why}


def correction_facts(*, what: str) -> dict[str, object]:
    """What is wrong among what is held. Raises RedaError at `what`."""
    _one_of(WHAT, what, "what")
    return {"what": what}


def situation_facts(*, since: date | None, contact: str, today: date) -> dict[str, object]:
    """What is told of a situation. Raises RedaError at `since` or `contact`."""
    if since is not None and not _EARLIEST <= since <= today:
        raise RedaError(N_("Write a day that has been, or leave it empty."), field="since")
    said = written(contact, MOST_CONTACT) if contact.strip() else ""
    return {"since": since.isoformat() if since else None, "contact": said}


def _one_of(known: Sequence[str], value: str, field: str) -> None:
    if value not in known:
        raise RedaError(N_("Choose one of the options."), field=field)


def tell(
    case: Case,
    stop: str,
    *,
    facts: Mapping[str, object],
    words: str,
    files: Sequence[tuple[str, bytes]],
    language: str,
    actor: Actor,
    now: datetime,
) -> Added:
    """Take down what a debtor tells, with files; the case stands still until it is answered.

    case: locked. stop: a key of OUTCOMES; CORRECTION stops nothing. facts: as one of the `…_facts`
    gives them. words: may be empty, but of a CORRECTION. Sent twice, it is told once. Answers what
    became of the files; one that is not taken hinders nothing else. Raises RedaError for an unknown
    stop, for too many words, and states.NotAllowed for a closed case, which only a CORRECTION may
    be about.
    """
    _one_of(tuple(OUTCOMES), stop, "stop")
    said = written(words, MOST_WORDS) if words.strip() or stop == CORRECTION else ""
    move(case, "ask for a correction" if stop == CORRECTION else "tell", actor)
    found = next((one for one in waiting(case.id) if one.stop == stop), None)
    is_news = found is None or (found.facts, found.words) != (dict(facts), said)
    if found is None:
        found = Telling(creditor_id=case.creditor_id, case_id=case.id, stop=stop, told_at=now)
        db.session.add(found)
    found.facts, found.words, found.language = dict(facts), said, language
    db.session.flush()
    if is_news:
        record(case, "case.told", actor, now, telling=found.id, stop=stop)
    if stop != CORRECTION:
        _stop(case, stop, actor, now)
    return add_files(case, found, files, actor=actor, now=now)


def add_files(
    case: Case, telling: Telling, files: Sequence[tuple[str, bytes]], *, actor: Actor, now: datetime
) -> Added:
    """Keep files with what was told. case: locked."""
    added = attachments.add(case, files, actor=actor, now=now)
    for one in added.kept:
        one.telling_id = telling.id
    db.session.flush()
    return added


def _stop(case: Case, kind: str, actor: Actor, now: datetime) -> None:
    """One that is there already keeps its reason, and no longer ends by itself."""
    found = next((one for one in open_stops(case.id) if one.kind == kind), None)
    if found is None or found.until_on is not None:
        stops.stop(case, kind, found.reason if found else "", actor=actor, now=now)


def answer(
    case: Case,
    stop: str,
    outcome: str,
    *,
    words: str,
    language: str | None = None,
    amount_ore: int = 0,
    on: date | None = None,
    actor: Actor,
    today: date,
    now: datetime,
) -> Telling:
    """Answer what a debtor told.

    case: locked. outcome: of OUTCOMES of the stop. CAME registers a payment to the company of
    amount_ore on a day; WRONG recalls the claim, as never owed; HOLDS lets the case stand still, as
    the law asks; CORRECTED and STANDS change nothing else; after the others the case goes on, with
    time to pay.
    words: what the debtor reads; needed when the claim, or what is held, stands; of a claim a
    letter then brings them. language: of the words, where it is known. Of what else
    is answered a message tells that there is news. Raises RedaError when nothing waits, and as
    `changes.creditor_was_paid` does.
    """
    found = next((one for one in waiting(case.id) if one.stop == stop), None)
    if found is None:
        raise RedaError(N_("Nothing of this kind waits for an answer."))
    _one_of(OUTCOMES[stop], outcome, "outcome")
    is_needed = outcome in (NOT_COME, RIGHT, STANDS)
    said = written(words, MOST_WORDS) if words.strip() or is_needed else ""
    is_stop = stop != CORRECTION
    move(case, "answer what was told" if is_stop else "answer about a correction", actor)
    # Settled first: what closes the case lets what still waits lapse.
    found.settled_at, found.outcome, found.answer = now, outcome, said
    found.settled_by, found.answer_language = actor.label, language
    db.session.flush()
    if outcome == CAME:
        changes.creditor_was_paid(case, amount_ore=amount_ore, on=on or today,
                                  key=f"telling {found.id}", actor=actor, now=now)  # fmt: skip
    elif outcome == WRONG:
        changes.recall(case, reason="", actor=actor, today=today, now=now, was_never_owed=True)
    pay_by_on = None
    if is_stop and outcome != HOLDS:
        pay_by_on = disputes.go_on(case, stop, actor=actor, today=today, now=now)
    if outcome == GOES_ON:
        _let_others_go_on(case, found, actor=actor, today=today, now=now)
    has_letter = outcome in (NOT_COME, RIGHT, WRONG) and bool(said)
    if not has_letter:
        is_told = reaching.tell(case, "news", {}, key=f"telling:{found.id}", now=now)
        # Nothing more is demanded of anybody who has not been told why.
        has_letter = outcome == GOES_ON and bool(said) and not is_told
    if has_letter:
        disputes.write_answer(
            case, disputes.UPHELD if outcome == WRONG else disputes.TURNED_DOWN, said,
            objected_at=found.told_at, key=f"telling:{found.id}", pay_by_on=pay_by_on,
            today=today, now=now,
        )  # fmt: skip
    record(case, "case.told_answered", actor, now, telling=found.id, stop=stop, outcome=outcome,
           pay_by_on=pay_by_on.isoformat() if pay_by_on else None)  # fmt: skip
    return found


def _let_others_go_on(
    case: Case, settled: Telling, *, actor: Actor, today: date, now: datetime
) -> None:
    """What was told of a person has stopped their other cases too, and is told of none of them."""
    for other in stops.stopped_together(case, settled.stop, settled.told_at):
        if not any(one.stop == settled.stop for one in waiting(other.id)):
            disputes.go_on(other, settled.stop, actor=actor, today=today, now=now)
