"""Money that moved, at the bank and in the books: parts of the statements that hold them together.

`TOLD`, `ORDERS` (which needs it) and `MOVED` are tables after `with`, of one `:currency`, in öre,
above zero what came in. `MOVE_AT_BANK`, with `OF_ORDERS`, and `MOVE_IN_BOOKS` say what moved it:
one of `reconciling.MOVES`.
"""

# What a bank's file tells, once. Of a statement only what no other file has.
TOLD = """
statement as (
    select b.* from bank_payments b
    where b.state = 'statement' and b.currency = :currency and not exists (
        select from bank_payments o
        where o.state = 'statement' and o.file_id < b.file_id and o.account = b.account
            and o.value_on = b.value_on and o.deposit = b.deposit and o.position = b.position
            and o.amount_ore = b.amount_ore and o.currency = b.currency and o.serial = b.serial
    )
), told_ids as (
    select id from bank_payments
    where state not in ('repeated', 'statement') and currency = :currency
    union all
    select s.id from statement s join bank_transfers t on t.payment_id = s.id
    union all
    select s.id from (
        select *, row_number() over (partition by amount_ore, value_on order by id) as nth
        from statement where kind = 'debit'
            and not exists (select from bank_transfers t where t.payment_id = statement.id)
    ) s
    where s.nth > (
        select count(*) from bank_payments o
        where o.kind = 'debit' and o.state not in ('repeated', 'statement')
            and o.currency = :currency and o.amount_ore = s.amount_ore
            and o.value_on = s.value_on
    )
), told as (
    select b.id, b.account, b.kind, b.amount_ore, b.value_on, b.state, b.text, b.serial,
        b.end_to_end_id, b.reference_numbers, b.payer_name, t.way
    from bank_payments b join told_ids i on i.id = b.id
    left join bank_transfers t on t.payment_id = b.id
)"""
# What we have ordered, and the debit that names it or its file and has its sum.
ORDERS = """
orders as (
    select 'payout' as kind, id, key, batch_id, amount_ore, status, ended_on from payouts
    where released_on is not null and amount_ore > 0 and currency = :currency
    union all
    select 'own share', id, key, batch_id, amount_ore, status, ended_on from own_share_orders
    where released_on is not null and currency = :currency
    union all
    select 'refund', id, key, batch_id, amount_ore, status, ended_on from refunds
    where released_on is not null and way = 'bank' and currency = :currency
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
# Each entry that moved money on the client account, and what it belongs to.
MOVED = """
money as (
    select entry_id, sum(amount_ore)::bigint as ore, min(posted_on) as posted_on
    from ledger_lines
    where account in ('client_funds', 'covered') and currency = :currency
    group by entry_id having sum(amount_ore) <> 0
), moved as (
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
            when e.kind = 'payment.taken_back'
                and split_part(e.idempotency_key, ':', 2) in ('swish', 'card', 'account')
                then split_part(e.idempotency_key, ':', 2)
            when f.way <> 'bank' then f.way end as way
    from money m join ledger_entries e on e.id = m.entry_id
    left join (
        select key, payment_id from bank_shares
        union all select key, payment_id from statement_payments
    ) s on s.key = substr(e.idempotency_key, case
        when e.idempotency_key like 'payment:%' then 9
        when e.idempotency_key like 'taken back:%' then 12
        when e.idempotency_key like 'returned by bank:%' then 18 end)
    left join refunds f on e.kind like 'refund.%'
        and f.key = split_part(e.idempotency_key, ':', 2)
    left join bank_payments r on r.reverses_id = s.payment_id
        and e.idempotency_key like 'returned by bank:%'
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
case when t.way = 'own' then 'own money' when t.way is not null then t.way
    when t.kind = 'payment' then 'bankgiro'
    when t.kind in ('reversal', 'deduction') then 'taken back'
    else coalesce(d.kind, 'other') end"""
OF_ORDERS = """
left join (select distinct on (debit_id) debit_id, kind from at_bank order by debit_id) d
    on d.debit_id = t.id"""
