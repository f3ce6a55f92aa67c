"""Money that came for many cases, settled with a few statements for thousands of payments.

`settling.settle_payment` says the same of one payment, and the tests hold both against each other.
A case that is not plain, such as one that is closed, or that was charged after the money's own day,
is settled alone.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlalchemy import select, text

from portal import ledger
from portal.collection import cases, history, owed, sets, settling, states, surveillance
from portal.collection.models import Case
from portal.collection.settling import Settled
from portal.delivery import outbox
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.law import limitation
from portal.law.errors import LawError
from portal.law.interest import AGREED
from portal.law.settlement import Settlement
from portal.ledger import Account
from portal.messages import N_, Problem
from portal.payments import commission

MOST_AT_ONCE = 5_000


@dataclass(frozen=True)
class Received:
    """Money that came for a case, in öre. key: the payment's own, unique for ever.

    channel: swish, bankgiro … value_on: the day it counts from. currency: of the case. payer: as
    the channel tells, for a refund.
    """

    case_id: int
    amount_ore: int
    key: str
    channel: str
    value_on: date
    currency: str = "SEK"
    payer: str | None = None


_RECEIVING = """
case_id bigint, creditor_id bigint, currency text, key text, channel text, value_on date,
amount_ore bigint, principal_ore bigint, interest_ore bigint, fees_ore bigint, accrued_ore bigint,
accrued_on date, rules text, is_plain boolean, to_fees bigint, to_interest bigint,
to_principal bigint, overpaid_ore bigint, left_ore bigint, terms jsonb
"""
# A statement of its own: what is read in the one that waits for a lock may be older than the lock.
_LOCK = text("select id from cases where id = any(:cases) order by id for update")
# A letter whose fee falls when the money closes its case.
_UNSENT = """
select from messages m where m.case_id = c.id and m.status in ('waiting', 'failed')
    and m.kind in ('reminder', 'demand', 'plan')
"""
_FIND = f"""
with {owed.COME_TO}, given as (
    select distinct on (g.case_id) g.*
    from unnest(cast(:cases as bigint[]), cast(:amounts as bigint[]), cast(:keys as text[]),
        cast(:channels as text[]), cast(:days as date[]))
        with ordinality as g (case_id, amount_ore, key, channel, value_on, place)
    where not exists (
        select from ledger_entries e where e.idempotency_key = 'payment:' || g.key
    )
    order by g.case_id, g.place
)
insert into reda_receiving
select c.id, c.creditor_id, c.currency, g.key, g.channel, g.value_on, g.amount_ore, b.principal,
    b.interest, b.fees,
    case when c.interest_kind = 'none' or t.until <= t.from_on then 0
        else reda_interest(b.principal, {owed.come_to("r", "c.interest_kind", "t.until")}
            - {owed.come_to("r", "c.interest_kind", "t.from_on")}) end,
    t.until,
    json_build_array(own.id, class.id, customer.id)::text,
    c.closed_on is null and g.amount_ore > 0 and g.value_on >= :known_from
        and coalesce(greatest(b.booked_through, b.charged_on) <= g.value_on, true)
        and b.principal >= 0 and b.interest >= 0 and b.fees >= 0
        and (c.interest_kind = 'none' or coalesce(b.paid_on <= t.from_on, true))
        and (c.interest_kind = 'none' or t.until <= t.from_on
            or {owed.come_to("r", "c.interest_kind", "t.from_on")} is not null)
        and not (b.charged_on is not null and exists ({_UNSENT}))
from given g
join cases c on c.id = g.case_id
join debtors d on d.id = c.debtor_id
{sets.RULES}
{sets.BOOKS}
cross join lateral (
    select greatest(c.due_on, b.booked_through) as from_on,
        case c.interest_kind when 'none' then g.value_on
            else least(g.value_on, cast(:known_through as date)) end as until,
        case c.interest_kind when 'agreed' then c.agreed_rate end as agreed
) t
left join come_to r on r.agreed = t.agreed
"""  # noqa: S608
# The law's order: costs, interest, principal (law/settlement.py).
_SETTLE = """
update reda_receiving m set
    to_fees = p.to_fees, to_interest = p.to_interest, to_principal = p.to_principal,
    overpaid_ore = m.amount_ore - p.to_fees - p.to_interest - p.to_principal,
    left_ore = m.fees_ore + m.interest_ore + m.accrued_ore + m.principal_ore
        - p.to_fees - p.to_interest - p.to_principal,
    terms = case when m.fees_ore + m.interest_ore + m.accrued_ore + m.principal_ore
        - p.to_fees - p.to_interest - p.to_principal <= r.small_rest_ore then r.told end
from jsonb_to_recordset(cast(:rules as jsonb)) as r (rules text, small_rest_ore bigint, told jsonb),
    reda_receiving same
    cross join lateral (select least(same.amount_ore, same.fees_ore) as to_fees) a
    cross join lateral (
        select least(same.amount_ore - a.to_fees, same.interest_ore + same.accrued_ore)
            as to_interest
    ) b
    cross join lateral (
        select a.to_fees, b.to_interest,
            least(same.amount_ore - a.to_fees - b.to_interest, same.principal_ore) as to_principal
    ) p
where r.rules = m.rules and same.case_id = m.case_id and m.is_plain
"""
_INTEREST = """
select creditor_id, case_id, 'interest.accrued' as kind, accrued_on as booked_on,
    'interest:' || key as key, currency, accrued_ore as interest, -accrued_ore as claims
from reda_receiving where is_plain and accrued_ore <> 0 order by case_id
"""
_PAYMENT = """
select creditor_id, case_id, 'payment.' || channel as kind, value_on as booked_on,
    'payment:' || key as key, currency, amount_ore as client_funds, -to_fees as fees,
    -to_interest as interest, -to_principal as principal, -overpaid_ore as over_payment,
    to_interest + to_principal as claims, -(to_interest + to_principal) as owed_to_creditor
from reda_receiving where is_plain order by case_id
"""
_MAY_BE_CHARGED = f"""
select 'payment:' || m.key from reda_receiving m
where m.is_plain and {surveillance.was_ever_watched_sql("m.case_id")}
"""  # noqa: S608
_REST = """
select creditor_id, case_id, 'rest.written_off' as kind, value_on as booked_on,
    'rest:' || key as key, currency, to_principal - principal_ore as principal,
    to_interest - interest_ore - accrued_ore as interest, to_fees - fees_ore as fees,
    principal_ore + interest_ore + accrued_ore - to_principal - to_interest as claims,
    fees_ore - to_fees as bad_debt
from reda_receiving where is_plain and terms is not null and left_ore > 0 order by case_id
"""
_TELL = """
select creditor_id, case_id, 'case.payment_received' as name, cast(:now as timestamptz),
    cast(:actor as text), cast(:person as bigint), jsonb_build_object(
        'amount_ore', amount_ore, 'channel', channel, 'value_on', value_on, 'fees_ore', to_fees,
        'interest_ore', to_interest, 'principal_ore', to_principal, 'overpaid_ore', overpaid_ore,
        'left_ore', left_ore, 'owed', jsonb_build_object('fees_ore', fees_ore,
            'interest_ore', interest_ore + accrued_ore, 'principal_ore', principal_ore)
    )
from reda_receiving where is_plain order by case_id
"""
_TELL_PAID = """
select creditor_id, case_id, 'case.paid' as name, cast(:now as timestamptz),
    cast(:system as text), null::bigint, jsonb_build_object('closed_on', value_on,
        'rest_ore', left_ore, 'terms', case when left_ore > 0 then terms else '{}' end)
from reda_receiving where is_plain and terms is not null order by case_id
"""
_MOVE = f"""
update cases c set
    limited_on = case when m.value_on >= c.limited_on then c.limited_on else greatest(
        c.limited_on, (m.value_on + make_interval(years => p.years))::date + 1) end,
    status = case when m.terms is null then c.status else '{states.PAID}' end,
    next_step = case when m.terms is null then c.next_step end,
    next_step_on = case when m.terms is null then c.next_step_on end,
    pay_by_on = case when m.terms is null then c.pay_by_on end,
    closed_on = case when m.terms is null then c.closed_on else m.value_on end,
    is_stopped = m.terms is null and c.is_stopped
from reda_receiving m
join jsonb_to_recordset(cast(:periods as jsonb))
    as p (is_consumer boolean, years integer, from_on date, to_on date)
    on p.from_on <= m.value_on and m.value_on <= coalesce(p.to_on, 'infinity')
where c.id = m.case_id and m.is_plain and p.is_consumer = c.is_consumer
"""  # noqa: S608
_END = (
    """
    update case_stops s set ended_at = :now
    from reda_receiving m
    where m.is_plain and m.terms is not null and s.case_id = m.case_id and s.ended_at is null
    """,
    """
    update disputes d set status = 'lapsed', answered_at = :now
    from reda_receiving m
    where m.is_plain and m.terms is not null and d.case_id = m.case_id and d.status = 'open'
    """,
    """
    update case_tellings t set settled_at = :now, outcome = 'lapsed'
    from reda_receiving m
    where m.is_plain and m.terms is not null and t.case_id = m.case_id and t.settled_at is null
        and t.stop <> 'correction'
    """,
    """
    update plans p set status = 'kept', ended_on = m.value_on
    from reda_receiving m
    where m.is_plain and m.terms is not null and p.case_id = m.case_id and p.status = 'running'
    """,
)


def settle_many(
    received: Sequence[Received], *, actor: Actor, now: datetime
) -> dict[str, Settled | Problem]:
    """Settle payments, each once; answers by key what those not settled before covered.

    A payment that the law's rules cannot settle is left, and answered with the reason. The cases
    are locked in the order of their ids. Payments of one case are settled in the order of their
    days, and of one day in the order given; of two with one key, the first.
    """
    done: dict[str, Settled | Problem] = {}
    by_key: dict[str, Received] = {}
    for one in received:
        by_key.setdefault(one.key, one)
    waiting = sorted(by_key.values(), key=lambda one: (one.case_id, one.value_on))
    while waiting:
        some, later = _firsts(waiting)
        done |= _settle_some(some, actor=actor, now=now)
        waiting = later
    return done


def _firsts(waiting: Sequence[Received]) -> tuple[list[Received], list[Received]]:
    """One payment of each case, of as many cases as are settled at once; and the others."""
    firsts: dict[int, Received] = {}
    later = []
    for one in waiting:
        if one.case_id in firsts or len(firsts) == MOST_AT_ONCE:
            later.append(one)
        else:
            firsts[one.case_id] = one
    return list(firsts.values()), later


def _settle_some(
    some: Sequence[Received], *, actor: Actor, now: datetime
) -> dict[str, Settled | Problem]:
    db.session.flush()
    sets.begin()
    sets.empty("reda_receiving", _RECEIVING)
    ids = [one.case_id for one in some]
    db.session.execute(_LOCK, {"cases": ids}).all()
    agreed = select(Case.agreed_rate).where(Case.id.in_(ids), Case.interest_kind == AGREED)
    found = sets.run(
        _FIND,
        {
            "cases": ids,
            "known_from": limitation.KNOWN_FROM,
            "amounts": [one.amount_ore for one in some],
            "keys": [one.key for one in some],
            "channels": [one.channel for one in some],
            "days": [one.value_on for one in some],
            **owed.half_years(
                max(one.value_on for one in some), db.session.scalars(agreed.distinct()).all()
            ),
        },
    )
    if not found:
        return {}
    sets.know("reda_receiving")
    if sets.run(_SETTLE, {"rules": _rules()}):
        _write_down(actor, now)
    rows = db.session.execute(
        text(
            "select key, to_fees, to_interest, to_principal, overpaid_ore,"
            " case when terms is null then left_ore else 0 end, is_plain from reda_receiving"
        )
    ).all()
    done: dict[str, Settled | Problem] = {
        row[0]: Settled(Settlement(*row[1:5]), row[5]) for row in rows if row[6]
    }
    alone = {row[0] for row in rows if not row[6]}
    return done | _settle_alone([one for one in some if one.key in alone], actor, now)


def _settle_alone(
    some: Sequence[Received], actor: Actor, now: datetime
) -> dict[str, Settled | Problem]:
    done: dict[str, Settled | Problem] = {}
    for one in some:
        if one.amount_ore <= 0:
            done[one.key] = Problem(N_("A payment must be above zero."))
            continue
        try:
            with db.session.begin_nested():
                settled = settling.settle_payment(
                    cases.lock(one.case_id), amount_ore=one.amount_ore, key=one.key,
                    channel=one.channel, value_on=one.value_on, actor=actor, now=now,
                )  # fmt: skip
        except LawError as error:
            done[one.key] = error.problem
            continue
        if settled is not None:
            done[one.key] = settled
    return done


def _write_down(actor: Actor, now: datetime) -> None:
    """Book and tell what the payments covered, and close the cases that they settled."""
    owed_accounts = (Account.PRINCIPAL, Account.INTEREST, Account.FEES, Account.CLAIMS)
    ledger.post_many(text(_INTEREST), [Account.INTEREST, Account.CLAIMS], now=now)
    ledger.post_many(
        text(_PAYMENT),
        [*owed_accounts, Account.CLIENT_FUNDS, Account.OVER_PAYMENT, Account.OWED_TO_CREDITOR],
        now=now,
    )
    watched = db.session.scalars(text(_MAY_BE_CHARGED)).all()
    if watched:
        commission.charge(watched, now=now)
    history.record_many(text(_TELL).bindparams(now=now, actor=actor.label, person=actor.person_id))
    ledger.post_many(text(_REST), [*owed_accounts, Account.BAD_DEBT], now=now)
    sets.run(
        _MOVE, {"periods": json.dumps([asdict(one) for one in limitation.PERIODS], default=str)}
    )
    for ending in _END:
        sets.run(ending, {"now": now})
    outbox.withdraw_unsent(
        *db.session.scalars(
            text("select case_id from reda_receiving where is_plain and terms is not null")
        )
    )
    history.record_many(text(_TELL_PAID).bindparams(now=now, system=SYSTEM.label))
    db.session.expire_all()


def _rules() -> str:
    """The small rest that each set of rules lets go, as JSON."""
    told = db.session.scalars(text("select distinct rules from reda_receiving where is_plain"))
    return json.dumps(
        [
            {
                "rules": one,
                "small_rest_ore": rules.small_rest_ore,
                "told": rules.chosen("small_rest_ore"),
            }
            for one, rules in sets.effective(told).items()
        ]
    )
