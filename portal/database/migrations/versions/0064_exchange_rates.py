"""Rates of exchange, for the tax in kronor of monthly statements in other currencies.

Revision: 0064
After: 0063
"""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_rates",
        sa.Column("currency", sa.String(), primary_key=True),
        sa.Column("on_day", sa.Date(), primary_key=True),
        sa.Column("rate", sa.Numeric(12, 6)),
        sa.Column("source", sa.String()),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_by", sa.String()),
        sa.Column("told_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("rate > 0", name=op.f("ck_exchange_rates_rate")),
        sa.CheckConstraint(
            "num_nulls(rate, source, told_by, told_at) in (0, 4)",
            name=op.f("ck_exchange_rates_told"),
        ),
    )
    op.execute("alter table exchange_rates enable row level security")
    op.execute(
        "create policy wall on exchange_rates to reda_app using ((select reda_is_service()))"
    )
    op.execute("grant select, insert, update on exchange_rates to reda_app")


def downgrade() -> None:
    op.drop_table("exchange_rates")
