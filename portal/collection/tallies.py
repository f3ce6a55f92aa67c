"""What a creditor's figures are reckoned from: sums by day, status and age, by one statement.

One statement reads one moment, so that its sums agree with each other and with the books. Sums are
the database's; `figures` and `forecast` put them together. Days and months are Sweden's, as the
books and cases have them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import text

from portal.collection import owed, states
from portal.extensions import db

# A case stands at the last of these that it came to.
STEPS = (states.IMPORTED, states.REMINDED, states.DEMANDED, states.LEGAL)
# Last day, after the due date, of each age of what is unpaid; the first is not late yet.
AGES = (0, 30, 60, 90, 180, 365)
# Days that a case has stood at its step, from which the next of these classes begins.
STOOD = (0, 7, 14, 30, 90)
COHORTS = 12
# The forecast looks so many weeks ahead, and compares with as many days of before, a week apart.
WEEKS = 4
LOOKS = 26


@dataclass(frozen=True)
class Days:
    """The days that a reckoning of one day begins with."""

    today: date

    @property
    def month(self) -> date:
        """The first of this month."""
        return self.today.replace(day=1)

    @property
    def last_month(self) -> date:
        """The first of last month."""
        return (self.month - timedelta(days=1)).replace(day=1)

    @property
    def same_day(self) -> date:
        """Last month's day of the same number, or its last."""
        end = self.month - timedelta(days=1)
        return end.replace(day=min(self.today.day, end.day))

    @property
    def cohorts(self) -> list[date]:
        """The first day of each month of opening that is told, the oldest first."""
        months = [self.month]
        while len(months) < COHORTS:
            months.append((months[-1] - timedelta(days=1)).replace(day=1))
        return months[::-1]

    @property
    def year_ago(self) -> date:
        return self.today - timedelta(days=365)

    @property
    def looks(self) -> Sequence[date]:
        """The days whose following weeks the forecast learns from, the oldest first."""
        last = self.today - timedelta(weeks=WEEKS)
        return [last - timedelta(weeks=n) for n in range(LOOKS - 1, -1, -1)]


_AGE = "case {}{} end".format(
    "".join(
        f"when cast(:today as date) - c.due_on <= {last} then {place} "
        for place, last in enumerate(AGES)
    ),
    f"else {len(AGES)}",
)
_CLASSES = ", ".join(
    f"({place}, {first}, {last})"
    for place, (first, last) in enumerate(pairwise((*STOOD, 1_000_000)))
)
_OF_OPEN_CASES = """creditor_id = :creditor_id and case_id in (
    select id from cases where creditor_id = :creditor_id and closed_on is null
)"""
_CTES = f"""
stood as materialized (
    select c.currency, c.status, {_AGE} as age, count(*) as cases,
        sum(o.principal_ore) as principal, sum(coalesce(o.interest_ore, 0)) as interest,
        sum(o.fees_ore) as fees
    from ({owed.statement(_OF_OPEN_CASES)}) o join cases c on c.id = o.case_id
    group by 1, 2, 3
), stepped as materialized (
    select case_id,
        min(day) filter (where name = 'case.reminder_sent') as reminded_on,
        min(day) filter (where name = 'case.demand_sent') as demanded_on,
        min(day) filter (where name in ('case.taken_to_law', 'case.watched_over')) as legal_on
    from (
        select case_id, name, (occurred_at at time zone 'Europe/Stockholm')::date as day
        from events where creditor_id = :creditor_id and case_id is not null and name in (
            'case.reminder_sent', 'case.demand_sent', 'case.taken_to_law', 'case.watched_over'
        )
    ) e
    group by case_id
), paid as materialized (
    select l.case_id, l.currency, l.booked_on as day, e.kind = 'payment.direct' as is_direct,
        -sum(l.amount_ore) filter (where l.account = 'principal') as principal,
        -sum(l.amount_ore) filter (where l.account = 'interest') as interest,
        -sum(l.amount_ore) filter (where l.account = 'fees') as fees,
        -sum(l.amount_ore) filter (where l.account = 'over_payment') as overpaid
    from ledger_lines l join ledger_entries e on e.id = l.entry_id
    where l.creditor_id = :creditor_id and l.booked_on >= :paid_from and l.booked_on <= :today
        and l.account in ('principal', 'interest', 'fees', 'over_payment')
        and (l.amount_ore < 0 or e.kind in ('payment.taken_back', 'payment.counted_anew'))
        and e.kind like 'payment.%'
    group by l.entry_id, 1, 2, 3, 4
), settled as (
    -- What was paid out or set off, when it was; what the bank refused was not paid on that day.
    select l.currency, coalesce(paid.booked_on, l.booked_on) as day, sum(l.amount_ore) as ore
    from ledger_lines l
    join ledger_entries e on e.id = l.entry_id and e.kind in ('payout', 'payout.rejected')
    left join ledger_entries paid on e.kind = 'payout.rejected'
        and paid.idempotency_key = replace(e.idempotency_key, ':rejected:', ':')
    where l.creditor_id = :creditor_id and l.account = 'owed_to_creditor'
        and l.booked_on >= :last_month and l.booked_on <= :today
    group by 1, 2
), lived as materialized (
    -- From which look to which a case without a plan stood at a step, for so many days already.
    select c.id, c.currency, c.principal_ore, at_step.step, class.stood,
        (greatest(v.from_on, :first_look) - :first_look + 6) / 7 as first,
        (least(v.until, :after_looks) - :first_look + 6) / 7 - 1 as last
    from cases c left join stepped s on s.case_id = c.id
    cross join lateral (values
        ('{states.IMPORTED}', c.opened_on, least(reminded_on, demanded_on, legal_on, c.closed_on)),
        ('{states.REMINDED}', reminded_on, least(demanded_on, legal_on, c.closed_on)),
        ('{states.DEMANDED}', demanded_on, least(legal_on, c.closed_on)),
        ('{states.LEGAL}', legal_on, c.closed_on)
    ) as at_step (step, from_on, until)
    join (values {_CLASSES}) as class (stood, after, before)
        on at_step.from_on + class.after < coalesce(at_step.until, :after_looks)
    cross join lateral (
        select at_step.from_on + class.after as from_on,
            least(at_step.until, at_step.from_on + class.before, :after_looks) as until
    ) v
    where c.creditor_id = :creditor_id and c.opened_on < :after_looks
        and (c.closed_on is null or c.closed_on > :first_look)
        -- Said of the step too, so that few are split into classes.
        and at_step.from_on < :after_looks
        and coalesce(at_step.until, :after_looks) > :first_look
        and v.from_on < v.until and v.until > :first_look
        and not exists (select from plans p where p.case_id = c.id)
), planned as materialized (
    -- What is to come of each plan by the end of each week, when fees are taken first.
    select c.currency, k, greatest(0, greatest(0,
        (select coalesce(sum(amount_ore), 0) from instalments
            where plan_id = p.id and due_on <= cast(:today as date) + 7 * k)
        - (select coalesce(sum(amount_ore), 0) from ledger_lines
            where case_id = p.case_id and account = 'client_funds' and amount_ore > 0
                and booked_on >= p.agreed_on and entry_id not in (select id from ledger_entries e
                    where e.case_id = p.case_id and e.kind = 'refund.returned')))
        - (select coalesce(sum(amount_ore), 0) from ledger_lines
            where case_id = p.case_id and account = 'fees')) as ore
    from plans p join cases c on c.id = p.case_id cross join generate_series(0, {WEEKS}) k
    where p.creditor_id = :creditor_id and p.status = 'running'
)
"""  # noqa: S608
# Name, and the rows that are told under it.
_TOLD = {
    "stood": "select * from stood",
    "money": """
        select currency, day, is_direct, sum(principal) as principal, sum(interest) as interest,
            sum(fees) as fees, sum(overpaid) as overpaid, count(*) as payments
        from paid where day >= :last_month group by 1, 2, 3
    """,
    "settled": "select * from settled",
    "owed": """
        select currency, -sum(amount_ore) as ore from ledger_lines
        where creditor_id = :creditor_id and account = 'owed_to_creditor' group by 1
    """,
    "opened": """
        select opened_on as day, count(*) as cases from cases
        where creditor_id = :creditor_id and opened_on between :last_month and :today group by 1
    """,
    "closed": """
        select closed_on as day, status, count(*) as cases from cases
        where creditor_id = :creditor_id and closed_on between :last_month and :today group by 1, 2
    """,
    "cohorts": f"""
        select date_trunc('month', c.opened_on)::date as month, count(*) as opened,
            count(*) filter (where c.closed_on is null) as open,
            count(*) filter (where c.status = '{states.PAID}' and s.case_id is null) as {STEPS[0]},
            count(*) filter (where c.status = '{states.PAID}' and s.reminded_on is not null
                and s.demanded_on is null and s.legal_on is null) as {STEPS[1]},
            count(*) filter (where c.status = '{states.PAID}' and s.demanded_on is not null
                and s.legal_on is null) as {STEPS[2]},
            count(*) filter (where c.status = '{states.PAID}' and s.legal_on is not null)
                as {STEPS[3]}
        from cases c left join stepped s on s.case_id = c.id
        where c.creditor_id = :creditor_id and c.opened_on >= :first_cohort group by 1
    """,  # noqa: S608
    "waits": f"""
        select closed_on - opened_on as days, count(*) as cases from cases
        where creditor_id = :creditor_id and status = '{states.PAID}' and closed_on > :year_ago
        group by 1
    """,  # noqa: S608
    "invoices": """
        select reason, count(*) as invoices from invoices
        where creditor_id = :creditor_id and decision <> 'imported' group by 1
    """,
    "stood_before": """
        select currency, step, stood, look, sum(ore) as ore from (
            select currency, step, stood, first, last, sum(principal_ore) as ore
            from lived where first <= last group by 1, 2, 3, 4, 5
        ) g cross join generate_series(g.first, g.last) look group by 1, 2, 3, 4
    """,
    "came_after": f"""
        select v.currency, v.step, v.stood, n.week - k as look, k as week, count(*) as payments,
            sum(coalesce(p.principal, 0) + coalesce(p.interest, 0)) as ore
        from paid p
        cross join lateral (select (p.day - :first_look + 6) / 7 as week) n
        cross join generate_series(1, {WEEKS}) k
        join lived v on v.id = p.case_id and n.week - k between v.first and v.last
        where p.day > :first_look and not p.is_direct and n.week - k between 0 and {LOOKS - 1}
        group by 1, 2, 3, 4, 5
    """,  # noqa: S608
    "stands_now": f"""
        select c.currency, v.step, class.stood, sum(c.principal_ore) as ore
        from cases c left join stepped s on s.case_id = c.id
        cross join lateral (
            select case when legal_on is not null then '{states.LEGAL}'
                when demanded_on is not null then '{states.DEMANDED}'
                when reminded_on is not null then '{states.REMINDED}'
                else '{states.IMPORTED}' end as step,
                :today - coalesce(legal_on, demanded_on, reminded_on, c.opened_on) as days
        ) v
        join (values {_CLASSES}) as class (stood, after, before)
            on v.days >= class.after and v.days < class.before
        where c.creditor_id = :creditor_id and c.closed_on is null and not exists (
            select from plans p where p.case_id = c.id and p.status = 'running'
        ) group by 1, 2, 3
    """,  # noqa: S608
    "planned": "select currency, k, sum(ore) as ore from planned group by 1, 2",
    "plans_ended": """
        select status, count(*) as plans from plans
        where creditor_id = :creditor_id and ended_on > :year_ago
            and status in ('kept', 'broken') group by 1
    """,
}
_PAIRS = ", ".join(
    f"'{name}', coalesce((select jsonb_agg(to_jsonb(r)) from ({rows}) r), '[]')"  # noqa: S608
    for name, rows in _TOLD.items()
)
_EVERYTHING = text(f"with {_CTES} select jsonb_build_object({_PAIRS})")
Row = dict[str, Any]


def read(creditor_id: int, today: date) -> dict[str, list[Row]]:
    """All tallies of a creditor at the end of a day, by name; amounts are öre.

    stood: what is owed by currency, status and age. money: what was paid by day. settled, owed:
    what was paid out to the creditor, and is owed to it. opened, closed: cases by day. cohorts:
    cases by month of opening, and how they ended. waits: days from opening to paid, of a year.
    invoices: that are no cases. stood_before, came_after, stands_now, planned, plans_ended: for
    `forecast`.
    """
    days = Days(today)
    first, *_, last = days.looks
    values = {
        **owed.half_years(today, owed.agreed_rates(creditor_id)),
        "creditor_id": creditor_id,
        "on": today,
        "today": today,
        "last_month": days.last_month,
        "paid_from": min(days.last_month, first),
        "first_cohort": days.cohorts[0],
        "year_ago": days.year_ago,
        "first_look": first,
        "after_looks": last + timedelta(days=1),
    }
    found: dict[str, list[Row]] = db.session.execute(_EVERYTHING, values).scalar_one()
    return found
