"""What bank and books both have is cleared, and kept as sums: a reconciliation reads only the rest.

A bank's payment is cleared when what was posted of it comes to its amount, less what was paid back
of it that no case was given; between its first and its last day (`cleared_from`, `cleared_on`) one
side had it and the other had not. What is ordered is cleared a batch at a time, with its debits,
once each order has ended and the bank has paid of it what the books tell (`cleared_as`,
`cleared_batch_id`). What is posted of either later is found by its entries, which are newer than
the newest one looked at.

What is noted as money of a way (`transfers`) is cleared as soon as it is noted: a way's rows at the
bank are held against its entries by their sums of each day alone, so that nothing is lost when only
those are kept. Undone, it is open again.

Sums are by day and by what moved the money, of entries through that one and of what is cleared:
never of what may still change. Of statements, files are summed up by day as they came.
`reconciling.reconcile_from_the_beginning` reads everything instead, and is held against it every
night; if they differ, all is cleared anew.
"""

from datetime import date, datetime

import structlog
from sqlalchemy import func, select, text

from portal import ledger
from portal.extensions import db
from portal.payments import closing, reconciling, uneven
from portal.payments.moved_money import (
    AFTER_KEPT,
    CAME_BETWEEN,
    CLEARED_AS,
    ENTRIES_OF_ORDERS,
    FIRST_TOLD,
    KEPT_OF_WAYS,
    MOVE_IN_BOOKS,
    NEW_IN_STATEMENTS,
    NOTHING_AGAIN,
    ORDERS_OPEN,
    TOLD_OPEN,
    again,
    moved,
    moved_of,
)
from portal.payments.reconciling import Reconciliation

log = structlog.get_logger()
_LOCK = 0x7265_6467
_KEEP = """
insert into reconciled_sums as s (side, currency, day, what, name, ore, came_ore, number)
{rows} group by 1, 2, 3, 4, 5
on conflict (side, currency, day, what, name) do update
set ore = s.ore + excluded.ore, came_ore = s.came_ore + excluded.came_ore,
    number = s.number + excluded.number
"""
_BOOKS = text(
    f"with {moved(AFTER_KEPT)}"
    + _KEEP.format(
        rows=f"select 'books', :currency, posted_on, {MOVE_IN_BOOKS}, coalesce(way, ''), sum(ore),"
        " sum(greatest(ore, 0)), count(*) from moved"
    )
)
_CASES = text(
    f"with {CAME_BETWEEN}"
    + _KEEP.format(
        rows="select 'cases', :currency, day, what, '', sum(ore), sum(greatest(ore, 0)), count(*)"
        " from came"
    )
)
_WAY_ROWS = "select 'way', :currency, value_on, '', way, {sign}sum(amount_ore), 0, {sign}count(*)"
_BANK_ROWS = (
    f"select 'bank', b.currency, b.value_on, {CLEARED_AS}, b.account, {{sign}}sum(b.amount_ore),"
    " {sign}sum(greatest(b.amount_ore, 0)), {sign}count(*) from changed b"
    " where b.cleared_as is distinct from ''"
)


def _both(sign: str, ways: str) -> str:
    """Rows of banks' payments and, of the table `ways`, of what they are as money of a way."""
    return (
        "select side, currency, day, what, name, sum(ore), sum(came_ore), sum(number) from ("
        f"{_BANK_ROWS.format(sign=sign)} group by 1, 2, 3, 4, 5"
        f" union all {_WAY_ROWS.format(sign=sign)} from {ways} group by 1, 2, 3, 4, 5"
        ") r(side, currency, day, what, name, ore, came_ore, number)"
    )


_OPEN_ORDERS = """
{name}_again as (
    update {name} set cleared_from = null, cleared_on = null
    where batch_id in (select id from also_batches) and currency = :currency
        and cleared_on is not null
)"""
# What was posted of since, or brings something else, as if it had not been cleared.
_OPEN_AGAIN = text(
    f"""
with {moved(AFTER_KEPT)}, {again("moved")},
{", ".join(_OPEN_ORDERS.format(name=one) for one in ("payouts", "refunds", "own_share_orders"))},
changed as (
    update bank_payments b set cleared_from = null, cleared_on = null
    where cleared_on is not null and id in (select id from also)
    returning b.*
), of_ways as (
    select w.way, b.value_on, b.amount_ore
    from ({KEPT_OF_WAYS}) w join changed b on b.id = w.id
), noted as (
    update bank_transfers set is_cleared = false
    where is_cleared and payment_id in (select id from changed)
), undone as (
    update undone_transfers set is_cleared = false
    where is_cleared and payment_id in (select id from changed)
)"""
    + _KEEP.format(rows=_both("-", "of_ways"))
)
# What is noted as money of a way, and is told; not what somebody is working on just now.
_CLEAR_WAYS = text(
    f"""
with free as (
    select id, state from bank_payments b
    where id in (select payment_id from bank_transfers where not is_cleared and way <> 'own')
        and currency = :currency and cleared_on is null and state <> 'repeated'
    for no key update skip locked
), told_ids as (
    select id from free where state <> 'statement'
    union all
    select f.id from free f cross join lateral (
    {FIRST_TOLD.format(which="and b.id = f.id")} offset 0
    ) b
), noted as (
    update bank_transfers t set is_cleared = true from told_ids i
    where i.id = t.payment_id and not t.is_cleared and t.way <> 'own'
    returning t.payment_id, t.way
), changed as (
    update bank_payments b set cleared_from = value_on, cleared_on = value_on,
        cleared_as = case when kind in ('reversal', 'deduction') then 'taken back' else n.way end,
        cleared_batch_id = null
    from noted n where n.payment_id = b.id returning b.*, n.way
)"""
    + _KEEP.format(rows=_both("", "changed"))
)
_CLEAR_ORDERS = """
{name}_cleared as (
    update {name} x set cleared_from = c.first, cleared_on = c.last {ore}
    from cleared c where c.batch_id = x.batch_id and x.currency = :currency
        and x.released_on is not null and {which}
)"""
# The orders of a batch together, with the debits that are of no other: once each has ended, and
# what the bank tells of it is what the books have. What no case was given is not in the books.
_CLEAR_BATCHES = text(
    f"""
with {NOTHING_AGAIN}, {TOLD_OPEN}, {ORDERS_OPEN},
{moved_of(f"select id from ({ENTRIES_OF_ORDERS}) entries where id <= :new")},
booked as (
    select order_kind, order_key, sum(ore) as ore, min(posted_on) as first,
        max(posted_on) as last
    from moved where order_kind is not null group by 1, 2
), paid as (
    select kind, id, sum(ore) as ore, min(value_on) as first, max(value_on) as last
    from at_bank group by 1, 2
), of_order as (
    select o.batch_id, o.kind, o.id, o.status <> 'released' and case
            when f.creditor_id is not null or o.kind <> 'refund'
                then coalesce(p.ore, 0) = coalesce(b.ore, 0)
            when o.status = 'settled' then coalesce(p.ore, 0) = -o.amount_ore
            else coalesce(p.ore, 0) = 0 end as is_even,
        coalesce(least(p.first, b.first), o.released_on) as first,
        coalesce(greatest(p.last, b.last), o.released_on) as last
    from orders o left join paid p on p.kind = o.kind and p.id = o.id
    left join booked b on b.order_kind = o.kind and b.order_key = o.key
    left join refunds f on o.kind = 'refund' and f.id = o.id
), of_debit as (
    select a.debit_id, min(a.kind) as kind, min(o.batch_id) as batch_id,
        count(distinct coalesce(o.batch_id, 0)) as batches
    from at_bank a join orders o on o.kind = a.kind and o.id = a.id group by a.debit_id
), cleared as (
    select o.batch_id, min(o.first) as first, max(o.last) as last from of_order o
    where o.batch_id is not null
    group by o.batch_id
    having bool_and(o.is_even) and not exists (
        select from at_bank a join orders x on x.kind = a.kind and x.id = a.id
        join of_debit d on d.debit_id = a.debit_id
        where x.batch_id = o.batch_id and d.batches > 1
    )
), {_CLEAR_ORDERS.format(name="payouts", ore="", which="x.amount_ore > 0")},
{
        _CLEAR_ORDERS.format(
            name="refunds",
            which="x.way = 'bank'",
            ore=", cleared_ore = case when x.status = 'settled' then -x.amount_ore else 0 end",
        )
    },
{_CLEAR_ORDERS.format(name="own_share_orders", ore="", which="true")},
changed as (
    update bank_payments b set cleared_from = c.first, cleared_on = c.last,
        cleared_as = d.kind, cleared_batch_id = c.batch_id
    from of_debit d join cleared c on c.batch_id = d.batch_id
    where b.id = d.debit_id returning b.*
)"""
    + _KEEP.format(rows=_BANK_ROWS.format(sign=""))
)
# Debits in statements that another file has told of, or a statement before.
_LEAVE_OUT = text(
    f"""
with {NOTHING_AGAIN}, {TOLD_OPEN}
update bank_payments set cleared_from = value_on, cleared_on = value_on, cleared_as = '',
    cleared_batch_id = null
where state = 'statement' and kind = 'debit' and cleared_on is null and currency = :currency
    and id not in (select id from told)
"""
)
# Not what somebody is working on just now: that is cleared another night.
_CLEAR = text(
    f"""
with free as (
    select id, value_on, amount_ore, reverses_id from bank_payments b
    where currency = :currency and cleared_on is null and state not in ('repeated', 'statement')
        and kind in ('payment', 'reversal', 'deduction')
        and not exists (select from bank_transfers t where t.payment_id = b.id)
    for no key update skip locked
), entries as (
    select distinct e.id from (
        select id from free union select reverses_id from free where reverses_id is not null
    ) k cross join lateral (
        select key from bank_shares x where x.payment_id = k.id
        union all select key from statement_payments x where x.payment_id = k.id
    ) s cross join (values ('payment:'), ('taken back:'), ('returned by bank:')) n(before)
    cross join lateral (
        select id from ledger_entries x
        where x.idempotency_key = n.before || s.key and x.id <= :new offset 0
    ) e
), {moved_of("select id from entries")}, booked as (
    select bank_id, sum(ore) as ore, min(posted_on) as first, max(posted_on) as last
    from moved where bank_id is not null group by bank_id
), gone_back as (
    select payment_id, sum(cleared_ore) as ore, min(cleared_from) as first,
        max(cleared_on) as last, bool_or(cleared_on is null) as is_open
    from refunds
    where creditor_id is null and way = 'bank' and released_on is not null
        and currency = :currency
    group by payment_id
), even as (
    select f.id, least(f.value_on, b.first, g.first) as first,
        greatest(f.value_on, b.last, g.last) as last
    from free f left join booked b on b.bank_id = f.id left join gone_back g on g.payment_id = f.id
    where coalesce(b.ore, 0) = f.amount_ore + coalesce(g.ore, 0) and g.is_open is not true
), changed as (
    update bank_payments b set cleared_from = e.first, cleared_on = e.last, cleared_as = null,
        cleared_batch_id = null
    from even e where e.id = b.id returning b.*
)"""
    + _KEEP.format(rows=_BANK_ROWS.format(sign=""))
)
# A file is summed up whole: what one tells that another one had told is never there twice.
_STATEMENTS = text(
    _KEEP.format(
        rows="select 'statement', b.currency, b.value_on, '', b.account, sum(b.amount_ore), 0,"
        f" count(*) from ({NEW_IN_STATEMENTS} and f.id = any(:ids)) b"
    )
)
_SUMMED = text("update bank_files set is_summed = true where id = any(:ids)")
_NOT_SUMMED = text("select id from bank_files where not is_summed order by id for no key update")
# Entries that no bank's payment, order or way has.
_LEFT = text(
    f"""
with {moved(AFTER_KEPT)}
insert into reconciled_left (kind, id)
select 'entry', entry_id from moved
where bank_id is null and order_kind is null and way is null
    or exists (select from bank_payments b where b.id = moved.bank_id and b.state = 'repeated')
on conflict do nothing
"""
)
_STEPS = (
    _BOOKS, _CASES, _OPEN_AGAIN, _CLEAR_WAYS, _CLEAR_BATCHES, _LEAVE_OUT, _CLEAR, _LEFT,
)  # fmt: skip


def newest_entry() -> int:
    """The entry to clear through. Whoever calls ends the transaction, so that others can post.

    Raises RedaError when somebody posts for long.
    """
    closing.hold_books()
    return ledger.newest_entry()


def clear(new: int, *, now: datetime) -> None:
    """Clear what bank and books both have by an entry, told by `newest_entry`, and keep the cases
    that do not agree with the books."""
    # One at a time.
    db.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    kept = ledger.kept_through()
    if new < kept:
        return
    _sum_up_statements()
    for currency in reconciling.currencies():
        some = {"currency": currency, "kept": kept, "new": new}
        for query in _STEPS:
            db.session.execute(query, some)
    uneven.keep(now=now)
    ledger.keep_sums(new)


def _sum_up_statements() -> None:
    # What is taken meanwhile is not among them: these files, and no others, are then told of.
    if ids := db.session.scalars(_NOT_SUMMED).all():
        db.session.execute(_STATEMENTS, {"ids": list(ids)})
        db.session.execute(_SUMMED, {"ids": list(ids)})


def forget() -> None:
    """Let everything be cleared anew the next time."""
    for one in ("bank_payments", "payouts", "refunds", "own_share_orders"):
        db.session.execute(
            text(
                f"update {one} set cleared_from = null, cleared_on = null"
                " where cleared_on is not null"
            )
        )
    db.session.execute(text("update bank_files set is_summed = false where is_summed"))
    for one in ("bank_transfers", "undone_transfers"):
        db.session.execute(text(f"update {one} set is_cleared = false where is_cleared"))
    db.session.execute(text("delete from reconciled_sums"))
    uneven.forget()
    ledger.forget_sums()


def check(day: date) -> dict[str, Reconciliation]:
    """A day in each currency, read from the beginning; what is kept is forgotten when it differs.

    What somebody books meanwhile may make it differ, too: then it is only slower for a day.
    """
    found = {
        one: reconciling.reconcile_from_the_beginning(day, day, one)
        for one in reconciling.currencies()
    }
    is_right = ledger.are_sums_right() and all(
        reconciling.reconcile(day, day, one) == whole for one, whole in found.items()
    )
    if not is_right:
        log.error("reconciliation.kept_sums_differ", day=str(day))
        forget()
    return found
