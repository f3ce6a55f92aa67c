"""Lists of people that a draft is sent to, so that many are sent to in the background.

Revision: 0054
After: 0053
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sending_lists",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("envelope_id", sa.BigInteger(), sa.ForeignKey("envelopes.id"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("sender_email", sa.String()),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("seen", sa.String(), nullable=False),
        sa.Column("people", sa.LargeBinary()),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("begun_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("failure", JSONB()),
        sa.UniqueConstraint("envelope_id", "sha256"),
    )
    op.execute("grant select, insert, update, delete on sending_lists to reda_app")
    op.execute("grant usage on all sequences in schema public to reda_app")
    op.execute("alter table sending_lists enable row level security")
    op.execute(
        "create policy wall on sending_lists to reda_app using ((select reda_is_service())"
        " or creditor_id = any((select reda_creditors())::bigint[]))"
    )


def downgrade() -> None:
    op.drop_table("sending_lists")
