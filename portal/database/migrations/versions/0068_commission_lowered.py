"""A commission may be lowered several times, as its payment turns out to cover less.

Revision: 0068
After: 0067
"""

from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint("uq_commissions_takes_back_id", "commissions", type_="unique")
    op.create_index("ix_commissions_takes_back_id", "commissions", ["takes_back_id"])


def downgrade() -> None:
    # Refused by the database where one was lowered twice: nothing that was charged is forgotten.
    op.drop_index("ix_commissions_takes_back_id", table_name="commissions")
    op.create_unique_constraint("uq_commissions_takes_back_id", "commissions", ["takes_back_id"])
