"""A payout's remittance statement: what it is made of, case by case; together what was paid.

Inkassolagen (1974:182) § 10: what a collector takes in for others is accounted for without delay.
What the bank refused once and a later payout holds again is told as what it was made of the first
time, so that a payout's statement is whole in itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from flask_babel import gettext
from sqlalchemy import select, text

from portal.extensions import db
from portal.messages import N_
from portal.payments import payouts
from portal.payments.models import Payout
from portal.reporting import names, reports
from portal.reporting.tables import DAY, MONEY, Column, Report, Row, Table, Text

# The payout with those before it whose refusal by the bank it makes good, and all their lines, each
# with what its entry paid. A credit lies below zero in the books, and is above zero here.
_LINES = """
with recursive part as (
    select p.id from payouts p where p.id = :payout_id
    union
    select earlier.id
    from part
    join payout_lines l on l.payout_id = part.id and l.kind = 'payout.rejected'
    join ledger_lines m on m.id = l.line_id
    join ledger_entries e on e.id = m.entry_id
    join payouts earlier on earlier.key = split_part(e.idempotency_key, ':', 2)
), line as (
    select l.case_id, l.booked_on, l.kind, l.amount_ore as total,
        l.account = 'owed_by_creditor' as is_set_off,
        case when l.account = 'owed_to_creditor' then of_entry.principal else 0 end as principal,
        case when l.account = 'owed_to_creditor' then of_entry.interest else 0 end as interest,
        case when l.account = 'owed_to_creditor'
            then l.amount_ore - of_entry.principal - of_entry.interest else 0 end as other,
        case when l.account = 'owed_by_creditor' then l.amount_ore - of_entry.vat else 0 end
            as set_off,
        case when l.account = 'owed_by_creditor' then of_entry.vat else 0 end as vat
    from part
    join payout_lines l on l.payout_id = part.id and l.kind <> 'payout.rejected'
    join ledger_lines m on m.id = l.line_id
    cross join lateral (
        select coalesce(-sum(amount_ore) filter (where account = 'principal'), 0) as principal,
            coalesce(-sum(amount_ore) filter (where account = 'interest'), 0) as interest,
            coalesce(sum(amount_ore) filter (where account = 'vat_owed'), 0) as vat
        from ledger_lines where entry_id = m.entry_id
    ) of_entry
)
"""
_SUMS = """
    sum(principal)::bigint as principal, sum(interest)::bigint as interest,
    sum(other)::bigint as other, sum(set_off)::bigint as set_off, sum(vat)::bigint as vat,
    sum(total)::bigint as total
"""
_BY_CASE = text(
    f"""{_LINES}
select c.reference, i.number, d.name, d.customer_number, g.kind, g.booked_on, g.principal,
    g.interest, g.other, g.set_off, g.vat, g.total
from (
    select case_id, is_set_off, booked_on, kind, {_SUMS} from line group by 1, 2, 3, 4
) g
left join cases c on c.id = g.case_id
left join debtors d on d.id = c.debtor_id
left join invoices i on i.id = c.invoice_id
order by g.case_id nulls last, g.is_set_off, g.booked_on, g.kind
limit :most offset :first
"""  # noqa: S608
)
_BY_KIND = text(
    f"{_LINES} select kind, {_SUMS} from line group by kind order by kind"  # noqa: S608
)
_COUNT = text(
    f"""{_LINES}
select count(*) from (select from line group by case_id, is_set_off, booked_on, kind) g
"""  # noqa: S608
)
_EARLIER = text(f"{_LINES} select id from part where id <> :payout_id")  # noqa: S608
_LATER = text(
    """
select l.payout_id from ledger_entries e
join ledger_lines m on m.entry_id = e.id and m.account = 'owed_to_creditor'
join payout_lines l on l.line_id = m.id
where e.creditor_id = :creditor_id and e.kind = 'payout.rejected'
    and split_part(e.idempotency_key, ':', 2) = :key
limit 1
"""
)
COLUMNS = (
    Column(N_("Case")),
    Column(N_("Invoice"), is_under=True),
    Column(N_("Debtor")),
    Column(N_("Customer number"), is_under=True),
    Column(N_("What")),
    Column(N_("Booked on"), DAY, is_under=True),
    Column(N_("Principal"), MONEY, is_summed=True),
    Column(N_("Interest"), MONEY, is_summed=True),
    Column(N_("Anything else"), MONEY, is_summed=True, is_under=True),
    Column(N_("Set off"), MONEY, is_summed=True),
    Column(N_("VAT on what is set off"), MONEY, is_summed=True, is_under=True),
    Column(N_("To you"), MONEY, is_summed=True),
)


@dataclass(frozen=True)
class Part:
    """What a payout has of one kind of entry on one case and day, in öre; without a case, texts
    are None. What is set off, and the VAT on it, lie below zero; all sums make up the total.
    """

    reference: str | None
    invoice_number: str | None
    debtor_name: str | None
    customer_number: str | None
    kind: str
    booked_on: date
    principal_ore: int
    interest_ore: int
    other_ore: int
    set_off_ore: int
    vat_ore: int
    total_ore: int


@dataclass(frozen=True)
class Share:
    """One thing that a payout's sum is made up of. label: marked text, or a kind's own name."""

    label: Text | str
    ore: int


def parts(payout: Payout, first: int = 0, most: int | None = None) -> Iterator[Part]:
    """What a payout is made of, case by case. first: how many are left out before it begins."""
    rows = db.session.execute(
        _BY_CASE,
        {"payout_id": payout.id, "first": first, "most": most},
        execution_options={"yield_per": 1000},
    )
    return (Part(*row) for row in rows)


def count(payout: Payout) -> int:
    """How many parts a payout has."""
    return int(db.session.scalar(_COUNT, {"payout_id": payout.id}) or 0)


def shares(payout: Payout) -> Sequence[Share]:
    """What a payout's sum is made up of: first what was collected, then what is set off."""
    rows = db.session.execute(_BY_KIND, {"payout_id": payout.id}).all()
    found = [
        Share(Text(N_("Principal")), sum(row.principal for row in rows)),
        Share(Text(N_("Interest")), sum(row.interest for row in rows)),
        *(Share(names.entry(row.kind), row.other) for row in rows),
        *(Share(names.entry(row.kind), row.set_off) for row in rows),
        Share(Text(N_("VAT on what is set off")), sum(row.vat for row in rows)),
    ]
    return [one for one in found if one.ore]


def earlier(payout: Payout) -> Sequence[Payout]:
    """The payouts that the bank refused and that this one holds again."""
    ids = db.session.scalars(_EARLIER, {"payout_id": payout.id}).all()
    return db.session.scalars(select(Payout).where(Payout.id.in_(ids)).order_by(Payout.id)).all()


def later(payout: Payout) -> Payout | None:
    """The payout or proposal that holds again what the bank refused of this one."""
    values = {"creditor_id": payout.creditor_id, "key": payout.key}
    found = db.session.scalar(_LATER, values)
    return None if found is None else db.session.get_one(Payout, found)


_STANDS = {
    payouts.RELEASED: N_("It is on its way from the bank."),
    payouts.SETTLED: N_("The bank has paid it."),
    payouts.REJECTED: N_("The bank refused it: nothing was paid, and it is owed again."),
    payouts.OFFSET: N_("All was set off, and nothing was paid."),
}


def build(payout: Payout) -> Report:
    """The statement: what the sum is made up of, and then case by case."""
    return Report(
        "payout",
        N_("Remittance statement"),
        Text(
            N_("Payout of %(day)s to %(account)s, reference %(key)s"),
            {
                "day": payout.released_on,
                "account": payout.account_number or "–",
                "key": payout.key,
            },
        ),
        (
            Text(_STANDS[payout.status]),
            *(
                Text(
                    N_("It holds again what the bank refused in the payout of %(day)s."),
                    {"day": one.released_on},
                )
                for one in earlier(payout)
            ),
            Text(
                N_(
                    "Principal and interest that debtors have paid are yours. Fees that your"
                    " company bears itself and commission are set off. What is left is what is"
                    " paid."
                )
            ),
        ),
        (_makeup(payout), by_case(payout)),
        payout.currency,
    )


def written(
    payout: Payout, extension: str, creditor_name: str, *, language: str, now: datetime
) -> bytes:
    """The statement as a file: pdf, xlsx, or csv, which has the table of cases alone."""
    report = build(payout)
    if extension == "csv":
        report = replace(report, tables=report.tables[1:])
    return reports.write_file(report, extension, creditor_name, language=language, now=now)


def file_name(payout: Payout, extension: str) -> str:
    """What a payout's file is called, in the language now in force."""
    title = gettext("Remittance statement")
    return names.safe(f"{title} {payout.released_on} {payout.key}") + f".{extension}"


def _makeup(payout: Payout) -> Table:
    rows: list[Row] = [[one.label, one.ore] for one in shares(payout)]
    return Table(
        N_("What the sum consists of"),
        (Column(N_("What")), Column(N_("Amount"), MONEY, is_summed=True)),
        rows,
    )


def by_case(payout: Payout) -> Table:
    """The table of cases, whose last row is what is paid; the rows are read as they are told."""
    return Table(N_("Case by case"), COLUMNS, (_told(one) for one in parts(payout)))


def _told(part: Part) -> Row:
    return [
        part.reference,
        part.invoice_number,
        part.debtor_name,
        part.customer_number,
        names.entry(part.kind),
        part.booked_on,
        *(ore or None for ore in (part.principal_ore, part.interest_ore, part.other_ore)),
        *(ore or None for ore in (part.set_off_ore, part.vat_ore)),
        part.total_ore,
    ]
