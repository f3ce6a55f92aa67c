"""How debtors want to be reached; messages are read, and translated by machine.

Revision: 0036
After: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_COMPANYS = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
# Told for all cases at the company, by whoever is let into one of them.
_OWN = (
    "(creditor_id, debtor_id) in (select c.creditor_id, c.debtor_id from cases c"
    " where c.id = any((select reda_cases())::bigint[]))"
)


# Of a letter, where an e-mail tells of it.
_CHANNEL = (
    "case when channel in ('email', 'sms') then address is not null"
    " else {}case_id is not null and creditor_id is not null end"
)


def _let_letters_have(address: str) -> None:
    op.drop_constraint(op.f("ck_messages_channel"), "messages", type_="check")
    op.create_check_constraint(op.f("ck_messages_channel"), "messages", _CHANNEL.format(address))


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "debtor_contacts",
        sa.Column("debtor_id", sa.BigInteger(), sa.ForeignKey("debtors.id"), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("email", sa.String()),
        sa.Column("email_confirmed_at", moment),
        sa.Column("phone", sa.String()),
        sa.Column("address_line", sa.String()),
        sa.Column("postcode", sa.String()),
        sa.Column("town", sa.String()),
        sa.Column("country", sa.String()),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("language", sa.String()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        sa.CheckConstraint(
            "channel in ('letter', 'email')", name=op.f("ck_debtor_contacts_channel")
        ),
        sa.CheckConstraint(
            "num_nulls(address_line, postcode, town, country) in (0, 4)",
            name=op.f("ck_debtor_contacts_address"),
        ),
    )
    op.execute("grant select, insert, update on debtor_contacts to reda_app")
    op.execute("alter table debtor_contacts enable row level security")
    op.execute(f"create policy wall on debtor_contacts to reda_app using ({_COMPANYS} or {_OWN})")
    _let_letters_have("")
    op.add_column("case_messages", sa.Column("read_at", moment))
    op.create_index(
        "ix_case_messages_unread", "case_messages", ["case_id"],
        postgresql_where=sa.text("not is_from_debtor and read_at is null"),
    )  # fmt: skip
    op.execute("grant update (read_at) on case_messages to reda_app")
    op.create_table(
        "message_translations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("message_id", sa.BigInteger(), sa.ForeignKey("case_messages.id"), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.UniqueConstraint(
            "message_id", "language", name=op.f("uq_message_translations_message_id_language")
        ),
    )
    op.execute("grant select, insert on message_translations to reda_app")
    op.execute("alter table message_translations enable row level security")
    op.execute(
        "create policy wall on message_translations to reda_app using"
        f" ({_COMPANYS} or case_id = any((select reda_cases())::bigint[]))"
    )


def downgrade() -> None:
    op.drop_table("message_translations")
    op.drop_index("ix_case_messages_unread", "case_messages")
    op.drop_column("case_messages", "read_at")
    op.execute("update messages set address = null where channel = 'letter'")
    _let_letters_have("address is null and ")
    op.drop_table("debtor_contacts")
