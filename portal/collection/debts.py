"""What somebody owes on some cases together, and what comes next on each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from portal.collection import cases, coming, owed
from portal.collection.coming import Coming
from portal.collection.models import Case


@dataclass(frozen=True)
class Debt:
    """A case, what is owed on it in öre, interest included, and what comes next."""

    case: Case
    owed_ore: int
    coming: Coming


@dataclass(frozen=True)
class Debts:
    """Open cases, the one to be paid first coming first, closed ones, and what is owed in all.

    sums: öre by currency, of the open cases.
    """

    open: Sequence[Debt]
    closed: Sequence[Debt]
    sums: Mapping[str, int]


def of(case_ids: Sequence[int], today: date) -> Debts:
    """What is owed today on those of some cases that may be seen, asked for all of them at once."""
    some = cases.of_ids(case_ids)
    alive = [case.id for case in some if case.closed_on is None]
    sums = owed.of_cases(alive, today) if alive else {}
    ahead = coming.of_cases(some, {id: one.principal_ore for id, one in sums.items()}, today)
    found = [
        Debt(case, sums[case.id].total_ore if case.id in sums else 0, ahead[case.id])
        for case in some
    ]
    still = [one for one in found if one.case.closed_on is None]
    in_all: dict[str, int] = {}
    for one in still:
        in_all[one.case.currency] = in_all.get(one.case.currency, 0) + one.owed_ore
    return Debts(still, [one for one in found if one.case.closed_on is not None], in_all)
