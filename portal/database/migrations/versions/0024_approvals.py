"""What one administrator proposes and another approves; companies that are closed.

Revision: 0024
After: 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_CREDITOR = "creditor_id = any((select reda_creditors())::bigint[])"


def upgrade() -> None:
    op.add_column("creditors", sa.Column("closed_at", sa.DateTime(timezone=True)))
    # What becomes of the cases that were open then: finish or return.
    op.add_column("creditors", sa.Column("closed_cases", sa.String()))
    op.create_table(
        "approvals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("values", JSONB(), nullable=False),
        sa.Column("basis_sha256", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("text_sha256", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("proposer_name", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("decider_name", sa.String()),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.String(), nullable=False, server_default=""),
        sa.Column("evidence", JSONB()),
        sa.CheckConstraint(
            "status in ('waiting', 'approved', 'refused', 'withdrawn', 'expired', 'overtaken')",
            name=op.f("ck_approvals_status"),
        ),
        sa.CheckConstraint(
            "decided_by is distinct from proposed_by or status <> 'approved'",
            name=op.f("ck_approvals_four_eyes"),
        ),
    )
    op.create_index("ix_approvals_creditor_id", "approvals", ["creditor_id", "id"])
    op.create_index(
        "uq_approvals_waiting", "approvals", ["creditor_id", "kind", "values"], unique=True,
        postgresql_where=sa.text("status = 'waiting'"),
    )  # fmt: skip
    op.execute("grant select, insert, update on approvals to reda_app")
    op.execute("alter table approvals enable row level security")
    op.execute(
        "create policy wall on approvals to reda_app"
        f" using ((select reda_is_service()) or {_CREDITOR})"
    )


def downgrade() -> None:
    op.drop_table("approvals")
    op.drop_column("creditors", "closed_cases")
    op.drop_column("creditors", "closed_at")
