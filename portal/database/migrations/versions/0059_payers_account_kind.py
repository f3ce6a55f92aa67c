"""Of which kind the account is that a payment came from, as the bank's file tells it.

Revision: 0059
After: 0058
"""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bank_payments", sa.Column("payer_account_kind", sa.String()))
    op.create_check_constraint(
        op.f("ck_bank_payments_payer_account_kind"),
        "bank_payments",
        "payer_account_kind in ('bankgiro', 'plusgiro')",
    )


def downgrade() -> None:
    op.drop_column("bank_payments", "payer_account_kind")
