"""Templates that a company writes documents from, and what an envelope was written from.

Revision: 0045
After: 0044
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "signing_templates",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False)
          for name in ("name", "kind", "language", "message")),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("remind_days", sa.BigInteger(), nullable=False),
        sa.Column("roles", JSONB(), nullable=False),
        sa.Column("fields", JSONB(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("saved_by", sa.String(), nullable=False),
        sa.Column("saved_at", _MOMENT, nullable=False),
        sa.Column("archived_at", _MOMENT),
        sa.UniqueConstraint("creditor_id", "key", "version"),
    )  # fmt: skip
    op.execute("grant select, insert, update (archived_at) on signing_templates to reda_app")
    op.execute("grant usage on all sequences in schema public to reda_app")
    op.execute("alter table signing_templates enable row level security")
    op.execute(
        "create policy wall on signing_templates to reda_app using ((select reda_is_service())"
        " or creditor_id = any((select reda_creditors())::bigint[]))"
    )
    op.add_column("envelopes", sa.Column("template_key", sa.String()))
    op.add_column("envelopes", sa.Column("template_version", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("envelopes", "template_version")
    op.drop_column("envelopes", "template_key")
    op.drop_table("signing_templates")
