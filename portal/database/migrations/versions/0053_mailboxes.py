"""Letters to digital mailboxes.

Revision: 0053
After: 0052
"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def _choose_among(allowed: str) -> None:
    op.drop_constraint(op.f("ck_debtor_contacts_channel"), "debtor_contacts", type_="check")
    op.create_check_constraint(op.f("ck_debtor_contacts_channel"), "debtor_contacts", allowed)


def upgrade() -> None:
    op.add_column("messages", sa.Column("mailbox", sa.LargeBinary()))
    op.add_column("messages", sa.Column("mailbox_sha256", sa.String()))
    op.add_column(
        "creditors",
        sa.Column("by_mailbox", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    # Who has told something else has not chosen post.
    op.alter_column("debtor_contacts", "channel", nullable=True)
    _choose_among("channel in ('letter', 'mailbox', 'email', 'sms')")


def downgrade() -> None:
    op.execute(
        "update debtor_contacts set channel = 'letter' where channel is null or channel = 'mailbox'"
    )
    _choose_among("channel in ('letter', 'email', 'sms')")
    op.alter_column("debtor_contacts", "channel", nullable=False)
    op.execute("update messages set channel = 'letter' where channel = 'mailbox'")
    op.drop_column("creditors", "by_mailbox")
    op.drop_column("messages", "mailbox_sha256")
    op.drop_column("messages", "mailbox")
