"""What changes in the creditor's own ledger while a case lives, each booked as what it is.

key: names the change in the creditor's ledger (a payment's or credit note's number); the same key
again changes nothing. Each verb takes the case locked.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import select

from portal import ledger
from portal.collection import (
    cases,
    crossing,
    lifecycle,
    never_owed,
    settling,
    states,
    stops,
    unsent,
)
from portal.collection.models import Case, Debtor
from portal.collection.moves import (
    close,
    give_up,
    interrupt_limitation,
    move,
    post,
    record,
)
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.ledger import Account
from portal.messages import N_, RedaError
from portal.payments import commission

# What a later message from the creditor's ledger may change of a customer.
CUSTOMER_FIELDS = (
    "name", "address_line", "postcode", "town", "country", "email", "phone", "language",
    "customer_class", "size_class",
)  # fmt: skip


def creditor_was_paid(
    case: Case, *, amount_ore: int, on: date, key: str, actor: Actor, now: datetime
) -> bool:
    """The debtor has paid the creditor directly: principal first, then interest; not our fees.

    What is left is still owed, or waived when the principal is paid and the creditor's rules say
    so. When more was booked meanwhile, what was paid bears no interest after its own day, and a fee
    for a letter of later falls when no principal was left to ask for, as does that of one that has
    not left when nothing else is owed then. Of a case under surveillance,
    commission is due as if it had come to us. amount_ore: öre, above zero. Raises RedaError when it
    is more than principal and interest.
    """
    posted = f"direct:{case.id}:{key}"
    if ledger.is_posted(posted):
        return False
    _require_positive(amount_ore)
    move(case, "pay directly", actor)
    due = cases.amount_due(case, on)
    late = crossing.ran_late(case, due)
    most_ore = due.principal_ore + due.interest_ore - late.interest_ore
    if amount_ore > most_ore:
        raise RedaError(
            N_("At most %(most_ore)s is owed to the creditor on that day. Check the amount."),
            field="amount",
            most_ore=most_ore,
        )
    if _leaves_fees_of_unsent_alone(case, amount_ore, due) and unsent.withdraw(case, now=now):
        due = cases.amount_due(case, on)
        late = crossing.ran_late(case, due)
    crossing.book_interest(case, due, key=posted, now=now)
    principal_ore = min(amount_ore, due.principal_ore)
    interest_ore = amount_ore - principal_ore
    post(
        case,
        "payment.direct",
        booked_on=on,
        key=posted,
        lines={
            Account.PRINCIPAL: -principal_ore,
            Account.INTEREST: -interest_ore,
            Account.CLAIMS: amount_ore,
        },
        now=now,
    )
    commission.charge([posted], now=now)
    crossing.lower_interest(case, late, on, key=f"late:{posted}", now=now)
    if principal_ore == due.principal_ore:
        # A letter costs nothing when only costs and interest are left to ask for.
        crossing.waive_late_fees(case, late, key=f"late:{posted}", now=now)
    interrupt_limitation(case, on)
    left_ore = ledger.balance(case.id).total_ore
    record(
        case, "case.paid_directly", actor, now, amount_ore=amount_ore, on=on.isoformat(),
        principal_ore=principal_ore, interest_ore=interest_ore, left_ore=left_ore,
    )  # fmt: skip
    if principal_ore == due.principal_ore and lifecycle.rules_of(case).waives_costs:
        _waive(case, on=on, key=posted, now=now)
        left_ore = 0
    settling.close_if_settled(case, left_ore, on=on, key=posted, now=now)
    return True


def _leaves_fees_of_unsent_alone(case: Case, amount_ore: int, due: cases.AmountDue) -> bool:
    """Whether money to the creditor pays all but fees, unpaid, of letters that have not left."""
    would_be = unsent.would_be_due(case, due, unsent.KINDS)
    creditors_ore = would_be.principal_ore + would_be.interest_ore
    return amount_ore <= creditors_ore and settling.covers_all_but_unsent(case, amount_ore, due)


def credit(
    case: Case,
    *,
    amount_ore: int,
    on: date,
    key: str,
    actor: Actor,
    now: datetime,
    was_never_owed: bool = False,
    is_paid_back: bool = False,
) -> bool:
    """The creditor has credited the invoice, wholly or in part.

    Of a claim that is credited wholly, no interest and no fees are asked for; nor does a part bear
    interest that was_never_owed, and another part after its day. Of a whole claim that
    was_never_owed, also when all of the invoice is credited and nothing of it was paid, what was
    paid of interest and fees goes back, and of the principal when it is_paid_back. amount_ore: öre,
    above zero. Raises RedaError when it is more than is left of the principal.
    """
    posted = f"credit:{case.id}:{key}"
    if ledger.is_posted(posted):
        return False
    _require_positive(amount_ore)
    left = ledger.balance(case.id)
    if amount_ore > left.principal_ore:
        raise RedaError(
            N_("Only %(most_ore)s is left of the claim. A credit note cannot be larger."),
            field="amount",
            most_ore=left.principal_ore,
        )
    is_whole = amount_ore == left.principal_ore
    move(case, "credit wholly" if is_whole else "credit", actor)
    is_correction = was_never_owed and not is_whole
    late = crossing.ran_late(case, cases.amount_due(case, on))
    post(
        case,
        ledger.NEVER_OWED if is_correction else "claim.credited",
        booked_on=on,
        key=posted,
        lines={Account.PRINCIPAL: -amount_ore, Account.CLAIMS: amount_ore},
        now=now,
    )
    if is_correction:
        _waive_interest_never_owed(case, on=on, key=posted, now=now)
    elif not is_whole:
        crossing.lower_interest(case, late, on, key=f"late:{posted}", now=now)
    back_ore = 0
    if is_whole:
        _waive(case, on=on, key=posted, now=now)
        # After the interest: what was paid of a fee covers none that was never owed.
        unsent.withdraw(case, now=now)
        if was_never_owed or never_owed.is_all_unpaid(case.id):
            back_ore = never_owed.give_back(
                case, with_principal=is_paid_back, key=f"credit/{case.id}", now=now
            )
        close(case, on=on, now=now)
    name = "case.credited" if is_whole else "case.credited_in_part"
    record(case, name, actor, now, amount_ore=amount_ore, on=on.isoformat(),
           left_ore=left.principal_ore - amount_ore, **_told_back(back_ore))  # fmt: skip
    return True


def recall(
    case: Case,
    *,
    reason: str,
    actor: Actor,
    today: date,
    now: datetime,
    was_never_owed: bool = False,
    is_paid_back: bool = False,
) -> None:
    """The creditor takes the claim back; nothing more is asked of the debtor, fees neither.

    What was paid stays paid, but of a claim that was_never_owed, as for `credit`.
    """
    move(case, "recall", actor)
    if not was_never_owed:
        unsent.withdraw(case, now=now)
    left = give_up(
        case,
        "claim.recalled",
        on=today,
        fees_to=Account.FEE_INCOME,
        key=f"recall:{case.id}",
        now=now,
    )
    back_ore = 0
    if was_never_owed:
        # After what is owed: what was paid of a fee covers none that was never owed.
        unsent.withdraw(case, now=now)
        back_ore = never_owed.give_back(
            case, with_principal=is_paid_back, key=f"recall/{case.id}", now=now
        )
    close(case, on=today, now=now)
    record(case, "case.recalled", actor, now, reason=reason, principal_ore=left.principal_ore,
           interest_ore=left.interest_ore, fees_ore=left.fees_ore,
           **_told_back(back_ore))  # fmt: skip


def _told_back(back_ore: int) -> dict[str, int]:
    return {"back_ore": back_ore} if back_ore else {}


def change_due_date(case: Case, due_on: date, *, actor: Actor, today: date, now: datetime) -> bool:
    """The creditor has given the invoice another due date; interest runs from that one.

    When the claim was not late when it was reminded of, the fee falls; when it is not overdue long
    enough now, the case waits until it is. Raises RedaError when interest is booked already.
    """
    if due_on == case.due_on:
        return False
    move(case, "change the due date", actor)
    if ledger.of_case(case.id).interest_booked_through() is not None:
        raise RedaError(
            N_("Interest is booked from the old due date. Recall the case and send it anew."),
            field="due_on",
        )
    before, case.due_on = case.due_on, due_on
    rules = lifecycle.rules_of(case)
    first_day = due_on + timedelta(days=rules.days_after_due)
    reminded = cases.latest_event(case.id, "case.reminder_sent")
    if reminded is not None and due_on >= cases.day_of_event(reminded):
        _waive(case, on=today, key=f"due:{case.id}:{due_on}", now=now)
    record(case, "case.due_date_changed", actor, now, before=before.isoformat(),
           due_on=due_on.isoformat(), days_after_due=rules.days_after_due,
           scope=rules.scopes.get("days_after_due", "default"))  # fmt: skip
    if first_day > today:
        stops.stop(case, states.HOLD, "", actor=SYSTEM, now=now, until_on=first_day)
    return True


def change_customer(
    debtor: Debtor, values: Mapping[str, str | None], *, actor: Actor, now: datetime
) -> list[str]:
    """Keep a customer's new details; the next letter and the page use them at once.

    values: some of CUSTOMER_FIELDS. Answers the names of those that changed; the values themselves
    are not told in the history.
    """
    changed = [
        name
        for name, value in values.items()
        if name in CUSTOMER_FIELDS and getattr(debtor, name) != value
    ]
    for name in changed:
        setattr(debtor, name, values[name])
    if changed:
        opened = db.session.scalars(
            select(Case).where(Case.debtor_id == debtor.id, Case.closed_on.is_(None))
        )
        for case in opened:
            move(case, "change the customer", actor)
            record(case, "case.customer_changed", actor, now, fields=changed)
    return changed


def _waive_interest_never_owed(case: Case, *, on: date, key: str, now: datetime) -> None:
    """Give up what was booked of interest beyond what the claim bears now that it is right.

    What of it is paid pays the claim instead. What is not booked is left to run: booking it here
    would round it once more than the law's sum.
    """
    booked = ledger.of_case(case.id)
    through_on = booked.interest_booked_through()
    if through_on is None:
        return
    over_ore = ledger.interest_booked(case.id) - cases.interest_between(case, None, through_on).ore
    left = booked.balance()
    waived_ore = max(0, min(left.interest_ore, over_ore))
    to_claim_ore = max(0, min(left.principal_ore, over_ore - waived_ore))
    post(
        case,
        ledger.INTEREST_WAIVED,
        booked_on=on,
        key=f"interest waived:{key}",
        lines={
            Account.INTEREST: -waived_ore,
            Account.PRINCIPAL: -to_claim_ore,
            Account.CLAIMS: waived_ore + to_claim_ore,
        },
        now=now,
    )


def _waive(case: Case, *, on: date, key: str, now: datetime) -> None:
    """Give up booked interest and fees as if they had never been."""
    left = ledger.balance(case.id)
    post(
        case,
        ledger.INTEREST_WAIVED,
        booked_on=on,
        key=f"interest waived:{key}",
        lines={Account.INTEREST: -left.interest_ore, Account.CLAIMS: left.interest_ore},
        now=now,
    )
    post(
        case,
        "fee.waived",
        booked_on=on,
        key=f"fee waived:{key}",
        lines={Account.FEES: -left.fees_ore, Account.FEE_INCOME: left.fees_ore},
        now=now,
    )


def _require_positive(amount_ore: int) -> None:
    if amount_ore <= 0:
        raise RedaError(N_("Write an amount above zero."), field="amount")
