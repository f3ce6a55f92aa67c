"""Text messages, and codes that are sent to whoever asks for one and come by them.

Revision: 0034
After: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_ADDRESSED = (
    "case when channel {addressed} then address is not null"
    " else address is null and case_id is not null and creditor_id is not null end"
)


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.drop_constraint(op.f("ck_messages_channel"), "messages", type_="check")
    op.create_check_constraint(
        op.f("ck_messages_channel"), "messages",
        _ADDRESSED.format(addressed="in ('email', 'sms')"),
    )  # fmt: skip
    op.create_table(
        "entry_codes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("browser_hash", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("asked_at", moment, nullable=False),
        sa.Column("ends_at", moment, nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id")),
        sa.Column("code_hash", sa.LargeBinary()),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("used_at", moment),
        sa.CheckConstraint("channel in ('email', 'sms')", name=op.f("ck_entry_codes_channel")),
        sa.CheckConstraint(
            "num_nulls(case_id, code_hash) in (0, 2)", name=op.f("ck_entry_codes_code")
        ),
    )
    op.create_index(op.f("ix_entry_codes_reference"), "entry_codes", ["reference", "asked_at"])
    op.create_index(op.f("ix_entry_codes_browser_hash"), "entry_codes", ["browser_hash"])
    op.execute("grant select, insert, update, delete on entry_codes to reda_app")
    op.execute("alter table entry_codes enable row level security")
    op.execute("create policy wall on entry_codes to reda_app using ((select reda_is_service()))")


def downgrade() -> None:
    op.drop_table("entry_codes")
    op.execute("delete from messages where channel = 'sms'")
    op.drop_constraint(op.f("ck_messages_channel"), "messages", type_="check")
    op.create_check_constraint(
        op.f("ck_messages_channel"), "messages", _ADDRESSED.format(addressed="= 'email'")
    )
