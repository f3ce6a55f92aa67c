"""A customer's invoices that are no cases, and its open cases, found at once.

Revision: 0018
After: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_invoices_no_case", "invoices", ["debtor_id"],
        postgresql_where=sa.text("decision <> 'imported'"),
    )  # fmt: skip
    op.create_index(
        "ix_cases_open", "cases", ["creditor_id", "debtor_id"],
        postgresql_where=sa.text("closed_on is null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_cases_open", table_name="cases")
    op.drop_index("ix_invoices_no_case", table_name="invoices")
