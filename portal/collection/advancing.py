"""The steps that are due on many cases, taken with a few statements for thousands of them.

`lifecycle.send_reminder`, `send_demand` and `decide` say the same of one case, and the tests hold
both against each other. The law stays where it is: what decides a step are a few facts (`_Facts`)
and the time that interest has run, the same for many cases; each that occurs is judged once, by the
functions that judge one case. The database finds the facts, multiplies and writes. A case that is
not plain, such as one whose letter would lack something, is left to be taken alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from portal import ledger
from portal.collection import charging, circumstances, history, notices, rates, sets, states
from portal.collection.charging import Facts
from portal.collection.policy import Effective
from portal.delivery import outbox
from portal.extensions import db, settings
from portal.identity import holds
from portal.law import limitation
from portal.law.calendar import banking_day_on_or_after
from portal.law.errors import LawError
from portal.law.fees import Charge
from portal.law.interest import Movement, RateTable, Terms, accrue
from portal.ledger import Account

# What the rules may say that needs no look at the case's own books.
_DECISIONS = {
    "ask": "wait for a decision",
    "legal": "take to law",
    "surveillance": "watch over",
}
_STEPS = {states.REMINDER: "remind", states.DEMAND: "demand"}

_MOVING = """
case_id bigint, creditor_id bigint, debtor_id bigint, invoice_id bigint, step text,
principal_ore bigint, fees_ore bigint, is_plain boolean, rules text, facts text, terms text
"""
_ACTING = """
case_id bigint, creditor_id bigint, debtor_id bigint, invoice_id bigint, judged integer,
reckoned integer, principal_ore bigint, interest_ore bigint, total_ore bigint
"""
_JUDGED = """
place integer, rules text, facts text, letter text, status text, event text, next_step text,
next_step_on date, pay_by_on date, charged_ore bigint, charges jsonb, noted jsonb,
to_creditor jsonb, fee_parts jsonb, content jsonb, told jsonb
"""
_RECKONED = "place integer, terms text, rate_days bigint, periods jsonb"
# Interest runs from `from_on`: the due date, or the day to which it was booked. A letter that has
# no word where a name belongs is looked at alone.
# A statement of its own: what is read in the one that waits for a lock may be older than the lock.
_LOCK = f"""
insert into reda_due
select id from cases
where next_step is not null and not is_stopped and next_step_on <= :today
    and creditor_id not in {holds.HELD_SQL}
order by next_step_on, id limit :limit for update skip locked
"""  # noqa: S608
_FIND = rf"""
insert into reda_moving
select c.id, c.creditor_id, c.debtor_id, c.invoice_id, c.next_step, b.principal, b.fees,
    case c.next_step
        when 'decision' then c.status = 'demanded'
            and (c.pay_by_on is null or c.pay_by_on < :today)
        else c.status = case c.next_step when 'reminder' then 'imported' else 'reminded' end
            and c.due_on < :today and b.principal >= 0 and b.fees >= 0
            and (
                c.interest_kind = 'none'
                or (b.interest = 0 and coalesce(b.paid_on <= t.from_on, true))
            )
            and k.name ~ '[[:alnum:]]' and i.number ~ '[[:alnum:]]'
            and coalesce(nullif(i.description, ''), k.debt_description) ~ '[[:alnum:]]'
    end,
    json_build_array(own.id, class.id, customer.id)::text,
    case when c.next_step = 'decision' then json_build_array(
        c.next_step, 0, true, true, true, true, array[]::text[], 0, true
    ) else json_build_array(
        c.next_step, c.reminder_days, c.is_consumer, c.reminder_fee_agreed,
        c.interest_kind <> 'none' and c.due_on < :today,
        i.reminder_fee_charged, c.charges, b.fees, b.principal > 0
    ) end::text,
    case when c.next_step = 'decision' then json_build_array('none', null, cast(:today as date))
        else json_build_array(c.interest_kind, c.agreed_rate::text, t.from_on) end::text
from reda_due due
join cases c on c.id = due.case_id
join creditors k on k.id = c.creditor_id
join debtors d on d.id = c.debtor_id
join invoices i on i.id = c.invoice_id
{sets.RULES}
{sets.BOOKS}
cross join lateral (select greatest(c.due_on, b.booked_through) as from_on) t
"""  # noqa: S608
_ACT = """
insert into reda_acting
select m.case_id, m.creditor_id, m.debtor_id, m.invoice_id, j.place, t.place, m.principal_ore,
    r.ore, m.principal_ore + r.ore + m.fees_ore + j.charged_ore
from reda_moving m
join reda_judged j on j.rules = m.rules and j.facts = m.facts
join reda_reckoned t on t.terms = m.terms
cross join lateral (select reda_interest(m.principal_ore, t.rate_days) as ore) r
where m.is_plain
"""
_BOOK = """
select a.creditor_id, a.case_id, f.entry || '.' || f.kind as kind,
    cast(:today as date) as booked_on, f.entry || ':' || f.kind || ':' || a.case_id as key,
    c.currency, case f.entry when 'fee' then f.ore else 0 end as fees, -f.ore as fee_income,
    case f.entry when 'fee' then 0 else f.ore end as owed_by_creditor
from reda_acting a
join reda_judged j on j.place = a.judged
join cases c on c.id = a.case_id
cross join lateral (
    select 'fee' as entry, kind, ore from jsonb_to_recordset(j.charges) as x (kind text, ore bigint)
    union all
    select 'creditor_fee', kind, ore
    from jsonb_to_recordset(j.to_creditor) as x (kind text, ore bigint)
) f
where j.letter is not null and f.ore > 0
order by a.case_id
"""
_WRITE = f"""
select j.letter as kind, case when b.number is null then 'letter' else 'mailbox' end as channel,
    b.number as mailbox, a.case_id, a.creditor_id,
    coalesce(o.language, nullif(d.language, ''), 'sv') as language,
    j.letter || ':' || a.case_id as key,
    c.access_code as secret, o.mail_to as address, o.text_to as mobile,
    j.content || jsonb_build_object(
        'creditor', k.letter || jsonb_build_object('name', k.name,
            'organisation_number', k.organisation_number),
        'recipient', jsonb_build_object('name', d.name,
            'address_line', coalesce(o.address_line, d.address_line),
            'postcode', coalesce(o.postcode, d.postcode), 'town', coalesce(o.town, d.town),
            'country', coalesce(o.country, d.country)),
        'invoice', jsonb_build_object('number', i.number, 'issued_on', i.issued_on,
            'due_on', c.due_on, 'amount_ore', i.amount_ore,
            'description', coalesce(nullif(i.description, ''), k.debt_description)),
        'parts', jsonb_build_array(
                jsonb_build_object('kind', 'principal', 'ore', a.principal_ore)
            ) || case when a.interest_ore = 0 then '[]' else jsonb_build_array(
                jsonb_build_object('kind', 'interest', 'ore', a.interest_ore, 'periods', (
                    select jsonb_agg(
                        one || jsonb_build_object('principal_ore', a.principal_ore) order by place
                    ) from jsonb_array_elements(t.periods) with ordinality as x (one, place)
                ))
            ) end || j.fee_parts,
        'total_ore', a.total_ore, 'currency', c.currency, 'reference', c.reference, 'ocr', c.ocr
    ) as content
from reda_acting a
join reda_judged j on j.place = a.judged
join reda_reckoned t on t.place = a.reckoned
join cases c on c.id = a.case_id
join creditors k on k.id = a.creditor_id
join debtors d on d.id = a.debtor_id
left join lateral (
    select s.*, case when s.channel = 'email' or s.text_to is not null then s.sure_mail end
        as mail_to
    from (
        select t.*, case when t.email is null then d.email
                when t.email_confirmed_at is not null then t.email
                when t.channel = 'sms' then d.email end as sure_mail,
            case when t.channel is distinct from 'sms' then null when t.phone is null then d.phone
                when t.phone_confirmed_at is not null then t.phone end as text_to
        from debtor_contacts t where t.debtor_id = d.id
    ) s
) o on true
cross join lateral (
    select case when :has_mailbox and k.by_mailbox and (
        o.channel = 'mailbox' or o.channel is null and o.address_line is null
    ) and not exists (
        {circumstances.KNOWN}
            and not (s.kind = '{states.PROTECTED}' and o.channel is not distinct from 'mailbox')
    ) then d.identity_number end as number
) b
join invoices i on i.id = a.invoice_id
where j.letter is not null
order by a.case_id
"""  # noqa: S608
_MOVE = """
update cases c set
    status = j.status,
    next_step = j.next_step,
    next_step_on = j.next_step_on,
    pay_by_on = case when j.letter is null then c.pay_by_on else j.pay_by_on end,
    limited_on = case when j.letter is null or c.limited_on <= :today then c.limited_on
        else greatest(c.limited_on, case when c.is_consumer then cast(:consumer_limited_on as date)
            else cast(:limited_on as date) end) end,
    charges = c.charges || j.noted
from reda_acting a join reda_judged j on j.place = a.judged
where c.id = a.case_id
"""
_TELL = """
select a.creditor_id, a.case_id, j.event as name, :now as occurred_at, 'system' as actor,
    null::bigint, case when j.letter is null then j.told
        else j.told || jsonb_build_object('total_ore', a.total_ore) end as data
from reda_acting a join reda_judged j on j.place = a.judged
order by a.case_id
"""
_ALONE = """
select case_id from reda_moving m
where not exists (select from reda_acting a where a.case_id = m.case_id)
order by case_id
"""


@dataclass(frozen=True)
class Taken:
    """How many cases were found, and those of them that are still to be taken alone."""

    found: int
    alone: Sequence[int]


@dataclass(frozen=True)
class _Facts:
    """What decides a step, of one case or of thousands; as `_FIND` tells it."""

    step: str
    reminder_days: int
    is_consumer: bool
    reminder_fee_agreed: bool
    bears_interest: bool
    fee_charged_before: bool
    charges: tuple[Charge, ...]
    fees_ore: int
    is_called_for: bool

    @classmethod
    def read(cls, told: str) -> "_Facts":
        step, days, consumer, agreed, bears, before, charges, fees_ore, called = json.loads(told)
        return cls(
            step, days, consumer, agreed, bears, before,
            tuple(
                Charge(one["kind"], one["ore"], one["statute"], one.get("covered_ore", 0))
                for one in charges
            ),
            fees_ore, called,
        )  # fmt: skip


def take_steps(today: date, now: datetime, *, limit: int) -> Taken:
    """Take what is due on cases up to a day, which is a banking day.

    limit: most cases looked at. Two runs at once take different cases. What is answered as to be
    taken alone is locked.
    """
    db.session.flush()
    sets.begin()
    sets.empty("reda_due", "case_id bigint")
    sets.empty("reda_moving", _MOVING)
    sets.empty("reda_acting", _ACTING)
    found = sets.run(_LOCK, {"today": today, "limit": limit})
    if not found:
        return Taken(0, ())
    sets.know("reda_due")
    sets.run(_FIND, {"today": today})
    sets.know("reda_moving")
    sets.fill("reda_judged", _JUDGED, _judge(today))
    sets.fill("reda_reckoned", _RECKONED, _reckon(today))
    if sets.run(_ACT, {}):
        sets.know("reda_acting")
        _write_down(today, now)
    return Taken(found, tuple(db.session.scalars(text(_ALONE))))


def _write_down(today: date, now: datetime) -> None:
    """Book, tell and send what the judged cases come to, and move them."""
    ledger.post_many(
        text(_BOOK).bindparams(today=today),
        [Account.FEES, Account.FEE_INCOME, Account.OWED_BY_CREDITOR],
        now=now,
    )
    outbox.put_many(text(_WRITE).bindparams(has_mailbox=settings().has_mailbox), now=now)
    history.record_many(text(_TELL).bindparams(now=now))
    sets.run(
        _MOVE,
        {
            "today": today,
            "consumer_limited_on": limitation.limited_on(today, is_consumer=True),
            "limited_on": limitation.limited_on(today, is_consumer=False),
        },
    )
    db.session.expire_all()


def _judge(today: date) -> list[dict[str, object]]:
    """Each set of facts that occurs, judged; those that no rule fits are left out."""
    told = db.session.execute(
        text("select distinct rules, facts from reda_moving where is_plain")
    ).all()
    rules = sets.effective({row.rules for row in told})
    judged = []
    for row in told:
        try:
            what = _judged(_Facts.read(row.facts), rules[row.rules], today)
        except LawError:
            continue
        if what is not None:
            judged.append({"rules": row.rules, "facts": row.facts, **what})
    return judged


def _judged(facts: _Facts, rules: Effective, today: date) -> dict[str, object] | None:
    if facts.step == states.DECISION:
        return _decided(rules)
    days = facts.reminder_days if facts.step == states.REMINDER else rules.demand_days
    wait = rules.demand_after_days if facts.step == states.REMINDER else rules.decision_after_days
    pay_by_on = banking_day_on_or_after(today + timedelta(days=days))
    letter = notices.LETTERS[facts.step]
    found = charging.charge(
        letter.kind,
        Facts(
            facts.is_consumer,
            facts.reminder_fee_agreed,
            facts.bears_interest,
            rules.wants_compensation,
            facts.fee_charged_before,
            facts.charges,
            facts.is_called_for,
            rules.creditor_pays,
        ),
        today,
    )
    charged_ore = sum(one.ore for one in found.charges)
    charges = [one for one in (*facts.charges, *found.charges) if one.ore]
    fee_parts = notices.fee_parts(charges, facts.fees_ore + charged_ore)
    told = [asdict(one) for one in found.charges]
    content = {
        **notices.common_content(settings(), today),
        **notices.timely_content(letter.kind, pay_by_on, rules, settings()),
    }
    if letter.missing(_sample(content, facts, fee_parts, today)):
        return None
    transition = states.allowed(_STEPS[facts.step], letter.status_before)
    return {
        "letter": letter.kind,
        "status": transition.after,
        "event": transition.event,
        "next_step": transition.next_step,
        "next_step_on": banking_day_on_or_after(pay_by_on + timedelta(days=wait)).isoformat(),
        "pay_by_on": pay_by_on.isoformat(),
        "charges": told,
        "noted": [{**one, "on": today.isoformat()} for one in told],
        "to_creditor": [asdict(one) for one in found.to_creditor],
        "charged_ore": charged_ore,
        "fee_parts": fee_parts,
        "content": content,
        "told": {
            **_told(facts, rules),
            "charges": told,
            "no_charge": found.reasons,
            "to_creditor": [asdict(one) for one in found.to_creditor],
            "pay_by_on": pay_by_on.isoformat(),
        },
    }


def _sample(
    content: Mapping[str, object],
    facts: _Facts,
    fee_parts: Sequence[Mapping[str, object]],
    today: date,
) -> dict[str, object]:
    """One letter of those that share some facts, for the law to look at."""
    principal_ore = 100 if facts.is_called_for else 0
    parts = [{"kind": "principal", "ore": principal_ore}, *fee_parts]
    due_on = (today - timedelta(days=1)).isoformat()
    return {
        **content,
        "creditor": {"name": "-x"},
        "invoice": {"number": "-x", "due_on": due_on, "description": "-x"},
        "parts": parts,
        "total_ore": sum(int(str(one["ore"])) for one in parts),
        "currency": "SEK",
        "ocr": "-x",
    }


def _told(facts: _Facts, rules: Effective) -> dict[str, object]:
    if facts.step == states.DEMAND:
        return {"terms": rules.chosen("demand_after_days", "demand_days", "wants_compensation")}
    return {
        "fee_agreed": facts.reminder_fee_agreed,
        "fee_charged_before": facts.fee_charged_before,
        "days": facts.reminder_days,
    }


def _decided(rules: Effective) -> dict[str, object] | None:
    name = _DECISIONS.get(rules.after_demand)
    if name is None:
        return None
    transition = states.allowed(name, states.DEMANDED)
    return {
        "letter": None,
        "status": transition.after,
        "event": transition.event,
        "next_step": transition.next_step,
        "next_step_on": None,
        "charged_ore": 0,
        "noted": [],
        "told": {"terms": rules.chosen("after_demand", "decision_after_days")},
    }


def _reckon(today: date) -> list[dict[str, object]]:
    """Of each kind of interest and day that it runs from, the periods until a day."""
    table = rates.table()
    told = db.session.scalars(text("select distinct terms from reda_moving where is_plain"))
    reckoned = []
    for one in told:
        try:
            reckoned.append({"terms": one, **_reckoned(one, table, today)})
        except LawError:
            continue
    return reckoned


def _reckoned(terms: str, table: RateTable, today: date) -> Mapping[str, Any]:
    kind, rate, from_text = json.loads(terms)
    from_on = date.fromisoformat(from_text)
    until = min(today, table.known_through) if kind != "none" else today
    periods = accrue(
        [Movement(from_on, 1)],
        due_on=from_on,
        until=max(until, from_on),
        terms=Terms(kind, Decimal(rate) if rate is not None else None),
        rates=table,
    ).periods
    return {
        "rate_days": int(sum(1000 * one.per_cent * one.days for one in periods)),
        "periods": [notices.period(one) for one in periods],
    }
