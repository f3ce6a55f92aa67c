"""A case and what decides what can be done with it, for the pages of the case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from werkzeug.exceptions import NotFound

from portal.collection import (
    cases,
    disputes,
    effects,
    moves,
    never_owed,
    places,
    plans,
    states,
    tellings,
)
from portal.collection.cases import AmountDue
from portal.collection.models import Case, Dispute, Plan, Stop, Telling
from portal.collection.places import Places


@dataclass(frozen=True)
class CaseFacts:
    """A case, what is due on it today, why it stands still, the plan that goes on with it,
    and what of the debtor's waits for an answer: the objection, and what was told."""

    case: Case
    due: AmountDue
    stops: Sequence[Stop]
    plan: Plan | None
    dispute: Dispute | None
    told: Sequence[Telling]
    can: frozenset[str]

    @cached_property
    def places(self) -> Places:
        """Where the debtor is, as far as it is shown."""
        return places.of(self.case.debtor)

    @cached_property
    def principal_paid_ore(self) -> int:
        """What was paid to us of the invoice itself, in öre."""
        return never_owed.principal_paid(self.case.id)

    @property
    def stop_kinds(self) -> list[str]:
        return [one.kind for one in self.stops]

    def waits(self, *kinds: str) -> list[Telling]:
        """What was told of these kinds and waits for an answer."""
        return [one for one in self.told if one.stop in kinds]

    @property
    def answered_kinds(self) -> list[str]:
        """The stops that nothing told waits below."""
        return [one for one in self.stop_kinds if not self.waits(one)]


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
        tellings.waiting(case.id),
        frozenset(effects.can(case, states.CREDITOR)),
    )
