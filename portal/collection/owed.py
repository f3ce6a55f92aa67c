"""What is owed on every case at the end of a day, past or to come, interest to that day included.

`cases.owed_on` says the same of one case, and the tests hold both against each other. Rates and
days are the law's (`interest.steps`); the database multiplies.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from portal.collection import rates
from portal.extensions import db
from portal.law.interest import AGREED, STATUTORY, Terms, steps


@dataclass(frozen=True)
class Owed:
    """What is owed on a case, in öre."""

    case_id: int
    principal_ore: int
    interest_ore: int
    fees_ore: int


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


_AGREED_RATES = text(
    """
    with recursive found as (
        select min(agreed_rate) as rate from cases where interest_kind = 'agreed'
        union all
        select (select min(agreed_rate) from cases
            where interest_kind = 'agreed' and agreed_rate > found.rate)
        from found where rate is not null
    )
    select rate from found where rate is not null
    """
)
# What `half_years` tells, for a statement to look days up in.
HALF_YEARS = """
half_years as materialized (
    select * from jsonb_to_recordset(cast(:steps as jsonb))
        as s (kind text, agreed numeric, half integer, from_on date, rate bigint, before bigint)
)
"""
# Interest runs on the principal from `from_on`: the due date, or the day it was booked to. Where
# principal was paid after that without interest being booked, each change counts for itself.
_OWED = f"""
with {HALF_YEARS}, reached as materialized (
    select distinct on (kind, agreed) kind, agreed,
        before + rate * (least(cast(:on as date), cast(:known_through as date)) - from_on + 1)
            as come_to
    from half_years order by kind, agreed, from_on desc
), books as (
    select case_id,
        sum(case account when 'principal' then amount_ore else 0 end)::bigint as principal,
        sum(case account when 'interest' then amount_ore else 0 end)::bigint as interest,
        sum(case account when 'fees' then amount_ore else 0 end)::bigint as fees,
        max(case when account = 'principal' and amount_ore < 0 then booked_on end) as paid_on,
        max(case when account = 'interest' and amount_ore > 0 then booked_on end) as booked_through
    from ledger_lines
    where case_id is not null and booked_on <= :on
        and (cast(:creditor_id as bigint) is null or creditor_id = :creditor_id)
    group by case_id
), standing as (
    select c.id, c.closed_on, c.interest_kind,
        case c.interest_kind when 'agreed' then c.agreed_rate else 0 end as agreed, b.principal,
        b.interest, b.fees, b.paid_on, greatest(c.due_on, b.booked_through) as from_on
    from books b join cases c on c.id = b.case_id
)
select s.id as case_id, s.principal as principal_ore, s.fees as fees_ore,
    s.interest + case
        when s.closed_on <= :on or s.interest_kind = 'none' or s.from_on >= :on
            or s.from_on >= :known_through then 0
        when s.paid_on > s.from_on then (
            select reda_rounded(sum(l.amount_ore::numeric * greatest(0,
                r.come_to - g.before - g.rate * (d.on_day - g.from_on + 1))))
            from ledger_lines l
            cross join lateral (
                select case when l.amount_ore > 0 then s.from_on
                    else greatest(l.booked_on, s.from_on) end as on_day
            ) d
            join half_years g on g.kind = s.interest_kind
                and g.agreed = s.agreed and g.half = reda_half_year(d.on_day)
            where l.case_id = s.id and l.account = 'principal' and l.booked_on <= :on
        )
        else reda_interest(s.principal,
            r.come_to - h.before - h.rate * (s.from_on - h.from_on + 1))
    end as interest_ore
from standing s
left join reached r on r.kind = s.interest_kind and r.agreed = s.agreed
left join half_years h on h.kind = s.interest_kind and h.agreed = s.agreed
    and h.half = reda_half_year(s.from_on)
"""  # noqa: S608

_SUMS = f"""
select count(*), coalesce(sum(principal_ore), 0), coalesce(sum(interest_ore), 0),
    coalesce(sum(fees_ore), 0), count(*) filter (where interest_ore is null)
from ({_OWED}) owed
"""  # noqa: S608


def every(on: date, creditor_id: int | None = None) -> Iterator[Owed]:
    """What is owed on each case that was taken by a day, a thousand rows at a time.

    creditor_id: of this creditor only. A time without a known rate bears nothing here.
    """
    rows = db.session.execute(
        text(_OWED), _values(on, creditor_id), execution_options={"yield_per": 1000}
    )
    for row in rows:
        yield Owed(row.case_id, row.principal_ore, row.interest_ore or 0, row.fees_ore)


def sums(on: date, creditor_id: int | None = None) -> Sums:
    """The sums of `every`."""
    row = db.session.execute(text(_SUMS), _values(on, creditor_id)).one()
    return Sums(*(int(one) for one in row))


def _values(on: date, creditor_id: int | None) -> dict[str, object]:
    return {**half_years(on), "on": on, "creditor_id": creditor_id}


def half_years(until: date) -> dict[str, object]:
    """The steps of every rate that a case has, until a day, and the last day with known rates."""
    table = rates.table()
    agreed = [(AGREED, rate) for rate in db.session.scalars(_AGREED_RATES)]
    told = [
        {
            "kind": kind, "agreed": str(rate or 0), "from_on": one.from_on.isoformat(),
            "half": 2 * one.from_on.year + (one.from_on.month > 6), "rate": one.rate,
            "before": one.before,
        }
        for kind, rate in [(STATUTORY, None), *agreed]
        for one in steps(Terms(kind, rate), table, until=until)
    ]  # fmt: skip
    return {"steps": json.dumps(told), "known_through": table.known_through}
