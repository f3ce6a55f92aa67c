"""A case and what decides what can be done with it, for the pages of the case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from werkzeug.exceptions import NotFound

from portal.collection import cases, disputes, effects, moves, plans, states
from portal.collection.cases import AmountDue
from portal.collection.models import Case, Dispute, Plan, Stop


@dataclass(frozen=True)
class CaseFacts:
    """A case, what is due on it today, why it stands still, the plan that goes on with it,
    and the objection that waits for an answer."""

    case: Case
    due: AmountDue
    stops: Sequence[Stop]
    plan: Plan | None
    dispute: Dispute | None
    can: frozenset[str]

    @property
    def stop_kinds(self) -> list[str]:
        return [one.kind for one in self.stops]


def gather(reference: str, today: date) -> CaseFacts:
    """The facts of a case. Raises NotFound for one that is not the company's."""
    case = cases.find(reference)
    if case is None:
        raise NotFound
    return CaseFacts(
        case,
        cases.amount_due(case, today),
        moves.open_stops(case.id),
        plans.running(case.id),
        disputes.current(case.id),
        frozenset(effects.can(case, states.CREDITOR)),
    )
