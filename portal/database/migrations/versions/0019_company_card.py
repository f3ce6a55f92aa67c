"""What a company tells about itself: cards, addresses, contact people, accounts, its letters' look.

Revision: 0019
After: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_CREDITOR = "creditor_id = any((select reda_creditors())::bigint[])"
_TABLES = (
    "company_cards", "company_addresses", "address_sources", "contact_people", "payout_accounts",
)  # fmt: skip


def upgrade() -> None:
    # What its letters say of it beside its name: sender_name, logo (SHA-256), address (lines).
    op.add_column(
        "creditors", sa.Column("letter", JSONB(), nullable=False, server_default=sa.text("'{}'"))
    )
    op.create_table(
        "company_cards",
        _creditor(primary_key=True),
        sa.Column("card", sa.String(), primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
    )
    op.create_table(
        "company_addresses",
        _creditor(primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("value", JSONB(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('sender', 'invoice', 'agreement')", name=op.f("ck_company_addresses_kind")
        ),
    )
    op.create_table(
        "address_sources",
        _creditor(primary_key=True),
        sa.Column("source", sa.String(), primary_key=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("value", JSONB(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "contact_people",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        _creditor(index=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
    )
    _add_accounts()
    for table in _TABLES:
        op.execute(f"grant select, insert, update, delete on {table} to reda_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(
            f"create policy wall on {table} to reda_app"
            f" using ((select reda_is_service()) or {_CREDITOR})"
        )


def _creditor(*, primary_key: bool = False, index: bool = False) -> sa.Column[int]:
    return sa.Column(
        "creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False,
        primary_key=primary_key, index=index,
    )  # fmt: skip


def _add_accounts() -> None:
    op.create_table(
        "payout_accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        _creditor(index=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("currency", sa.String()),
        sa.Column("is_used", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind in ('bankgiro', 'plusgiro', 'iban')", name=op.f("ck_payout_accounts_kind")
        ),
        sa.UniqueConstraint("creditor_id", "kind", "number", "currency",
                            name=op.f("uq_payout_accounts_creditor_id_kind_number_currency"),
                            postgresql_nulls_not_distinct=True),
    )  # fmt: skip
    # One that is used where no currency has its own, and one for each currency.
    op.create_index(
        "uq_payout_accounts_used", "payout_accounts",
        ["creditor_id", sa.text("coalesce(currency, '')")], unique=True,
        postgresql_where=sa.text("is_used"),
    )  # fmt: skip
    op.execute(
        "insert into payout_accounts (key, creditor_id, kind, number, holder, is_used, added_at)"
        " select 'first' || id, id, 'bankgiro', payout_bankgiro, name, true, created_at"
        " from creditors where payout_bankgiro is not null"
    )
    op.drop_column("creditors", "payout_bankgiro")


def downgrade() -> None:
    op.add_column("creditors", sa.Column("payout_bankgiro", sa.String()))
    op.execute(
        "update creditors c set payout_bankgiro = a.number from payout_accounts a"
        " where a.creditor_id = c.id and a.kind = 'bankgiro' and a.is_used and a.currency is null"
    )
    for table in reversed(_TABLES):
        op.drop_table(table)
    op.drop_column("creditors", "letter")
