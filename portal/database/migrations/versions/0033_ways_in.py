"""Who may sign for a company, and how long a wrong guess counts.

Revision: 0033
After: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "signatories",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("organisation_number", sa.LargeBinary(), nullable=False),
        sa.Column("organisation_number_hash", sa.LargeBinary(), nullable=False),
        sa.Column("identity_number_hash", sa.LargeBinary(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date()),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("told_at", moment, nullable=False),
        sa.UniqueConstraint("identity_number_hash", "organisation_number_hash"),
    )
    op.execute("grant select, insert, update, delete on signatories to reda_app")
    op.execute("alter table signatories enable row level security")
    op.execute("create policy wall on signatories to reda_app using ((select reda_is_service()))")
    op.add_column("access_attempts", sa.Column("forgotten_at", moment))
    op.execute("update access_attempts set forgotten_at = failed_at + interval '1 day'")
    op.alter_column("access_attempts", "forgotten_at", nullable=False)
    op.create_index(op.f("ix_access_attempts_forgotten_at"), "access_attempts", ["forgotten_at"])


def downgrade() -> None:
    op.drop_column("access_attempts", "forgotten_at")
    op.drop_table("signatories")
