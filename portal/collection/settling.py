"""Money that came for a case: settled, and the case closed when nothing is left of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, func, select

from portal import clock, ledger
from portal.collection import (
    cases,
    counting,
    crossing,
    late_money,
    limiting,
    policy,
    states,
    unsent,
)
from portal.collection.models import Case, Event
from portal.collection.moves import close, give_up, interrupt_limitation, move, post, record
from portal.database import tenancy
from portal.database.together import Part
from portal.delivery.outbox import Withdrawn
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.law.calendar import banking_day_on_or_after
from portal.law.settlement import Settlement, settle
from portal.ledger import Account
from portal.payments import commission, refunds


@dataclass(frozen=True)
class Settled:
    """What a payment covered, in öre, and what is left to pay on its day."""

    parts: Settlement
    left_ore: int


def settle_payment(
    case: Case,
    *,
    amount_ore: int,
    key: str,
    channel: str,
    value_on: date,
    actor: Actor,
    now: datetime,
    again_on: date | None = None,
    is_over: bool = False,
    is_told: bool = True,
) -> Settled | None:
    """Settle money that came for a case, and close the case when nothing is left.

    case: locked by the caller. amount_ore: what came. key: the payment's own, unique for ever.
    value_on: the day the money counts from; interest runs to and including it. When more was booked
    meanwhile, what the money covered bears no interest after its own day, and a fee for a letter
    that crossed the money falls, if all that was owed before it is paid, as does the fee of one
    that has not left. Of such interest, what later money has paid pays the claim instead. A small
    rest is written off, as the creditor's rules say, and is owed again when money comes that is no
    later than what left it. Money beyond what is owed stands as over-payment, for refund. again_on:
    the day it came to the client account, of money that had been taken back. is_over: all of it has
    gone back to the payer already, and covers nothing. is_told: whether the history tells it.
    Answers None when the payment is settled already.
    """
    payment_key = f"payment:{key}"
    if ledger.is_posted(payment_key):
        return None
    if again_on is not None:
        post(
            case, "payment.came_again", booked_on=again_on, key=f"came again:{key}",
            lines={Account.CLIENT_FUNDS: amount_ore, Account.UNMATCHED: -amount_ore}, now=now,
        )  # fmt: skip
    money = Account.CLIENT_FUNDS if again_on is None else Account.UNMATCHED
    if is_over:
        parts = Settlement(0, 0, 0, amount_ore)
        _post_parts(
            case, f"payment.{channel}", amount_ore, parts, booked_on=value_on, key=payment_key,
            now=now, money=money,
        )  # fmt: skip
        return Settled(parts, ledger.balance(case.id).total_ore)
    rest_ore = _owe_rest_again(case, now) if _came_before_it_was_paid(case, value_on) else 0
    counted = _count(
        case, amount_ore, value_on, key=key, entry=payment_key, kind=f"payment.{channel}",
        money=money, now=now,
    )  # fmt: skip
    commission.charge([payment_key], now=now)
    parts, left_ore = counted.parts, counted.left_ore
    if rest_ore:
        _let_rest_go(case, key=key, now=now)
        left_ore = 0
    if is_told:
        record(
            case,
            "case.payment_received",
            actor,
            now,
            amount_ore=amount_ore,
            channel=channel,
            value_on=value_on.isoformat(),
            fees_ore=parts.fees_ore,
            interest_ore=parts.interest_ore,
            principal_ore=parts.principal_ore,
            overpaid_ore=parts.overpaid_ore,
            left_ore=left_ore,
            owed=counted.owed,
            **({"crossed_ore": counted.crossed_ore} if counted.crossed_ore else {}),
        )
    if case.status in states.OPEN:
        interrupt_limitation(case, value_on)
        left_ore = close_if_settled(case, left_ore, on=value_on, key=key, now=now)
    return Settled(parts, left_ore)


@dataclass(frozen=True)
class _Counted:
    """What money covers, what was owed that it may, and what is left, in öre.

    crossed_ore: fees of letters that crossed it.
    """

    parts: Settlement
    owed: Mapping[str, int]
    crossed_ore: int
    left_ore: int


def _count(
    case: Case, amount_ore: int, value_on: date, *, key: str, entry: str, kind: str,
    money: Account, now: datetime,
) -> _Counted:  # fmt: skip
    """Count money of a day against what is owed, as `settle_payment` says.

    key, entry, kind: of all that is booked of it, of its entry. money: the account it is on, which
    is what was paid too much when it is on the case already.
    """
    due = cases.amount_due(case, value_on)
    if covers_all_but_unsent(case, amount_ore, due) and unsent.withdraw(case, now=now):
        due = cases.amount_due(case, value_on)
    crossing.book_interest(case, due, key=key, now=now)
    # What was paid too much by that day is told of by the books.
    more_ore = 0 if money == Account.OVER_PAYMENT else amount_ore
    never = late_money.never_due(case, more_ore, value_on)
    late = crossing.ran_late(case, due)
    # Fees of later, which the money covers last.
    later_ore = late.fees_ore
    late = replace(late, fees_ore=min(due.fees_ore, never.fees_ore))
    later_ore = max(0, later_ore - late.fees_ore)
    crossing.waive_late_fees(case, late, key=entry, now=now)
    fees_ore, interest_ore = due.fees_ore - late.fees_ore, due.interest_ore - late.interest_ore
    lowered_ore = _lower_claim(
        case, due, late, never, amount_ore - (fees_ore - later_ore) - interest_ore, key=key, now=now
    )
    principal_ore = due.principal_ore - lowered_ore
    parts = settle(
        amount_ore, fees_ore=fees_ore - later_ore, interest_ore=interest_ore,
        principal_ore=principal_ore,
    )  # fmt: skip
    to_later_ore = min(later_ore, parts.overpaid_ore)
    parts = replace(
        parts, fees_ore=parts.fees_ore + to_later_ore,
        overpaid_ore=parts.overpaid_ore - to_later_ore,
    )  # fmt: skip
    _post_parts(case, kind, amount_ore, parts, booked_on=value_on, key=entry, now=now, money=money)
    lowered_ore += crossing.lower_interest(
        case, late, value_on, never_ore=never.interest_ore, key=entry, now=now
    )
    paid = late_money.NeverDue(never.interest_ore - lowered_ore, never.fees_ore - late.fees_ore)
    is_back = late_money.give_back(case, paid, after=value_on, key=key, now=now) > 0
    if is_back or late.interest_through_on is not None:
        left_ore = ledger.balance(case.id).total_ore
    else:
        left_ore = due.total_ore - late.fees_ore - amount_ore + parts.overpaid_ore
    owed = {"fees_ore": fees_ore, "interest_ore": interest_ore, "principal_ore": principal_ore}
    return _Counted(parts, owed, never.fees_ore, left_ore)


def _cover_again(case: Case, *, after: str, now: datetime) -> bool:
    """Let what was paid too much, and has not begun to go back, cover what is owed again.

    It counts from its own day, as if it had never been too much. after: what was just booked, by
    its key. Answers whether anything was covered.
    """
    is_covered = False
    # What goes back is the service's.
    with tenancy.service():
        for one in refunds.waiting_of(case.id):
            if case.status not in states.OPEN:
                break
            key = f"{ledger.AGAIN}{after.replace(':', '/')}:payment:{one.key}"
            entry = f"counted anew:{key}"
            counted = _count(
                case, one.ore, one.value_on, key=key, entry=entry, kind=ledger.COUNTED_ANEW,
                money=Account.OVER_PAYMENT, now=now,
            )  # fmt: skip
            used_ore = one.ore - counted.parts.overpaid_ore
            if not used_ore:
                continue
            is_covered = True
            commission.follow(case.id, f"payment:{one.key}", as_key=entry, now=now)
            is_kept = refunds.owe_less(one.key, used_ore, now=now)
            # It is held: were it to go as well, it would be paid twice.
            assert is_kept
            interrupt_limitation(case, one.value_on)
            close_if_settled(case, counted.left_ore, on=one.value_on, key=key, now=now)
    return is_covered


def covers_all_but_unsent(case: Case, amount_ore: int, due: cases.AmountDue) -> bool:
    """Whether money covers all that is owed but fees of letters that have not left."""
    but_those = unsent.would_be_due(case, due, unsent.KINDS)
    return amount_ore >= but_those.total_ore - crossing.ran_late(case, due).interest_ore


def _post_parts(
    case: Case, kind: str, amount_ore: int, parts: Settlement, *, booked_on: date, key: str,
    now: datetime, money: Account,
) -> None:  # fmt: skip
    """Book what came: on the client account, less owed by the debtor, more owed to the creditor.

    money: instead of the client account, of what came to it later or is on the case already.
    """
    to_creditor = parts.interest_ore + parts.principal_ore
    lines = {
        Account.FEES: -parts.fees_ore,
        Account.INTEREST: -parts.interest_ore,
        Account.PRINCIPAL: -parts.principal_ore,
        Account.OVER_PAYMENT: -parts.overpaid_ore,
        Account.CLAIMS: to_creditor,
        Account.OWED_TO_CREDITOR: -to_creditor,
    }
    lines[money] = lines.get(money, 0) + amount_ore
    post(case, kind, booked_on=booked_on, key=key, lines=lines, now=now)


def _lower_claim(
    case: Case, due: cases.AmountDue, late: crossing.Late, never: late_money.NeverDue,
    paid_ore: int, *, key: str, now: datetime,
) -> int:  # fmt: skip
    """Lower the claim by interest that later money has paid, and that did not run; answers by what.

    paid_ore: what a payment, valued on the day of due, has for the claim. Only when that is all of
    it: what the payment has beyond it then goes back, and `crossing.lower_interest` finds no claim
    to lower.
    """
    left_ore = due.principal_ore
    if late.interest_through_on is None or paid_ore <= 0:
        return 0
    ore = max(0, min(left_ore, never.interest_ore - late.interest_ore))
    if paid_ore < left_ore - ore:
        return 0
    post(
        case, ledger.INTEREST_WAIVED, booked_on=due.on, key=f"interest never ran:{key}",
        lines={Account.PRINCIPAL: -ore, Account.CLAIMS: ore}, now=now,
    )  # fmt: skip
    return ore


def newest(case_ids: Sequence[int]) -> int:
    """The event that told of the newest money on some cases, by its id; 0 before any came."""
    newest_of_them = select(func.max(Event.id)).where(Event.case_id.in_(case_ids), _TOLD_OF_MONEY)
    return db.session.scalar(newest_of_them) or 0


_TOLD_OF_MONEY = Event.name.in_(("case.payment_received", "case.paid_directly"))


# `newest`, to be asked with other things. Binds case_ids.
NEWEST = Part(
    select(func.max(Event.id)).where(
        Event.case_id == any_(bindparam("case_ids", type_=ARRAY(BigInteger))), _TOLD_OF_MONEY
    ),
    lambda rows: int(rows[0][0] or 0),
)


def close_if_settled(case: Case, left_ore: int, *, on: date, key: str, now: datetime) -> int:
    """Close a case on which nothing is owed any more, or so little that it is let go.

    Answers what is then left, in öre.
    """
    rules = _rules(case)
    if left_ore > rules.small_rest_ore:
        return left_ore
    move(case, "pay", SYSTEM)
    if unsent.withdraw(case, now=now):
        left_ore = ledger.balance(case.id).total_ore
    give_up(case, _REST, on=on, fees_to=Account.BAD_DEBT, key=f"rest:{key}", now=now)
    close(case, on=on, now=now)
    record(
        case,
        "case.paid",
        SYSTEM,
        now,
        closed_on=on.isoformat(),
        rest_ore=left_ore,
        terms=rules.chosen("small_rest_ore") if left_ore else {},
    )
    return 0


_REST = "rest.written_off"


def _rules(case: Case) -> policy.Effective:
    return policy.of_debtor(case.debtor)


def _came_before_it_was_paid(case: Case, on: date) -> bool:
    return case.status == states.PAID and on <= max(
        ledger.covering(case.id).values(), default=date.min
    )


def _owe_rest_again(case: Case, now: datetime) -> int:
    """Let the rest that was let go of a paid case be owed again; answers what it was, in öre."""
    before_ore = ledger.balance(case.id).total_ore
    for rest in ledger.standing(case.id, _REST):
        ledger.take_back(
            rest, kind="rest.taken_back", as_key=f"taken back:{rest}", now=now, instead={}
        )
    return ledger.balance(case.id).total_ore - before_ore


def _let_rest_go(case: Case, *, key: str, now: datetime) -> None:
    """Let go once more what payments leave of a paid case."""
    on = max(ledger.covering(case.id).values(), default=case.closed_on)
    assert on is not None
    give_up(case, _REST, on=on, fees_to=Account.BAD_DEBT, key=f"rest:{key}", now=now)


def withdraw_letters(case: Case, *, now: datetime, but: Collection[str] = ()) -> None:
    """Withdraw what of an open case waits to be sent, as `unsent.withdraw`; a case on which nothing
    is then owed is paid, and closed."""
    if unsent.withdraw(case, but=but, now=now):
        _close_if_nothing_left(case, now)


def let_fall(letters: Iterable[Withdrawn], *, now: datetime) -> None:
    """The same of letters that were just withdrawn. letters: in the order of their cases' ids, in
    which those are locked."""
    for case_id, theirs in groupby(letters, key=lambda one: one.case_id):
        case = cases.lock(case_id)
        if unsent.fall(case, theirs, now=now):
            _close_if_nothing_left(case, now)


def _close_if_nothing_left(case: Case, now: datetime) -> None:
    on = clock.day_of(now)
    if case.status in states.OPEN and not cases.amount_due(case, on).total_ore:
        close_if_settled(case, 0, on=on, key=f"unsent:{case.id}:{now:%Y%m%d%H%M%S%f}", now=now)


_GIVEN_UP = {
    states.WRITTEN_OFF: "claim.written_off",
    states.RETURNED: "claim.returned",
    states.RECALLED: "claim.recalled",
    states.CREDITED: "claim.credited",
    states.LIMITED: "claim.limited",
}
# What brought a case where it stands, and what the daily advance does next with it there.
_CAME_TO = {
    "case.imported": (states.IMPORTED, states.REMINDER),
    "case.reminder_sent": (states.REMINDED, states.DEMAND),
    "case.demand_sent": (states.DEMANDED, states.DECISION),
    "case.awaits_decision": (states.DECIDING, None),
    "case.taken_to_law": (states.LEGAL, None),
    "case.watched_over": (states.SURVEILLANCE, None),
}


@dataclass(frozen=True)
class Stays:
    """What of a payment that is taken back stays, booked under a key of its own.

    is_over: it has gone back to the payer already.
    """

    amount_ore: int
    key: str
    channel: str
    is_over: bool = False


def take_back(
    case: Case,
    *,
    amount_ore: int,
    key: str,
    value_on: date,
    by_bank: bool,
    on: date,
    actor: Actor,
    now: datetime,
    stays: Sequence[Stays] = (),
) -> list[Settled] | None:
    """Book a payment back as if it had not come, and open the case again if that had paid it.

    case: locked by the caller. amount_ore, key, value_on: as `settle_payment` took them. by_bank:
    the bank has taken the money back on a day; else another case was meant, and it is still ours. A
    case that is opened again has the days of a reminder before anything goes on; it stays paid when
    other payments leave so little that it is let go. What was not paid interrupts no limitation
    either. stays: what the bank has not taken of it, which is booked anew at once, at the payment's
    own day. Answers what that covers, or None when there is no such payment, or it is taken back
    already.
    """
    payment_key, posted = f"payment:{key}", f"taken back:{key}"
    if not ledger.is_posted(payment_key) or ledger.is_posted(posted):
        return None
    move(case, "take a payment back", actor)
    had_paid = case.status == states.PAID and payment_key in ledger.covering(case.id)
    # What fell with the payment of earlier interest is booked back as it was booked.
    since = max(value_on, ledger.interest_booked_before(payment_key) or value_on)
    ran_ore = _ran_since(case, since)
    # Until the bank's own day the money is on our account.
    instead = {Account.CLIENT_FUNDS: Account.UNMATCHED} if by_bank else {}
    kind = "payment.taken_back"
    ledger.take_back(payment_key, kind=kind, as_key=posted, now=now, instead=instead)
    _take_back_counted(case, payment_key, now)
    commission.follow(case.id, payment_key, as_key=posted, now=now)
    if by_bank:
        post(
            case, "payment.returned_by_bank", booked_on=on, key=f"returned by bank:{key}",
            lines={Account.UNMATCHED: amount_ore, Account.CLIENT_FUNDS: -amount_ore}, now=now,
        )  # fmt: skip
    rest_ore = _owe_rest_again(case, now) if had_paid else 0
    _take_back_fallen(case, key, payment_key, now)
    through_on = ledger.of_case(case.id).interest_booked_through()
    if through_on is not None and through_on > since:
        more_ore = max(0, _ran_since(case, since) - ran_ore)
        post(
            case, ledger.INTEREST_ACCRUED, booked_on=through_on, key=f"interest:{posted}",
            lines={Account.INTEREST: more_ore, Account.CLAIMS: -more_ore}, now=now,
        )  # fmt: skip
    late_money.charge_again(case, key=posted, now=now)
    is_reopened = case.status == states.PAID and not _is_paid_still(case, rest_ore, stays)
    if is_reopened:
        _open_again(case, on)
    elif case.status == states.PAID:
        _let_rest_go(case, key=posted, now=now)
    left = ledger.balance(case.id)
    settled = [_stay(case, one, value_on, on, actor, now) for one in stays]
    is_covered = _cover_again(case, after=posted, now=now)
    # What the company has had already, no other company's money pays.
    covered_ore = ledger.cover(case.creditor_id, case.currency, on=on, key=posted, now=now)
    if stays or is_covered:
        left, is_reopened = ledger.balance(case.id), is_reopened and case.closed_on is None
    if case.status in _GIVEN_UP and left.total_ore:
        give_up(case, _GIVEN_UP[case.status], on=on, fees_to=Account.BAD_DEBT,
                key=f"given up:{posted}", now=now)  # fmt: skip
    lost_ore = amount_ore - sum(one.amount_ore for one in stays)
    limited = {"limited_on": case.limited_on.isoformat()} if limiting.reckon_anew(case) else {}
    record(case, "case.payment_taken_back", actor, now, amount_ore=lost_ore, by_bank=by_bank,
           value_on=value_on.isoformat(), reopened=is_reopened,
           left_ore=left.total_ore if case.closed_on is None else 0,
           **({"covered_ore": covered_ore} if covered_ore else {}), **limited)  # fmt: skip
    return settled


def _is_paid_still(case: Case, rest_ore: int, stays: Sequence[Stays]) -> bool:
    """Whether the payments that stand leave nothing of a paid case, or so little that it is let go.

    rest_ore: what was let go of it before.
    """
    left_ore = ledger.balance(case.id).total_ore
    if left_ore <= 0:
        return True
    # What stays is settled on an open case.
    is_settled_anew = any(not one.is_over for one in stays)
    most_ore = max(rest_ore, _rules(case).small_rest_ore)
    return not is_settled_anew and left_ore <= most_ore and bool(ledger.covering(case.id))


def _stay(
    case: Case, stays: Stays, value_on: date, on: date, actor: Actor, now: datetime
) -> Settled:
    settled = settle_payment(
        case, amount_ore=stays.amount_ore, key=stays.key, channel=stays.channel,
        value_on=value_on, actor=actor, now=now, again_on=on, is_over=stays.is_over,
        is_told=False,
    )  # fmt: skip
    assert settled is not None
    return settled


def _take_back_counted(case: Case, payment_key: str, now: datetime) -> None:
    """Book back what of a payment was counted anew, and what fell with that."""
    for entry in ledger.counted_anew(case.id, payment_key):
        counting.take_back(entry, now)
        _take_back_fallen(case, entry.removeprefix("counted anew:"), entry, now)


def _take_back_fallen(case: Case, key: str, entry: str, now: datetime) -> None:
    """Book back what fell with money that was counted. key, entry: as of `_count`."""
    for earlier, kind in (
        (f"fee waived:{entry}", "fee.taken_back"),
        (f"interest never ran:{key}", ledger.INTEREST_WAIVED),
        (f"interest waived:{entry}", ledger.INTEREST_WAIVED),
    ):
        ledger.take_back(earlier, kind=kind, as_key=f"taken back:{earlier}", now=now, instead={})
    late_money.keep(case, key=key, now=now)


def _ran_since(case: Case, value_on: date) -> int:
    through_on = ledger.of_case(case.id).interest_booked_through()
    if through_on is None or through_on <= value_on:
        return 0
    return cases.interest_between(case, value_on, through_on).ore


def _open_again(case: Case, today: date) -> None:
    """Let a case that was paid stand where it stood before."""
    came_to = db.session.scalars(
        select(Event.name)
        .where(Event.case_id == case.id, Event.name.in_(_CAME_TO))
        .order_by(Event.id.desc())
        .limit(1)
    ).one()
    case.status, case.next_step = _CAME_TO[came_to]
    case.closed_on = None
    pay_by_on = today + timedelta(days=case.reminder_days)
    if case.next_step is not None:
        rules = _rules(case)
        wait = {
            states.REMINDED: rules.demand_after_days, states.DEMANDED: rules.decision_after_days,
        }.get(case.status, 1)  # fmt: skip
        case.next_step_on = banking_day_on_or_after(pay_by_on + timedelta(days=wait))
    if case.status in (states.REMINDED, states.DEMANDED):
        case.pay_by_on = pay_by_on
