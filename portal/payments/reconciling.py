"""What the bank tells, what the books say and what cases came to, held against each other.

Bank money is what banks' files have told of, by its value date; the books are the accounts
`client_funds` and `covered` over all companies, by accounting day; the cases are payments, payouts
and our own share, as their rooms keep them, on the day that the books have them.

A bank's payment, a payout and what comes from Swish or the payment provider is each one thing that
both have, or only one of them has: then it is a difference, with a reason, and the sum of all
differences is the bank's balance less the books'. Money by Swish, card and account is in the books
when the payer has paid, and at the bank when its sum comes (`transfers`): until then it is on its
way. A debit that a statement (camt.053) tells of counts when no other file has it; all else in a
statement is only held against the others' sums.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import TextClause, func, select, text
from sqlalchemy.dialects.postgresql import insert

from portal import ledger
from portal.extensions import db
from portal.law import calendar
from portal.payments import booking, uneven, ways
from portal.payments.models import BankPayment, ReconciledDay
from portal.payments.moved_money import (
    AGAIN,
    CAME,
    CAME_BETWEEN,
    CLEARED_AS,
    ENTRIES_OF_ORDERS,
    KEPT_OF_WAYS,
    MOVE_AT_BANK,
    MOVE_IN_BOOKS,
    NEW_ENTRIES,
    NEW_IN_STATEMENTS,
    OF_ORDERS,
    OF_OWN_MONEY,
    ORDERS,
    ORDERS_OPEN,
    OWN_MONEY,
    TOLD,
    TOLD_OPEN,
    TOLD_WITHIN,
    again,
    moved,
    moved_of,
)

# All entries.
NEWEST = 2**63 - 1
# As the doors call it.
Day = ReconciledDay
# What moves money, in the order of the table.
BANKGIRO, TAKEN_BACK, PAYOUT, REFUND = "bankgiro", "taken back", "payout", "refund"
OWN_SHARE, PAID_IN, OTHER = "own share", "own money", "other"
MOVES = (BANKGIRO, *ways.WAYS, TAKEN_BACK, PAYOUT, REFUND, OWN_SHARE, PAID_IN, OTHER)
# Differences that time or a decision under way explains; the others need somebody.
WAITING, GOING_BACK, REVERSAL_WAITS = "waiting", "going back", "reversal waits"
OTHER_DAY, UNDONE, NOT_DEBITED, NOT_SETTLED = (
    "other day", "undone", "paid, not debited", "debited, not settled",
)  # fmt: skip
ON_ITS_WAY, GONE_BACK, NOT_DRAWN = "on its way", "gone back", "not drawn"
EXPLAINED = (
    WAITING, GOING_BACK, GONE_BACK, REVERSAL_WAITS, OTHER_DAY, UNDONE, NOT_DEBITED, NOT_SETTLED,
    ON_ITS_WAY, NOT_DRAWN,
)  # fmt: skip
# Of each reason so many are listed; all are summed.
MOST_LISTED = 200
# Until a sum from Swish or a provider, or a debit, must have come.
_BANKING_DAYS = 5


@dataclass(frozen=True)
class Sums:
    """What the three say of one thing, in öre; None where one has nothing to say of it."""

    what: str
    bank_ore: int | None
    books_ore: int
    cases_ore: int

    @property
    def is_same(self) -> bool:
        """Whether all that speak say the same."""
        return len({self.bank_ore or 0, self.books_ore, self.cases_ore}) == 1


@dataclass(frozen=True)
class Difference:
    """Something that only one of them has by the last day, or that has another sum, in öre.

    what: one of `EXPLAINED`, or `debit without payout`, `returned`, `left aside`, `not in a file`,
    `not in the books`, `drawn`, `too old`. kind: bank, entry, payout, own share or way, and id:
    which one; name: how people know it; of a bank's payment its serial number, as a closed period
    keeps it for ever (`payers` tells who paid). bank_on: value date at the bank. posted_on:
    accounting day.
    """

    what: str
    kind: str
    id: int | None
    name: str
    bank_ore: int
    books_ore: int
    bank_on: date | None
    posted_on: date | None

    @property
    def ore(self) -> int:
        """What the bank has more than the books."""
        return self.bank_ore - self.books_ore

    @property
    def is_explained(self) -> bool:
        """Whether time or a decision under way explains it."""
        return self.what in EXPLAINED


@dataclass(frozen=True)
class Reason:
    """All differences of one kind: how many, and what the bank has more than the books, in öre."""

    what: str
    count: int
    ore: int

    @property
    def is_explained(self) -> bool:
        """As of its differences."""
        return self.what in EXPLAINED


@dataclass(frozen=True)
class AccountSums:
    """What files tell of one account in a period, in öre, since the first of them.

    statement_ore: what the bank's statement says that it held at the end of statement_on.
    """

    account: str
    opening_ore: int
    in_ore: int
    out_ore: int
    statement_ore: int | None = None
    statement_on: date | None = None

    @property
    def closing_ore(self) -> int:
        return self.opening_ore + self.in_ore + self.out_ore


@dataclass(frozen=True)
class StatementDay:
    """A day on which a statement's sum is not that of the other files, in öre."""

    day: date
    statement_ore: int
    told_ore: int


@dataclass(frozen=True)
class Gap:
    """A statement of an account that does not begin with what the one before it ended with, in öre.

    before_on: when that one ended. day: when this one ends. Between them one is missing, or money
    moved that no statement tells of.
    """

    account: str
    before_on: date
    before_ore: int
    day: date
    opening_ore: int


@dataclass(frozen=True)
class Owner:
    """Whose a company's client money is, in öre; all others come to money_ore, never below zero.

    to_creditor_ore: owed to it; below zero, it owes. too_much_ore: goes back to payers.
    ordered_ore: on its way out. ours_ore: our own share; covered_ore: what that stands in for.
    """

    creditor_id: int
    name: str
    to_creditor_ore: int
    too_much_ore: int
    ordered_ore: int
    ours_ore: int
    money_ore: int
    covered_ore: int


@dataclass(frozen=True)
class Reconciliation:
    """A day or a period, in one currency.

    refused: names of files refused in it that nobody has brought since. repeated: how many payments
    files told of again. uneven: cases whose payments and books differ.
    """

    first: date
    last: date
    currency: str
    opening: Sums
    moves: Sequence[Sums]
    closing: Sums
    reasons: Sequence[Reason]
    differences: Sequence[Difference]
    accounts: Sequence[AccountSums] = ()
    statements: Sequence[StatementDay] = ()
    refused: Sequence[tuple[int, str]] = ()
    repeated: int = 0
    repeated_ore: int = 0
    uneven: Sequence[booking.Unbooked] = field(default_factory=list)
    gaps: Sequence[Gap] = ()

    @property
    def explained_ore(self) -> int:
        """What the bank has more than the books, and time or a decision under way explains."""
        return sum(one.ore for one in self.reasons if one.is_explained)

    @property
    def unexplained(self) -> int:
        """How many things nobody has explained."""
        found = sum(one.count for one in self.reasons if not one.is_explained)
        is_off = self.closing.bank_ore is None or (
            self.closing.bank_ore - self.closing.books_ore != sum(one.ore for one in self.reasons)
        )
        return (
            found + is_off + (self.closing.books_ore != self.closing.cases_ore)
            + len(self.uneven) + len(self.statements) + len(self.refused) + len(self.gaps)
        )  # fmt: skip


# Of tables of (what, day, ore, number) in `{rows}`.
_BY_WHAT = """
select what, coalesce(sum(ore) filter (where day < :first), 0)::bigint as before,
    coalesce(sum(ore) filter (where day >= :first), 0)::bigint as within
from ({rows}) x where day <= :last group by what having sum(number) > 0"""
_KEPT = "select what, day, ore, number from reconciled_sums where currency = :currency and side = "
_BOOKS_ROWS = f"select {MOVE_IN_BOOKS} as what, posted_on as day, ore, 1 as number from moved"
_BANK_ROWS = f"""
select {MOVE_AT_BANK} as what, t.value_on as day, t.amount_ore as ore, 1 as number
from told t {OF_ORDERS}"""
_CASES_ROWS = f"""
select what, ore, day, 1 as number from came
union all select what, ore, day, 1 from ({OWN_MONEY}) own"""
_SUMS_WHOLE = {
    "bank": text(f"with {TOLD}, {ORDERS} {_BY_WHAT.format(rows=_BANK_ROWS)}"),
    "books": text(f"with {moved()} {_BY_WHAT.format(rows=_BOOKS_ROWS)}"),
    "cases": text(f"with {CAME} {_BY_WHAT.format(rows=_CASES_ROWS)}"),
}
# What is looked at again, as it was kept.
_NOT_AS_KEPT = """
select {columns}, b.value_on as day, -b.amount_ore as ore, -1 as number
from also join bank_payments b on b.id = also.id where b.cleared_as is distinct from ''"""
_SUMS = {
    "bank": text(
        f"with {AGAIN}, {TOLD_OPEN}, {ORDERS_OPEN} "
        + _BY_WHAT.format(
            rows=f"{_KEPT} 'bank' union all select what, day, ore, number from"
            f" ({_NOT_AS_KEPT.format(columns=f'{CLEARED_AS} as what')}) noted"
            f" union all select what, day, ore, number from ({_BANK_ROWS}) open"
        )
    ),
    "books": text(
        f"with {moved_of(NEW_ENTRIES)} "
        + _BY_WHAT.format(
            rows=f"{_KEPT} 'books' union all select what, day, ore, number from ({_BOOKS_ROWS}) new"
        )
    ),
    "cases": text(
        f"with {CAME_BETWEEN} "
        + _BY_WHAT.format(
            rows=f"{_KEPT} 'cases' union all select what, day, ore, number from ({_CASES_ROWS}) new"
        )
    ),
}
_DIFFERENCES = """
-- What no case was given and the bank has paid back: of the payment that it came by.
unbooked as (
    select f.id, f.payment_id from orders o join refunds f on f.id = o.id
    join told t on t.id = f.payment_id
    where o.kind = 'refund' and f.creditor_id is null and (t.way is null or t.way = 'own')
), gone_back as (
    select payment_id, sum(ore) filter (where day <= :last) as ore from (
        select u.payment_id, a.ore, a.value_on as day
        from unbooked u join at_bank a on a.kind = 'refund' and a.id = u.id
        {gone_back}
    ) x group by payment_id
), by_bank as (
    select bank_id, coalesce(sum(ore) filter (where posted_on <= :last), 0) as ore,
        sum(ore) as whole, max(posted_on) as posted_on
    from moved where bank_id is not null {of_bank} group by bank_id
), of_bank as (
    select coalesce(t.id, m.bank_id) as id, t.kind, t.state,
        case when t.value_on <= :last then t.amount_ore else 0 end + coalesce(g.ore, 0) as bank_ore,
        coalesce(m.ore, 0) as books_ore, t.value_on, m.posted_on,
        t.amount_ore = coalesce(m.whole, 0) as is_whole,
        exists (select from refunds f where f.payment_id = t.id and f.creditor_id is null
            and f.status = 'settled') as has_gone_back,
        coalesce(nullif(t.serial, ''), coalesce(t.id, m.bank_id)::text) as name
    from told t full join by_bank m on m.bank_id = t.id
    left join gone_back g on g.payment_id = t.id
    where (t.way is null or t.way = 'own')
        and (t.id is null or t.id not in (select debit_id from at_bank))
), by_order as (
    select order_kind, order_key, coalesce(sum(ore) filter (where posted_on <= :last), 0) as ore,
        sum(ore) as whole, max(posted_on) as posted_on
    from moved where order_kind is not null group by 1, 2
), of_order as (
    select o.kind, o.id, o.key, coalesce(a.ore, 0) as bank_ore, coalesce(m.ore, 0) as books_ore,
        a.value_on, m.posted_on, coalesce(a.whole, 0) as bank_whole, coalesce(m.whole, 0) as whole,
        o.status, o.kind = 'refund' and exists (
            select from refunds f where f.id = o.id and f.creditor_id is null) as is_unbooked
    from orders o left join (
        select kind, id, coalesce(sum(ore) filter (where value_on <= :last), 0) as ore,
            sum(ore) as whole, max(value_on) as value_on
        from at_bank group by kind, id
    ) a on a.kind = o.kind and a.id = o.id
    left join by_order m on m.order_kind = o.kind and m.order_key = o.key
    where o.kind <> 'refund' or o.id not in (select id from unbooked)
), of_way as (
    select way, sum(books_ore) - sum(bank_ore) as left_ore from way_days
    where day <= :last group by way
), on_its_way as (
    -- The newest that together make up what has not come.
    select m.*, w.left_ore from (
        select entry_id, kind, way, ore, posted_on, sum(ore) over (
            partition by way order by posted_on desc, entry_id desc) - ore as before_ore
        from moved where way is not null and ore > 0 and posted_on <= :last
    ) m join of_way w on w.way = m.way where m.before_ore < w.left_ore
), not_drawn as (
    -- What was taken back or paid back of late, and the bank has not drawn.
    select w.way, least(-w.left_ore, d.ore) as ore from of_way w join (
        select way, sum(came_ore - books_ore) as ore from way_days
        where day between :recent and :last group by way
    ) d on d.way = w.way where w.left_ore < 0 and d.ore > 0
), found as (
    select case when is_whole then 'other day'
            when state is null then 'not in a file'
            when state = 'new' or state = 'waiting' and kind = 'payment' then 'waiting'
            when state = 'waiting' then 'reversal waits'
            when state = 'taken back' or kind in ('reversal', 'deduction') and state = 'settled'
                then 'undone'
            when kind = 'payment' and has_gone_back then 'gone back'
            when kind = 'payment' and state = 'settled' then 'going back'
            when kind = 'debit' then 'debit without payout'
            when kind = 'returned' then 'returned'
            else 'left aside' end as what,
        'bank' as kind, id, name, bank_ore, books_ore, value_on, posted_on
    from of_bank where bank_ore <> books_ore
    union all
    select case when is_unbooked then 'gone back'
            when bank_whole = whole then 'other day'
            when bank_whole <> 0 and status = 'released' then 'debited, not settled'
            when bank_whole <> 0 then 'other sum'
            when posted_on >= :recent then 'paid, not debited'
            else 'too old' end,
        kind, id, key, bank_ore, books_ore, value_on, posted_on
    from of_order where bank_ore <> books_ore
    union all
    select case when posted_on >= :recent then 'on its way' else 'too old' end, 'entry', entry_id,
        kind, 0, least(ore, left_ore - before_ore), null, posted_on
    from on_its_way
    union all
    select 'not drawn', 'way', null, way, ore, 0, null, null from not_drawn
    union all
    select 'not in the books', 'way', null, w.way, -w.left_ore - coalesce(d.ore, 0), 0, null, null
    from of_way w left join not_drawn d on d.way = w.way
    where w.left_ore < 0 and -w.left_ore > coalesce(d.ore, 0)
    union all
    -- What the bank has drawn, and more than ever came.
    select 'drawn', 'way', null, w.way, c.ore - w.left_ore, 0, null, null
    from of_way w join (
        select way, sum(came_ore) as ore from way_days where day <= :last group by way
    ) c on c.way = w.way
    where w.left_ore > c.ore
    union all
    select 'not in a file', 'entry', entry_id, kind, 0, ore, null, posted_on
    from moved
    where bank_id is null and order_kind is null and way is null and posted_on <= :last
)
select * from (
    select *, row_number() over (
            partition by what
            order by coalesce(value_on, posted_on) desc, id desc, kind, name) as place,
        count(*) over (partition by what) as number,
        sum(bank_ore - books_ore) over (partition by what) as total
    from found
) x where place <= :most order by what, place
"""
# What each way brought by day, in the books and at the bank.
_WAY_DAYS = """
way_days as (
    select way, posted_on as day, ore as books_ore, greatest(ore, 0) as came_ore, 0 as bank_ore
    from {moved} where way is not null
    union all
    select way, value_on, 0, 0, amount_ore from told where way <> 'own'
    {kept}
)"""
_DIFFERENCES_WHOLE = text(
    f"with {TOLD}, {ORDERS}, {moved()}, {_WAY_DAYS.format(moved='moved', kept='')}, "
    + _DIFFERENCES.format(of_bank="", gone_back="")
)
_WAYS_KEPT = f"""
    union all
    select name, day, ore, came_ore, 0 from reconciled_sums
    where side = 'books' and currency = :currency and name <> ''
    union all
    select name, day, 0, 0, ore from reconciled_sums where side = 'way' and currency = :currency
    union all
    select w.way, b.value_on, 0, 0, -b.amount_ore
    from ({KEPT_OF_WAYS}) w join bank_payments b on b.id = w.id"""
# What may differ on the day: banks' payments that are not cleared, or that since were posted of, or
# that one side has by then and the other has later. Each of them with all its entries.
_MAY_DIFFER = f"""
{moved_of(NEW_ENTRIES, "newly")}, {again("newly", of_day=True)}, {TOLD_OPEN}, {ORDERS_OPEN},
{_WAY_DAYS.format(moved="newly", kept=_WAYS_KEPT)}, running as (
    select d.way, d.day, w.left_ore, sum(d.came_ore) over (
        partition by d.way order by d.day desc) as came_ore
    from (
        select way, day, sum(came_ore) as came_ore from way_days where day <= :last group by 1, 2
    ) d join (
        select way, sum(books_ore) - sum(bank_ore) as left_ore from way_days where day <= :last
        group by way
    ) w on w.way = d.way and w.left_ore > 0
), begins as (
    select least(min(day) filter (where came_ore < left_ore),
        max(day) filter (where came_ore >= left_ore)) as day
    from running group by way
), entries as (
    select entry_id from newly_money
    union
    select e.id from (
        select id from told union select reverses_id from told where reverses_id is not null
    ) k cross join lateral (
        select key from bank_shares x where x.payment_id = k.id
        union all select key from statement_payments x where x.payment_id = k.id
    ) s cross join (values ('payment:'), ('taken back:'), ('returned by bank:')) n(before)
    cross join lateral (
        select id from ledger_entries x where x.idempotency_key = n.before || s.key offset 0
    ) e
    union
    {ENTRIES_OF_ORDERS}
    union
    select id from ledger_entries where {OF_OWN_MONEY}
    union
    select id from reconciled_left where kind = 'entry'
    union
    select entry_id from ledger_lines
    where account in ('client_funds', 'covered')
        and posted_on between (select min(day) from begins) and :last
), {moved_of("select entry_id as id from entries")}, """
_DIFFERENCES_SINCE = text(
    f"with {_MAY_DIFFER}"
    + _DIFFERENCES.format(
        gone_back="""union all
        select f.payment_id, f.cleared_ore, f.cleared_on from told t cross join lateral (
            select payment_id, cleared_ore, cleared_on from refunds x
            where x.payment_id = t.id and x.creditor_id is null and x.cleared_on is not null
                and x.batch_id not in (select id from also_batches) offset 0
        ) f where t.way is null or t.way = 'own'""",
        of_bank="""and (bank_id in (select id from told) or (
        select b.cleared_on from bank_payments b where b.id = moved.bank_id
    ) is null)""",
    )
)
_BY_ACCOUNT = """
select account, coalesce(sum(ore) filter (where day < :first), 0)::bigint,
    coalesce(sum(came_ore) filter (where day >= :first), 0)::bigint,
    coalesce(sum(ore - came_ore) filter (where day >= :first), 0)::bigint
from ({rows}) x where day <= :last group by account having sum(number) > 0 order by account
"""
_TOLD_ROWS = """
select account, value_on as day, amount_ore as ore, greatest(amount_ore, 0) as came_ore,
    1 as number
from told"""
_ACCOUNTS_WHOLE = text(f"with {TOLD} {_BY_ACCOUNT.format(rows=_TOLD_ROWS)}")
_ACCOUNTS = text(
    f"with {AGAIN}, {TOLD_OPEN} "
    + _BY_ACCOUNT.format(
        rows="select name as account, day, ore, came_ore, number"
        " from reconciled_sums where currency = :currency and side = 'bank'"
        " union all select account, day, ore, least(ore, 0), number from"
        f" ({_NOT_AS_KEPT.format(columns='b.account')}) noted"
        f" union all {_TOLD_ROWS}"
    )
)
_BALANCES = text(
    """
select distinct on (account) account, closing_ore, closed_on from bank_balances
where currency = :currency and closed_on between :first and :last
order by account, closed_on desc, file_id desc
"""
)
# Several may end on a day, and one of a week may lie over those of its days.
_GAPS = text(
    """
select n.account, b.closed_on, b.closing_ore, n.closed_on, n.opening_ore
from bank_balances n
cross join lateral (
    select closed_on, closing_ore from bank_balances p
    where p.account = n.account and p.currency = n.currency and p.closed_on < n.closed_on
    order by p.closed_on desc, p.id desc limit 1
) b
where n.currency = :currency and n.closed_on between :first and :last
    and n.opened_on >= b.closed_on
    and not exists (
        select from bank_balances p
        where p.account = n.account and p.currency = n.currency and p.id <> n.id
            and (
                p.closed_on in (b.closed_on, n.closed_on) and p.closing_ore = n.opening_ore
                or p.opened_on < n.opened_on and p.closed_on >= n.closed_on
            )
    )
order by n.closed_on, n.account, n.id
"""
)
# Only days that a statement tells of.
_BY_STATEMENT = """
statement_days as (
    select day, sum(ore)::bigint as ore from ({statement}) x
    where day between :first and :last group by day
), told_days as (
    select day, sum(ore)::bigint as ore from ({told}) x
    where day between :first and :last group by day
)
select s.day, s.ore, coalesce(t.ore, 0) from statement_days s left join told_days t on t.day = s.day
where s.ore <> coalesce(t.ore, 0) order by s.day
"""
_ROWS = "select value_on as day, amount_ore as ore from "
_STATEMENTS_WHOLE = text(
    f"with {TOLD_WITHIN}, "
    + _BY_STATEMENT.format(statement=f"{_ROWS} statement", told=f"{_ROWS} told")
)
_STATEMENTS = text(
    f"with {AGAIN}, {TOLD_OPEN}, "
    + _BY_STATEMENT.format(
        statement="select day, ore from reconciled_sums"
        " where side = 'statement' and currency = :currency"
        f" union all {_ROWS} ({NEW_IN_STATEMENTS} and b.currency = :currency) b",
        told="select day, ore from reconciled_sums where side = 'bank' and currency = :currency"
        f" union all select day, ore from ({_NOT_AS_KEPT.format(columns='b.account')}) noted"
        f" union all {_ROWS} told",
    )
)
_REFUSED = text(
    """
select id, name from bank_files f
where status = 'refused' and (at at time zone 'Europe/Stockholm')::date between :first and :last
    and not exists (
        select from bank_files t where t.status = 'taken' and t.name = f.name and t.at > f.at
    )
order by id
"""
)
_REPEATED = text(
    """
select count(*), coalesce(sum(amount_ore), 0)::bigint from bank_payments
where state = 'repeated' and currency = :currency and value_on between :first and :last
"""
)
# One after the other, in an index: there are few.
_CURRENCIES = text(
    """
with recursive told as (
    (select currency from bank_payments order by currency limit 1)
    union all
    select (select b.currency from bank_payments b where b.currency > told.currency
        order by b.currency limit 1)
    from told where told.currency is not null
)
select currency from told where currency is not null
union select currency from ledger_sums where is_month and account = 'client_funds'
union select currency from ledger_lines where entry_id > :kept and account = 'client_funds'
"""
)
_OWNERS = text(
    f"""
with {ledger.SUMS}
select l.creditor_id, c.name,
    coalesce(-sum(amount_ore) filter (where account = 'owed_to_creditor'), 0)::bigint as owed,
    coalesce(-sum(amount_ore) filter (where account in ('over_payment', 'unmatched')), 0)::bigint
        as too_much,
    coalesce(-sum(amount_ore) filter (where account like '%\\_in\\_transit'), 0)::bigint
        as ordered,
    coalesce(sum(amount_ore) filter (where account = 'client_funds'), 0)::bigint as money,
    coalesce(-sum(amount_ore) filter (where account = 'covered'), 0)::bigint as covered
from sums l join creditors c on c.id = l.creditor_id
group by l.creditor_id, c.name
having bool_or(account in ('client_funds', 'covered'))
order by c.name, l.creditor_id
"""
)


def currencies() -> list[str]:
    """The currencies that there is money in; kronor always."""
    found = ledger.steadily(lambda kept: set(db.session.scalars(_CURRENCIES, {"kept": kept})))
    found |= {"SEK"}
    return sorted(found, key=lambda one: (one != "SEK", one))


def reconcile(first: date, last: date, currency: str = "SEK") -> Reconciliation:
    """What the three say of a day or a period, and where they differ at its end.

    It reads what is not cleared yet, and sums of the rest (`clearing`).
    """
    # Of nothing that is kept yet, all is read at once.
    return ledger.steadily(lambda kept: _reconcile(first, last, currency, kept or None))


def reconcile_from_the_beginning(first: date, last: date, currency: str = "SEK") -> Reconciliation:
    """The same, of all that ever was told, posted and paid: it reads every row. For each night."""
    return _reconcile(first, last, currency, None)


def _reconcile(first: date, last: date, currency: str, kept: int | None) -> Reconciliation:
    days = {"first": first, "last": last, "currency": currency, "kept": kept, "new": NEWEST}
    sums, accounts, differing, statements = (
        (_SUMS_WHOLE, _ACCOUNTS_WHOLE, _DIFFERENCES_WHOLE, _STATEMENTS_WHOLE)
        if kept is None
        else (_SUMS, _ACCOUNTS, _DIFFERENCES_SINCE, _STATEMENTS)
    )
    bank, books, cases = (_by_what(sums[side], days) for side in ("bank", "books", "cases"))
    reasons, differences = _differences(differing, days)
    whats = [one for one in MOVES if any(one in each for each in (bank, books, cases))]
    repeated = db.session.execute(_REPEATED, days).one()
    return Reconciliation(
        first, last, currency,
        opening=_sums("opening", *(_total(each, 0) for each in (bank, books, cases))),
        moves=[
            _sums(one, *(each.get(one, (0, 0))[1] for each in (bank, books, cases)))
            for one in whats
        ],
        closing=_sums(
            "closing", *(_total(each, 0) + _total(each, 1) for each in (bank, books, cases))
        ),
        reasons=reasons,
        differences=differences,
        accounts=_accounts(accounts, days),
        statements=[StatementDay(*row) for row in db.session.execute(statements, days)],
        refused=[(int(id_), name) for id_, name in db.session.execute(_REFUSED, days)],
        repeated=int(repeated[0]),
        repeated_ore=int(repeated[1]),
        uneven=booking.differences() if kept is None else uneven.payments_since(kept),
        gaps=[Gap(*row) for row in db.session.execute(_GAPS, days)],
    )  # fmt: skip


def payers(ids: Iterable[int]) -> dict[int, str]:
    """Who banks' payments came from, or what the bank wrote of them, by id, for a page."""
    name = func.coalesce(func.nullif(BankPayment.payer_name, ""), BankPayment.text)
    rows = db.session.execute(
        select(BankPayment.id, name).where(BankPayment.id.in_(set(ids)), name != "")
    )
    return {row[0]: row[1] for row in rows}


def _by_what(query: Any, days: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    return {row.what: (int(row.before), int(row.within)) for row in db.session.execute(query, days)}


def _total(found: Mapping[str, tuple[int, int]], place: int) -> int:
    return sum(one[place] for one in found.values())


def _sums(what: str, bank_ore: int, books_ore: int, cases_ore: int) -> Sums:
    return Sums(what, bank_ore, books_ore, cases_ore)


def _differences(
    query: TextClause, days: Mapping[str, Any]
) -> tuple[list[Reason], list[Difference]]:
    rows = db.session.execute(
        query, {**days, "most": MOST_LISTED, "recent": _recent(days["last"])}
    ).all()
    reasons = {row.what: Reason(row.what, row.number, int(row.total)) for row in rows}
    found = [
        Difference(
            row.what, row.kind, row.id, row.name, int(row.bank_ore), int(row.books_ore),
            row.value_on, row.posted_on,
        )
        for row in rows
    ]  # fmt: skip
    order = {what: place for place, what in enumerate(EXPLAINED)}
    # What needs somebody comes first.
    return (
        sorted(reasons.values(), key=lambda one: (order.get(one.what, -1), one.what)),
        sorted(found, key=lambda one: (order.get(one.what, -1), one.what)),
    )


def _recent(last: date) -> date:
    """The first day of the banking days that a sum may still be on its way since."""
    day, left = last, _BANKING_DAYS
    while left:
        day -= timedelta(days=1)
        left -= calendar.is_banking_day(day)
    return day


def _accounts(query: TextClause, days: Mapping[str, object]) -> list[AccountSums]:
    told = {row[0]: row[1:] for row in db.session.execute(_BALANCES, days)}
    found = {
        row[0]: AccountSums(row[0], row[1], row[2], row[3], *told.get(row[0], (None, None)))
        for row in db.session.execute(query, days)
    }
    for account, (ore, on) in told.items():
        found.setdefault(account, AccountSums(account, 0, 0, 0, int(ore), on))
    return [found[one] for one in sorted(found)]


def owners(last: date, currency: str = "SEK") -> list[Owner]:
    """Whose the money in the books is at the end of a day, by company."""
    answer = []
    for row in ledger.steadily(
        lambda kept: db.session.execute(
            _OWNERS, {"on": last, "currency": currency, "kept": kept}
        ).all()
    ):
        # What nobody else has a claim on is ours.
        ours = row.money - row.owed - row.too_much - row.ordered - row.covered
        answer.append(
            Owner(
                row.creditor_id, row.name, row.owed, row.too_much, row.ordered, ours, row.money,
                row.covered,
            )
        )  # fmt: skip
    return answer


def keep_day(day: date, *, now: datetime, known: Mapping[str, Reconciliation] | None = None) -> int:
    """Reconcile a day in every currency and keep what came of it; answers what is unexplained.

    known: what was found of it already, by currency.
    """
    unexplained = 0
    for currency in currencies():
        found = (known or {}).get(currency) or reconcile(day, day, currency)
        values = {
            "made_at": now, "bank_ore": found.closing.bank_ore or 0,
            "books_ore": found.closing.books_ore, "explained_ore": found.explained_ore,
            "unexplained": found.unexplained,
        }  # fmt: skip
        db.session.execute(
            insert(ReconciledDay)
            .values(day=day, currency=currency, **values)
            .on_conflict_do_update(index_elements=["day", "currency"], set_=values)
        )
        unexplained += found.unexplained
    return unexplained


def kept_days(first: date, last: date) -> dict[date, list[ReconciledDay]]:
    """What was found of the days of a period, by day."""
    answer: dict[date, list[ReconciledDay]] = {}
    for one in db.session.scalars(
        select(ReconciledDay)
        .where(ReconciledDay.day.between(first, last))
        .order_by(ReconciledDay.day.desc(), ReconciledDay.currency)
        .execution_options(populate_existing=True)
    ):
        answer.setdefault(one.day, []).append(one)
    return answer


def newest_wrong(after: date | None) -> ReconciledDay | None:
    """The newest day reconciled, if something on it is not explained. after: the last closed."""
    newest = db.session.scalars(
        select(ReconciledDay)
        .order_by(ReconciledDay.day.desc(), ReconciledDay.unexplained.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()
    is_open = newest is not None and (after is None or newest.day > after)
    return newest if is_open and newest is not None and newest.unexplained else None
