"""A creditor's waiting invoices decided on and opened as cases, thousands with a few statements.

`policy.decide` and `lifecycle.open_case` say the same of one invoice; the tests hold both against
each other. What the rules are, and from which scope each comes, is worked out by `policy`, and what
they decide is the SQL of `deciding`.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from portal import ledger
from portal.collection import (
    cases,
    circumstances,
    deciding,
    history,
    policy,
    rulebook,
    sets,
    states,
    stops,
)
from portal.extensions import db
from portal.identity import holds
from portal.law import limitation
from portal.law.calendar import banking_day_on_or_after
from portal.ledger import CLAIM_TAKEN, Account
from portal.payments.references import reference_keys

MOST_AT_ONCE = 20_000

_IMPORTING = """
invoice_id bigint, creditor_id bigint, debtor_id bigint, number text, arose_on date, due_on date,
balance_ore bigint, currency text, is_consumer boolean, reason text, terms integer, case_id bigint
"""
_DECIDE = f"""
with {deciding.TABLES},
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
    d.kind = 'person', {deciding.reason("r", "cast(:today as date)")}, r.slot
from waiting w
{deciding.JOINS}
join rule_terms r on r.slot = {deciding.slot(deciding.PLACE, 0, 0)}
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
join {deciding.TERMS.format(name="r")} on r.slot = m.terms
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
select creditor_id, case_id, '{CLAIM_TAKEN}' as kind, cast(:today as date) as booked_on,
    'claim:' || invoice_id as key, currency, balance_ore as principal, -balance_ore as claims
from reda_importing m where {_IS_OPENED} order by case_id
"""  # noqa: S608
_TELL = f"""
select m.creditor_id, m.case_id, 'case.imported' as name, cast(:now as timestamptz) as occurred_at,
    'system' as actor, null::bigint, jsonb_build_object(
        'invoice', m.number, 'principal_ore', m.balance_ore, 'due_on', m.due_on
    ) || r.told as data
from reda_importing m
join {deciding.TERMS.format(name="r")} on r.slot = m.terms
where {_IS_OPENED} order by m.case_id
"""  # noqa: S608
# Most companies know of nobody, which is asked once.
_CIRCUMSTANCED = f"""
select m.case_id from reda_importing m join debtors d on d.id = m.debtor_id
where {_IS_OPENED} and exists (
    select 1 from case_stops
    where creditor_id = :creditor_id and kind in {states.CIRCUMSTANCES}
) and exists ({circumstances.KNOWN})
order by m.case_id
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
        count, last = _import_some(creditor_id, after, today=today, now=now)
        opened += count
        between()
        if last is None:
            return opened
        after = last


def _import_some(
    creditor_id: int, after: int, *, today: date, now: datetime
) -> tuple[int, int | None]:
    """How many were opened, and the last invoice that was decided on; None when it was the end."""
    holds.keep_still()
    if holds.current(creditor_id) is not None:
        return 0, None
    # Read anew each time, and by nobody changed before these cases are there for all to see:
    # whoever switches collection off means from now on.
    rulebook.keep_still(creditor_id)
    rules = deciding.lay_out([deciding.sheet(creditor_id)], today, today)
    values: dict[str, Any] = {
        "creditor_id": creditor_id,
        **rules.values,
        "after": after,
        "limit": MOST_AT_ONCE,
        "today": today,
        "now": now,
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
        history.record_many(text(_TELL).bindparams(rule_terms=rules.terms, now=now))
        known = db.session.scalars(text(_CIRCUMSTANCED), {"creditor_id": creditor_id}).all()
        for case_id in known:
            stops.stop_for_what_is_known(cases.lock(case_id), now=now)
    if opened < db.session.scalar(text(_OVERDUE)):
        sets.run(_AGAIN, values)
    return opened, last if decided == MOST_AT_ONCE else None
