"""How many employees a business customer has, for the report of payment behaviour.

Revision: 0021
After: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("debtors", sa.Column("size_class", sa.String()))
    op.create_check_constraint(
        op.f("ck_debtors_size_class"), "debtors", "size_class in ('0-9', '10-49', '50-249', '250+')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_debtors_size_class"), "debtors", type_="check")
    op.drop_column("debtors", "size_class")
