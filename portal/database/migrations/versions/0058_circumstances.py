"""What is known of a person is found from each of their cases.

Revision: 0058
After: 0057
"""

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

_KINDS = (
    "bankrupt", "deceased", "minor", "protected identity", "debt restructuring", "represented",
)  # fmt: skip


def upgrade() -> None:
    op.create_index(
        "ix_case_stops_circumstances", "case_stops", ["case_id"],
        postgresql_where=sa.text(f"kind in {_KINDS}"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_case_stops_circumstances", "case_stops")
