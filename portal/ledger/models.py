"""Entries and their lines. Nothing here is ever changed or removed; the database sees to it."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from portal.database.base import Base, PrimaryKey


class Entry(Base):
    """One event in the books; the lines' sum is zero.

    That the case is the creditor's the database checks for all entries of a statement at once.
    """

    __tablename__ = "ledger_entries"

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int]
    case_id: Mapped[int | None] = mapped_column(index=True)
    kind: Mapped[str]
    booked_on: Mapped[date]
    created_at: Mapped[datetime]
    idempotency_key: Mapped[str] = mapped_column(unique=True)


class Line(Base):
    """One account's part of an entry, in öre: debit above zero, credit below.

    creditor_id, case_id, booked_on: the entry's own. The database checks that, and that the lines
    balance, once for all lines that a statement adds (migration 0008).
    """

    __tablename__ = "ledger_lines"
    __table_args__ = (
        CheckConstraint("amount_ore <> 0", name="amount"),
        Index("ix_ledger_lines_case_account", "case_id", "account"),
        Index("ix_ledger_lines_creditor_account_day", "creditor_id", "account", "booked_on"),
    )

    id: Mapped[PrimaryKey]
    entry_id: Mapped[int] = mapped_column(index=True)
    creditor_id: Mapped[int]
    case_id: Mapped[int | None]
    booked_on: Mapped[date]
    account: Mapped[str]
    amount_ore: Mapped[int]
    currency: Mapped[str]
