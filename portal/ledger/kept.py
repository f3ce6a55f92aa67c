"""The books summed up through an entry, so that a sum reads only what was posted since.

Entries are only added, so that what was summed up stays true. Which entry it is through must be
asked while nobody posts: ids are taken before an entry is seen by others. The database asks and
sums up itself (migration 0066), since its check of client money reads the sums, too.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import text

from portal.extensions import db
from portal.ledger.books import Account

# Those that are asked for by company and day.
SUMMED = (
    "account in ('client_funds', 'covered', 'over_payment', 'unmatched', 'owed_to_creditor',"
    " 'owed_by_creditor') or account like '%\\_in\\_transit'"
)
_Answer = TypeVar("_Answer")
_ASK, _FORGET = text("select reda_ask_to_sum()"), text("select reda_forget_sums()")
_KEEP = text("select reda_keep_sums(:through)")
_THROUGH = text("select entry_id from ledger_kept where id = 1")
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


# The same of one :creditor_id, all that is posted. Whoever may not see the sums reads all lines.
SUMS_OF_ONE = f"""
sums as (
    select currency, creditor_id, account, ore as amount_ore from ledger_sums
    where currency = :currency and is_month and creditor_id = :creditor_id
    union all
    select currency, creditor_id, account, amount_ore from ledger_lines
    where creditor_id = :creditor_id and currency = :currency and ({SUMMED})
        and entry_id > coalesce((select entry_id from ledger_kept where id = 1), 0)
)"""  # noqa: S608
# Through which entry is told, so that the database knows that little came since.
_TOTALS = text(
    """
select account, sum(ore)::bigint from (
    select account, ore from ledger_totals
    union all
    select account, amount_ore from ledger_lines where entry_id > :kept
) x group by account
"""
)
_OWING = text(
    """
select creditor_id from (
    select currency, creditor_id, account, ore from ledger_sums
    where is_month and account in ('owed_to_creditor', 'owed_by_creditor')
    union all
    select currency, creditor_id, account, amount_ore from ledger_lines
    where entry_id > :kept and account in ('owed_to_creditor', 'owed_by_creditor')
) x group by creditor_id, currency, account having sum(ore) <> 0
"""
)
_WRONG = text(
    f"""
select count(*) from (
    select currency, creditor_id, posted_on as day, account, sum(amount_ore) as ore
    from ledger_lines where entry_id <= :through and ({SUMMED}) group by 1, 2, 3, 4
) l full join (select * from ledger_sums where not is_month) s using (currency, creditor_id, day,
    account)
where coalesce(l.ore, 0) <> coalesce(s.ore, 0)
union all
select count(*) from (
    select currency, creditor_id, date_trunc('month', day)::date as day, account, sum(ore) as ore
    from ledger_sums where not is_month group by 1, 2, 3, 4
) l full join (select * from ledger_sums where is_month) s using (currency, creditor_id, day,
    account)
where coalesce(l.ore, 0) <> coalesce(s.ore, 0)
union all
select count(*) from (
    select account, sum(amount_ore) as ore from ledger_lines where entry_id <= :through group by 1
) l full join ledger_totals s using (account) where coalesce(l.ore, 0) <> coalesce(s.ore, 0)
"""  # noqa: S608
)


def kept_through() -> int:
    """The id of the entry that the sums are through; 0 before any is."""
    return db.session.scalar(_THROUGH) or 0


def newest_entry() -> int:
    """The id of the newest entry, that sums may be kept through. Nobody posts until it is over."""
    return int(db.session.scalar(_ASK) or 0)


def steadily(read: Callable[[int], _Answer]) -> _Answer:
    """What `read` answers for the entry that sums are through, none being kept meanwhile."""
    kept = kept_through()
    while True:
        answer, before = read(kept), kept
        if (kept := kept_through()) == before:
            return answer


def keep_sums(through: int) -> None:
    """Sum up what came since, through an entry that `newest_entry` has told of."""
    db.session.execute(_KEEP, {"through": through})


def forget_sums() -> None:
    """Let everything be summed up anew the next time."""
    db.session.execute(_FORGET)


def are_sums_right() -> bool:
    """Whether what is kept is what the lines come to, read from the beginning. For each night."""
    return steadily(lambda kept: not any(db.session.scalars(_WRONG, {"through": kept})))


def totals() -> dict[Account, int]:
    """Every account's sum in öre over all companies, as `trial_balance`; it reads what is kept."""
    rows = steadily(lambda kept: db.session.execute(_TOTALS, {"kept": kept}).all())
    return {Account(account): int(ore) for account, ore in rows}


def owing_creditors() -> list[int]:
    """The creditors that are owed something, or owe."""
    return sorted(steadily(lambda kept: set(db.session.scalars(_OWING, {"kept": kept}))))
