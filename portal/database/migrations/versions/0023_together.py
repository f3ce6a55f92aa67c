"""What is done with many cases together: the act, and each of its cases as it was seen.

Revision: 0023
After: 0022
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_SEEN = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"


def upgrade() -> None:
    op.create_table(
        "acts_together",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("options", JSONB(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("undoes_id", sa.BigInteger(), sa.ForeignKey("acts_together.id")),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "status in ('draft', 'waiting', 'done', 'cancelled')",
            name=op.f("ck_acts_together_status"),
        ),
    )
    op.create_index(
        op.f("ix_acts_together_waiting"), "acts_together", ["id"],
        postgresql_where=sa.text("status = 'waiting'"),
    )  # fmt: skip
    op.create_table(
        "cases_together",
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("creditor_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("is_stopped", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String()),
        sa.Column("problem", JSONB()),
        sa.ForeignKeyConstraint(
            ["act_id"], ["acts_together.id"], name=op.f("fk_cases_together_act_id"),
            ondelete="cascade",
        ),
        sa.PrimaryKeyConstraint("act_id", "case_id", name=op.f("pk_cases_together")),
    )  # fmt: skip
    op.create_index(
        op.f("ix_cases_together_left"), "cases_together", ["act_id", "case_id"],
        postgresql_where=sa.text("outcome is null"),
    )  # fmt: skip
    for table in ("acts_together", "cases_together"):
        op.execute(f"grant select, insert, update, delete on {table} to reda_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({_SEEN})")


def downgrade() -> None:
    op.drop_table("cases_together")
    op.drop_table("acts_together")
