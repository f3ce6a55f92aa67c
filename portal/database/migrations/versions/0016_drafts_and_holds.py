"""Rules that somebody edits and has not saved; companies that stand still; invoices left out.

Revision: 0016
After: 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SERVICE = "(select reda_is_service())"
_CREDITOR = "creditor_id = any((select reda_creditors())::bigint[])"
_WALLS = {
    # What one person tries out is nobody else's.
    "rule_drafts": f"{_SERVICE} or ({_CREDITOR} and person_id = (select reda_person()))",
    "company_holds": f"{_SERVICE} or {_CREDITOR}",
}


def upgrade() -> None:
    op.create_table(
        "rule_drafts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scope_key", sa.String(), nullable=False),
        sa.Column("values", JSONB(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint(
            "creditor_id", "person_id", "scope", "scope_key",
            name=op.f("uq_rule_drafts_creditor_id_person_id_scope_scope_key"),
        ),
    )  # fmt: skip
    op.create_table(
        "company_holds",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_by", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("letters_left", sa.Boolean(), nullable=False),
    )
    op.create_index(
        "uq_company_holds_open", "company_holds", ["creditor_id"], unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )  # fmt: skip
    op.create_index(
        "ix_company_holds_letters", "company_holds", ["id"],
        postgresql_where=sa.text("letters_left"),
    )  # fmt: skip
    op.create_index(
        "ix_invoices_left_out", "invoices", ["creditor_id"],
        postgresql_where=sa.text("decision = 'left out'"),
    )  # fmt: skip
    for table, wall in _WALLS.items():
        op.execute(f"grant select, insert, update, delete on {table} to reda_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({wall})")


def downgrade() -> None:
    op.drop_index("ix_invoices_left_out", table_name="invoices")
    op.drop_table("company_holds")
    op.drop_table("rule_drafts")
