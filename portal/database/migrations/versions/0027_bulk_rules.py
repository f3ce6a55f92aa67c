"""Rules for many customers at once: chosen, looked at, and then kept.

Revision: 0027
After: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_WALL = (
    "(select reda_is_service()) or (creditor_id = any((select reda_creditors())::bigint[])"
    " and person_id = (select reda_person()))"
)


def upgrade() -> None:
    op.create_table(
        "bulk_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("values", JSONB(), nullable=False),
        sa.Column("rows", JSONB(), nullable=False),
        sa.Column("problems", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("event_id", sa.BigInteger()),
    )
    op.execute("grant select, insert, update, delete on bulk_rules to reda_app")
    op.execute("alter table bulk_rules enable row level security")
    op.execute(f"create policy wall on bulk_rules to reda_app using ({_WALL})")


def downgrade() -> None:
    op.drop_table("bulk_rules")
