"""Money that moved, at the bank and in the books: parts of the statements that hold them together.

`TOLD`, `ORDERS` (which needs it) and `moved()` are tables after `with`, of one `:currency`, in öre,
above zero what came in. `MOVE_AT_BANK`, with `OF_ORDERS`, and `MOVE_IN_BOOKS` say what moved it:
one of `reconciling.MOVES`. `CAME` tells the same of cases.
"""

# What a bank's file tells, once. Of a statement only what no other file has.
FIRST_TOLD = """
    select b.* from bank_payments b
    where b.state = 'statement' and b.currency = :currency {which} and not exists (
        select from bank_payments o
        where o.state = 'statement' and o.file_id < b.file_id and o.account = b.account
            and o.value_on = b.value_on and o.deposit = b.deposit and o.position = b.position
            and o.amount_ore = b.amount_ore and o.currency = b.currency and o.serial = b.serial
    )"""
_TOLD = """
statement as (
{statements}
), told_ids as (
    {payments}
    union all
    select s.id from statement s join bank_transfers t on t.payment_id = s.id {of_noted}
    union all
    select s.id from (
        select *, row_number() over (partition by amount_ore, value_on order by id) as nth
        from statement where kind = 'debit'
            and not exists (select from bank_transfers t where t.payment_id = statement.id)
    ) s left join {others} on o.amount_ore = s.amount_ore and o.value_on = s.value_on
    where s.nth > coalesce(o.number, 0) {of_debits}
), told as (
    select b.id, b.account, b.kind, b.amount_ore, b.value_on, b.state, b.text, b.serial,
        b.end_to_end_id, b.reference_numbers, b.payer_name, b.reverses_id, t.way
    from {by_id}
    left join bank_transfers t on t.payment_id = b.id
)"""
_PAYMENTS = """select id from bank_payments
    where state not in ('repeated', 'statement') and currency = :currency {which}"""
_OTHERS = """(
        select amount_ore, value_on, count(*) as number from bank_payments
        where kind = 'debit' and state not in ('repeated', 'statement') and currency = :currency
        group by 1, 2
    ) o"""
_OTHERS_ONE_BY_ONE = """lateral (
        select s.amount_ore, s.value_on, count(*) as number from bank_payments p
        where p.kind = 'debit' and p.state not in ('repeated', 'statement')
            and p.currency = :currency and p.amount_ore = s.amount_ore and p.value_on = s.value_on
        offset 0
    ) o"""
# Of statements nothing else can be in it: debits, with all of the same day and amount, and what is
# noted.
_STATEMENTS_OPEN = f"""
    select b.* from (
        select x.id from (
            select value_on, amount_ore from bank_payments
            where state = 'statement' and kind = 'debit' and currency = :currency
                and cleared_on is null
            union
            select p.value_on, p.amount_ore from also cross join lateral (
                select * from bank_payments b where b.id = also.id offset 0
            ) p where p.state = 'statement'
        ) d cross join lateral (
            select id from bank_payments p
            where p.kind = 'debit' and p.state = 'statement' and p.value_on = d.value_on
                and p.amount_ore = d.amount_ore offset 0
        ) x
        union select payment_id from bank_transfers where not is_cleared
        union select t.payment_id from also join bank_transfers t on t.payment_id = also.id
    ) i cross join lateral (
    {FIRST_TOLD.format(which="and b.id = i.id")} offset 0
    ) b"""
# One by one: of how few they are the planner knows nothing.
_ONE_BY_ONE = """told_ids i
    cross join lateral (select * from bank_payments p where p.id = i.id offset 0) b"""
_AT_ONCE = "bank_payments b join told_ids i on i.id = b.id"
TOLD = _TOLD.format(
    statements=FIRST_TOLD.format(which=""), payments=_PAYMENTS.format(which=""), others=_OTHERS,
    of_debits="", of_noted="", by_id=_AT_ONCE,
)  # fmt: skip
# Only what is not cleared, and what the table `also` names.
TOLD_OPEN = _TOLD.format(
    statements=_STATEMENTS_OPEN,
    payments="""select id from open_payments
    union all
    select also.id from also cross join lateral (
        select state from bank_payments p where p.id = also.id offset 0
    ) p where p.state not in ('repeated', 'statement')""",
    others=_OTHERS_ONE_BY_ONE,
    of_debits="and (s.cleared_on is null or s.id in (select id from also))",
    of_noted="where not t.is_cleared or s.id in (select id from also)",
    by_id=_ONE_BY_ONE,
)
# Of the days from :first through :last, whole.
_OF_DAYS = "and value_on between :first and :last"
TOLD_WITHIN = _TOLD.format(
    statements=FIRST_TOLD.format(which=_OF_DAYS), payments=_PAYMENTS.format(which=_OF_DAYS),
    others=_OTHERS, of_debits="", of_noted="", by_id=_AT_ONCE,
)  # fmt: skip
# What the statements tell whose files are not summed up yet, but what others had told.
NEW_IN_STATEMENTS = """
select b.* from bank_files f join bank_payments b on b.file_id = f.id
where not f.is_summed and f.status = 'taken' and b.state = 'statement' and not exists (
    select from bank_payments o join bank_files g on g.id = o.file_id
    where o.state = 'statement' and o.file_id <> b.file_id and (g.is_summed or g.id < f.id)
        and o.account = b.account and o.value_on = b.value_on and o.deposit = b.deposit
        and o.position = b.position and o.amount_ore = b.amount_ore
        and o.currency = b.currency and o.serial = b.serial
)"""
# What is cleared and has to be looked at again, as `also_batches` and `also`: a batch of orders
# that money may have come back of, or a debit may be of that was not paid; one whose debit a
# statement told of, and then another file; and what is noted since to bring what was booked, or
# was noted and is not any more.
# `batches` and `payments` name more.
_OPEN = """
open_payments as materialized (
    select id, kind, currency, amount_ore, value_on from bank_payments
    where state not in ('repeated', 'statement') and currency = :currency and cleared_on is null
        {which}
)"""
_LOOKED_AT_AGAIN = (
    _OPEN.replace("{which}", "")
    + """, also_batches as (
    select o.batch_id as id from open_payments t cross join lateral (
        select batch_id, status from payouts x where x.cleared_on is not null
            and x.currency = t.currency and x.amount_ore = abs(t.amount_ore)
        union all
        select batch_id, status from refunds x where x.cleared_on is not null
            and x.currency = t.currency and x.amount_ore = abs(t.amount_ore)
        union all
        select batch_id, status from own_share_orders x where x.cleared_on is not null
            and x.currency = t.currency and x.amount_ore = abs(t.amount_ore)
    ) o
    where t.kind = 'returned' or t.kind = 'debit' and o.status <> 'settled'
    union
    select s.cleared_batch_id from open_payments d cross join lateral (
        select cleared_batch_id from bank_payments x
        where x.kind = 'debit' and x.value_on = d.value_on and x.amount_ore = d.amount_ore
            and x.state = 'statement' and x.cleared_on is not null
            and x.cleared_batch_id is not null offset 0
    ) s
    where d.kind = 'debit'
    union
    select b.cleared_batch_id from bank_transfers t join bank_payments b on b.id = t.payment_id
    where not t.is_cleared and b.currency = :currency and b.cleared_on is not null
        and b.cleared_batch_id is not null
    {batches}
), also as (
    select b.id from bank_transfers t join bank_payments b on b.id = t.payment_id
    where not t.is_cleared and b.currency = :currency and b.cleared_on is not null
    union
    select b.id from undone_transfers t join bank_payments b on b.id = t.payment_id
    where t.is_cleared and b.currency = :currency and b.cleared_on is not null
    union
    select b.id from also_batches a cross join lateral (
        select id from bank_payments x where x.cleared_batch_id = a.id
            and x.currency = :currency and x.cleared_on is not null offset 0
    ) b
    union
    select b.id from also_batches a cross join lateral (
        select payment_id from refunds x
        where x.batch_id = a.id and x.creditor_id is null and x.currency = :currency offset 0
    ) f cross join lateral (
        select id from bank_payments x where x.id = f.payment_id and x.cleared_on is not null
        offset 0
    ) b
    {payments}
)"""
)
AGAIN = _LOOKED_AT_AGAIN.format(batches="", payments="")
# And all of the days from :first through :last.
_WITHIN = "currency = :currency and value_on between :first and :last and cleared_on is not null"
AGAIN_WITHIN = _LOOKED_AT_AGAIN.format(
    batches=f"""
    union
    select cleared_batch_id from bank_payments where {_WITHIN} and cleared_batch_id is not null""",
    payments=f"""
    union
    select id from bank_payments where {_WITHIN} and cleared_as is distinct from ''""",
)
# Nothing that is cleared, and only what orders may have at the bank.
NOTHING_AGAIN = (
    _OPEN.format(which="and kind in ('debit', 'returned')")
    + """,
also_batches as (select id from payout_batches where false),
also as (select id from bank_payments where false)"""
)


def again(newly: str, *, of_day: bool = False) -> str:
    """The same with what was posted of since. newly: a table of that, as of `moved`.

    of_day: also what bank and books have on different days, one by :last and the other later.
    """
    batches = f"""
    union
    select o.batch_id from {newly} n cross join lateral (
        select batch_id from payouts x
        where n.order_kind = 'payout' and x.key = n.order_key and x.cleared_on is not null
        union all
        select batch_id from refunds x
        where n.order_kind = 'refund' and x.key = n.order_key and x.cleared_on is not null
        union all
        select batch_id from own_share_orders x
        where n.order_kind = 'own share' and x.key = n.order_key and x.cleared_on is not null
    ) o where n.order_kind is not null"""
    payments = f"""
    union
    select b.id from {newly} n cross join lateral (
        select id, cleared_on from bank_payments p where p.id = n.bank_id offset 0
    ) b where b.cleared_on is not null"""
    between = """cleared_on > :last and cleared_from < cleared_on and cleared_from <= :last
        and currency = :currency"""
    if of_day:
        batches += "".join(
            f" union select batch_id from {one} where {between}"
            for one in ("payouts", "refunds", "own_share_orders")
        )
        payments += f" union select id from bank_payments where {between}"
    return _LOOKED_AT_AGAIN.format(batches=batches, payments=payments)


# What we have ordered, and the debit that names it or its file and has its sum.
_EACH_ORDER = """
    select 'payout' as kind, id, key, batch_id, amount_ore, status, released_on, ended_on
    from payouts
    where released_on is not null and amount_ore > 0 and currency = :currency {which}
    union all
    select 'own share', id, key, batch_id, amount_ore, status, released_on, ended_on
    from own_share_orders
    where released_on is not null and currency = :currency {which}
    union all
    select 'refund', id, key, batch_id, amount_ore, status, released_on, ended_on from refunds
    where released_on is not null and way = 'bank' and currency = :currency {which}"""
_ORDERS = """
orders as (
{orders}
), debits as (
    select id, value_on, amount_ore, concat_ws(' ', text, serial, end_to_end_id,
        array_to_string(reference_numbers, ' ')) as words
    from told where kind = 'debit' and way is null
), returned as (
    -- What the bank had paid and has got back: it names the order, or a person has said so.
    select distinct on (t.id) o.kind, o.id, t.id as debit_id, t.value_on, t.amount_ore as ore
    from orders o join told t on t.kind = 'returned' and t.way is null
        and t.amount_ore = o.amount_ore
    cross join lateral (
        select strpos(concat_ws(' ', t.text, t.serial, t.end_to_end_id,
            array_to_string(t.reference_numbers, ' ')), o.key) > 0 as is_named
    ) n
    where n.is_named or t.state = 'settled' and o.status in ('rejected', 'failed', 'withdrawn')
        and o.ended_on = t.value_on
    order by t.id, n.is_named desc, o.id
), in_file as (
    -- What the bank refused is not in the file's sum, unless it took that first.
    select o.*, n.way from orders o cross join (values (1), (2), (3)) n(way)
    where o.status not in ('rejected', 'failed', 'withdrawn') or n.way = 3 or n.way = 2
        and exists (select from returned r where r.kind = o.kind and r.id = o.id)
), debited as (
    select distinct on (kind, id) kind, id, debit_id, value_on, ore from (
        select o.kind, o.id, d.id as debit_id, d.value_on, -o.amount_ore as ore
        from orders o join debits d on -d.amount_ore = o.amount_ore and strpos(d.words, o.key) > 0
        union all
        select o.kind, o.id, d.id, d.value_on, -o.amount_ore
        from (
            select b.key, i.batch_id, i.way, sum(i.amount_ore) as ore
            from in_file i join payout_batches b on b.id = i.batch_id
            group by b.key, i.batch_id, i.way
        ) f
        join debits d on -d.amount_ore = f.ore and strpos(d.words, f.key) > 0
        join in_file o on o.batch_id = f.batch_id and o.way = f.way
    ) x order by kind, id, debit_id
), at_bank as (
    select * from debited union all select * from returned
)"""
ORDERS = _ORDERS.format(orders=_EACH_ORDER.format(which=""))
# Only what is not cleared, and what is of the table `also_batches`.
ORDERS_OPEN = _ORDERS.format(
    orders=_EACH_ORDER.format(which="and cleared_on is null")
    + " union all "
    + _EACH_ORDER.format(
        which="and cleared_on is not null and batch_id in (select id from also_batches)"
    )
)
# The entries that orders are paid by, and come back by.
ENTRIES_OF_ORDERS = """
    select e.id from (
        select concat(o.kind, ':', o.key, n.ending) as key
        from orders o cross join (values ('\\:settled'), ('\\:returned')) n(ending)
        where o.kind <> 'own share'
        union all
        select concat('own share:', o.key, n.ending, ':', c.value ->> 0)
        from orders o join own_share_orders s on s.id = o.id
        cross join (values ('\\:settled'), ('\\:returned')) n(ending)
        cross join lateral jsonb_array_elements(s.shares) c
        where o.kind = 'own share'
    ) k cross join lateral (
        select id from ledger_entries x where x.idempotency_key = k.key offset 0
    ) e"""
_MONEY = """
    select entry_id, sum(amount_ore)::bigint as ore, min(posted_on) as posted_on
    from ledger_lines
    where account in ('client_funds', 'covered') and currency = :currency {which}
    group by entry_id having sum(amount_ore) <> 0"""
_MONEY_OF = """
    select i.id as entry_id, l.ore, l.posted_on from ({ids}) i cross join lateral (
        select sum(amount_ore)::bigint as ore, min(posted_on) as posted_on from ledger_lines
        where entry_id = i.id and account in ('client_funds', 'covered') and currency = :currency
        having sum(amount_ore) <> 0
    ) l"""
_OF_WHAT = """
    from {name}_money m join ledger_entries e on e.id = m.entry_id
    cross join lateral (
        select substr(e.idempotency_key, case
            when e.idempotency_key like 'payment:%' then 9
            when e.idempotency_key like 'taken back:%' then 12
            when e.idempotency_key like 'returned by bank:%' then 18 end) as key
    ) n
    left join bank_shares of_case on of_case.key = n.key
    left join statement_payments of_statement on of_statement.key = n.key
    cross join lateral (
        select coalesce(of_case.payment_id, of_statement.payment_id) as payment_id
    ) s
    left join refunds f on e.kind like 'refund.%'
        and f.key = split_part(e.idempotency_key, ':', 2)
    left join bank_payments r on r.reverses_id = s.payment_id
        and e.idempotency_key like 'returned by bank:%'"""
_OF_WHAT_ONE_BY_ONE = """
    from {name}_money m
    cross join lateral (select * from ledger_entries x where x.id = m.entry_id offset 0) e
    left join lateral (
        select substr(e.idempotency_key, case
            when e.idempotency_key like 'payment:%' then 9
            when e.idempotency_key like 'taken back:%' then 12
            when e.idempotency_key like 'returned by bank:%' then 18 end) as key
    ) n on true
    left join lateral (
        select payment_id from bank_shares x where x.key = n.key
        union all select payment_id from statement_payments x where x.key = n.key
    ) s on true
    left join refunds f on e.kind like 'refund.%'
        and f.key = split_part(e.idempotency_key, ':', 2)
    left join lateral (
        select id from bank_payments x where x.reverses_id = s.payment_id offset 0
    ) r on e.idempotency_key like 'returned by bank:%'"""
_MOVED = """
{name}_money as (
{money}
), {name} as (
    select m.entry_id, m.ore, m.posted_on, e.kind, e.case_id, e.idempotency_key as key,
        case when e.idempotency_key like 'own money:%'
                then split_part(e.idempotency_key, ':', 2)::bigint
            when e.idempotency_key like 'returned by bank:%' then r.id
            else s.payment_id end as bank_id,
        case when e.kind like 'payout.%' then 'payout'
            when f.way = 'bank' then 'refund'
            when e.kind like 'own\\_share.%' then 'own share' end as order_kind,
        split_part(e.idempotency_key, ':', 2) as order_key,
        case when e.kind in ('payment.swish', 'payment.card', 'payment.account')
                then split_part(e.kind, '.', 2)
            when e.kind in (
                'payment.taken_back', 'payment.returned_by_bank', 'payment.came_again'
            ) and split_part(e.idempotency_key, ':', 2) in ('swish', 'card', 'account')
                then split_part(e.idempotency_key, ':', 2)
            when f.way <> 'bank' then f.way end as way
    {of_what}
)"""
# What moved it, of `MOVES`.
MOVE_IN_BOOKS = """
case when kind in ('payment.taken_back', 'payment.returned_by_bank') then 'taken back'
    when kind like 'refund.%' then 'refund'
    when way is not null then way
    when kind like 'payment.%' and bank_id is not null then 'bankgiro'
    when order_kind is not null then order_kind
    when key like 'own money:%' then 'own money'
    else 'other' end"""
MOVE_AT_BANK = """
case when t.way = 'own' then 'own money'
    when t.kind in ('reversal', 'deduction') then 'taken back'
    when t.way is not null then t.way
    when t.kind = 'payment' then 'bankgiro'
    else coalesce(d.kind, 'other') end"""
OF_ORDERS = """
left join (select debit_id, min(kind) as kind from at_bank group by debit_id) d
    on d.debit_id = t.id"""


# What of the table `also` is kept as money of a way.
KEPT_OF_WAYS = """
select w.payment_id as id, w.way from also cross join lateral (
    select payment_id, way from bank_transfers x where x.payment_id = also.id and x.is_cleared
    union all
    select payment_id, way from undone_transfers x where x.payment_id = also.id and x.is_cleared
) w"""
# What a bank's payment is kept as once it is cleared; empty what is not told.
CLEARED_AS = (
    "coalesce(b.cleared_as, case when b.kind = 'payment' then 'bankgiro' else 'taken back' end)"
)
# Lines of entries that are not summed up yet.
AFTER_KEPT = "and entry_id > :kept and entry_id <= :new"
# The entries themselves.
NEW_ENTRIES = "select id from ledger_entries where id > :kept and id <= :new"
# Entries of our own money, as the index ix_ledger_entries_own_money.
OF_OWN_MONEY = "kind like 'own\\_money.%'"
# What came to cases and went, on the day that the books have it. Our own money is looked up whole:
# there is little of it.
_CAME = """
posted as not materialized (
    select id, idempotency_key as key, posted_on from ledger_entries {which}
), came as (
    select p.channel as what, p.amount_ore as ore, coalesce(a.posted_on, e.posted_on) as day
    from posted e {payment_9} {again}
    where e.key like 'payment:%' and p.currency = :currency
    union all
    select 'taken back', -p.amount_ore, coalesce(b.posted_on, e.posted_on)
    from posted e {payment_12} {returned}
    where e.key like 'taken back:%' and p.currency = :currency
    union all
    select o.what, n.sign * o.ore, e.posted_on
    from (
        select 'payout' as what, concat('payout:', key) as name, amount_ore as ore from payouts
        where currency = :currency and released_on is not null
        union all
        select 'refund', concat('refund:', key), amount_ore from refunds
        where currency = :currency and creditor_id is not null
    ) o cross join (values ('\\:settled', -1), ('\\:returned', 1)) n(ending, sign)
    join posted e on e.key = o.name || n.ending
    where (e.key like 'payout:%' or e.key like 'refund:%')
    union all
    select o.what, o.sign * o.amount_ore, e.posted_on
    from (
        select s.key, s.amount_ore, n.* from statement_payments s cross join (values
            ('bankgiro', 1, 'payment'), ('taken back', -1, 'taken back'),
            ('taken back', -1, 'returned by bank')) n(what, sign, name)
        where s.currency = :currency
    ) o join posted e on e.key = concat(o.name, ':', o.key)
    union all
    select 'own share', o.sign * o.amount_ore, e.posted_on
    from (
        select key, amount_ore, shares -> 0 ->> 0 as creditor_id, n.what, n.sign
        from own_share_orders cross join (values ('settled', -1), ('returned', 1)) n(what, sign)
        where currency = :currency
    ) o join posted e
        on e.key = concat('own share:', o.key, ':', o.what, ':', o.creditor_id)
    {and_whole}
)"""
# That there is none the check of each night tells.
_NOT_POSTED = """union all
    select p.channel, p.amount_ore, p.value_on from payments p
    where p.currency = :currency and not exists (
        select from ledger_entries e where e.idempotency_key = 'payment:' || p.channel_reference
    )"""
OWN_MONEY = """
select 'own money' as what, b.amount_ore as ore, e.posted_on as day
from bank_transfers t join bank_payments b on b.id = t.payment_id
join lateral (
    select min(posted_on) as posted_on from creditors c join ledger_entries
        on idempotency_key = 'own money:' || b.id || ':' || c.id
) e on true
where t.way = 'own' and b.currency = :currency"""

_RETURNED = "b.idempotency_key = 'returned by bank:' || p.channel_reference"
_AGAIN = "a.idempotency_key = 'came again:' || p.channel_reference"
CAME = _CAME.format(
    which="",
    and_whole=_NOT_POSTED,
    payment_9="join payments p on p.channel_reference = substr(e.key, 9)",
    payment_12="join payments p on p.channel_reference = substr(e.key, 12)",
    returned=f"left join ledger_entries b on {_RETURNED}",
    again=f"left join ledger_entries a on {_AGAIN}",
)
_PAYMENT = (
    "cross join lateral (select * from payments x"
    " where x.channel_reference = substr(e.key, {}) offset 0) p"
)
# Of entries after :kept, through :new. What should be posted and is not, it does not see.
CAME_BETWEEN = _CAME.format(
    which="where id > :kept and id <= :new",
    and_whole="",
    payment_9=_PAYMENT.format(9),
    payment_12=_PAYMENT.format(12),
    returned=f"left join lateral (select * from ledger_entries b where {_RETURNED} offset 0) b"
    " on true",
    again=f"left join lateral (select * from ledger_entries a where {_AGAIN} offset 0) a on true",
)


def moved(which: str = "") -> str:
    """Each entry that moved money on the client account, and what it belongs to.

    which: a condition on its lines.
    """
    return _MOVED.format(
        name="moved", money=_MONEY.format(which=which), of_what=_OF_WHAT.format(name="moved")
    )


def moved_of(ids: str, name: str = "moved") -> str:
    """The same of a few entries, looked up one by one. ids: a query of their ids, each once."""
    return _MOVED.format(
        name=name, money=_MONEY_OF.format(ids=ids), of_what=_OF_WHAT_ONE_BY_ONE.format(name=name)
    )
