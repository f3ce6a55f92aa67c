"""What somebody was shown and then did to a case, so that pressing twice does it once.

Revision: 0011
After: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_SEEN = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"


def upgrade() -> None:
    op.create_table(
        "case_deeds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("case_id", "key", name=op.f("uq_case_deeds_case_id_key")),
    )
    op.execute("grant select, insert on case_deeds to reda_app")
    op.execute("alter table case_deeds enable row level security")
    op.execute(f"create policy wall on case_deeds to reda_app using ({_SEEN})")


def downgrade() -> None:
    op.drop_table("case_deeds")
