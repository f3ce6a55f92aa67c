"""When a message may be tried next, so that a pause counts from the failure before it.

Revision: 0004
After: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("update messages set due_at = created_at")
    op.alter_column("messages", "due_at", nullable=False)


def downgrade() -> None:
    op.drop_column("messages", "due_at")
