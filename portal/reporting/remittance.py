"""The remittance statement (redovisning): what came, what it paid, what is owed to the creditor.

Inkassolagen (1974:182) § 10: what a collector takes in for others is accounted for without delay.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from sqlalchemy import text

from portal.extensions import db
from portal.messages import N_
from portal.reporting import names
from portal.reporting.tables import DAY, MONEY, Column, Report, Row, Table, Text, Value

# Each entry that touches what is owed to the creditor, with its lines side by side. A credit lies
# below zero in the books, and is above zero here.
_ROWS = text(
    """
with touched as (
    select distinct entry_id from ledger_lines
    where creditor_id = :creditor_id and account = 'owed_to_creditor' and currency = :currency
        and posted_on between :first and :last
), moved as (
    select l.entry_id, l.case_id, l.posted_on,
        coalesce(sum(l.amount_ore) filter (
            where l.account in ('client_funds', 'unmatched')), 0) as received,
        coalesce(-sum(l.amount_ore) filter (where l.account = 'fees'), 0) as fees,
        coalesce(-sum(l.amount_ore) filter (where l.account = 'over_payment'), 0) as too_much,
        coalesce(-sum(l.amount_ore) filter (where l.account = 'principal'), 0) as principal,
        coalesce(-sum(l.amount_ore) filter (where l.account = 'interest'), 0) as interest,
        coalesce(-sum(l.amount_ore) filter (where l.account = 'owed_to_creditor'), 0) as owed
    from ledger_lines l join touched t on t.entry_id = l.entry_id
    group by l.entry_id, l.case_id, l.posted_on
), opening as (
    select coalesce(-sum(amount_ore), 0)::bigint as ore from ledger_lines
    where creditor_id = :creditor_id and account = 'owed_to_creditor' and currency = :currency
        and posted_on < :first
)
select o.ore as opening, m.posted_on, e.kind, p.receipt_number, c.reference, i.number, d.name,
    d.customer_number, m.received::bigint, m.fees::bigint, m.too_much::bigint, m.principal::bigint,
    m.interest::bigint, m.owed::bigint,
    (o.ore + sum(m.owed) over (order by m.posted_on, m.entry_id))::bigint as balance
from opening o
left join moved m on true
left join ledger_entries e on e.id = m.entry_id
left join cases c on c.id = m.case_id
left join debtors d on d.id = c.debtor_id
left join invoices i on i.id = c.invoice_id
left join payments p on p.case_id = m.case_id
    and e.idempotency_key = 'payment:' || p.channel_reference
order by m.posted_on, m.entry_id
"""
)
_SIZE = text(
    "select count(*) from ledger_lines where creditor_id = :creditor_id"
    " and account = 'owed_to_creditor' and currency = :currency"
    " and posted_on between :first and :last"
)
COLUMNS = (
    Column(N_("Booked on"), DAY),
    Column(N_("What")),
    Column(N_("Receipt"), is_under=True),
    Column(N_("Case")),
    Column(N_("Invoice"), is_under=True),
    Column(N_("Debtor")),
    Column(N_("Customer number"), is_under=True),
    Column(N_("Received"), MONEY, is_summed=True),
    Column(N_("Fees, which stay with the service"), MONEY, is_summed=True),
    Column(N_("Paid too much, which goes back"), MONEY, is_summed=True, is_under=True),
    Column(N_("Principal"), MONEY, is_summed=True),
    Column(N_("Interest"), MONEY, is_summed=True, is_under=True),
    Column(N_("To you"), MONEY, is_summed=True),
    Column(N_("Owed to you afterwards"), MONEY),
)
_COUNT_OF_TEXTS = 7


def _values(creditor_id: int, chosen: Mapping[str, str]) -> dict[str, object]:
    return {
        "creditor_id": creditor_id,
        "currency": chosen["currency"],
        "first": date.fromisoformat(chosen["from"]),
        "last": date.fromisoformat(chosen["to"]),
    }


def size(creditor_id: int, chosen: Mapping[str, str]) -> int:
    """How many rows the statement has."""
    return int(db.session.scalar(_SIZE, _values(creditor_id, chosen)) or 0)


def build(creditor_id: int, chosen: Mapping[str, str]) -> Report:
    """The statement of a period: opening balance, each entry, closing balance.

    chosen: `from`, `to`, `currency`. Its sums are the ledger's account of what is owed.
    """
    table = Table(
        N_("Account of what is owed to you"), COLUMNS, (), empty=N_("Nothing was booked.")
    )
    table.rows = _rows(table, creditor_id, chosen)
    first, last = date.fromisoformat(chosen["from"]), date.fromisoformat(chosen["to"])
    return Report(
        "remittance",
        N_("Remittance statement"),
        Text(N_("%(first)s to %(last)s"), {"first": first, "last": last}),
        (
            Text(
                N_(
                    "Each row is an entry in the books that changed what is owed to you, on the day"
                    " that the money counts from, or on the first open day when that month was"
                    " closed already. Principal and interest are yours; fees stay with"
                    " the service. The closing balance is what the books say is owed to you at the"
                    " end of the last day."
                )
            ),
        ),
        (table,),
        chosen["currency"],
    )


def _rows(table: Table, creditor_id: int, chosen: Mapping[str, str]) -> Iterator[Row]:
    rows = db.session.execute(
        _ROWS, _values(creditor_id, chosen), execution_options={"yield_per": 1000}
    )
    closing = 0
    nothing: list[Value] = [None] * (len(COLUMNS) - 3)
    for place, row in enumerate(rows):
        opening, booked_on, kind, *texts_and_sums = row
        if place == 0:
            closing = opening
            first = date.fromisoformat(chosen["from"])
            yield [first, Text(N_("Opening balance")), *nothing, opening]
        if booked_on is not None:
            closing = texts_and_sums[-1]
            yield [booked_on, names.entry(kind), *texts_and_sums]
    sums: list[Value] = [table.sums[place] for place in range(_COUNT_OF_TEXTS, len(COLUMNS) - 1)]
    last = date.fromisoformat(chosen["to"])
    texts: list[Value] = [None] * (_COUNT_OF_TEXTS - 2)
    table.total = [last, Text(N_("Closing balance")), *texts, *sums, closing]
