"""What payments by bank are given to, refunds that wait, and payments that are taken back.

Revision: 0048
After: 0047
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True)


def _key(name: str, table: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(f"{table}.id"), nullable=nullable)


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _shares() -> None:
    op.create_table(
        "bank_shares",
        _id(),
        _key("payment_id", "bank_payments"),
        _key("case_id", "cases"),
        _key("creditor_id", "creditors"),
        sa.Column("amount_ore", sa.BigInteger(), nullable=False),
        _text("key"),
        _text("how"),
        _text("by"),
        _at("at"),
        _text("undone_by", nullable=True),
        _at("undone_at", nullable=True),
        sa.UniqueConstraint("key", name=op.f("uq_bank_shares_key")),
        sa.CheckConstraint("amount_ore > 0", name=op.f("ck_bank_shares_amount")),
        sa.CheckConstraint(
            "(undone_at is null) = (undone_by is null)", name=op.f("ck_bank_shares_undone")
        ),
    )
    op.create_index("ix_bank_shares_payment_id", "bank_shares", ["payment_id"])
    op.create_index("ix_bank_shares_case_id", "bank_shares", ["case_id"])


def _refunds() -> None:
    op.create_table(
        "refunds",
        _id(),
        _key("payment_id", "bank_payments"),
        _key("share_id", "bank_shares", nullable=True),
        sa.Column("amount_ore", sa.BigInteger(), nullable=False),
        _text("currency"),
        _text("why"),
        _text("payer_name"),
        sa.Column("payer_account", sa.LargeBinary()),
        _text("status"),
        _text("by"),
        _at("at"),
        _text("decided_by", nullable=True),
        _at("decided_at", nullable=True),
        sa.CheckConstraint("amount_ore > 0", name=op.f("ck_refunds_amount")),
        sa.CheckConstraint(
            "why in ('overpaid', 'closed', 'not ours', 'wrong creditor', 'currency')",
            name=op.f("ck_refunds_why"),
        ),
        sa.CheckConstraint(
            "status in ('to confirm', 'waiting', 'withdrawn')", name=op.f("ck_refunds_status")
        ),
        sa.CheckConstraint(
            "status <> 'waiting' or payer_account is not null", name=op.f("ck_refunds_account")
        ),
    )
    op.create_index("ix_refunds_payment_id", "refunds", ["payment_id"])
    op.create_index(
        "ix_refunds_open", "refunds", ["id"], postgresql_where=sa.text("status <> 'withdrawn'")
    )


def upgrade() -> None:
    _shares()
    _refunds()
    for table in ("bank_shares", "refunds"):
        op.execute(f"grant select, insert, update, delete on {table} to reda_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ((select reda_is_service()))")
    op.execute("grant usage on all sequences in schema public to reda_app")
    op.add_column("bank_payments", _key("reverses_id", "bank_payments", nullable=True))
    op.create_index(
        "ix_bank_payments_waiting", "bank_payments", ["value_on", "id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )  # fmt: skip
    op.create_index(
        "ix_bank_payments_payer", "bank_payments", ["payer_hash"],
        postgresql_where=sa.text("payer_hash is not null"),
    )  # fmt: skip
    op.create_index(
        "ix_bank_payments_reverses_id", "bank_payments", ["reverses_id"], unique=True,
        postgresql_where=sa.text("reverses_id is not null"),
    )  # fmt: skip
    op.create_index(
        "ix_invoices_number", "invoices", ["number"],
        postgresql_where=sa.text("decision = 'imported'"),
    )  # fmt: skip
    op.create_index("ix_debtors_lower_name", "debtors", [sa.text("lower(name)")])


def downgrade() -> None:
    op.drop_index("ix_debtors_lower_name", "debtors")
    op.drop_index("ix_invoices_number", "invoices")
    op.drop_index("ix_bank_payments_reverses_id", "bank_payments")
    op.drop_index("ix_bank_payments_payer", "bank_payments")
    op.drop_index("ix_bank_payments_waiting", "bank_payments")
    op.drop_column("bank_payments", "reverses_id")
    op.drop_table("refunds")
    op.drop_table("bank_shares")
