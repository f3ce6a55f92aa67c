"""Why a case stands still: put on, taken off.

Under a stop no step is taken and no letter goes out; what waits in the outbox is withdrawn.
Interest runs on (the debtor may pay at any time), fees do not grow.
"""

from datetime import date, datetime, timedelta

from sqlalchemy import select

from portal.collection import cases, circumstances, reaching, settling, states
from portal.collection.models import Case, Stop
from portal.collection.moves import move, open_stops, record
from portal.database import tenancy
from portal.delivery import outbox
from portal.extensions import db
from portal.identity import holds
from portal.identity.actor import SYSTEM, Actor
from portal.law.calendar import banking_day_on_or_after
from portal.messages import N_, RedaError

# Time to pay when what a case stood still for is over, before anything more happens.
TIME_AFTER = timedelta(days=10)


def lock_together(case: Case) -> None:
    """Lock a case, if it is open, and the same person's other open ones at the company.

    To be called before any of them is locked, by whoever may stop it for a circumstance, or let it
    go on: all are locked in the order of their ids, and two who do so at once do not wait for each
    other.
    """
    # Whoever looks at one case need not see the others.
    with tenancy.service():
        theirs = circumstances.open_cases_of(case.debtor)
        db.session.execute(
            select(Case.id).where(Case.id.in_(theirs)).order_by(Case.id).with_for_update()
        ).all()


def stop(
    case: Case,
    kind: str,
    reason: str,
    *,
    actor: Actor,
    now: datetime,
    until_on: date | None = None,
) -> Stop:
    """Stop a case. The same kind again changes reason and day of the stop that is there.

    case: locked. kind: one of states.STOPS; one of states.CIRCUMSTANCES is about a person, and
    stops all their open cases at the company (`lock_together` before). until_on: the day that it
    ends by itself, for a hold. Raises states.NotAllowed for a closed case, RedaError for an unknown
    kind.
    """
    if kind not in states.STOPS:
        raise RedaError(N_("There is no such reason to stop a case."), field="kind")
    put = _put(case, kind, reason, actor=actor, now=now, until_on=until_on)
    if kind in states.CIRCUMSTANCES:
        _stop_others(case, kind, actor=actor, now=now)
        reaching.keep_from_mailbox(case, now)
    return put


def _put(
    case: Case, kind: str, reason: str, *, actor: Actor, now: datetime, until_on: date | None = None
) -> Stop:
    move(case, "stop", actor)
    found = next((one for one in open_stops(case.id) if one.kind == kind), None)
    if found is not None and (found.reason, found.until_on) == (reason, until_on):
        return found
    if found is None:
        found = Stop(creditor_id=case.creditor_id, case_id=case.id, kind=kind, began_at=now)
        db.session.add(found)
    found.reason, found.until_on = reason, until_on
    case.is_stopped = True
    db.session.flush()
    record(
        case,
        "case.stopped",
        actor,
        now,
        kind=kind,
        reason=reason,
        until_on=until_on.isoformat() if until_on else None,
    )
    # A plan holds whatever else stops the case, and costs a fee because it is sent.
    settling.withdraw_letters(case, but=(outbox.PLAN,), now=now)
    return found


def _stop_others(case: Case, kind: str, *, actor: Actor, now: datetime) -> None:
    # Whoever looks at one case need not see the others.
    with tenancy.service():
        for case_id in circumstances.open_cases_of(case.debtor):
            if case_id != case.id and kind not in _kinds(case_id):
                _put(cases.lock(case_id), kind, "", actor=actor, now=now)


def _kinds(case_id: int) -> set[str]:
    return {one.kind for one in open_stops(case_id)}


def stop_for_what_is_known(case: Case, *, now: datetime) -> None:
    """Let a new case stand still where another tells why of its debtor, until somebody has looked.

    case: locked.
    """
    for kind in sorted(circumstances.known_of(case.debtor)):
        _put(case, kind, "", actor=SYSTEM, now=now)


def stopped_together(case: Case, kind: str, began_at: datetime) -> list[Case]:
    """The same person's other cases that a circumstance has stopped in the same moment, locked."""
    theirs = (
        select(Stop.case_id)
        .where(
            Stop.case_id.in_(circumstances.open_cases_of(case.debtor)),
            Stop.case_id != case.id,
            Stop.kind == kind,
            Stop.began_at == began_at,
            Stop.ended_at.is_(None),
        )
        .order_by(Stop.case_id)
    )
    return [cases.lock(case_id) for case_id in db.session.scalars(theirs).all()]


def end(case: Case, kind: str, *, actor: Actor, today: date, now: datetime) -> bool:
    """Take a stop off; the step that waited comes no earlier than today. Answers whether it was on.

    case: locked. Raises states.NotAllowed for a closed case.
    """
    stops = open_stops(case.id)
    found = next((one for one in stops if one.kind == kind), None)
    if found is None:
        return False
    move(case, "go on", actor)
    found.ended_at = now
    case.is_stopped = len(stops) > 1
    if not case.is_stopped and case.next_step_on is not None:
        case.next_step_on = max(case.next_step_on, banking_day_on_or_after(today))
    db.session.flush()
    record(case, "case.resumed", actor, now, kind=kind)
    return True


def ending(today: date, limit: int) -> list[tuple[int, str]]:
    """Cases and kinds of the stops that end by themselves on a day or did before.

    Those of companies that stand still as a whole wait.
    """
    rows = db.session.execute(
        select(Stop.case_id, Stop.kind)
        .where(
            Stop.ended_at.is_(None),
            Stop.until_on <= today,
            Stop.creditor_id.not_in(holds.held()),
        )
        .order_by(Stop.case_id, Stop.id)
        .limit(limit)
    )
    return [(case_id, kind) for case_id, kind in rows]
