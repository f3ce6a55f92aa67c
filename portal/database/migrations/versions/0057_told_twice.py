"""Deposits that banks tell of in two files, and how an order was named by who gave it.

Revision: 0057
After: 0056
"""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _to(name: str, table: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(f"{table}.id"), nullable=False)


def upgrade() -> None:
    op.add_column(
        "bank_payments",
        sa.Column("end_to_end_id", sa.String(), nullable=False, server_default=""),
    )
    op.create_index(
        "ix_bank_payments_end_to_end_id", "bank_payments", ["end_to_end_id"],
        postgresql_where=sa.text("end_to_end_id <> ''"),
    )  # fmt: skip
    op.create_table(
        "told_twice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        _to("file_id", "bank_files"),
        _text("deposit"),
        _to("other_file_id", "bank_files"),
        _text("other_deposit"),
        _text("account"),
        sa.Column("value_on", sa.Date(), nullable=False),
        _text("currency"),
        _number("amount_ore"),
        _number("payments"),
        _text("status"),
        _text("decided_by", nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("file_id", "account", "deposit", "value_on"),
        sa.CheckConstraint(
            "status in ('open', 'same', 'other')", name=op.f("ck_told_twice_status")
        ),
    )
    op.create_index(
        "ix_told_twice_open", "told_twice", ["id"], postgresql_where=sa.text("status = 'open'")
    )
    op.create_index("ix_told_twice_other_file_id", "told_twice", ["other_file_id"])
    op.execute("grant select, insert, update on told_twice to reda_app")
    op.execute("grant usage on all sequences in schema public to reda_app")
    op.execute("alter table told_twice enable row level security")
    op.execute("create policy wall on told_twice to reda_app using ((select reda_is_service()))")


def downgrade() -> None:
    op.drop_table("told_twice")
    op.drop_index("ix_bank_payments_end_to_end_id", "bank_payments")
    op.drop_column("bank_payments", "end_to_end_id")
