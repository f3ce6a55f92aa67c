"""More of what a creditor decides: who and what is collected, texts, who bears fees, end dates.

Revision: 0009
After: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("is_excluded", sa.Boolean()),
    ("collects_from", sa.String()),
    ("lowest_ore", sa.BigInteger()),
    ("highest_ore", sa.BigInteger()),
    ("left_out_types", JSONB()),
    ("already_reminded", sa.String()),
    ("reminder_text", sa.String()),
    ("demand_text", sa.String()),
    ("reminder_fee_by", sa.String()),
    ("demand_fee_by", sa.String()),
    ("plan_fee_by", sa.String()),
    ("may_plan", sa.Boolean()),
    ("plan_most_months", sa.BigInteger()),
    ("plan_least_ore", sa.BigInteger()),
    ("plan_first_days", sa.BigInteger()),
    ("may_postpone", sa.Boolean()),
    ("postpone_days", sa.BigInteger()),
    ("postpone_times", sa.BigInteger()),
    ("ends_on", sa.Date()),
)


def upgrade() -> None:
    for name, type in _COLUMNS:
        op.add_column("rules", sa.Column(name, type))
    op.add_column("rules", sa.Column("reason", sa.String(), nullable=False, server_default=""))
    op.create_index(
        "ix_rules_ends_on", "rules", ["ends_on"], postgresql_where=sa.text("ends_on is not null")
    )
    op.create_index(
        "ix_events_of_creditor", "events", ["creditor_id", "id"],
        postgresql_where=sa.text("case_id is null"),
    )  # fmt: skip
    op.add_column(
        "invoices", sa.Column("type", sa.String(), nullable=False, server_default="invoice")
    )
    # The rules may say otherwise one day, so that it is not decided for ever.
    op.execute(
        "update invoices set decision = 'waiting', decided_on = null"
        " where decision = 'left out' and reason = 'before import date'"
    )


def downgrade() -> None:
    op.drop_column("invoices", "type")
    op.drop_index("ix_events_of_creditor", table_name="events")
    op.drop_index("ix_rules_ends_on", table_name="rules")
    op.drop_column("rules", "reason")
    for name, _ in reversed(_COLUMNS):
        op.drop_column("rules", name)
