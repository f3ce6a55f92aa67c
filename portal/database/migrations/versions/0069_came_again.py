"""Where a bank's file tells that what was taken back has come again.

Revision: 0069
After: 0068
"""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chargebacks", sa.Column("returned_payment_id", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_chargebacks_returned_payment_id"), "chargebacks", "bank_payments",
        ["returned_payment_id"], ["id"],
    )  # fmt: skip
    op.create_unique_constraint(
        op.f("uq_chargebacks_returned_payment_id"), "chargebacks", ["returned_payment_id"]
    )


def downgrade() -> None:
    op.drop_column("chargebacks", "returned_payment_id")
