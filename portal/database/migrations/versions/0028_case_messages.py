"""What a debtor and the company write to each other about a case.

Revision: 0028
After: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_COMPANYS = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
_OWN_CASE = "case_id = any((select reda_cases())::bigint[])"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "case_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("is_from_debtor", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("said_at", moment, nullable=False),
        sa.Column("answered_at", moment),
    )
    op.create_index(op.f("ix_case_messages_case_id"), "case_messages", ["case_id"])
    op.create_index(
        "ix_case_messages_waiting", "case_messages", ["creditor_id", "said_at"],
        postgresql_where=sa.text("is_from_debtor and answered_at is null"),
    )  # fmt: skip
    op.execute("grant select, insert on case_messages to reda_app")
    op.execute("grant update (answered_at) on case_messages to reda_app")
    op.execute("alter table case_messages enable row level security")
    op.execute(
        f"create policy wall on case_messages to reda_app using ({_COMPANYS} or {_OWN_CASE})"
    )


def downgrade() -> None:
    op.drop_table("case_messages")
