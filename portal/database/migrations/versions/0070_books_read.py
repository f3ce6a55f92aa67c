"""Which cases do not agree with the books is kept each night, for the pages of the day.

Revision: 0070
After: 0069
"""

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None

_KIND = "ck_reconciled_left_kind"


def upgrade() -> None:
    op.drop_constraint(_KIND, "reconciled_left")
    op.create_check_constraint(
        op.f(_KIND), "reconciled_left", "kind in ('entry', 'case', 'status', 'refund')"
    )
    op.create_table(
        "books_read",
        sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute("alter table books_read enable row level security")
    op.execute("create policy wall on books_read to reda_app using ((select reda_is_service()))")
    op.execute("grant select, insert, update, delete on books_read to reda_app")


def downgrade() -> None:
    op.drop_table("books_read")
    op.execute("delete from reconciled_left where kind in ('status', 'refund')")
    op.drop_constraint(_KIND, "reconciled_left")
    op.create_check_constraint(op.f(_KIND), "reconciled_left", "kind in ('entry', 'case')")
