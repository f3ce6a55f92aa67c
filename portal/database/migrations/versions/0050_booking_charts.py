"""Which accounts a company's vouchers use; the payouts of a case are found.

Revision: 0050
After: 0049
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_PARTS = ("bank", "receivables", "interest", "other", "costs", "vat")
_WALL = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"


def upgrade() -> None:
    op.create_table(
        "booking_charts",
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in _PARTS),
    )
    op.execute("grant select, insert, update on booking_charts to reda_app")
    op.execute("alter table booking_charts enable row level security")
    op.execute(f"create policy wall on booking_charts to reda_app using ({_WALL})")
    op.create_index(
        "ix_payout_lines_case_id", "payout_lines", ["case_id"],
        postgresql_where=sa.text("case_id is not null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_payout_lines_case_id", "payout_lines")
    op.drop_table("booking_charts")
