"""The accounts that a company is paid out to. They change only when two administrators agree."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Exists, select

from portal.companies.models import PayoutAccount
from portal.extensions import db
from portal.messages import N_, RedaError
from portal.payments.accounts import check_account, written_account

KINDS = ("bankgiro", "plusgiro", "iban")
# Currencies that an account may be kept for; money comes in kronor today.
CURRENCIES = ("SEK", "EUR", "NOK", "DKK")
LONGEST_HOLDER = 80


@dataclass(frozen=True)
class Account:
    """An account as pages show it. number: as people write it. currency: None for any."""

    key: str
    kind: str
    number: str
    holder: str
    currency: str | None
    is_used: bool


def of_company(creditor_id: int) -> list[Account]:
    """A company's accounts, those in use first."""
    rows = db.session.scalars(
        select(PayoutAccount)
        .where(PayoutAccount.creditor_id == creditor_id)
        .order_by(PayoutAccount.is_used.desc(), PayoutAccount.currency, PayoutAccount.id)
    )
    return [shown(row) for row in rows]


def shown(row: PayoutAccount) -> Account:
    """An account as pages show it."""
    return Account(
        row.key,
        row.kind,
        written_account(row.kind, row.number),
        row.holder,
        row.currency,
        row.is_used,
    )


def used(creditor_id: int, currency: str) -> Account | None:
    """The account that a sum in a currency is paid to: the currency's own, else the one for any."""
    rows = db.session.scalars(
        select(PayoutAccount).where(
            PayoutAccount.creditor_id == creditor_id,
            PayoutAccount.is_used,
            db.or_(PayoutAccount.currency == currency, PayoutAccount.currency.is_(None)),
        )
    ).all()
    best = sorted(rows, key=lambda row: row.currency is None)
    return shown(best[0]) if best else None


def is_any(creditor_id: int) -> Exists:
    """Whether a company has an account, as a part of somebody else's statement."""
    return select(PayoutAccount.id).where(PayoutAccount.creditor_id == creditor_id).exists()


def parse(kind: str, text: str) -> str:
    """An account's number as it is kept. Raises RedaError at the field `number`."""
    try:
        return check_account(kind, text)
    except RedaError as error:
        raise RedaError(error.problem.message, field="number", **error.problem.values) from None


def checked(values: Mapping[str, str]) -> dict[str, str | None]:
    """An account to be added, as it would be kept. values: kind, number, holder, currency.

    Raises RedaError at the field.
    """
    kind = values.get("kind", "")
    if kind not in KINDS:
        raise RedaError(N_("Choose one of the options."), field="kind")
    holder = " ".join(values.get("holder", "").split())
    if not any(one.isalnum() for one in holder):
        raise RedaError(N_("Write whose account it is."), field="holder")
    if len(holder) > LONGEST_HOLDER:
        raise RedaError(
            N_("Write at most %(most)s characters."), field="holder", most=LONGEST_HOLDER
        )
    currency = values.get("currency") or None
    if currency is not None and currency not in CURRENCIES:
        raise RedaError(N_("Choose one of the options."), field="currency")
    return {
        "kind": kind,
        "number": parse(kind, values.get("number", "")),
        "holder": holder,
        "currency": currency,
    }
