"""Whose the money on the client account is: never less than nothing for any company.

What a company's client money comes to is `client_funds`, less what is ordered paid out of it. When
money is taken back that the company has had already, or a fee that we have taken out, our own share
stands in for what lacks (`covered`), so that nobody else's money pays it; what the company has had,
it owes on `owed_to_creditor`.
The account at the bank holds `client_funds` and `covered` together, over all companies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, func, select, text

from portal.extensions import db
from portal.ledger.books import COVER_RETURNED, COVERED_BY_US, Account, post, post_many
from portal.ledger.kept import SUMS, SUMS_OF_ONE, steadily
from portal.ledger.models import Line

# As the database's own check (migrations 0055 and 0066).
_LOCK = 0x7265_6464
_OWN_LOCK = 0x7265_6465
_IN_TRANSIT = "account like '%\\_in\\_transit'"
# What of a company's client money is nobody else's: not the company's, not a payer's, not ordered.
# Commission that it has back is the company's too; what it owes, or has had too much of, is not
# there, and neither is what a payer has had back of a payment that did not come.
_FREE = f"""
coalesce(sum(amount_ore) filter (where account in ('client_funds', 'over_payment', 'unmatched')
        or {_IN_TRANSIT}), 0)
    + least(coalesce(sum(amount_ore) filter (where account = 'owed_to_creditor'), 0)
        + least(coalesce(sum(amount_ore) filter (where account = 'owed_by_creditor'), 0), 0), 0)
    - coalesce((
        select sum(ore) from (
            select sum(l.amount_ore) as ore from ledger_lines l
            where l.creditor_id = ledger_lines.creditor_id and l.account = 'over_payment'
                and l.currency = ledger_lines.currency
                and l.posted_on <= coalesce(:on, l.posted_on)
            group by l.case_id having sum(l.amount_ore) > 0
        ) gone
    ), 0)
"""  # noqa: S608
_DAY = bindparam("on", None, type_=Line.posted_on.type)

# Lines as the index ix_ledger_lines_client_money has them, so that no other is looked at. As the
# database's own check.
_CLIENT_MONEY = text(
    f"""
    select sum(ore)::bigint from (
        select ore from ledger_sums
        where is_month and creditor_id = :creditor_id and currency = :currency
            and (account = 'client_funds' or {_IN_TRANSIT})
        union all
        select amount_ore from ledger_lines
        where creditor_id = :creditor_id and currency = :currency
            and entry_id > coalesce((select entry_id from ledger_kept where id = 1), 0)
            and (account = 'client_funds' or {_IN_TRANSIT})
    ) x
    """  # noqa: S608
)


@dataclass(frozen=True)
class Share:
    """Our own share of a company's client money, in öre."""

    creditor_id: int
    ore: int


@dataclass(frozen=True)
class OwnShare:
    """What is ours and lies on the client account, in öre.

    shares: by company, none below zero. covered_ore: what it stands in for. short_ore: what it does
    not yet stand in for, though it lacks. total_ore: what may be taken out; below zero, what has to
    be paid in so that every company's money is there.
    """

    shares: Sequence[Share]
    covered_ore: int
    short_ore: int = 0

    @property
    def total_ore(self) -> int:
        return sum(one.ore for one in self.shares) - self.covered_ore - self.short_ore


def client_money(creditor_id: int, currency: str) -> int:
    """A company's client money, less what is ordered paid, in öre.

    Locked until the transaction ends: nobody else makes it less meanwhile.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(_LOCK, creditor_id)))
    return int(
        db.session.scalar(_CLIENT_MONEY, {"creditor_id": creditor_id, "currency": currency}) or 0
    )


# The sums stand in for the lines, by their name.
_SHORT = text(
    f"""
    with {SUMS_OF_ONE}
    select -({_FREE})::bigint from sums ledger_lines group by creditor_id, currency
    """  # noqa: S608
).bindparams(_DAY)


def cover(creditor_id: int, currency: str, *, on: date, key: str, now: datetime) -> int:
    """Let our own share stand in for what a company's client money lacks.

    To be called when money was taken back. What lacks is what the company and payers have a claim
    on, or is ordered, and is not there: money that the company has had already, or a fee that we
    have taken out. key: of what took it. Answers the öre that it covers.
    """
    # Nobody else makes it less meanwhile.
    client_money(creditor_id, currency)
    short_ore = int(
        db.session.scalar(_SHORT, {"creditor_id": creditor_id, "currency": currency}) or 0
    )
    if short_ore <= 0:
        return 0
    post(
        creditor_id=creditor_id, case_id=None, kind=COVERED_BY_US, booked_on=on,
        key=f"covered:{key}", currency=currency, now=now,
        lines={Account.CLIENT_FUNDS: short_ore, Account.COVERED: -short_ore},
    )  # fmt: skip
    return short_ore


_RETURNED = text(
    f"""
    with told as (
        select creditor_id, currency, {_FREE} as free,
            coalesce(sum(amount_ore) filter (where account = 'covered'), 0) as covered,
            max(id) filter (where account = 'covered') as newest
        from ledger_lines
        where creditor_id in (select creditor_id from ledger_lines where account = 'covered')
        group by creditor_id, currency
    )
    select creditor_id, null::bigint as case_id, :kind as kind,
        cast(:booked_on as date) as booked_on,
        'cover returned:' || newest as key, currency,
        -least(free, -covered)::bigint as client_funds, least(free, -covered)::bigint as covered
    from told where covered < 0 and free > 0
    """  # noqa: S608
).bindparams(_DAY)


_COVERED_CURRENCIES = select(Line.currency).where(Line.account == Account.COVERED).distinct()


def return_covers(*, on: date, now: datetime) -> None:
    """Let our own share no longer stand in for companies whose money is there again.

    Doing it again changes nothing.
    """
    for currency in sorted(db.session.scalars(_COVERED_CURRENCIES)):
        hold_own_share(currency)
    post_many(
        _RETURNED.bindparams(kind=COVER_RETURNED, booked_on=on),
        [Account.CLIENT_FUNDS, Account.COVERED],
        now=now,
    )


_OWN = text(
    f"""
    with {SUMS}
    select creditor_id, ({_FREE})::bigint as free,
        coalesce(-sum(amount_ore) filter (where account = 'covered'), 0)::bigint as covered
    from sums ledger_lines group by creditor_id, currency order by creditor_id
    """  # noqa: S608
).bindparams(_DAY)


def hold_own_share(currency: str) -> None:
    """Let nobody else who takes of our own share decide on it until the transaction ends.

    To be called before the share is read, by whoever takes of it.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(_OWN_LOCK, func.hashtext(currency))))


def own_share(currency: str, on: date | None = None) -> OwnShare:
    """What is ours and lies on the client account. on: by the end of this accounting day."""
    rows = steadily(
        lambda kept: db.session.execute(_OWN, {"currency": currency, "on": on, "kept": kept}).all()
    )
    shares = [Share(row.creditor_id, row.free) for row in rows if row.free > 0]
    short_ore = -sum(row.free for row in rows if row.free < 0)
    return OwnShare(shares, int(sum(row.covered for row in rows)), int(short_ore))


def covered(currency: str) -> list[Share]:
    """What our own share stands in for, by company."""
    total = -func.sum(Line.amount_ore)
    rows = db.session.execute(
        select(Line.creditor_id, total)
        .where(Line.account == Account.COVERED, Line.currency == currency)
        .group_by(Line.creditor_id)
        .having(total > 0)
        .order_by(Line.creditor_id)
    )
    return [Share(creditor_id, int(ore)) for creditor_id, ore in rows]
