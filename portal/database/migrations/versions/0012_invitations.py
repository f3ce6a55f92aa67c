"""Invitations to act for a company.

Revision: 0012
After: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_CREDITOR = "creditor_id = any((select reda_creditors())::bigint[])"


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("given_name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("role_ends_on", sa.Date()),
        sa.Column("invited_by", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("inviter_name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times_sent", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.Column("accepted_at", sa.DateTime(timezone=True)),
        sa.Column("accepted_by", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("accepted_name", sa.String()),
        sa.CheckConstraint(
            "role in ('administrator', 'collector', 'viewer')", name=op.f("ck_invitations_role")
        ),
    )
    op.create_index("ix_invitations_creditor_id", "invitations", ["creditor_id"])
    op.execute("grant select, insert, update on invitations to reda_app")
    op.execute("alter table invitations enable row level security")
    op.execute(
        "create policy wall on invitations to reda_app"
        f" using ((select reda_is_service()) or {_CREDITOR})"
    )


def downgrade() -> None:
    op.drop_table("invitations")
