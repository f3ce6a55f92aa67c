"""Requests to pay by card or from an account, beside those by Swish.

Revision: 0037
After: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "swish_requests", sa.Column("way", sa.String(), nullable=False, server_default="swish")
    )
    op.create_check_constraint(
        op.f("ck_swish_requests_way"), "swish_requests", "way in ('swish', 'card', 'account')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_swish_requests_way"), "swish_requests", type_="check")
    op.drop_column("swish_requests", "way")
