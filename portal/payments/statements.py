"""What the service charges a company, month by month: its invoice, which is made once and frozen.

Charges are lines of the ledger on what the company owes: commission, fees that it bears itself, and
signatures. Each is on one statement for ever, the first that is made after it was booked, so that
what is booked late comes in the next month, with its own day, and the statements and what waits for
one are together what the books say. The tax on fees and the price of signatures are booked here, on
the month's last day.

Source of what a statement says: mervärdesskattelagen (2023:200) 17 kap. 24 § (before 2023-07-01
mervärdesskattelagen 1994:200 11 kap. 8 §, with the same list: Skatteverket, Rättslig vägledning,
“Fakturans innehåll”; directive 2006/112/EC art. 226): the day it is issued, a number of a series
that names it alone, the seller's VAT number, both parties' names and addresses, what was supplied
and how much, when, the taxable amount for each rate and the price of each without tax, the rate,
the tax. What takes back something of an earlier statement names it by its number (17 kap. 22 §).
In another currency it states the tax in kronor as well, and waits for the rate (`law.vat`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import InstrumentedAttribute

from portal import ledger
from portal.collection import history
from portal.companies import addresses
from portal.extensions import db, settings
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.identity.people import new_key
from portal.law import vat
from portal.ledger import Account
from portal.payments import commission, exchange_rates, payouts
from portal.payments.models import (
    Commission,
    ExchangeRate,
    Payout,
    ServiceStatement,
    ServiceStatementLine,
)
from portal.signing import usage

log = structlog.get_logger()
COMMISSION, FEES, SIGNATURES = SECTIONS = ("commission", "fees", "signatures")
_KRONOR = "SEK"
# Of the advisory lock on the series of numbers.
_SERIES = 0x57A7E

_COLUMNS = """line_id, creditor_id, section, kind, case_id, on_day, is_direct, base_ore,
    basis_points, quantity, net_ore, vat_per_cent, vat_ore, amount_ore, of_number"""
# Commission and fees that are on no statement, booked on a day or before it.
_WAITING = f"""
select l.id as line_id, l.creditor_id,
    case when c.id is null then 'fees' else 'commission' end as section, e.kind, l.case_id,
    l.booked_on as on_day, coalesce(c.is_direct, false) as is_direct, c.base_ore, c.basis_points,
    cast(null as bigint) as quantity, coalesce(c.ore, l.amount_ore) as net_ore,
    coalesce(c.vat_per_cent, v.per_cent) as vat_per_cent, coalesce(c.vat_ore, 0) as vat_ore,
    l.amount_ore, earlier.number as of_number
from ledger_lines l
join ledger_entries e on e.id = l.entry_id
join {commission.RATES} on l.booked_on between v.from_on and v.until_on
left join commissions c on c.key = e.idempotency_key
left join lateral (
    select s.number from commissions t
    join ledger_entries te on te.idempotency_key = t.key
    join ledger_lines tl on tl.entry_id = te.id and tl.account = 'owed_by_creditor'
    join service_statement_lines x on x.line_id = tl.id
    join service_statements s on s.key = x.statement_key
    where t.id = c.takes_back_id
) earlier on true
where l.creditor_id = :creditor_id and l.account = 'owed_by_creditor' and l.currency = :currency
    and l.booked_on <= :until and (c.id is not null or e.kind like 'creditor_fee.%')
    and not exists (select from service_statement_lines x where x.line_id = l.id)
"""  # noqa: S608
_IS_WAITING = text(f"select exists (select from ({_WAITING}) waiting)")  # noqa: S608
_TAKE = text(
    f"insert into service_statement_lines (statement_key, {_COLUMNS})"  # noqa: S608
    f" select :key, {_COLUMNS} from ({_WAITING}) waiting"
)
# Half an öre is rounded up, fee by fee.
_FEES_VAT = """sum((net_ore * vat_per_cent + 50) / 100)::bigint"""
# Fees that debtors have paid up to a day, less those that earlier statements tell of.
_FEES_PAID = text(
    """
    select -coalesce(sum(l.amount_ore), 0)::bigint
        - (select coalesce(sum(s.fees_ore), 0)::bigint from service_statements s
           where s.creditor_id = :creditor_id and s.currency = :currency)
    from ledger_lines l
    join ledger_entries e on e.id = l.entry_id
    where l.creditor_id = :creditor_id and l.account = 'fees' and l.currency = :currency
        and l.booked_on <= :until and e.kind like 'payment.%'
    """
)
_FEES_SINCE = text(
    """
    select -sum(l.amount_ore)::bigint from ledger_lines l
    join ledger_entries e on e.id = l.entry_id
    where l.creditor_id = :creditor_id and l.account = 'fees' and l.currency = :currency
        and l.booked_on between :since and :until and e.kind like 'payment.%'
    """
)
_FIRST_DAY = text(
    """
    select min(l.booked_on) from ledger_lines l
    where l.creditor_id = :creditor_id and l.currency = :currency
        and l.account in ('owed_by_creditor', 'fees')
    """
)


@dataclass(frozen=True)
class Rate:
    """What is charged at one rate of tax, in öre. net_ore: the taxable amount."""

    per_cent: int
    net_ore: int
    vat_ore: int


@dataclass(frozen=True)
class Sums:
    """What charges come to, in öre. sections: without tax, by SECTIONS."""

    sections: dict[str, int]
    rates: Sequence[Rate]

    @property
    def net_ore(self) -> int:
        return sum(self.sections.values())

    @property
    def vat_ore(self) -> int:
        return sum(one.vat_ore for one in self.rates)

    @property
    def total_ore(self) -> int:
        return self.net_ore + self.vat_ore


@dataclass(frozen=True)
class SoFar:
    """What waits for a company's next statement. fees_ore: that debtors have paid, as there."""

    currency: str
    first_on: date
    sums: Sums
    fees_ore: int


@dataclass(frozen=True)
class SetOff:
    """What of a statement a payout has set off, in öre."""

    payout: Payout
    ore: int


def make_due(creditor_id: int, *, today: date, now: datetime) -> list[ServiceStatement]:
    """Make the statements of the months that have ended, each once; one in each currency.

    A month in which nothing was charged, and no debtor paid a fee, has none. One in another
    currency waits, and those after it, until the rate of exchange is told (`exchange_rates`).
    """
    # One at a time at each company; entries may be written to its books meanwhile.
    db.session.get_one(Creditor, creditor_id, with_for_update={"key_share": True})
    until = today.replace(day=1) - timedelta(days=1)
    made = []
    for currency in _currencies(creditor_id):
        first_on = _next_first_day(creditor_id, currency)
        begins = None if first_on is None else first_on.replace(day=1)
        while begins is not None and first_on is not None and begins <= until:
            last_on = last_day(begins)
            rate = None
            if currency != _KRONOR and _is_charged(creditor_id, currency, last_on):
                rate = exchange_rates.of_month(currency, last_on, now=now)
                if rate is None:
                    log.warning("statement.waits_for_rate", creditor=creditor_id, on=str(last_on))
                    break
            one = _make(creditor_id, currency, first_on, last_on, now, rate)
            if one is not None:
                made.append(one)
            begins = first_on = last_on + timedelta(days=1)
    return made


def _is_charged(creditor_id: int, currency: str, until: date) -> bool:
    asked = {"creditor_id": creditor_id, "currency": currency, "until": until}
    return bool(db.session.scalar(_IS_WAITING, {**asked, "rates": commission.rates()}))


def last_day(on: date) -> date:
    """The last day of the month of a day."""
    return (on.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _currencies(creditor_id: int, since: date | None = None) -> list[str]:
    known = ledger.charged_currencies(creditor_id, since)
    return sorted({*known, _KRONOR} if usage.used(creditor_id) else known)


def _latest(creditor_id: int, currency: str) -> ServiceStatement | None:
    return db.session.scalar(
        select(ServiceStatement)
        .where(ServiceStatement.creditor_id == creditor_id, ServiceStatement.currency == currency)
        .order_by(ServiceStatement.last_on.desc())
        .limit(1)
    )


def _next_first_day(creditor_id: int, currency: str) -> date | None:
    latest = _latest(creditor_id, currency)
    if latest is not None:
        return latest.last_on + timedelta(days=1)
    told = db.session.scalar(_FIRST_DAY, {"creditor_id": creditor_id, "currency": currency})
    counted = usage.first_day(creditor_id) if currency == _KRONOR else None
    days = [one for one in (told, counted) if one is not None]
    return min(days).replace(day=1) if days else None


def _make(
    creditor_id: int,
    currency: str,
    first_on: date,
    last_on: date,
    now: datetime,
    rate: ExchangeRate | None,
) -> ServiceStatement | None:
    key = new_key(12)
    asked = {"creditor_id": creditor_id, "currency": currency, "until": last_on}
    db.session.execute(_TAKE, {**asked, "key": key, "rates": commission.rates()})
    _charge_fees_vat(key, creditor_id, currency, last_on, now)
    latest = _latest(creditor_id, currency)
    through = latest.signatures_through if latest else 0
    if currency == _KRONOR:
        through = _charge_signatures(key, creditor_id, through, last_on, now)
    fees_ore = int(db.session.scalar(_FEES_PAID, asked) or 0)
    sums = sums_of(key)
    if not sums.rates and not fees_ore:
        return None
    statement = ServiceStatement(
        key=key, number=_next_number(), creditor_id=creditor_id, currency=currency,
        first_on=first_on, last_on=last_on, made_at=now, net_ore=sums.net_ore,
        vat_ore=sums.vat_ore, total_ore=sums.total_ore, fees_ore=fees_ore,
        signatures_through=through,
        content={**_parties(creditor_id), **_in_kronor(sums.vat_ore, rate)},
    )  # fmt: skip
    db.session.add(statement)
    db.session.flush()
    history.record(
        "statement.made", creditor_id=creditor_id, actor=SYSTEM, now=now, number=statement.number,
        first_on=first_on.isoformat(), last_on=last_on.isoformat(), currency=currency,
        total_ore=statement.total_ore,
    )  # fmt: skip
    return statement


def _in_kronor(vat_ore: int, rate: ExchangeRate | None) -> dict[str, object]:
    """The tax in kronor, with its rate of exchange, as JSON values."""
    if rate is None or rate.rate is None:
        return {}
    told = {
        "vat_ore": vat.in_kronor(vat_ore, rate.rate), "rate": str(rate.rate.normalize()),
        "on": rate.on_day.isoformat(), "source": rate.source,
    }  # fmt: skip
    return {"in_kronor": told}


def _charge_fees_vat(
    key: str, creditor_id: int, currency: str, last_on: date, now: datetime
) -> None:
    rows = db.session.execute(
        text(
            f"select vat_per_cent, sum(net_ore)::bigint, {_FEES_VAT} from service_statement_lines"  # noqa: S608
            " where statement_key = :key and section = 'fees' group by vat_per_cent order by 1"
        ),
        {"key": key},
    ).all()
    for per_cent, base_ore, vat_ore in rows:
        _charge(
            key, creditor_id, f"{ledger.FEES_VAT}:{key}:{per_cent}", section=FEES,
            kind=ledger.FEES_VAT, on=last_on, currency=currency, net_ore=0, vat_ore=vat_ore,
            per_cent=per_cent, base_ore=base_ore, now=now,
        )  # fmt: skip


def _charge_signatures(
    key: str, creditor_id: int, through: int, last_on: date, now: datetime
) -> int:
    for one in usage.charged(creditor_id, after=through, until=last_on):
        _charge(
            key, creditor_id, f"{ledger.SIGNATURES}:{creditor_id}:{one.last_number}",
            section=SIGNATURES, kind=ledger.SIGNATURES, on=one.last_on, currency=_KRONOR,
            net_ore=one.ore, vat_ore=vat.on_top(one.ore, one.last_on),
            per_cent=vat.rate(one.last_on).per_cent, quantity=one.signatures, now=now,
        )  # fmt: skip
        through = max(through, one.last_number)
    return through


def _charge(
    statement_key: str,
    creditor_id: int,
    entry_key: str,
    *,
    section: str,
    kind: str,
    on: date,
    currency: str,
    net_ore: int,
    vat_ore: int,
    per_cent: int,
    now: datetime,
    base_ore: int | None = None,
    quantity: int | None = None,
) -> None:
    """Book a charge of no case and put it on the statement."""
    amount_ore = net_ore + vat_ore
    if not amount_ore:
        return
    ledger.post(
        creditor_id=creditor_id, case_id=None, kind=kind, booked_on=on, key=entry_key,
        lines={
            Account.OWED_BY_CREDITOR: amount_ore, Account.SIGNATURE_INCOME: -net_ore,
            Account.VAT_OWED: -vat_ore,
        },
        currency=currency, now=now,
    )  # fmt: skip
    db.session.add(
        ServiceStatementLine(
            line_id=ledger.line_id(entry_key, Account.OWED_BY_CREDITOR),
            statement_key=statement_key, creditor_id=creditor_id, section=section, kind=kind,
            case_id=None, on_day=on, is_direct=False, base_ore=base_ore, basis_points=None,
            quantity=quantity, net_ore=net_ore, vat_per_cent=per_cent, vat_ore=vat_ore,
            amount_ore=amount_ore, of_number=None,
        )
    )  # fmt: skip
    db.session.flush()


def _next_number() -> int:
    # Held until the transaction ends: a number that is taken is there, or is taken again.
    db.session.execute(select(func.pg_advisory_xact_lock(_SERIES)))
    return (db.session.scalar(select(func.max(ServiceStatement.number))) or 0) + 1


def _parties(creditor_id: int) -> dict[str, object]:
    ours, creditor = settings(), db.session.get_one(Creditor, creditor_id)
    return {
        "seller": {
            "name": ours.service_name,
            "organisation_number": ours.service_organisation_number,
            "vat_number": ours.vat_number,
            "address": ours.service_address_lines,
            "phone": ours.service_phone,
            "email": ours.service_email,
        },
        "buyer": {
            **addresses.of_kind(creditor_id, "invoice"),
            "company": creditor.name,
            "organisation_number": creditor.organisation_number,
        },
    }


_SUMS = text(
    """
    select section, vat_per_cent, sum(net_ore)::bigint, sum(vat_ore)::bigint
    from service_statement_lines where statement_key = :key
    group by section, vat_per_cent order by vat_per_cent, section
    """
)


def sums_of(key: str) -> Sums:
    """What the lines of a statement come to."""
    return _summed(db.session.execute(_SUMS, {"key": key}).all())


def _summed(rows: Iterable[Sequence[Any]]) -> Sums:
    sections: dict[str, int] = dict.fromkeys(SECTIONS, 0)
    rates: dict[int, Rate] = {}
    for section, per_cent, net_ore, vat_ore in rows:
        sections[section] += net_ore
        before = rates.get(per_cent, Rate(per_cent, 0, 0))
        rates[per_cent] = Rate(per_cent, before.net_ore + net_ore, before.vat_ore + vat_ore)
    return Sums(sections, list(rates.values()))


_WAITING_SUMS = text(
    f"""
    select section, vat_per_cent, sum(net_ore)::bigint,
        case section when 'fees' then {_FEES_VAT} else sum(vat_ore)::bigint end
    from ({_WAITING}) waiting group by section, vat_per_cent order by vat_per_cent, section
    """  # noqa: S608
)


def so_far(creditor_id: int, *, today: date) -> list[SoFar]:
    """What waits for the company's next statement, by currency, with the tax that comes on it.

    What is for information is told by its own days alone, so that a page reads no more than those.
    """
    last_on = db.session.scalar(
        select(func.max(ServiceStatement.last_on)).where(
            ServiceStatement.creditor_id == creditor_id
        )
    )
    found = []
    for currency in _currencies(creditor_id, last_on):
        asked = {"creditor_id": creditor_id, "currency": currency, "until": today}
        told = db.session.execute(_WAITING_SUMS, {**asked, "rates": commission.rates()})
        rows: list[Sequence[Any]] = [*told]
        if currency == _KRONOR:
            latest = _latest(creditor_id, currency)
            after = latest.signatures_through if latest else 0
            rows += [
                (
                    SIGNATURES, vat.rate(one.last_on).per_cent, one.ore,
                    vat.on_top(one.ore, one.last_on),
                )
                for one in usage.charged(creditor_id, after=after, until=today)
            ]  # fmt: skip
        first_on = _next_first_day(creditor_id, currency) or today.replace(day=1)
        fees_ore = int(db.session.scalar(_FEES_SINCE, {**asked, "since": first_on}) or 0)
        if rows or fees_ore:
            found.append(SoFar(currency, first_on, _summed(rows), fees_ore))
    return found


@dataclass(frozen=True)
class Line:
    """A charge, as on a statement (`ServiceStatementLine`)."""

    line_id: int
    section: str
    kind: str
    case_id: int | None
    on_day: date
    is_direct: bool
    base_ore: int | None
    basis_points: int | None
    quantity: int | None
    net_ore: int
    vat_per_cent: int
    vat_ore: int
    amount_ore: int
    of_number: int | None


_SHOWN = """line_id, section, kind, case_id, on_day, is_direct, base_ore, basis_points, quantity,
    net_ore, vat_per_cent, vat_ore, amount_ore, of_number"""


def waiting(creditor_id: int, currency: str, *, today: date, limit: int) -> list[Line]:
    """The newest charges on cases that wait for the next statement."""
    rows = db.session.execute(
        text(
            f"select {_SHOWN} from ({_WAITING}) waiting"  # noqa: S608
            " order by on_day desc, line_id desc limit :limit"
        ),
        {
            "creditor_id": creditor_id, "currency": currency, "until": today,
            "rates": commission.rates(), "limit": limit,
        },
    )  # fmt: skip
    return [Line(*row) for row in rows]


def lines(
    key: str, section: str | None = None, *, after: int = 0, limit: int | None = None
) -> list[Line]:
    """The lines of a statement, by section and in the order that they were booked.

    after: the line_id of the last one seen, within a section.
    """
    rows = db.session.execute(
        text(
            f"select {_SHOWN} from service_statement_lines"  # noqa: S608
            " where statement_key = :key and (cast(:section as text) is null or section = :section)"
            " and line_id > :after order by section, line_id limit :limit"
        ),
        {"key": key, "section": section, "after": after, "limit": limit},
    )
    return [Line(*row) for row in rows]


def find(key: str) -> ServiceStatement | None:
    """A statement by its name in addresses, if it may be seen."""
    return db.session.get(ServiceStatement, key)


def of_company(creditor_id: int, limit: int = 60) -> list[ServiceStatement]:
    """A company's statements, the newest first."""
    return list(
        db.session.scalars(
            select(ServiceStatement)
            .where(ServiceStatement.creditor_id == creditor_id)
            .order_by(ServiceStatement.number.desc())
            .limit(limit)
        )
    )


_BINDING = [payouts.RELEASED, payouts.SETTLED, payouts.REJECTED, payouts.OFFSET]
# Of what was charged, less what the company itself has paid in for it.
_SET_OFF = text(
    """
    with line as (
        select statement_key, line_id from service_statement_lines
        where statement_key = any(:keys)
        union all
        select s.statement_key, m.id from statement_payments s
        join ledger_entries e on e.idempotency_key in
            ('payment:' || s.key, 'taken back:' || s.key, 'returned by bank:' || s.key)
        join ledger_lines m on m.entry_id = e.id and m.account = 'owed_by_creditor'
        where s.statement_key = any(:keys)
    )
    select line.statement_key, p.id, -sum(l.amount_ore)::bigint
    from line join payout_lines l on l.line_id = line.line_id join payouts p on p.id = l.payout_id
    where p.status = any(:binding) or :is_ordered and p.batch_id is not null
    group by line.statement_key, p.id having sum(l.amount_ore) <> 0 order by p.id
    """
)


def set_off(key: str) -> list[SetOff]:
    """In which payouts a statement was set off, the oldest first.

    What is only proposed may still change, and is not among them; what the bank has refused to pay
    is: what was set off in it stays so. What the company has paid in is not set off.
    """
    rows = _set_off([key], is_ordered=False)
    ids = [payout_id for _, payout_id, _ in rows]
    found = {one.id: one for one in db.session.scalars(select(Payout).where(Payout.id.in_(ids)))}
    return [SetOff(found[payout_id], ore) for _, payout_id, ore in rows]


def set_off_many(keys: Sequence[str], *, is_ordered: bool = False) -> dict[str, int]:
    """How much of statements is set off, in öre.

    is_ordered: also in payouts that wait for approval, and no longer change.
    """
    sums: dict[str, int] = {}
    for key, _, ore in _set_off(keys, is_ordered=is_ordered):
        sums[key] = sums.get(key, 0) + ore
    return sums


def _set_off(keys: Sequence[str], *, is_ordered: bool) -> list[tuple[str, int, int]]:
    rows = db.session.execute(
        _SET_OFF, {"keys": list(keys), "binding": _BINDING, "is_ordered": is_ordered}
    )
    return [(key, payout_id, int(ore)) for key, payout_id, ore in rows]


def months() -> list[date]:
    """The last days of the months that there are statements of, the newest first."""
    query = select(ServiceStatement.last_on).distinct().order_by(ServiceStatement.last_on.desc())
    return list(db.session.scalars(query))


def of_month(last_on: date) -> list[tuple[ServiceStatement, str]]:
    """All companies' statements of a month, with the companies' names."""
    rows = db.session.execute(
        select(ServiceStatement, Creditor.name)
        .join(Creditor, Creditor.id == ServiceStatement.creditor_id)
        .where(ServiceStatement.last_on == last_on)
        .order_by(Creditor.name, ServiceStatement.currency)
    )
    return [(statement, name) for statement, name in rows]


@dataclass(frozen=True)
class Held:
    """What of an account statements tell, and what waits for one, beside what is booked, in öre.

    Incomes and the tax are credits, told above zero.
    """

    account: Account
    stated_ore: int
    waiting_ore: int
    booked_ore: int

    @property
    def agrees(self) -> bool:
        return self.stated_ore + self.waiting_ore == self.booked_ore


def against_the_books(books: Mapping[Account, int] | None = None) -> list[Held]:
    """All that is charged, of all companies that may be seen, held against the trial balance.

    books: that, by account; default as all lines come to.
    """
    books = books or ledger.trial_balance()
    stated_commission, stated_signatures, stated_vat = db.session.execute(
        select(
            _of_section(ServiceStatementLine.net_ore, COMMISSION),
            _of_section(ServiceStatementLine.net_ore, SIGNATURES),
            func.coalesce(func.sum(ServiceStatementLine.vat_ore), 0),
        )
    ).one()
    # The tax on fees and the price of signatures are booked with the statement.
    all_ore, all_vat = db.session.execute(
        select(
            func.coalesce(func.sum(Commission.ore), 0),
            func.coalesce(func.sum(Commission.vat_ore), 0),
        )
    ).one()
    vat_of_commission = db.session.scalar(
        select(_of_section(ServiceStatementLine.vat_ore, COMMISSION))
    )
    held = (
        (Account.COMMISSION_INCOME, stated_commission, all_ore - stated_commission),
        (Account.SIGNATURE_INCOME, stated_signatures, 0),
        (Account.VAT_OWED, stated_vat, all_vat - (vat_of_commission or 0)),
    )
    return [
        Held(account, int(stated), int(waits), -books.get(account, 0))
        for account, stated, waits in held
    ]


def _of_section(column: InstrumentedAttribute[int], section: str) -> ColumnElement[int]:
    return func.coalesce(func.sum(column).filter(ServiceStatementLine.section == section), 0)
