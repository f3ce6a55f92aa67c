"""What somebody owes on some cases together, and what comes next on each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from portal import ledger
from portal.collection import cases, coming, rates, settling
from portal.collection.coming import Coming
from portal.collection.models import Case
from portal.database.together import Together


@dataclass(frozen=True)
class Debt:
    """A case, what is owed on it in öre, interest included, and what comes next."""

    case: Case
    owed_ore: int
    coming: Coming


@dataclass(frozen=True)
class Debts:
    """Open cases, the one to be paid first coming first, closed ones, and what is owed in all.

    sums: öre by currency, of the open cases. newest_money: as `settling.newest` tells, of them all.
    """

    open: Sequence[Debt]
    closed: Sequence[Debt]
    sums: Mapping[str, int]
    newest_money: int

    def by_payer(self) -> list["Payer"]:
        """The open cases apart by who owes them: people first, then companies by their names."""
        debtors = [one.case.debtor for one in self.open]
        # Not every creditor knows the number of whom it has told us of.
        numbers = {
            one.name: one.identity_number_hash for one in debtors if one.identity_number_hash
        }
        found: dict[object, list[Debt]] = {}
        for one, debtor in zip(self.open, debtors, strict=True):
            number = debtor.identity_number_hash or numbers.get(debtor.name)
            found.setdefault(number or debtor.name, []).append(one)
        payers = [Payer(some[0].case.debtor.name, some, _sums(some)) for some in found.values()]
        return sorted(payers, key=lambda one: (one.is_company, one.is_company and one.name))


@dataclass(frozen=True)
class Payer:
    """One person or company, and the open cases in its name. sums: as of Debts."""

    name: str
    open: Sequence[Debt]
    sums: Mapping[str, int]

    @property
    def is_company(self) -> bool:
        """Whether it is no person; who trades in their own name is one."""
        return all(one.case.debtor.kind == "company" for one in self.open)


_ASKED = Together(ledger.BOOKS, rates.TABLE, settling.NEWEST, *coming.PARTS)


def of(case_ids: Sequence[int], today: date) -> Debts:
    """What is owed today on those of some cases that may be seen, asked for all of them at once."""
    some = cases.of_ids(case_ids)
    books, table, newest_money, *told = _ASKED.ask(
        {"case_ids": [case.id for case in some], **coming.asked_of(some)}
    )
    due = {
        case.id: cases.amount_due(
            case, today, cases.Known(books.get(case.id, ledger.NO_BOOKS), table)
        )
        for case in some
        if case.closed_on is None
    }
    left = {id: one.principal_ore for id, one in due.items()}
    ahead = coming.of_cases(some, left, today, coming.Told(*told))
    found = [
        Debt(case, due[case.id].total_ore if case.id in due else 0, ahead[case.id]) for case in some
    ]
    still = [one for one in found if one.case.closed_on is None]
    closed = [one for one in found if one.case.closed_on is not None]
    return Debts(still, closed, _sums(still), newest_money)


def _sums(some: Sequence[Debt]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in some:
        sums[one.case.currency] = sums.get(one.case.currency, 0) + one.owed_ore
    return sums
