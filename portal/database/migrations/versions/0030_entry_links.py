"""Links in e-mails and text messages that open a case, once and for some days.

Revision: 0030
After: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "entry_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.String()),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("ends_at", moment, nullable=False),
        sa.Column("used_at", moment),
        sa.Column("used_by", sa.LargeBinary()),
        sa.CheckConstraint(
            "channel in ('email', 'sms', 'mailbox')", name=op.f("ck_entry_links_channel")
        ),
        sa.UniqueConstraint("token_hash", name=op.f("uq_entry_links_token_hash")),
    )
    op.create_index(op.f("ix_entry_links_ends_at"), "entry_links", ["ends_at"])
    op.create_index(op.f("ix_entry_links_case_id"), "entry_links", ["case_id"])
    op.execute("grant select, insert, delete on entry_links to reda_app")
    op.execute("grant update (used_at, used_by) on entry_links to reda_app")
    op.execute("alter table entry_links enable row level security")
    # Neither a company nor a debtor reads who has which link: what opens a case is the service's.
    op.execute("create policy wall on entry_links to reda_app using ((select reda_is_service()))")


def downgrade() -> None:
    op.drop_table("entry_links")
