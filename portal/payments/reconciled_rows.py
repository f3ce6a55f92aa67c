"""The rows that a sum of a reconciliation is made of, down to the payment and the entry."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from portal.extensions import db
from portal.payments.moved_money import (
    AGAIN_WITHIN,
    MOVE_AT_BANK,
    MOVE_IN_BOOKS,
    OF_ORDERS,
    ORDERS_OPEN,
    TOLD_OPEN,
    moved_of,
)

BANK, BOOKS, CASES = "bank", "books", "cases"
SIDES = (BANK, BOOKS, CASES)


@dataclass(frozen=True)
class MoneyRow:
    """Money that moved, in öre. id: of the bank's payment, the entry or the receipt's payment.

    what: its payer, or the entry's kind, or the receipt's number. case_id: None for what is of no
    case.
    """

    id: int
    on: date
    ore: int
    what: str
    case_id: int | None
    company: str | None


@dataclass(frozen=True)
class EntryLine:
    """A line of an entry, in öre."""

    account: str
    ore: int
    currency: str


@dataclass(frozen=True)
class WholeEntry:
    """An entry with all its lines. payment_id: the bank's payment that it is of, if any."""

    id: int
    kind: str
    company: str
    case_id: int | None
    booked_on: date
    posted_on: date
    lines: tuple[EntryLine, ...]
    payment_id: int | None


_WITHIN = """
select entry_id as id from ledger_lines
where account in ('client_funds', 'covered') and posted_on between :first and :last
group by entry_id"""
_QUERIES = {
    BANK: text(
        f"""
with {AGAIN_WITHIN}, {TOLD_OPEN}, {ORDERS_OPEN}
select t.id, t.value_on, t.amount_ore, coalesce(nullif(t.payer_name, ''), t.text), null, null
from told t {OF_ORDERS}
where t.value_on between :first and :last and {MOVE_AT_BANK} = :what and t.id > :after
order by t.id limit :most
"""
    ),
    BOOKS: text(
        f"""
with {moved_of(_WITHIN)}
select m.entry_id, m.posted_on, m.ore, m.kind, m.case_id, c.name
from moved m join ledger_entries e on e.id = m.entry_id join creditors c on c.id = e.creditor_id
where m.entry_id > :after
    and m.entry_id in (select entry_id from moved where {MOVE_IN_BOOKS} = :what)
order by m.entry_id limit :most
"""
    ),
    CASES: text(
        """
select p.id, e.posted_on, p.amount_ore, p.receipt_number, p.case_id, c.name
from ledger_entries e cross join lateral (
    select * from payments x where x.channel_reference = substr(e.idempotency_key, 9) offset 0
) p
join creditors c on c.id = p.creditor_id
where e.idempotency_key like 'payment:%' and e.posted_on between :first and :last
    and p.currency = :currency and p.channel = :what and p.id > :after
union all
-- After all receipts: what companies have paid in themselves.
select r.id, e.posted_on, r.amount_ore, r.number, null, c.name
from (
    select s.id + 4503599627370496 as id, s.amount_ore, t.number::text, s.creditor_id, s.key
    from statement_payments s join service_statements t on t.key = s.statement_key
    where s.currency = :currency and :what = 'bankgiro'
) r join creditors c on c.id = r.creditor_id
join ledger_entries e on e.idempotency_key = 'payment:' || r.key
where r.id > :after and e.posted_on between :first and :last
order by id limit :most
"""
    ),
}


def rows(
    side: str,
    what: str,
    first: date,
    last: date,
    currency: str,
    *,
    after: int = 0,
    limit: int = 100,
) -> list[MoneyRow]:
    """Rows of one sum, in the order they came. after: id of the last one seen."""
    found = db.session.execute(
        _QUERIES[side],
        {
            "what": what, "first": first, "last": last, "currency": currency, "after": after,
            "most": limit,
        },
    )  # fmt: skip
    return [MoneyRow(row[0], row[1], int(row[2]), row[3] or "", row[4], row[5]) for row in found]


_ENTRY = text(
    """
select e.id, e.kind, c.name, e.case_id, e.booked_on, e.posted_on, l.account, l.amount_ore,
    l.currency, s.payment_id
from ledger_entries e join creditors c on c.id = e.creditor_id
join ledger_lines l on l.entry_id = e.id
left join (
    select key, payment_id from bank_shares
    union all select key, payment_id from statement_payments
) s on s.key = regexp_replace(e.idempotency_key, '^[^:]*:', '')
where e.id = :id order by l.id
"""
)


def entry(entry_id: int) -> WholeEntry | None:
    """An entry with its lines, or None."""
    found = db.session.execute(_ENTRY, {"id": entry_id}).all()
    if not found:
        return None
    lines = tuple(EntryLine(row[6], int(row[7]), row[8]) for row in found)
    id_, kind, company, case_id, booked_on, posted_on = found[0][:6]
    return WholeEntry(
        id_, kind, company, case_id, booked_on, posted_on, lines, payment_id=found[0][9]
    )
