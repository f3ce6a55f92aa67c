"""Payment behaviour by customers' size and class, per half-year, for invoices that came to us.

The words are those of lagen (2022:70) om rapportering av betalningstider § 2 and § 4, and of
förordningen (2022:139) § 5: agreed time as on the invoice, actual time from the invoice until the
supplier is paid, each average the days of all invoices divided by their number, in groups of 0–9,
10–49 and 50–249 employees. The act itself asks large companies how they pay their own suppliers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import text

from portal.extensions import db
from portal.messages import N_
from portal.reporting.tables import (
    COUNT,
    DECIMAL,
    MONEY,
    PERCENT,
    Column,
    Report,
    Row,
    Table,
    Text,
    Value,
)

_GROUPS: Mapping[str, str] = {
    "0-9": N_("0–9 employees"),
    "10-49": N_("10–49 employees"),
    "50-249": N_("50–249 employees"),
    "250+": N_("250 employees or more"),
    "unknown": N_("Businesses of unknown size"),
    "consumer": N_("Consumers"),
}
_LATE_BY = 30
# Of each invoice whose principal was paid in the period, when, and what it was. An invoice is paid
# when nothing is left of its principal and the last that took of it was a payment, or a small rest
# let go after one.
_PAID = """
with principal as (
    select l.case_id, sum(l.amount_ore) as left_ore,
        max(l.booked_on) filter (where l.amount_ore < 0 and e.kind like 'payment.%') as paid_on,
        (array_agg(e.kind order by l.entry_id desc) filter (where l.amount_ore < 0))[1] as last_kind
    from ledger_lines l join ledger_entries e on e.id = l.entry_id
    where l.creditor_id = :creditor_id and l.account = 'principal' and l.currency = :currency
        and l.booked_on <= :last
    group by l.case_id
), paid as (
    select p.paid_on, i.issued_on, c.due_on, i.amount_ore, {group} as size,
        coalesce(d.customer_class, '') as class
    from principal p
    join cases c on c.id = p.case_id
    join invoices i on i.id = c.invoice_id
    join debtors d on d.id = c.debtor_id
    where p.left_ore = 0 and p.paid_on between :first and :last
        and (p.last_kind like 'payment.%' or p.last_kind = 'rest.written_off')
)
select extract(year from paid_on)::int as year, (extract(month from paid_on) > 6)::int + 1 as half,
    grouping(size) = 0 as is_by_size, coalesce(size, class) as "group", count(*) as invoices,
    sum(amount_ore)::bigint as ore, count(issued_on) as dated,
    coalesce(sum(due_on - issued_on), 0)::bigint as agreed_days,
    coalesce(sum(paid_on - issued_on), 0)::bigint as actual_days,
    count(*) filter (where paid_on > due_on) as late,
    count(*) filter (where paid_on > due_on + :late_by) as very_late
from paid group by grouping sets ((1, 2, size), (1, 2, class)) order by 1, 2
"""
_UNPAID = """
select {group} as "group", count(*), sum(b.ore)::bigint, count(i.issued_on),
    coalesce(sum(cast(:last as date) - i.issued_on), 0)::bigint
from (
    select case_id, sum(amount_ore) as ore from ledger_lines
    where creditor_id = :creditor_id and account = 'principal' and currency = :currency
        and booked_on <= :last
    group by case_id having sum(amount_ore) > 0
) b
join cases c on c.id = b.case_id
join invoices i on i.id = c.invoice_id
join debtors d on d.id = c.debtor_id
group by 1
"""
_GROUP_OF = "case when d.kind = 'person' then 'consumer' else coalesce(d.size_class, 'unknown') end"
_SIZE = text("select count(*) from cases where creditor_id = :creditor_id and opened_on <= :last")
_MEASURES = (
    Column(N_("Invoices paid"), COUNT, is_summed=True),
    Column(N_("Their amount"), MONEY, is_summed=True),
    Column(N_("Agreed days, on average"), DECIMAL),
    Column(N_("Actual days, on average"), DECIMAL),
    Column(N_("Paid late"), COUNT, is_summed=True),
    Column(N_("Share paid late"), PERCENT),
    Column(N_("Share paid more than 30 days late"), PERCENT),
    Column(N_("Without an invoice date"), COUNT, is_summed=True),
)
BY_SIZE = (Column(N_("Half-year")), Column(N_("Size of the customer")), *_MEASURES)
BY_CLASS = (Column(N_("Half-year")), Column(N_("Customer class")), *_MEASURES)
UNPAID = (
    Column(N_("Size of the customer")),
    Column(N_("Invoices not paid"), COUNT, is_summed=True),
    Column(N_("Left of them"), MONEY, is_summed=True),
    Column(N_("Days since the invoice, on average"), DECIMAL),
)


@dataclass
class _Sums:
    """Of some invoices: how many and what for, and their days all together."""

    invoices: int = 0
    ore: int = 0
    dated: int = 0
    agreed_days: int = 0
    actual_days: int = 0
    late: int = 0
    very_late: int = 0

    def add(self, row: Any) -> None:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(row, name))

    def told(self) -> list[Value]:
        return [
            self.invoices, self.ore, _average(self.agreed_days, self.dated),
            _average(self.actual_days, self.dated), self.late,
            _share(self.late, self.invoices), _share(self.very_late, self.invoices),
            self.invoices - self.dated,
        ]  # fmt: skip


@dataclass
class _Found:
    """The rows of both tables, and their totals."""

    by_size: list[Row] = field(default_factory=list)
    by_class: list[Row] = field(default_factory=list)
    total: _Sums = field(default_factory=_Sums)


def _average(days: int, count: int) -> Decimal | None:
    return _rounded(Decimal(days) / count) if count else None


def _share(part: int, whole: int) -> Decimal | None:
    return _rounded(Decimal(100 * part) / whole) if whole else None


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"), ROUND_HALF_UP)


def size(creditor_id: int, chosen: Mapping[str, str]) -> int:
    """How many cases it looks at."""
    values = {"creditor_id": creditor_id, "last": date.fromisoformat(chosen["to"])}
    return int(db.session.scalar(_SIZE, values) or 0)


def build(creditor_id: int, chosen: Mapping[str, str]) -> Report:
    """How customers paid in a period. chosen: `from`, `to`, `currency`."""
    first, last = date.fromisoformat(chosen["from"]), date.fromisoformat(chosen["to"])
    values = {"creditor_id": creditor_id, "currency": chosen["currency"], "first": first,
              "last": last, "late_by": _LATE_BY}  # fmt: skip
    found = _found(values)
    total: list[Value] | None = None
    if found.total.invoices:
        total = [Text(N_("In all")), None, *found.total.told()]
    empty = N_("No invoice was paid.")
    return Report(
        "payment-times",
        N_("Payment behaviour"),
        Text(N_("Invoices paid %(first)s to %(last)s"), {"first": first, "last": last}),
        _NOTES,
        (
            Table(N_("By the customer’s size"), BY_SIZE, found.by_size, total, empty),
            Table(N_("By customer class"), BY_CLASS, found.by_class, total, empty),
            _unpaid(values),
        ),
        chosen["currency"],
    )


_NOTES: Sequence[Text] = (
    Text(
        N_(
            "It rests on the invoices that came to Reda because they were overdue, and of which"
            " nothing was left to pay in the period: paid through us, or to you directly as far as"
            " we have been told. Invoices that were paid in time never came here. So it tells how"
            " late payers pay, and not how all of your customers do; the share paid late is of"
            " these invoices alone."
        )
    ),
    Text(
        N_(
            "Agreed days are from the invoice date to the due date, actual days from the invoice"
            " date to the day that the last of the principal counts from. An average is the days of"
            " all invoices divided by their number (lag 2022:70 § 2, förordning 2022:139 § 5)."
            " Invoices without an invoice date are counted, but are in no average."
        )
    ),
    Text(
        N_(
            "The act (lag 2022:70) asks companies with at least 250 employees how they pay their"
            " own suppliers, for July to June. This is the other side, what your customers paid"
            " you, and does not take the place of a report to Bolagsverket."
        )
    ),
    Text(
        N_(
            "A business customer’s size is what you have told us; customers whose size you have not"
            " told stand as unknown."
        )
    ),
)


def _found(values: Mapping[str, object]) -> _Found:
    found = _Found()
    rows = db.session.execute(text(_PAID.format(group=_GROUP_OF)), values).all()
    order = list(_GROUPS)
    for row in sorted(rows, key=lambda one: (one.year, one.half, _place(order, one.group))):
        sums = _Sums()
        sums.add(row)
        half = _half(row.year, row.half)
        if row.is_by_size:
            found.total.add(row)
            found.by_size.append([half, Text(_GROUPS[row.group]), *sums.told()])
        else:
            name: Value = row.group or Text(N_("No class"))
            found.by_class.append([half, name, *sums.told()])
    return found


def _place(order: Sequence[str], group: str) -> tuple[int, str]:
    return (order.index(group), "") if group in order else (len(order), group)


def _half(year: int, half: int) -> Text:
    first, second = N_("First half of %(year)s"), N_("Second half of %(year)s")
    return Text(first if half == 1 else second, {"year": str(year)})


def _unpaid(values: Mapping[str, object]) -> Table:
    order = list(_GROUPS)
    rows = db.session.execute(text(_UNPAID.format(group=_GROUP_OF)), values).all()
    rows = sorted(rows, key=lambda one: order.index(one[0]))
    counted, ore, dated, days = (sum(row[place] for row in rows) for place in range(1, 5))
    total: list[Value] | None = None
    if counted:
        total = [Text(N_("In all")), counted, ore, _average(days, dated)]
    return Table(
        N_("Not paid at the end of the last day"),
        UNPAID,
        _told_unpaid(rows),
        total,
        N_("Every invoice was paid."),
    )


def _told_unpaid(rows: Sequence[Any]) -> Iterator[Row]:
    for group, counted, ore, dated, days in rows:
        yield [Text(_GROUPS[group]), counted, ore, _average(days, dated)]
