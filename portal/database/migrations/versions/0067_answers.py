"""The language of what a company answers to what a debtor told.

Revision: 0067
After: 0066
"""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case_tellings", sa.Column("answer_language", sa.String()))


def downgrade() -> None:
    op.drop_column("case_tellings", "answer_language")
