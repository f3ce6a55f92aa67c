"""When a claim is limited (preskriberad), reckoned anew when what interrupted it never was.

A case keeps its day, which every reminder, demand and payment moves on (`moves`).
"""

from datetime import date
from itertools import chain

from sqlalchemy import select

from portal import clock, ledger
from portal.collection.models import Case, Event
from portal.delivery import outbox
from portal.extensions import db
from portal.law import limitation
from portal.law.limitation import ACKNOWLEDGED, REMINDED, Interruption

# Answers to debtors; those that tell of a last day to pay demand the claim again.
_ANSWERED = ("case.dispute_answered", "case.told_answered")


def reckon_anew(case: Case) -> bool:
    """Set the day back to what all that stands of a case makes it; answers if that is earlier.

    Payments that stand, letters that were not withdrawn, and answers that gave time to pay. It is
    never moved on. case: locked.
    """
    stands = chain(
        (Interruption(ACKNOWLEDGED, on) for on in ledger.covering(case.id).values()),
        (Interruption(REMINDED, on) for on in _demanded_on(case.id)),
    )
    limited_on = limitation.limited_on(
        case.claim_arose_on, is_consumer=case.is_consumer, interruptions=list(stands)
    )
    if limited_on is None or limited_on >= case.limited_on:
        return False
    case.limited_on = limited_on
    return True


def _demanded_on(case_id: int) -> list[date]:
    answered = db.session.scalars(
        select(Event.occurred_at).where(
            Event.case_id == case_id,
            Event.name.in_(_ANSWERED),
            Event.data["pay_by_on"].astext.is_not(None),
        )
    )
    return [clock.day_of(at) for at in (*outbox.written(case_id, outbox.STEPS), *answered)]
