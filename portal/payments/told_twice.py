"""Deposits that banks tell of in files of two kinds, such as BgMax and camt.054: taken once.

A deposit is the same when it came to the same account on the same day, has as many payments and the
same sum, and their amounts and references are the same. Each is the same as one other at most, and
only of files of two kinds, so that two equal deposits of one kind are both taken. The second one is
set aside, and a person sees it: if it is other money after all, it is taken.
"""

from collections.abc import Sequence
from datetime import date, datetime

import structlog
from sqlalchemy import func, select, text, update

from portal.extensions import db
from portal.identity.actor import Actor
from portal.payments.models import BankFile, BankPayment, ToldTwice
from portal.payments.taking_back import NotWaiting

log = structlog.get_logger()
OPEN, SAME, OTHER = "open", "same", "other"
# An OCR number is the same with zeros before it, and with blanks in it.
_CONTENT = """
sum(hashtextextended(concat_ws('|', amount_ore, (
    select string_agg(r, ',' order by r) from (
        select ltrim(regexp_replace(upper(n), '[^0-9A-ZÅÄÖ]', '', 'g'), '0') as r
        from unnest(reference_numbers) n
    ) one where r <> ''
)), 0)::numeric)
"""
# Each is counted once: nothing is known yet of how many deposits a new file has, and put into the
# join one would be counted anew for each of the other.
_FIND = text(
    f"""
with mine as materialized (
    select account, value_on, currency, deposit, count(*) as payments, sum(amount_ore) as ore
    from bank_payments where file_id = :file_id and state = 'new' group by 1, 2, 3, 4
), theirs as materialized (
    select p.account, p.value_on, p.currency, p.deposit, p.file_id, count(*) as payments,
        sum(p.amount_ore) as ore
    from bank_payments p join bank_files f on f.id = p.file_id
    where p.account = any(:accounts) and p.value_on = any(:days) and f.kind <> :kind
        and p.file_id <> :file_id and p.state not in ('repeated', 'statement')
        and not exists (
            select from told_twice t where t.other_file_id = p.file_id
                and t.other_deposit = p.deposit and t.account = p.account
                and t.value_on = p.value_on and t.status <> '{OTHER}'
        )
    group by 1, 2, 3, 4, 5
), alike as materialized (
    select m.deposit, t.file_id as other_file_id, t.deposit as other_deposit, m.account,
        m.value_on, m.currency, m.payments, m.ore
    from mine m join theirs t using (account, value_on, currency, payments, ore)
), my_content as (
    select account, value_on, currency, deposit, {_CONTENT} as content
    from bank_payments where file_id = :file_id and state = 'new'
        and (account, value_on, deposit) in (select account, value_on, deposit from alike)
    group by 1, 2, 3, 4
), their_content as (
    select account, value_on, currency, file_id, deposit, {_CONTENT} as content
    from bank_payments where state not in ('repeated', 'statement')
        and (account, value_on, file_id, deposit)
            in (select account, value_on, other_file_id, other_deposit from alike)
    group by 1, 2, 3, 4, 5
), mine_in_order as (
    select *, row_number() over (partition by account, value_on, currency, content
        order by deposit) as place from my_content
), theirs_in_order as (
    select *, row_number() over (partition by account, value_on, currency, content
        order by file_id, deposit) as place from their_content
)
select m.deposit, t.file_id, t.deposit, m.account, m.value_on, m.currency, a.ore, a.payments
from mine_in_order m
join theirs_in_order t using (account, value_on, currency, content, place)
join alike a on a.deposit = m.deposit and a.account = m.account and a.value_on = m.value_on
    and a.other_file_id = t.file_id and a.other_deposit = t.deposit
order by m.value_on, m.deposit
"""  # noqa: S608
)


def mark(file: BankFile, days: Sequence[date]) -> int:
    """Set aside what a file tells that one of another kind had told; answers how many payments.

    days: those that its payments count from.
    """
    found = db.session.execute(
        _FIND,
        {"file_id": file.id, "kind": file.kind, "accounts": file.accounts, "days": list(days)},
    ).all()
    count = 0
    for deposit, other_file_id, other_deposit, account, value_on, currency, ore, payments in found:
        db.session.add(
            ToldTwice(
                file_id=file.id, deposit=deposit, other_file_id=other_file_id,
                other_deposit=other_deposit, account=account, value_on=value_on, currency=currency,
                amount_ore=int(ore), payments=payments, status=OPEN,
            )
        )  # fmt: skip
        db.session.execute(
            update(BankPayment)
            .where(
                BankPayment.file_id == file.id, BankPayment.deposit == deposit,
                BankPayment.account == account, BankPayment.value_on == value_on,
                BankPayment.state == "new",
            )
            .values(state="repeated")
        )  # fmt: skip
        count += payments
    db.session.flush()
    return count


def open_(limit: int = 100) -> list[ToldTwice]:
    """Deposits that nobody has looked at, the oldest first."""
    return list(
        db.session.scalars(
            select(ToldTwice).where(ToldTwice.status == OPEN).order_by(ToldTwice.id).limit(limit)
        )
    )


def count() -> int:
    """How many deposits nobody has looked at."""
    query = select(func.count()).where(ToldTwice.status == OPEN)
    return db.session.scalar(query) or 0


def decide(told_id: int, *, is_same: bool, actor: Actor, now: datetime) -> None:
    """Say whether a deposit is the one that was taken; if not, it is taken. Raises NotWaiting.

    Whoever calls lets what is new be matched.
    """
    told = db.session.get(ToldTwice, told_id, with_for_update=True, populate_existing=True)
    if told is None or told.status != OPEN:
        raise NotWaiting
    told.status = SAME if is_same else OTHER
    told.decided_by, told.decided_at = actor.name, now
    if not is_same:
        db.session.execute(
            update(BankPayment)
            .where(
                BankPayment.file_id == told.file_id, BankPayment.deposit == told.deposit,
                BankPayment.account == told.account, BankPayment.value_on == told.value_on,
                BankPayment.state == "repeated",
            )
            .values(state="new")
        )  # fmt: skip
    db.session.flush()
    log.info("told_twice.decided", told=told_id, same=is_same, by=actor.name)
