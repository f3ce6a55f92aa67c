"""The books summed up through an entry, so that a sum reads only what was posted since.

Entries are only added, so that what was summed up stays true. Which entry it is through must be
asked while nobody posts: ids are taken before an entry is seen by others.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import func, select, text

from portal.extensions import db
from portal.ledger.models import Entry

# Those that are asked for by company and day.
SUMMED = (
    "account in ('client_funds', 'covered', 'over_payment', 'unmatched', 'owed_to_creditor',"
    " 'owed_by_creditor') or account like '%\\_in\\_transit'"
)
_Answer = TypeVar("_Answer")
_THROUGH = text("select entry_id from ledger_kept where id = 1")
_KEEP = text(
    f"""
insert into ledger_sums as s (currency, is_month, day, creditor_id, account, ore)
select currency, m.is_month,
    case when m.is_month then date_trunc('month', posted_on)::date else posted_on end,
    creditor_id, account, sum(amount_ore)
from ledger_lines cross join (values (true), (false)) m(is_month)
where entry_id > :old and entry_id <= :new and ({SUMMED})
group by 1, 2, 3, 4, 5
on conflict (currency, is_month, day, creditor_id, account)
do update set ore = s.ore + excluded.ore
"""  # noqa: S608
)
_MARK = text(
    "insert into ledger_kept (id, entry_id) values (1, :new)"
    " on conflict (id) do update set entry_id = excluded.entry_id"
)
# Lines as sums, of one :currency, through the end of the day :on, or all.
SUMS = f"""
sums as (
    select currency, creditor_id, account, ore as amount_ore from ledger_sums
    where currency = :currency and is_month
        and (cast(:on as date) is null or day < date_trunc('month', cast(:on as date)))
    union all
    select currency, creditor_id, account, ore from ledger_sums
    where currency = :currency and not is_month
        and day between date_trunc('month', cast(:on as date))::date and cast(:on as date)
    union all
    select currency, creditor_id, account, amount_ore from ledger_lines
    where entry_id > :kept and currency = :currency and ({SUMMED})
        and (cast(:on as date) is null or posted_on <= cast(:on as date))
)"""  # noqa: S608


def kept_through() -> int:
    """The id of the entry that the sums are through; 0 before any is."""
    return db.session.scalar(_THROUGH) or 0


def newest_entry() -> int:
    """The id of the newest entry. To be called while nobody posts."""
    return db.session.scalar(select(func.coalesce(func.max(Entry.id), 0))) or 0


def steadily(read: Callable[[int], _Answer]) -> _Answer:
    """What `read` answers for the entry that sums are through, none being kept meanwhile."""
    kept = kept_through()
    while True:
        answer, before = read(kept), kept
        if (kept := kept_through()) == before:
            return answer


def keep_sums(old: int, new: int) -> None:
    """Sum up what lies after one entry, through another one."""
    db.session.execute(_KEEP, {"old": old, "new": new})
    db.session.execute(_MARK, {"new": new})


def forget_sums() -> None:
    """Let everything be summed up anew the next time."""
    db.session.execute(text("delete from ledger_sums"))
    db.session.execute(_MARK, {"new": 0})
