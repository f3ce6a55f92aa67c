"""Objections to cases, and what was said about each.

Revision: 0017
After: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_SEEN = (
    "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
    " or case_id = any((select reda_cases())::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "disputes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("amount_ore", sa.BigInteger()),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.Column("credited_ore", sa.BigInteger()),
        sa.CheckConstraint(
            "status in ('open', 'upheld', 'partly', 'turned down', 'lapsed')",
            name=op.f("ck_disputes_status"),
        ),
        sa.CheckConstraint("amount_ore > 0", name=op.f("ck_disputes_amount")),
    )
    op.create_index("ix_disputes_case", "disputes", ["case_id"])
    op.create_index(
        "uq_disputes_open", "disputes", ["case_id"], unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )  # fmt: skip
    op.create_index(
        "ix_disputes_waiting", "disputes", ["creditor_id", "opened_at"],
        postgresql_where=sa.text("status = 'open'"),
    )  # fmt: skip
    op.create_table(
        "dispute_turns",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("dispute_id", sa.BigInteger(), sa.ForeignKey("disputes.id"), nullable=False),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index(op.f("ix_dispute_turns_dispute_id"), "dispute_turns", ["dispute_id"])
    op.execute("grant select, insert, update on disputes to reda_app")
    op.execute("grant select, insert on dispute_turns to reda_app")
    for table in ("disputes", "dispute_turns"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({_SEEN})")


def downgrade() -> None:
    op.drop_table("dispute_turns")
    op.drop_table("disputes")
