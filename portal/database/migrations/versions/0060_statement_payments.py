"""What companies pay in of their monthly statements.

Revision: 0060
After: 0059
"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_WALL = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"

# What was paid in stays in the books; which statement it was for would be forgotten.
_REFUSE = """
do $$ begin
    if exists (select from statement_payments) then
        raise exception 'companies have paid statements in: this cannot be taken back';
    end if;
end $$
"""


def _text(name: str, *, nullable: bool = False, unique: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable, unique=unique)


def _to(name: str, table: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(f"{table}.id"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "statement_payments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        _text("key", unique=True),
        sa.Column(
            "statement_key", sa.String(), sa.ForeignKey("service_statements.key"), nullable=False
        ),
        _to("creditor_id", "creditors"),
        _to("payment_id", "bank_payments"),
        sa.Column("amount_ore", sa.BigInteger(), nullable=False),
        sa.Column("covers_ore", sa.BigInteger(), nullable=False),
        _text("currency"),
        sa.Column("value_on", sa.Date(), nullable=False),
        _text("by"),
        sa.Column("at", _MOMENT, nullable=False),
        _text("undone_by", nullable=True),
        sa.Column("undone_at", _MOMENT),
        sa.CheckConstraint(
            "amount_ore > 0 and covers_ore between 0 and amount_ore",
            name=op.f("ck_statement_payments_amount"),
        ),
        sa.CheckConstraint(
            "(undone_at is null) = (undone_by is null)", name=op.f("ck_statement_payments_undone")
        ),
    )
    op.create_index(
        "uq_statement_payments_payment_id", "statement_payments", ["payment_id"], unique=True,
        postgresql_where=sa.text("undone_at is null"),
    )  # fmt: skip
    op.create_index("ix_statement_payments_statement_key", "statement_payments", ["statement_key"])
    op.execute("alter table statement_payments enable row level security")
    op.execute(f"create policy wall on statement_payments to reda_app using ({_WALL})")
    op.execute("grant select, insert, update on statement_payments to reda_app")
    op.execute("grant usage on all sequences in schema public to reda_app")


def downgrade() -> None:
    op.execute(_REFUSE)
    op.drop_table("statement_payments")
