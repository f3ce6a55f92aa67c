"""Payment plans above a limit are signed by the debtor.

Revision: 0046
After: 0045
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rules", sa.Column("plan_sign_over_ore", sa.BigInteger()))
    # A debtor whose page leads to what they sign needs no other address.
    op.drop_constraint(op.f("ck_envelope_signers_address"), "envelope_signers")


def downgrade() -> None:
    op.create_check_constraint(
        op.f("ck_envelope_signers_address"), "envelope_signers", "num_nonnulls(email, phone) > 0"
    )
    op.drop_column("rules", "plan_sign_over_ore")
