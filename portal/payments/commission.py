"""Commission on money that comes for a case under long-term surveillance.

Of the principal and interest that a payment covers, by the price on the payment's own day: the
company's agreed one, else the service's. It is rounded to whole öre payment by payment, half an öre
upwards, and the tax on it likewise: so each payment's entry balances by itself, and a statement is
the sum of its rows. When a payment turns out to cover less or more than it did, also when it is
taken back, a row of its own makes the commission that of what it covers (`follow`).

A price holds from a day that is still to come and is never changed, so that nothing that has been
is reckoned anew; until that day another one from the same day takes its place. A commission keeps
the price that it was reckoned by.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import or_, select, text
from sqlalchemy.orm import aliased

from portal import ledger
from portal.collection import surveillance
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from portal.law import vat
from portal.ledger import Account
from portal.messages import N_, RedaError
from portal.payments.models import Commission, CommissionPrice

HIGHEST_PER_CENT = 50
# By the service agreement, version 3, section 3: of a higher price of the service's own list.
NOTICE_DAYS = 30
LONGEST_NOTE = 200
_ACCOUNTS = (Account.OWED_BY_CREDITOR, Account.COMMISSION_INCOME, Account.VAT_OWED)

# The rates of value added tax, of which a row's day finds its own.
RATES = """jsonb_to_recordset(cast(:rates as jsonb)) as
    v (from_on date, until_on date, per_cent integer)"""
_CHARGE = f"""
insert into commissions (
    creditor_id, case_id, key, payment_key, is_direct, value_on, currency, base_ore, price_id,
    basis_points, ore, vat_per_cent, vat_ore, booked_at
)
select creditor_id, case_id, 'commission:' || idempotency_key, idempotency_key, is_direct,
    booked_on, currency, base_ore, price_id, basis_points, ore, per_cent,
    (ore * per_cent + 50) / 100, :now
from (
    select e.creditor_id, e.case_id, e.idempotency_key, e.kind = :direct as is_direct, e.booked_on,
        l.currency, l.base_ore, p.price_id, p.basis_points, v.per_cent,
        (l.base_ore * p.basis_points + 5000) / 10000 as ore
    from ledger_entries e
    cross join lateral (
        select min(currency) as currency, -sum(amount_ore)::bigint as base_ore
        from ledger_lines where entry_id = e.id and account in ('principal', 'interest')
    ) l
    cross join lateral (
        select coalesce(own.id, common.id) as price_id,
            coalesce(own.basis_points, common.basis_points) as basis_points
        from (select) x
        left join lateral (
            select * from (
                select id, basis_points from commission_prices
                where creditor_id = e.creditor_id and from_on <= e.booked_on
                order by from_on desc, id desc limit 1
            ) newest where basis_points is not null
        ) own on true
        left join lateral (
            select id, basis_points from commission_prices
            where creditor_id is null and from_on <= e.booked_on
            order by from_on desc, id desc limit 1
        ) common on true
    ) p
    join {RATES} on e.booked_on between v.from_on and v.until_on
    where e.idempotency_key = any(:keys)
        and {surveillance.is_watched_sql("e.case_id", "e.booked_on")}
) reckoned
where ore > 0
on conflict (key) do nothing
returning id
"""  # noqa: S608
_ENTRIES = text(
    """
    select creditor_id, case_id, :kind as kind, value_on as booked_on, key, currency,
        ore + vat_ore as owed_by_creditor, -ore as commission_income, -vat_ore as vat_owed
    from commissions where id = any(:ids) order by id
    """
)


def rates() -> str:
    """The rates of value added tax with their days, as `RATES` reads them."""
    until = [*(one.from_on for one in vat.RATES[1:]), None]
    return json.dumps(
        [
            {
                "from_on": str(one.from_on),
                # The day before the next one begins.
                "until_on": str(date.fromordinal(end.toordinal() - 1)) if end else "infinity",
                "per_cent": one.per_cent,
            }
            for one, end in zip(vat.RATES, until, strict=True)
        ]
    )


def charge(keys: Sequence[str], *, now: datetime) -> int:
    """Charge what is due of payments that were just booked; each once. Answers of how many.

    keys: of the payments' ledger entries, with their cases locked. A payment to the creditor
    directly counts as one to us does.
    """
    # Prices are the service's, and whoever tells of a payment to the creditor is not.
    with tenancy.service():
        ids = db.session.scalars(
            text(_CHARGE),
            {"keys": list(keys), "now": now, "direct": "payment.direct", "rates": rates()},
        ).all()
        if ids:
            ledger.post_many(
                _ENTRIES.bindparams(kind=ledger.COMMISSION, ids=list(ids)), _ACCOUNTS, now=now
            )
    return len(ids)


def follow(case_id: int, payment_key: str, *, as_key: str, now: datetime) -> bool:
    """Let the commission on a payment be that on what it covers by now. Answers whether it changed.

    To be called when a payment is taken back or counted anew, or that is taken back. Of what it
    covers less, commission is taken back by the price that it was charged by, so that what stands
    is that of what is left, to the öre. payment_key: of the payment's ledger entry. as_key: of the
    entry that changed what it covers.
    """
    with tenancy.service():
        rows = _charged(case_id, payment_key)
        if not rows:
            # Watched or not, it covered nothing to charge of until then.
            return charge([as_key], now=now) > 0
        first, covers_ore = rows[0], ledger.collected(case_id, payment_key)
        base_ore = covers_ore - sum(one.base_ore for one in rows)
        ore = _half_up(covers_ore * first.basis_points, 10_000)
        more_ore = ore - sum(one.ore for one in rows)
        vat_ore = _half_up(ore * first.vat_per_cent, 100) - sum(one.vat_ore for one in rows)
        if not more_ore:
            return False
        key, is_less = f"commission:{as_key}", more_ore < 0
        is_new = ledger.post(
            creditor_id=first.creditor_id, case_id=case_id,
            kind=ledger.COMMISSION_TAKEN_BACK if is_less else ledger.COMMISSION,
            booked_on=first.value_on, key=key, currency=first.currency, now=now,
            lines=dict(zip(_ACCOUNTS, (more_ore + vat_ore, -more_ore, -vat_ore), strict=True)),
        )  # fmt: skip
        if is_new:
            db.session.add(
                Commission(
                    creditor_id=first.creditor_id, case_id=case_id, key=key,
                    payment_key=payment_key, is_direct=False, value_on=first.value_on,
                    currency=first.currency, base_ore=base_ore,
                    price_id=first.price_id, basis_points=first.basis_points, ore=more_ore,
                    vat_per_cent=first.vat_per_cent, vat_ore=vat_ore, booked_at=now,
                    takes_back_id=first.id if is_less else None,
                )
            )  # fmt: skip
            db.session.flush()
    return is_new


def _charged(case_id: int, payment_key: str) -> Sequence[Commission]:
    """What was charged and taken back of a payment, also where it was counted anew, in order."""
    return db.session.scalars(
        select(Commission)
        .where(
            Commission.case_id == case_id,
            or_(
                Commission.payment_key == payment_key,
                Commission.payment_key.endswith(f":{payment_key}", autoescape=True),
            ),
        )
        .order_by(Commission.id)
    ).all()


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


@dataclass(frozen=True)
class Price:
    """A price of the list. basis_points: hundredths of a per cent; None: the service's own again.

    creditor_id, creditor_name: whose agreed price it is; None: the service's own. is_replaced: one
    that was added later holds from the same day.
    """

    id: int
    creditor_id: int | None
    creditor_name: str | None
    from_on: date
    basis_points: int | None
    note: str
    made_by: str
    made_at: datetime
    is_used: bool
    is_replaced: bool

    @property
    def per_cent(self) -> Decimal | None:
        """Per cent of what comes in, without tax."""
        return None if self.basis_points is None else Decimal(self.basis_points) / 100


def prices() -> list[Price]:
    """The price list: the service's own, then companies' by name, each the newest first."""
    later = aliased(CommissionPrice)
    used = select(Commission.id).where(Commission.price_id == CommissionPrice.id).exists()
    replaced = (
        select(later.id)
        .where(
            later.creditor_id.is_not_distinct_from(CommissionPrice.creditor_id),
            later.from_on == CommissionPrice.from_on,
            later.id > CommissionPrice.id,
        )
        .exists()
    )
    rows = db.session.execute(
        select(CommissionPrice, Creditor.name, used, replaced)
        .outerjoin(Creditor, Creditor.id == CommissionPrice.creditor_id)
        .order_by(
            Creditor.name.nulls_first(),
            CommissionPrice.creditor_id,
            CommissionPrice.from_on.desc(),
            CommissionPrice.id.desc(),
        )
    )
    return [_price(*row) for row in rows]


def _price(row: CommissionPrice, name: str | None, is_used: bool, is_replaced: bool) -> Price:
    return Price(
        row.id, row.creditor_id, name, row.from_on, row.basis_points, row.note, row.made_by,
        row.made_at, is_used, is_replaced,
    )  # fmt: skip


@dataclass(frozen=True)
class Holds:
    """What a company pays from a day on, in per cent without tax; 0 when nothing."""

    from_on: date | None
    per_cent: Decimal


def of_company(creditor_id: int, today: date) -> list[Holds]:
    """What a company pays today, and what it will pay from days that are known.

    from_on: None of what has always held.
    """
    with tenancy.service():
        rows = db.session.scalars(
            select(CommissionPrice)
            .where(
                (CommissionPrice.creditor_id == creditor_id) | CommissionPrice.creditor_id.is_(None)
            )
            .order_by(CommissionPrice.from_on, CommissionPrice.id)
        ).all()
        own = {one.from_on: one.basis_points for one in rows if one.creditor_id is not None}
        common = {one.from_on: one.basis_points for one in rows if one.creditor_id is None}
    found: list[Holds] = [Holds(None, Decimal(0))]
    for day in sorted({*own, *common}):
        per_cent = _per_cent_on(own, common, day)
        if day <= today:
            found = [Holds(day if per_cent != found[0].per_cent else found[0].from_on, per_cent)]
        elif per_cent != found[-1].per_cent:
            found.append(Holds(day, per_cent))
    return found


def _per_cent_on(own: dict[date, int | None], common: dict[date, int | None], on: date) -> Decimal:
    agreed = _newest(own, on)
    held = _newest(common, on) if agreed is None else agreed
    return Decimal(held or 0) / 100


def _newest(listed: dict[date, int | None], on: date) -> int | None:
    day = max((one for one in listed if one <= on), default=None)
    return None if day is None else listed[day]


def add_price(
    creditor_id: int | None,
    *,
    from_on: date,
    per_cent: Decimal | None,
    note: str,
    actor: Actor,
    today: date,
    now: datetime,
) -> None:
    """Add a price to the list.

    creditor_id: whose agreed price it is; None: the service's own. per_cent: of what comes in,
    without tax, with at most two decimals; None: a company pays the service's own price again.
    Raises RedaError at the field `from_on`, `per_cent` or `note`.
    """
    if from_on <= today:
        raise RedaError(
            N_("A price holds from tomorrow at the earliest, so that nothing past changes."),
            field="from_on",
        )
    if per_cent is None and creditor_id is None:
        raise RedaError(N_("Write the price in per cent."), field="per_cent")
    points = None if per_cent is None else per_cent * 100
    if points is not None and (points != int(points) or not 0 <= points <= HIGHEST_PER_CENT * 100):
        raise RedaError(
            N_("Write a price from 0 to %(highest)s per cent, with at most two decimals."),
            field="per_cent",
            highest=HIGHEST_PER_CENT,
        )
    if creditor_id is None and points is not None and _is_raised(points, from_on, today):
        raise RedaError(
            N_("A higher price holds from %(days)s days after it is added at the earliest."),
            field="from_on",
            days=NOTICE_DAYS,
        )
    if len(note) > LONGEST_NOTE:
        raise RedaError(N_("Write at most %(most)s characters."), field="note", most=LONGEST_NOTE)
    held = db.session.scalar(
        select(CommissionPrice)
        .where(
            CommissionPrice.creditor_id.is_not_distinct_from(creditor_id),
            CommissionPrice.from_on == from_on,
        )
        .order_by(CommissionPrice.id.desc())
        .limit(1)
    )
    if held is not None and held.basis_points == points:
        return
    db.session.add(
        CommissionPrice(
            creditor_id=creditor_id, from_on=from_on,
            basis_points=None if points is None else int(points), note=note.strip(),
            made_by=actor.name or actor.kind, made_at=now,
        )
    )  # fmt: skip
    db.session.flush()


def _is_raised(points: Decimal, from_on: date, today: date) -> bool:
    """Whether a price of the service's own would be higher than the one before, too soon."""
    if from_on >= today + timedelta(days=NOTICE_DAYS):
        return False
    held = db.session.scalar(
        select(CommissionPrice.basis_points)
        .where(CommissionPrice.creditor_id.is_(None), CommissionPrice.from_on < from_on)
        .order_by(CommissionPrice.from_on.desc(), CommissionPrice.id.desc())
        .limit(1)
    )
    return points > (held or 0)


def companies() -> list[tuple[int, str]]:
    """The companies that a price may be agreed with, by id and name."""
    rows = db.session.execute(select(Creditor.id, Creditor.name).order_by(Creditor.name))
    return [(id_, name) for id_, name in rows]
