"""Entries in, balances out. The only place that writes money."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Subquery,
    Text,
    TextClause,
    and_,
    any_,
    bindparam,
    case,
    column,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    values,
)
from sqlalchemy.dialects.postgresql import insert as insert_or_skip
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import LateralFromClause

from portal.database.together import Part
from portal.extensions import db
from portal.ledger.models import Entry, Line


class Account(StrEnum):
    """The accounts. A debit is above zero, a credit below.

    What a debtor owes stands on `principal`, `interest` and `fees`; `claims` is the same principal
    and interest seen from the creditor, until it is collected. Money that came stands on
    `client_funds`; what of it is the creditor's on `owed_to_creditor`; our own on `fee_income`.
    What is taken back of money that a creditor has had already, our own share has `covered`; what
    of our share we have taken out to our own account, or paid in, stands on `own_share`.
    `over_payment` goes back to who paid; `unmatched` belongs to nobody that we know yet. Fees that
    are given up stand on `bad_debt`, and what was paid back of a payment that was then taken back.
    What a creditor is charged stands on `owed_by_creditor`, until it is set off against what it is
    owed: fees that it bears itself, commission (`commission_income`), signatures
    (`signature_income`), and the value added tax on them, which is the state's (`vat_owed`). What
    is ordered paid to a creditor stands on `payout_in_transit` until the bank has paid it.
    """

    PRINCIPAL = "principal"
    INTEREST = "interest"
    FEES = "fees"
    CLAIMS = "claims"
    CLIENT_FUNDS = "client_funds"
    OWED_TO_CREDITOR = "owed_to_creditor"
    FEE_INCOME = "fee_income"
    OVER_PAYMENT = "over_payment"
    UNMATCHED = "unmatched"
    BAD_DEBT = "bad_debt"
    OWED_BY_CREDITOR = "owed_by_creditor"
    PAYOUT_IN_TRANSIT = "payout_in_transit"
    COVERED = "covered"
    OWN_SHARE = "own_share"
    OWN_SHARE_IN_TRANSIT = "own_share_in_transit"
    COMMISSION_INCOME = "commission_income"
    SIGNATURE_INCOME = "signature_income"
    VAT_OWED = "vat_owed"


# In the order of Balance.
_OWED_BY_DEBTOR = (Account.PRINCIPAL, Account.INTEREST, Account.FEES)

# The claim as it was taken in, owed from its due date.
CLAIM_TAKEN = "claim.taken"
# Kind of the entry that books interest to and including the day it is booked on.
INTEREST_ACCRUED = "interest.accrued"
# A part of the principal that was wrong from the beginning is taken back.
NEVER_OWED = "claim.never_owed"
INTEREST_WAIVED = "interest.waived"
# What is owed to a creditor is ordered paid; the bank did not pay it, and it is owed again; the
# bank has paid it.
PAID_OUT, PAYOUT_REJECTED, PAYOUT_SETTLED = "payout", "payout.rejected", "payout.settled"
# Our own share stands in for money that a company has had and that was taken back; and no longer.
COVERED_BY_US, COVER_RETURNED = "funds.covered", "funds.cover_returned"
# What the bank has paid out comes back to it; it is then rejected.
PAYOUT_RETURNED = "payout.returned"
# What was paid too much is paid back; that comes back, and is owed again.
REFUND_PAID, REFUND_RETURNED = "refund.paid", "refund.returned"
# The payment that was paid back is taken back, or the refund then comes back: it is our loss.
REFUND_LOST = "refund.lost"
# What a creditor is charged: commission on money that came for a case under surveillance, and that
# taken back with its payment; a month's signatures; the tax on the fees that it bore in a month.
COMMISSION, COMMISSION_TAKEN_BACK = "commission", "commission.taken_back"
SIGNATURES, FEES_VAT = "signatures", "fees.vat"
# What was paid of a fee that then fell covers what else is owed, from the payment's own day; so
# does what was paid too much, once other money is taken back, whose key begins with this after the
# name; or what was never due goes back.
COUNTED_ANEW, AGAIN = "payment.counted_anew", "again/"
# A creditor pays what it is charged, instead of having it set off.
STATEMENT_PAID = "payment.statement"


@dataclass(frozen=True)
class Balance:
    """What is booked and unpaid on a case, in öre. Interest that is not booked is not in it."""

    principal_ore: int
    interest_ore: int
    fees_ore: int

    @property
    def total_ore(self) -> int:
        return self.principal_ore + self.interest_ore + self.fees_ore


@dataclass(frozen=True)
class Movement:
    """A change of a case's principal by its value date, in öre.

    was_never_owed: it takes back what was wrong from the beginning.
    """

    on: date
    ore: int
    was_never_owed: bool = False


@dataclass(frozen=True)
class CaseLine:
    """A line that changed what a debtor owes on a case, in öre. kind: of its entry."""

    account: str
    ore: int
    booked_on: date
    kind: str


@dataclass(frozen=True)
class CaseBooks:
    """All that changed what is owed on one case, in the order that it was booked.

    on: by what was booked at the end of this day; None: by all.
    """

    lines: Sequence[CaseLine]

    def balance(self, on: date | None = None) -> Balance:
        """What is booked and unpaid."""
        sums: dict[str, int] = dict.fromkeys(_OWED_BY_DEBTOR, 0)
        for one in self._until(on):
            sums[one.account] += one.ore
        return _balance(sums)

    def principal_movements(self) -> list[Movement]:
        """Every change of the principal: the claim first."""
        return [
            Movement(one.booked_on, one.ore, one.kind == NEVER_OWED)
            for one in self.lines
            if one.account == Account.PRINCIPAL
        ]

    def interest_booked_days(self) -> list[date]:
        """The days that interest was booked to and including, the oldest first."""
        return sorted({one.booked_on for one in self.lines if one.kind == INTEREST_ACCRUED})

    def interest_booked_through(self, on: date | None = None) -> date | None:
        """The last day that interest is booked to and including, or None."""
        days = (one.booked_on for one in self._until(on) if one.kind == INTEREST_ACCRUED)
        return max(days, default=None)

    def _until(self, on: date | None) -> Sequence[CaseLine]:
        return self.lines if on is None else [one for one in self.lines if one.booked_on <= on]


@dataclass(frozen=True)
class PaidOf:
    """What a payment covers of fees or of interest, in öre.

    key: of its entry. booked_on: its value date.
    """

    key: str
    booked_on: date
    ore: int


@dataclass(frozen=True)
class Money:
    """A payment by its value date, in öre."""

    on: date
    ore: int


@dataclass(frozen=True)
class Counted:
    """An entry that counted a payment anew. overpaid_ore: what of it then was too much.

    is_taken_back: it is no more, for the payment itself was taken back.
    """

    key: str
    overpaid_ore: int
    is_taken_back: bool


@dataclass(frozen=True)
class OwedRow:
    """An entry that changed what is owed to a creditor, in öre: above zero, more is owed."""

    entry_id: int
    case_id: int | None
    kind: str
    booked_on: date
    ore: int


@dataclass(frozen=True)
class EntryRow:
    """An entry with its lines, as (account, öre).

    owed_ore: what the debtor owed as booked, after it and what stands before it, in öre.
    """

    id: int
    kind: str
    booked_on: date
    lines: tuple[tuple[Account, int], ...]
    owed_ore: int


def post(
    *,
    creditor_id: int,
    case_id: int | None,
    kind: str,
    booked_on: date,
    key: str,
    lines: Mapping[Account, int],
    currency: str,
    now: datetime,
) -> bool:
    """Write an entry; lines of zero öre are left out.

    booked_on: its value date. Its accounting day, `posted_on`, the database sets: the same, or the
    first open day when that lies in a closed period.
    key: the same key is written once; a repetition changes nothing and answers False.
    lines: öre per account, debit above zero; their sum is zero.
    Raises ValueError when they do not balance; the database refuses it too, at commit.
    """
    amounts = {account: ore for account, ore in lines.items() if ore}
    if sum(amounts.values()) or len(amounts) < 2:
        raise ValueError(f"The entry {kind} does not balance: {dict(lines)}")
    posted = db.session.execute(
        insert_or_skip(Entry)
        .values(
            creditor_id=creditor_id,
            case_id=case_id,
            kind=kind,
            booked_on=booked_on,
            created_at=now,
            idempotency_key=key,
        )
        .on_conflict_do_nothing(index_elements=[Entry.idempotency_key])
        .returning(Entry.id, Entry.posted_on)
    ).one_or_none()
    if posted is None:
        return False
    # In one statement: after each the database looks whether the lines that it added balance.
    db.session.execute(
        insert(Line).values(
            [
                {
                    "entry_id": posted.id,
                    "creditor_id": creditor_id,
                    "case_id": case_id,
                    "booked_on": booked_on,
                    "posted_on": posted.posted_on,
                    "account": account.value,
                    "amount_ore": ore,
                    "currency": currency,
                }
                for account, ore in amounts.items()
            ]
        )
    )
    return True


def take_back(
    key: str, *, kind: str, as_key: str, now: datetime, instead: Mapping[Account, Account]
) -> bool:
    """Write an entry that takes an earlier one back, on the earlier one's day.

    key: of the earlier one; if there is none, nothing is written. kind, as_key: of the new one.
    instead: accounts that stand in for others. Answers whether it was written now.
    """
    entry = db.session.scalar(select(Entry).where(Entry.idempotency_key == key))
    if entry is None:
        return False
    lines = db.session.scalars(select(Line).where(Line.entry_id == entry.id)).all()
    sums: dict[Account, int] = {}
    for one in lines:
        account = Account(one.account)
        account = instead.get(account, account)
        sums[account] = sums.get(account, 0) - one.amount_ore
    return post(
        creditor_id=entry.creditor_id, case_id=entry.case_id, kind=kind, booked_on=entry.booked_on,
        key=as_key, lines=sums, currency=lines[0].currency, now=now,
    )  # fmt: skip


def post_many(rows: TextClause, accounts: Sequence[Account], *, now: datetime) -> None:
    """Write an entry for each row of a query; one whose key is written is left out.

    rows: columns creditor_id, case_id, kind, booked_on, key, currency, and one of öre for each of
    the accounts, debit above zero, named as it is. Keys and balance are as `post` tells. A row
    whose sums are all zero must not be among them.
    """
    names = ("creditor_id", "case_id", "kind", "booked_on", "key", "currency")
    typed = [column(name, BigInteger) for name in (*names[:2], *(str(one) for one in accounts))]
    source = rows.columns(*typed, *(column(name) for name in names[2:])).cte("source")
    posted = (
        insert_or_skip(Entry)
        .from_select(
            ["creditor_id", "case_id", "kind", "booked_on", "created_at", "idempotency_key"],
            select(
                source.c.creditor_id, source.c.case_id, source.c.kind, source.c.booked_on,
                literal(now), source.c.key,
            ),
        )
        .on_conflict_do_nothing(index_elements=[Entry.idempotency_key])
        .returning(Entry.id, Entry.idempotency_key.label("key"), Entry.posted_on)
        .cte("posted")
    )  # fmt: skip
    part = (
        values(column("account", Text), column("ore", BigInteger), name="part")
        .data([(literal(one.value), source.c[one.value]) for one in accounts])
        .lateral()
    )
    lines = (
        select(
            posted.c.id, source.c.creditor_id, source.c.case_id, source.c.booked_on,
            posted.c.posted_on, part.c.account, part.c.ore, source.c.currency,
        )
        .select_from(posted.join(source, source.c.key == posted.c.key).join(part, true()))
        .where(part.c.ore != 0)
    )  # fmt: skip
    columns = ["entry_id", "creditor_id", "case_id", "booked_on", "posted_on", "account"]
    db.session.execute(insert(Line).from_select([*columns, "amount_ore", "currency"], lines))


def balance(case_id: int, on: date | None = None) -> Balance:
    """What is booked and unpaid on a case, at the end of a day (default: all that is booked)."""
    query = (
        select(Line.account, func.sum(Line.amount_ore))
        .where(Line.case_id == case_id)
        .group_by(Line.account)
    )
    if on is not None:
        query = query.where(Line.booked_on <= on)
    return _balance({account: int(ore) for account, ore in db.session.execute(query)})


def _balance(sums: Mapping[str, int]) -> Balance:
    return Balance(*(sums.get(account, 0) for account in _OWED_BY_DEBTOR))


def balance_after(key: str) -> Balance:
    """What was booked and unpaid on a case when the entry with a key had been written.

    Raises sqlalchemy.exc.NoResultFound when there is no such entry.
    """
    entry = db.session.scalars(select(Entry).where(Entry.idempotency_key == key)).one()
    # Entries of a case are written one at a time, with the case locked, so that ids tell the order.
    rows = db.session.execute(
        select(Line.account, func.sum(Line.amount_ore))
        .where(Line.case_id == entry.case_id, Line.entry_id <= entry.id)
        .group_by(Line.account)
    )
    return _balance({account: int(ore) for account, ore in rows})


def is_posted(key: str) -> bool:
    """Whether an entry with a key is written."""
    return db.session.scalar(select(Entry.id).where(Entry.idempotency_key == key)) is not None


def is_posted_sql(key: ColumnElement[str], *, of_few: bool = False) -> ColumnElement[bool]:
    """Whether an entry is written with a key of an outer query.

    of_few: look each key up, instead of reading all entries once, as the database else may.
    """
    other = aliased(Entry)
    found = select(other.id).where(other.idempotency_key == key)
    return (found.offset(0) if of_few else found).exists()


_OF_CASE = (
    select(Line.account, Line.amount_ore, Line.booked_on, Entry.kind)
    .join(Entry, Entry.id == Line.entry_id)
    .where(Line.case_id == bindparam("case_id"), Line.account.in_(_OWED_BY_DEBTOR))
    # Entries of a case are written one at a time, with the case locked, so that ids tell the order.
    .order_by(Line.entry_id)
)


def of_case(case_id: int) -> CaseBooks:
    """All that changed what is owed on a case, read at once."""
    return CaseBooks([CaseLine(*row) for row in db.session.execute(_OF_CASE, {"case_id": case_id})])


NO_BOOKS = CaseBooks(())


def _by_case(rows: Iterable[Sequence[Any]]) -> dict[int, CaseBooks]:
    lines: dict[int, list[CaseLine]] = {}
    for case_id, *row in rows:
        lines.setdefault(case_id, []).append(CaseLine(*row))
    return {case_id: CaseBooks(some) for case_id, some in lines.items()}


# `of_case` of each of some cases, to be asked with other things. Binds case_ids.
BOOKS = Part(
    select(Line.case_id, Line.account, Line.amount_ore, Line.booked_on, Entry.kind)
    .join(Entry, Entry.id == Line.entry_id)
    .where(
        Line.case_id == any_(bindparam("case_ids", type_=ARRAY(BigInteger))),
        Line.account.in_(_OWED_BY_DEBTOR),
    )
    .order_by(Line.entry_id),
    _by_case,
)


def interest_booked(case_id: int) -> int:
    """The interest that was booked on a case and not waived, paid or not, in öre.

    What was waived after it was paid has paid the claim instead, and stands on the principal.
    """
    return int(
        db.session.scalar(
            select(func.coalesce(func.sum(Line.amount_ore), 0))
            .join(Entry, Entry.id == Line.entry_id)
            .where(
                Line.case_id == case_id,
                Line.account.in_((Account.INTEREST, Account.PRINCIPAL)),
                Entry.kind.in_((INTEREST_ACCRUED, INTEREST_WAIVED)),
            )
        )
        or 0
    )


def fees_charged(case_id: int) -> int:
    """The fees that were booked on a case and not given up, paid or not, in öre."""
    lines = _lines(case_id, Account.FEES)
    return sum(one.ore for one in lines if not one.kind.startswith("payment."))


def fees_called_for(case_id: int) -> list[CaseLine]:
    """The fees of a case that stand, or that fell unpaid since its money had paid all before them.

    What else was given up of fees, or was paid and goes back, is the newest before it.
    """
    standing: list[CaseLine] = []
    for one in _lines(case_id, Account.FEES):
        key = one.idempotency_key.removeprefix("taken back:")
        if one.kind.startswith("payment.") or key.startswith(_FELL_BY_MONEY):
            continue
        left_ore = one.ore
        while left_ore < 0 and standing:
            last = standing.pop()
            left_ore += last.ore
            if left_ore > 0:
                standing.append(replace(last, ore=left_ore))
        if one.ore > 0:
            standing.append(CaseLine(Account.FEES, one.ore, one.booked_on, one.kind))
    return standing


# How the keys begin of entries by which fees fall, or are owed again, as money is known.
FEES_IN_ORDER = "fees in order:"
_FELL_BY_MONEY = ("fee waived:payment:", "fee waived:counted anew:", FEES_IN_ORDER)


def paid_of(case_id: int, account: Account) -> list[PaidOf]:
    """What payments to us cover of a case's fees, or interest, the newest first.

    What was taken back or counted anew covers none.
    """
    paid: dict[str, PaidOf] = {}
    for one in _lines(case_id, account):
        if one.kind.startswith("payment.") and one.kind != "payment.direct":
            key = _payment_of(one.idempotency_key)
            before = paid.get(key, PaidOf(key, one.booked_on, 0))
            paid[key] = replace(before, ore=before.ore - one.ore)
    return [one for one in reversed(paid.values()) if one.ore > 0]


def covers(case_id: int, payment_key: str) -> Mapping[Account, int]:
    """What a payment covers as it is counted now, in öre, and what of it is too much.

    payment_key: of its entry. It tells of the accounts of what a debtor owes, and of over-payment.
    """
    key, told = Entry.idempotency_key, (*_OWED_BY_DEBTOR, Account.OVER_PAYMENT)
    rows = db.session.execute(
        select(Line.account, -func.sum(Line.amount_ore))
        .join(Entry, Entry.id == Line.entry_id)
        .where(
            Line.case_id == case_id,
            Line.account.in_(told),
            or_(
                key == payment_key,
                and_(
                    key.op("~")("^(taken back:)?counted anew:"),
                    key.endswith(f":{payment_key}", autoescape=True),
                ),
            ),
        )
        .group_by(Line.account)
    )
    return dict.fromkeys(told, 0) | {Account(account): int(ore) for account, ore in rows}


def _payment_of(key: str) -> str:
    """The key of the payment that an entry is of. key: of that, or of what counts or takes back."""
    key = key.removeprefix("taken back:")
    if key.startswith("counted anew:"):
        # After its name and the cause, the payment's own key.
        key = key.split(":", 2)[2]
    # What is taken back names the payment without the word that begins its key.
    return f"payment:{key.removeprefix('payment:')}"


def collected(case_id: int, payment_key: str) -> int:
    """What a payment to us covers of a case's principal and interest, in öre.

    payment_key: of its entry. What was taken back or counted anew is not in it.
    """
    return -sum(
        one.ore
        for one in _lines(case_id, Account.PRINCIPAL, Account.INTEREST)
        if one.kind.startswith("payment.") and _payment_of(one.idempotency_key) == payment_key
    )


def covering(case_id: int) -> dict[str, date]:
    """The payments, to us or to the creditor, that stand and have covered something: their days, by
    the keys of their entries, of payments to us.
    """
    paid: dict[str, date] = {}
    for one in _lines(case_id, *_OWED_BY_DEBTOR):
        if _is_later_found(one):
            continue
        key = _payment_of(one.idempotency_key)
        if one.idempotency_key.startswith("taken back:"):
            paid.pop(key, None)
        elif one.kind.startswith("payment."):
            paid[key] = one.booked_on
    return paid


def standing(case_id: int, kind: str) -> list[str]:
    """The keys of a case's entries of a kind that are not taken back, in order."""
    keys = db.session.scalars(
        select(Entry.idempotency_key)
        .where(
            Entry.case_id == case_id,
            Entry.kind == kind,
            ~is_posted_sql("taken back:" + Entry.idempotency_key),
        )
        .order_by(Entry.id)
    )
    return list(keys)


def money_of(case_id: int) -> list[Money]:
    """What came to us for a case and was not taken back, whatever it covers, by day."""
    came: dict[str, Money] = {}
    for one in _lines(case_id, *_OWED_BY_DEBTOR, Account.OVER_PAYMENT):
        if one.kind.startswith("payment.") and one.kind != "payment.direct":
            key = _payment_of(one.idempotency_key)
            before = came.get(key, Money(one.booked_on, 0))
            came[key] = replace(before, ore=before.ore - one.ore)
    return sorted((one for one in came.values() if one.ore > 0), key=lambda one: one.on)


def _is_later_found(line: Any) -> bool:
    """Whether it was found to be too much, or to be so no more, after the payment was booked."""
    key = line.idempotency_key.removeprefix("taken back:")
    return key.startswith("counted anew:") and not key.startswith(f"counted anew:{AGAIN}")


def counted_anew(case_id: int, payment_key: str) -> list[str]:
    """The keys of entries that counted a payment anew, and that are not taken back themselves.

    payment_key: of the payment's entry.
    """
    return [
        one
        for one in _counted(case_id)
        if one.endswith(f":{payment_key}") and not is_posted(f"taken back:{one}")
    ]


def counted_for(case_id: int, cause: str) -> list[Counted]:
    """The entries that counted payments anew for a cause. cause: what it begins with."""
    keys = [one for one in _counted(case_id) if one.startswith(f"counted anew:{cause}")]
    over = select(Entry.idempotency_key, -Line.amount_ore).join(Line, Line.entry_id == Entry.id)
    overpaid = dict(
        db.session.execute(
            over.where(Entry.idempotency_key.in_(keys), Line.account == Account.OVER_PAYMENT)
        ).all()
    )
    return [Counted(one, overpaid.get(one, 0), is_posted(f"taken back:{one}")) for one in keys]


def _counted(case_id: int) -> list[str]:
    accounts = (Account.FEES, Account.INTEREST, Account.PRINCIPAL, Account.OVER_PAYMENT)
    lines = _lines(case_id, *accounts)
    return list(dict.fromkeys(one.idempotency_key for one in lines if one.kind == COUNTED_ANEW))


def _lines(case_id: int, *accounts: Account) -> Sequence[Any]:
    return db.session.execute(
        select(Entry.idempotency_key, Entry.kind, Entry.booked_on, Line.amount_ore.label("ore"))
        .join(Line, Line.entry_id == Entry.id)
        .where(Line.case_id == case_id, Line.account.in_(accounts))
        .order_by(Entry.id)
    ).all()


def interest_booked_before(key: str) -> date | None:
    """The last day that interest was booked to and including when the entry with a key was written.

    None when none was.
    """
    entry = db.session.scalars(select(Entry).where(Entry.idempotency_key == key)).one()
    return db.session.scalar(
        select(func.max(Entry.booked_on)).where(
            Entry.case_id == entry.case_id, Entry.id < entry.id, Entry.kind == INTEREST_ACCRUED
        )
    )


# The key of the payment that an entry of money is of.
_OF_PAYMENT = func.replace(func.replace(Entry.idempotency_key, "payment:", ""), "came again:", "")


def received_since_sql(
    case_id: ColumnElement[int], at: ColumnElement[datetime]
) -> ScalarSelect[int]:
    """What was booked as come for the case of an outer query at an instant or after it, in öre.

    To us, or to the creditor directly. What was taken back did not come; nor does what was there
    at the instant come anew when it is booked once more, since a part of it was taken back or all
    of it is here again.
    """
    is_direct, back = Entry.kind == "payment.direct", aliased(Entry)
    stood = and_(Entry.created_at < at, or_(back.id.is_(None), back.created_at >= at))
    # Of all that is booked of one payment, whose name is before the number of what is left of it.
    of_one = case(
        (is_direct, Entry.idempotency_key),
        else_=func.regexp_replace(_OF_PAYMENT, "^([^:]+:[^:]+):[0-9]+$", r"\1"),
    )
    more = (
        select(
            func.sum(case((back.id.is_(None), Line.amount_ore), else_=0))
            - func.sum(case((stood, Line.amount_ore), else_=0))
        )
        .join(Entry, Entry.id == Line.entry_id)
        .outerjoin(back, back.idempotency_key == "taken back:" + _OF_PAYMENT)
        .where(
            Line.case_id == case_id,
            or_(
                Line.account == Account.CLIENT_FUNDS,
                and_(Line.account == Account.CLAIMS, is_direct),
            ),
            Line.amount_ore > 0,
            Entry.kind != REFUND_RETURNED,
        )
        .group_by(of_one)
        .correlate_except(Line, Entry, back)
        .subquery()
    )
    (ore,) = more.c
    return select(func.coalesce(func.sum(func.greatest(ore, 0)), 0)).scalar_subquery()


def owed_to(creditor_id: int, case_id: int | None = None, *, currency: str | None = None) -> int:
    """What was collected for a creditor and not yet paid out, in öre.

    case_id: of this case only. currency: in this one only.
    """
    query = select(func.sum(Line.amount_ore)).where(
        Line.creditor_id == creditor_id, Line.account == Account.OWED_TO_CREDITOR
    )
    if case_id is not None:
        query = query.where(Line.case_id == case_id)
    if currency is not None:
        query = query.where(Line.currency == currency)
    return -int(db.session.scalar(query) or 0)


def owed_by(creditor_id: int) -> int:
    """What a creditor is charged, with tax, and that is not set off yet, in öre."""
    query = select(func.sum(Line.amount_ore)).where(
        Line.creditor_id == creditor_id, Line.account == Account.OWED_BY_CREDITOR
    )
    return int(db.session.scalar(query) or 0)


def charged_currencies(creditor_id: int, since: date | None = None) -> list[str]:
    """The currencies in which a creditor was charged something, or a debtor of its a fee.

    since: by what was booked on this day and later; default all.
    """
    query = select(Line.currency).where(
        Line.creditor_id == creditor_id, Line.account.in_((Account.OWED_BY_CREDITOR, Account.FEES))
    )
    if since is not None:
        query = query.where(Line.booked_on >= since)
    return sorted(db.session.scalars(query.distinct()))


def line_id(key: str, account: Account) -> int:
    """The id of an entry's line on an account. Raises NoResultFound when there is none."""
    return db.session.scalars(
        select(Line.id)
        .join(Entry, Entry.id == Line.entry_id)
        .where(Entry.idempotency_key == key, Line.account == account)
    ).one()


def to_settle_sql(creditor_id: int) -> Subquery:
    """The lines that make up what a creditor is owed and owes, but for those of payouts.

    Columns line_id, case_id, kind, account, booked_on, currency; amount_ore: above zero what is
    owed to the creditor, below zero what it owes.
    """
    return (
        select(
            Line.id.label("line_id"), Line.case_id, Entry.kind, Line.account, Line.booked_on,
            Line.currency, (-Line.amount_ore).label("amount_ore"),
        )
        .join(Entry, Entry.id == Line.entry_id)
        .where(
            Line.creditor_id == creditor_id,
            Line.account.in_((Account.OWED_TO_CREDITOR, Account.OWED_BY_CREDITOR)),
            Entry.kind != PAID_OUT,
        )
        .subquery("to_settle")
    )  # fmt: skip


def owed_rows(creditor_id: int, after: int | None = None, limit: int = 50) -> list[OwedRow]:
    """What makes up the sum owed to a creditor, newest first.

    after: the entry_id of the last row seen.
    """
    query = (
        select(Entry.id, Entry.case_id, Entry.kind, Entry.booked_on, Line.amount_ore)
        .join(Line, Line.entry_id == Entry.id)
        .where(Line.creditor_id == creditor_id, Line.account == Account.OWED_TO_CREDITOR)
        .order_by(Entry.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(Entry.id < after)
    return [OwedRow(id_, case_id, kind, on, -int(ore)) for id_, case_id, kind, on, ore
            in db.session.execute(query)]  # fmt: skip


def unpaid_sql(case_id: ColumnElement[int]) -> ScalarSelect[int]:
    """What is booked and unpaid on the case of an outer query, in öre, for use in its columns."""
    return (
        select(func.coalesce(func.sum(Line.amount_ore), 0))
        .where(Line.case_id == case_id, Line.account.in_(_OWED_BY_DEBTOR))
        .scalar_subquery()
    )


def balances_sql(case_id: ColumnElement[int]) -> LateralFromClause:
    """What is booked and unpaid on the case of an outer query: principal, interest and fees.

    One row, joined to each of the query's.
    """
    told = (func.coalesce(func.sum(Line.amount_ore).filter(Line.account == one), 0).label(one.value)
            for one in _OWED_BY_DEBTOR)  # fmt: skip
    return (
        select(*told)
        .where(Line.case_id == case_id, Line.account.in_(_OWED_BY_DEBTOR))
        .lateral("balances")
    )


def case_totals_sql(on: date | None = None, among: Collection[int] | None = None) -> Subquery:
    """For each case what is booked and unpaid (owed_ore) and what came for it (received_ore).

    on: at the end of this day; default all that is booked. among: ids of cases; default all.
    """
    # Of the accounts read, all but this one are what the debtor owes.
    owed = case((Line.account == Account.CLIENT_FUNDS, 0), else_=Line.amount_ore)
    received = case((Line.account == Account.CLIENT_FUNDS, Line.amount_ore), else_=0)
    query = select(
        Line.case_id,
        func.sum(owed).label("owed_ore"),
        func.sum(received).label("received_ore"),
    ).where(Line.case_id.is_not(None), Line.account.in_((*_OWED_BY_DEBTOR, Account.CLIENT_FUNDS)))
    if on is not None:
        query = query.where(Line.booked_on <= on)
    if among is not None:
        query = query.where(Line.case_id == func.any(list(among)))
    return query.group_by(Line.case_id).subquery()


def overpaid_sql(among: Collection[int] | None = None) -> Subquery:
    """For each case what was paid too much and has not gone back (ore), where it is not zero.

    among: ids of cases; default all.
    """
    total = -func.sum(Line.amount_ore)
    some = [] if among is None else [Line.case_id == func.any(list(among))]
    return (
        select(Line.case_id, total.label("ore"))
        .where(Line.account == Account.OVER_PAYMENT, *some)
        .group_by(Line.case_id)
        .having(total != 0)
        .subquery()
    )


def off_balance() -> dict[int, int]:
    """The creditors whose lines do not sum to zero, and by how many öre; there are none."""
    total = func.sum(Line.amount_ore)
    rows = db.session.execute(
        select(Line.creditor_id, total).group_by(Line.creditor_id).having(total != 0)
    )
    return {creditor_id: int(ore) for creditor_id, ore in rows}


def entries(case_id: int) -> list[EntryRow]:
    """The entries of a case with their lines, oldest first."""
    rows = db.session.execute(
        select(Entry.id, Entry.kind, Entry.booked_on, Line.account, Line.amount_ore)
        .join(Line, Line.entry_id == Entry.id)
        .where(Entry.case_id == case_id)
        .order_by(Entry.booked_on, Entry.id, Line.id)
    )
    found: dict[int, EntryRow] = {}
    owed_ore = 0
    for entry_id, kind, booked_on, account, ore in rows:
        before = found.get(entry_id)
        lines = (*(before.lines if before else ()), (Account(account), int(ore)))
        owed_ore += int(ore) if account in _OWED_BY_DEBTOR else 0
        found[entry_id] = EntryRow(entry_id, kind, booked_on, lines, owed_ore)
    return list(found.values())


def trial_balance() -> dict[Account, int]:
    """Every account's sum in öre over all that may be seen; together they are zero."""
    rows = db.session.execute(
        select(Line.account, func.sum(Line.amount_ore)).group_by(Line.account)
    )
    return {Account(account): int(ore) for account, ore in rows}
