"""Entries and their lines. Nothing here is ever changed or removed; the database sees to it."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, FetchedValue, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.database.base import Base, PrimaryKey


class Entry(Base):
    """One event in the books; the lines' sum is zero.

    booked_on: value date, that interest is counted from. posted_on: accounting day, which the
    database sets: the value date, or the first open day when that lies in a closed period. That the
    case is the creditor's the database checks for all entries of a statement at once.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        Index(
            "ix_ledger_entries_own_money",
            "id",
            postgresql_where=text("kind like 'own\\_money.%'"),
        ),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int]
    case_id: Mapped[int | None] = mapped_column(index=True)
    kind: Mapped[str]
    booked_on: Mapped[date]
    posted_on: Mapped[date] = mapped_column(index=True, server_default=FetchedValue())
    created_at: Mapped[datetime]
    idempotency_key: Mapped[str] = mapped_column(unique=True)


class Line(Base):
    """One account's part of an entry, in öre: debit above zero, credit below.

    creditor_id, case_id, booked_on, posted_on: the entry's own. The database checks that, and that
    the lines balance, once for all lines that a statement adds (migration 0008).
    """

    __tablename__ = "ledger_lines"
    __table_args__ = (
        CheckConstraint("amount_ore <> 0", name="amount"),
        Index("ix_ledger_lines_case_account", "case_id", "account"),
        Index("ix_ledger_lines_creditor_account_day", "creditor_id", "account", "booked_on"),
        Index(
            "ix_ledger_lines_money_day", "posted_on",
            postgresql_include=["account", "currency", "amount_ore", "entry_id"],
            postgresql_where=text("account in ('client_funds', 'covered')"),
        ),
        Index(
            "ix_ledger_lines_client_money", "creditor_id", "currency", "entry_id",
            postgresql_include=["amount_ore", "case_id"],
            postgresql_where=text("account = 'client_funds' or account like '%\\_in\\_transit'"),
        ),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    entry_id: Mapped[int] = mapped_column(index=True)
    creditor_id: Mapped[int]
    case_id: Mapped[int | None]
    booked_on: Mapped[date]
    posted_on: Mapped[date] = mapped_column(server_default=FetchedValue())
    account: Mapped[str]
    amount_ore: Mapped[int]
    currency: Mapped[str]


class KeptThrough(Base):
    """The entry that sums are through, one row; see `kept`.

    asked_id: the one that they may be through.
    """

    __tablename__ = "ledger_kept"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int]
    asked_id: Mapped[int] = mapped_column(server_default="0")


class KeptTotal(Base):
    """What was posted on an account, in öre; see `kept`."""

    __tablename__ = "ledger_totals"

    account: Mapped[str] = mapped_column(primary_key=True)
    ore: Mapped[int]


class KeptSum(Base):
    """What was posted on a company's account on a day or in a month, in öre; see `kept`.

    day: of a month its first.
    """

    __tablename__ = "ledger_sums"
    __table_args__ = (
        Index(
            "ix_ledger_sums_creditor", "creditor_id", "currency",
            postgresql_include=["account", "ore"], postgresql_where=text("is_month"),
        ),
    )  # fmt: skip

    currency: Mapped[str] = mapped_column(primary_key=True)
    is_month: Mapped[bool] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    creditor_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    account: Mapped[str] = mapped_column(primary_key=True)
    ore: Mapped[int]
