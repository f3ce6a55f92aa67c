"""Lists of cases that people keep under a name.

Revision: 0022
After: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_OF_COMPANY = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
_SEEN = (
    f"({_OF_COMPANY}) and"
    " ((select reda_is_service()) or person_id = (select reda_person()) or is_shared)"
)


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("person_name", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint(
            "creditor_id",
            "person_id",
            "name",
            name=op.f("uq_saved_views_creditor_id_person_id_name"),
        ),
    )
    op.execute("grant select, insert, update, delete on saved_views to reda_app")
    op.execute("alter table saved_views enable row level security")
    op.execute(f"create policy wall on saved_views to reda_app using ({_SEEN})")


def downgrade() -> None:
    op.drop_table("saved_views")
