"""Open claims on a day (saldolista): what each case or customer owed then, by how late it was.

Principal, fees and booked interest are the ledger's balances at the end of the day; interest that
had run and was not booked yet is told beside them, by the same rules as on a case's page.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise

from sqlalchemy import text

from portal.collection import owed, sets
from portal.extensions import db
from portal.messages import N_
from portal.reporting.tables import COUNT, DAY, MONEY, Column, Report, Row, Table, Text

# Days overdue at the end of the day, up to and including; the last has no end.
AGES = (0, 30, 60, 90, 180, 365)
BY_CASE, BY_CUSTOMER = "case", "customer"
CHOICES = {BY_CASE: N_("Case"), BY_CUSTOMER: N_("Customer")}
_AGES = (
    Column(N_("Not due"), MONEY, is_summed=True),
    Column(N_("1–30 days late"), MONEY, is_summed=True),
    Column(N_("31–60 days"), MONEY, is_summed=True),
    Column(N_("61–90 days"), MONEY, is_summed=True),
    Column(N_("91–180 days"), MONEY, is_summed=True),
    Column(N_("181–365 days"), MONEY, is_summed=True),
    Column(N_("More than a year"), MONEY, is_summed=True),
)
_SUMS = (
    Column(N_("Principal"), MONEY, is_summed=True),
    Column(N_("Interest booked"), MONEY, is_summed=True),
    Column(N_("Interest not yet booked"), MONEY, is_summed=True),
    Column(N_("Fees"), MONEY, is_summed=True),
    Column(N_("Owed in all"), MONEY, is_summed=True),
)
_CASE_COLUMNS = (
    Column(N_("Debtor")),
    Column(N_("Customer number"), is_under=True),
    Column(N_("Case")),
    Column(N_("Invoice"), is_under=True),
    Column(N_("Invoice date"), DAY),
    Column(N_("Due"), DAY, is_under=True),
    Column(N_("Days late"), COUNT),
    *_SUMS,
    *_AGES,
)
_CUSTOMER_COLUMNS = (
    Column(N_("Debtor")),
    Column(N_("Customer number"), is_under=True),
    Column(N_("Cases"), COUNT, is_summed=True),
    *_SUMS,
    *_AGES,
)
# What was owed on each case that still owed something.
_STANDING = """
standing as (
    select c.id, c.debtor_id, c.invoice_id, c.reference, c.due_on,
        greatest(0, cast(:on as date) - c.due_on) as days_late, o.principal_ore,
        o.booked_interest_ore, coalesce(o.interest_ore, o.booked_interest_ore)
        - o.booked_interest_ore as running_ore, o.fees_ore, o.principal_ore + o.fees_ore
        + coalesce(o.interest_ore, o.booked_interest_ore) as total_ore
    from ({owed}) o join cases c on c.id = o.case_id
    where c.currency = :currency
), aged as (
    select s.*, {ages} from standing s where s.total_ore <> 0 or s.principal_ore <> 0
        or s.booked_interest_ore <> 0 or s.fees_ore <> 0
)
"""
_SUMMED = (
    "principal_ore", "booked_interest_ore", "running_ore", "fees_ore", "total_ore",
    *(f"age_{place}" for place in range(len(AGES) + 1)),
)  # fmt: skip
_BY_CASE = """
select d.name, d.customer_number, a.reference, i.number, i.issued_on, a.due_on, a.days_late, {sums}
from aged a join debtors d on d.id = a.debtor_id join invoices i on i.id = a.invoice_id
order by d.name, d.customer_number, a.due_on, a.id
"""
_BY_CUSTOMER = """
select d.name, d.customer_number, count(*), {sums}
from aged a join debtors d on d.id = a.debtor_id
group by d.id, d.name, d.customer_number order by d.name, d.customer_number
"""
_SIZE = text(
    "select count(*) from cases where creditor_id = :creditor_id and opened_on <= :on"
    " and (closed_on is null or closed_on > :on)"
)


def size(creditor_id: int, chosen: Mapping[str, str]) -> int:
    """How many cases were open on the day."""
    values = {"creditor_id": creditor_id, "on": date.fromisoformat(chosen["on"])}
    return int(db.session.scalar(_SIZE, values) or 0)


def build(creditor_id: int, chosen: Mapping[str, str]) -> Report:
    """What was owed at the end of a day. chosen: `on`, `currency`, and `rows`: case or customer."""
    on = date.fromisoformat(chosen["on"])
    by_customer = chosen.get("rows") == BY_CUSTOMER
    table = Table(
        N_("Open claims by customer") if by_customer else N_("Open claims by case"),
        _CUSTOMER_COLUMNS if by_customer else _CASE_COLUMNS,
        _rows(creditor_id, on, chosen["currency"], by_customer=by_customer),
        empty=N_("Nothing was owed."),
    )
    return Report(
        "open-claims",
        N_("Open claims"),
        Text(N_("At the end of %(on)s"), {"on": on}),
        (
            Text(
                N_(
                    "Principal, booked interest and fees are the balances of the ledger at the end"
                    " of the day, by the days that entries are booked on: an entry that is booked"
                    " later on an earlier day changes the report of that day. Interest not yet"
                    " booked is what had run to the day, at the rates known today. Days are counted"
                    " from the day after the due date."
                )
            ),
        ),
        (table,),
        chosen["currency"],
    )


def _rows(creditor_id: int, on: date, currency: str, *, by_customer: bool) -> Iterator[Row]:
    sets.begin()
    statement = owed.statement("creditor_id = :creditor_id")
    rates = owed.half_years(on, owed.agreed_rates(creditor_id))
    if by_customer:
        sums = ", ".join(f"sum(a.{name})::bigint" for name in _SUMMED)
        select = _BY_CUSTOMER.format(sums=sums)
    else:
        select = _BY_CASE.format(sums=", ".join(f"a.{name}" for name in _SUMMED))
    common = _STANDING.format(owed=statement, ages=_ages())
    rows = db.session.execute(
        text(f"with {common} {select}"),
        {**rates, "on": on, "creditor_id": creditor_id, "currency": currency},
        execution_options={"yield_per": 1000},
    )
    for row in rows:
        yield tuple(row)


def _ages() -> str:
    """The whole that is owed, in the column of its age."""
    bounds = [-1, *AGES, None]
    cases = []
    for place, (above, upto) in enumerate(pairwise(bounds)):
        within = f"s.days_late > {above}" + ("" if upto is None else f" and s.days_late <= {upto}")
        cases.append(f"case when {within} then s.total_ore else 0 end as age_{place}")
    return ", ".join(cases)
