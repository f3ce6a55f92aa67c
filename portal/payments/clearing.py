"""What bank and books both have is cleared, and kept as sums: a reconciliation reads only the rest.

A bank's payment is cleared when what was posted of it comes to its amount; between its first and
its last day (`cleared_from`, `cleared_on`) one side had it and the other had not. What is posted of
it later is found by its entries, which are newer than the newest one looked at. Sums are by day and
by what moved the money, of entries through that one and of what is cleared: never of what may still
change. `reconciling.reconcile_from_the_beginning` reads everything instead, and is held against it
every night; if they differ, all is cleared anew.
"""

from datetime import date

import structlog
from sqlalchemy import text

from portal import ledger
from portal.extensions import db
from portal.payments import booking, closing, reconciling
from portal.payments.moved_money import (
    AFTER_KEPT,
    CAME_BETWEEN,
    CLEARED_AS,
    MOVE_IN_BOOKS,
    moved,
    moved_of,
)
from portal.payments.reconciling import Reconciliation

log = structlog.get_logger()
# More than a page tells of.
_MOST_UNEVEN = 1_000
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
_BANK_ROWS = (
    f"select 'bank', b.currency, b.value_on, {CLEARED_AS}, b.account, {{sign}}sum(b.amount_ore),"
    " 0, {sign}count(*) from changed b"
)
# What was posted of since, or brings something else, as if it had not been cleared.
_OPEN_AGAIN = text(
    f"""
with {moved(AFTER_KEPT)}, changed as (
    update bank_payments b set cleared_from = null, cleared_on = null
    where cleared_on is not null and currency = :currency and (
        id in (select bank_id from moved) or id in (select payment_id from bank_transfers)
    )
    returning b.*
)"""
    + _KEEP.format(rows=_BANK_ROWS.format(sign="-"))
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
), {moved_of("select id from entries")}, even as (
    select f.id, least(f.value_on, min(m.posted_on)) as first,
        greatest(f.value_on, max(m.posted_on)) as last
    from free f join moved m on m.bank_id = f.id
    group by f.id, f.value_on, f.amount_ore having sum(m.ore) = f.amount_ore
), changed as (
    update bank_payments b set cleared_from = e.first, cleared_on = e.last
    from even e where e.id = b.id returning b.*
)"""
    + _KEEP.format(rows=_BANK_ROWS.format(sign=""))
)
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


def newest_entry() -> int:
    """The entry to clear through. Whoever calls ends the transaction, so that others can post.

    Raises RedaError when somebody posts for long.
    """
    closing.hold_books()
    return ledger.newest_entry()


def clear(new: int) -> None:
    """Clear what bank and books both have by an entry, told by `newest_entry`."""
    kept = ledger.kept_through()
    for currency in reconciling.currencies():
        some = {"currency": currency, "kept": kept, "new": new}
        for query in (_BOOKS, _CASES, _OPEN_AGAIN, _CLEAR, _LEFT):
            db.session.execute(query, some)
    db.session.execute(text("delete from reconciled_left where kind = 'case'"))
    if uneven := booking.differences(_MOST_UNEVEN):
        db.session.execute(
            text("insert into reconciled_left (kind, id) values ('case', :id)"),
            [{"id": one.case_id} for one in uneven],
        )
    ledger.keep_sums(kept, new)


def forget() -> None:
    """Let everything be cleared anew the next time."""
    db.session.execute(
        text(
            "update bank_payments set cleared_from = null, cleared_on = null"
            " where cleared_on is not null"
        )
    )
    db.session.execute(text("delete from reconciled_sums"))
    db.session.execute(text("delete from reconciled_left"))
    ledger.forget_sums()


def check(day: date) -> dict[str, Reconciliation]:
    """A day in each currency, read from the beginning; what is kept is forgotten when it differs.

    What somebody books meanwhile may make it differ, too: then it is only slower for a day.
    """
    found = {
        one: reconciling.reconcile_from_the_beginning(day, day, one)
        for one in reconciling.currencies()
    }
    if any(reconciling.reconcile(day, day, one) != whole for one, whole in found.items()):
        log.error("reconciliation.kept_sums_differ", day=str(day))
        forget()
    return found
