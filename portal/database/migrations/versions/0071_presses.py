"""What operators have pressed, kept for moments.

Revision: 0071
After: 0070
"""

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "presses",
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("pressed_hash", sa.LargeBinary(), nullable=False),
        sa.Column("pressed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("told", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "pressed_hash", name=op.f("pk_presses")),
    )
    op.execute("grant select, insert, update, delete on presses to reda_app")
    op.execute("alter table presses enable row level security")
    op.execute("create policy wall on presses to reda_app using ((select reda_is_service()))")


def downgrade() -> None:
    op.drop_table("presses")
