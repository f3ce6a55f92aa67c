"""Text messages for who chooses them, and whether they arrived.

Revision: 0039
After: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_CHANNEL = (
    "case when channel {} then {} is not null{}"
    " else case_id is not null and creditor_id is not null end"
)


def _channels_of(table: str, allowed: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_channel"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_channel"), table, allowed)


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("debtor_contacts", sa.Column("phone_asked_at", moment))
    op.add_column("debtor_contacts", sa.Column("phone_confirmed_at", moment))
    _channels_of("debtor_contacts", "channel in ('letter', 'email', 'sms')")
    for name in ("mobile", "channel_id", "receipt"):
        op.add_column("messages", sa.Column(name, sa.String()))
    op.drop_constraint(op.f("ck_messages_channel"), "messages", type_="check")
    op.execute("update messages set mobile = address, address = null where channel = 'sms'")
    op.create_check_constraint(
        op.f("ck_messages_channel"), "messages",
        _CHANNEL.format("= 'email'", "address", " when channel = 'sms' then mobile is not null"),
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_messages_receipt"), "messages", "receipt in ('delivered', 'failed')"
    )
    op.create_index(
        "ix_messages_channel_id", "messages", ["channel_id"],
        postgresql_where=sa.text("channel_id is not null"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_messages_channel_id", "messages")
    op.drop_constraint(op.f("ck_messages_receipt"), "messages", type_="check")
    op.drop_constraint(op.f("ck_messages_channel"), "messages", type_="check")
    op.execute("update messages set address = mobile where channel = 'sms'")
    op.create_check_constraint(
        op.f("ck_messages_channel"), "messages",
        _CHANNEL.format("in ('email', 'sms')", "address", ""),
    )  # fmt: skip
    for name in ("mobile", "channel_id", "receipt"):
        op.drop_column("messages", name)
    op.execute("update debtor_contacts set channel = 'letter' where channel = 'sms'")
    _channels_of("debtor_contacts", "channel in ('letter', 'email')")
    op.drop_column("debtor_contacts", "phone_asked_at")
    op.drop_column("debtor_contacts", "phone_confirmed_at")
