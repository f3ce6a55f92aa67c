"""Fees and outcome per step: what came to each step in a month, what it cost, what it solved.

Each payment and each fee given up is set off against the case's fees, the oldest first, so that
what is paid and given up is told at the step that charged it, and the sums are the ledger's.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from sqlalchemy import text

from portal.extensions import db
from portal.messages import N_
from portal.reporting.tables import COUNT, MONEY, Column, Report, Row, Table, Text

_NAMES = {
    "new": N_("Before the reminder"),
    "reminder": N_("Reminder"),
    "demand": N_("Demand (inkassokrav)"),
    "legal": N_("At the Enforcement Authority (Kronofogden)"),
    "surveillance": N_("Watched over"),
    "plan": N_("Payment plan"),
    "other": N_("Other"),
}
COLUMNS = (
    Column(N_("Month")),
    Column(N_("Step")),
    Column(N_("Cases that came in"), COUNT, is_summed=True),
    Column(N_("Their claims"), MONEY, is_summed=True, is_under=True),
    Column(N_("Letters sent"), COUNT, is_summed=True),
    Column(N_("Fees charged"), MONEY, is_summed=True),
    Column(N_("Fees paid"), MONEY, is_summed=True),
    Column(N_("Fees given up"), MONEY, is_summed=True),
    Column(N_("Fees that you bear"), MONEY, is_summed=True),
    Column(N_("Received"), MONEY, is_summed=True),
    Column(N_("Paid to you directly"), MONEY, is_summed=True),
    Column(N_("Closed as paid"), COUNT, is_summed=True),
    Column(N_("Claims closed as paid"), MONEY, is_summed=True, is_under=True),
    Column(N_("Credited or recalled"), COUNT, is_summed=True),
    Column(N_("Claims credited or recalled"), MONEY, is_summed=True, is_under=True),
    Column(N_("Given up or given back"), COUNT, is_summed=True),
    Column(N_("Claims given up or given back"), MONEY, is_summed=True, is_under=True),
)
# What is counted (n) and summed (ore) in each column, by what it is called in the statement.
_TOLD = (
    ("came", "n"), ("came", "ore"), ("sent", "n"), ("charged", "ore"), ("paid", "ore"),
    ("given up", "ore"), ("borne", "ore"), ("received", "ore"), ("direct", "ore"),
    ("closed paid", "n"), ("closed paid", "ore"), ("closed withdrawn", "n"),
    ("closed withdrawn", "ore"), ("closed lost", "n"), ("closed lost", "ore"),
)  # fmt: skip
_FEE_STEP = """case
    when {kind} = 'fee.reminder' then 'reminder'
    when {kind} in ('fee.demand', 'fee.late_payment') then 'demand'
    when {kind} in ('fee.legal', 'fee.payment_order', 'fee.agent', 'fee.enforcement') then 'legal'
    when {kind} = 'fee.plan' then 'plan' else 'other' end"""
# The step that a case stood at when the instant `at` had passed: a plan while it runs.
_STEP_AT = """
cross join lateral (
    select coalesce(
        (select case p.name when 'case.plan_agreed' then 'plan' end
            from events p where p.case_id = {case_id} and p.occurred_at <= {at} and p.name in
            ('case.plan_agreed', 'case.plan_broken', 'case.plan_ended')
            order by p.id desc limit 1),
        (select case s.name when 'case.reminder_sent' then 'reminder' when 'case.demand_sent'
            then 'demand' when 'case.taken_to_law' then 'legal' else 'surveillance' end
            from events s where s.case_id = {case_id} and s.occurred_at <= {at} and s.name in
            ('case.reminder_sent', 'case.demand_sent', 'case.taken_to_law', 'case.watched_over')
            order by s.id desc limit 1),
        'new'
    ) as step
) stood
"""
_STATEMENT = f"""
with counted as (
    -- What was paid of a fee that then fell pays none.
    select regexp_replace(e.idempotency_key, '^counted anew:[^:]+:', '') as key,
        sum(l.amount_ore) as ore
    from ledger_lines l join ledger_entries e on e.id = l.entry_id
    where l.creditor_id = :creditor_id and l.account = 'fees' and l.currency = :currency
        and e.kind = 'payment.counted_anew'
    group by 1
), fees as (
    select case_id, kind, booked_on, ore, is_charge,
        sum(ore) over (partition by case_id, is_charge order by entry_id, id) as upto
    from (
        select l.id, l.entry_id, l.case_id, e.kind, l.booked_on, l.amount_ore > 0 as is_charge,
            abs(l.amount_ore) - coalesce(c.ore, 0) as ore
        from ledger_lines l join ledger_entries e on e.id = l.entry_id
        left join counted c on c.key = e.idempotency_key
        where l.creditor_id = :creditor_id and l.account = 'fees' and l.currency = :currency
            and e.kind <> 'payment.counted_anew'
    ) every where ore > 0
), charges as (
    select *, {_FEE_STEP.format(kind="kind")} as step, upto - ore as above from fees where is_charge
), falls as (
    select *, upto - ore as above,
        case when kind like 'payment.%' then 'paid' else 'given up' end as what
    from fees where not is_charge
), set_off as (
    select f.booked_on, coalesce(c.step, 'other') as step, f.what,
        least(c.upto, f.upto) - greatest(c.above, f.above) as ore
    from falls f join charges c on c.case_id = f.case_id and c.above < f.upto and f.above < c.upto
    union all
    -- Nothing is given up that was not charged; were it, the sums would say so.
    select f.booked_on, 'other', f.what, f.upto - greatest(f.above, coalesce(c.total, 0))
    from falls f
    left join (select case_id, max(upto) as total from charges group by case_id) c
        on c.case_id = f.case_id
    where f.upto > coalesce(c.total, 0)
), money as (
    select l.booked_on, e.created_at, l.case_id, sum(l.amount_ore) as ore,
        case when e.kind = 'payment.direct' then 'direct' else 'received' end as what
    from ledger_lines l join ledger_entries e on e.id = l.entry_id
    where l.creditor_id = :creditor_id and l.currency = :currency
        and l.booked_on between :first and :last and l.case_id is not null and (
            l.account = 'client_funds' and e.kind not like 'refund.%'
            or l.account = 'claims' and e.kind = 'payment.direct'
        )
    group by l.booked_on, e.created_at, l.case_id, e.kind, e.id
), told as (
    select (e.occurred_at at time zone 'Europe/Stockholm')::date as on_day,
        case e.name when 'case.imported' then 'new' when 'case.reminder_sent' then 'reminder'
            when 'case.demand_sent' then 'demand' when 'case.taken_to_law' then 'legal'
            when 'case.watched_over' then 'surveillance' else 'plan' end as step,
        'came' as what, 1 as n, c.principal_ore as ore
    from events e join cases c on c.id = e.case_id
    where e.creditor_id = :creditor_id and c.currency = :currency and e.name in
        ('case.imported', 'case.reminder_sent', 'case.demand_sent', 'case.taken_to_law',
         'case.watched_over', 'case.plan_agreed')
    union all
    select (m.sent_at at time zone 'Europe/Stockholm')::date,
        case when m.kind in ('reminder', 'demand', 'plan') then m.kind else 'other' end, 'sent', 1,
        0
    from messages m join cases c on c.id = m.case_id
    where m.creditor_id = :creditor_id and m.status = 'sent' and m.channel in ('letter', 'mailbox')
        and c.currency = :currency
    union all
    select booked_on, step, 'charged', 1, ore from charges
    union all
    select booked_on, step, what, 1, ore from set_off
    union all
    select l.booked_on, {_FEE_STEP.format(kind="replace(e.kind, 'creditor_', '')")}, 'borne', 1,
        l.amount_ore
    from ledger_lines l join ledger_entries e on e.id = l.entry_id
    where l.creditor_id = :creditor_id and l.account = 'owed_by_creditor'
        and l.currency = :currency and e.kind like 'creditor_fee.%'
    union all
    select m.booked_on, stood.step, m.what, 1, m.ore
    from money m {_STEP_AT.format(case_id="m.case_id", at="m.created_at")}
    union all
    select c.closed_on, stood.step, case when c.status = 'paid' then 'closed paid'
        when c.status in ('credited', 'recalled') then 'closed withdrawn' else 'closed lost' end,
        1, c.principal_ore
    from cases c {_STEP_AT.format(case_id="c.id", at="'infinity'::timestamptz")}
    where c.creditor_id = :creditor_id and c.closed_on between :first and :last
        and c.currency = :currency
)
select to_char(on_day, 'YYYY-MM') as month, step, {{told}}
from told where on_day between :first and :last
group by month, step
order by month, array_position(cast(:steps as text[]), step)
"""  # noqa: S608
_SIZE = text("select count(*) from cases where creditor_id = :creditor_id and opened_on <= :last")


def size(creditor_id: int, chosen: Mapping[str, str]) -> int:
    """How many cases it looks at."""
    values = {"creditor_id": creditor_id, "last": date.fromisoformat(chosen["to"])}
    return int(db.session.scalar(_SIZE, values) or 0)


def build(creditor_id: int, chosen: Mapping[str, str]) -> Report:
    """What each step did in a period. chosen: `from`, `to`, `currency`."""
    first, last = date.fromisoformat(chosen["from"]), date.fromisoformat(chosen["to"])
    values = {"creditor_id": creditor_id, "currency": chosen["currency"], "first": first,
              "last": last}  # fmt: skip
    return Report(
        "steps",
        N_("Fees and outcome per step"),
        Text(N_("%(first)s to %(last)s"), {"first": first, "last": last}),
        (
            Text(
                N_(
                    "Fees are told in the month that they are booked on, and what was paid or given"
                    " up of them at the step that charged them: the oldest fee of a case first."
                    " Money and closed cases are told at the step where the case stood then; a case"
                    " with a running plan stands at the plan."
                )
            ),
            Text(
                N_(
                    "A closed case counts with the claim that came to us, whatever was paid of it"
                    " before. A case comes to several steps, and is counted at each."
                )
            ),
        ),
        (Table(N_("By month and step"), COLUMNS, _rows(values), empty=N_("Nothing happened.")),),
        chosen["currency"],
    )


def _rows(values: Mapping[str, object]) -> Iterator[Row]:
    told = ", ".join(
        f"coalesce(sum({column}) filter (where what = '{what}'), 0)::bigint"
        for what, column in _TOLD
    )
    rows = db.session.execute(text(_STATEMENT.format(told=told)), {**values, "steps": list(_NAMES)})
    for month, step, *sums in rows:
        yield [month, Text(_NAMES[step]), *sums]
