"""Versions of the agreement that ask to be accepted, and who has read those that only tell.

Revision: 0026
After: 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_CREDITOR = "creditor_id = any((select reda_creditors())::bigint[])"


def upgrade() -> None:
    op.add_column(
        "agreement_versions",
        sa.Column("is_material", sa.Boolean(), nullable=False, server_default="true"),
    )
    op.add_column("agreement_versions", sa.Column("valid_from_on", sa.Date()))
    op.add_column("agreement_versions", sa.Column("accept_by_on", sa.Date()))
    op.create_table(
        "agreement_readings",
        sa.Column(
            "creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), primary_key=True
        ),
        sa.Column(
            "version", sa.BigInteger(), sa.ForeignKey("agreement_versions.number"),
            primary_key=True,
        ),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
    )  # fmt: skip
    op.execute("grant select, insert, update on agreement_readings to reda_app")
    op.execute("alter table agreement_readings enable row level security")
    op.execute(
        "create policy wall on agreement_readings to reda_app"
        f" using ((select reda_is_service()) or {_CREDITOR})"
    )


def downgrade() -> None:
    op.drop_table("agreement_readings")
    for column in ("accept_by_on", "valid_from_on", "is_material"):
        op.drop_column("agreement_versions", column)
