"""What was reconciled is kept summed up, so that only what came since is read.

Revision: 0062
After: 0061
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None

_TABLES = ("ledger_kept", "ledger_sums", "reconciled_sums", "reconciled_left")
_ORDERED = (
    "kind like 'payout.%' or kind like 'refund.%' or kind like 'own\\_share.%'"
    " or kind like 'own\\_money.%'"
)


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    op.create_table("ledger_kept", _key("id", sa.SmallInteger()), _whole("entry_id"))
    op.create_table(
        "ledger_sums", _key("currency", sa.String()), _key("is_month", sa.Boolean()),
        _key("day", sa.Date()), _key("creditor_id", sa.BigInteger()), _key("account", sa.String()),
        _whole("ore"),
    )  # fmt: skip
    op.create_table(
        "reconciled_sums", _key("side", sa.String()), _key("currency", sa.String()),
        _key("day", sa.Date()), _key("what", sa.String()), _key("name", sa.String()),
        _whole("ore"), _whole("came_ore"), _whole("number"),
        sa.CheckConstraint(
            "side in ('bank', 'books', 'cases')", name=op.f("ck_reconciled_sums_side")
        ),
    )  # fmt: skip
    op.create_table(
        "reconciled_left", _key("kind", sa.String()), _key("id", sa.BigInteger()),
        sa.CheckConstraint("kind in ('entry', 'case')", name=op.f("ck_reconciled_left_kind")),
    )  # fmt: skip
    op.execute(f"grant select, insert, update, delete on {', '.join(_TABLES)} to reda_app")
    for table in _TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ((select reda_is_service()))")
    op.add_column("bank_payments", sa.Column("cleared_from", sa.Date()))
    op.add_column("bank_payments", sa.Column("cleared_on", sa.Date()))
    _index("ix_bank_payments_day", ["currency", "value_on"])
    _index(
        "ix_bank_payments_open", ["currency", "value_on"],
        "cleared_on is null and state not in ('repeated', 'statement')",
    )  # fmt: skip
    _index(
        "ix_bank_payments_between", ["currency", "cleared_on", "cleared_from"],
        "cleared_from < cleared_on",
    )  # fmt: skip
    _index(
        "ix_bank_payments_statement", ["value_on", "account", "deposit", "position"],
        "state = 'statement'",
    )  # fmt: skip
    _index("ix_bank_payments_debits", ["value_on", "amount_ore"], "kind = 'debit'")
    op.create_index(
        "ix_ledger_entries_ordered", "ledger_entries", ["id"],
        postgresql_where=sa.text(_ORDERED),
    )  # fmt: skip


def _index(name: str, columns: list[str], where: str | None = None) -> None:
    op.create_index(
        name, "bank_payments", columns, postgresql_where=None if where is None else sa.text(where)
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_entries_ordered", table_name="ledger_entries")
    for name in ("day", "open", "between", "statement", "debits"):
        op.drop_index(f"ix_bank_payments_{name}", table_name="bank_payments")
    op.drop_column("bank_payments", "cleared_on")
    op.drop_column("bank_payments", "cleared_from")
    for table in reversed(_TABLES):
        op.drop_table(table)
