"""What is owed to companies becomes proposals to pay it out, by each company's schedule.

A proposal is made of lines of the ledger, each in one payout for ever, so that no krona is paid
twice; fees that the company bears itself are taken off. What comes to zero is set off without a
payment; below zero nothing is paid, and it waits for more, as does money that came and went. Until
operators have begun to approve it, a proposal takes in what comes meanwhile (`releasing` has the
rest).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Subquery,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
    update,
)

from portal import ledger
from portal.collection import history
from portal.companies import accounts
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from portal.identity.people import new_key
from portal.law import calendar
from portal.ledger import Account
from portal.messages import N_, RedaError
from portal.notifications.telling import notify
from portal.payments.models import Payout, PayoutBatch, PayoutLine, PayoutSchedule

EVERY = ("day", "week")
PROPOSED, HELD, RELEASED = "proposed", "held", "released"
SETTLED, REJECTED, OFFSET = "settled", "rejected", "offset"
OPEN = (PROPOSED, HELD)
LONGEST_NOTE = 500
LARGEST_LOWEST_ORE = 1_000_000_00


@dataclass(frozen=True)
class Schedule:
    """When a company is paid out to. weekday: 1 Monday to 5 Friday, when every is `week`."""

    every: str = "day"
    weekday: int = 3
    lowest_ore: int = 100_00

    def is_due(self, today: date) -> bool:
        """Whether proposals are made on a day: banking days, or the week's first from its day."""
        if not calendar.is_banking_day(today):
            return False
        if self.every == "day":
            return True
        # After a week without a banking day from its weekday on, the next week's own day serves.
        chosen = today + timedelta(days=self.weekday - today.isoweekday())
        return calendar.banking_day_on_or_after(chosen) == today

    def next_after(self, today: date) -> date:
        """The first day after one on which proposals are made."""
        day = today + timedelta(days=1)
        while not self.is_due(day):
            day += timedelta(days=1)
        return day


DEFAULT = Schedule()


@dataclass(frozen=True)
class CaseSum:
    """What a payout has of one case, in öre. case_id: None for what is of no case."""

    payout_id: int
    case_id: int | None
    amount_ore: int


def schedule_of(creditor_id: int) -> Schedule:
    """When a company is paid out to: as it has chosen, or every banking day."""
    row = db.session.get(PayoutSchedule, creditor_id)
    return DEFAULT if row is None else Schedule(row.every, row.weekday, row.lowest_ore)


def choose_schedule(creditor_id: int, chosen: Schedule, *, actor: Actor, now: datetime) -> None:
    """Let a company choose when it is paid out to. Raises RedaError at the field."""
    if chosen.every not in EVERY:
        raise RedaError(N_("Choose one of the options."), field="every")
    if not 1 <= chosen.weekday <= 5:
        raise RedaError(N_("Choose one of the options."), field="weekday")
    if not 0 <= chosen.lowest_ore <= LARGEST_LOWEST_ORE:
        raise RedaError(N_("Write an amount from 0 to 1,000,000 kronor."), field="lowest")
    before = schedule_of(creditor_id)
    if chosen == before:
        return
    db.session.merge(
        PayoutSchedule(
            creditor_id=creditor_id, every=chosen.every, weekday=chosen.weekday,
            lowest_ore=chosen.lowest_ore,
        )
    )  # fmt: skip
    history.record(
        "payout.schedule_changed", creditor_id=creditor_id, actor=actor, now=now,
        every=chosen.every, weekday=chosen.weekday, lowest_ore=chosen.lowest_ore,
    )  # fmt: skip
    db.session.flush()


def due(today: date) -> list[int]:
    """The companies with something to settle whose schedule is due on a day."""
    return [one for one in ledger.owing_creditors() if schedule_of(one).is_due(today)]


def propose(creditor_id: int, *, today: date, now: datetime) -> list[Payout]:
    """Put what a company is owed into its proposals, one in each currency.

    Answers those that have changed or are new. Doing it again, or twice at once, changes nothing.
    """
    # One at a time at each company; entries may be written to its books meanwhile.
    db.session.get_one(Creditor, creditor_id, with_for_update={"key_share": True})
    found = (
        _propose_in(creditor_id, currency, today, now) for currency in _currencies(creditor_id)
    )
    return [one for one in found if one is not None]


def _free(creditor_id: int) -> tuple[Subquery, ColumnElement[bool]]:
    line = ledger.to_settle_sql(creditor_id)
    taken = select(PayoutLine.line_id).where(PayoutLine.line_id == line.c.line_id).exists()
    return line, ~taken


def _currencies(creditor_id: int) -> list[str]:
    line, is_free = _free(creditor_id)
    return sorted(db.session.scalars(select(line.c.currency).where(is_free).distinct()))


def _propose_in(creditor_id: int, currency: str, today: date, now: datetime) -> Payout | None:
    line, is_free = _free(creditor_id)
    rows = db.session.execute(
        select(line.c.line_id, line.c.account, line.c.amount_ore).where(
            is_free, line.c.currency == currency
        )
    ).all()
    payout = _open(creditor_id, currency)
    total = sum(int(ore) for _, _, ore in rows) + (payout.amount_ore if payout else 0)
    # Money that came and went leaves nothing to pay, and nothing to set off.
    is_empty = total == 0 and _collected(rows) + (payout.collected_ore if payout else 0) == 0
    if payout is None:
        if is_empty or total < 0 or 0 < total < schedule_of(creditor_id).lowest_ore:
            return None
        payout = _new(creditor_id, currency, rows, now)
    elif total <= 0 and payout.status == HELD:
        return None
    elif total < 0 or is_empty:
        # Its lines are free again, and wait for more.
        _dissolve(payout)
        return None
    _add(payout, line, [line_id for line_id, _, _ in rows])
    _use_account(payout)
    if payout.status == OFFSET:
        _offset(payout, today, now)
    return payout


def _open(creditor_id: int, currency: str) -> Payout | None:
    return db.session.scalar(
        select(Payout)
        .where(
            Payout.creditor_id == creditor_id, Payout.currency == currency,
            Payout.status.in_(OPEN), Payout.batch_id.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )  # fmt: skip


def _new(creditor_id: int, currency: str, rows: Sequence[Any], now: datetime) -> Payout:
    collected = _collected(rows)
    total = sum(int(row[2]) for row in rows)
    payout = Payout(
        key=new_key(12), creditor_id=creditor_id, currency=currency, is_chosen=False, note="",
        reason="", proposed_at=now, collected_ore=collected, set_off_ore=collected - total,
        amount_ore=total, status=PROPOSED if total else OFFSET,
    )  # fmt: skip
    db.session.add(payout)
    db.session.flush()
    return payout


def _collected(rows: Sequence[Any]) -> int:
    return sum(int(row[2]) for row in rows if row[1] == Account.OWED_TO_CREDITOR)


def _add(payout: Payout, line: Subquery, line_ids: Sequence[int]) -> None:
    columns = ("line_id", "case_id", "kind", "account", "booked_on", "amount_ore")
    db.session.execute(
        insert(PayoutLine).from_select(
            [*columns, "payout_id", "creditor_id"],
            select(
                *(line.c[name] for name in columns),
                literal(payout.id), literal(payout.creditor_id),
            ).where(line.c.line_id.in_(line_ids)),
        )
    )  # fmt: skip
    _sum_up(payout)


def _sum_up(payout: Payout) -> None:
    owed = PayoutLine.account == Account.OWED_TO_CREDITOR
    collected, borne = db.session.execute(
        select(
            func.coalesce(func.sum(PayoutLine.amount_ore).filter(owed), 0),
            func.coalesce(func.sum(PayoutLine.amount_ore).filter(~owed), 0),
        ).where(PayoutLine.payout_id == payout.id)
    ).one()
    payout.collected_ore, payout.set_off_ore = int(collected), -int(borne)
    payout.amount_ore = payout.collected_ore - payout.set_off_ore
    if payout.amount_ore == 0:
        payout.status = OFFSET
    db.session.flush()


def _dissolve(payout: Payout) -> None:
    db.session.execute(delete(PayoutLine).where(PayoutLine.payout_id == payout.id))
    db.session.delete(payout)
    db.session.flush()


def _use_account(payout: Payout) -> None:
    """The account in use, unless an operator has chosen another that is still there."""
    known = {one.key: one for one in accounts.of_company(payout.creditor_id)}
    if payout.is_chosen and payout.account_key in known:
        return
    payout.is_chosen = False
    _set_account(payout, accounts.used(payout.creditor_id, payout.currency))


def _set_account(payout: Payout, account: accounts.Account | None) -> None:
    payout.account_key = account.key if account else None
    payout.account_kind = account.kind if account else None
    payout.account_number = account.number if account else None
    payout.account_holder = account.holder if account else None
    db.session.flush()


def _offset(payout: Payout, today: date, now: datetime) -> None:
    post_released(payout, today=today, now=now)
    payout.released_on = payout.ended_on = today
    db.session.flush()


_RELEASED = text(
    """
    select l.creditor_id, l.case_id, :kind as kind, cast(:on as date) as booked_on,
        'payout:' || p.key || ':' || coalesce(cast(l.case_id as text), '') as key, p.currency,
        coalesce(sum(l.amount_ore) filter (where l.account = 'owed_to_creditor'), 0)
            as owed_to_creditor,
        coalesce(sum(l.amount_ore) filter (where l.account = 'owed_by_creditor'), 0)
            as owed_by_creditor,
        -sum(l.amount_ore) as payout_in_transit
    from payout_lines l join payouts p on p.id = l.payout_id
    where p.id = :payout_id
    group by l.creditor_id, l.case_id, p.key, p.currency
    having sum(l.amount_ore) filter (where l.account = 'owed_to_creditor') <> 0
        or sum(l.amount_ore) filter (where l.account = 'owed_by_creditor') <> 0
    """
)
_REJECTED = text(
    """
    select l.creditor_id, l.case_id, :kind as kind, cast(:on as date) as booked_on,
        'payout:' || p.key || ':rejected:' || coalesce(cast(l.case_id as text), '') as key,
        p.currency, -sum(l.amount_ore) as owed_to_creditor,
        sum(l.amount_ore) as payout_in_transit
    from payout_lines l join payouts p on p.id = l.payout_id
    where p.id = :payout_id
    group by l.creditor_id, l.case_id, p.key, p.currency
    having sum(l.amount_ore) <> 0
    """
)


def post_released(payout: Payout, *, today: date, now: datetime) -> None:
    """Book that a payout is ordered: it is no longer owed, but on its way."""
    ledger.post_many(
        _RELEASED.bindparams(kind=ledger.PAID_OUT, on=today, payout_id=payout.id),
        [Account.OWED_TO_CREDITOR, Account.OWED_BY_CREDITOR, Account.PAYOUT_IN_TRANSIT],
        now=now,
    )


def settle(payout: Payout, *, on: date, actor: Actor, now: datetime) -> bool:
    """Book that the bank has paid a payout, on its day; answers False when it is told already."""
    payout = locked(payout.key)
    if payout.status != RELEASED:
        return False
    ledger.post(
        creditor_id=payout.creditor_id, case_id=None, kind=ledger.PAYOUT_SETTLED, booked_on=on,
        key=f"payout:{payout.key}:settled", currency=payout.currency, now=now,
        lines={
            Account.PAYOUT_IN_TRANSIT: payout.amount_ore,
            Account.CLIENT_FUNDS: -payout.amount_ore,
        },
    )  # fmt: skip
    payout.status, payout.ended_on = SETTLED, on
    _tell("payout.settled", payout, actor, now)
    _notify(payout, now)
    return True


def reject(payout: Payout, reason: str, *, on: date, actor: Actor, now: datetime) -> bool:
    """Book that the bank did not pay a payout: it is owed again, case by case.

    What was set off stays set off. Answers False when its end is told already.
    """
    payout = locked(payout.key)
    if payout.status != RELEASED:
        return False
    ledger.post_many(
        _REJECTED.bindparams(kind=ledger.PAYOUT_REJECTED, on=on, payout_id=payout.id),
        [Account.OWED_TO_CREDITOR, Account.PAYOUT_IN_TRANSIT],
        now=now,
    )
    payout.status, payout.ended_on, payout.reason = REJECTED, on, reason
    _tell("payout.rejected", payout, actor, now, reason=reason)
    _notify(payout, now, is_failed=True)
    return True


def return_(payout: Payout, reason: str, *, on: date, actor: Actor, now: datetime) -> bool:
    """Book that the bank has got a payout back, after it had paid it or before that was told.

    It is then as one that the bank did not pay. Answers False when that is told already.
    """
    payout = locked(payout.key)
    if payout.status == SETTLED:
        ledger.post(
            creditor_id=payout.creditor_id, case_id=None, kind=ledger.PAYOUT_RETURNED,
            booked_on=on, key=f"payout:{payout.key}:returned", currency=payout.currency, now=now,
            lines={
                Account.CLIENT_FUNDS: payout.amount_ore,
                Account.PAYOUT_IN_TRANSIT: -payout.amount_ore,
            },
        )  # fmt: skip
        payout.status = RELEASED
        db.session.flush()
    return reject(payout, reason, on=on, actor=actor, now=now)


def _tell(event: str, payout: Payout, actor: Actor, now: datetime, reason: str = "") -> None:
    history.record(
        event, creditor_id=payout.creditor_id, actor=actor, now=now, payout=payout.key,
        amount_ore=payout.amount_ore, currency=payout.currency,
        account=payout.account_number, reason=reason,
    )  # fmt: skip
    db.session.flush()


def _notify(payout: Payout, now: datetime, *, is_failed: bool = False) -> None:
    # What was paid may come back, and is told of then too.
    key = f"payout:{payout.key}:rejected" if is_failed else f"payout:{payout.key}"
    notify(
        "payout", creditor_id=payout.creditor_id, key=key, now=now,
        data={"amount_ore": payout.amount_ore, "payout": payout.key}, is_failed=is_failed,
    )  # fmt: skip


def tell_released(payout: Payout, actor: Actor, now: datetime) -> None:
    """Tell in the company's history that a payout is ordered."""
    _tell("payout.released", payout, actor, now)


def locked(key: str) -> Payout:
    """A payout, locked. Raises RedaError when there is none."""
    found = db.session.scalar(
        select(Payout)
        .where(Payout.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise RedaError(N_("This payout is not there any more. Look at how it is now."))
    return found


def hold(key: str, *, is_held: bool) -> None:
    """Hold a proposal, or let it go on. Raises RedaError when it is being approved or is done."""
    payout = _changeable(key)
    payout.status = HELD if is_held else PROPOSED
    db.session.flush()


def write_note(key: str, note: str) -> None:
    """Keep operators' note on a proposal. Raises RedaError at the field `note`."""
    told = note.strip()
    if len(told) > LONGEST_NOTE:
        raise RedaError(N_("Write at most %(most)s characters."), field="note", most=LONGEST_NOTE)
    locked(key).note = told
    db.session.flush()


def change_account(key: str, account_key: str | None) -> None:
    """Pay a proposal to another of the company's approved accounts; None: to the one in use.

    Raises RedaError at the field `account` when it is not the company's.
    """
    payout = _changeable(key)
    if account_key is None:
        payout.is_chosen = False
        _use_account(payout)
        return
    known = {one.key: one for one in accounts.of_company(payout.creditor_id)}
    if account_key not in known or known[account_key].currency not in (None, payout.currency):
        raise RedaError(N_("Choose one of the options."), field="account")
    payout.is_chosen = True
    _set_account(payout, known[account_key])


def _changeable(key: str) -> Payout:
    payout = locked(key)
    if payout.status not in OPEN or payout.batch_id is not None:
        raise RedaError(N_("This payout is being approved or is done, and cannot be changed."))
    return payout


def take_back(payout: Payout) -> None:
    """Let a payout that was not approved be a proposal again, or a part of the one made since."""
    # As in `propose`: it is seen whether one is being made.
    db.session.get_one(Creditor, payout.creditor_id, with_for_update={"key_share": True})
    meanwhile = _open(payout.creditor_id, payout.currency)
    if meanwhile is None:
        payout.batch_id = None
        db.session.flush()
        return
    db.session.execute(
        update(PayoutLine).where(PayoutLine.payout_id == payout.id).values(payout_id=meanwhile.id)
    )
    if payout.note:
        meanwhile.note = f"{payout.note}\n{meanwhile.note}".strip()[:LONGEST_NOTE]
    db.session.delete(payout)
    _sum_up(meanwhile)


def find(key: str) -> Payout | None:
    """A payout by its name in addresses, if it may be seen."""
    return db.session.scalar(select(Payout).where(Payout.key == key))


_ORDERS = {"creditor": Creditor.name, "amount": Payout.amount_ore, "since": Payout.proposed_at}


def proposals(order: str = "creditor") -> list[tuple[Payout, str]]:
    """Proposals that nobody approves yet, with the companies' names.

    order: creditor, amount or since; with a minus before it, turned round.
    """
    column = _ORDERS.get(order.removeprefix("-"), Creditor.name)
    rows = db.session.execute(
        select(Payout, Creditor.name)
        .join(Creditor, Creditor.id == Payout.creditor_id)
        .where(Payout.status.in_(OPEN), Payout.batch_id.is_(None))
        .order_by(column.desc() if order.startswith("-") else column, Payout.id)
    )
    return [(payout, name) for payout, name in rows]


def of_batch(batch: PayoutBatch) -> list[tuple[Payout, str]]:
    """A batch's payouts, with the companies' names."""
    rows = db.session.execute(
        select(Payout, Creditor.name)
        .join(Creditor, Creditor.id == Payout.creditor_id)
        .where(Payout.batch_id == batch.id)
        .order_by(Creditor.name, Payout.id)
    )
    return [(payout, name) for payout, name in rows]


def of_company(creditor_id: int, after: Payout | None = None, limit: int = 50) -> list[Payout]:
    """What was paid out to a company, set off or rejected, the newest first.

    after: the last one seen.
    """
    query = (
        select(Payout)
        .where(Payout.creditor_id == creditor_id, Payout.released_on.is_not(None))
        .order_by(Payout.released_on.desc(), Payout.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(Payout.released_on, Payout.id) < (after.released_on, after.id))
    return list(db.session.scalars(query))


def waiting(creditor_id: int) -> list[Payout]:
    """A company's proposals, which nobody has ordered at the bank yet."""
    return list(
        db.session.scalars(
            select(Payout)
            .where(Payout.creditor_id == creditor_id, Payout.status.in_(OPEN))
            .order_by(Payout.currency, Payout.id)
        )
    )


def of_case(case_id: int) -> list[tuple[Payout, int]]:
    """The payouts that have something of a case, and how much of it, in öre; the newest first."""
    rows = db.session.execute(
        select(Payout, func.sum(PayoutLine.amount_ore))
        .join(PayoutLine, PayoutLine.payout_id == Payout.id)
        .where(PayoutLine.case_id == case_id, Payout.released_on.is_not(None))
        .group_by(Payout.id)
        .order_by(Payout.released_on.desc(), Payout.id.desc())
    )
    return [(payout, int(ore)) for payout, ore in rows]


def lines(payout: Payout) -> list[PayoutLine]:
    """A payout's lines; they sum to its amount."""
    return list(
        db.session.scalars(
            select(PayoutLine)
            .where(PayoutLine.payout_id == payout.id)
            .order_by(PayoutLine.case_id, PayoutLine.line_id)
        )
    )


def company_name(payout: Payout) -> str:
    """Whose payout it is."""
    return db.session.get_one(Creditor, payout.creditor_id).name


def company_names(keys: Iterable[str]) -> dict[str, str]:
    """Whose payouts they are, by their keys."""
    rows = db.session.execute(
        select(Payout.key, Creditor.name)
        .join(Creditor, Creditor.id == Payout.creditor_id)
        .where(Payout.key.in_(set(keys)))
    )
    return {row[0]: row[1] for row in rows}


def by_case(payout_ids: Sequence[int], *, most: int) -> dict[int, list[CaseSum]]:
    """What payouts have of their cases, by payout. most: of each at most so many and one more."""
    grouped = (
        select(
            PayoutLine.payout_id,
            PayoutLine.case_id,
            func.sum(PayoutLine.amount_ore).label("ore"),
            func.row_number()
            .over(partition_by=PayoutLine.payout_id, order_by=PayoutLine.case_id)
            .label("place"),
        )
        .where(PayoutLine.payout_id.in_(payout_ids))
        .group_by(PayoutLine.payout_id, PayoutLine.case_id)
        .subquery()
    )
    found: dict[int, list[CaseSum]] = {}
    for payout_id, case_id, ore in db.session.execute(
        select(grouped.c.payout_id, grouped.c.case_id, grouped.c.ore)
        .where(grouped.c.place <= most + 1)
        .order_by(grouped.c.payout_id, grouped.c.place)
    ):
        found.setdefault(payout_id, []).append(CaseSum(payout_id, case_id, int(ore)))
    return found
