"""What somebody may choose to pay on a case, and what is left afterwards, in öre."""

from dataclasses import dataclass
from datetime import date, timedelta

from portal.collection import cases, policy
from portal.collection.cases import AmountDue
from portal.collection.models import Case
from portal.law import calendar
from portal.messages import N_, RedaError

# Less than a krona costs more to receive than it pays.
LEAST_ORE = 100
MOST_AHEAD = timedelta(days=90)


class WrongAmount(RedaError):
    """An amount that cannot be paid on the case."""

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message, field="amount", **values)


class WrongDay(RedaError):
    """A day on which nobody can be asked to pay."""


@dataclass(frozen=True)
class Transfer:
    """A payment from a bank that is still to be made, in öre.

    ordered_on: when the bank is told. arrives_on: the day that the money comes on at the latest,
    and that interest is counted to; counted_to_on is before it where no rate is known for later.
    left_ore: what is left to pay then. daily_ore: interest of the day after. let_go_ore: the
    largest rest that is let go.
    """

    ordered_on: date
    arrives_on: date
    counted_to_on: date
    amount_ore: int
    left_ore: int
    daily_ore: int
    let_go_ore: int


def part_of(due: AmountDue, amount_ore: int | None) -> int:
    """The part of what is due that somebody wants to pay. Raises WrongAmount."""
    if amount_ore is None:
        raise WrongAmount(N_("Fill this in."))
    if not 0 < amount_ore <= due.total_ore:
        raise WrongAmount(
            N_("Write an amount above zero, and not more than the %(owed_ore)s that are owed."),
            owed_ore=due.total_ore,
        )
    # Who owes less than that may still pay all of it.
    if amount_ore < min(LEAST_ORE, due.total_ore):
        raise WrongAmount(N_("Pay at least %(least_ore)s."), least_ore=LEAST_ORE)
    return amount_ore


def left_after(case: Case, due: AmountDue, amount_ore: int) -> int:
    """What is left to pay once an amount has come; none of a rest that is let go."""
    rest_ore = due.total_ore - amount_ore
    return rest_ore if rest_ore > let_go_ore(case) else 0


def let_go_ore(case: Case) -> int:
    """The largest rest that the creditor lets go when a payment leaves it."""
    return policy.of_debtor(case.debtor).small_rest_ore


def by_bank(case: Case, *, ordered_on: date, amount_ore: int | None, today: date) -> Transfer:
    """What to pay by bank on a day. amount_ore: None for all that will be owed when it arrives.

    Raises WrongDay, or WrongAmount when a part is more than all.
    """
    if not today <= ordered_on <= today + MOST_AHEAD:
        raise WrongDay(
            N_("The date must be between %(min)s and %(max)s."), field="on",
            min=today, max=today + MOST_AHEAD,
        )  # fmt: skip
    arrives_on = calendar.arrives_by(ordered_on)
    due = cases.owed_on(case, arrives_on)
    paid_ore = due.total_ore if amount_ore is None else part_of(due, amount_ore)
    return Transfer(
        ordered_on=ordered_on,
        arrives_on=arrives_on,
        counted_to_on=due.interest_through_on,
        amount_ore=paid_ore,
        left_ore=left_after(case, due, paid_ore),
        daily_ore=cases.owed_on(case, arrives_on + timedelta(days=1)).total_ore - due.total_ore,
        let_go_ore=let_go_ore(case),
    )
