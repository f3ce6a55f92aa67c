"""The overview: figures kept for each company, what waits found by index, and people's choices.

Revision: 0014
After: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_SERVICE = "(select reda_is_service())"
_CREDITOR = "creditor_id = any((select reda_creditors())::bigint[])"
# Index, table, columns, and of which rows.
_INDEXES = (
    ("ix_case_stops_waiting", "case_stops", ["creditor_id", "kind", "began_at"],
     "ended_at is null"),
    ("ix_cases_deciding", "cases", ["creditor_id", "pay_by_on"], "status = 'deciding'"),
    ("ix_messages_failed", "messages", ["creditor_id", "created_at"], "status = 'failed'"),
    ("ix_plans_broken", "plans", ["creditor_id", "ended_on"], "status = 'broken'"),
    ("ix_debtors_without_address", "debtors", ["creditor_id", "id"],
     "address_line = '' or postcode = '' or town = ''"),
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "figures",
        sa.Column("creditor_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["creditor_id"], ["creditors.id"], name=op.f("fk_figures_creditor_id")
        ),
        sa.PrimaryKeyConstraint("creditor_id", name=op.f("pk_figures")),
    )
    op.create_table(
        "preferences",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("creditor_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_preferences_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["creditor_id"], ["creditors.id"], name=op.f("fk_preferences_creditor_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "creditor_id", "name", name=op.f("pk_preferences")),
    )
    for table, seen in (
        ("figures", f"{_SERVICE} or {_CREDITOR}"),
        ("preferences", f"{_SERVICE} or (person_id = (select reda_person()) and {_CREDITOR})"),
    ):
        op.execute(f"grant select, insert, update, delete on {table} to reda_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({seen})")
    for name, table, columns, which in _INDEXES:
        op.create_index(name, table, columns, postgresql_where=sa.text(which))
    # With the day, a month's lines are found without reading all of an account.
    op.create_index(
        "ix_ledger_lines_creditor_account_day",
        "ledger_lines",
        ["creditor_id", "account", "booked_on"],
    )
    op.drop_index("ix_ledger_lines_creditor_account", table_name="ledger_lines")


def downgrade() -> None:
    op.create_index("ix_ledger_lines_creditor_account", "ledger_lines", ["creditor_id", "account"])
    op.drop_index("ix_ledger_lines_creditor_account_day", table_name="ledger_lines")
    for name, table, *_ in _INDEXES:
        op.drop_index(name, table_name=table)
    op.drop_table("preferences")
    op.drop_table("figures")
