"""Files that a debtor sends with what they say, and the language that it is said in.

A debtor sees the files that a debtor has sent, never those that the company keeps for itself.

Revision: 0031
After: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_COMPANYS = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
_OWN_CASE = "case_id = any((select reda_cases())::bigint[])"


def upgrade() -> None:
    op.add_column("dispute_turns", sa.Column("language", sa.String()))
    op.add_column(
        "case_files",
        sa.Column("is_from_debtor", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "case_files", sa.Column("turn_id", sa.BigInteger(), sa.ForeignKey("dispute_turns.id"))
    )
    op.execute(
        f"alter policy wall on case_files using ({_COMPANYS} or {_OWN_CASE} and is_from_debtor)"
    )


def downgrade() -> None:
    op.execute(f"alter policy wall on case_files using ({_COMPANYS})")
    op.drop_column("case_files", "turn_id")
    op.drop_column("case_files", "is_from_debtor")
    op.drop_column("dispute_turns", "language")
