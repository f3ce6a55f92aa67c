"""Checks of all stored files, and of the logs of envelopes; seen by the service alone.

Revision: 0044
After: 0043
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "file_checks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("after", sa.String(), nullable=False),
        _number("files"),
        _number("bytes"),
        _number("damaged"),
        _number("missing"),
        sa.Column("problems", JSONB(), nullable=False),
    )
    op.create_index(
        "uq_file_checks_going_on", "file_checks", [sa.text("(true)")], unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )  # fmt: skip
    op.create_table(
        "envelope_checks",
        sa.Column(
            "envelope_id", sa.BigInteger(), sa.ForeignKey("envelopes.id", ondelete="cascade"),
            primary_key=True, autoincrement=False,
        ),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("checked_at", _MOMENT, nullable=False),
        _number("events"),
        sa.Column("head_sha256", sa.String(), nullable=False),
        _number("broken_at", nullable=True),
        sa.Column("what", sa.String()),
    )  # fmt: skip
    op.create_index(
        "ix_envelope_checks_broken", "envelope_checks", ["envelope_id"],
        postgresql_where=sa.text("what is not null"),
    )  # fmt: skip
    for table in ("file_checks", "envelope_checks"):
        op.execute(f"grant select, insert, update, delete on {table} to reda_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ((select reda_is_service()))")
    op.execute("grant usage on all sequences in schema public to reda_app")


def downgrade() -> None:
    op.drop_table("envelope_checks")
    op.drop_table("file_checks")
