"""Files that banks send, and the payments in them; seen by the service alone.

Revision: 0040
After: 0039
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _files() -> None:
    op.create_table(
        "bank_files",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        _text("sha256"),
        _number("size"),
        _text("name"),
        _text("kind"),
        _text("bank_id"),
        sa.Column("accounts", ARRAY(sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True)),
        _text("way"),
        _text("by"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _text("status"),
        sa.Column("totals", JSONB(), nullable=False),
        _number("repeated"),
        sa.Column("problem", JSONB()),
        sa.CheckConstraint("status in ('taken', 'refused')", name=op.f("ck_bank_files_status")),
        sa.CheckConstraint(
            "(status = 'refused') = (problem is not null)", name=op.f("ck_bank_files_problem")
        ),
    )
    taken = sa.text("status = 'taken'")
    op.create_index(
        "uq_bank_files_sha256", "bank_files", ["sha256"], unique=True, postgresql_where=taken
    )
    op.create_index(
        "uq_bank_files_bank_id", "bank_files", ["kind", "bank_id", sa.text("(accounts[1])")],
        unique=True, postgresql_where=taken,
    )  # fmt: skip


def _payments() -> None:
    op.create_table(
        "bank_payments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("file_id", sa.BigInteger(), sa.ForeignKey("bank_files.id"), nullable=False),
        _number("line", nullable=True),
        _text("place", nullable=True),
        _text("account"),
        _text("kind"),
        _number("amount_ore"),
        _text("currency"),
        sa.Column("value_on", sa.Date(), nullable=False),
        sa.Column("reference_numbers", ARRAY(sa.Text()), nullable=False),
        sa.Column("reference_ores", ARRAY(sa.BigInteger()), nullable=False),
        _text("text"),
        sa.Column("payer_account", sa.LargeBinary()),
        sa.Column("payer_hash", sa.LargeBinary()),
        _text("payer_name"),
        _text("payer_address"),
        sa.Column("payer_number", sa.LargeBinary()),
        _text("serial"),
        _text("deposit"),
        _number("position"),
        _text("state"),
        sa.CheckConstraint(
            "kind in ('payment', 'deduction', 'debit', 'reversal', 'returned')",
            name=op.f("ck_bank_payments_kind"),
        ),
        sa.CheckConstraint(
            "case when kind in ('payment', 'returned') then amount_ore > 0 else amount_ore < 0 end",
            name=op.f("ck_bank_payments_amount"),
        ),
        sa.CheckConstraint(
            "cardinality(reference_numbers) = cardinality(reference_ores)",
            name=op.f("ck_bank_payments_references"),
        ),
    )
    op.create_index("ix_bank_payments_file_id", "bank_payments", ["file_id"])
    op.create_index("ix_bank_payments_account", "bank_payments", ["account", "value_on"])
    op.create_index(
        "ix_bank_payments_new", "bank_payments", ["id"], postgresql_where=sa.text("state = 'new'")
    )


def upgrade() -> None:
    _files()
    _payments()
    for table in ("bank_files", "bank_payments"):
        op.execute(f"grant select, insert, update, delete on {table} to reda_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ((select reda_is_service()))")
    op.execute("grant usage on all sequences in schema public to reda_app")


def downgrade() -> None:
    op.drop_table("bank_payments")
    op.drop_table("bank_files")
