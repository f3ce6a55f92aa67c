"""Who took back what a bank's payment was noted to bring, and who left a month open.

Revision: 0061
After: 0060
"""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    op.create_table(
        "undone_transfers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column(
            "payment_id", sa.BigInteger(), sa.ForeignKey("bank_payments.id"), nullable=False
        ),
        _text("way"), _text("by"), _moment("at"), _text("undone_by"), _moment("undone_at"),
    )  # fmt: skip
    op.create_index("ix_undone_transfers_payment_id", "undone_transfers", ["payment_id"])
    op.execute("alter table undone_transfers enable row level security")
    op.execute(
        "create policy wall on undone_transfers to reda_app using ((select reda_is_service()))"
    )
    op.execute("grant select, insert on undone_transfers to reda_app")
    op.execute("grant usage on all sequences in schema public to reda_app")
    op.add_column("closed_periods", sa.Column("withdrawn_by", sa.String()))


def downgrade() -> None:
    op.drop_column("closed_periods", "withdrawn_by")
    op.drop_table("undone_transfers")
