"""What is owed on every case at the end of a day, past or to come, interest to that day included.

`cases.owed_on` says the same of one case, and the tests hold both against each other. Rates and
days are the law's (`interest.steps`); the database multiplies.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select, text

from portal.collection import rates, sets
from portal.collection.models import Case
from portal.extensions import db
from portal.law.interest import AGREED, REFERENCE_RATES, STATUTORY, Terms, next_half_year, steps
from portal.ledger import CLAIM_TAKEN, INTEREST_ACCRUED, NEVER_OWED


@dataclass(frozen=True)
class Owed:
    """What is owed on a case, in öre."""

    case_id: int
    principal_ore: int
    interest_ore: int
    fees_ore: int

    @property
    def total_ore(self) -> int:
        return self.principal_ore + self.interest_ore + self.fees_ore


@dataclass(frozen=True)
class Sums:
    """What is owed on some cases together, in öre. unknown: cases without a rate for their time."""

    cases: int
    principal_ore: int
    interest_ore: int
    fees_ore: int
    unknown: int

    @property
    def total_ore(self) -> int:
        return self.principal_ore + self.interest_ore + self.fees_ore


_FIRST = REFERENCE_RATES[0].from_on
# What all days to one have come to, by terms, for a statement to look days up in (`come_to`).
COME_TO = """
half_years as materialized (
    select * from jsonb_to_recordset(cast(:steps as jsonb))
        as s (kind text, agreed numeric, from_on date, to_on date, rate bigint, before bigint)
), come_to as materialized (
    -- Before the first day they have come to nothing.
    select k.kind, k.agreed, array_prepend(0::bigint, array(
        select h.before + h.rate * (n + 1)
        from half_years h cross join generate_series(0, h.to_on - h.from_on) n
        where h.kind = k.kind and h.agreed is not distinct from k.agreed
        order by h.from_on, n
    )) as days
    from (select distinct kind, agreed from half_years) k
)
"""


def come_to(row: str, kind: str, day: str) -> str:
    """SQL for what the days to one have come to. row: of `come_to` by the agreed rate."""
    at = f"[{day} - date '{_FIRST}' + 2]"
    statutory = f"(select days from come_to where kind = 'statutory'){at}"  # noqa: S608
    return f"case {kind} when 'statutory' then {statutory} else {row}.days{at} end"


# Interest runs on the principal from `from_on`: the due date, or the day it was booked to. Where
# principal was paid after that without interest being booked, each change counts for itself; what
# was never owed bore none from the beginning.
def statement(of: str) -> str:
    """The statement, for use inside another: case_id, principal_ore, interest_ore, fees_ore,
    and booked_interest_ore, the part of the interest that is booked.

    of: SQL that says which lines are counted. Its values are `half_years` and `on`. interest_ore is
    null where no rate is known.
    """
    return f"""
with {COME_TO}, books as (
    select case_id,
        sum(case account when 'principal' then amount_ore else 0 end)::bigint as principal,
        sum(case account when 'interest' then amount_ore else 0 end)::bigint as interest,
        sum(case account when 'fees' then amount_ore else 0 end)::bigint as fees,
        max(case when account = 'principal' and amount_ore < 0 then booked_on end) as paid_on,
        bool_or(account = 'interest' and amount_ore > 0) as has_interest
    from ledger_lines
    where account in ('principal', 'interest', 'fees') and booked_on <= :on
        and {of}
    group by case_id
), standing as (
    select c.id, c.closed_on, c.interest_kind as kind,
        case c.interest_kind when 'agreed' then c.agreed_rate end as agreed, b.principal,
        b.interest, b.fees, b.paid_on, least(cast(:on as date), cast(:known_through as date))
            as until,
        -- To which day interest is booked, only its own entry tells: that of a payment which was
        -- taken back stands on the payment's day. Entries are read of open cases only.
        greatest(c.due_on, case when b.has_interest and (c.closed_on <= :on) is not true then (
            select max(l.booked_on)
            from ledger_lines l join ledger_entries e on e.id = l.entry_id
            where l.case_id = c.id and l.account = 'interest' and l.amount_ore > 0
                and l.booked_on <= :on and e.kind = '{INTEREST_ACCRUED}'
        ) end) as from_on
    from books b join cases c on c.id = b.case_id
    where c.opened_on <= :on offset 0
), reckoned as (
    -- A fence: what a function takes must be worked out before, to be worked out once.
    select s.*, r.days, case when s.kind <> 'none' and s.from_on < s.until
        then {come_to("r", "s.kind", "s.until")} - {come_to("r", "s.kind", "s.from_on")} else 0 end
        as rate_days
    from standing s left join come_to r on r.agreed = s.agreed offset 0
)
select r.id as case_id, r.principal as principal_ore, r.fees as fees_ore,
    r.interest as booked_interest_ore, r.interest + case
        when r.closed_on <= :on or r.rate_days = 0 then 0
        when r.paid_on > r.from_on then (
            select reda_rounded(sum(l.amount_ore::numeric * greatest(0,
                {come_to("r", "r.kind", "r.until")} - {come_to("r", "r.kind", "d.on_day")}
            )))
            from ledger_lines l join ledger_entries e on e.id = l.entry_id
            cross join lateral (
                select least(r.until, case when e.kind in ('{CLAIM_TAKEN}', '{NEVER_OWED}')
                    then r.from_on else greatest(l.booked_on, r.from_on) end) as on_day
            ) d
            where l.case_id = r.id and l.account = 'principal' and l.booked_on <= :on
        )
        else reda_interest(r.principal, r.rate_days)
    end as interest_ore
from reckoned r
"""  # noqa: S608


_SUMS = """
select count(*), coalesce(sum(principal_ore), 0), coalesce(sum(interest_ore), 0),
    coalesce(sum(fees_ore), 0), count(*) filter (where interest_ore is null)
from ({owed}) owed
"""


def every(on: date, creditor_id: int | None = None) -> Iterator[Owed]:
    """What is owed on each case that was taken by a day, a thousand rows at a time.

    creditor_id: of this creditor only. A time without a known rate bears nothing here.
    """
    sets.begin()
    agreed = agreed_rates(creditor_id)
    rows = db.session.execute(
        text(statement(_of(creditor_id))),
        {**half_years(on, agreed), "on": on, "creditor_id": creditor_id},
        execution_options={"yield_per": 1000},
    )
    for row in rows:
        yield Owed(row.case_id, row.principal_ore, row.interest_ore or 0, row.fees_ore)


def sums(on: date, creditor_id: int | None = None) -> Sums:
    """The sums of `every`."""
    sets.begin()
    summing = _SUMS.format(owed=statement(_of(creditor_id)))
    values = {**half_years(on, agreed_rates(creditor_id)), "on": on, "creditor_id": creditor_id}
    row = db.session.execute(text(summing), values).one()
    return Sums(*(int(one) for one in row))


def _of(creditor_id: int | None) -> str:
    # Said only where it is meant: a statement that leaves it open would read all lines for one.
    return "true" if creditor_id is None else "creditor_id = :creditor_id"


def agreed_rates(creditor_id: int | None) -> Sequence[Decimal | None]:
    """The rates that cases have agreed on. creditor_id: those of this creditor only."""
    query = select(Case.agreed_rate).where(Case.interest_kind == AGREED).distinct()
    if creditor_id is not None:
        query = query.where(Case.creditor_id == creditor_id)
    return db.session.scalars(query).all()


def half_years(until: date, agreed: Sequence[Decimal | None]) -> dict[str, object]:
    """The steps of the statutory and some agreed rates, and the last day with known rates."""
    table = rates.table()
    told = [
        {
            "kind": kind,
            "agreed": None if rate is None else str(rate),
            "from_on": one.from_on.isoformat(),
            "to_on": min(until, next_half_year(one.from_on) - timedelta(days=1)).isoformat(),
            "rate": one.rate,
            "before": one.before,
        }
        for kind, rate in [(STATUTORY, None), *((AGREED, one) for one in agreed)]
        for one in steps(Terms(kind, rate), table, until=until)
    ]
    return {"steps": json.dumps(told), "known_through": table.known_through}
