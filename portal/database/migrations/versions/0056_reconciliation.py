"""What the bank says that accounts hold, sums that bring what is booked, and our own share.

Revision: 0056
After: 0055
"""

from datetime import date

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_TABLES = ("bank_balances", "bank_transfers", "own_share_orders", "reconciled_days")


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True)


def _text(name: str, *, unique: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False, unique=unique)


def _ore(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _day(name: str, *, nullable: bool = False) -> sa.Column[date]:
    return sa.Column(name, sa.Date(), nullable=nullable)


def _to(name: str, table: str, *, is_key: bool = False) -> sa.Column[int]:
    return sa.Column(
        name,
        sa.BigInteger(),
        sa.ForeignKey(f"{table}.id"),
        nullable=False,
        primary_key=is_key,
        autoincrement=False,
    )


def upgrade() -> None:
    op.create_table(
        "bank_balances", _id(), _to("file_id", "bank_files"), _text("account"), _text("currency"),
        _day("opened_on"), _ore("opening_ore"), _day("closed_on"), _ore("closing_ore"),
    )  # fmt: skip
    op.create_index("ix_bank_balances_file_id", "bank_balances", ["file_id"])
    op.create_index("ix_bank_balances_closed_on", "bank_balances", ["closed_on"])
    op.create_table(
        "bank_transfers", _to("payment_id", "bank_payments", is_key=True), _text("way"),
        _text("state"), _text("by"), sa.Column("at", _MOMENT, nullable=False),
        sa.CheckConstraint(
            "way in ('swish', 'card', 'account', 'own')", name=op.f("ck_bank_transfers_way")
        ),
    )  # fmt: skip
    op.create_table(
        "own_share_orders", _id(), _text("key", unique=True), _to("batch_id", "payout_batches"),
        _day("on"), _text("currency"), _ore("amount_ore"),
        sa.Column("shares", JSONB(), nullable=False), _text("account"), _text("status"),
        _text("reason"), _day("released_on", nullable=True), _day("ended_on", nullable=True),
        sa.CheckConstraint("amount_ore > 0", name=op.f("ck_own_share_orders_amount")),
        sa.CheckConstraint(
            "status in ('proposed', 'released', 'settled', 'rejected')",
            name=op.f("ck_own_share_orders_status"),
        ),
    )  # fmt: skip
    op.create_index("ix_own_share_orders_batch_id", "own_share_orders", ["batch_id"])
    op.create_table(
        "reconciled_days", sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("currency", sa.String(), primary_key=True),
        sa.Column("made_at", _MOMENT, nullable=False), _ore("bank_ore"), _ore("books_ore"),
        _ore("explained_ore"), _ore("unexplained"),
    )  # fmt: skip
    op.execute("grant select, insert on bank_balances to reda_app")
    op.execute(
        "grant select, insert, update, delete on bank_transfers, own_share_orders, reconciled_days"
        " to reda_app"
    )
    op.execute("grant usage on all sequences in schema public to reda_app")
    for table in _TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ((select reda_is_service()))")


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
