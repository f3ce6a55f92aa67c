"""What every act on a case does alike: asks the table, books, tells, closes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime

from sqlalchemy import select, update

from portal import ledger
from portal.collection import history, states
from portal.collection.models import Case, Dispute, Plan, Stop, Telling
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.law import limitation
from portal.law.fees import Charge
from portal.ledger import Account
from portal.messages import N_

# Who an actor is in the table of states; a person is what their door says.
_BY = {
    "system": states.SYSTEM,
    "swish": states.BANK,
    "provider": states.BANK,
    "bank": states.BANK,
    "debtor": states.DEBTOR,
}


def move(case: Case, name: str, actor: Actor) -> states.Transition:
    """Make a transition of the table: status and next step change, the rest is the caller's.

    case: locked. Raises states.NotAllowed when the case cannot make it, or not by this actor.
    """
    transition = states.allowed(name, case.status)
    if _BY.get(actor.kind, actor.role) not in transition.by:
        raise states.NotAllowed(N_("You cannot do this with the case."))
    if transition.after is not None:
        case.status = transition.after
    if transition.next_step != "same":
        case.next_step = transition.next_step
        case.next_step_on = None
    return transition


def record(case: Case, name: str, actor: Actor, now: datetime, **data: object) -> None:
    """Tell the case's history."""
    history.record(
        name, creditor_id=case.creditor_id, case_id=case.id, actor=actor, now=now, **data
    )


def post(
    case: Case, kind: str, *, booked_on: date, key: str, lines: Mapping[Account, int], now: datetime
) -> bool:
    """Book an entry on a case, once per key; one without any öre is not written."""
    if not any(lines.values()):
        return False
    return ledger.post(
        creditor_id=case.creditor_id,
        case_id=case.id,
        kind=kind,
        booked_on=booked_on,
        key=key,
        lines=lines,
        currency=case.currency,
        now=now,
    )


def charge_creditor(
    case: Case, charges: Sequence[Charge], *, booked_on: date, key: str, now: datetime
) -> None:
    """Book fees that the creditor bears itself. key: ends the key of each fee's entry."""
    for one in charges:
        post(
            case,
            f"creditor_fee.{one.kind}",
            booked_on=booked_on,
            key=f"creditor_fee:{one.kind}:{key}",
            lines={Account.OWED_BY_CREDITOR: one.ore, Account.FEE_INCOME: -one.ore},
            now=now,
        )


def note_charges(case: Case, charges: Sequence[Charge], on: date) -> None:
    """Note on a case what it was charged on a day, for later fees to be decided by."""
    told = [{**asdict(one), "on": on.isoformat()} for one in charges]
    case.charges = [*case.charges, *told]


def give_up(
    case: Case, kind: str, *, on: date, fees_to: Account, key: str, now: datetime
) -> ledger.Balance:
    """Book away all that is owed on a case; answers what it was.

    fees_to: `fee_income` when the fees should never have been, `bad_debt` when they are lost.
    """
    left = ledger.balance(case.id)
    claim_ore = left.principal_ore + left.interest_ore
    post(
        case,
        kind,
        booked_on=on,
        key=key,
        lines={
            Account.PRINCIPAL: -left.principal_ore,
            Account.INTEREST: -left.interest_ore,
            Account.CLAIMS: claim_ore,
            Account.FEES: -left.fees_ore,
            fees_to: left.fees_ore,
        },
        now=now,
    )
    return left


def close(case: Case, *, on: date, now: datetime) -> None:
    """End all that goes on with a case that has come to a closed status.

    What waits to be sent is withdrawn, with its fees, before what is left is given up
    (`unsent.withdraw`).
    """
    case.next_step = case.next_step_on = case.pay_by_on = None
    case.closed_on = on
    db.session.execute(
        update(Stop).where(Stop.case_id == case.id, Stop.ended_at.is_(None)).values(ended_at=now)
    )
    case.is_stopped = False
    db.session.execute(
        update(Dispute)
        .where(Dispute.case_id == case.id, Dispute.status == "open")
        .values(status="lapsed", answered_at=now)
    )
    db.session.execute(
        update(Telling)
        .where(
            Telling.case_id == case.id,
            Telling.settled_at.is_(None),
            # What is held about somebody is held after the end, and is to be right.
            Telling.stop != states.CORRECTION,
        )
        .values(settled_at=now, outcome="lapsed")
    )
    is_kept = case.status == states.PAID
    db.session.execute(
        update(Plan)
        .where(Plan.case_id == case.id, Plan.status == "running")
        .values(status="kept" if is_kept else "ended", ended_on=on)
    )


def interrupt_limitation(case: Case, on: date) -> None:
    """A new period of limitation runs from a reminder, a demand or a payment (§§ 5–6)."""
    if on >= case.limited_on:
        return
    until = limitation.limited_on(on, is_consumer=case.is_consumer)
    if until is not None:
        case.limited_on = max(case.limited_on, until)


def open_stops(case_id: int) -> list[Stop]:
    """Why a case stands still now, the oldest reason first."""
    return list(
        db.session.scalars(
            select(Stop).where(Stop.case_id == case_id, Stop.ended_at.is_(None)).order_by(Stop.id)
        )
    )


__all__ = [
    "SYSTEM",
    "charge_creditor",
    "close",
    "give_up",
    "interrupt_limitation",
    "move",
    "note_charges",
    "open_stops",
    "post",
    "record",
]
