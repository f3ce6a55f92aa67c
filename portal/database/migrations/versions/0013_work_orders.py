"""Reports and archives that are made in the background, and who fetched them.

Revision: 0013
After: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_SEEN = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
_UNDER_WAY = "status in ('waiting', 'running')"


def upgrade() -> None:
    op.create_table(
        "work_orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("parameters", JSONB(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("state", JSONB(), nullable=False),
        sa.Column("files", JSONB(), nullable=False),
        sa.Column("failure", JSONB()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind in ('report', 'archive')", name=op.f("ck_work_orders_kind")),
        sa.CheckConstraint(
            "status in ('waiting', 'running', 'done', 'failed', 'cancelled', 'gone')",
            name=op.f("ck_work_orders_status"),
        ),
    )
    op.create_index("ix_work_orders_creditor", "work_orders", ["creditor_id", "kind", "id"])
    op.create_index(
        "ix_work_orders_under_way", "work_orders", ["touched_at"],
        postgresql_where=sa.text(_UNDER_WAY),
    )  # fmt: skip
    op.create_index(
        "ix_work_orders_expires", "work_orders", ["expires_at"],
        postgresql_where=sa.text("status = 'done'"),
    )  # fmt: skip
    op.create_table(
        "work_downloads",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("order_id", sa.BigInteger(), sa.ForeignKey("work_orders.id"), nullable=False),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index(op.f("ix_work_downloads_order_id"), "work_downloads", ["order_id"])
    for table in ("work_orders", "work_downloads"):
        op.execute(f"grant select, insert, update, delete on {table} to reda_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({_SEEN})")


def downgrade() -> None:
    op.drop_table("work_downloads")
    op.drop_table("work_orders")
