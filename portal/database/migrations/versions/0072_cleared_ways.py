"""What is noted as money of Swish, card or account is cleared, and kept as sums.

Revision: 0072
After: 0071
"""

import sqlalchemy as sa
from alembic import op

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None

_SIDE = "ck_reconciled_sums_side"
_TABLES = {"bank_transfers": "open", "undone_transfers": "cleared"}


def upgrade() -> None:
    for table, name in _TABLES.items():
        op.add_column(
            table, sa.Column("is_cleared", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        where = "not is_cleared" if name == "open" else "is_cleared"
        op.create_index(
            f"ix_{table}_{name}", table, ["payment_id"], postgresql_where=sa.text(where)
        )
    op.execute("grant update (is_cleared) on undone_transfers to reda_app")
    op.drop_constraint(_SIDE, "reconciled_sums")
    op.create_check_constraint(
        op.f(_SIDE), "reconciled_sums", "side in ('bank', 'books', 'cases', 'statement', 'way')"
    )


def downgrade() -> None:
    # All is cleared anew, as it was before.
    for table in ("bank_payments", "payouts", "refunds", "own_share_orders"):
        op.execute(
            f"update {table} set cleared_from = null, cleared_on = null"  # noqa: S608
            " where cleared_on is not null"
        )
    op.execute("update bank_files set is_summed = false where is_summed")
    op.execute("delete from reconciled_sums")
    op.execute("delete from reconciled_left")
    op.execute("select reda_forget_sums()")
    op.drop_constraint(_SIDE, "reconciled_sums")
    op.create_check_constraint(
        op.f(_SIDE), "reconciled_sums", "side in ('bank', 'books', 'cases', 'statement')"
    )
    for table, name in _TABLES.items():
        op.drop_index(f"ix_{table}_{name}", table)
        op.drop_column(table, "is_cleared")
