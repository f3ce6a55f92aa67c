"""Objections (bestridanden): taken down, looked into, answered in writing.

While an objection is not answered the case stands still: nothing is demanded of a debtor who says
that it is not owed (inkassolagen (1974:182) §§ 4, 8). One may object to a part; the rest can be
paid meanwhile, as everything can.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal import clock, ledger
from portal.collection import (
    attachments,
    cases,
    changes,
    lifecycle,
    notices,
    reaching,
    states,
    stops,
)
from portal.collection.attachments import Added
from portal.collection.models import Case, Dispute, DisputeTurn
from portal.collection.moves import interrupt_limitation, move, record
from portal.collection.words import written
from portal.delivery import outbox
from portal.extensions import db
from portal.identity.actor import Actor
from portal.law.calendar import banking_day_on_or_after
from portal.messages import N_, RedaError

# Why somebody objects.
PAID, NOT_MINE, AMOUNT, FAULTY = "paid", "not mine", "amount", "faulty"
NOT_RECEIVED, CANCELLED, NO_INVOICE, OTHER = "not received", "cancelled", "no invoice", "other"
REASONS = (PAID, NOT_MINE, AMOUNT, FAULTY, NOT_RECEIVED, CANCELLED, NO_INVOICE, OTHER)
CHANNELS = ("phone", "email", "post", "web")
UPHELD, PARTLY, TURNED_DOWN = "upheld", "partly", "turned down"
ANSWERS = (UPHELD, PARTLY, TURNED_DOWN)
# When an answer is to be expected; the case stands still however long it takes.
ANSWER_WITHIN = timedelta(days=14)
MOST_WORDS = 2_000


def of_case(case_id: int) -> list[Dispute]:
    """The objections to a case with what was said about them, the newest first."""
    return list(
        db.session.scalars(
            select(Dispute)
            .where(Dispute.case_id == case_id)
            .order_by(Dispute.id.desc())
            .options(selectinload(Dispute.turns))
        )
    )


def current(case_id: int) -> Dispute | None:
    """The objection to a case that is not answered yet."""
    return db.session.scalar(
        select(Dispute).where(Dispute.case_id == case_id, Dispute.status == "open")
    )


def undisputed_ore(dispute: Dispute, due: cases.AmountDue) -> int:
    """What of the sum due nobody objects to, in öre."""
    if dispute.amount_ore is None:
        return 0
    return max(0, due.total_ore - dispute.amount_ore)


def object_to(
    case: Case,
    *,
    reason: str,
    words: str,
    amount_ore: int | None,
    channel: str,
    language: str | None = None,
    actor: Actor,
    today: date,
    now: datetime,
) -> Dispute:
    """Take an objection down; the case stands still until it is answered.

    case: locked. reason: one of REASONS. words: the debtor's own. amount_ore: the part objected to,
    None for all. channel: one of CHANNELS. language: of the words, where it is known. Raises
    RedaError when one is open already, for no words, and for a part that is nothing or more than
    what is owed.
    """
    if reason not in REASONS or channel not in CHANNELS:
        raise RedaError(N_("Choose one of the options."), field="reason")
    said = written(words, MOST_WORDS)
    if current(case.id) is not None:
        raise RedaError(N_("There is an objection already that waits for an answer."))
    move(case, "object", actor)
    owed_ore = cases.amount_due(case, today).total_ore
    if amount_ore is not None and not 0 < amount_ore <= owed_ore:
        raise RedaError(
            N_("Write an amount above zero, and not more than the %(owed_ore)s that are owed."),
            field="amount",
            owed_ore=owed_ore,
        )
    dispute = Dispute(
        creditor_id=case.creditor_id, case_id=case.id, reason=reason, channel=channel,
        amount_ore=None if amount_ore == owed_ore else amount_ore, status="open", opened_at=now,
    )  # fmt: skip
    db.session.add(dispute)
    db.session.flush()
    _say(dispute, "objected", said, actor, now, language=language)
    record(case, "case.disputed", actor, now, dispute=dispute.id, reason=reason,
           amount_ore=dispute.amount_ore, channel=channel)  # fmt: skip
    stops.stop(case, states.DISPUTE, "", actor=actor, now=now)
    return dispute


def tell(
    case: Case,
    *,
    reason: str | None,
    words: str,
    amount_ore: int | None,
    files: Sequence[tuple[str, bytes]],
    language: str,
    actor: Actor,
    today: date,
    now: datetime,
) -> Added:
    """Take down what a debtor writes, with files: an objection, or more about one that waits.

    case: locked. reason, amount_ore: of a new one, as for `object_to`. words: may be empty when
    files come about an objection that waits. language: of the words. Sent twice, it is said once.
    Answers what became of the files; one that is not taken hinders nothing else. Raises RedaError
    as `object_to` does, and for neither words nor files.
    """
    dispute = current(case.id)
    said = written(words, MOST_WORDS) if words.strip() or dispute is None or not files else ""
    if dispute is None:
        dispute = object_to(
            case, reason=reason or "", words=said, amount_ore=amount_ore, channel="web",
            language=language, actor=actor, today=today, now=now,
        )  # fmt: skip
    added = attachments.add(case, files, actor=actor, now=now)
    turn = dispute.turns[-1]
    is_said = turn.kind in ("objected", "replied") and turn.words == said
    if not is_said and (said or added.kept):
        turn = _reply(case, dispute, said, language, actor, now)
    for one in added.kept:
        one.turn_id = turn.id
    db.session.flush()
    return added


def expected_on(dispute: Dispute) -> date:
    """The day by which an answer to an objection is to be expected."""
    return banking_day_on_or_after(clock.day_of(dispute.opened_at) + ANSWER_WITHIN)


def ask(
    case: Case,
    *,
    words: str,
    language: str | None = None,
    actor: Actor,
    today: date,
    now: datetime,
) -> Dispute:
    """Ask the debtor in writing for more about the objection; the case goes on standing still.

    case: locked. language: of the words, where it is known. Raises RedaError when no objection
    waits, and for no words.
    """
    dispute = _open(case)
    move(case, "ask about an objection", actor)
    turn = _say(dispute, "asked", written(words, MOST_WORDS), actor, now, language=language)
    _write(case, dispute, turn, pay_by_on=None, today=today, now=now)
    record(case, "case.dispute_asked", actor, now, dispute=dispute.id)
    return dispute


def reply(case: Case, *, words: str, actor: Actor, now: datetime) -> Dispute:
    """Take down what more the debtor says about the objection.

    case: locked. Raises RedaError when no objection waits, and for no words.
    """
    dispute = _open(case)
    _reply(case, dispute, written(words, MOST_WORDS), None, actor, now)
    return dispute


def _reply(
    case: Case, dispute: Dispute, words: str, language: str | None, actor: Actor, now: datetime
) -> DisputeTurn:
    move(case, "reply about an objection", actor)
    turn = _say(dispute, "replied", words, actor, now, language=language)
    record(case, "case.dispute_replied", actor, now, dispute=dispute.id)
    return turn


def answer(
    case: Case,
    kind: str,
    *,
    words: str,
    language: str | None = None,
    credited_ore: int = 0,
    is_paid_back: bool = False,
    actor: Actor,
    today: date,
    now: datetime,
) -> Dispute:
    """Answer an objection, in a letter to the debtor.

    case: locked. kind: UPHELD takes the whole claim back and closes the case, PARTLY takes back
    credited_ore, TURNED_DOWN nothing; after the latter two the case goes on, with time to pay. Of
    what was paid before it was UPHELD, fees and interest go back, and of the invoice itself what
    was paid to us when the creditor says that it is_paid_back.
    words: what the debtor reads as the reasons. language: of the words, where it is known. Raises
    RedaError when no objection waits, for no words, and for a part that is not a part.
    """
    if kind not in ANSWERS:
        raise RedaError(N_("Choose one of the options."), field="answer")
    dispute, said = _open(case), written(words, MOST_WORDS)
    move(case, "answer an objection", actor)
    left_ore = ledger.balance(case.id).principal_ore
    if kind == PARTLY and not 0 < credited_ore < left_ore:
        raise RedaError(
            N_("Write a part of the %(left_ore)s that are left of the invoice."),
            field="amount",
            left_ore=left_ore,
        )
    taken_back = {UPHELD: left_ore, PARTLY: credited_ore, TURNED_DOWN: 0}[kind]
    dispute.status, dispute.answered_at = kind, now
    dispute.credited_ore = taken_back or None
    db.session.flush()
    turn = _say(dispute, "answered", said, actor, now, language=language)
    if taken_back:
        changes.credit(case, amount_ore=taken_back, on=today, key=f"dispute {dispute.id}",
                       actor=actor, now=now, was_never_owed=True,
                       is_paid_back=is_paid_back)  # fmt: skip
    elif kind == UPHELD:
        # Only costs are left, and they were never owed.
        changes.recall(case, reason="", actor=actor, today=today, now=now, was_never_owed=True,
                       is_paid_back=is_paid_back)  # fmt: skip
    pay_by_on = go_on(case, states.DISPUTE, actor=actor, today=today, now=now)
    _write(case, dispute, turn, pay_by_on=pay_by_on, today=today, now=now)
    record(
        case, "case.dispute_answered", actor, now, dispute=dispute.id, answer=kind,
        credited_ore=taken_back, pay_by_on=pay_by_on.isoformat() if pay_by_on else None,
    )  # fmt: skip
    return dispute


def go_on(case: Case, stop: str, *, actor: Actor, today: date, now: datetime) -> date | None:
    """Let a case that is open go on after an answer, with time to pay.

    case: locked. stop: the one that is over. Answers the last day to pay, if nothing else stops it.
    """
    if case.closed_on is not None:
        return None
    lifecycle.resume(case, stop, actor=actor, today=today, now=now)
    if case.is_stopped:
        return None
    least = banking_day_on_or_after(today + stops.TIME_AFTER)
    case.pay_by_on = max(case.pay_by_on or least, least)
    interrupt_limitation(case, today)
    if case.next_step is not None and case.next_step_on is not None:
        rules = lifecycle.rules_of(case)
        case.next_step_on = max(case.next_step_on, lifecycle.step_after(case, rules))
    db.session.flush()
    return case.pay_by_on


def _open(case: Case) -> Dispute:
    found = current(case.id)
    if found is None:
        raise RedaError(N_("No objection waits for an answer."))
    return found


def _say(
    dispute: Dispute, kind: str, words: str, actor: Actor, now: datetime,
    *, language: str | None = None,
) -> DisputeTurn:  # fmt: skip
    turn = DisputeTurn(
        dispute_id=dispute.id, creditor_id=dispute.creditor_id, case_id=dispute.case_id, kind=kind,
        words=words, language=language, actor=actor.label, person_id=actor.person_id, said_at=now,
    )  # fmt: skip
    dispute.turns.append(turn)
    db.session.flush()
    return turn


def _write(
    case: Case,
    dispute: Dispute,
    turn: DisputeTurn,
    *,
    pay_by_on: date | None,
    today: date,
    now: datetime,
) -> None:
    write_answer(
        case, dispute.status if turn.kind == "answered" else "asked", turn.words,
        objected_at=dispute.opened_at, key=f"dispute:{dispute.id}:{turn.id}",
        credited_ore=dispute.credited_ore or 0, pay_by_on=pay_by_on, today=today, now=now,
    )  # fmt: skip


def write_answer(
    case: Case,
    kind: str,
    words: str,
    *,
    objected_at: datetime,
    key: str,
    credited_ore: int = 0,
    pay_by_on: date | None,
    today: date,
    now: datetime,
) -> None:
    """Put the letter in the outbox that answers what a debtor said was wrong.

    kind: of ANSWERS, or `asked`. words: the company's own. key: names the answer; it is sent once.
    """
    said = notices.content(
        case, "reminder", cases.charges_booked(case), rules=lifecycle.rules_of(case), today=today,
        pay_by_on=pay_by_on or today,
    )  # fmt: skip
    said |= {
        "pay_by_on": pay_by_on.isoformat() if pay_by_on else None,
        "creditors_words": None,
        "answer": kind,
        "words": words,
        "objected_on": clock.day_of(objected_at).isoformat(),
        "credited_ore": credited_ore,
        "is_closed": case.closed_on is not None,
    }
    outbox.put(
        "dispute_answer",
        case_id=case.id,
        creditor_id=case.creditor_id,
        content=said,
        secret=case.given_code,
        language=case.debtor.reads,
        to=reaching.reader(case),
        key=key,
        now=now,
    )
