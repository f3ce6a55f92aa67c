"""The switch of a company: on, paused, or everything held; since when, and by whom.

Paused, no new case is opened by the company's rules, and open cases go on. Held, open cases stand
still too: no step is taken, no letter leaves, whatever the rules say. Interest runs on and payments
are taken. Both hold from when they are saved, also for a run that is in the middle of its work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import cast, func, select
from sqlalchemy.dialects.postgresql import JSONPATH

from portal import clock
from portal.collection import cases, history, policy, rulebook, settling
from portal.collection.models import Case, Event, Invoice, Rules
from portal.database import queue
from portal.delivery import outbox
from portal.extensions import db
from portal.identity import holds
from portal.identity.actor import Actor
from portal.messages import N_, RedaError

MOST_WORDS = 300
_SWITCHED = '$.changes[*] ? (@.scope == "company" && exists(@.after.is_active))'


@dataclass(frozen=True)
class Turned:
    """When something was turned to how it is, and by whom, as the history tells it."""

    at: datetime
    by: str


@dataclass(frozen=True)
class Switch:
    """How a company stands.

    turned: when collection was last switched on or off; None when never. held, reason: since when
    everything stands still, and why. own_scopes: how many classes and customers have collection
    switched on by rules of their own, whatever the company's say.
    """

    is_active: bool
    turned: Turned | None
    held: Turned | None
    reason: str
    open_cases: int
    waiting_letters: int
    own_scopes: int


def standing(creditor_id: int) -> Switch:
    """How a company stands now."""
    hold = holds.current(creditor_id)
    own_scopes = select(func.count()).where(
        Rules.creditor_id == creditor_id, Rules.scope != "company", Rules.is_active.is_(True)
    )
    open_cases = select(func.count()).where(
        Case.creditor_id == creditor_id, Case.closed_on.is_(None)
    )
    return Switch(
        is_active=policy.effective(creditor_id).is_active,
        turned=_turned(creditor_id),
        held=Turned(hold.began_at, hold.began_by) if hold else None,
        reason=hold.reason if hold else "",
        open_cases=db.session.scalar(open_cases) or 0,
        waiting_letters=outbox.count_waiting(creditor_id),
        own_scopes=db.session.scalar(own_scopes) or 0,
    )


def _turned(creditor_id: int) -> Turned | None:
    row = db.session.execute(
        select(Event.occurred_at, Event.actor)
        .where(
            Event.creditor_id == creditor_id,
            Event.case_id.is_(None),
            Event.name == rulebook.EVENT,
            func.jsonb_path_exists(Event.data, cast(_SWITCHED, JSONPATH)),
        )
        .order_by(Event.id.desc())
        .limit(1)
    ).one_or_none()
    return Turned(*row) if row else None


def lacks_description(creditor_id: int) -> int:
    """How many open invoices do not say what they are for."""
    empty = select(func.count()).where(
        Invoice.creditor_id == creditor_id, Invoice.decision == "waiting", Invoice.description == ""
    )
    return db.session.scalar(empty) or 0


def turn_on(creditor_id: int, *, missing: Sequence[str], actor: Actor, now: datetime) -> None:
    """Switch collection on. missing: what must be there first. Raises RedaError if anything is."""
    if missing:
        raise RedaError(N_("Something is still missing. Look at the list, and mend that first."))
    rulebook.switch(creditor_id, True, actor=actor, today=clock.day_of(now), now=now)
    queue.defer("import_overdue_invoices", once="import_overdue_invoices")


def pause(creditor_id: int, *, actor: Actor, now: datetime) -> None:
    """Switch collection off, once the cases being opened this moment are there."""
    rulebook.switch(creditor_id, False, actor=actor, today=clock.day_of(now), now=now)


def hold_everything(creditor_id: int, reason: str, *, actor: Actor, now: datetime) -> bool:
    """Let all of a company's cases stand still at once. Answers whether they did not already.

    Raises RedaError at `reason` when it is too long.
    """
    if len(reason) > MOST_WORDS:
        raise RedaError(N_("Write at most %(most)s characters."), field="reason", most=MOST_WORDS)
    if not holds.begin(creditor_id, reason, by=actor.label, now=now):
        return False
    history.record("collection.held", creditor_id=creditor_id, actor=actor, now=now, reason=reason)
    return True


def go_on(creditor_id: int, *, actor: Actor, now: datetime) -> bool:
    """Let a company's cases go on. Answers whether they stood still.

    A letter that was held back since another day would leave too little time to pay: its fee falls,
    and the next run writes it anew.
    """
    if holds.current(creditor_id) is None:
        return False
    midnight = datetime.combine(clock.day_of(now), time(), clock.STOCKHOLM)
    # Cases before their letters, as all who lock both do.
    for case_id in outbox.cases_with_letters_before(creditor_id, midnight):
        cases.lock(case_id)
    stale = outbox.withdraw_letters_before(creditor_id, midnight)
    settling.let_fall(stale, now=now)
    since = holds.end(creditor_id, letters_left=bool(stale), now=now)
    history.record(
        "collection.resumed", creditor_id=creditor_id, actor=actor, now=now,
        since=since.isoformat() if since else None, letters=len(stale),
    )  # fmt: skip
    for job in ("import_overdue_invoices", "advance_cases", "deliver_outbox"):
        queue.defer(job, once=job)
    return True
