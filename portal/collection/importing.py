"""A creditor's waiting invoices decided on and opened as cases, thousands with a few statements.

`policy.decide` and `lifecycle.open_case` say the same of one invoice; the tests hold both against
each other. What the rules are, and from which scope each comes, is worked out by `policy`: the
database only finds which rules are a customer's.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from portal import ledger
from portal.collection import history, policy, rulebook, sets, states
from portal.extensions import db
from portal.law import limitation
from portal.law.calendar import banking_day_on_or_after
from portal.ledger import Account
from portal.payments.references import reference_keys

MOST_AT_ONCE = 20_000

_IMPORTING = """
invoice_id bigint, creditor_id bigint, debtor_id bigint, number text, arose_on date, due_on date,
balance_ore bigint, currency text, is_consumer boolean, reason text, terms integer, case_id bigint
"""
_RULES = """
jsonb_to_recordset(cast(:rules as jsonb)) as {name} (
    place integer, scope text, key text, is_active boolean, days_after_due integer,
    import_after_on date, is_excluded boolean, collects_from text, lowest_ore bigint,
    highest_ore bigint, left_out_types jsonb, leaves_out_reminded boolean,
    reminder_fee_agreed boolean, reminder_days bigint, interest_kind text, agreed_rate numeric,
    told jsonb
)
"""
# The order of the reasons is that of `policy.decide`.
_DECIDE = f"""
with rules as materialized (select * from {_RULES.format(name="one")}),
waiting as materialized (
    select i.id, i.creditor_id, i.debtor_id, i.number, coalesce(i.issued_on, i.due_on) as arose_on,
        i.due_on, i.balance_ore, i.currency, i.type, i.reminder_fee_charged
    from invoices i
    -- The sums keep it from reading every invoice there is in the order of their ids.
    where i.creditor_id = :creditor_id and i.decision = 'waiting' and i.id + 0 > :after
    order by i.id + 0 limit :limit
)
insert into reda_importing
select w.id, w.creditor_id, w.debtor_id, w.number, w.arose_on, w.due_on, w.balance_ore, w.currency,
    d.kind = 'person',
    case
        when w.currency <> 'SEK' then 'currency'
        when w.arose_on < :known_from then 'too old'
        when r.is_excluded then 'excluded'
        when w.due_on < r.import_after_on then 'before import date'
        when r.collects_from = case when d.kind = 'person' then 'businesses' else 'consumers' end
            then 'not this kind of customer'
        when r.left_out_types ? w.type then 'type'
        when w.balance_ore < r.lowest_ore then 'amount too low'
        when r.highest_ore > 0 and w.balance_ore > r.highest_ore then 'amount too high'
        when w.reminder_fee_charged and r.leaves_out_reminded then 'reminded already'
        when cast(:today as date) < w.due_on + r.days_after_due then 'too early'
        when not r.is_active then 'paused'
        else 'overdue'
    end,
    r.place
from waiting w
join debtors d on d.id = w.debtor_id and d.creditor_id = :creditor_id
left join rules customers on customers.scope = 'customer' and customers.key = d.customer_number
left join rules classes on classes.scope = 'class' and classes.key = coalesce(d.customer_class, '')
join rules r on r.place = coalesce(customers.place, classes.place, 0)
"""  # noqa: S608
# Of those that are decided otherwise than before, and that nobody else decides on this moment. The
# others, which may be many and the same each quarter of an hour, are not touched.
_HOLD = """
with held as materialized (
    select i.id from invoices i join reda_importing m on m.invoice_id = i.id
    where i.creditor_id = :creditor_id and i.decision = 'waiting'
        and (m.reason = 'overdue' or i.reason is distinct from m.reason)
    for update of i skip locked
)
delete from reda_importing m where not exists (select from held h where h.id = m.invoice_id)
"""
_NOTE = """
update invoices i set
    reason = m.reason,
    decision = case when m.reason = 'overdue' then 'imported'
        when m.reason = any(:never) then 'left out' else 'waiting' end,
    decided_on = case when m.reason = 'overdue' or m.reason = any(:never)
        then cast(:today as date) end
from reda_importing m
where i.id = m.invoice_id and i.creditor_id = :creditor_id and i.decision = 'waiting'
"""
# A serial whose reference is taken, as by a case of old whose reference was drawn, is passed over;
# its invoice comes with the next run.
_OPEN = f"""
with numbered as materialized (
    select m.*, nextval('case_serials') as serial
    from reda_importing m where m.reason = 'overdue' order by m.invoice_id
),
named as materialized (select *, reda_reference(serial, :keys) as reference from numbered),
opened as (insert into cases (
    creditor_id, debtor_id, invoice_id, serial, reference, ocr, status, next_step, next_step_on,
    currency, principal_ore, due_on, interest_kind, agreed_rate, reminder_fee_agreed, reminder_days,
    is_stopped, is_consumer, claim_arose_on, limited_on, opened_on, opened_at, charges
)
select m.creditor_id, m.debtor_id, m.invoice_id, m.serial, m.reference, reda_ocr(m.serial),
    '{states.IMPORTED}', '{states.REMINDER}', :next_step_on, m.currency, m.balance_ore, m.due_on,
    r.interest_kind, r.agreed_rate, r.reminder_fee_agreed, r.reminder_days, false, m.is_consumer,
    m.arose_on, (m.arose_on + make_interval(years => p.years))::date + 1, :today, :now, '[]'
from named m
join {_RULES.format(name="r")} on r.place = m.terms
join jsonb_to_recordset(cast(:periods as jsonb))
    as p (is_consumer boolean, years integer, from_on date, to_on date)
    on p.is_consumer = m.is_consumer and p.from_on <= m.arose_on
    and m.arose_on <= coalesce(p.to_on, 'infinity')
on conflict (reference) do nothing returning id, invoice_id)
update reda_importing m set case_id = o.id from opened o where o.invoice_id = m.invoice_id
"""  # noqa: S608
# Of a column that was empty when it was counted the database would expect no row, and plan for
# none; of what is reckoned from it, it expects a third.
_IS_OPENED = "coalesce(m.case_id, 0) > 0"
_BOOK = f"""
select creditor_id, case_id, 'claim.taken' as kind, cast(:today as date) as booked_on,
    'claim:' || invoice_id as key, currency, balance_ore as principal, -balance_ore as claims
from reda_importing m where {_IS_OPENED} order by case_id
"""  # noqa: S608
_TELL = f"""
select m.creditor_id, m.case_id, 'case.imported' as name, cast(:now as timestamptz) as occurred_at,
    'system' as actor, null::bigint, jsonb_build_object(
        'invoice', m.number, 'principal_ore', m.balance_ore, 'due_on', m.due_on
    ) || r.told as data
from reda_importing m
join {_RULES.format(name="r")} on r.place = m.terms
where {_IS_OPENED} order by m.case_id
"""  # noqa: S608
_OVERDUE = "select count(*) from reda_importing where reason = 'overdue'"
_AGAIN = """
update invoices i set decision = 'waiting', reason = null, decided_on = null
from reda_importing m
where i.id = m.invoice_id and m.reason = 'overdue' and m.case_id is null
"""


def import_waiting(
    creditor_id: int,
    *,
    today: date,
    now: datetime,
    between: Callable[[], object] = lambda: None,
) -> int:
    """Decide on all of a creditor's waiting invoices, and open cases; answers how many were opened.

    between: called after so many invoices as one transaction should hold. Two runs at once decide
    on different invoices.
    """
    rulebook.let_end(creditor_id, today=today, now=now)
    opened = after = 0
    while True:
        # Read anew each time: whoever switches collection off means from now on.
        rules = _rules_of(creditor_id)
        count, last = _import_some(creditor_id, rules, after, today=today, now=now)
        opened += count
        between()
        if last is None:
            return opened
        after = last


def _rules_of(creditor_id: int) -> str:
    """The rules of each scope as JSON, with all that wider scopes let through; place 0: company."""
    found = policy.every_effective(creditor_id)
    return json.dumps(
        [
            {"place": place, "scope": scope, "key": key, **_as_columns(one)}
            for place, (scope, key, one) in enumerate(found)
        ]
    )


def _as_columns(one: policy.Effective) -> Mapping[str, Any]:
    after_on, rate = one.import_after_on, one.agreed_rate
    return {
        "is_active": one.is_active,
        "days_after_due": one.days_after_due,
        "import_after_on": after_on.isoformat() if after_on else None,
        "is_excluded": one.is_excluded,
        "collects_from": one.collects_from,
        "lowest_ore": one.lowest_ore,
        "highest_ore": one.highest_ore,
        "left_out_types": one.left_out_types,
        "leaves_out_reminded": one.leaves_out_reminded,
        "reminder_fee_agreed": one.reminder_fee_agreed,
        "reminder_days": one.reminder_days,
        "interest_kind": one.interest_kind,
        "agreed_rate": str(rate) if rate is not None else None,
        "told": one.told_at_import(),
    }


def _import_some(
    creditor_id: int, rules: str, after: int, *, today: date, now: datetime
) -> tuple[int, int | None]:
    """How many were opened, and the last invoice that was decided on; None when it was the end."""
    values: dict[str, Any] = {
        "creditor_id": creditor_id,
        "rules": rules,
        "after": after,
        "limit": MOST_AT_ONCE,
        "today": today,
        "now": now,
        "known_from": limitation.KNOWN_FROM,
        "never": list(policy.NEVER),
        "next_step_on": banking_day_on_or_after(today),
        "keys": reference_keys(),
        "periods": json.dumps([asdict(one) for one in limitation.PERIODS], default=str),
    }
    sets.begin()
    sets.empty("reda_importing", _IMPORTING)
    decided = sets.run(_DECIDE, values)
    last = db.session.scalar(text("select max(invoice_id) from reda_importing"))
    sets.know("reda_importing")
    sets.run(_HOLD, values)
    sets.run(_NOTE, values)
    opened = sets.run(_OPEN, values)
    if opened:
        ledger.post_many(
            text(_BOOK).bindparams(today=today), [Account.PRINCIPAL, Account.CLAIMS], now=now
        )
        history.record_many(text(_TELL).bindparams(rules=rules, now=now))
    if opened < db.session.scalar(text(_OVERDUE)):
        sets.run(_AGAIN, values)
    return opened, last if decided == MOST_AT_ONCE else None
